-- What a join changed in its two conversations, so that undoing it puts both back.
alter table conversation_join add column source_before jsonb not null default '{}';
alter table conversation_join add column target_before jsonb not null default '{}';

-- The order of the log before it is numbered: given by the database, since the clocks of two processes may differ and
-- ids of one millisecond have no order between them. No installation is older than this file, so nothing is rewritten.
-- squawk-ignore adding-field-with-default
alter table event add column nr bigint generated always as identity;
-- squawk-ignore require-concurrent-index-deletion
drop index event_unnumbered;
-- squawk-ignore require-concurrent-index-creation
create index event_unnumbered on event (nr) where pos is null;
