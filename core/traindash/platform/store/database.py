"""The SQLite file: one writer at a time, readers that never wait, numbered migrations."""

import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, LifoQueue

from traindash.errors import StorageError

# The tables, as migrations in the order they are applied. Append only: never edit one that was released.
#
# JSON columns hold text. Moments are ISO 8601 texts in UTC with milliseconds and ``Z``.


_TABLES = """
CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);

CREATE TABLE teams (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);

CREATE TABLE workspaces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    team_id INTEGER NOT NULL REFERENCES teams(id),
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (team_id, name)
);

CREATE TABLE agents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    team_id INTEGER NOT NULL REFERENCES teams(id),
    user_id INTEGER NOT NULL REFERENCES users(id),
    name TEXT NOT NULL,
    type TEXT NOT NULL DEFAULT 'sly_agent',
    status TEXT NOT NULL DEFAULT 'running',
    threads INTEGER NOT NULL DEFAULT 1,
    device TEXT NOT NULL DEFAULT 'cpu',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (team_id, name)
);

CREATE TABLE modules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    slug TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL
);

CREATE TABLE projects (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
    team_id INTEGER NOT NULL REFERENCES teams(id),
    user_id INTEGER NOT NULL REFERENCES users(id),
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    type TEXT NOT NULL DEFAULT 'images',
    meta TEXT NOT NULL DEFAULT '{"classes": [], "tags": []}',
    custom_data TEXT NOT NULL DEFAULT '{}',
    settings TEXT NOT NULL DEFAULT '{}',
    readme TEXT NOT NULL DEFAULT '',
    items_count INTEGER NOT NULL DEFAULT 0,
    datasets_count INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL DEFAULT 0,
    reference_hash TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (workspace_id, name)
);

CREATE TABLE project_versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    description TEXT NOT NULL DEFAULT '',
    content_hash TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    UNIQUE (project_id, version)
);

CREATE TABLE datasets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    parent_id INTEGER REFERENCES datasets(id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES users(id),
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    custom_data TEXT NOT NULL DEFAULT '{}',
    images_count INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL DEFAULT 0,
    reference_hash TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE UNIQUE INDEX datasets_by_name ON datasets (project_id, coalesce(parent_id, 0), name);

CREATE TABLE images (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    dataset_id INTEGER NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    mime TEXT NOT NULL,
    size INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    labels_count INTEGER NOT NULL DEFAULT 0,
    tags TEXT NOT NULL DEFAULT '[]',
    meta TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE UNIQUE INDEX images_by_name ON images (dataset_id, name);
CREATE INDEX images_by_dataset ON images (dataset_id, id);
CREATE INDEX images_by_project ON images (project_id, id);
CREATE INDEX images_by_hash ON images (hash);

CREATE TABLE annotations (
    image_id INTEGER PRIMARY KEY REFERENCES images(id) ON DELETE CASCADE,
    annotation TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);

CREATE TABLE image_classes (
    dataset_id INTEGER NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
    class_name TEXT NOT NULL,
    image_id INTEGER NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    objects INTEGER NOT NULL,
    PRIMARY KEY (dataset_id, class_name, image_id)
) WITHOUT ROWID;
CREATE INDEX image_classes_by_image ON image_classes (image_id);

CREATE TABLE image_tags (
    dataset_id INTEGER NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
    tag_name TEXT NOT NULL,
    image_id INTEGER NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    PRIMARY KEY (dataset_id, tag_name, image_id)
) WITHOUT ROWID;
CREATE INDEX image_tags_by_image ON image_tags (image_id);

CREATE TABLE dataset_classes (
    dataset_id INTEGER NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
    class_name TEXT NOT NULL,
    images INTEGER NOT NULL,
    objects INTEGER NOT NULL,
    PRIMARY KEY (dataset_id, class_name)
) WITHOUT ROWID;

CREATE TABLE dataset_tags (
    dataset_id INTEGER NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
    tag_name TEXT NOT NULL,
    images INTEGER NOT NULL,
    objects INTEGER NOT NULL,
    PRIMARY KEY (dataset_id, tag_name)
) WITHOUT ROWID;

CREATE TABLE collections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    team_id INTEGER NOT NULL REFERENCES teams(id),
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    type TEXT NOT NULL DEFAULT 'default',
    options TEXT NOT NULL DEFAULT '{}',
    meta TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (project_id, name)
);

CREATE TABLE collection_items (
    collection_id INTEGER NOT NULL REFERENCES collections(id) ON DELETE CASCADE,
    image_id INTEGER NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    created_at TEXT NOT NULL,
    PRIMARY KEY (collection_id, image_id)
) WITHOUT ROWID;
CREATE INDEX collection_items_by_image ON collection_items (image_id);

CREATE TABLE team_files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    team_id INTEGER NOT NULL REFERENCES teams(id),
    user_id INTEGER NOT NULL REFERENCES users(id),
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    hash TEXT NOT NULL,
    mime TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (team_id, path)
);

CREATE TABLE tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    team_id INTEGER NOT NULL REFERENCES teams(id),
    workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
    user_id INTEGER NOT NULL REFERENCES users(id),
    agent_id INTEGER REFERENCES agents(id),
    module_id INTEGER NOT NULL REFERENCES modules(id),
    project_id INTEGER,
    kind TEXT NOT NULL,
    type TEXT NOT NULL DEFAULT 'app',
    status TEXT NOT NULL DEFAULT 'queued',
    name TEXT NOT NULL DEFAULT '',
    description TEXT NOT NULL DEFAULT '',
    app_name TEXT NOT NULL DEFAULT '',
    app_version TEXT NOT NULL DEFAULT '',
    log_level TEXT NOT NULL DEFAULT 'info',
    restart_policy TEXT NOT NULL DEFAULT 'never',
    session_token TEXT NOT NULL,
    params TEXT NOT NULL DEFAULT '{}',
    settings TEXT NOT NULL DEFAULT '{}',
    output TEXT NOT NULL DEFAULT '{}',
    exit_report TEXT,
    train_status TEXT NOT NULL DEFAULT '',
    autostart INTEGER NOT NULL DEFAULT 1,
    attempt INTEGER NOT NULL DEFAULT 1,
    launch_key TEXT UNIQUE,
    queue_order INTEGER NOT NULL DEFAULT 0,
    stop_requested_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    started_at TEXT,
    finished_at TEXT
);
CREATE INDEX tasks_by_status ON tasks (status, agent_id, queue_order);
CREATE INDEX tasks_by_workspace ON tasks (workspace_id, id);
"""

# 2: what apps that run elsewhere keep with their task.
_APP_DATA = """
CREATE TABLE task_data (
    task_id INTEGER PRIMARY KEY REFERENCES tasks(id) ON DELETE CASCADE,
    document TEXT NOT NULL
);
"""

# 3: the queue of an agent can be held.
_AGENT_QUEUES = """
ALTER TABLE agents ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
"""

# 4: what became of each message.
_WEBHOOK = """
CREATE TABLE webhook_deliveries (
    task_id INTEGER PRIMARY KEY REFERENCES tasks(id) ON DELETE CASCADE,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    detail TEXT NOT NULL DEFAULT '',
    due_at TEXT,
    updated_at TEXT NOT NULL
);
CREATE INDEX tasks_by_end ON tasks (finished_at);
"""

# 5: messages of tasks on other servers too, so a message has a name of its own.
_WEBHOOK_OF_OTHERS = """
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
"""

# 6: imports and dry runs are rows; before, each was a JSON file.
_JOBS = """
CREATE TABLE jobs (
    kind TEXT NOT NULL,
    id INTEGER NOT NULL,
    status TEXT NOT NULL,
    document TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
"""

# ``MIGRATIONS[n]`` brings a database from version ``n`` to ``n + 1``.
MIGRATIONS: tuple[str, ...] = (_TABLES, _APP_DATA, _AGENT_QUEUES, _WEBHOOK, _WEBHOOK_OF_OTHERS, _JOBS)

_BUSY_SECONDS = 30.0  # the command line may write while the server does
_READ_CACHE_KIB = 16_384


class Database:
    """A SQLite database in WAL mode.

    All connections belong to this object and may be used from any thread; a connection is with one thread at a time.
    Rows are :class:`sqlite3.Row`. ``sqlite3.IntegrityError`` reaches the caller (it often means a name is taken); any
    other database error becomes a :class:`traindash.errors.StorageError`.

    Args:
        path: The file; its folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._write_lock = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._readers: LifoQueue[sqlite3.Connection] = LifoQueue()

    def open(self, migrations: Sequence[str] = MIGRATIONS) -> None:
        """Open the file, create it if needed, and bring its tables up to date.

        Raises:
            StorageError: The file cannot be used, or a newer version of this program wrote it.
        """
        with _storage_errors(self.path):
            writer = self._connect()
            # Readers never wait for the writer. With WAL, NORMAL loses nothing when a process dies; if the power fails,
            # the last transactions may be gone, but the file is whole (sqlite.org/pragma.html#pragma_synchronous).
            writer.execute("PRAGMA journal_mode = WAL")
            writer.execute("PRAGMA synchronous = NORMAL")
            self._writer = writer
        self._migrate(migrations)

    def close(self) -> None:
        """Close every connection. Closing twice does nothing."""
        with self._write_lock:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
        while True:
            try:
                self._readers.get_nowait().close()
            except Empty:
                return

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Give the writing connection inside one transaction.

        The transaction is committed when the block ends and rolled back when it raises. Blocks wait for each other;
        keep them short and never nest them.
        """
        with self._write_lock, _storage_errors(self.path):
            if self._writer is None:
                raise StorageError("The database is closed.")
            # IMMEDIATE: another process that writes is met here, where SQLite waits, and not at the first INSERT.
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that sees one state of the database for the whole block, whatever is written meanwhile."""
        with _storage_errors(self.path):
            try:
                connection = self._readers.get_nowait()
            except Empty:
                connection = self._connect()
                connection.execute("PRAGMA query_only = ON")
                connection.execute(f"PRAGMA cache_size = -{_READ_CACHE_KIB}")
            try:
                connection.execute("BEGIN")  # without it, each statement would see a state of its own
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                self._give_back(connection)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if self._writer is None:  # the database was closed while this one was in use
            connection.close()
        else:
            self._readers.put(connection)

    def _connect(self) -> sqlite3.Connection:
        # No isolation level: Python's own transactions would commit before statements that change tables.
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _migrate(self, migrations: Sequence[str]) -> None:
        with self.read() as connection:
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > len(migrations):
            msg = f"{self.path} was written by a newer version of Traindash."
            raise StorageError(msg, "Update Traindash, or point TRAINDASH_HOME to another folder.")
        for number, script in enumerate(migrations[version:], start=version + 1):
            with self.write() as connection:
                for statement in _statements(script):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")


def _statements(script: str) -> Iterator[str]:
    """Cut a script at the ends of its statements; a ``;`` in a text, a comment or the body of a trigger is none."""
    # Not executescript: it commits what was begun before it, so half a migration would stay when a statement fails.
    statement = ""
    for piece in re.split("(?<=;)", script):
        statement += piece
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement  # the last one may go without its semicolon


def now_text() -> str:
    """Return the current moment as the API writes it: ISO 8601, UTC, milliseconds, ``Z``."""
    return moment_text(datetime.now(UTC))


def moment_text(moment: datetime) -> str:
    """Return a moment, which names its zone, as the API writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.Error as error:
        msg = f"The database {path} does not work: {error}."
        raise StorageError(msg, "Check that the disk has space and that the folder is writable.") from error
