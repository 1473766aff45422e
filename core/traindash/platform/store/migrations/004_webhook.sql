CREATE TABLE webhook_deliveries (
    task_id INTEGER PRIMARY KEY REFERENCES tasks(id) ON DELETE CASCADE,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    detail TEXT NOT NULL DEFAULT '',
    due_at TEXT,
    updated_at TEXT NOT NULL
);
CREATE INDEX tasks_by_end ON tasks (finished_at);
