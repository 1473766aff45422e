CREATE TABLE webhook_messages (
    name TEXT PRIMARY KEY,
    task_id INTEGER UNIQUE REFERENCES tasks(id) ON DELETE CASCADE,
    other TEXT,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    detail TEXT NOT NULL DEFAULT '',
    due_at TEXT,
    updated_at TEXT NOT NULL
);
INSERT INTO webhook_messages (name, task_id, state, attempts, detail, due_at, updated_at)
SELECT 'task-' || task_id, task_id, state, attempts, detail, due_at, updated_at FROM webhook_deliveries;
DROP TABLE webhook_deliveries;
