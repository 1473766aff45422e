"""Collections that record an experiment's split: ``train_001`` and ``val_001``, then ``_002`` and so on.

The training app of Supervisely makes a new pair for each experiment; here a pair with the very same images is used
again, so that repeating a training leaves no copies behind.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection

from traindash.domain.ids import CollectionId, ImageId, ProjectId, TaskId
from traindash.platform.store.database import Database
from traindash.platform.store.projects import dump, insert_collection, insert_items, parse_object, project_row

_NAME = re.compile(r"(train|val)_(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCollections:
    """The pair of collections of an experiment."""

    train: CollectionId
    val: CollectionId


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitRecord:
    """The split of an experiment.

    Attributes:
        experiment_name: Goes into the description of new collections.
        framework: Goes into the project's ``train_info``.
    """

    project_id: ProjectId
    task_id: TaskId
    experiment_name: str
    framework: str
    train: Sequence[ImageId]
    val: Sequence[ImageId]


def ensure_split_collections(database: Database, record: SplitRecord) -> SplitCollections:
    """Find or make the pair for a split and note the experiment in the project; repeating it changes nothing.

    Raises:
        NotFoundError: The project is gone.
    """
    with database.write() as connection:
        project_row(connection, record.project_id)
        known = _numbered(connection, record.project_id)
        pair = _matching(connection, known, record) or _make(connection, known, record)
        _note(connection, record, pair)
        return pair


def _numbered(connection: Connection, project_id: ProjectId) -> dict[tuple[str, int], int]:
    query = "SELECT id, name FROM collections WHERE project_id = ? ORDER BY id"
    rows = connection.execute(query, (project_id,)).fetchall()
    found = ((_NAME.fullmatch(row["name"]), int(row["id"])) for row in rows)
    return {(match[1], int(match[2])): number for match, number in found if match}


def _matching(
    connection: Connection, known: dict[tuple[str, int], int], record: SplitRecord
) -> SplitCollections | None:
    train, val = set(record.train), set(record.val)
    for (side, number), train_id in known.items():
        val_id = known.get(("val", number))
        if side != "train" or val_id is None:
            continue
        if _members(connection, train_id) == train and _members(connection, val_id) == val:
            return SplitCollections(train=CollectionId(train_id), val=CollectionId(val_id))
    return None


def _make(connection: Connection, known: dict[tuple[str, int], int], record: SplitRecord) -> SplitCollections:
    # The next number of both sides, so that the pairs of different experiments never mix.
    number = max((number for _, number in known), default=0) + 1
    made: dict[str, CollectionId] = {}
    for side, images in (("train", record.train), ("val", record.val)):
        text = f"Collection with {side} images for experiment: {record.experiment_name}"
        made[side] = CollectionId(
            insert_collection(connection, record.project_id, f"{side}_{number:03d}", "default", text)
        )
        row = connection.execute("SELECT * FROM collections WHERE id = ?", (made[side],)).fetchone()
        insert_items(connection, row, images)
    return SplitCollections(train=made["train"], val=made["val"])


def _members(connection: Connection, collection_id: int) -> set[int]:
    rows = connection.execute("SELECT image_id FROM collection_items WHERE collection_id = ?", (collection_id,))
    return {int(row[0]) for row in rows}


def _note(connection: Connection, record: SplitRecord, pair: SplitCollections) -> None:
    custom_data = parse_object(project_row(connection, record.project_id)["custom_data"])
    entries = custom_data.get("train_info")
    kept = entries if isinstance(entries, list) else []
    # Publishing is repeated after a crash; the note is made once.
    if any(isinstance(entry, dict) and entry.get("task_id") == record.task_id for entry in kept):
        return
    # The keys that Supervisely's training app writes into the project's custom data.
    entry = {
        "task_id": int(record.task_id),
        "framework_name": record.framework,
        "splits": {"train_collection": int(pair.train), "val_collection": int(pair.val)},
    }
    text = dump({**custom_data, "train_info": [*kept, entry]})
    connection.execute("UPDATE projects SET custom_data = ? WHERE id = ?", (text, record.project_id))
