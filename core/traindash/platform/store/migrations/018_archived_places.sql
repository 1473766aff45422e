-- Teams and workspaces are archived like projects, with all projects in them; see 009_archive.sql.
ALTER TABLE teams ADD COLUMN archived_at TEXT;
ALTER TABLE teams ADD COLUMN archived_name TEXT;
ALTER TABLE teams ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN archived_at TEXT;
ALTER TABLE workspaces ADD COLUMN archived_name TEXT;
ALTER TABLE workspaces ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
-- What a person has pinned among the datasets of a project.
ALTER TABLE datasets ADD COLUMN is_favorite INTEGER NOT NULL DEFAULT 0;
