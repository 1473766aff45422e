-- Calls that made something and whose answer may not have gone out: a client that repeats one after this server died
-- gets that answer and makes nothing twice. `answer` is null while it is not known yet.
CREATE TABLE unanswered_writes (
    call TEXT PRIMARY KEY,
    server TEXT NOT NULL,
    answer BLOB,
    created_at TEXT NOT NULL
) WITHOUT ROWID;
