-- The API writes the audit and never changes it; it sees who people are and never their passwords.
revoke update, delete on audit from switchboard_api;
revoke select, update on account from switchboard_api;
grant select (id, email, created_at) on account to switchboard_api;
