-- name: insert_files
-- Records files that were stored; one recorded before stays as it is.
insert into file (workspace_id, id, name, mime, size, sha256, path, width, height, duration, origin, uploaded_by)
select workspace_id, id, name, mime, size, sha256, path, width, height, duration, :origin::text, :uploaded_by::uuid
from unnest(
    :workspaces::uuid[], :ids::uuid[], :names::text[], :mimes::text[], :sizes::bigint[], :hashes::bytea[],
    :paths::text[], :widths::int[], :heights::int[], :durations::real[]
) as f (workspace_id, id, name, mime, size, sha256, path, width, height, duration)
on conflict do nothing;

-- name: find_files
-- The files of a workspace by id.
select workspace_id, id, name, mime, size, sha256, path, width, height, duration
from file where workspace_id = :workspace::uuid and id = any (:ids::uuid[]);

-- name: delete_files
-- Forgets files and tells where their bytes lie.
delete from file where workspace_id = :workspace::uuid and id = any (:ids::uuid[]) returning path;
