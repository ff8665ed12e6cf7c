-- A channel's automatic answer, and which messages a machine wrote (nobody answers those by machine).
alter table channel add column auto_reply text not null default '';
alter table message add column auto boolean not null default false;

create or replace view connections_v_channel with (security_invoker = true) as
    select workspace_id, id, connection_id, kind, name, external_id, status, team_id, auto_reply from channel;
create or replace view conversations_v_message with (security_invoker = true) as
    select * from message;
