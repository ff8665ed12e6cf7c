-- name: lock_slots
-- The conversation each slot goes on with (open, else the one a mail answers, else lately resolved), locked in id order.
select k.nr, c.id, c.status, c.last_position, c.inbound_count, c.waiting_since, c.contact_id
from unnest(:workspaces::uuid[], :contacts::uuid[], :slots::text[], :threads::uuid[]) with ordinality
    as k (workspace_id, contact_id, slot, thread, nr)
cross join lateral (
    select x.id from conversation x
    where x.workspace_id = k.workspace_id and x.contact_id = k.contact_id and x.slot = k.slot
      and (x.status <> 'resolved' or x.id = k.thread or x.resolved_at > :reopen_after::timestamptz)
    order by (x.status <> 'resolved') desc, (x.id = k.thread) desc nulls last, x.opened_at desc limit 1
) f
join conversation c on c.workspace_id = k.workspace_id and c.id = f.id
order by c.id
for no key update of c;

-- name: open_conversations
-- Opens a conversation in each slot that has none; who loses a race opens nothing.
insert into conversation (workspace_id, id, contact_id, slot, subject, channel_id, status, opened_at)
select * from unnest(
    :workspaces::uuid[], :ids::uuid[], :contacts::uuid[], :slots::text[], :subjects::text[], :channels::uuid[], :statuses::text[],
    :at::timestamptz[])
    as o (workspace_id, id, contact_id, slot, subject, channel_id, status, opened_at)
order by workspace_id, contact_id, slot
on conflict (workspace_id, contact_id, slot) where status <> 'resolved' do nothing;

-- name: threads_of
-- The conversations in which mails were said: by their Message-ID, or by our own message's id inside it.
select external_id, id, conversation_id from message
where channel_id = any (:channels::uuid[]) and external_id = any (:references::text[])
union all
select null, id, conversation_id from message
where (workspace_id, id) in (select w, i from unnest(:workspaces::uuid[]) w, unnest(:own::uuid[]) i);

-- name: known_messages
-- Which of these platform ids are those of messages filed already.
select channel_id, external_id from message
where (channel_id, external_id) in (select * from unnest(:channels::uuid[], :externals::text[]));

-- name: file_messages
-- Files messages at their positions; one that is there already is left out.
insert into message (workspace_id, id, conversation_id, position, direction, author_kind, author_id, channel_id, identity_id,
    address, parts, external_id, reply_to, client_id, occurred_at, received_at, backfill, auto)
select * from unnest(
    :workspaces::uuid[], :ids::uuid[], :conversations::uuid[], :positions::int[], :directions::text[], :author_kinds::text[],
    :authors::uuid[], :channels::uuid[], :identities::uuid[], :addresses::text[], :parts::jsonb[], :externals::text[],
    :replies::text[], :clients::uuid[], :occurred::timestamptz[], :received::timestamptz[], :backfills::boolean[], :autos::boolean[])
on conflict do nothing
returning id;

-- name: advance_conversations
-- Notes what the latest filing did to each conversation.
update conversation c set
    status = u.status, last_position = u.last_position, inbound_count = c.inbound_count + u.inbound,
    last_at = greatest(c.last_at, u.at), last_direction = u.direction, preview = u.preview, waiting_since = u.waiting_since,
    channel_id = coalesce(u.channel_id, c.channel_id),
    resolved_at = case when u.status = 'resolved' then c.resolved_at end,
    snoozed_until = case when u.status = 'snoozed' then c.snoozed_until end,
    version = c.version + u.bump, seen_count = case when u.bump > 0 then c.inbound_count else c.seen_count end
from unnest(:workspaces::uuid[], :ids::uuid[], :statuses::text[], :positions::int[], :inbound::int[], :at::timestamptz[],
    :directions::text[], :previews::text[], :waiting::timestamptz[], :channels::uuid[], :bumps::int[])
    as u (workspace_id, id, status, last_position, inbound, at, direction, preview, waiting_since, channel_id, bump)
where c.workspace_id = u.workspace_id and c.id = u.id;

-- name: note_channels
-- Remembers by which channel and address each conversation can be answered.
insert into conversation_channel (workspace_id, conversation_id, channel_id, address, identity_id, slot, subject, verified,
    last_inbound_at, last_external_id, thread, opened, handle, handle_at)
select workspace_id, conversation_id, channel_id, address, identity_id, slot, subject, verified, last_inbound_at,
    last_external_id, string_to_array(thread, ' '), opened, handle, case when handle <> '' then last_inbound_at end
from unnest(:workspaces::uuid[], :conversations::uuid[], :channels::uuid[], :addresses::text[], :identities::uuid[], :slots::text[],
    :subjects::text[], :verified::boolean[], :at::timestamptz[], :externals::text[], :threads::text[], :opened::jsonb[], :handles::text[])
    as n (workspace_id, conversation_id, channel_id, address, identity_id, slot, subject, verified, last_inbound_at,
        last_external_id, thread, opened, handle)
on conflict (workspace_id, conversation_id, channel_id, address) do update set
    last_inbound_at = greatest(conversation_channel.last_inbound_at, excluded.last_inbound_at),
    last_external_id = case when excluded.last_external_id <> '' then excluded.last_external_id else conversation_channel.last_external_id end,
    thread = case when cardinality(excluded.thread) > 0 then excluded.thread else conversation_channel.thread end,
    subject = case when excluded.subject <> '' then excluded.subject else conversation_channel.subject end,
    opened = case when conversation_channel.last_inbound_at > excluded.last_inbound_at then excluded.opened || conversation_channel.opened
        else conversation_channel.opened || excluded.opened end,
    handle = case when excluded.handle <> '' then excluded.handle else conversation_channel.handle end,
    handle_at = coalesce(excluded.handle_at, conversation_channel.handle_at),
    verified = excluded.verified, identity_id = excluded.identity_id;

-- name: take_waiting_changes
-- Edits and recalls that waited for these messages.
delete from waiting_change where (channel_id, external_id) in (select * from unnest(:channels::uuid[], :externals::text[]))
returning workspace_id, id, channel_id, external_id, body, since;

-- name: find_messages
-- Messages by the platform's id, locked in id order.
select m.workspace_id, m.id, m.conversation_id, m.channel_id, m.external_id, m.parts, m.edited_at, m.recalled_at from message m
where (m.channel_id, m.external_id) in (select * from unnest(:channels::uuid[], :externals::text[]))
order by m.conversation_id, m.id for no key update;

-- name: hold_changes
-- Keeps edits and recalls whose message isn't there yet.
insert into waiting_change (workspace_id, id, channel_id, external_id, body, since)
select * from unnest(:workspaces::uuid[], :ids::uuid[], :channels::uuid[], :externals::text[], :bodies::jsonb[], :since::timestamptz[]);

-- name: edit_messages
-- Rewrites messages, keeping what they said before; two edits of one moment are told apart by microseconds.
with e as (
    select * from unnest(:workspaces::uuid[], :ids::uuid[], :parts::jsonb[], :at::timestamptz[]) as e (workspace_id, id, parts, at)
), kept as (
    insert into message_version (workspace_id, message_id, at, parts)
    select m.workspace_id, m.id, e.at + (select count(*) from message_version v
        where v.workspace_id = m.workspace_id and v.message_id = m.id) * interval '1 microsecond', m.parts
    from e join message m on m.workspace_id = e.workspace_id and m.id = e.id
    where m.recalled_at is null and (m.edited_at is null or m.edited_at <= e.at)
    on conflict do nothing
)
update message m set parts = e.parts, edited_at = e.at from e where m.workspace_id = e.workspace_id and m.id = e.id
    and m.recalled_at is null and (m.edited_at is null or m.edited_at <= e.at);

-- name: recall_messages
-- Marks messages as taken back by their sender.
update message m set recalled_at = e.at from unnest(:workspaces::uuid[], :ids::uuid[], :at::timestamptz[]) as e (workspace_id, id, at)
where m.workspace_id = e.workspace_id and m.id = e.id;

-- name: react
-- Puts, replaces or (empty emoji) takes away somebody's reaction.
insert into reaction (workspace_id, channel_id, external_id, actor_id, emoji, at)
select distinct on (channel_id, external_id, actor_id) workspace_id, channel_id, external_id, actor_id, emoji, at
from unnest(:workspaces::uuid[], :channels::uuid[], :externals::text[], :actors::uuid[], :emojis::text[], :at::timestamptz[])
    with ordinality as r (workspace_id, channel_id, external_id, actor_id, emoji, at, place)
order by channel_id, external_id, actor_id, at desc, place desc
on conflict (workspace_id, channel_id, external_id, actor_id)
do update set emoji = excluded.emoji, at = excluded.at where reaction.at <= excluded.at;

-- name: reacted_conversations
-- In which conversations the messages reacted to were said.
select m.workspace_id, m.conversation_id, m.id as message_id from message m
where (m.channel_id, m.external_id) in (select * from unnest(:channels::uuid[], :externals::text[]))
union
select o.workspace_id, o.conversation_id, o.message_id from delivery_v_outbound o
where (o.channel_id, o.external_id) in (select * from unnest(:channels::uuid[], :externals::text[]));

-- name: echo_matches
-- Sends of ours that an echo may be: the same platform id, our own key, or still under way to the same person.
select e.nr, o.message_id, o.piece, o.external_id is not distinct from e.external_id as same,
    o.message_id = e.message_id and o.piece = e.piece as keyed, o.body
from unnest(:channels::uuid[], :externals::text[], :addresses::text[], :messages::uuid[], :pieces::int[]) with ordinality
    as e (channel_id, external_id, address, message_id, piece, nr)
join delivery_v_outbound o on o.channel_id = e.channel_id and (o.external_id = e.external_id
    or (o.message_id = e.message_id and o.piece = e.piece)
    or (o.address = e.address and o.status in ('sending', 'in_doubt') and o.external_id is null))
order by same desc, keyed desc nulls last, o.id;

-- name: guard
-- Conversations locked in id order, with the version agents see.
select c.id, c.status, c.contact_id, c.slot, c.last_position, c.inbound_count, c.waiting_since, c.version as own_version,
    c.preview, c.last_direction, c.last_at,
    (select coalesce(max(w.version), 0) from routing_v_work w where w.workspace_id = c.workspace_id and w.conversation_id = c.id) as work_version
from conversation c where c.workspace_id = :workspace and c.id = any (:ids::uuid[]) order by c.id for no key update of c;

-- name: reply_channels
-- By which channels a conversation can be answered, the latest used first.
select r.channel_id, r.address, r.identity_id, r.slot, r.subject, r.verified, r.last_inbound_at, r.last_external_id, r.thread,
    r.opened, r.handle, r.handle_at
from conversation_channel r where r.workspace_id = :workspace and r.conversation_id = :id
order by r.verified desc, r.last_inbound_at desc nulls last;

-- name: borrow_channel
-- Lets a conversation be answered by an address that its contact used in another one.
insert into conversation_channel (workspace_id, conversation_id, channel_id, address, identity_id, slot, subject, verified,
    last_inbound_at, last_external_id, thread, opened)
select r.workspace_id, c.id, r.channel_id, r.address, r.identity_id, r.slot, '', r.verified, r.last_inbound_at, '', '{}', r.opened
from conversation c
join conversation o on o.workspace_id = c.workspace_id and o.contact_id = c.contact_id and o.id <> c.id
join conversation_channel r on r.workspace_id = o.workspace_id and r.conversation_id = o.id
    and r.channel_id = :channel::uuid and r.address = :address
where c.workspace_id = :workspace and c.id = :id
order by r.last_inbound_at desc nulls last limit 1
on conflict (workspace_id, conversation_id, channel_id, address) do update set address = excluded.address
returning channel_id, address, identity_id, slot, subject, verified, last_inbound_at, last_external_id, thread, opened, handle, handle_at;

-- name: reply_target
-- The platform's id of a message that is being answered, ours or theirs.
select coalesce(m.external_id, (select o.external_id from delivery_v_outbound o
    where o.workspace_id = m.workspace_id and o.message_id = m.id and o.external_id is not null order by o.piece limit 1), '') as external_id
from message m where m.workspace_id = :workspace and m.id = :id and m.conversation_id = :conversation;

-- name: set_status
-- Moves a conversation to a status.
update conversation set status = :status, version = version + 1,
    resolved_at = case when :status = 'resolved' then :at::timestamptz end,
    snoozed_until = case when :status = 'snoozed' then :until::timestamptz end,
    waiting_since = case when :status = 'resolved' then null else waiting_since end,
    seen_count = case when :status = 'resolved' then inbound_count else seen_count end
where workspace_id = :workspace and id = :id;

-- name: edit_conversation
-- Changes priority, subject or tags; null leaves as it is.
update conversation set priority = coalesce(:priority::smallint, priority), subject = coalesce(:subject, subject),
    tags = coalesce(:tags::text[], tags), version = version + 1
where workspace_id = :workspace and id = :id;

-- name: mark_read
-- Counts as seen what came up to a position; never backwards.
update conversation c set seen_count = greatest(seen_count, (
    select count(*) from message m where m.workspace_id = c.workspace_id and m.conversation_id = c.id
        and m.direction = 'in' and m.position <= :position::int))
where workspace_id = :workspace and id = :id and seen_count < inbound_count;

-- name: open_in_slot
-- The open conversation of a contact in a slot.
select id from conversation where workspace_id = :workspace and contact_id = :contact and slot = :slot and status <> 'resolved';

-- name: lock_parts
-- What a message is made of now, locked.
select parts from message where workspace_id = :workspace and id = :id for no key update;

-- name: store_media
-- Replaces a message's parts after its media was fetched.
update message set parts = :parts::jsonb where workspace_id = :workspace and id = :id returning conversation_id;

-- name: message_parts
-- What a message is made of, and by which channel it came.
select id, conversation_id, channel_id, parts, external_id from message where workspace_id = :workspace and id = :id;

-- name: conversations_of
-- All conversations of two contacts, locked in id order.
select id, contact_id, slot, status, last_position, inbound_count, seen_count, opened_at, waiting_since, snoozed_until, last_at,
    last_direction, preview, channel_id from conversation
where workspace_id = :workspace and contact_id = any (:contacts::uuid[]) order by id for update;

-- name: move_messages
-- Appends one conversation's messages to another's timeline.
update message set conversation_id = :to, position = position + :shift
where workspace_id = :workspace and conversation_id = :from;

-- name: move_channels
-- Lets one conversation be answered by another's channels.
insert into conversation_channel
select workspace_id, :to, channel_id, address, identity_id, slot, subject, verified, last_inbound_at, last_external_id, thread,
    opened, handle, handle_at
from conversation_channel where workspace_id = :workspace and conversation_id = :from
on conflict (workspace_id, conversation_id, channel_id, address) do update set
    last_inbound_at = greatest(conversation_channel.last_inbound_at, excluded.last_inbound_at);

-- name: give_conversation
-- Gives a conversation to another contact.
update conversation set contact_id = :contact, version = version + 1 where workspace_id = :workspace and id = :id;

-- name: close_joined
-- A conversation whose messages went to another is over; without a time it is not the one that the customer goes on with.
update conversation set status = 'resolved', resolved_at = null, waiting_since = null, snoozed_until = null,
    last_position = 0, inbound_count = 0, seen_count = 0, version = version + 1
where workspace_id = :workspace and id = :id;

-- name: absorb
-- What a conversation is after another was joined to it.
update conversation set last_position = :position, inbound_count = inbound_count + :inbound, seen_count = seen_count + :seen,
    status = :status, waiting_since = :waiting::timestamptz, last_at = :at, last_direction = :direction, preview = :preview,
    channel_id = :channel::uuid, snoozed_until = case when :status = 'snoozed' then snoozed_until end, version = version + 1
where workspace_id = :workspace and id = :id;

-- name: snoozed_due
-- Snoozed conversations whose time has come, locked; those that somebody works on just now come next time.
select workspace_id, id from conversation where status = 'snoozed' and snoozed_until <= :now::timestamptz
order by id limit 100 for no key update skip locked;

-- name: park_changes
-- Gives up on edits and recalls whose message never came.
update waiting_change set parked_at = now() where parked_at is null and since < :before::timestamptz;

-- name: prune_changes
-- Forgets edits and recalls that were given up.
delete from waiting_change where parked_at < :before::timestamptz;

-- name: note_join
-- Remembers what a merge did to one conversation, so that it can be undone.
insert into conversation_join (workspace_id, id, merge_id, source, target, first, last, source_before, target_before)
values (:workspace, :id, :merge, :source, :target::uuid, :first, :last, :source_before, :target_before);

-- name: joins_of
-- What a merge did to conversations, the last thing first.
select source, target, first, last, source_before, target_before from conversation_join
where workspace_id = :workspace and merge_id = :merge order by id desc;

-- name: take_back_messages
-- Moves messages that a join had moved back to where they were said.
update message set conversation_id = :source, position = position - :first::int + 1
where workspace_id = :workspace and conversation_id = :target and position between :first::int and :last::int;

-- name: said_since
-- What was said in a joined conversation after the join: anything at all, by the restored contact, and when they first did.
select count(*) > 0 as all, count(*) filter (where i.id is not null) > 0 as theirs,
    min(m.received_at) filter (where i.id is not null and m.direction = 'in') as first_in
from message m left join contacts_v_identity i on i.workspace_id = m.workspace_id and i.id = m.identity_id and i.contact_id = :contact
where m.workspace_id = :workspace and m.conversation_id = :target and m.position > :last::int;

-- name: take_back_later
-- Gives what was said to or by the restored contact after the join to their own conversation, at its end.
update message m set conversation_id = :source, position = n.place from (
    select p.id, (select coalesce(max(s.position), 0) from message s where s.workspace_id = :workspace and s.conversation_id = :source)
        + row_number() over (order by p.position) as place
    from message p join contacts_v_identity i on i.workspace_id = p.workspace_id and i.id = p.identity_id and i.contact_id = :contact
    where p.workspace_id = :workspace and p.conversation_id = :target and p.position > :last::int
) n
where m.workspace_id = :workspace and m.id = n.id;

-- name: take_back_channels
-- A conversation can't be answered any more by the channels of a contact that left it; they go to the contact's own.
with left_over as (
    delete from conversation_channel r using contacts_v_identity i
    where r.workspace_id = :workspace and r.conversation_id = :target
      and i.workspace_id = r.workspace_id and i.id = r.identity_id and i.contact_id = :contact
    returning r.*
)
insert into conversation_channel
select workspace_id, :source, channel_id, address, identity_id, slot, subject, verified, last_inbound_at, last_external_id, thread,
    opened, handle, handle_at
from left_over
on conflict (workspace_id, conversation_id, channel_id, address) do update set
    last_inbound_at = greatest(conversation_channel.last_inbound_at, excluded.last_inbound_at),
    last_external_id = excluded.last_external_id, thread = excluded.thread;

-- name: last_said
-- The last thing said in a conversation, notes left out.
select parts, direction, received_at, channel_id from message
where workspace_id = :workspace and conversation_id = :id and direction in ('in', 'out') order by position desc limit 1;

-- name: restore_parted
-- Puts a conversation back as it was before a join, its status only where nobody changed it since and nobody has its slot.
update conversation c set version = c.version + 1, last_position = n.last, inbound_count = n.inbound,
    seen_count = least(case when :quiet::boolean then :seen_count::int else c.seen_count end, n.inbound),
    status = case when n.back then :status else c.status end,
    resolved_at = case when n.back and :status <> 'resolved' then null else c.resolved_at end,
    snoozed_until = case when n.back then :snoozed_until::timestamptz else c.snoozed_until end,
    waiting_since = case when n.back and (:quiet or c.status = 'resolved') then :waiting_since::timestamptz else c.waiting_since end,
    last_at = :last_at, last_direction = :last_direction, preview = :preview, channel_id = :channel_id::uuid
from (
    select x.id, coalesce(s.last, 0) as last, s.inbound, x.status = :joined and (x.status <> 'resolved' or not exists (
        select from conversation o where o.workspace_id = x.workspace_id and o.contact_id = x.contact_id and o.slot = x.slot
            and o.id <> x.id and o.status <> 'resolved')) as back
    from conversation x cross join lateral (
        select max(m.position) as last, count(*) filter (where m.direction = 'in') as inbound from message m
        where m.workspace_id = x.workspace_id and m.conversation_id = x.id) s
    where x.workspace_id = :workspace and x.id = :id
) n
where c.workspace_id = :workspace and c.id = n.id
returning n.back and :joined = 'resolved' as reopened;

-- name: overdue_changes
-- Edits and recalls that wait although their message is there.
select distinct w.channel_id, w.external_id from waiting_change w
join message m on m.channel_id = w.channel_id and m.external_id = w.external_id
where w.parked_at is null and w.held_at > :since::timestamptz limit 500;

-- name: retell_previews
-- The line by which lists show a conversation follows its last message when that was edited or taken back.
update conversation c set preview = p.preview
from unnest(:workspaces::uuid[], :messages::uuid[], :previews::text[]) as p (workspace_id, message_id, preview)
join message m on m.workspace_id = p.workspace_id and m.id = p.message_id
where c.workspace_id = m.workspace_id and c.id = m.conversation_id and not exists (
    select from message l where l.workspace_id = m.workspace_id and l.conversation_id = m.conversation_id
        and l.position > m.position and l.direction in ('in', 'out'))
returning c.workspace_id, c.id;
