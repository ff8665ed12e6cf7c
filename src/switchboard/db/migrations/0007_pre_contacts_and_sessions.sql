-- Contacts are listed by when they were last seen, else added; sessions are asked by account at every sign-in. No
-- installation is older than this file, so nothing is held up.
-- squawk-ignore require-concurrent-index-deletion
drop index contact_recent;
-- squawk-ignore require-concurrent-index-creation
create index contact_recent on contact (workspace_id, (coalesce(last_seen_at, created_at)), id)
where merged_into is null and kind = 'person';
-- squawk-ignore require-concurrent-index-creation
create index session_account on session (account_id, address);
