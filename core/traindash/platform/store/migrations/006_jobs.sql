CREATE TABLE jobs (
    kind TEXT NOT NULL,
    id INTEGER NOT NULL,
    status TEXT NOT NULL,
    document TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
