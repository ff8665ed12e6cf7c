-- name: project
-- Brings inbox rows up to date with their conversations and counts what moved.
with wanted as (
    select * from unnest(:workspaces::uuid[], :ids::uuid[], :positions::bigint[]) as w (workspace_id, id, pos)
), fresh as (
    select c.workspace_id, c.id, c.version + coalesce(w.version, 0) as version, k.pos, c.contact_id, coalesce(nullif(p.name, ''), (
            select case when i.space like 'web:%' then case when s.locale like 'zh%' then '访客 ' else 'Visitor ' end || left(i.value, 6)
                else i.value end
            from contacts_v_identity i join tenancy_v_workspace s on s.id = i.workspace_id
            where i.workspace_id = p.workspace_id and i.contact_id = p.id order by i.id limit 1), '') as contact_name,
        p.avatar_file, c.status, c.status <> 'resolved' as is_open, c.priority, c.slot, c.subject, c.channel_id,
        coalesce(ch.kind, '') as kind,
        array(select distinct h.kind from conversations_v_channel r join connections_v_channel h
            on h.workspace_id = r.workspace_id and h.id = r.channel_id
            where r.workspace_id = c.workspace_id and r.conversation_id = c.id order by h.kind) as kinds,
        w.team_id, case when w.state = 'assigned' or c.status = 'resolved' then w.assignee_id end as assignee_id,
        c.preview, c.last_at, c.last_direction, c.waiting_since, greatest(c.inbound_count - c.seen_count, 0) as unread,
        c.tags, c.snoozed_until
    from wanted k
    join conversations_v_conversation c on c.workspace_id = k.workspace_id and c.id = k.id
    join contacts_v_contact p on p.workspace_id = c.workspace_id and p.id = c.contact_id
    left join routing_v_work w on w.workspace_id = c.workspace_id and w.conversation_id = c.id
    left join connections_v_channel ch on ch.workspace_id = c.workspace_id and ch.id = c.channel_id
), old as (
    select r.workspace_id, r.status, r.team_id, r.assignee_id, r.channel_id from inbox_row r
    join wanted k on k.workspace_id = r.workspace_id and k.id = r.id where r.is_open
), written as (
    insert into inbox_row (workspace_id, id, version, pos, contact_id, contact_name, avatar_file, status, is_open, priority,
        slot, subject, channel_id, kind, kinds, team_id, assignee_id, preview, last_at, last_direction, waiting_since, unread,
        tags, snoozed_until)
    select * from fresh
    on conflict (workspace_id, id) do update set version = excluded.version, pos = excluded.pos,
        contact_id = excluded.contact_id, contact_name = excluded.contact_name, avatar_file = excluded.avatar_file,
        status = excluded.status, is_open = excluded.is_open, priority = excluded.priority, subject = excluded.subject,
        channel_id = excluded.channel_id, kind = excluded.kind, kinds = excluded.kinds, team_id = excluded.team_id,
        assignee_id = excluded.assignee_id, preview = excluded.preview, last_at = excluded.last_at,
        last_direction = excluded.last_direction, waiting_since = excluded.waiting_since, unread = excluded.unread,
        tags = excluded.tags, snoozed_until = excluded.snoozed_until
    returning workspace_id, status, team_id, assignee_id, channel_id, is_open
), moved as (
    select workspace_id, status, coalesce(team_id, '00000000-0000-0000-0000-000000000000') as team_id,
        coalesce(assignee_id, '00000000-0000-0000-0000-000000000000') as assignee_id,
        coalesce(channel_id, '00000000-0000-0000-0000-000000000000') as channel_id, sum(n) as n
    from (select workspace_id, status, team_id, assignee_id, channel_id, -1 as n from old
          union all
          select workspace_id, status, team_id, assignee_id, channel_id, 1 from written where is_open) d
    group by 1, 2, 3, 4, 5 having sum(n) <> 0
)
insert into inbox_counter (workspace_id, status, team_id, assignee_id, channel_id, n)
select workspace_id, status, team_id, assignee_id, channel_id, n from moved order by 1, 2, 3, 4, 5
on conflict (workspace_id, status, team_id, assignee_id, channel_id) do update set n = inbox_counter.n + excluded.n;

-- name: conversations_of_contacts
-- The conversations whose rows show these contacts.
select workspace_id, id from inbox_row where (workspace_id, contact_id) in (select * from unnest(:workspaces::uuid[], :contacts::uuid[]));

-- name: inbox_page
-- A page of conversations, the newest or the longest waiting first.
select r.* from inbox_row r
where r.workspace_id = :workspace /*where*/
order by /*order*/ limit :limit::int;

-- name: where_open
-- Fragment: not resolved.
r.is_open

-- name: where_closed
-- Fragment: resolved.
not r.is_open

-- name: where_statuses
-- Fragment: in one of some statuses.
r.status = any (:statuses::text[])

-- name: where_assignee
-- Fragment: somebody's.
r.assignee_id = :assignee

-- name: where_unassigned
-- Fragment: nobody's.
r.assignee_id is null

-- name: where_team
-- Fragment: a team's.
r.team_id = :team

-- name: where_channel
-- Fragment: last written by a channel.
r.channel_id = :channel

-- name: where_kind
-- Fragment: last written by a kind of channel.
r.kind = :kind

-- name: where_tag
-- Fragment: labelled.
r.tags @> array[:tag::text]

-- name: where_contact
-- Fragment: a contact's.
r.contact_id = :contact

-- name: where_waiting
-- Fragment: the customer waits for an answer.
r.waiting_since is not null

-- name: where_visible
-- Fragment: what an agent may see: their own, their teams', and nobody's team's.
(r.assignee_id = :viewer or r.team_id is null or r.team_id = any (:teams::uuid[]))

-- name: where_before
-- Fragment: the page after this row, newest first.
(r.last_at, r.id) < (:before_at::timestamptz, :before_id::uuid)

-- name: where_later
-- Fragment: the page after this row, longest waiting first.
(r.waiting_since, r.id) > (:later_at::timestamptz, :later_id::uuid)

-- name: order_last
-- Fragment: the newest first.
r.last_at desc, r.id desc

-- name: order_waiting
-- Fragment: the longest waiting first.
r.waiting_since, r.id

-- name: inbox_rows
-- Some conversations' rows.
select r.* from inbox_row r where (r.workspace_id, r.id) in (select * from unnest(:workspaces::uuid[], :ids::uuid[]));

-- name: counters
-- Open conversations by who has them.
select status, team_id, assignee_id, channel_id, n from inbox_counter where workspace_id = :workspace and n > 0;

-- name: timeline
-- A page of one conversation's messages with all that is shown beside them.
select m.id, m.conversation_id, m.position, m.direction, m.author_kind, m.author_id,
    coalesce(case m.author_kind when 'agent' then (select a.name from staff_v_agent a where a.workspace_id = m.workspace_id and a.id = m.author_id)
        else (select p.name from contacts_v_contact p where p.workspace_id = m.workspace_id and p.id = m.author_id) end, '') as author_name,
    m.channel_id, coalesce(h.kind, '') as kind, m.parts, m.occurred_at, m.filed_at, m.edited_at, m.recalled_at, m.client_id, m.backfill,
    o.status, o.code, o.error, q.reply_id, q.reply_parts, q.reply_author,
    (select jsonb_agg(jsonb_build_object('emoji', x.emoji, 'name', coalesce(p.name, '')) order by x.at) from conversations_v_reaction x
        left join contacts_v_contact p on p.workspace_id = x.workspace_id and p.id = x.actor_id
        where x.workspace_id = m.workspace_id and x.channel_id = m.channel_id and x.emoji <> ''
          and x.external_id = coalesce(m.external_id, o.external_id)) as reactions
from conversations_v_message m
left join connections_v_channel h on h.workspace_id = m.workspace_id and h.id = m.channel_id
left join lateral (
    select (array_agg(s.status order by array_position(array['failed', 'in_doubt', 'queued', 'sending', 'sent', 'delivered', 'read'], s.status)))[1] as status,
        max(s.code) as code, max(s.error) as error, min(s.external_id) as external_id
    from delivery_v_outbound s where m.direction = 'out' and s.workspace_id = m.workspace_id and s.message_id = m.id
) o on true
left join lateral (
    select t.id as reply_id, t.parts as reply_parts,
        coalesce(case t.author_kind when 'agent' then (select a.name from staff_v_agent a where a.workspace_id = t.workspace_id and a.id = t.author_id)
            else (select p.name from contacts_v_contact p where p.workspace_id = t.workspace_id and p.id = t.author_id) end, '') as reply_author
    from conversations_v_message t where m.reply_to is not null and t.workspace_id = m.workspace_id and (
        (t.channel_id = m.channel_id and t.external_id = m.reply_to)
        or t.id = (select s.message_id from delivery_v_outbound s where s.channel_id = m.channel_id and s.external_id = m.reply_to limit 1))
    limit 1
) q on true
where m.workspace_id = :workspace /*where*/
order by /*order*/ limit :limit::int;

-- name: where_conversation
-- Fragment: of one conversation.
m.conversation_id = :conversation

-- name: where_messages
-- Fragment: these messages.
m.id = any (:messages::uuid[])

-- name: where_person
-- Fragment: of all conversations with one contact.
m.conversation_id in (select c.id from conversations_v_conversation c where c.workspace_id = m.workspace_id and c.contact_id = :contact)

-- name: where_position_before
-- Fragment: above a position.
m.position < :before::int

-- name: where_position_after
-- Fragment: below a position.
m.position > :after::int

-- name: where_filed_before
-- Fragment: said before.
m.id < :before_id::uuid

-- name: where_visitor
-- Fragment: what one visitor may see: their own words and the answers to them, by their own channel.
m.channel_id = :channel and m.address = :address and m.direction in ('in', 'out') and m.conversation_id in (
    select r.conversation_id from conversations_v_channel r
    where r.workspace_id = m.workspace_id and r.channel_id = :channel and r.address = :address)

-- name: order_position
-- Fragment: in order.
m.position

-- name: order_position_back
-- Fragment: the latest first.
m.position desc

-- name: order_filed_back
-- Fragment: the latest first, over conversations.
m.id desc

-- name: visitor_conversations
-- A visitor's conversations, the latest first, with who has them.
select r.conversation_id, r.channel_id, r.address, c.status, i.assignee_id, a.name as agent_name, c.inbound_count, c.seen_count
from conversations_v_channel r join conversations_v_conversation c on c.workspace_id = r.workspace_id and c.id = r.conversation_id
left join inbox_row i on i.workspace_id = r.workspace_id and i.id = r.conversation_id
left join staff_v_agent a on a.workspace_id = r.workspace_id and a.id = i.assignee_id
where r.workspace_id = :workspace and r.channel_id = :channel and r.address = :address
order by r.last_inbound_at desc nulls last limit 20;

-- name: visitor_cases
-- For the visitors of some conversations: who has it, and how far it was read.
select r.conversation_id, r.channel_id, r.address, c.status, i.assignee_id, a.name as agent_name, c.inbound_count, c.seen_count
from conversations_v_channel r join connections_v_channel h on h.workspace_id = r.workspace_id and h.id = r.channel_id and h.kind = 'web'
join conversations_v_conversation c on c.workspace_id = r.workspace_id and c.id = r.conversation_id
left join inbox_row i on i.workspace_id = r.workspace_id and i.id = r.conversation_id
left join staff_v_agent a on a.workspace_id = r.workspace_id and a.id = i.assignee_id
where r.workspace_id = :workspace and r.conversation_id = any (:conversations::uuid[]);

-- name: addresses_of
-- By which channel and to or from whom some messages went.
select m.id, m.channel_id, m.address, m.external_id, h.kind from conversations_v_message m
join connections_v_channel h on h.workspace_id = m.workspace_id and h.id = m.channel_id
where m.workspace_id = :workspace and m.id = any (:ids::uuid[]);

-- name: visitor_pieces
-- Our pieces up to a message, as far as they are in some statuses.
select o.external_id, o.message_id, o.piece from delivery_v_outbound o
where o.workspace_id = :workspace and o.channel_id = :channel and o.address = :address and o.status = any (:statuses::text[])
  and o.message_id <= :upto::uuid
  and o.conversation_id in (select r.conversation_id from conversations_v_channel r
      where r.workspace_id = :workspace and r.channel_id = :channel and r.address = :address)
order by o.nr desc limit 500;

-- name: visitor_unread
-- How many of our messages a visitor has not read, and the last one read.
with sent as (
    select o.message_id, o.status from delivery_v_outbound o
    where o.workspace_id = :workspace and o.channel_id = :channel and o.address = :address and o.conversation_id in (
        select r.conversation_id from conversations_v_channel r
        where r.workspace_id = :workspace and r.channel_id = :channel and r.address = :address)
)
select (select count(distinct message_id) from sent where status in ('queued', 'sending', 'sent', 'delivered'))::int as unread,
    (select message_id from sent where status = 'read' order by message_id desc limit 1) as read;

-- name: anybody_online
-- Whether any agent is there.
select exists (select from routing_v_presence where workspace_id = :workspace and status = 'online' and connected);

-- name: files
-- Stored files by id.
select id, name, mime, size, width, height, duration from file where workspace_id = :workspace and id = any (:ids::uuid[]);

-- name: assignments
-- Who had a conversation, in order.
select a.agent_id, a.team_id, a.by_kind, a.by_id, a.note, a.at from routing_v_assignment a
where a.workspace_id = :workspace and a.conversation_id = :conversation order by a.id;

-- name: reply_channels
-- By which channels a conversation can be answered.
select r.channel_id, h.kind, h.name, r.address, r.slot, r.verified, r.opened, h.status,
    array(select o.created_at from delivery_v_outbound o where o.workspace_id = r.workspace_id and o.conversation_id = r.conversation_id
        and o.channel_id = r.channel_id and o.address = r.address and o.status not in ('failed', 'queued')
        order by o.nr desc limit 50) as sent,
    coalesce((select i.unreachable from contacts_v_identity i where i.workspace_id = r.workspace_id and i.id = r.identity_id), '') as unreachable
from conversations_v_channel r join connections_v_channel h on h.workspace_id = r.workspace_id and h.id = r.channel_id
where r.workspace_id = :workspace and r.conversation_id = :conversation
order by r.verified desc, r.last_inbound_at desc nulls last;

-- name: documents_of
-- The words of some messages, for the search index.
select m.workspace_id, m.id, m.conversation_id, m.author_id, m.channel_id, m.occurred_at, m.parts, m.recalled_at from conversations_v_message m
where (m.workspace_id, m.id) in (select * from unnest(:workspaces::uuid[], :ids::uuid[]));

-- name: people_of
-- The names and identifiers of some contacts, for the search index.
select c.workspace_id, c.id, c.name, c.merged_into,
    (select string_agg(i.value, ' ') from contacts_v_identity i where i.workspace_id = c.workspace_id and i.contact_id = c.id) as identifiers
from contacts_v_contact c where (c.workspace_id, c.id) in (select * from unnest(:workspaces::uuid[], :ids::uuid[]));

-- name: index_documents
-- Adds or replaces search documents.
insert into search_document (workspace_id, id, kind, conversation_id, contact_id, channel_id, at, terms)
select workspace_id, id, kind, conversation_id, contact_id, channel_id, at, terms::tsvector
from unnest(:workspaces::uuid[], :ids::uuid[], :kinds::text[], :conversations::uuid[], :contacts::uuid[], :channels::uuid[],
    :at::timestamptz[], :terms::text[]) as d (workspace_id, id, kind, conversation_id, contact_id, channel_id, at, terms)
on conflict (workspace_id, kind, id) do update set terms = excluded.terms, at = excluded.at, contact_id = excluded.contact_id;

-- name: forget_documents
-- Takes documents out of the search index.
delete from search_document where (workspace_id, kind, id) in (select * from unnest(:workspaces::uuid[], :kinds::text[], :ids::uuid[]));

-- name: search_newest
-- Those of a workspace's newest documents that match.
select d.id, d.at from (
    select d.id, d.at, d.channel_id, d.terms from search_document d
    where d.workspace_id = :workspace and d.kind = :kind /*where*/
    order by d.at desc, d.id desc limit :window::int
) d
where d.terms @@ :query::tsquery and (:channel::uuid is null or d.channel_id = :channel)
order by d.at desc, d.id desc limit :limit::int;

-- name: search_all
-- The newest of all of a workspace's documents that match, by the index of words.
with hits as materialized (
    select d.id, d.at, d.channel_id from search_document d
    where d.terms @@ :query::tsquery and d.workspace_id = :workspace and d.kind = :kind /*where*/
)
select d.id, d.at from hits d where :channel::uuid is null or d.channel_id = :channel
order by d.at desc, d.id desc limit :limit::int;

-- name: where_document_before
-- Fragment: the page after this document.
(d.at, d.id) < (:before_at::timestamptz, :before_id::uuid)

-- name: where_document_since
-- Fragment: not before.
d.at >= :since::timestamptz

-- name: where_document_until
-- Fragment: not after.
d.at < :until::timestamptz

-- name: search_hits
-- What is shown of messages that were found, for those whose conversations the viewer may see.
select m.id, m.conversation_id, m.position, r.contact_name, coalesce(h.kind, '') as kind, m.occurred_at, m.parts, r.assignee_id, r.team_id
from conversations_v_message m join inbox_row r on r.workspace_id = m.workspace_id and r.id = m.conversation_id
left join connections_v_channel h on h.workspace_id = m.workspace_id and h.id = m.channel_id
where m.workspace_id = :workspace and m.id = any (:ids::uuid[]);

-- name: presences
-- How available some agents are.
select agent_id, status, load, capacity from routing_v_presence where workspace_id = :workspace and agent_id = any (:agents::uuid[]);

-- name: fresh_row
-- A conversation's row as its tables have it now, ahead of the read model; `pos` is that of the row last projected.
select c.workspace_id, c.id, c.version + coalesce(w.version, 0) as version, coalesce(r.pos, 0) as pos, c.contact_id,
    coalesce(nullif(p.name, ''), (
            select case when i.space like 'web:%' then case when s.locale like 'zh%' then '访客 ' else 'Visitor ' end || left(i.value, 6)
                else i.value end
            from contacts_v_identity i join tenancy_v_workspace s on s.id = i.workspace_id
            where i.workspace_id = p.workspace_id and i.contact_id = p.id order by i.id limit 1), '') as contact_name, p.avatar_file, c.status, c.priority, c.slot, c.subject, c.channel_id, coalesce(ch.kind, '') as kind,
    array(select distinct h.kind from conversations_v_channel k join connections_v_channel h
        on h.workspace_id = k.workspace_id and h.id = k.channel_id
        where k.workspace_id = c.workspace_id and k.conversation_id = c.id order by h.kind) as kinds,
    w.team_id, case when w.state = 'assigned' or c.status = 'resolved' then w.assignee_id end as assignee_id,
    c.preview, c.last_at, c.last_direction, c.waiting_since, greatest(c.inbound_count - c.seen_count, 0) as unread,
    c.tags, c.snoozed_until
from conversations_v_conversation c
join contacts_v_contact p on p.workspace_id = c.workspace_id and p.id = c.contact_id
left join routing_v_work w on w.workspace_id = c.workspace_id and w.conversation_id = c.id
left join connections_v_channel ch on ch.workspace_id = c.workspace_id and ch.id = c.channel_id
left join inbox_row r on r.workspace_id = c.workspace_id and r.id = c.id
where c.workspace_id = :workspace and c.id = :id;

-- name: where_message_visible
-- Fragment: of conversations that an agent may see, as `where_visible` says of rows.
exists (select from inbox_row r where r.workspace_id = m.workspace_id and r.id = m.conversation_id
    and (r.assignee_id = :viewer or r.team_id is null or r.team_id = any (:teams::uuid[])))

-- name: known_reach
-- Where a contact was last reached by a channel.
select k.address, k.identity_id from conversations_v_channel k
join conversations_v_conversation c on c.workspace_id = k.workspace_id and c.id = k.conversation_id
where k.workspace_id = :workspace and k.channel_id = :channel and c.contact_id = :contact and k.identity_id is not null
order by k.last_inbound_at desc nulls last limit 1;

-- name: open_case
-- The case that is open with a contact.
select id from conversations_v_conversation
where workspace_id = :workspace and contact_id = :contact and slot = 'case' and status <> 'resolved';

-- name: typing_in
-- The open conversations of the person behind an identifier.
select c.id as conversation_id, p.id as contact_id, p.name from contacts_v_identity i
join contacts_v_contact p on p.workspace_id = i.workspace_id and p.id = i.contact_id
join conversations_v_conversation c on c.workspace_id = i.workspace_id and c.contact_id = i.contact_id and c.status <> 'resolved'
where i.workspace_id = :workspace and i.space = :space and i.value = :key limit 10;

-- name: last_heard
-- By which channel and with which message a customer wrote last.
select r.channel_id, h.connection_id, r.address, r.last_external_id from conversations_v_channel r
join connections_v_channel h on h.workspace_id = r.workspace_id and h.id = r.channel_id
where r.workspace_id = :workspace and r.conversation_id = :conversation and r.last_external_id <> ''
order by r.last_inbound_at desc nulls last limit 1;

-- name: comment
-- A comment below a post, its writer's own identity, and what is needed to answer it in private.
select m.conversation_id, m.author_id, m.channel_id, m.external_id, m.received_at, h.kind, i.id as identity_id
from conversations_v_message m
join conversations_v_conversation c on c.workspace_id = m.workspace_id and c.id = m.conversation_id
join connections_v_channel h on h.workspace_id = m.workspace_id and h.id = m.channel_id
left join lateral (
    select x.id from contacts_v_identity x where x.workspace_id = m.workspace_id and x.contact_id = m.author_id and x.verified
        and x.space like h.kind || ':%' order by x.id desc limit 1) i on true
where m.workspace_id = :workspace and m.id = :id and m.direction = 'in' and c.slot like 'post:%';
