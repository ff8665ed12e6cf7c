-- name: enqueue
-- Puts opened conversations into the queue of their channel's team; one that is somebody's stays with them.
insert into work (workspace_id, conversation_id, state, team_id, priority, queued_at)
select q.workspace_id, q.conversation_id, 'queued', ch.team_id, q.priority, q.at
from unnest(:workspaces::uuid[], :conversations::uuid[], :channels::uuid[], :priorities::int[], :at::timestamptz[])
    as q (workspace_id, conversation_id, channel_id, priority, at)
left join connections_v_channel ch on ch.workspace_id = q.workspace_id and ch.id = q.channel_id
on conflict (workspace_id, conversation_id) do update set state = 'queued', queued_at = excluded.queued_at,
    version = work.version + 1
where work.state = 'done'
returning workspace_id, conversation_id, team_id;

-- name: lock_router
-- True when this transaction is the workspace's one router.
select pg_try_advisory_xact_lock(7303, hashtext(:workspace::uuid::text));

-- name: workspaces_with_queue
-- Where anybody waits.
select distinct workspace_id from work where state = 'queued';

-- name: waiting
-- The head of a workspace's queues.
select w.conversation_id, w.team_id, w.priority, w.queued_at, w.assignee_id as last_agent_id from work w
where w.workspace_id = :workspace and w.state = 'queued'
order by w.priority desc, w.queued_at, w.conversation_id limit :limit::int;

-- name: free_agents
-- Agents who are online, connected and have room, with their teams.
select p.agent_id, p.load, p.capacity, p.idle_since,
    array(select m.team_id from staff_v_team_member m where m.workspace_id = p.workspace_id and m.agent_id = p.agent_id) as team_ids
from presence p join staff_v_agent a on a.workspace_id = p.workspace_id and a.id = p.agent_id and a.disabled_at is null
where p.workspace_id = :workspace and p.status = 'online' and p.connected and p.load < p.capacity;

-- name: lock_presences
-- Agents' room, locked in id order.
select agent_id, status, load, capacity from presence
where workspace_id = :workspace and agent_id = any (:agents::uuid[]) order by agent_id for update;

-- name: add_load
-- Adds to the load of agents who were locked and have room.
update presence p set load = p.load + c.n, idle_since = :at::timestamptz
from unnest(:agents::uuid[], :counts::int[]) as c (agent_id, n)
where p.workspace_id = :workspace and p.agent_id = c.agent_id;

-- name: burden
-- Adds to an agent's load whatever room there is: a person decided so.
insert into presence (workspace_id, agent_id, load, idle_since) values (:workspace, :agent, 1, :at)
on conflict (workspace_id, agent_id) do update set load = presence.load + 1, idle_since = excluded.idle_since;

-- name: release
-- Takes from an agent's load.
update presence set load = greatest(load - 1, 0), idle_since = :at::timestamptz where workspace_id = :workspace and agent_id = :agent;

-- name: hold_queued
-- Of these pieces of work those that still wait and that nobody else is just giving away, locked.
select conversation_id from work
where workspace_id = :workspace and conversation_id = any (:conversations::uuid[]) and state = 'queued'
order by conversation_id for update skip locked;

-- name: hold_work
-- Pieces of work, locked in id order.
select conversation_id from work where workspace_id = :workspace and conversation_id = any (:conversations::uuid[])
order by conversation_id for update;

-- name: prioritise
-- Changes how urgent a piece of work is.
update work set priority = :priority, version = version + 1
where workspace_id = :workspace and conversation_id = :conversation and priority <> :priority;

-- name: assign_queued
-- Gives conversations that wait to agents.
update work w set state = 'assigned', assignee_id = g.agent_id, assigned_at = :at::timestamptz, version = w.version + 1
from unnest(:conversations::uuid[], :agents::uuid[]) as g (conversation_id, agent_id)
where w.workspace_id = :workspace and w.conversation_id = g.conversation_id and w.state = 'queued';

-- name: record_routed
-- Remembers what the router gave to whom.
insert into assignment (workspace_id, id, conversation_id, agent_id, team_id, by_kind, at)
select :workspace, id, conversation_id, agent_id, team_id, 'system', :at::timestamptz
from unnest(:ids::uuid[], :conversations::uuid[], :agents::uuid[], :teams::uuid[]) as g (id, conversation_id, agent_id, team_id);

-- name: lock_work
-- One piece of work, locked.
select conversation_id, state, team_id, assignee_id, priority, version from work
where workspace_id = :workspace and conversation_id = :conversation for update;

-- name: set_work
-- Puts a piece of work where it belongs now.
insert into work (workspace_id, conversation_id, state, team_id, assignee_id, queued_at, assigned_at)
values (:workspace, :conversation, :state, :team::uuid, :agent::uuid, :at::timestamptz, case when :state = 'assigned' then :at::timestamptz end)
on conflict (workspace_id, conversation_id) do update set state = excluded.state, team_id = excluded.team_id,
    assignee_id = excluded.assignee_id, version = work.version + 1, assigned_at = excluded.assigned_at,
    queued_at = case when excluded.state = 'queued' then excluded.queued_at else work.queued_at end;

-- name: record_assignment
-- Remembers who got it, from whom, and the note that went with it.
insert into assignment (workspace_id, id, conversation_id, agent_id, team_id, by_kind, by_id, note, at)
values (:workspace, :id, :conversation, :agent::uuid, :team::uuid, :by_kind, :by::uuid, :note, :at);

-- name: agent_exists
-- Whether somebody can be given work.
select exists (select from staff_v_agent where workspace_id = :workspace and id = :agent and disabled_at is null);

-- name: team_exists
-- Whether there is such a team.
select exists (select from staff_v_team where workspace_id = :workspace and id = :team);

-- name: set_presence
-- Says how available an agent is.
insert into presence (workspace_id, agent_id, status, seen_at, idle_since, connected, load)
select :workspace, :agent, :status, :at, :at, :status <> 'offline', count(*) from work
where workspace_id = :workspace and assignee_id = :agent and state = 'assigned'
on conflict (workspace_id, agent_id) do update set status = excluded.status, seen_at = excluded.seen_at,
    connected = presence.connected or excluded.connected
returning status;

-- name: set_capacity
-- Says how many conversations an agent answers at once.
insert into presence (workspace_id, agent_id, capacity) values (:workspace, :agent, :capacity)
on conflict (workspace_id, agent_id) do update set capacity = excluded.capacity;

-- name: heartbeat
-- Agents whose screens are open on some web process.
update presence p set seen_at = now(), connected = true
from unnest(:workspaces::uuid[], :agents::uuid[]) as h (workspace_id, agent_id)
where p.workspace_id = h.workspace_id and p.agent_id = h.agent_id;

-- name: vanished
-- Agents who should be here and whose screens have been gone too long.
select workspace_id, agent_id from presence where status <> 'offline' and seen_at < :before::timestamptz;

-- name: work_of
-- What an agent has in hand, locked.
select conversation_id, team_id from work where workspace_id = :workspace and assignee_id = :agent and state = 'assigned'
order by conversation_id for update;

-- name: work_left
-- What an agent has in hand, with what came while their presence was changed; somebody else's moves are left to them.
select conversation_id, team_id from work where workspace_id = :workspace and assignee_id = :agent and state = 'assigned'
order by conversation_id for update skip locked;

-- name: moment
-- The transaction's own time.
select now();
