-- Workspaces that people do not work in: what evaluations need beside the projects of a person lies there.
ALTER TABLE workspaces ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;
