-- What was deleted is archived first: hidden from every list, and back when somebody wants it back.
-- `archived_name`: the name of a project while it is archived; its own column then holds one that nobody else can want.
-- `removed`: it is being removed for good and cannot come back; what a killed server left of that is done at the start.
ALTER TABLE projects ADD COLUMN archived_at TEXT;
ALTER TABLE projects ADD COLUMN archived_name TEXT;
ALTER TABLE projects ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE datasets ADD COLUMN archived_at TEXT;
ALTER TABLE datasets ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX projects_archived ON projects (archived_at) WHERE archived_at IS NOT NULL;
CREATE INDEX datasets_archived ON datasets (id) WHERE archived_at IS NOT NULL;
DROP INDEX datasets_by_name;
CREATE UNIQUE INDEX datasets_by_name ON datasets (project_id, coalesce(parent_id, 0), name) WHERE archived_at IS NULL;
CREATE INDEX datasets_by_project ON datasets (project_id);
CREATE INDEX datasets_by_parent ON datasets (parent_id) WHERE parent_id IS NOT NULL;

-- Whether a training was started on a version of a project's data: the first change after it begins the next one.
ALTER TABLE project_versions ADD COLUMN used INTEGER NOT NULL DEFAULT 1;
