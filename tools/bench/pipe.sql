-- What one message leaves behind, written by hand: one message a transaction, one statement after another, as an
-- application without batches would do it. The same tables, indexes, foreign keys and rows as the pipe's.
--
-- In the hand's favour: no HTTP, no signature, no parsing, no JSON made, no live socket; written in C; one commit where
-- the pipe has four (accept, lane, sequencer, follower); places in the log from a sequence instead of under a lock; ids
-- made by the server, so that they cost no bytes on the wire; a raw body only with every third message, since a webhook
-- carries three on average; the statements on rows that many transactions want (presence, counter) come last.
-- In the pipe's favour: it may batch, which is what is being measured; and it may be a moment behind between the steps.
--
-- Variables: workspace, connection, channel, senders, first, agents; url, key, body, headers, fact, parts, terms as samples;
-- search = 1 writes the search document too.
\set person random(:first, :first + :senders - 1)
\set a random(1, 4611686018427387904)
\set b random(1, 4611686018427387904)
\set lane random(0, 1023)
\set webhook random(1, 3)
\set agent random(1, :agents)
begin;
\if :webhook = 1
insert into raw (workspace_id, id, connection_id, received_at, method, url, headers, body)
values (:workspace, uuidv7(), :connection, now(), 'POST', :url, :headers, convert_to(:body, 'UTF8'));
\endif
insert into seen (connection_id, dedupe_key, workspace_id)
values (:connection, :key || :a || :b, :workspace) on conflict do nothing;
insert into fact (workspace_id, id, connection_id, channel_id, raw_id, lane, body, received_at)
values (:workspace, uuidv7(), :connection, :channel, uuidv7(), :lane, :fact, now())
returning id as fact_id, uuidv7() as message_id, uuidv7() as event_id \gset
with known as (
    select i.id as identity_id, c.id as contact_id from identity i
    join contact c on c.workspace_id = i.workspace_id and c.id = i.contact_id
    where i.workspace_id = :workspace and i.space = 'phone' and i.value = '+' || (6590000000 + :person)
    for no key update of c
)
select coalesce((select identity_id from known), uuidv7()) as identity_id, coalesce((select contact_id from known), uuidv7()) as contact_id,
    (select count(*) from known) = 0 as stranger \gset
\if :stranger
with won as (
    insert into identity (workspace_id, id, contact_id, space, value)
    select :workspace, :identity_id, :contact_id, 'phone', '+' || (6590000000 + :person)
    on conflict (workspace_id, space, value) do nothing returning contact_id
), made as (
    insert into contact (workspace_id, id, name, last_seen_at)
    select :workspace, contact_id, 'Customer ' || :person, now() from won
), logged as (
    insert into event (id, workspace_id, type, subject, data)
    select uuidv7(), :workspace, 'contact_changed', contact_id, jsonb_build_object('type', 'contact_changed', 'workspace_id',
        :workspace::uuid, 'subject', contact_id, 'what', 'created') from won returning id
)
select coalesce((select id from logged), :event_id) as contact_event \gset
select i.id as identity_id, c.id as contact_id from identity i join contact c on c.workspace_id = i.workspace_id and c.id = i.contact_id
where i.workspace_id = :workspace and i.space = 'phone' and i.value = '+' || (6590000000 + :person)
for no key update of c \gset
\endif
with known as (
    select id, last_position from conversation where workspace_id = :workspace and contact_id = :contact_id and slot = 'case'
    and status <> 'resolved' for no key update
)
select coalesce((select id from known), uuidv7()) as conversation_id, coalesce((select last_position from known), 0) + 1 as position,
    (select count(*) from known) = 0 as first_message \gset
\if :first_message
insert into conversation (workspace_id, id, contact_id, slot, channel_id, opened_at)
values (:workspace, :conversation_id, :contact_id, 'case', :channel, now());
\endif
insert into message (workspace_id, id, conversation_id, position, direction, author_kind, author_id, channel_id, identity_id, address,
    parts, external_id, occurred_at, received_at)
values (:workspace, :message_id, :conversation_id, :position, 'in', 'contact', :contact_id, :channel, :identity_id,
    (6590000000 + :person)::text, :parts, 'wamid.HBgLNjU5MDAwMDAw' || :a || :b, now(), now());
update conversation set last_position = :position, inbound_count = inbound_count + 1, last_at = now(), last_direction = 'in',
    preview = 'Hello, where is my parcel? It should have been here on Monday.', waiting_since = coalesce(waiting_since, now()),
    channel_id = :channel, resolved_at = null, snoozed_until = null
where workspace_id = :workspace and id = :conversation_id;
insert into conversation_channel (workspace_id, conversation_id, channel_id, address, identity_id, last_inbound_at, last_external_id)
values (:workspace, :conversation_id, :channel, (6590000000 + :person)::text, :identity_id, now(), 'wamid.HBgLNjU5MDAwMDAw' || :a || :b)
on conflict (workspace_id, conversation_id, channel_id, address) do update set
    last_inbound_at = greatest(conversation_channel.last_inbound_at, excluded.last_inbound_at),
    last_external_id = excluded.last_external_id, identity_id = excluded.identity_id;
insert into event (id, workspace_id, type, subject, data)
values (:event_id, :workspace, 'message_filed', :conversation_id, jsonb_build_object('type', 'message_filed', 'workspace_id', :workspace::uuid,
    'subject', :conversation_id::uuid, 'message_id', :message_id::uuid, 'position', :position::int, 'direction', 'in', 'author_kind', 'contact',
    'channel_id', :channel::uuid, 'author_id', :contact_id::uuid));
delete from fact where workspace_id = :workspace and id = :fact_id;
update event set pos = nextval('hand_position') where id = :event_id;
\if :search = 1
insert into search_document (workspace_id, id, kind, conversation_id, contact_id, channel_id, at, terms)
values (:workspace, :message_id, 'message', :conversation_id, :contact_id, :channel, now(), (:terms)::text::tsvector);
\endif
\if :first_message
insert into work (workspace_id, conversation_id, state) values (:workspace, :conversation_id, 'queued');
with e as (
    insert into event (id, workspace_id, type, subject, data)
    select uuidv7(), :workspace, t, :conversation_id, jsonb_build_object('type', t, 'workspace_id', :workspace::uuid, 'subject', :conversation_id::uuid,
        'contact_id', :contact_id::uuid, 'channel_id', :channel::uuid)
    from unnest(array['conversation_opened', 'conversation_queued', 'conversation_assigned']) t returning id
)
select array_agg(id) as opening from e \gset
update event set pos = nextval('hand_position') where id = any ((:opening)::text::uuid[]);
\if :stranger
update event set pos = nextval('hand_position') where id = :contact_event;
\endif
insert into inbox_row (workspace_id, id, version, pos, contact_id, contact_name, status, is_open, priority, slot, subject, channel_id, kind,
    kinds, assignee_id, preview, last_at, last_direction, waiting_since, unread, tags)
values (:workspace, :conversation_id, 2, currval('hand_position'), :contact_id, 'Customer ' || :person, 'new', true, 1, 'case', '',
    :channel, 'whatsapp', array['whatsapp'], null, 'Hello, where is my parcel? It should have been here on Monday.', now(), 'in', now(), 1, '{}');
update presence set load = load + 1, idle_since = now()
where workspace_id = :workspace and agent_id = (select agent_id from hand_agent where nr = :agent) and status = 'online' and load < capacity
returning agent_id \gset
update work set state = 'assigned', assignee_id = :agent_id, assigned_at = now(), version = version + 1
where workspace_id = :workspace and conversation_id = :conversation_id and state = 'queued';
insert into assignment (workspace_id, id, conversation_id, agent_id, by_kind) values (:workspace, uuidv7(), :conversation_id, :agent_id, 'system');
update inbox_row set assignee_id = :agent_id, version = version + 1 where workspace_id = :workspace and id = :conversation_id;
insert into inbox_counter (workspace_id, status, team_id, assignee_id, channel_id, n)
values (:workspace, 'new', '00000000-0000-0000-0000-000000000000', :agent_id, :channel, 1)
on conflict (workspace_id, status, team_id, assignee_id, channel_id) do update set n = inbox_counter.n + 1;
\else
update inbox_row set pos = currval('hand_position'), preview = 'Hello, where is my parcel? It should have been here on Monday.',
    last_at = now(), last_direction = 'in', unread = unread + 1
where workspace_id = :workspace and id = :conversation_id;
\endif
commit;
