"""What each side of a split holds: images and objects per class, and images whose content is on both sides."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection

from traindash.platform.store.database import Database

_IDS = "SELECT value FROM json_each(?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassOnSides:
    """Images and objects of a class on both sides."""

    name: str
    train_images: int
    train_objects: int
    val_images: int
    val_objects: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitStatistics:
    """What a split gives.

    Attributes:
        classes: Classes with an object on some side, by name.
        shared_contents: Number of different files that are on both sides under other images; ``None`` if not counted.
        shared_examples: Names of some of them, as (training, validation).
    """

    classes: tuple[ClassOnSides, ...]
    shared_contents: int | None
    shared_examples: tuple[tuple[str, str], ...]


def split_statistics(
    database: Database, train: Sequence[int], val: Sequence[int], *, examples: int = 5
) -> SplitStatistics:
    """Count what two sets of images hold."""
    sides = json.dumps(train), json.dumps(val)
    with database.read() as connection:
        counts = [_classes(connection, ids) for ids in sides]
        shared, names = _shared(connection, *sides, examples)
    nothing = (0, 0)
    classes = tuple(
        ClassOnSides(
            name=name,
            train_images=counts[0].get(name, nothing)[0],
            train_objects=counts[0].get(name, nothing)[1],
            val_images=counts[1].get(name, nothing)[0],
            val_objects=counts[1].get(name, nothing)[1],
        )
        for name in sorted(counts[0].keys() | counts[1].keys())
    )
    return SplitStatistics(classes=classes, shared_contents=shared, shared_examples=names)


def _classes(connection: Connection, ids: str) -> dict[str, tuple[int, int]]:
    query = (
        "SELECT class_name, count(*), sum(objects) FROM image_classes"  # noqa: S608 - constant
        f" WHERE image_id IN ({_IDS}) GROUP BY class_name"
    )
    return {row[0]: (row[1], row[2]) for row in connection.execute(query, (ids,))}


def _shared(connection: Connection, train: str, val: str, examples: int) -> tuple[int, tuple[tuple[str, str], ...]]:
    query = (
        "WITH t AS (SELECT hash, min(id) AS id, min(name) AS name FROM images"  # noqa: S608 - constant
        f" WHERE id IN ({_IDS}) GROUP BY hash),"
        f" v AS (SELECT hash, max(id) AS id, max(name) AS name FROM images WHERE id IN ({_IDS}) GROUP BY hash)"
        " SELECT t.name, v.name FROM t JOIN v ON v.hash = t.hash WHERE v.id <> t.id"
    )
    rows = connection.execute(query, (train, val)).fetchall()
    return len(rows), tuple((row[0], row[1]) for row in rows[:examples])
