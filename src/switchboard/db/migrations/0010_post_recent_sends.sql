-- outside transaction
-- What a connection sent lately, for its page: how much of it failed.
create index concurrently if not exists outbound_recent on outbound (connection_id, created_at);
