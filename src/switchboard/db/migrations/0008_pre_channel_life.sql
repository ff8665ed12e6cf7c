-- What keeps a channel alive: access tokens shared by all processes, reply windows, traffic by the hour, alarms, a way to fall back.
create table access_token (
    workspace_id uuid not null,
    connection_id uuid not null,
    name text not null,
    sealed bytea not null,
    expires_at timestamptz not null,
    primary key (workspace_id, connection_id, name),
    foreign key (workspace_id, connection_id) references connection (workspace_id, id) on delete cascade
);

-- How many messages came and went by a channel in an hour: tells what silence is unusual.
create table channel_hour (
    workspace_id uuid not null,
    channel_id uuid not null,
    hour timestamptz not null,
    inbound int not null default 0,
    outbound int not null default 0,
    primary key (workspace_id, channel_id, hour)
);

-- What an administrator should know now: a red connection, an unusual silence. Open until it is over or put away.
create table alarm (
    workspace_id uuid not null,
    id uuid not null,
    connection_id uuid not null,
    channel_id uuid,
    code text not null check (code in ('red', 'silent', 'quality')),
    detail text not null default '',
    data jsonb not null default '{}',
    at timestamptz not null default now(),
    over_at timestamptz,
    seen_at timestamptz,
    seen_by uuid,
    primary key (workspace_id, id),
    foreign key (workspace_id, connection_id) references connection (workspace_id, id) on delete cascade
);
create unique index alarm_open on alarm (
    workspace_id, connection_id, code, coalesce(channel_id, '00000000-0000-0000-0000-000000000000')) where over_at is null;

alter table connection add column checked_at timestamptz;
alter table channel add column fallback_channel_id uuid;

-- Which reply windows a customer opened and when, and what the platform wants to see with an answer.
alter table conversation_channel add column opened jsonb not null default '{}';
alter table conversation_channel add column handle text not null default '';
alter table conversation_channel add column handle_at timestamptz;

-- What stands above the comments of a post, and who a platform said somebody is: looked up once.
alter table identity add column looked_up_at timestamptz;

do $$
declare
    named text;
begin
    foreach named in array array['access_token', 'channel_hour', 'alarm'] loop
        execute format('alter table %I enable row level security', named);
        execute format(
            'create policy own_workspace on %I using (workspace_id = (select nullif(current_setting(''app.workspace_id'', true), '''')::uuid))',
            named);
        execute format('grant select, insert, update, delete on %I to switchboard_api', named);
    end loop;
end
$$;

create or replace view connections_v_channel with (security_invoker = true) as
    select workspace_id, id, connection_id, kind, name, external_id, status, team_id, auto_reply, fallback_channel_id from channel;
create or replace view conversations_v_channel with (security_invoker = true) as
    select * from conversation_channel;

-- Watermarks tell of an address, not of a message.
-- squawk-ignore require-concurrent-index-creation
create index outbound_unread on outbound (channel_id, address, nr) where status in ('sending', 'sent', 'in_doubt', 'delivered');

-- An inbound message ends a channel's silence.
-- squawk-ignore require-concurrent-index-creation
create index alarm_silent on alarm (channel_id) where code = 'silent' and over_at is null;
