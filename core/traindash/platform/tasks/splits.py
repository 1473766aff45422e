"""Which images are trained on and which are validated on: the four kinds of split, checked and carried out.

Rules as in the training app of Supervisely (docs/supervisely-api.md 4 and 8).
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import assert_never

from traindash.domain.ids import CollectionId, DatasetId, ImageId, ProjectId, TaskId
from traindash.domain.plan import CollectionsSplit, DatasetsSplit, RandomSplit, Side, TagsSplit, TrainValSplit
from traindash.errors import InputError
from traindash.platform.services import Services
from traindash.platform.store.database import Database
from traindash.platform.store.projects import dump, insert_collection, insert_items, parse_object, project_row
from traindash.platform.tasks.frozen import new_draw

Sides = Mapping[ImageId, tuple[Side, ...]]
_FULL_PERCENT = 100


def resolve_split(services: Services, project_id: ProjectId, split: TrainValSplit, *, draw: int | None = None) -> Sides:
    """Deal the images of a project to the two sides.

    ``draw`` is the number that a random split is drawn with; ``None`` for another one each time.

    Returns:
        Image id → its sides, sorted by id; images that are not used are left out.

    Raises:
        InputError: Something named does not exist in the project, or a side stays empty.
    """
    match split:
        case RandomSplit():
            train, val = _random(services, project_id, split, new_draw() if draw is None else draw)
        case DatasetsSplit():
            _check_datasets(services, project_id, split)
            train = services.images.ids(project_id, datasets=split.train_datasets)
            val = services.images.ids(project_id, datasets=split.val_datasets)
        case TagsSplit():
            train, val = _tags(services, project_id, split)
        case CollectionsSplit():
            _check_collections(services, project_id, split)
            train = services.images.ids(project_id, collections=split.train_collections)
            val = services.images.ids(project_id, collections=split.val_collections)
        case _:
            assert_never(split)
    _refuse_empty(train, "training")
    _refuse_empty(val, "validation")
    return _sides(train, val)


def _random(
    services: Services, project_id: ProjectId, split: RandomSplit, draw: int
) -> tuple[tuple[ImageId, ...], tuple[ImageId, ...]]:
    # Ordered by a hash of each image, not shuffled: images that come or go between the check of a task and its turn
    # move no other image than the one at the border to the other side.
    def place(image: ImageId) -> bytes:
        return hashlib.sha256(f"{draw} {image}".encode()).digest()

    everything = sorted(services.images.ids(project_id), key=place)
    # Rounded down for the side that is named (docs/supervisely-api.md 4).
    count = len(everything) * split.percent // _FULL_PERCENT
    chosen, rest = tuple(everything[:count]), tuple(everything[count:])
    return (chosen, rest) if split.split == "train" else (rest, chosen)


def _tags(
    services: Services, project_id: ProjectId, split: TagsSplit
) -> tuple[tuple[ImageId, ...], tuple[ImageId, ...]]:
    known = {tag.name for tag in services.projects.meta(project_id).tags}
    for name in (split.train_tag, split.val_tag):
        if name not in known:
            msg = f"The project has no tag {name!r}."
            raise InputError(msg, f"Choose one of: {', '.join(sorted(known)) or 'it has no tags'}.")
    train = services.images.ids(project_id, tag=split.train_tag)
    val = services.images.ids(project_id, tag=split.val_tag)
    for name, tagged in ((split.train_tag, train), (split.val_tag, val)):
        if not tagged:
            msg = f"No image of the project has the tag {name!r}."
            raise InputError(msg, "Choose a tag that images have, or split in another way.")
    if split.untagged_action == "ignore":
        return train, val
    # Only an image with neither tag is untagged; one with both stays on both sides.
    with_tag = {*train, *val}
    untagged = tuple(image for image in services.images.ids(project_id) if image not in with_tag)
    return (train + untagged, val) if split.untagged_action == "train" else (train, val + untagged)


def _check_datasets(services: Services, project_id: ProjectId, split: DatasetsSplit) -> None:
    known = {dataset.id: dataset.name for dataset in services.projects.datasets(project_id)}
    missing = [dataset for dataset in (*split.train_datasets, *split.val_datasets) if dataset not in known]
    if missing:
        _refuse_unknown("dataset", missing, known)


def _check_collections(services: Services, project_id: ProjectId, split: CollectionsSplit) -> None:
    known = {
        collection.id: collection.name
        for collection in services.collections.of_project(project_id)
        if collection.type == "default"
    }
    missing = [item for item in (*split.train_collections, *split.val_collections) if item not in known]
    if missing:
        _refuse_unknown("collection", missing, known)


def _refuse_unknown(
    kind: str, missing: Iterable[int], known: Mapping[DatasetId, str] | Mapping[CollectionId, str]
) -> None:
    ids = ", ".join(str(item) for item in dict.fromkeys(missing))
    msg = f"The project has no {kind} with id {ids}."
    names = ", ".join(f"{number} ({name})" for number, name in known.items())
    raise InputError(msg, f"Choose from: {names or f'the project has no {kind}s'}.")


def _refuse_empty(images: tuple[ImageId, ...], side: str) -> None:
    if not images:
        raise InputError(f"The split leaves no image for {side}.", "Change the split so that both sides have images.")


def _sides(train: Iterable[ImageId], val: Iterable[ImageId]) -> Sides:
    sides: dict[ImageId, tuple[Side, ...]] = dict.fromkeys(train, ("train",))
    for image in dict.fromkeys(val):
        sides[image] = (*sides.get(image, ()), "val")
    return dict(sorted(sides.items()))


# Collections that record an experiment's split: ``train_001`` and ``val_001``, then ``_002`` and so on.
#
# The training app of Supervisely makes a new pair for each experiment; here a pair with the very same images is used
# again, so that repeating a training leaves no copies behind.
_NAME = re.compile(r"(train|val)_(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCollections:
    """The pair of collections of an experiment."""

    train: CollectionId
    val: CollectionId


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitRecord:
    """The split of an experiment."""

    project_id: ProjectId
    task_id: TaskId
    experiment_name: str  # goes into the description of new collections
    framework: str  # goes into the project's `train_info`
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
