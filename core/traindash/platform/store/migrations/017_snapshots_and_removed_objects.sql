-- A client may keep a copy of a project as a file and say which version it is of. While it makes one, the version is
-- reserved: `commit_token` is what it has to show, `reserved_at` when it began.
ALTER TABLE project_versions ADD COLUMN team_file_id INTEGER;
ALTER TABLE project_versions ADD COLUMN project_updated_at TEXT;
ALTER TABLE project_versions ADD COLUMN preview_project_id INTEGER;
ALTER TABLE project_versions ADD COLUMN updated_at TEXT;
ALTER TABLE project_versions ADD COLUMN commit_token TEXT;
ALTER TABLE project_versions ADD COLUMN reserved_at TEXT;

-- Objects that were removed one by one, for a while: a client may restore them.
CREATE TABLE removed_objects (
    id INTEGER PRIMARY KEY,
    image_id INTEGER NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    object TEXT NOT NULL,
    removed_at TEXT NOT NULL
);
CREATE INDEX removed_objects_by_image ON removed_objects (image_id);
