-- The tables of every room, in the order of the floor plan. Ids are UUIDv7 made in the application.

-- tenancy ------------------------------------------------------------------------------------------------------------
create table workspace (
    id uuid primary key,
    name text not null,
    slug text not null unique,
    locale text not null default 'zh-CN',
    time_zone text not null default 'Asia/Shanghai',
    settings jsonb not null default '{}',
    created_at timestamptz not null default now()
);

-- staff --------------------------------------------------------------------------------------------------------------
create table account (
    id uuid primary key,
    email text not null unique,
    password_hash text not null,
    created_at timestamptz not null default now()
);

create table agent (
    workspace_id uuid not null references workspace (id),
    id uuid not null,
    account_id uuid not null references account (id),
    name text not null,
    role text not null check (role in ('agent', 'supervisor', 'administrator')),
    locale text not null default 'zh-CN',
    theme text not null default 'system',
    settings jsonb not null default '{}',
    disabled_at timestamptz,
    created_at timestamptz not null default now(),
    primary key (workspace_id, id),
    unique (workspace_id, account_id)
);
create index agent_account on agent (account_id);

create table team (
    workspace_id uuid not null references workspace (id),
    id uuid not null,
    name text not null,
    created_at timestamptz not null default now(),
    primary key (workspace_id, id),
    unique (workspace_id, name)
);

create table team_member (
    workspace_id uuid not null,
    team_id uuid not null,
    agent_id uuid not null,
    primary key (workspace_id, team_id, agent_id),
    foreign key (workspace_id, team_id) references team (workspace_id, id) on delete cascade,
    foreign key (workspace_id, agent_id) references agent (workspace_id, id) on delete cascade
);
create index team_member_agent on team_member (workspace_id, agent_id);

create table invitation (
    workspace_id uuid not null references workspace (id),
    id uuid not null,
    token_hash bytea not null unique,
    email text not null,
    name text not null,
    role text not null,
    team_ids uuid[] not null default '{}',
    invited_by uuid not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    accepted_at timestamptz,
    primary key (workspace_id, id)
);

create table session (
    workspace_id uuid not null references workspace (id),
    id uuid not null,
    token_hash bytea not null unique,
    csrf text not null,
    account_id uuid not null references account (id),
    agent_id uuid not null,
    address text not null default '',
    user_agent text not null default '',
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    primary key (workspace_id, id),
    foreign key (workspace_id, agent_id) references agent (workspace_id, id)
);
create index session_agent on session (workspace_id, agent_id);

create table api_key (
    workspace_id uuid not null references workspace (id),
    id uuid not null,
    name text not null,
    token_hash bytea not null unique,
    scopes text[] not null,
    created_by uuid not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    revoked_at timestamptz,
    primary key (workspace_id, id)
);

-- Failed sign-ins by account and by address; not a tenant's data.
create table sign_in_failure (
    key text primary key,
    failures int not null,
    until timestamptz not null
);

create table audit (
    workspace_id uuid not null references workspace (id),
    id uuid not null,
    at timestamptz not null default now(),
    actor_id uuid,
    actor_kind text not null,
    action text not null,
    target text not null default '',
    detail jsonb not null default '{}',
    primary key (workspace_id, id)
);

-- One answer for one Idempotency-Key; written in the transaction of the work.
create table request_key (
    workspace_id uuid not null references workspace (id),
    actor text not null,
    key text not null,
    request_hash bytea not null,
    status int not null,
    answer bytea not null,
    at timestamptz not null default now(),
    primary key (workspace_id, actor, key)
);
create index request_key_at on request_key (at);

-- connections --------------------------------------------------------------------------------------------------------
create table connection (
    workspace_id uuid not null references workspace (id),
    id uuid not null,
    kind text not null,
    name text not null,
    secret text not null unique,
    config_sealed bytea not null,
    revision int not null default 1,
    status text not null default 'grey',
    reason text not null default '',
    last_event_at timestamptz,
    disabled_at timestamptz,
    created_at timestamptz not null default now(),
    primary key (workspace_id, id),
    unique (id)
);

create table channel (
    workspace_id uuid not null,
    id uuid not null,
    connection_id uuid not null,
    kind text not null,
    name text not null,
    external_id text not null,
    status text not null default 'grey',
    reason text not null default '',
    team_id uuid,
    last_in_at timestamptz,
    last_out_at timestamptz,
    created_at timestamptz not null default now(),
    primary key (workspace_id, id),
    unique (workspace_id, connection_id, external_id),
    foreign key (workspace_id, connection_id) references connection (workspace_id, id),
    foreign key (workspace_id, team_id) references team (workspace_id, id)
);

-- Who may send, poll and hold sessions for a connection just now.
create table lease (
    workspace_id uuid not null,
    connection_id uuid not null primary key,
    holder uuid not null,
    expires_at timestamptz not null,
    foreign key (workspace_id, connection_id) references connection (workspace_id, id) on delete cascade
);

create table poll_cursor (
    workspace_id uuid not null,
    connection_id uuid not null,
    account text not null,
    cursor text not null,
    primary key (workspace_id, connection_id, account),
    foreign key (workspace_id, connection_id) references connection (workspace_id, id) on delete cascade
);

create table connection_event (
    workspace_id uuid not null,
    id uuid not null,
    connection_id uuid not null,
    at timestamptz not null default now(),
    level text not null,
    code text not null,
    message text not null,
    count int not null default 1,
    primary key (workspace_id, id),
    unique (workspace_id, connection_id, code),
    foreign key (workspace_id, connection_id) references connection (workspace_id, id) on delete cascade
);

-- files (blobs) ------------------------------------------------------------------------------------------------------
create table file (
    workspace_id uuid not null references workspace (id),
    id uuid not null,
    name text not null,
    mime text not null,
    size bigint not null,
    sha256 bytea not null,
    path text not null,
    width int,
    height int,
    duration real,
    origin text not null default '',
    uploaded_by uuid,
    created_at timestamptz not null default now(),
    primary key (workspace_id, id)
);

-- ingest -------------------------------------------------------------------------------------------------------------
create table raw (
    workspace_id uuid not null,
    id uuid not null,
    connection_id uuid not null,
    received_at timestamptz not null default now(),
    method text not null,
    url text not null,
    headers jsonb not null,
    body bytea,
    body_path text,
    error text,
    primary key (workspace_id, id)
);
create index raw_unreadable on raw (workspace_id, id) where error is not null;
create index raw_received on raw (received_at);

create table seen (
    connection_id uuid not null,
    dedupe_key text not null,
    workspace_id uuid not null,
    at timestamptz not null default now(),
    primary key (connection_id, dedupe_key)
);
create index seen_at on seen (at);

-- Facts and commands that wait for their lane; a row is deleted in the transaction that carries it out.
create table fact (
    workspace_id uuid not null,
    id uuid not null,
    connection_id uuid,
    channel_id uuid,
    raw_id uuid,
    lane int not null,
    body jsonb not null,
    received_at timestamptz not null,
    parked_at timestamptz,
    error text,
    cause_id uuid,
    depth smallint not null default 0,
    primary key (workspace_id, id)
);
create index fact_pending on fact (lane, id) where parked_at is null;
-- An index on what is parked, for the administrator.
create index fact_parked on fact (workspace_id, id) where parked_at is not null;

-- contacts -----------------------------------------------------------------------------------------------------------
create table contact (
    workspace_id uuid not null references workspace (id),
    id uuid not null,
    name text not null default '',
    kind text not null default 'person' check (kind in ('person', 'room')),
    level text not null default '',
    language text not null default '',
    notes text not null default '',
    tags text[] not null default '{}',
    attributes jsonb not null default '{}',
    avatar_file uuid,
    merged_into uuid,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz,
    primary key (workspace_id, id)
);
create index contact_recent on contact (workspace_id, last_seen_at desc nulls last, id) where merged_into is null;

create table identity (
    workspace_id uuid not null,
    id uuid not null,
    contact_id uuid not null,
    space text not null,
    value text not null,
    label text not null default '',
    verified boolean not null default true,
    unreachable text not null default '',
    created_at timestamptz not null default now(),
    primary key (workspace_id, id),
    unique (workspace_id, space, value),
    foreign key (workspace_id, contact_id) references contact (workspace_id, id)
);
create index identity_contact on identity (workspace_id, contact_id);

-- Identifiers somebody typed in or a platform does not vouch for: they suggest, they never merge.
create table claim (
    workspace_id uuid not null,
    contact_id uuid not null,
    space text not null,
    value text not null,
    created_at timestamptz not null default now(),
    primary key (workspace_id, contact_id, space, value),
    foreign key (workspace_id, contact_id) references contact (workspace_id, id)
);
create index claim_value on claim (workspace_id, space, value);

create table merge (
    workspace_id uuid not null,
    id uuid not null,
    kept_id uuid not null,
    merged_id uuid not null,
    record jsonb not null,
    by_id uuid,
    reason text not null default '',
    at timestamptz not null default now(),
    undone_at timestamptz,
    primary key (workspace_id, id)
);
create index merge_kept on merge (workspace_id, kept_id);

-- conversations ------------------------------------------------------------------------------------------------------
create table conversation (
    workspace_id uuid not null references workspace (id),
    id uuid not null,
    contact_id uuid not null,
    slot text not null,
    status text not null default 'new' check (status in ('new', 'open', 'pending', 'snoozed', 'resolved')),
    priority smallint not null default 1,
    subject text not null default '',
    tags text[] not null default '{}',
    channel_id uuid,
    version int not null default 1,
    last_position int not null default 0,
    inbound_count int not null default 0,
    seen_count int not null default 0,
    opened_at timestamptz not null default now(),
    resolved_at timestamptz,
    snoozed_until timestamptz,
    last_at timestamptz not null default now(),
    last_direction text not null default 'in',
    waiting_since timestamptz,
    preview text not null default '',
    primary key (workspace_id, id),
    foreign key (workspace_id, contact_id) references contact (workspace_id, id)
);
create unique index conversation_slot on conversation (workspace_id, contact_id, slot) where status <> 'resolved';
create index conversation_contact on conversation (workspace_id, contact_id, opened_at desc);
create index conversation_snoozed on conversation (snoozed_until) where status = 'snoozed';

-- By which of a conversation's channels the contact can be reached, and since when.
create table conversation_channel (
    workspace_id uuid not null,
    conversation_id uuid not null,
    channel_id uuid not null,
    address text not null,
    identity_id uuid,
    slot text not null default '',
    subject text not null default '',
    verified boolean not null default true,
    last_inbound_at timestamptz,
    last_external_id text not null default '',
    thread text[] not null default '{}',
    primary key (workspace_id, conversation_id, channel_id, address),
    foreign key (workspace_id, conversation_id) references conversation (workspace_id, id)
);
create index conversation_channel_address on conversation_channel (workspace_id, channel_id, address);
create index conversation_channel_identity on conversation_channel (workspace_id, identity_id);

create table message (
    workspace_id uuid not null,
    id uuid not null,
    conversation_id uuid not null,
    position int not null,
    direction text not null check (direction in ('in', 'out', 'note', 'event')),
    author_kind text not null,
    author_id uuid,
    channel_id uuid,
    identity_id uuid,
    address text not null default '',
    parts jsonb not null,
    external_id text,
    reply_to text,
    client_id uuid,
    occurred_at timestamptz not null,
    received_at timestamptz not null,
    filed_at timestamptz not null default now(),
    edited_at timestamptz,
    recalled_at timestamptz,
    backfill boolean not null default false,
    primary key (workspace_id, id),
    foreign key (workspace_id, conversation_id) references conversation (workspace_id, id)
);
create unique index message_position on message (workspace_id, conversation_id, position);
create unique index message_external on message (channel_id, external_id) where external_id is not null;

-- What a message said before it was edited.
create table message_version (
    workspace_id uuid not null,
    message_id uuid not null,
    at timestamptz not null,
    parts jsonb not null,
    primary key (workspace_id, message_id, at),
    foreign key (workspace_id, message_id) references message (workspace_id, id)
);

-- What a merge of contacts did to a conversation: joined to `target` at positions first–last, or only given away.
create table conversation_join (
    workspace_id uuid not null,
    id uuid not null,
    merge_id uuid not null,
    source uuid not null,
    target uuid,
    first int not null,
    last int not null,
    primary key (workspace_id, id)
);
create index conversation_join_merge on conversation_join (workspace_id, merge_id);

create table reaction (
    workspace_id uuid not null,
    channel_id uuid not null,
    external_id text not null,
    actor_id uuid not null,
    emoji text not null,
    at timestamptz not null,
    primary key (workspace_id, channel_id, external_id, actor_id)
);

-- Edits and recalls that came before their message.
create table waiting_change (
    workspace_id uuid not null,
    id uuid not null,
    channel_id uuid not null,
    external_id text not null,
    body jsonb not null,
    since timestamptz not null,
    parked_at timestamptz,
    primary key (workspace_id, id)
);
create index waiting_change_target on waiting_change (channel_id, external_id);

-- routing ------------------------------------------------------------------------------------------------------------
create table presence (
    workspace_id uuid not null,
    agent_id uuid not null,
    status text not null default 'offline' check (status in ('online', 'busy', 'offline')),
    capacity smallint not null default 6,
    load smallint not null default 0,
    connected boolean not null default false,
    seen_at timestamptz not null default now(),
    idle_since timestamptz not null default now(),
    primary key (workspace_id, agent_id)
);
create index presence_online on presence (seen_at) where status <> 'offline';

-- A conversation as a piece of work: in a queue, or with somebody.
create table work (
    workspace_id uuid not null,
    conversation_id uuid not null,
    state text not null check (state in ('queued', 'assigned', 'done')),
    team_id uuid,
    assignee_id uuid,
    priority smallint not null default 1,
    version int not null default 1,
    queued_at timestamptz not null default now(),
    assigned_at timestamptz,
    primary key (workspace_id, conversation_id)
);
create index work_queue on work (workspace_id, priority desc, queued_at, conversation_id) where state = 'queued';
create index work_assignee on work (workspace_id, assignee_id) where state = 'assigned';

create table assignment (
    workspace_id uuid not null,
    id uuid not null,
    conversation_id uuid not null,
    agent_id uuid,
    team_id uuid,
    by_kind text not null,
    by_id uuid,
    note text not null default '',
    at timestamptz not null default now(),
    primary key (workspace_id, id)
);
create index assignment_conversation on assignment (workspace_id, conversation_id, id);

-- delivery -----------------------------------------------------------------------------------------------------------
-- One platform send; a long message is cut into several pieces.
create table outbound (
    workspace_id uuid not null,
    id uuid not null,
    message_id uuid not null,
    piece smallint not null,
    pieces smallint not null,
    conversation_id uuid not null,
    connection_id uuid not null,
    channel_id uuid not null,
    address text not null,
    body jsonb not null,
    status text not null default 'queued'
        check (status in ('queued', 'sending', 'sent', 'delivered', 'read', 'failed', 'in_doubt')),
    attempts smallint not null default 0,
    first_tried_at timestamptz,
    due_at timestamptz not null default now(),
    batch_id uuid,
    passed boolean not null default false,
    external_id text,
    code text not null default '',
    error text not null default '',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (workspace_id, id),
    unique (workspace_id, message_id, piece)
);
create unique index outbound_external on outbound (channel_id, external_id) where external_id is not null;
create index outbound_due on outbound (connection_id, channel_id, address, id) where status in ('queued', 'sending');
create index outbound_conversation on outbound (workspace_id, conversation_id);
create index outbound_doubt on outbound (channel_id, address) where status in ('sending', 'in_doubt');

create table waiting_receipt (
    workspace_id uuid not null,
    id uuid not null,
    channel_id uuid not null,
    external_id text not null,
    body jsonb not null,
    since timestamptz not null,
    parked_at timestamptz,
    primary key (workspace_id, id)
);
create index waiting_receipt_target on waiting_receipt (channel_id, external_id);

-- workspace (read models) --------------------------------------------------------------------------------------------
create table inbox_row (
    workspace_id uuid not null,
    id uuid not null,
    version int not null,
    pos bigint not null,
    contact_id uuid not null,
    contact_name text not null,
    avatar_file uuid,
    status text not null,
    is_open boolean not null,
    priority smallint not null,
    slot text not null,
    subject text not null,
    channel_id uuid,
    kind text not null,
    kinds text[] not null,
    team_id uuid,
    assignee_id uuid,
    preview text not null,
    last_at timestamptz not null,
    last_direction text not null,
    waiting_since timestamptz,
    unread int not null,
    tags text[] not null,
    snoozed_until timestamptz,
    primary key (workspace_id, id)
);
create index inbox_open on inbox_row (workspace_id, is_open, last_at desc, id desc);
create index inbox_assignee on inbox_row (workspace_id, assignee_id, is_open, last_at desc, id desc);
create index inbox_team on inbox_row (workspace_id, team_id, is_open, last_at desc, id desc);
create index inbox_channel on inbox_row (workspace_id, channel_id, is_open, last_at desc, id desc);
create index inbox_waiting on inbox_row (workspace_id, waiting_since, id) where is_open and waiting_since is not null;
create index inbox_contact on inbox_row (workspace_id, contact_id, last_at desc);

-- Open conversations counted by who has them; kept by the projector.
create table inbox_counter (
    workspace_id uuid not null,
    status text not null,
    team_id uuid not null,
    assignee_id uuid not null,
    channel_id uuid not null,
    n int not null,
    primary key (workspace_id, status, team_id, assignee_id, channel_id)
);

create table search_document (
    workspace_id uuid not null,
    id uuid not null,
    kind text not null,
    conversation_id uuid,
    contact_id uuid,
    channel_id uuid,
    at timestamptz not null,
    terms tsvector not null,
    primary key (workspace_id, kind, id)
);
create index search_document_terms on search_document using gin (terms) with (fastupdate = on);

-- the event log (db) -------------------------------------------------------------------------------------------------
create table event (
    id uuid primary key,
    workspace_id uuid not null,
    pos bigint,
    type text not null,
    subject uuid not null,
    data jsonb not null,
    at timestamptz not null default now(),
    cause_id uuid
);
create unique index event_pos on event (pos) where pos is not null;
create index event_unnumbered on event (id) where pos is null;

create table follower (
    name text primary key,
    pos bigint not null default 0,
    updated_at timestamptz not null default now()
);

-- background jobs (db) -----------------------------------------------------------------------------------------------
create table job (
    workspace_id uuid not null,
    id uuid not null,
    kind text not null,
    payload jsonb not null,
    state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed', 'cancelled')),
    due_at timestamptz not null default now(),
    attempts smallint not null default 0,
    progress real not null default 0,
    error text not null default '',
    holder uuid,
    claimed_until timestamptz,
    created_at timestamptz not null default now(),
    primary key (workspace_id, id)
);
create index job_due on job (due_at, id) where state in ('waiting', 'running');

-- row-level security -------------------------------------------------------------------------------------------------
do $$
declare
    owned record;
begin
    if not exists (select from pg_roles where rolname = 'switchboard_api') then
        create role switchboard_api nologin;
    end if;
    execute format('grant switchboard_api to %I', current_user);
    for owned in
        select c.table_name from information_schema.columns c
        join information_schema.tables b using (table_schema, table_name)
        where c.table_schema = current_schema() and c.column_name = 'workspace_id' and b.table_type = 'BASE TABLE'
    loop
        execute format('alter table %I enable row level security', owned.table_name);
        execute format(
            'create policy own_workspace on %I using (workspace_id = (select nullif(current_setting(''app.workspace_id'', true), '''')::uuid))',
            owned.table_name);
        execute format('grant select, insert, update, delete on %I to switchboard_api', owned.table_name);
    end loop;
    alter table workspace enable row level security;
    create policy own_workspace on workspace using (id = (select nullif(current_setting('app.workspace_id', true), '')::uuid));
    grant select, update on workspace to switchboard_api;
    grant usage on schema public to switchboard_api;
end
$$;

-- People are found across workspaces only by the owner; the API role sees those of its workspace.
alter table account enable row level security;
create policy own_workspace on account using (exists (
    select from agent
    where agent.account_id = account.id
      and agent.workspace_id = (select nullif(current_setting('app.workspace_id', true), '')::uuid)));
grant select, update on account to switchboard_api;

-- views that rooms publish ---------------------------------------------------------------------------------------------
create view connections_v_channel with (security_invoker = true) as
    select workspace_id, id, connection_id, kind, name, external_id, status, team_id from channel;
create view connections_v_connection with (security_invoker = true) as
    select workspace_id, id, kind, name, status, disabled_at from connection;
create view staff_v_agent with (security_invoker = true) as
    select workspace_id, id, name, role, disabled_at from agent;
create view staff_v_team with (security_invoker = true) as
    select workspace_id, id, name from team;
create view staff_v_team_member with (security_invoker = true) as
    select workspace_id, team_id, agent_id from team_member;
create view contacts_v_contact with (security_invoker = true) as
    select workspace_id, id, name, kind, language, avatar_file, merged_into from contact;
create view contacts_v_identity with (security_invoker = true) as
    select workspace_id, id, contact_id, space, value, verified, unreachable from identity;
create view conversations_v_conversation with (security_invoker = true) as
    select * from conversation;
create view conversations_v_message with (security_invoker = true) as
    select * from message;
create view conversations_v_channel with (security_invoker = true) as
    select * from conversation_channel;
create view conversations_v_reaction with (security_invoker = true) as
    select * from reaction;
create view routing_v_work with (security_invoker = true) as
    select * from work;
create view routing_v_presence with (security_invoker = true) as
    select * from presence;
create view routing_v_assignment with (security_invoker = true) as
    select * from assignment;
create view delivery_v_outbound with (security_invoker = true) as
    select * from outbound;
create view tenancy_v_workspace with (security_invoker = true) as
    select id, name, slug, locale, time_zone, settings from workspace;
grant select on
    connections_v_channel, connections_v_connection, staff_v_agent, staff_v_team, staff_v_team_member, contacts_v_contact,
    contacts_v_identity, conversations_v_conversation, conversations_v_message, conversations_v_channel,
    conversations_v_reaction, routing_v_work, routing_v_presence, routing_v_assignment, delivery_v_outbound,
    tenancy_v_workspace
    to switchboard_api;
