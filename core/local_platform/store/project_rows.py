"""The rows of a project that is being imported: ids for everything, counts for the statistics."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from sqlite3 import Connection, IntegrityError
from typing import Any

from pydantic import TypeAdapter

from core.datasets.annotation_json import meta_to_json
from core.datasets.source import ProjectSource, SourceCollection, SourceDataset
from core.domain.ids import ProjectId
from core.domain.project import ProjectMeta
from core.errors import InputError
from core.local_platform.store.accounts import Home, store_setting
from core.local_platform.store.database import now_text
from core.local_platform.store.project_collections import insert_collection
from core.local_platform.store.projects import dump


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """An image on its way into the database.

    Attributes:
        classes: Class name → number of objects.
        object_tags: Tag name → number of objects with it.
        annotation: Annotation in Supervisely JSON format, with names but without ids of this server.
    """

    name: str
    hash: str
    mime: str
    size: int
    width: int
    height: int
    classes: dict[str, int]
    image_tags: tuple[str, ...]
    object_tags: dict[str, int]
    annotation: dict[str, Any]


_RECORD: TypeAdapter[tuple[int, ImageRecord]] = TypeAdapter(tuple[int, ImageRecord])


def record_to_line(dataset: int, record: ImageRecord) -> str:
    """Write a record with the position of its dataset as one line."""
    return _RECORD.dump_json((dataset, record)).decode() + "\n"


@dataclass(slots=True)
class _Counts:
    images: int = 0
    size: int = 0
    reference: str | None = None
    class_images: Counter[str] = field(default_factory=Counter)
    class_objects: Counter[str] = field(default_factory=Counter)
    tag_images: Counter[str] = field(default_factory=Counter)
    tag_objects: Counter[str] = field(default_factory=Counter)

    def add(self, record: ImageRecord) -> None:
        self.images += 1
        self.size += record.size
        self.reference = self.reference or record.hash
        self.class_images.update(record.classes.keys())
        self.class_objects.update(record.classes)
        self.tag_images.update(set(record.image_tags))
        self.tag_objects.update(record.object_tags)


class ProjectRows:
    """Inserts one project inside a transaction.

    Args:
        connection: The writing connection, in a transaction.
        home: Workspace and owner.
        source: Its meta and description are taken.
        name: Wanted name; a number is added when it is taken.
    """

    def __init__(self, connection: Connection, home: Home, source: ProjectSource, name: str) -> None:
        self._connection = connection
        self._user_id = home.user_id
        self._now = now_text()
        self._ids = _IdRange(connection)
        meta_json, self._class_ids, self._tag_ids = self._meta_with_ids(source.meta)
        self._datasets: dict[str, int] = {}
        self.project_id = ProjectId(
            self._insert(
                "projects",
                workspace_id=home.workspace_id,
                team_id=home.team_id,
                user_id=home.user_id,
                name=self._free_name(home, name),
                description=source.description,
                meta=dump(meta_json),
                created_at=self._now,
                updated_at=self._now,
            )
        )
        self._insert("project_versions", project_id=self.project_id, version=1, name="Import", created_at=self._now)

    def insert_images(self, datasets: Sequence[SourceDataset], lines: Iterable[str]) -> None:
        """Insert the datasets and, from :func:`record_to_line` lines, their images.

        Raises:
            InputError: Two images of a dataset have one name.
        """
        for dataset in datasets:
            self._datasets[dataset.path] = self._insert(
                "datasets",
                project_id=self.project_id,
                parent_id=None if dataset.parent is None else self._datasets[dataset.parent],
                user_id=self._user_id,
                name=dataset.name,
                created_at=self._now,
                updated_at=self._now,
            )
        ids = [self._datasets[dataset.path] for dataset in datasets]
        counts = {dataset_id: _Counts() for dataset_id in ids}
        for line in lines:
            number, record = _RECORD.validate_json(line)
            counts[ids[number]].add(record)
            self._insert_image(ids[number], record)
        self._ids.save()
        self._insert_counts(counts)

    def insert_collections(self, collections: Iterable[SourceCollection]) -> None:
        """Insert the collections and their members.

        Raises:
            InputError: A member does not exist.
        """
        for collection in collections:
            own_id = insert_collection(self._connection, self.project_id, collection.name, "default", "")
            members = [(own_id, self._image_id(collection, *key), self._now) for key in collection.images]
            self._connection.executemany("INSERT OR IGNORE INTO collection_items VALUES (?, ?, ?)", members)

    def _insert_image(self, dataset_id: int, record: ImageRecord) -> None:
        try:
            image_id = self._insert(
                "images",
                project_id=self.project_id,
                dataset_id=dataset_id,
                name=record.name,
                hash=record.hash,
                mime=record.mime,
                size=record.size,
                width=record.width,
                height=record.height,
                labels_count=sum(record.classes.values()),
                tags="[]" if not record.image_tags else dump(self._image_tags(record)),
                created_at=self._now,
                updated_at=self._now,
            )
        except IntegrityError as error:
            msg = f"A dataset has two images named {record.name!r}."
            raise InputError(msg, "Rename one of them.") from error
        execute = self._connection.execute
        text = dump(self._annotation_with_ids(record))
        execute("INSERT INTO annotations VALUES (?, ?, ?, ?)", (image_id, text, self._now, self._now))
        for name, objects in record.classes.items():
            execute("INSERT INTO image_classes VALUES (?, ?, ?, ?)", (dataset_id, name, image_id, objects))
        for name in dict.fromkeys(record.image_tags):
            execute("INSERT INTO image_tags VALUES (?, ?, ?)", (dataset_id, name, image_id))

    def _annotation_with_ids(self, record: ImageRecord) -> dict[str, Any]:
        objects = [
            item
            | {
                "id": self._ids.take(),
                "classId": self._class_ids[item["classTitle"]],
                "tags": [self._tag_with_id(tag) for tag in item.get("tags") or ()],
            }
            for item in record.annotation.get("objects") or ()
        ]
        return record.annotation | {"tags": self._image_tags(record), "objects": objects}

    def _image_tags(self, record: ImageRecord) -> list[dict[str, Any]]:
        return [self._tag_with_id(tag) for tag in record.annotation.get("tags") or ()]

    def _tag_with_id(self, tag: dict[str, Any]) -> dict[str, Any]:
        return tag | {"tagId": self._tag_ids[tag["name"]]}

    def _image_id(self, collection: SourceCollection, dataset: str, name: str) -> int:
        query = "SELECT id FROM images WHERE dataset_id = ? AND name = ?"
        row = self._connection.execute(query, (self._datasets.get(dataset), name)).fetchone()
        if row is None:
            msg = f"The collection {collection.name!r} names the image {dataset}/{name}, which does not exist."
            raise InputError(msg, "Correct the collection or add the image.")
        return int(row["id"])

    def _insert_counts(self, counts: dict[int, _Counts]) -> None:
        execute = self._connection.execute
        for dataset_id, count in counts.items():
            execute(
                "UPDATE datasets SET images_count = ?, size = ?, reference_hash = ? WHERE id = ?",
                (count.images, count.size, count.reference, dataset_id),
            )
            for name, images in count.class_images.items():
                row = (dataset_id, name, images, count.class_objects[name])
                execute("INSERT INTO dataset_classes VALUES (?, ?, ?, ?)", row)
            for name in count.tag_images.keys() | count.tag_objects.keys():
                row = (dataset_id, name, count.tag_images[name], count.tag_objects[name])
                execute("INSERT INTO dataset_tags VALUES (?, ?, ?, ?)", row)
        execute(
            "UPDATE projects SET items_count = ?, datasets_count = ?, size = ?, reference_hash = ? WHERE id = ?",
            (
                sum(count.images for count in counts.values()),
                len(counts),
                sum(count.size for count in counts.values()),
                next((count.reference for count in counts.values() if count.reference), None),
                self.project_id,
            ),
        )

    def _meta_with_ids(self, meta: ProjectMeta) -> tuple[dict[str, Any], dict[str, int], dict[str, int]]:
        json: dict[str, Any] = meta_to_json(meta)
        for item in [*json["classes"], *json["tags"]]:
            item["id"] = self._ids.take()
        class_ids = {item["title"]: item["id"] for item in json["classes"]}
        return json, class_ids, {item["name"]: item["id"] for item in json["tags"]}

    def _free_name(self, home: Home, wanted: str) -> str:
        query = "SELECT name FROM projects WHERE workspace_id = ?"
        taken = {row["name"] for row in self._connection.execute(query, (home.workspace_id,))}
        name, number = wanted, 1
        while name in taken:
            number += 1
            name = f"{wanted} ({number})"
        return name

    def _insert(self, table: str, **columns: object) -> int:
        marks = ", ".join("?" for _ in columns)
        query = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - constant names
        return int(self._connection.execute(query, tuple(columns.values())).lastrowid or 0)


class _IdRange:
    """Ids of objects, classes and tags, which have no table of their own: one counter for all, in the settings."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        row = connection.execute("SELECT value FROM settings WHERE key = 'last_inner_id'").fetchone()
        self._last = 0 if row is None else int(row["value"])

    def take(self) -> int:
        self._last += 1
        return self._last

    def save(self) -> None:
        store_setting(self._connection, "last_inner_id", str(self._last))
