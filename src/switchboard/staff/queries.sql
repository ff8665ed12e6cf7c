-- name: session_by_token
-- Who holds a session token, while the session lives and its agent works here.
select s.workspace_id, s.id as session_id, s.csrf, s.account_id, s.agent_id, s.last_seen_at, a.name, a.role,
    array(select m.team_id from team_member m where m.workspace_id = s.workspace_id and m.agent_id = s.agent_id) as team_ids
from session s join agent a on a.workspace_id = s.workspace_id and a.id = s.agent_id
where s.token_hash = :hash and s.expires_at > now() and a.disabled_at is null;

-- name: touch_session
-- Notes that a session is in use and lets it live on.
update session set last_seen_at = now(), expires_at = now() + :seconds * interval '1 second'
where workspace_id = :workspace and id = :id and expires_at > now();

-- name: key_by_token
-- Which API key a token is.
select workspace_id, id, name, scopes, last_used_at from api_key where token_hash = :hash and revoked_at is null;

-- name: touch_key
-- Notes that a key is in use.
update api_key set last_used_at = now() where workspace_id = :workspace and id = :id;

-- name: account_by_email
-- An account with its password.
select id, email, password_hash from account where email = :email;

-- name: create_account
-- Adds an account; nothing when the address is taken.
insert into account (id, email, password_hash) values (:id, :email, :hash) on conflict (email) do nothing returning id;

-- name: set_password
-- Keeps a new password.
update account set password_hash = :hash where id = :id;

-- name: memberships
-- The workspaces where an account works, the oldest first.
select a.workspace_id, a.id as agent_id, w.name from agent a join tenancy_v_workspace w on w.id = a.workspace_id
where a.account_id = :account and a.disabled_at is null order by a.created_at, a.id;

-- name: reserve_attempt
-- Counts an attempt before the password is looked at; nothing when this key has to wait.
insert into sign_in_failure as f (key, failures, until) values (:key, 1, now())
on conflict (key) do update set
    failures = case when f.until < now() - interval '1 hour' then 1 else f.failures + 1 end,
    until = now() + case when f.until < now() - interval '1 hour' or f.failures < :free::int then interval '0'
        else least(power(2, least(f.failures - :free::int, 20)), :longest::int) * interval '1 second' end
where f.until <= now()
returning failures;

-- name: attempt_wait
-- How many seconds a key has to wait.
select greatest(1, ceil(extract(epoch from until - now())))::int from sign_in_failure where key = :key;

-- name: forgive
-- Forgets the failures of a key.
delete from sign_in_failure where key = :key;

-- name: forgive_one
-- Takes one attempt back.
update sign_in_failure set failures = greatest(failures - 1, 0), until = now() where key = :key;

-- name: known_address
-- Whether an account was signed in from an address before.
select exists (select from session where account_id = :account and address = :address and address <> '');

-- name: create_session
-- Begins a session.
insert into session (workspace_id, id, token_hash, csrf, account_id, agent_id, address, user_agent, expires_at)
values (:workspace, :id, :hash, :csrf, :account, :agent, :address, :user_agent, now() + :seconds * interval '1 second');

-- name: end_session
-- Ends a session; its row stays, since it tells which addresses an account knows.
update session set expires_at = now() where workspace_id = :workspace and id = :id and agent_id = :agent and expires_at > now();

-- name: end_sessions
-- Ends the sessions of an agent but one.
update session set expires_at = now() where workspace_id = :workspace and agent_id = :agent and expires_at > now()
    and id is distinct from :but::uuid;

-- name: end_account_sessions
-- Ends the sessions of an account everywhere, but one.
update session set expires_at = now() where account_id = :account and expires_at > now() and id is distinct from :but::uuid;

-- name: sessions_of
-- The living sessions of an agent.
select id, created_at, last_seen_at, address, user_agent from session
where workspace_id = :workspace and agent_id = :agent and expires_at > now() order by last_seen_at desc, id;

-- name: agents
-- The people of a workspace, with their teams and how available they are.
select a.id, a.name, c.email, a.role, a.locale, a.theme, a.disabled_at, a.settings, a.account_id,
    array(select m.team_id from team_member m where m.workspace_id = a.workspace_id and m.agent_id = a.id order by m.team_id) as team_ids,
    coalesce(p.status, 'offline') as status, coalesce(p.load, 0) as load, coalesce(p.capacity, 6) as capacity
from agent a join account c on c.id = a.account_id
left join routing_v_presence p on p.workspace_id = a.workspace_id and p.agent_id = a.id
where a.workspace_id = :workspace and (:id::uuid is null or a.id = :id) order by a.name, a.id;

-- name: create_agent
-- Lets an account work in a workspace; nothing when it does already.
insert into agent (workspace_id, id, account_id, name, role, locale) values (:workspace, :id, :account, :name, :role, :locale)
on conflict (workspace_id, account_id) do nothing returning id;

-- name: edit_agent
-- Changes a person; null leaves as it is.
update agent set name = coalesce(:name, name), role = coalesce(:role, role), locale = coalesce(:locale, locale),
    theme = coalesce(:theme, theme), settings = coalesce(:settings::jsonb, settings),
    disabled_at = case when :disabled::boolean is null then disabled_at when :disabled then coalesce(disabled_at, now()) end
where workspace_id = :workspace and id = :id;

-- name: lock_administrators
-- The administrators who can work, locked, so that the last two can't both be taken away at once.
select id from agent where workspace_id = :workspace and role = 'administrator' and disabled_at is null order by id for update;

-- name: agent_of_email
-- Whether somebody with this address works here.
select exists (select from agent a join account c on c.id = a.account_id where a.workspace_id = :workspace and c.email = :email);

-- name: leave_teams
-- Takes somebody out of the teams that are not listed.
delete from team_member where workspace_id = :workspace and agent_id = :agent and not team_id = any (:teams::uuid[]);

-- name: join_teams
-- Puts somebody into teams; those that don't exist are left out.
insert into team_member (workspace_id, team_id, agent_id)
select t.workspace_id, t.id, :agent from team t where t.workspace_id = :workspace and t.id = any (:teams::uuid[])
on conflict do nothing;

-- name: known_teams
-- Which of some teams exist.
select id from team where workspace_id = :workspace and id = any (:teams::uuid[]);

-- name: teams
-- The teams of a workspace with their members.
select t.id, t.name, array(select m.agent_id from team_member m where m.workspace_id = t.workspace_id and m.team_id = t.id
    order by m.agent_id) as member_ids
from team t where t.workspace_id = :workspace and (:id::uuid is null or t.id = :id) order by t.name, t.id;

-- name: create_team
-- Adds a team; nothing when the name is taken.
insert into team (workspace_id, id, name) values (:workspace, :id, :name) on conflict (workspace_id, name) do nothing returning id;

-- name: rename_team
-- Renames a team.
update team set name = :name where workspace_id = :workspace and id = :id;

-- name: remove_team
-- Removes a team.
delete from team where workspace_id = :workspace and id = :id;

-- name: team_named
-- The team of a name.
select id from team where workspace_id = :workspace and name = :name;

-- name: team_in_use
-- Whether a channel gives its conversations to a team, or conversations lie with it.
select exists (select from connections_v_channel where workspace_id = :workspace and team_id = :id)
    or exists (select from routing_v_work where workspace_id = :workspace and team_id = :id and state <> 'done');

-- name: create_invitation
-- Invites somebody; an earlier invitation of the same address that nobody accepted is over.
with former as (
    delete from invitation where workspace_id = :workspace and email = :email and accepted_at is null
)
insert into invitation (workspace_id, id, token_hash, email, name, role, team_ids, invited_by, expires_at)
values (:workspace, :id, :hash, :email, :name, :role, :teams::uuid[], :by, now() + :seconds * interval '1 second')
returning expires_at;

-- name: invitations
-- The invitations that can still be accepted.
select id, email, name, role, team_ids, expires_at from invitation
where workspace_id = :workspace and accepted_at is null and expires_at > now() order by id desc;

-- name: remove_invitation
-- Takes an invitation back.
delete from invitation where workspace_id = :workspace and id = :id and accepted_at is null returning email;

-- name: invitation_by_token
-- The invitation behind a token, while it can be accepted; locked, so that it is accepted once.
select i.workspace_id, i.id, i.email, i.name, i.role, i.team_ids, i.invited_by, w.name as workspace_name, w.locale
from invitation i join tenancy_v_workspace w on w.id = i.workspace_id
where i.token_hash = :hash and i.accepted_at is null and i.expires_at > now() for update of i;

-- name: accept_invitation
-- Marks an invitation as accepted.
update invitation set accepted_at = now() where workspace_id = :workspace and id = :id;

-- name: create_key
-- Adds an API key.
insert into api_key (workspace_id, id, name, token_hash, scopes, created_by) values (:workspace, :id, :name, :hash, :scopes::text[], :by)
returning created_at;

-- name: keys
-- The API keys that work.
select id, name, scopes, created_at, last_used_at from api_key where workspace_id = :workspace and revoked_at is null order by id;

-- name: revoke_key
-- Ends an API key for good.
update api_key set revoked_at = now() where workspace_id = :workspace and id = :id and revoked_at is null returning name;

-- name: record_audit
-- Writes down who did what.
insert into audit (workspace_id, id, actor_id, actor_kind, action, target, detail)
values (:workspace, :id, :actor::uuid, :kind, :action, :target, :detail::jsonb);

-- name: audit_page
-- Who did what, the latest first.
select e.id, e.at, e.actor_kind, coalesce(a.name, k.name, '') as actor_name, e.action, e.target, e.detail from audit e
left join agent a on a.workspace_id = e.workspace_id and a.id = e.actor_id
left join api_key k on k.workspace_id = e.workspace_id and k.id = e.actor_id
where e.workspace_id = :workspace and e.id < :before::uuid order by e.id desc limit :limit::int;

-- name: prune_failures
-- Forgets failed sign-ins past their time.
delete from sign_in_failure where until < now() - interval '1 day';
