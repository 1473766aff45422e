"""Remembers across the death of a server what a call has made, so that its repeat makes nothing twice.

Repeats that one server sees are answered from its memory (``routes/repeats.py``). Here is what the next server has to
know: that a call was done, written in the transaction that did it, and what was answered, written right after. Where
the answer follows from the ids of what was made, these are in the first note, and the second is spared.
"""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from sqlite3 import Connection
from uuid import uuid4

import msgspec

from traindash.errors import StateError
from traindash.platform.store.database import Database, moment_text, now_text

_REPEATED = timedelta(seconds=310)  # as long as the official SDK repeats a call (docs/supervisely-api.md 1.3)
_SERVER = uuid4().hex  # this run of the server


@dataclass(slots=True)
class CallNote:
    """What is noted of a call while it is worked on."""

    call: str
    is_made: bool = False  # a transaction says that it did what was asked for
    is_told: bool = False  # and what was made, of which the answer can be given again


_at_hand: ContextVar[CallNote | None] = ContextVar("at_hand", default=None)


def note_made(connection: Connection, ids: Sequence[int] | None = None) -> None:
    """Write down inside a transaction that it does what the call at hand asks for; nothing outside of one.

    ``ids`` of what it made are for methods whose answer follows from them.
    """
    if (note := _at_hand.get()) is not None:
        note.is_made, note.is_told, now = True, ids is not None, now_text()
        told = None if ids is None else msgspec.json.encode(ids)
        connection.execute("DELETE FROM unanswered_writes WHERE created_at < ?", (_oldest(),))
        query = "INSERT OR REPLACE INTO unanswered_writes VALUES (?, ?, ?, ?)"
        connection.execute(query, (note.call, _SERVER, told, now))


class UnansweredWrites:
    """Calls that made something and whose answer may not have gone out."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._given: set[str] = set()  # answered, and their notes not removed yet
        self._left: frozenset[str] = frozenset()  # calls that earlier servers have noted; nobody adds to these

    def recover(self) -> None:
        """Read which calls earlier servers have noted."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT call FROM unanswered_writes WHERE server <> ?", (_SERVER,))
            self._left = frozenset(row["call"] for row in rows)

    def answer(self, call: str) -> bytes | None:
        """Return what an earlier server noted to a call, its answer or ids; ``None`` if none has done it.

        Raises:
            StateError: It was done, and the server died before it knew its answer.
        """
        if call not in self._left:
            return None
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

    def given(self, call: str) -> bool:
        """Note that the answer was handed over: the same call once more means another one.

        It is forgotten with others at the next :meth:`forget`; returns whether it is the first of these.
        """
        with self._lock:
            self._given.add(call)
            return len(self._given) == 1

    def forget(self) -> None:
        """Forget the calls that were answered."""
        with self._lock:
            calls, self._given = self._given, set()
        if calls:
            query = "DELETE FROM unanswered_writes WHERE call IN (SELECT value FROM json_each(?))"
            with self._database.write() as connection:
                connection.execute(query, (json.dumps(tuple(calls)),))


def _oldest() -> str:
    return moment_text(datetime.now(UTC) - _REPEATED)
