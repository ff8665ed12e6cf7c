-- Phones with our customers' apps, which can be woken when a message comes and the app is closed.
create table device (
    workspace_id uuid not null,
    id uuid not null,
    channel_id uuid not null,
    address text not null,
    service text not null check (service in ('apns', 'fcm')),
    token text not null,
    language text not null check (language in ('en', 'zh')),
    registered_at timestamptz not null default now(),
    primary key (workspace_id, id),
    unique (workspace_id, channel_id, token),
    foreign key (workspace_id, channel_id) references channel (workspace_id, id) on delete cascade
);
create index device_address on device (workspace_id, channel_id, address);

alter table device enable row level security;
create policy own_workspace on device
using (workspace_id = (select nullif(current_setting('app.workspace_id', true), '')::uuid));
grant select, insert, update, delete on device to switchboard_api;
