"""Objects that were taken off their images one by one, kept for a while so that a client may restore them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from sqlite3 import Connection
from typing import Any

import msgspec

from traindash.errors import InputError, NotFoundError
from traindash.platform.store.database import now_text
from traindash.platform.store.incoming_annotations import ProjectNames
from traindash.platform.store.inner_ids import images_with
from traindash.platform.wire import Json

_ITEM = msgspec.json.Decoder(dict[str, Any])


def keep_removed(connection: Connection, removed: Iterable[tuple[int, Json]]) -> None:
    """Keep objects inside the transaction that removes them: (image id, object as it was stored)."""
    now = now_text()
    connection.executemany(
        "INSERT OR REPLACE INTO removed_objects VALUES (?, ?, ?, ?)",
        [(item["id"], image_id, msgspec.json.encode(item).decode(), now) for image_id, item in removed],
    )


def removed_objects(connection: Connection, object_ids: Sequence[int]) -> list[tuple[int, Json]]:
    """Return removed objects with the images that they were on; those that are on one are passed over.

    Raises:
        NotFoundError: One was never there, or was removed too long ago.
    """
    query = "SELECT id, image_id, object FROM removed_objects WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"
    rows = connection.execute(query, (json.dumps(tuple(object_ids)),)).fetchall()
    missing = set(object_ids) - {row["id"] for row in rows}
    if gone := missing - images_with(connection, tuple(missing)).keys():
        raise NotFoundError(f"There is no removed object {min(gone)}.")
    return [(row["image_id"], _ITEM.decode(row["object"])) for row in rows]


def forget_removed(connection: Connection, object_ids: Iterable[int]) -> None:
    """Keep objects no longer, inside the transaction that restores them."""
    connection.executemany("DELETE FROM removed_objects WHERE id = ?", [(number,) for number in object_ids])


def as_named_now(item: Mapping[str, Any], names: ProjectNames) -> Json:
    """Return a removed object with the names that its class and tags have now; tags that are gone are left out.

    Raises:
        InputError: Its class is gone.
    """
    classes = {number: title for title, number in names.class_ids.items()}
    tags = {number: name for name, number in names.tag_ids.items()}
    title = classes.get(item.get("classId", 0))
    if title is None:
        msg = f"The object class {item.get('classTitle')!r} of object {item['id']} is gone from the project."
        raise InputError(msg, "It cannot be restored; draw it again with another class.")
    kept = [{**tag, "name": tags[tag["tagId"]]} for tag in item.get("tags") or () if tag.get("tagId") in tags]
    return {**item, "classTitle": title, "tags": kept}
