-- name: find_identities
-- Which of these identifiers we know, with their contacts locked in id order. One that is being merged just now is left
-- out: asked again, it is found as the contact that it became.
select k.nr, i.id as identity_id, i.contact_id, i.verified, c.name, c.language, c.last_seen_at
from unnest(:workspaces::uuid[], :spaces::text[], :keys::text[]) with ordinality as k (workspace_id, space, value, nr)
join identity i on i.workspace_id = k.workspace_id and i.space = k.space and i.value = k.value
join contact c on c.workspace_id = i.workspace_id and c.id = i.contact_id and c.merged_into is null
order by c.id
for no key update of c;

-- name: create_contacts
-- Creates contacts with their first identity; who loses a race creates nothing.
with proposed as (
    select * from unnest(
        :workspaces::uuid[], :contacts::uuid[], :identities::uuid[], :spaces::text[], :keys::text[], :labels::text[],
        :names::text[], :kinds::text[], :languages::text[], :verified::boolean[], :at::timestamptz[])
        as p (workspace_id, contact_id, identity_id, space, value, label, name, kind, language, verified, at)
), won as (
    insert into identity (workspace_id, id, contact_id, space, value, label, verified)
    select workspace_id, identity_id, contact_id, space, value, label, verified from proposed order by workspace_id, space, value
    on conflict (workspace_id, space, value) do nothing
    returning contact_id
)
insert into contact (workspace_id, id, name, kind, language, last_seen_at)
select workspace_id, contact_id, name, kind, language, at from proposed where contact_id in (select contact_id from won)
returning workspace_id, id;

-- name: add_identities
-- Adds further identifiers of known contacts.
insert into identity (workspace_id, id, contact_id, space, value, label, verified)
select * from unnest(
    :workspaces::uuid[], :ids::uuid[], :contacts::uuid[], :spaces::text[], :keys::text[], :labels::text[], :verified::boolean[])
on conflict (workspace_id, space, value) do nothing;

-- name: add_claims
-- Notes what people say of themselves without proof.
insert into claim (workspace_id, contact_id, space, value)
select distinct * from unnest(:workspaces::uuid[], :contacts::uuid[], :spaces::text[], :keys::text[])
on conflict do nothing;

-- name: add_attributes
-- Notes what is told of people; a row is written only where something is new.
update contact c set attributes = c.attributes || t.attributes
from unnest(:workspaces::uuid[], :ids::uuid[], :attributes::jsonb[]) as t (workspace_id, id, attributes)
where c.workspace_id = t.workspace_id and c.id = t.id and not c.attributes @> t.attributes;

-- name: touch_contacts
-- Notes that people were seen, and the name they go by when we had none.
update contact c set last_seen_at = greatest(c.last_seen_at, t.at),
    name = case when c.name = '' then t.name else c.name end,
    language = case when c.language = '' then t.language else c.language end
from (select distinct on (id) * from unnest(:workspaces::uuid[], :ids::uuid[], :names::text[], :languages::text[], :at::timestamptz[])
      as u (workspace_id, id, name, language, at) order by id, at desc) t
where c.workspace_id = t.workspace_id and c.id = t.id;

-- name: set_reach
-- Notes that a person can't be reached by an identity any more, or can again.
update identity set unreachable = :reason where workspace_id = :workspace and space = :space and value = :key
returning contact_id;

-- name: rename_identity
-- An identifier changed on the platform; where the new one is known already nothing happens.
update identity i set value = :new_key where i.workspace_id = :workspace and i.space = :space and i.value = :old_key
    and not exists (select from identity o where o.workspace_id = :workspace and o.space = :space and o.value = :new_key)
returning contact_id;

-- name: contact
-- One contact, merged or not.
select id, name, kind, level, language, notes, tags, attributes, avatar_file, merged_into, created_at, last_seen_at
from contact where workspace_id = :workspace and id = :id;

-- name: lock_contacts
-- Contacts locked in id order.
select * from contact where workspace_id = :workspace and id = any (:ids::uuid[]) order by id for update;

-- name: edit_contact
-- Changes a contact's own fields; null leaves as it is.
update contact set name = coalesce(:name, name), level = coalesce(:level, level), notes = coalesce(:notes, notes),
    language = coalesce(:language, language), tags = coalesce(:tags::text[], tags), attributes = coalesce(:attributes::jsonb, attributes)
where workspace_id = :workspace and id = :id and merged_into is null;

-- name: create_contact
-- Creates a contact by hand.
insert into contact (workspace_id, id, name) values (:workspace, :id, :name);

-- name: move_identities
-- Gives all identities of one contact to another and tells which.
update identity set contact_id = :to where workspace_id = :workspace and contact_id = :from returning id;

-- name: return_identities
-- Gives back identities that a merge had moved, where they still are.
update identity set contact_id = :to where workspace_id = :workspace and contact_id = :from and id = any (:ids::uuid[]);

-- name: copy_claims
-- The kept contact makes the other's claims too; tells which are new to it.
insert into claim (workspace_id, contact_id, space, value)
select workspace_id, :to, space, value from claim where workspace_id = :workspace and contact_id = :from
on conflict do nothing
returning space, value;

-- name: remove_claims
-- Takes back claims that a merge had copied.
delete from claim where workspace_id = :workspace and contact_id = :contact
    and (space, value) in (select * from unnest(:spaces::text[], :keys::text[]));

-- name: set_merged
-- Marks a contact as part of another, or (null) as its own again.
update contact set merged_into = :into::uuid where workspace_id = :workspace and id = :id;

-- name: fill_contact
-- The kept contact takes what it lacked.
update contact set name = case when name = '' then :name else name end, level = case when level = '' then :level else level end,
    language = case when language = '' then :language else language end,
    notes = case when :notes = '' then notes when notes = '' then :notes else notes || E'\n' || :notes end,
    tags = (select coalesce(array_agg(distinct t), '{}') from unnest(tags || :tags::text[]) t),
    attributes = :attributes::jsonb || attributes,
    last_seen_at = greatest(last_seen_at, :last_seen_at::timestamptz)
where workspace_id = :workspace and id = :id;

-- name: restore_contact
-- Puts a contact's own fields back as they were before a merge, unless somebody edited them since.
update contact set name = :name, level = :level, language = :language, notes = :notes, tags = :tags::text[], attributes = :attributes::jsonb,
    last_seen_at = :last_seen_at::timestamptz
where workspace_id = :workspace and id = :id;

-- name: record_merge
-- Remembers how to undo a merge.
insert into merge (workspace_id, id, kept_id, merged_id, record, by_id, reason, at)
values (:workspace, :id, :kept, :merged, :record::jsonb, :by::uuid, :reason, :at);

-- name: merge_record
-- A merge that has not been undone.
select kept_id, merged_id, record from merge where workspace_id = :workspace and id = :id and undone_at is null for update;

-- name: undo_merge
-- Marks a merge as undone.
update merge set undone_at = :at where workspace_id = :workspace and id = :id;

-- name: list_contacts
-- Contacts by last contact, newest first, keyset-paged.
select id, name, kind, level, language, notes, tags, attributes, avatar_file, merged_into, created_at, last_seen_at from contact
where workspace_id = :workspace and merged_into is null and kind = 'person'
  and (coalesce(last_seen_at, created_at), id) < (:before_at::timestamptz, :before_id::uuid)
order by coalesce(last_seen_at, created_at) desc, id desc limit :limit::int;

-- name: contacts_by_id
-- Some contacts.
select id, name, kind, level, language, notes, tags, attributes, avatar_file, merged_into, created_at, last_seen_at from contact
where workspace_id = :workspace and id = any (:ids::uuid[]);

-- name: identities_of
-- The identities of some contacts.
select contact_id, id, space, value, label, verified, unreachable from identity
where workspace_id = :workspace and contact_id = any (:ids::uuid[]) order by created_at, id;

-- name: suggestions
-- Other contacts that share an unproven identifier with this one.
select distinct on (other.contact_id) other.contact_id, other.space, other.value from (
    select i.contact_id, i.space, i.value from claim c
    join identity i on i.workspace_id = c.workspace_id and i.space = c.space and i.value = c.value
    where c.workspace_id = :workspace and c.contact_id = :id
    union all
    select c2.contact_id, c2.space, c2.value from identity i2
    join claim c2 on c2.workspace_id = i2.workspace_id and c2.space = i2.space and c2.value = i2.value
    where i2.workspace_id = :workspace and i2.contact_id = :id
    union all
    select c2.contact_id, c2.space, c2.value from claim c
    join claim c2 on c2.workspace_id = c.workspace_id and c2.space = c.space and c2.value = c.value
    where c.workspace_id = :workspace and c.contact_id = :id
) other
join contact o on o.workspace_id = :workspace and o.id = other.contact_id and o.merged_into is null
where other.contact_id <> :id
order by other.contact_id limit 20;

-- name: identity_of_address
-- The identity behind an identifier.
select id, contact_id, verified from identity where workspace_id = :workspace and space = :space and value = :key;

-- name: claims_of_many
-- What some contacts say of themselves without proof.
select contact_id, space, value from claim where workspace_id = :workspace and contact_id = any (:ids::uuid[]) order by space, value;

-- name: never_looked_up
-- Identities by which these conversations came that no platform has been asked about; they count as asked now.
update identity i set looked_up_at = now()
from conversations_v_channel r join connections_v_channel h on h.workspace_id = r.workspace_id and h.id = r.channel_id
where (r.workspace_id, r.conversation_id) in (select * from unnest(:workspaces::uuid[], :conversations::uuid[]))
  and i.workspace_id = r.workspace_id and i.id = r.identity_id and i.verified and i.looked_up_at is null and h.kind = any (:kinds::text[])
returning i.workspace_id, i.contact_id, i.space, i.value, r.channel_id, h.kind;

-- name: describe_contact
-- Notes what a platform told of a contact.
update contact set name = case when name in ('', :unnamed) and :name <> '' then :name else name end,
    language = case when language = '' then :language else language end,
    avatar_file = coalesce(:avatar::uuid, avatar_file), attributes = attributes || :attributes::jsonb
where workspace_id = :workspace and id = :id and merged_into is null;

-- name: add_told_identities
-- Adds identifiers that a platform vouches for; one that somebody has already stays theirs until the two are merged.
insert into identity (workspace_id, id, contact_id, space, value, verified)
select :workspace, gen_random_uuid(), :contact, space, value, true from unnest(:spaces::text[], :keys::text[]) as t (space, value)
on conflict (workspace_id, space, value) do nothing;

-- name: told_of_others
-- Who else has identifiers of which a platform says that they are this contact's.
select distinct contact_id from identity where workspace_id = :workspace and contact_id <> :contact and verified
    and (space, value) in (select * from unnest(:spaces::text[], :keys::text[]));
