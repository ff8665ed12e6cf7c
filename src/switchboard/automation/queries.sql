-- name: greetings
-- Opened conversations whose channel answers by itself, unless a machine wrote, or this person got enough such answers.
select c.workspace_id, c.id, h.id as channel_id, h.auto_reply
from unnest(:workspaces::uuid[], :conversations::uuid[], :channels::uuid[]) as o (workspace_id, conversation_id, channel_id)
join conversations_v_conversation c on c.workspace_id = o.workspace_id and c.id = o.conversation_id
join connections_v_channel h on h.workspace_id = o.workspace_id and h.id = o.channel_id and h.auto_reply <> ''
where not exists (
    select from conversations_v_message m
    where m.workspace_id = c.workspace_id and m.conversation_id = c.id and m.direction = 'in' and (m.auto or m.backfill))
  and (select count(*) from conversations_v_message m join conversations_v_conversation k
       on k.workspace_id = m.workspace_id and k.id = m.conversation_id
       where k.workspace_id = c.workspace_id and k.contact_id = c.contact_id and m.author_kind = 'bot'
         and m.received_at > now() - interval '1 day') < :a_day::int
  and (select count(*) from conversations_v_message m join conversations_v_conversation k
       on k.workspace_id = m.workspace_id and k.id = m.conversation_id
       where k.workspace_id = c.workspace_id and k.contact_id = c.contact_id and m.author_kind = 'bot'
         and m.received_at > now() - interval '1 hour') < :an_hour::int;
