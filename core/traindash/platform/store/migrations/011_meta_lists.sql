-- Classes and tags of projects as rows, for lists: they live in the JSON of the meta.
CREATE VIEW object_classes AS
SELECT
    json_extract(item.value, '$.id') AS id,
    projects.id AS project_id,
    json_extract(item.value, '$.title') AS name,
    coalesce(json_extract(item.value, '$.description'), '') AS description,
    json_extract(item.value, '$.shape') AS shape,
    json_extract(item.value, '$.color') AS color,
    item.value AS json,
    projects.created_at AS created_at,
    projects.updated_at AS updated_at
FROM projects, json_each(projects.meta, '$.classes') AS item
WHERE projects.archived_at IS NULL;

CREATE VIEW tags AS
SELECT
    json_extract(item.value, '$.id') AS id,
    projects.id AS project_id,
    json_extract(item.value, '$.name') AS name,
    json_extract(item.value, '$.color') AS color,
    item.value AS json,
    projects.created_at AS created_at,
    projects.updated_at AS updated_at
FROM projects, json_each(projects.meta, '$.tags') AS item
WHERE projects.archived_at IS NULL;

-- These have a column of their own since the first version, which is what is changed; a copy here would grow old.
UPDATE projects SET meta = json_remove(meta, '$.projectSettings') WHERE json_type(meta, '$.projectSettings') IS NOT NULL;
