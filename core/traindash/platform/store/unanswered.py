"""Remembers across the death of a server what a call has made, so that its repeat makes nothing twice.

Repeats that one server sees are answered from its memory (``routes/repeats.py``). Here is what the next server has to
know: that a call was done, written in the transaction that did it, and what was answered, written right after.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from sqlite3 import Connection
from uuid import uuid4

from traindash.errors import StateError
from traindash.platform.store.database import Database, moment_text, now_text

_REPEATED = timedelta(seconds=310)  # as long as the official SDK repeats a call (docs/supervisely-api.md 1.3)
_SERVER = uuid4().hex  # this run of the server


@dataclass(slots=True)
class CallNote:
    """What is noted of a call while it is worked on."""

    call: str
    is_made: bool = False  # a transaction says that it did what was asked for


_at_hand: ContextVar[CallNote | None] = ContextVar("at_hand", default=None)


def note_made(connection: Connection) -> None:
    """Write down inside a transaction that it does what the call at hand asks for; nothing outside of one."""
    if (note := _at_hand.get()) is not None:
        note.is_made, now = True, now_text()
        connection.execute("DELETE FROM unanswered_writes WHERE created_at < ?", (_oldest(),))
        connection.execute("INSERT OR REPLACE INTO unanswered_writes VALUES (?, ?, NULL, ?)", (note.call, _SERVER, now))


class UnansweredWrites:
    """Calls that made something and whose answer may not have gone out."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def answer(self, call: str) -> bytes | None:
        """Return what an earlier server wanted to answer to a call, ``None`` if none has done it.

        Raises:
            StateError: It was done, and the server died before it knew its answer.
        """
        query = "SELECT answer FROM unanswered_writes WHERE call = ? AND server <> ? AND created_at >= ?"
        with self._database.read() as connection:
            row = connection.execute(query, (call, _SERVER, _oldest())).fetchone()
        if row is None:
            return None
        if row["answer"] is None:
            msg = "This was done, and the server ended before it could answer."
            raise StateError(msg, "Look at what is there before you call it again.")
        return bytes(row["answer"])

    @contextmanager
    def noting(self, call: str) -> Iterator[CallNote]:
        """Let :func:`note_made` know the call that this thread works on; give what it noted."""
        note = CallNote(call)
        token = _at_hand.set(note)
        try:
            yield note
        finally:
            _at_hand.reset(token)

    def keep(self, call: str, answer: bytes) -> None:
        """Keep what is going to be answered to a call."""
        with self._database.write() as connection:
            connection.execute("UPDATE unanswered_writes SET answer = ? WHERE call = ?", (answer, call))

    def forget(self, call: str) -> None:
        """Note that the answer was handed over: the same call once more means another one."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM unanswered_writes WHERE call = ?", (call,))


def _oldest() -> str:
    return moment_text(datetime.now(UTC) - _REPEATED)
