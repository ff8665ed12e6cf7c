-- name: add_workspace
-- The company that everything belongs to.
insert into workspace (id, name, slug) values (:workspace, 'Bench', 'bench');

-- name: add_connections
-- Connected accounts with credentials sealed by the installation's own key.
insert into connection (workspace_id, id, kind, name, secret, config_sealed, status)
select :workspace, id, kind, kind, secret, sealed, 'green'
from unnest(:ids::uuid[], :kinds::text[], :secrets::text[], :sealed::bytea[]) as c (id, kind, secret, sealed);

-- name: add_channels
-- One channel for each connection.
insert into channel (workspace_id, id, connection_id, kind, name, external_id, status)
select :workspace, id, connection_id, kind, kind, external_id, 'green'
from unnest(:ids::uuid[], :connections::uuid[], :kinds::text[], :externals::text[]) as c (id, connection_id, kind, external_id);

-- name: add_accounts
-- People who can't sign in: they come with a session.
insert into account (id, email, password_hash)
select id, 'agent' || nr || '@bench.example', '-' from unnest(:ids::uuid[]) with ordinality as a (id, nr);

-- name: add_agents
-- Agents of one role each.
insert into agent (workspace_id, id, account_id, name, role)
select :workspace, id, account_id, 'Agent ' || nr, role
from unnest(:ids::uuid[], :accounts::uuid[], :roles::text[]) with ordinality as a (id, account_id, role, nr);

-- name: add_sessions
-- A session for each agent, by the digest of its token.
insert into session (workspace_id, id, token_hash, csrf, account_id, agent_id, expires_at)
select :workspace, id, token_hash, 'bench', account_id, agent_id, now() + interval '1 day'
from unnest(:ids::uuid[], :hashes::bytea[], :accounts::uuid[], :agents::uuid[]) as s (id, token_hash, account_id, agent_id);

-- name: add_presences
-- Agents who are here with endless room; seen in the future, so that none is taken for gone during a run.
insert into presence (workspace_id, agent_id, status, capacity, connected, seen_at)
select :workspace, id, :status, 32000, :status = 'online', now() + interval '1 day' from unnest(:ids::uuid[]) as a (id);

-- name: add_teams
-- Teams.
insert into team (workspace_id, id, name)
select :workspace, id, 'Team ' || nr from unnest(:ids::uuid[]) with ordinality as t (id, nr);

-- name: add_members
-- Each agent in one team, in turns.
insert into team_member (workspace_id, team_id, agent_id)
select :workspace, (:teams::uuid[])[1 + nr % cardinality(:teams::uuid[])], id
from unnest(:agents::uuid[]) with ordinality as a (id, nr);

-- name: filed_since
-- Which messages of one run are there.
select external_id from message where external_id like :prefix::text || '%';

-- name: gaps
-- How many conversations have a gap or a doubled place in their timeline.
select count(*) from (
    select conversation_id from message group by workspace_id, conversation_id
    having count(*) <> max(position) or min(position) <> 1) broken;

-- name: left_over
-- What the pipe has still to do: facts that wait, events without a place, events the inbox or the search index has not read.
select (select count(*) from fact) as facts, (select count(*) from event where pos is null) as unnumbered,
    (select coalesce(max(pos), 0) from event) - (select pos from follower where name = 'inbox') as inbox,
    (select coalesce(max(pos), 0) from event) - (select pos from follower where name = 'search') as search;

-- name: unassigned
-- How many conversations no agent was given.
select count(*) from work where state <> 'assigned';

-- name: no_checks
-- Loads without foreign-key checks, which the made-up rows satisfy; this session only, which is a superuser's.
set session_replication_role = replica;

-- name: indexes
-- How to make the indexes of a table that are not its primary key.
select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
where indrelid = :relation::text::regclass and not indisprimary;

-- name: make_samples
-- Texts and people made by Python, analysed by the product's own analyser.
create unlogged table sample_text (nr int primary key, preview text not null, parts jsonb not null, terms text not null);
create unlogged table sample_person (nr int primary key, name text not null, phone text not null, terms text not null);
create unlogged table sample_contact (nr int primary key, id uuid not null, identity_id uuid not null);
create unlogged table sample_case (nr int primary key, id uuid not null, person int not null, last_at timestamptz not null,
    is_open boolean not null, messages int not null, status text not null, assignee_id uuid, team_id uuid, channel_id uuid not null,
    kind text not null, tags text[] not null);

-- name: add_sample
-- One text.
insert into sample_text (nr, preview, parts, terms) values (:nr::int, :preview, :parts::jsonb, :terms);

-- name: make_cases
-- One row for each conversation to be: who, how long, how old, in which state. The newest twentieth is open. The numbers
-- after % are primes, so that one property does not follow from another.
insert into sample_case (nr, id, person, last_at, is_open, messages, status, assignee_id, team_id, channel_id, kind, tags)
select nr, uuidv7(-age), 1 + nr % :people::int, now() - age, nr <= :total::int / 20,
    (array[2, 3, 4, 5, 6, 8, 10, 12, 18, 32])[1 + nr % 10],
    case when nr > :total::int / 20 then 'resolved' else (array['new', 'open', 'open', 'open', 'pending'])[1 + nr % 5] end,
    case when nr <= :total::int / 20 and nr % 3 = 0 then null else (:agents::uuid[])[1 + nr % 47] end,
    case when nr % 4 = 0 then null else (:teams::uuid[])[1 + nr % 3] end,
    (:channels::uuid[])[1 + nr % 2], (:kinds::text[])[1 + nr % 2],
    case when nr % 97 = 0 then array['refund'] when nr % 11 = 0 then array['vip'] else '{}' end
from (select nr, interval '1 minute' * (case when nr <= :total::int / 20 then nr * 4320.0 / (:total::int / 20.0)
        else 4320 + (nr - :total::int / 20.0) * 255000.0 / :total::int end) as age
    from generate_series(1, :total::int) nr) aged;

-- name: make_contacts
-- Ids for each person.
insert into sample_contact (nr, id, identity_id) select nr, uuidv7(), uuidv7() from sample_person;

-- name: analyse_samples
-- Statistics, so that filling is planned well.
analyze sample_text, sample_person, sample_contact, sample_case;

-- name: fill_contacts
-- Contacts.
insert into contact (workspace_id, id, name, last_seen_at)
select :workspace, c.id, p.name, now() from sample_contact c join sample_person p using (nr);

-- name: fill_identities
-- Their identities.
insert into identity (workspace_id, id, contact_id, space, value)
select :workspace, c.identity_id, c.id, 'phone', p.phone from sample_contact c join sample_person p using (nr);

-- name: fill_conversations
-- Conversations.
insert into conversation (workspace_id, id, contact_id, slot, status, tags, channel_id, last_position, inbound_count, seen_count, opened_at,
    resolved_at, last_at, last_direction, waiting_since, preview)
select :workspace, s.id, c.id, 'case', s.status, s.tags, s.channel_id, s.messages, (s.messages + 1) / 2,
    case when s.is_open and s.nr % 2 = 0 then 0 else (s.messages + 1) / 2 end, s.last_at - interval '1 hour',
    case when not s.is_open then s.last_at end, s.last_at, case when s.nr % 2 = 0 then 'in' else 'out' end,
    case when s.is_open and s.nr % 2 = 0 then s.last_at end, t.preview
from sample_case s join sample_contact c on c.nr = s.person join sample_text t on t.nr = 1 + s.nr % :texts::int;

-- name: fill_channels
-- By which channel each conversation is answered.
insert into conversation_channel (workspace_id, conversation_id, channel_id, address, identity_id, last_inbound_at)
select :workspace, s.id, s.channel_id, p.phone, c.identity_id, s.last_at
from sample_case s join sample_contact c on c.nr = s.person join sample_person p on p.nr = s.person;

-- name: fill_work
-- Who has it.
insert into work (workspace_id, conversation_id, state, team_id, assignee_id, queued_at, assigned_at)
select :workspace, s.id, case when not s.is_open then 'done' when s.assignee_id is null then 'queued' else 'assigned' end, s.team_id,
    s.assignee_id, s.last_at, s.last_at from sample_case s;

-- name: fill_inbox
-- The read model, as the projector would have left it.
insert into inbox_row (workspace_id, id, version, pos, contact_id, contact_name, status, is_open, priority, slot, subject, channel_id, kind,
    kinds, team_id, assignee_id, preview, last_at, last_direction, waiting_since, unread, tags)
select v.workspace_id, v.id, v.version, s.nr, v.contact_id, p.name, v.status, s.is_open, v.priority, v.slot, v.subject, v.channel_id, s.kind,
    array[s.kind], s.team_id, s.assignee_id, v.preview, v.last_at, v.last_direction, v.waiting_since, v.inbound_count - v.seen_count, v.tags
from conversation v join sample_case s on s.id = v.id join sample_person p on p.nr = s.person where v.workspace_id = :workspace;

-- name: fill_counters
-- The counters, as the projector would have left them.
insert into inbox_counter (workspace_id, status, team_id, assignee_id, channel_id, n)
select workspace_id, status, coalesce(team_id, '00000000-0000-0000-0000-000000000000'),
    coalesce(assignee_id, '00000000-0000-0000-0000-000000000000'), channel_id, count(*)
from inbox_row where workspace_id = :workspace and is_open group by 1, 2, 3, 4, 5;

-- name: fill_messages
-- A slice of the messages: of the conversations from one number to another, each with a text drawn by a hash.
insert into message (workspace_id, id, conversation_id, position, direction, author_kind, author_id, channel_id, identity_id, address, parts,
    external_id, occurred_at, received_at, filed_at)
select :workspace, uuidv7(said.at - now()), s.id, said.position, case when said.position % 2 = 1 then 'in' else 'out' end,
    case when said.position % 2 = 1 then 'contact' else 'agent' end, case when said.position % 2 = 1 then c.id else s.assignee_id end,
    s.channel_id, c.identity_id, p.phone, t.parts, 'wamid.' || s.nr || '.' || said.position, said.at, said.at, said.at
from sample_case s join sample_contact c on c.nr = s.person join sample_person p on p.nr = s.person
cross join lateral (select position, s.last_at - interval '2 minutes' * (s.messages - position) as at
    from generate_series(1, s.messages) position) said
join sample_text t on t.nr = 1 + abs(hashint8(s.nr * 64::bigint + said.position)::bigint) % :texts::int
where s.nr between :first::int and :last::int;

-- name: fill_documents
-- The search documents of the same slice, as the indexer would have left them.
insert into search_document (workspace_id, id, kind, conversation_id, contact_id, channel_id, at, terms)
select m.workspace_id, m.id, 'message', m.conversation_id, m.author_id, m.channel_id, m.occurred_at, t.terms::tsvector
from sample_case s join message m on m.workspace_id = :workspace and m.conversation_id = s.id
join sample_text t on t.nr = 1 + abs(hashint8(s.nr * 64::bigint + m.position)::bigint) % :texts::int
where s.nr between :first::int and :last::int;

-- name: fill_people
-- The search documents of the contacts.
insert into search_document (workspace_id, id, kind, contact_id, at, terms)
select :workspace, c.id, 'contact', c.id, now(), p.terms::tsvector from sample_contact c join sample_person p using (nr);

-- name: matches
-- How many messages hold a term.
select count(*) from search_document where workspace_id = :workspace and kind = 'message' and terms @@ :query::text::tsquery;

-- name: drop_samples
-- Takes away what was only needed for loading.
drop table sample_text, sample_person, sample_case, sample_contact;
