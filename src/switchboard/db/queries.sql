-- name: append_events
-- Adds events without a position.
insert into event (id, workspace_id, type, subject, data, cause_id)
select id, workspace_id, type, subject, data, :cause::uuid
from unnest(:ids::uuid[], :workspaces::uuid[], :types::text[], :subjects::uuid[], :data::jsonb[]) with ordinality
    as e (id, workspace_id, type, subject, data, place)
order by place;

-- name: lock_sequencer
-- True when this transaction is the one sequencer.
select pg_try_advisory_xact_lock(7301, 1);

-- name: number_events
-- Numbers the visible unnumbered events as they were appended, after the highest position; the unique index is the fence.
with fresh as (
    select id, nr from event where pos is null order by nr limit :limit::int
), numbered as (
    select id, (select coalesce(max(pos), 0) from event where pos is not null) + row_number() over (order by nr) as pos
    from fresh
)
update event set pos = numbered.pos from numbered where event.id = numbered.id;

-- name: read_events
-- The events after a position, in order.
select pos, at, id, data from event where pos > :after::bigint and pos <= :upto::bigint order by pos limit :limit::int;

-- name: read_some_events
-- The events of some types after a position, in order.
select pos, at, id, data from event where pos > :after::bigint and pos <= :upto::bigint and type = any (:types::text[])
order by pos limit :limit::int;

-- name: head_position
-- The highest position given.
select coalesce(max(pos), 0) from event where pos is not null;

-- name: ensure_follower
-- Makes a follower known.
insert into follower (name) values (:name) on conflict do nothing;

-- name: follower_position
-- How far a follower has read.
select pos from follower where name = :name;

-- name: lock_follower
-- How far a follower has read, holding it for this transaction; nothing when another holds it.
select pos from follower where name = :name for update skip locked;

-- name: hold_followers
-- How far some followers have read, holding those that nobody else holds, and how far the log goes.
select f.name, f.pos, (select coalesce(max(e.pos), 0) from event e where e.pos is not null) as head
from follower f where f.name = any (:names::text[]) order by f.name for update of f skip locked;

-- name: ensure_followers
-- Makes followers known.
insert into follower (name) select unnest(:names::text[]) on conflict do nothing;

-- name: advance_follower
-- Saves how far a follower has read.
update follower set pos = greatest(pos, :pos::bigint), updated_at = now() where name = :name;

-- name: add_jobs
-- Adds background jobs.
insert into job (workspace_id, id, kind, payload, due_at)
select workspace_id, id, kind, payload, coalesce(due_at, now())
from unnest(:workspaces::uuid[], :ids::uuid[], :kinds::text[], :payloads::jsonb[], :due::timestamptz[])
    as j (workspace_id, id, kind, payload, due_at);

-- name: claim_jobs
-- Takes due jobs of some kinds for a while; one whose holder died is due again when its time is over.
update job set state = 'running', holder = :holder::uuid, attempts = attempts + 1, claimed_until = now() + :seconds * interval '1 second'
where (workspace_id, id) in (
    select workspace_id, id from job
    where state in ('waiting', 'running') and due_at <= now() and (claimed_until is null or claimed_until < now())
      and kind = any (:kinds::text[])
    order by due_at, id limit :limit::int for update skip locked)
returning workspace_id, id, kind, payload, attempts, created_at;

-- name: finish_job
-- Records how a job ended; only its holder may.
update job set state = :state, error = :error, progress = case when :state = 'done' then 1 else progress end, claimed_until = null
where workspace_id = :workspace and id = :id and holder = :holder::uuid;

-- name: retry_job
-- Puts a job back for later; only its holder may.
update job set state = 'waiting', due_at = now() + :seconds * interval '1 second', error = :error, claimed_until = null
where workspace_id = :workspace and id = :id and holder = :holder::uuid;

-- name: prune_events
-- Forgets the log past its time, a bounded number at a time; the highest position stays, since the next one is counted from
-- it. Ids begin with the moment they were made, so that their index finds the old ones.
delete from event where id in (
    select id from event where id < :before::uuid and pos < (select max(pos) from event where pos is not null)
    order by id limit 5000);

-- name: prune_jobs
-- Forgets finished jobs past their time.
delete from job where state in ('done', 'cancelled') and created_at < :before::timestamptz;

-- name: lock_request
-- True when this transaction is the one that carries a request out.
select pg_try_advisory_xact_lock(hashtextextended(concat_ws(' ', :workspace::uuid::text, :actor::text, :key::text), 7305));

-- name: kept_request
-- The answer that a request got before.
select request_hash, status, answer from request_key where workspace_id = :workspace and actor = :actor and key = :key;

-- name: keep_request
-- Keeps the answer of a request.
insert into request_key (workspace_id, actor, key, request_hash, status, answer) values (:workspace, :actor, :key, :hash, :status, :answer);

-- name: prune_requests
-- Forgets answers that nobody asks for again.
delete from request_key where at < :before::timestamptz;
