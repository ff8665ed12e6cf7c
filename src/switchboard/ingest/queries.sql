-- name: accept
-- Keeps raw bodies and files each fact that was not seen before; returns how many facts are new.
with bodies as (
    insert into raw (workspace_id, id, connection_id, received_at, method, url, headers, body, body_path, error)
    select * from unnest(
        :raw_workspaces::uuid[], :raw_ids::uuid[], :raw_connections::uuid[], :raw_received::timestamptz[],
        :raw_methods::text[], :raw_urls::text[], :raw_headers::jsonb[], :raw_bodies::bytea[], :raw_paths::text[],
        :raw_errors::text[])
), arrived as (
    select * from unnest(
        :workspaces::uuid[], :ids::uuid[], :connections::uuid[], :channels::uuid[], :raws::uuid[], :lanes::int[],
        :bodies::jsonb[], :received::timestamptz[], :keys::text[], :errors::text[])
        as a (workspace_id, id, connection_id, channel_id, raw_id, lane, body, received_at, dedupe_key, error)
), fresh as (
    insert into seen (connection_id, dedupe_key, workspace_id)
    select distinct on (connection_id, dedupe_key) connection_id, dedupe_key, workspace_id
    from arrived order by connection_id, dedupe_key, id
    on conflict do nothing
    returning connection_id, dedupe_key
), filed as (
    insert into fact (workspace_id, id, connection_id, channel_id, raw_id, lane, body, received_at, parked_at, error)
    select distinct on (connection_id, dedupe_key)
        workspace_id, id, connection_id, channel_id, raw_id, lane, body, received_at,
        case when error is not null then now() end, error
    from arrived join fresh using (connection_id, dedupe_key)
    order by connection_id, dedupe_key, id
    returning 1
)
select count(*) from filed;

-- name: file_commands
-- Files commands and held facts for their lanes.
insert into fact (workspace_id, id, connection_id, channel_id, raw_id, lane, body, received_at, cause_id, depth, parked_at, error)
select workspace_id, id, connection_id, channel_id, raw_id, lane, body, now(), cause_id, depth,
    case when error is not null then now() end, error
from unnest(
    :workspaces::uuid[], :ids::uuid[], :connections::uuid[], :channels::uuid[], :raws::uuid[], :lanes::int[],
    :bodies::jsonb[], :causes::uuid[], :depths::int[], :errors::text[])
    as c (workspace_id, id, connection_id, channel_id, raw_id, lane, body, cause_id, depth, error);

-- name: lock_lanes
-- Lanes with work that nobody else holds, starting from a random one so that none starves.
with waiting as (
    (select distinct lane from (
        select lane from fact where parked_at is null and lane >= :start::int order by lane limit 2000) a)
    union
    (select distinct lane from (
        select lane from fact where parked_at is null and lane < :start::int order by lane limit 1000) b)
), candidates as materialized (
    select lane from waiting order by (lane < :start::int), lane limit :lanes::int
)
select lane from candidates where pg_try_advisory_xact_lock(7302, lane);

-- name: claim_facts
-- The waiting facts of locked lanes, in order.
select workspace_id, id, connection_id, channel_id, raw_id, lane, body, received_at, cause_id, depth
from fact where parked_at is null and lane = any (:lanes::int[]) order by lane, id limit :limit::int;

-- name: finish_facts
-- Removes facts that were carried out in this transaction.
delete from fact where (workspace_id, id) in (select * from unnest(:workspaces::uuid[], :ids::uuid[]));

-- name: park_fact
-- Puts a fact aside with its error, in nobody's way.
update fact set parked_at = now(), error = :error where workspace_id = :workspace and id = :id;

-- name: dead_letters
-- What an administrator should look at: parked facts and unreadable bodies, newest first.
(select 'parked' as state, f.id, f.received_at, f.error, coalesce(f.body ->> 'fact', f.body ->> 'command') as fact,
    f.channel_id, f.connection_id,
    left(f.body::text, 400) as preview
from fact f where f.workspace_id = :workspace and f.parked_at is not null and f.id < :before::uuid
order by f.id desc limit :limit::int)
union all
(select 'unreadable', r.id, r.received_at, r.error, null, null, r.connection_id,
    coalesce(left(encode(substring(r.body from 1 for 400), 'escape'), 400), '')
from raw r where r.workspace_id = :workspace and r.error is not null and r.id < :before::uuid
order by r.id desc limit :limit::int)
order by 2 desc limit :limit::int;

-- name: parked_fact
-- One parked fact, whole.
select id, received_at, error, body, channel_id, connection_id, raw_id from fact
where workspace_id = :workspace and id = :id and parked_at is not null;

-- name: raw_body
-- One raw body, whole.
select id, workspace_id, connection_id, received_at, method, url, headers, body, body_path, error from raw
where workspace_id = :workspace and id = :id;

-- name: replay_fact
-- Lets a parked fact try again, by the channel it belongs to now.
update fact set parked_at = null, error = null, channel_id = coalesce(channel_id, :channel::uuid)
where workspace_id = :workspace and id = :id and parked_at is not null;

-- name: settle_raw
-- An unreadable body was read after all, or was put away by a person.
update raw set error = null where workspace_id = :workspace and id = :id and error is not null;

-- name: discard_fact
-- Puts a parked fact away for good.
delete from fact where workspace_id = :workspace and id = :id and parked_at is not null;

-- name: prune_seen
-- Forgets what no platform repeats any more.
delete from seen where (connection_id, dedupe_key) in (
    select connection_id, dedupe_key from seen where at < :before::timestamptz limit 10000);

-- name: prune_raw
-- Forgets raw bodies past their time; returns the files to delete.
delete from raw where (workspace_id, id) in (
    select workspace_id, id from raw where received_at < :before::timestamptz limit 2000)
returning body_path;

-- name: claim_one
-- Locks one fact's lane if it is free and the fact still waits.
select pg_try_advisory_xact_lock(7302, lane) from fact where workspace_id = :workspace and id = :id and parked_at is null;

-- name: still_first
-- Whether a fact still waits and nothing before it in its lane; asked after the lane was locked.
select true from fact f where f.workspace_id = :workspace and f.id = :id and f.parked_at is null
    and not exists (select from fact o where o.lane = f.lane and o.id < f.id and o.parked_at is null);

-- name: raw_of_fact
-- The raw body that a parked fact was read from.
select r.body, r.body_path from fact f join raw r on r.workspace_id = f.workspace_id and r.id = f.raw_id
where f.workspace_id = :workspace and f.id = :id and f.parked_at is not null;

-- name: backlog
-- What of a connection waits, and what is parked or could not be read.
select (select count(*) from fact where workspace_id = :workspace and connection_id = :connection and parked_at is null)::int as waiting,
    ((select count(*) from fact where workspace_id = :workspace and connection_id = :connection and parked_at is not null)
     + (select count(*) from raw where workspace_id = :workspace and connection_id = :connection and error is not null))::int as parked;
