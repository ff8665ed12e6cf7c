-- name: said
-- What was said in one direction, every conversation in its own order.
select m.parts -> 0 ->> 'text' as text from message m
join conversation c on c.workspace_id = m.workspace_id and c.id = m.conversation_id
where m.direction = :direction order by c.opened_at, c.id, m.position;

-- name: pieces
-- How every send stands.
select body -> 'parts' -> 0 ->> 'text' as text, status, attempts, code, error, due_at, updated_at from outbound;

-- name: still_01
-- facts that wait
select count(*) from fact where parked_at is null;

-- name: still_02
-- events without a number
select count(*) from event where pos is null;

-- name: still_03
-- answers on their way
select count(*) from outbound where status in ('queued', 'sending');

-- name: still_04
-- followers behind
select count(*) from (values ('inbox'), ('search')) as f (name) left join follower r using (name)
where coalesce(r.pos, 0) < (select coalesce(max(pos), 0) from event);

-- name: still_05
-- leases held by the dead
select count(*) from connection c where c.disabled_at is null
and not exists (select from lease l where l.connection_id = c.id and l.expires_at > now());

-- name: wrong_01
-- facts parked
select id::text || ': ' || error from fact where parked_at is not null;

-- name: wrong_02
-- bodies unreadable
select id::text || ': ' || error from raw where error is not null;

-- name: wrong_03
-- timeline: positions without gaps
select conversation_id::text from message group by conversation_id
having min(position) <> 1 or max(position) <> count(*) or count(distinct position) <> count(*);

-- name: wrong_04
-- conversations: last position and unread count
select c.id::text from conversation c join lateral (
    select max(position) as last, count(*) filter (where direction = 'in') as inbound from message m
    where m.workspace_id = c.workspace_id and m.conversation_id = c.id) m on true
where c.last_position <> m.last or c.inbound_count <> m.inbound;

-- name: wrong_05
-- event log: positions without gaps
select 'after ' || before::text from (select pos, lag(pos, 1, 0::bigint) over (order by pos) as before from event) e
where pos <> before + 1;

-- name: wrong_06
-- event log: one event per message
select m.id::text from message m left join event e on e.type = 'message_filed' and e.data ->> 'message_id' = m.id::text
group by m.id having count(e.id) <> 1;

-- name: wrong_07
-- event log: no event without its message
select e.id::text from event e where e.type = 'message_filed'
and not exists (select from message m where m.id::text = e.data ->> 'message_id');

-- name: wrong_08
-- search: one document per message
select coalesce(m.id, d.id)::text from message m full join (select * from search_document where kind = 'message') d
    on d.workspace_id = m.workspace_id and d.id = m.id
where m.id is null or d.id is null;

-- name: wrong_09
-- inbox: one row per conversation
select coalesce(c.id, r.id)::text from conversation c full join inbox_row r on r.workspace_id = c.workspace_id and r.id = c.id
where c.id is null or r.id is null;

-- name: wrong_10
-- inbox: rows as their tables have it
select r.id::text from inbox_row r join conversation c on c.workspace_id = r.workspace_id and c.id = r.id
join contact p on p.workspace_id = c.workspace_id and p.id = c.contact_id
left join work w on w.workspace_id = c.workspace_id and w.conversation_id = c.id
left join channel h on h.workspace_id = c.workspace_id and h.id = c.channel_id
where (r.version, r.status, r.is_open, r.contact_id, r.contact_name, r.channel_id, r.kind, r.team_id, r.preview, r.last_at,
       r.last_direction, r.waiting_since, r.unread, r.assignee_id)
    is distinct from (c.version + coalesce(w.version, 0), c.status, c.status <> 'resolved', c.contact_id, p.name, c.channel_id,
       coalesce(h.kind, ''), w.team_id, c.preview, c.last_at, c.last_direction, c.waiting_since,
       greatest(c.inbound_count - c.seen_count, 0),
       case when w.state = 'assigned' or c.status = 'resolved' then w.assignee_id end);

-- name: wrong_11
-- inbox: counters
with counted as (
    select workspace_id, status, coalesce(team_id, '00000000-0000-0000-0000-000000000000') as team_id,
        coalesce(assignee_id, '00000000-0000-0000-0000-000000000000') as assignee_id,
        coalesce(channel_id, '00000000-0000-0000-0000-000000000000') as channel_id, count(*) as n
    from inbox_row where is_open group by 1, 2, 3, 4, 5)
select status || ' is ' || coalesce(k.n, 0) || ', should be ' || coalesce(c.n, 0)
from counted c full join (select * from inbox_counter where n <> 0) k
    using (workspace_id, status, team_id, assignee_id, channel_id)
where coalesce(k.n, 0) <> coalesce(c.n, 0);

-- name: wrong_12
-- routing: loads
select p.agent_id::text || ' is ' || p.load || ', should be ' || count(w.conversation_id) from presence p
left join work w on w.workspace_id = p.workspace_id and w.assignee_id = p.agent_id and w.state = 'assigned'
group by p.workspace_id, p.agent_id, p.load having p.load <> count(w.conversation_id);

-- name: wrong_13
-- routing: open work for every open conversation
select c.id::text || ' is ' || c.status || ', its work ' || coalesce(w.state, 'missing') from conversation c
left join work w on w.workspace_id = c.workspace_id and w.conversation_id = c.id
where (c.status = 'resolved') <> (coalesce(w.state, 'done') = 'done');

-- name: wrong_14
-- contacts: one per customer
select string_agg(id::text, ' ') || ' ' || name from contact where merged_into is null group by name having count(*) > 1;

-- name: wrong_15
-- receipts: none waits for a message that is known
select w.external_id from waiting_receipt w join outbound o on o.channel_id = w.channel_id and o.external_id = w.external_id;
