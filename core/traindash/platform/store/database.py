"""The SQLite file: one writer at a time, readers that never wait, numbered migrations."""

import re
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Any

from traindash.errors import InputError, StorageError
from traindash.steady_clock import CLOCK, SteadyClock

# One file each, in the order of their numbers. Append only: a home that was written by any earlier version has to open.
# JSON columns hold text; moments are ISO 8601 texts in UTC with milliseconds and ``Z``.
MIGRATIONS = tuple(path.read_text("utf-8") for path in sorted((Path(__file__).parent / "migrations").glob("*.sql")))
_BUSY_SECONDS = 30.0  # the command line may write while the server does
_READ_CACHE_KIB = 16_384
_DAMAGED = "Put a copy from a backup in its place, or set TRAINDASH_HOME to another folder."
_TOO_LONG = "Ask for less at once or with fewer conditions, or try again when the machine has less to do."
_TOO_LARGE = "Correct the ids and numbers, and send it again; the largest is 9,223,372,036,854,775,807."
_STEPS = 20_000  # of SQLite's machine between two looks at the clock: a millisecond or less


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How many seconds a statement may take until its rows are read; while one writes, all others who write wait."""

    read: float = 20.0
    write: float = 60.0


class TimedConnection(sqlite3.Connection):
    """A connection whose statements end with ``SQLITE_INTERRUPT`` when they take longer than ``seconds``."""

    seconds = float("inf")
    _begun = float("inf")

    def limit(self, seconds: float) -> None:
        """Set how long each may take from now on."""
        self.seconds = seconds
        self.set_progress_handler(lambda: time.monotonic() - self._begun > self.seconds, _STEPS)

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:  # noqa: ANN401 - as in sqlite3
        """Execute a statement."""
        self._begun = time.monotonic()
        return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        """Execute a statement with one set of parameters after the other."""

        def each() -> Iterator[Any]:
            for item in parameters:
                self._begun = time.monotonic()
                yield item

        return super().executemany(sql, each())


class Database:
    """A SQLite database in WAL mode; the folder of its file must exist.

    All connections belong to this object and may be used from any thread; a connection is with one thread at a time.
    Rows are :class:`sqlite3.Row`. ``sqlite3.IntegrityError`` reaches the caller (it often means a name is taken); any
    other database error becomes a :class:`traindash.errors.StorageError`; a statement that takes too long and an
    integer of more than 64 bits become an :class:`traindash.errors.InputError`.
    """

    def __init__(self, path: Path, patience: Patience = Patience()) -> None:
        self.path = path
        self._patience = patience
        self._called = f"database {path}"  # where it starts, people have to find it; clients have no business with it
        self._write_lock = threading.Lock()
        self._writer: TimedConnection | None = None
        self._readers: LifoQueue[TimedConnection] = LifoQueue()

    def open(self, migrations: Sequence[str] = MIGRATIONS) -> None:
        """Open the file, create it if needed, and bring its tables up to date.

        Raises:
            StorageError: The file cannot be used, or a newer version of this program wrote it.
        """
        with self._errors():
            writer = self._connect()
            # Readers never wait for the writer. With WAL, NORMAL loses nothing when a process dies; if the power fails,
            # the last transactions may be gone, but the file is whole (sqlite.org/pragma.html#pragma_synchronous).
            writer.execute("PRAGMA journal_mode = WAL")
            writer.execute("PRAGMA synchronous = NORMAL")
            self._writer = writer
        self._migrate(migrations)
        writer.limit(self._patience.write)
        self._called = "database"

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
        with self._write_lock, self._errors():
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
        with self._errors():
            try:
                connection = self._readers.get_nowait()
            except Empty:
                connection = self._connect()
                connection.execute("PRAGMA query_only = ON")
                connection.execute(f"PRAGMA cache_size = -{_READ_CACHE_KIB}")
                connection.limit(self._patience.read)
            try:
                connection.execute("BEGIN")  # without it, each statement would see a state of its own
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if self._writer is None:  # the database was closed while this one was in use
                    connection.close()
                else:
                    self._readers.put(connection)

    def _connect(self) -> TimedConnection:
        # No isolation level: Python's own transactions would commit before statements that change tables.
        connection = sqlite3.connect(
            self.path,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            factory=TimedConnection,
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except OverflowError as error:
            # An integer of more than 64 bits among the parameters: no row has it, and no client means it.
            raise InputError("A number is larger than any that is kept here.", _TOO_LARGE) from error
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code == sqlite3.SQLITE_INTERRUPT:
                # The one who asked for it has to ask for less: a client would repeat what the server is blamed for.
                raise InputError("The database takes too long for this.", _TOO_LONG) from error
            is_damaged = code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
            hint = _DAMAGED if is_damaged else "Check that the disk has space and that the folder is writable."
            raise StorageError(f"The {self._called} does not work: {error}.", hint) from error

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


def now_text(clock: SteadyClock = CLOCK) -> str:
    """Return the current moment as the API writes it: ISO 8601, UTC, milliseconds, ``Z``; it never goes back."""
    return moment_text(clock.now())


def moment_text(moment: datetime) -> str:
    """Return a moment, which names its zone, as the API writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
