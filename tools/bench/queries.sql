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
