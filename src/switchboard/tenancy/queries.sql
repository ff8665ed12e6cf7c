-- name: create_workspace
-- Adds a workspace; nothing when its slug is taken.
insert into workspace (id, name, slug, locale, time_zone) values (:id, :name, :slug, :locale, :time_zone)
on conflict (slug) do nothing returning id;

-- name: workspace
-- One workspace.
select id, name, slug, locale, time_zone, settings from workspace where id = :id;

-- name: workspace_by_slug
-- The workspace of a slug.
select id, name, slug, locale, time_zone, settings from workspace where slug = :slug;

-- name: edit_workspace
-- Changes a workspace; null leaves as it is, settings are merged by key.
update workspace set name = coalesce(:name, name), locale = coalesce(:locale, locale), time_zone = coalesce(:time_zone, time_zone),
    settings = settings || coalesce(:settings::jsonb, '{}')
where id = :id;
