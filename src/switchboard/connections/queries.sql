-- name: by_secret
-- The connection behind a webhook address.
select workspace_id, id, kind, name, secret, config_sealed, revision, status, reason, disabled_at, created_at, last_event_at
from connection where secret = :secret;

-- name: by_id
-- One connection of a workspace.
select workspace_id, id, kind, name, secret, config_sealed, revision, status, reason, disabled_at, created_at, last_event_at
from connection where workspace_id = :workspace and id = :id;

-- name: any_by_id
-- One connection, whosever it is: for the pipeline.
select workspace_id, id, kind, name, secret, config_sealed, revision, status, reason, disabled_at, created_at, last_event_at
from connection where id = :id;

-- name: list_connections
-- All connections of a workspace.
select workspace_id, id, kind, name, secret, config_sealed, revision, status, reason, disabled_at, created_at, last_event_at
from connection where workspace_id = :workspace order by created_at, id;

-- name: live_connections
-- Every connection that is not switched off, with its revision and status.
select workspace_id, id, kind, revision, status from connection where disabled_at is null;

-- name: channels_of
-- The channels of some connections.
select workspace_id, id, connection_id, kind, name, external_id, status, reason, team_id, last_in_at, last_out_at, auto_reply,
    fallback_channel_id
from channel where connection_id = any (:connections::uuid[]) order by created_at, id;

-- name: list_channels
-- All channels of a workspace.
select workspace_id, id, connection_id, kind, name, external_id, status, reason, team_id, last_in_at, last_out_at, auto_reply,
    fallback_channel_id
from channel where workspace_id = :workspace order by created_at, id;

-- name: create_connection
-- Adds a connection.
insert into connection (workspace_id, id, kind, name, secret, config_sealed, status, reason)
values (:workspace, :id, :kind, :name, :secret, :config, :status, :reason);

-- name: update_connection
-- Changes a connection's name, credentials or switch; null leaves as it is.
update connection set name = coalesce(:name, name), config_sealed = coalesce(:config::bytea, config_sealed),
    disabled_at = case when :disabled::boolean is null then disabled_at when :disabled then coalesce(disabled_at, now()) end,
    revision = revision + 1
where workspace_id = :workspace and id = :id;

-- name: remove_connection
-- Switches a connection off for good; its channels stay, since conversations speak of them.
update connection set disabled_at = coalesce(disabled_at, now()), status = 'grey', reason = 'removed', revision = revision + 1,
    secret = 'removed-' || id
where workspace_id = :workspace and id = :id and secret not like 'removed-%';

-- name: save_channels
-- Adds channels for accounts, and gives known ones their present name.
insert into channel (workspace_id, id, connection_id, kind, name, external_id, status)
select * from unnest(:workspaces::uuid[], :ids::uuid[], :connections::uuid[], :kinds::text[], :names::text[], :externals::text[], :statuses::text[])
on conflict (workspace_id, connection_id, external_id) do update set status = excluded.status;

-- name: edit_channel
-- Renames a channel, gives it a team or an automatic answer; null leaves name and answer as they are.
update channel set name = coalesce(:name, name), auto_reply = coalesce(:auto_reply, auto_reply), team_id = case when :set_team::boolean then :team::uuid else team_id end,
    fallback_channel_id = case when :set_fallback::boolean then :fallback::uuid else fallback_channel_id end
where workspace_id = :workspace and id = :id returning connection_id, status;

-- name: set_status
-- Turns a connection and its channels green, amber, red or grey; tells whether anything changed. One that was switched off
-- or removed meanwhile stays as it is, whatever a poll under way still meets.
update connection set status = :status, reason = :reason
where id = :id and disabled_at is null and (status, reason) is distinct from (:status, :reason)
returning workspace_id;

-- name: hold_channels
-- Locks a connection's channels, before the connection itself: the order in which traffic is noted.
select id from channel where connection_id = :id order by id for no key update;

-- name: set_channel_statuses
-- Gives a connection's channels its status.
update channel set status = :status, reason = :reason where connection_id = :id;

-- name: note_event
-- Remembers a connection's news or trouble; the same again only counts up.
insert into connection_event (workspace_id, id, connection_id, level, code, message)
values (:workspace, :id, :connection, :level, :code, :message)
on conflict (workspace_id, connection_id, code) do update set count = connection_event.count + 1, at = now(), message = excluded.message,
    level = excluded.level;

-- name: refused_lately
-- How many bursts of webhooks with a wrong signature came, the newest within ten minutes, where nothing was accepted shortly before.
select e.count from connection_event e join connection c on c.workspace_id = e.workspace_id and c.id = e.connection_id
where c.id = :connection and e.code = 'bad_signature' and e.at > now() - interval '10 minutes'
  and coalesce(c.last_event_at, '-infinity') < e.at - interval '10 minutes';

-- name: events_of
-- A connection's latest news.
select id, at, level, code, message, count from connection_event where workspace_id = :workspace and connection_id = :connection
order by at desc limit 100;

-- name: note_traffic
-- Remembers when channels were last used, to within ten seconds: a row write for each message would buy nothing.
update channel c set last_in_at = greatest(c.last_in_at, t.in_at), last_out_at = greatest(c.last_out_at, t.out_at)
from unnest(:ids::uuid[], :in_at::timestamptz[], :out_at::timestamptz[]) as t (id, in_at, out_at)
where c.id = t.id and (t.in_at > coalesce(c.last_in_at, '-infinity') + interval '10 seconds'
    or t.out_at > coalesce(c.last_out_at, '-infinity') + interval '10 seconds');

-- name: note_connection_traffic
-- Remembers when connections were last heard of, to within ten seconds.
update connection c set last_event_at = u.at from (
    select h.connection_id, max(greatest(h.last_in_at, h.last_out_at)) as at from channel h where h.id = any (:ids::uuid[]) group by 1) u
where c.id = u.connection_id and u.at > coalesce(c.last_event_at, '-infinity') + interval '10 seconds';

-- name: rotate_secret
-- Gives a connection a new webhook address; the old one is nobody's from then on.
update connection set secret = :secret, revision = revision + 1
where workspace_id = :workspace and id = :id and secret not like 'removed-%';

-- name: take_leases
-- Takes or renews the leases of some connections, where they are free or ours; tells which we hold.
insert into lease (workspace_id, connection_id, holder, expires_at)
select w, c, :holder::uuid, now() + :seconds * interval '1 second' from unnest(:workspaces::uuid[], :connections::uuid[]) as l (w, c)
order by c
on conflict (connection_id) do update set holder = excluded.holder, expires_at = excluded.expires_at
where lease.holder = excluded.holder or lease.expires_at < now()
returning connection_id;

-- name: living_leases
-- Which connections are leased, and to whom.
select connection_id, holder from lease where expires_at > now();

-- name: drop_leases
-- Gives leases back.
delete from lease where holder = :holder and connection_id = any (:connections::uuid[]);

-- name: cursor
-- How far an account has been polled.
select cursor from poll_cursor where connection_id = :connection and account = :account;

-- name: save_cursor
-- Saves how far an account has been polled.
insert into poll_cursor (workspace_id, connection_id, account, cursor) values (:workspace, :connection, :account, :cursor)
on conflict (workspace_id, connection_id, account) do update set cursor = excluded.cursor;

-- name: of_channel
-- The connection of a channel.
select connection_id from channel where id = :channel;

-- name: by_account
-- The connection of a kind that serves an account, the newest first.
select c.id from channel h join connection c on c.workspace_id = h.workspace_id and c.id = h.connection_id
where h.kind = :kind and h.external_id = :account and c.disabled_at is null order by h.created_at desc limit 1;

-- name: lock_kind
-- Lets one transaction at a time connect accounts of a kind in a workspace.
select pg_advisory_xact_lock(7305, hashtext(:workspace::uuid::text || :kind::text));

-- name: taken
-- The name of a channel by which one of these accounts is served already.
select h.name from channel h join connection c on c.workspace_id = h.workspace_id and c.id = h.connection_id
where h.workspace_id = :workspace and h.kind = :kind and h.external_id = any (:externals::text[])
  and c.secret not like 'removed-%' and h.connection_id is distinct from :but::uuid
limit 1;

-- name: lock_token
-- Waits until nobody else is fetching this token, and allows for a slow platform.
select set_config('idle_in_transaction_session_timeout', '60s', true),
    pg_advisory_xact_lock(hashtextextended(:connection::uuid::text || ':' || :name::text, 7));

-- name: token
-- A connection's access token, sealed.
select sealed, expires_at from access_token where workspace_id = :workspace and connection_id = :connection and name = :name;

-- name: keep_token
-- Keeps a token just fetched.
insert into access_token (workspace_id, connection_id, name, sealed, expires_at)
values (:workspace, :connection, :name, :sealed, :expires)
on conflict (workspace_id, connection_id, name) do update set sealed = excluded.sealed, expires_at = excluded.expires_at;

-- name: forget_tokens
-- Forgets the tokens of credentials that have changed.
delete from access_token where workspace_id = :workspace and connection_id = :connection;

-- name: raise_alarm
-- Raises an alarm unless it is raised already; returns its id when it is new. One that ended within the hour in the same words goes
-- on, put away or not: what comes and goes every few minutes rings once.
with before as (
    update alarm set over_at = null where (workspace_id, id) = (
        select workspace_id, id from alarm
        where workspace_id = :workspace and connection_id = :connection and channel_id is not distinct from :channel::uuid
            and code = :code and detail = :detail and over_at > now() - interval '1 hour'
            and not exists (select from alarm o where o.workspace_id = :workspace and o.connection_id = :connection
                and o.channel_id is not distinct from :channel::uuid and o.code = :code and o.over_at is null)
        order by over_at desc limit 1)
    returning id
)
insert into alarm (workspace_id, id, connection_id, channel_id, code, detail, data)
select :workspace, :id, :connection, :channel::uuid, :code, :detail, :data::jsonb where not exists (select from before)
on conflict do nothing returning id;

-- name: end_alarms
-- Some alarms of a connection are over.
update alarm set over_at = now() where workspace_id = :workspace and connection_id = :connection and code = any (:codes::text[])
    and over_at is null;

-- name: end_silences
-- Channels from which something came are silent no more.
update alarm set over_at = now() where channel_id = any (:channels::uuid[]) and code = 'silent' and over_at is null;

-- name: open_alarms
-- What an administrator has not put away and is not over.
select a.id, a.connection_id, c.name as connection, c.kind, coalesce(h.name, '') as channel, a.code, a.detail, a.data, a.at
from alarm a join connection c on c.workspace_id = a.workspace_id and c.id = a.connection_id and c.disabled_at is null
left join channel h on h.workspace_id = a.workspace_id and h.id = a.channel_id
where a.workspace_id = :workspace and a.over_at is null and a.seen_at is null order by a.at desc limit 100;

-- name: see_alarms
-- Somebody has seen these alarms.
update alarm set seen_at = now(), seen_by = :by where workspace_id = :workspace and id = any (:ids::uuid[]) and seen_at is null;

-- name: count_hours
-- Adds to the traffic of channels by the hour.
insert into channel_hour (workspace_id, channel_id, hour, inbound, outbound)
select workspace_id, channel_id, date_trunc('hour', at), sum(inbound), sum(outbound)
from unnest(:workspaces::uuid[], :channels::uuid[], :at::timestamptz[], :inbound::int[], :outbound::int[])
    as t (workspace_id, channel_id, at, inbound, outbound)
group by 1, 2, 3 order by 1, 2, 3
on conflict (workspace_id, channel_id, hour) do update set
    inbound = channel_hour.inbound + excluded.inbound, outbound = channel_hour.outbound + excluded.outbound;

-- name: silences
-- Channels silent for at least three hours and half as long again as ever in two weeks; only where a week's traffic tells.
with heard as (
    select workspace_id, channel_id, hour, hour - lag(hour) over (partition by workspace_id, channel_id order by hour) as gap
    from channel_hour where inbound > 0 and hour > now() - interval '14 days'
), usual as (
    select workspace_id, channel_id, max(gap) as longest, max(hour) as last from heard
    group by workspace_id, channel_id having count(*) >= 30 and min(hour) < now() - interval '7 days'
)
select u.workspace_id, u.channel_id, h.connection_id, extract(epoch from now() - u.last - interval '1 hour') / 3600 as hours,
    extract(epoch from u.longest) / 3600 as usual
from usual u join channel h on h.workspace_id = u.workspace_id and h.id = u.channel_id
join connection c on c.workspace_id = h.workspace_id and c.id = h.connection_id and c.disabled_at is null
where now() - u.last - interval '1 hour' > greatest(u.longest * 1.5, interval '3 hours');

-- name: prune_hours
-- Forgets traffic by the hour after ninety days.
delete from channel_hour where hour < now() - interval '90 days';

-- name: note_checked
-- A connection's health was looked at.
update connection set checked_at = now() where id = :id;

-- name: vitals
-- How a connection does: when it was looked at and used, what waits, what went out and failed in a day.
select c.checked_at, c.last_event_at,
    (select count(*) from delivery_v_outbound o where o.connection_id = c.id and o.status = 'queued') as queued,
    (select min(o.created_at) from delivery_v_outbound o where o.connection_id = c.id and o.status = 'queued') as oldest_queued_at,
    (select count(*) from delivery_v_outbound o where o.connection_id = c.id and o.created_at > now() - interval '1 day'
        and o.status not in ('queued', 'sending')) as ended,
    (select count(*) from delivery_v_outbound o where o.connection_id = c.id and o.created_at > now() - interval '1 day'
        and o.status = 'failed') as failed,
    (select count(*) from delivery_v_outbound o where o.connection_id = c.id and o.created_at > now() - interval '1 day'
        and o.status = 'in_doubt') as in_doubt
from connection c where c.workspace_id = :workspace and c.id = :id;

-- name: hours_of
-- A connection's traffic by the hour in the last two days.
select t.hour, sum(t.inbound)::int as inbound, sum(t.outbound)::int as outbound from channel_hour t
join channel h on h.workspace_id = t.workspace_id and h.id = t.channel_id
where t.workspace_id = :workspace and h.connection_id = :id and t.hour > now() - interval '48 hours' group by t.hour order by t.hour;
