-- The order of sends to one person: given by the database under the conversation's lock, since two processes' clocks differ.
-- When waiting receipts and edits were held, so that the frequent look concerns the latest only. No installation is older
-- than this file, so nothing is rewritten.
-- squawk-ignore adding-field-with-default
alter table outbound add column nr bigint generated always as identity;
-- squawk-ignore require-concurrent-index-deletion
drop index outbound_due;
-- squawk-ignore require-concurrent-index-creation
create index outbound_due on outbound (connection_id, channel_id, address, nr) where status in ('queued', 'sending');

alter table waiting_receipt add column held_at timestamptz not null default now();
alter table waiting_change add column held_at timestamptz not null default now();
-- squawk-ignore require-concurrent-index-creation
create index waiting_receipt_held on waiting_receipt (held_at) where parked_at is null;
-- squawk-ignore require-concurrent-index-creation
create index waiting_change_held on waiting_change (held_at) where parked_at is null;

create or replace view delivery_v_outbound with (security_invoker = true) as
    select * from outbound;
