"""What the annotations of a project have of a class or a tag: found, renamed, taken off, inside a transaction.

Annotations of archived datasets count: they may come back.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from sqlite3 import Connection, Row
from typing import TypeAlias

import msgspec

from traindash.platform.store.image_changes import ImageChanges
from traindash.platform.store.projects import dump, parse_object
from traindash.platform.wire import Json

Change: TypeAlias = Callable[[int, Json], bool]  # gets an image and its annotation; says whether it changed that
_BATCH = 500


def used(connection: Connection, project_id: int, table: str, column: str, name: str) -> Row:
    """Return how many ``images`` and ``objects`` have a class or tag, of one of the two tables that count them."""
    query = (
        f"SELECT coalesce(sum(images), 0) AS images, coalesce(sum(objects), 0) AS objects FROM {table}"  # noqa: S608 - constant names
        f" WHERE {column} = ? AND dataset_id IN (SELECT id FROM datasets WHERE project_id = ?)"
    )
    row: Row = connection.execute(query, (name, project_id)).fetchone()
    return row


def other_shape(connection: Connection, project_id: int, title: str, shape: str) -> str | None:
    """Return a shape that objects of a class have beside the one they should have."""
    query = (
        "SELECT json_extract(o.value, '$.geometryType') FROM image_classes c"
        " JOIN annotations a ON a.image_id = c.image_id, json_each(a.annotation, '$.objects') o"
        " WHERE c.class_name = ? AND c.dataset_id IN (SELECT id FROM datasets WHERE project_id = ?)"
        " AND json_extract(o.value, '$.classTitle') = ? AND json_extract(o.value, '$.geometryType') <> ? LIMIT 1"
    )
    row = connection.execute(query, (title, project_id, title, shape)).fetchone()
    return None if row is None else str(row[0])


def value_in_use(connection: Connection, project_id: int, name: str, values: set[str]) -> str | None:
    """Return one of these values that something has of a tag."""
    for image_ids in _in_batches(images_with_tag(connection, project_id, name)):
        for _, drawn in _drawn(connection, image_ids):
            for tag in _tags_of(drawn):
                if tag["name"] == name and tag.get("value") in values:
                    return str(tag["value"])
    return None


def images_of_class(connection: Connection, project_id: int, title: str) -> list[int]:
    """Return the images with objects of a class."""
    query = (
        "SELECT image_id FROM image_classes WHERE class_name = ?"
        " AND dataset_id IN (SELECT id FROM datasets WHERE project_id = ?) ORDER BY image_id"
    )
    return [row[0] for row in connection.execute(query, (title, project_id))]


def images_with_tag(connection: Connection, project_id: int, name: str) -> list[int]:
    """Return the images that may have a tag, on themselves or on an object; only the datasets that have it are read."""
    query = (
        "SELECT id FROM images WHERE dataset_id IN (SELECT dataset_id FROM dataset_tags WHERE tag_name = ?"
        " AND dataset_id IN (SELECT id FROM datasets WHERE project_id = ?)) ORDER BY id"
    )
    return [row[0] for row in connection.execute(query, (name, project_id))]


def redraw(connection: Connection, image_ids: Sequence[int], change: Change) -> None:
    """Change annotations in place and keep those that changed, some at a time: they may be larger than the memory."""
    with ImageChanges(connection) as changes:
        for some in _in_batches(image_ids):
            for image_id, drawn in _drawn(connection, some):
                if change(image_id, drawn):
                    changes.redraw(image_id, msgspec.json.encode(drawn).decode())


def rename_class(connection: Connection, project_id: int, before: str, after: str) -> None:
    """Give a class another name wherever it is."""

    def change(_: int, drawn: Json) -> bool:
        for item in drawn["objects"]:
            if item["classTitle"] == before:
                item["classTitle"] = after
        return True

    redraw(connection, images_of_class(connection, project_id, before), change)


def rename_tag(connection: Connection, project_id: int, before: str, after: str) -> None:
    """Give a tag another name wherever it is."""

    def change(_: int, drawn: Json) -> bool:
        found = False
        for tag in _tags_of(drawn):
            if tag["name"] == before:
                tag["name"], found = after, True
        return found

    redraw(connection, images_with_tag(connection, project_id, before), change)


def _drawn(connection: Connection, image_ids: Sequence[int]) -> Iterator[tuple[int, Json]]:
    query = "SELECT image_id, annotation FROM annotations WHERE image_id IN (SELECT value FROM json_each(?))"
    for row in connection.execute(query, (dump(image_ids),)).fetchall():
        yield row["image_id"], parse_object(row["annotation"])


def _in_batches(image_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(image_ids), _BATCH):
        yield image_ids[start : start + _BATCH]


def _tags_of(drawn: Json) -> Iterable[Json]:
    yield from drawn.get("tags") or ()
    for item in drawn["objects"]:
        yield from item.get("tags") or ()
