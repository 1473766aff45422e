-- Starts whose answer may not have gone out: a client that repeats one after this server died gets the same task.
CREATE TABLE unanswered_starts (
    task_id INTEGER PRIMARY KEY REFERENCES tasks(id) ON DELETE CASCADE,
    call TEXT NOT NULL,
    server TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE INDEX unanswered_starts_by_call ON unanswered_starts (call);
