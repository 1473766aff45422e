"""Ids of what has no table of its own: classes and tags of a meta, objects and tags inside the JSON of annotations."""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from sqlite3 import Connection
from typing import Self

from traindash.platform.store.accounts import store_setting
from traindash.platform.store.database import Database

_LAST_ID = "last_inner_id"
_IDS_AT_ONCE = 10_000  # one transaction for the objects of a thousand images


class InnerIds:
    """Gives ids that were never given: one counter for all, in the settings. May be used from any thread.

    They are taken in blocks, each in a transaction of its own, so that an import can write its annotations as they stay
    while other imports do the same. Ids of a block that nobody needs are left out; nothing depends on them being dense.
    So none may be asked for inside a writing transaction.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._next, self._end = 1, 1

    def __iter__(self) -> Self:
        """Return itself."""
        return self

    def __next__(self) -> int:
        """Return an id."""
        return self.several(1)[0]

    def several(self, count: int) -> range:
        """Return as many ids, one after another."""
        with self._lock:
            if self._next + count > self._end:
                self._take_block(max(count, _IDS_AT_ONCE))
            self._next += count
            return range(self._next - count, self._next)

    def _take_block(self, size: int) -> None:
        with self._database.write() as connection:
            row = connection.execute("SELECT value FROM settings WHERE key = ?", (_LAST_ID,)).fetchone()
            self._next = 1 if row is None else int(row["value"]) + 1
            self._end = self._next + size
            store_setting(connection, _LAST_ID, str(self._end - 1))


def note_ids(connection: Connection, ids: Mapping[int, Iterable[int]]) -> None:
    """Write down which objects and tags are on images, inside a transaction; none of them was noted before.

    ``ids``: image id → ids of its objects and tags.
    """
    rows = [(first, last, image_id) for image_id, on_it in ids.items() for first, last in _runs(on_it)]
    connection.executemany("INSERT INTO inner_ids VALUES (?, ?, ?)", rows)


def images_with(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """Return id of an object or tag → id of the image that it is on; those that are gone are left out."""
    query = (
        "SELECT wanted.value AS id, (SELECT CASE WHEN last >= wanted.value THEN image_id END FROM inner_ids"
        " WHERE first <= wanted.value ORDER BY first DESC LIMIT 1) AS image_id FROM json_each(?) AS wanted"
    )
    rows = connection.execute(query, (json.dumps(tuple(ids)),))
    return {row["id"]: row["image_id"] for row in rows if row["image_id"] is not None}


def _runs(ids: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last of each run of ids without a gap."""
    numbers = sorted(set(ids))
    if numbers and numbers[-1] - numbers[0] == len(numbers) - 1:  # as they are given out
        yield numbers[0], numbers[-1]
        return
    first = last = None
    for number in numbers:
        if first is None or last is None:
            first = last = number
        elif number == last + 1:
            last = number
        else:
            yield first, last
            first = last = number
    if first is not None and last is not None:
        yield first, last
