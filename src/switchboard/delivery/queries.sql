-- name: channels
-- The connection and kind behind some channels.
select id, connection_id, kind, external_id from connections_v_channel where id = any (:ids::uuid[]);

-- name: enqueue
-- Queues pieces to be sent.
insert into outbound (workspace_id, id, message_id, piece, pieces, conversation_id, connection_id, channel_id, address, body, status, code, error)
select * from unnest(
    :workspaces::uuid[], :ids::uuid[], :messages::uuid[], :piece::int[], :pieces::int[], :conversations::uuid[], :connections::uuid[],
    :channels::uuid[], :addresses::text[], :bodies::jsonb[], :statuses::text[], :codes::text[], :errors::text[])
on conflict do nothing;

-- name: used_handles
-- Which handles of customers' messages have been sent along already.
select distinct o.body ->> 'handle' as handle from outbound o
join unnest(:conversations::uuid[], :handles::text[]) as h (conversation_id, handle)
    on o.conversation_id = h.conversation_id and o.body ->> 'handle' = h.handle;

-- name: claim
-- One head piece per recipient of a connection, marked as being sent in a batch. A head that has been retried for over a
-- minute is no head while it waits for its next turn: those behind it pass, but for the rest of its own message.
with heads as (
    select distinct on (w.channel_id, w.address) w.workspace_id, w.id, w.status, w.due_at from outbound w
    where w.connection_id = :connection and w.status in ('queued', 'sending')
      and not (w.status = 'queued' and w.due_at > now() and w.first_tried_at < now() - interval '60 seconds')
      and not (w.piece > 0 and exists (select from outbound b where b.workspace_id = w.workspace_id and b.message_id = w.message_id
        and b.piece < w.piece and b.status in ('queued', 'sending')))
    order by w.channel_id, w.address, w.nr
), chosen as (
    select o.workspace_id, o.id from outbound o join heads h on h.workspace_id = o.workspace_id and h.id = o.id
    where h.status = 'queued' and h.due_at <= now()
    order by o.nr limit :limit::int for update of o skip locked
)
update outbound o set status = 'sending', batch_id = :batch::uuid, attempts = o.attempts + 1,
    first_tried_at = coalesce(o.first_tried_at, now()), updated_at = now()
from chosen where o.workspace_id = chosen.workspace_id and o.id = chosen.id and o.status = 'queued'
returning o.workspace_id, o.id, o.message_id, o.piece, o.conversation_id, o.channel_id, o.address, o.body, o.attempts,
    o.first_tried_at, o.batch_id, o.nr;

-- name: stranded
-- Pieces that wait on a red connection although their channel names a fallback, in order behind one; held, so that no
-- sender takes them meanwhile.
select o.workspace_id, o.message_id, o.pieces, o.nr from outbound o
join connections_v_channel h on h.workspace_id = o.workspace_id and h.id = o.channel_id
    and h.status = 'red' and h.fallback_channel_id is not null
where o.status = 'queued' and o.created_at < :before::timestamptz and o.nr > :behind::bigint
order by o.nr limit :limit::int for update of o skip locked;

-- name: give_up
-- Lets the queued pieces of some messages fail.
update outbound set status = 'failed', code = :code, error = :error, updated_at = now()
where (workspace_id, message_id) in (select * from unnest(:workspaces::uuid[], :messages::uuid[])) and status = 'queued'
returning workspace_id, conversation_id, message_id;

-- name: take_spoken
-- All that waits to be said to one person, marked as being sent.
with chosen as (
    select workspace_id, id from outbound
    where connection_id = :connection and channel_id = :channel and address = :address and status = 'queued'
    order by nr limit 20 for update skip locked
)
update outbound o set status = 'sending', batch_id = :batch::uuid, attempts = o.attempts + 1,
    first_tried_at = coalesce(o.first_tried_at, now()), updated_at = now()
from chosen where o.workspace_id = chosen.workspace_id and o.id = chosen.id
returning o.workspace_id, o.id, o.message_id, o.piece, o.conversation_id, o.channel_id, o.address, o.body, o.attempts,
    o.first_tried_at, o.batch_id, o.nr;

-- name: orphans
-- Pieces that a dead holder of the lease left in the middle of a send.
update outbound set status = case when :idempotent::boolean then 'queued' else 'in_doubt' end, updated_at = now(),
    code = case when :idempotent::boolean then code else 'interrupted' end
where connection_id = :connection and status = 'sending' and (batch_id is null or not (batch_id = any (:batches::uuid[])))
returning workspace_id, message_id, conversation_id, status;

-- name: record
-- Writes down how sends ended. Only the attempt that is under way may fail, wait or be doubted; that it went out is true
-- whoever says so; what a receipt said meanwhile stays. An id that the platform has used for another piece is left out.
with u as (
    select * from unnest(:workspaces::uuid[], :ids::uuid[], :batches::uuid[], :statuses::text[], :externals::text[], :codes::text[],
        :errors::text[], :due::timestamptz[]) as u (workspace_id, id, batch_id, status, external_id, code, error, due_at)
), named as (
    select u.*, o.status = 'sending' and o.batch_id is not distinct from u.batch_id as own,
        u.status in ('sent', 'delivered', 'read') and coalesce(array_position(array['sent', 'failed', 'delivered', 'read'], u.status), 0)
            > coalesce(array_position(array['sent', 'failed', 'delivered', 'read'], o.status), 0) as went_out,
        u.external_id <> '' and o.external_id is null
            and row_number() over (partition by o.channel_id, u.external_id order by o.id) = 1
            and not exists (select from outbound x where x.channel_id = o.channel_id and x.external_id = u.external_id) as fresh
    from u join outbound o on o.workspace_id = u.workspace_id and o.id = u.id
)
update outbound o set
    status = case when n.own or n.went_out then n.status else o.status end,
    external_id = case when n.fresh then n.external_id else o.external_id end,
    code = case when n.own or n.went_out then n.code else o.code end,
    error = case when n.own or n.went_out then n.error else o.error end,
    due_at = case when n.own then coalesce(n.due_at, o.due_at) else o.due_at end, updated_at = now(),
    passed = o.passed or (n.own and n.status = 'queued' and o.first_tried_at < now() - interval '60 seconds')
from named n where o.workspace_id = n.workspace_id and o.id = n.id
returning o.workspace_id, o.id, o.message_id, o.conversation_id, o.channel_id, o.external_id, o.status;

-- name: raise_status
-- Lifts pieces to what their receipts say; a status only rises, and a failure never undoes an arrival.
update outbound o set status = u.status, code = u.code, error = u.error, updated_at = now()
from (
    select distinct on (channel_id, external_id) * from unnest(
        :channels::uuid[], :externals::text[], :statuses::text[], :ranks::int[], :codes::text[], :errors::text[])
        as r (channel_id, external_id, status, rank, code, error)
    order by channel_id, external_id, rank desc
) u
where o.channel_id = u.channel_id and o.external_id = u.external_id
  and u.rank > case o.status when 'queued' then 0 when 'sending' then 0 when 'in_doubt' then 0 when 'sent' then 1 when 'failed' then 2
      when 'delivered' then 3 else 4 end
returning o.workspace_id, o.message_id, o.conversation_id, o.status;

-- name: raise_up_to
-- Lifts what went to an address until a moment (give or take two seconds between two clocks) to what a watermark says.
update outbound o set status = u.status, updated_at = now()
from (
    select distinct on (channel_id, address, status) * from unnest(:channels::uuid[], :addresses::text[], :statuses::text[],
        :up_to::timestamptz[]) as r (channel_id, address, status, up_to)
    where r.status in ('delivered', 'read')
    order by channel_id, address, status desc, up_to desc
) u
where o.channel_id = u.channel_id and o.address = u.address and o.status in ('sending', 'sent', 'in_doubt', 'delivered')
  and o.status <> u.status and o.first_tried_at <= u.up_to + interval '2 seconds'
  and o.id in (select x.id from outbound x where x.channel_id = u.channel_id and x.address = u.address
    and x.status in ('sending', 'sent', 'in_doubt', 'delivered') order by x.nr desc limit 200)
  and not exists (select from unnest(:channels::uuid[], :addresses::text[], :statuses::text[], :up_to::timestamptz[])
    as h (channel_id, address, status, up_to) where u.status = 'delivered' and h.status = 'read' and h.channel_id = u.channel_id
    and h.address = u.address and o.first_tried_at <= h.up_to + interval '2 seconds')
returning o.workspace_id, o.message_id, o.conversation_id, o.status;

-- name: known_externals
-- Which platform ids are those of our pieces.
select channel_id, external_id from outbound
where (channel_id, external_id) in (select * from unnest(:channels::uuid[], :externals::text[]));

-- name: settle
-- A receipt or echo tells the platform's id of a piece, which was sent then; an id that another piece has is left out.
update outbound o set external_id = k.external_id, updated_at = now(),
    status = case when o.status in ('queued', 'sending', 'in_doubt') then 'sent' else o.status end,
    code = case when o.status in ('queued', 'sending', 'in_doubt') then '' else o.code end,
    error = case when o.status in ('queued', 'sending', 'in_doubt') then '' else o.error end
from (
    select distinct on (channel_id, external_id) * from unnest(:channels::uuid[], :messages::uuid[], :pieces::int[], :externals::text[])
        as k (channel_id, message_id, piece, external_id)
) k
where o.channel_id = k.channel_id and o.message_id = k.message_id and o.piece = k.piece and o.external_id is null
  and not exists (select from outbound x where x.channel_id = k.channel_id and x.external_id = k.external_id)
returning o.workspace_id, o.message_id, o.conversation_id, o.channel_id, o.external_id, o.status;

-- name: hold_receipts
-- Keeps receipts whose message isn't known by that id yet.
insert into waiting_receipt (workspace_id, id, channel_id, external_id, body, since)
select * from unnest(:workspaces::uuid[], :ids::uuid[], :channels::uuid[], :externals::text[], :bodies::jsonb[], :since::timestamptz[]);

-- name: take_waiting_receipts
-- Receipts that waited for these platform ids.
delete from waiting_receipt where (channel_id, external_id) in (select * from unnest(:channels::uuid[], :externals::text[]))
returning workspace_id, channel_id, external_id, body;

-- name: park_receipts
-- Gives up on receipts whose message never became known.
update waiting_receipt set parked_at = now() where parked_at is null and since < :before::timestamptz;

-- name: prune_receipts
-- Forgets receipts that were given up.
delete from waiting_receipt where parked_at < :before::timestamptz;

-- name: resend
-- Queues the failed or doubtful pieces of a message again.
update outbound set status = 'queued', due_at = now(), first_tried_at = null, attempts = 0, passed = false, batch_id = null,
    external_id = null, code = '', error = '', updated_at = now()
where workspace_id = :workspace and message_id = :message and status in ('failed', 'in_doubt')
returning conversation_id;

-- name: message_status
-- How far messages got: the least of their pieces.
select workspace_id, message_id, (array_agg(status order by array_position(
    array['failed', 'in_doubt', 'queued', 'sending', 'sent', 'delivered', 'read'], status)))[1] as status
from outbound where (workspace_id, message_id) in (select * from unnest(:workspaces::uuid[], :messages::uuid[]))
group by workspace_id, message_id;

-- name: pending_connections
-- Connections that have something to send now.
select distinct workspace_id, connection_id from outbound where status = 'queued' and due_at <= now();

-- name: overdue_receipts
-- Receipts that wait although their piece is known.
select distinct w.channel_id, w.external_id from waiting_receipt w
join outbound o on o.channel_id = w.channel_id and o.external_id = w.external_id
where w.parked_at is null and w.held_at > :since::timestamptz limit 500;

-- name: register_device
-- Remembers a device, or whose it is from now on.
insert into device (workspace_id, id, channel_id, address, service, token, language)
values (:workspace, :id, :channel, :address, :service, :token, :language)
on conflict (workspace_id, channel_id, token) do update set address = excluded.address, service = excluded.service,
    language = excluded.language, registered_at = now();

-- name: trim_devices
-- Forgets the devices of a person that they registered longest ago, beyond so many.
delete from device where workspace_id = :workspace and channel_id = :channel and address = :address and id not in (
    select id from device where workspace_id = :workspace and channel_id = :channel and address = :address
    order by registered_at desc, id desc limit :each::int);

-- name: unregister_device
-- Forgets a person's device.
delete from device where workspace_id = :workspace and channel_id = :channel and address = :address and token = :token;

-- name: devices_of_messages
-- The devices of those to whom some messages went.
select d.workspace_id, d.id as device_id, m.id as message_id
from unnest(:workspaces::uuid[], :messages::uuid[]) as w (workspace_id, message_id)
join conversations_v_message m on m.workspace_id = w.workspace_id and m.id = w.message_id
join device d on d.workspace_id = m.workspace_id and d.channel_id = m.channel_id and d.address = m.address
order by m.id, d.id;

-- name: device_and_message
-- A device and the message for which it is to be woken: whether it arrived, was taken back, and when it was written.
select c.connection_id, d.channel_id, d.address, d.service, d.token, d.language, m.conversation_id, m.filed_at,
    m.recalled_at is not null as recalled,
    exists (select from outbound o where o.workspace_id = m.workspace_id and o.message_id = m.id
        and o.status in ('delivered', 'read', 'failed')) as arrived
from device d join conversations_v_message m on m.workspace_id = d.workspace_id and m.id = :message and m.channel_id = d.channel_id
    and m.address = d.address
join connections_v_channel c on c.workspace_id = d.workspace_id and c.id = d.channel_id
where d.workspace_id = :workspace and d.id = :device;

-- name: remove_device
-- Forgets a device that was not registered again after a moment.
delete from device where workspace_id = :workspace and id = :id and registered_at <= :since::timestamptz;
