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

-- name: ways_round
-- Messages that did not go out, with the fallback channel by which their customer wrote before; each only once.
select m.workspace_id, m.id, m.conversation_id, m.parts, m.author_kind, m.author_id, h.name as channel_name,
    f.id as fallback_id, f.name as fallback_name, r.address
from unnest(:workspaces::uuid[], :messages::uuid[]) as w (workspace_id, id)
join conversations_v_message m on m.workspace_id = w.workspace_id and m.id = w.id and m.direction = 'out'
join conversations_v_conversation c on c.workspace_id = m.workspace_id and c.id = m.conversation_id
join connections_v_channel h on h.workspace_id = m.workspace_id and h.id = m.channel_id
join connections_v_channel f on f.workspace_id = h.workspace_id and f.id = h.fallback_channel_id and f.id <> h.id and f.status <> 'red'
join lateral (
    select o.address from conversations_v_channel o
    join contacts_v_identity i on i.workspace_id = o.workspace_id and i.id = o.identity_id
    where o.workspace_id = c.workspace_id and o.channel_id = f.id and i.contact_id = c.contact_id and o.verified and i.verified
      and i.unreachable = '' and o.last_inbound_at is not null and o.slot = ''
    order by o.last_inbound_at desc limit 1) r on true
where c.slot = 'case' and not exists (
    select from conversations_v_message x where x.workspace_id = m.workspace_id and x.conversation_id = m.conversation_id
      and x.direction = 'note' and x.position > m.position
      and x.parts @> jsonb_build_array(jsonb_build_object('code', 'fell_back', 'data', jsonb_build_object('message', m.id))));
