"""Changes images inside a transaction: their rows, what is drawn on them, and what is counted because of them.

Everything that is counted follows from the stored annotation of an image. A change takes what was counted for the old
annotation away and adds what counts for the new one, so it costs as much as the images that it touches.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from sqlite3 import Connection, IntegrityError, Row
from types import TracebackType
from typing import Self

import msgspec

from traindash.errors import InputError, NotFoundError
from traindash.platform.store.database import now_text
from traindash.platform.store.inner_ids import note_ids
from traindash.platform.store.project_changes import note_change

_BATCH = 500


class _Tag(msgspec.Struct):
    name: str
    id: int | None = None


class _Object(msgspec.Struct, rename="camel"):
    class_title: str
    id: int | None = None
    tags: tuple[_Tag, ...] = ()


class _Annotation(msgspec.Struct):
    objects: tuple[_Object, ...] = ()
    tags: tuple[_Tag, ...] = ()


class _ImageTags(msgspec.Struct):
    tags: msgspec.Raw = msgspec.Raw(b"[]")


_ANNOTATION = msgspec.json.Decoder(_Annotation)
_IMAGE_TAGS = msgspec.json.Decoder(_ImageTags)
_INSERT_IMAGE = (
    "INSERT INTO images (project_id, dataset_id, name, hash, mime, size, width, height, labels_count, tags, meta,"
    " created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class NewImageRow(msgspec.Struct, frozen=True, kw_only=True):
    """An image on its way into the database."""

    name: str
    hash: str
    mime: str
    size: int  # bytes of its file
    width: int
    height: int
    annotation: str | None = None  # supervisely's JSON with the ids of this server, `None` while nothing is drawn
    meta: str = "{}"  # free JSON of the image


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What is counted of an annotation."""

    classes: Mapping[str, int]  # class name → number of objects
    image_tags: frozenset[str]  # a tag may be on an image twice, with two values
    object_tags: Mapping[str, int]  # tag name → number of objects with it
    ids: tuple[int, ...]  # of its objects and tags

    @property
    def objects(self) -> int:
        """Number of objects."""
        return sum(self.classes.values())


_NOTHING = Content(classes={}, image_tags=frozenset(), object_tags={}, ids=())


class _Drawn(msgspec.Struct, frozen=True):
    """An image that is going to be drawn on anew."""

    project_id: int
    dataset_id: int
    content: Content


def _content_of(annotation: str | None) -> Content:
    """Return what is counted of an annotation as it is stored."""
    if annotation is None:
        return _NOTHING
    read = _ANNOTATION.decode(annotation)
    classes, object_tags = dict[str, int](), dict[str, int]()
    ids = [item.id for item in read.objects]
    for item in read.objects:
        classes[item.class_title] = classes.get(item.class_title, 0) + 1
        if item.tags:
            ids += [tag.id for tag in item.tags]
            for name in {tag.name for tag in item.tags}:
                object_tags[name] = object_tags.get(name, 0) + 1
    ids += [tag.id for tag in read.tags]
    return Content(
        classes=classes,
        image_tags=frozenset(tag.name for tag in read.tags),
        object_tags=object_tags,
        ids=tuple(number for number in ids if number is not None),
    )


@dataclass(slots=True)
class _Tally:
    """What has changed of the counts of a dataset."""

    project_id: int
    images: int = 0
    size: int = 0
    class_images: Counter[str] = field(default_factory=Counter)
    class_objects: Counter[str] = field(default_factory=Counter)
    tag_images: Counter[str] = field(default_factory=Counter)
    tag_objects: Counter[str] = field(default_factory=Counter)

    def count(self, content: Content, sign: int) -> None:
        for name, objects in content.classes.items():
            self.class_images[name] += sign
            self.class_objects[name] += sign * objects
        for name in content.image_tags:
            self.tag_images[name] += sign
        for name, objects in content.object_tags.items():
            self.tag_objects[name] += sign * objects


class ImageChanges:
    """Changes of images inside one writing transaction; the counts are written when the block ends well.

    Example::

        with database.write() as connection, ImageChanges(connection) as changes:
            image_id = changes.add(project_id, dataset_id, record)
            changes.redraw(image_id, annotation)
            changes.remove([other_id])
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tallies: dict[int, _Tally] = {}
        self.now = now_text()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the counts, unless the transaction is going to be rolled back."""
        if kind is None:
            self._write_counts()

    def add(self, project_id: int, dataset_id: int, record: NewImageRow) -> int:
        """Insert an image with what is drawn on it and return its id.

        Raises:
            InputError: The dataset has an image of that name.
        """
        return self.add_all(project_id, dataset_id, (record,))[0]

    def add_all(self, project_id: int, dataset_id: int, records: Sequence[NewImageRow]) -> list[int]:
        """Insert images, at least one, with what is drawn on them, and return their ids in the same order.

        Raises:
            InputError: The dataset has an image of one of these names, or two have the same.
        """
        contents = [_content_of(record.annotation) for record in records]
        rows = [
            (
                project_id,
                dataset_id,
                record.name,
                record.hash,
                record.mime,
                record.size,
                record.width,
                record.height,
                content.objects,
                _tags_json(record.annotation) if content.image_tags else "[]",
                record.meta,
                self.now,
                self.now,
            )
            for record, content in zip(records, contents, strict=True)
        ]
        before = self._connection.total_changes
        try:
            self._connection.executemany(_INSERT_IMAGE, rows)
        except IntegrityError as error:
            name = records[self._connection.total_changes - before].name  # of the first row that was not inserted
            msg = f"A dataset has two images named {name!r}."
            raise InputError(msg, "Rename one of them.") from error
        # The column is AUTOINCREMENT, and nobody else writes: each id is one more than that before it.
        last = int(self._connection.execute("SELECT last_insert_rowid()").fetchone()[0])
        ids = list(range(last - len(records) + 1, last + 1))
        self._insert_drawn(dataset_id, project_id, zip(ids, records, contents, strict=True))
        return ids

    def _insert_drawn(
        self, dataset_id: int, project_id: int, images: Iterable[tuple[int, NewImageRow, Content]]
    ) -> None:
        tally, drawn = self._tally(dataset_id, project_id), dict[int, Content]()
        annotations: list[tuple[int, str, str, str]] = []
        for image_id, record, content in images:
            tally.images += 1
            tally.size += record.size
            if record.annotation is not None:
                annotations.append((image_id, record.annotation, self.now, self.now))
                drawn[image_id] = content
                tally.count(content, 1)
        if annotations:
            self._connection.executemany("INSERT INTO annotations VALUES (?, ?, ?, ?)", annotations)
            self._insert_content(dataset_id, drawn)

    def redraw(self, image_id: int, annotation: str, *, size: tuple[int, int] | None = None) -> None:
        """Replace what is drawn on an image; ``size`` is its width and height if these change.

        Raises:
            NotFoundError: There is no such image.
        """
        self.redraw_all({image_id: annotation}, {} if size is None else {image_id: size})

    def redraw_all(self, annotations: Mapping[int, str], sizes: Mapping[int, tuple[int, int]]) -> None:
        """Replace what is drawn on images: image id → annotation; ``sizes`` as that of :meth:`redraw`.

        Raises:
            NotFoundError: There is no such image.
        """
        old = self._drawn(tuple(annotations))
        new = {image_id: _content_of(text) for image_id, text in annotations.items()}
        many = self._connection.executemany
        many(
            "INSERT INTO annotations VALUES (?, ?, ?, ?)"
            " ON CONFLICT (image_id) DO UPDATE SET annotation = excluded.annotation, updated_at = excluded.updated_at",
            [(image_id, text, self.now, self.now) for image_id, text in annotations.items()],
        )
        tags = {number: _tags_json(text) if new[number].image_tags else "[]" for number, text in annotations.items()}
        many(
            "UPDATE images SET labels_count = ?, tags = ?, updated_at = ? WHERE id = ?",
            [(content.objects, tags[image_id], self.now, image_id) for image_id, content in new.items()],
        )
        many(
            "UPDATE images SET width = ?, height = ? WHERE id = ?",
            [(*size, image_id) for image_id, size in sizes.items()],
        )
        self._delete_content([image_id for image_id, drawn in old.items() if drawn.content != _NOTHING])
        by_dataset: dict[int, dict[int, Content]] = defaultdict(dict)
        for image_id, drawn in old.items():
            tally = self._tally(drawn.dataset_id, drawn.project_id)
            if drawn.content is not _NOTHING:
                tally.count(drawn.content, -1)
            tally.count(new[image_id], 1)
            by_dataset[drawn.dataset_id][image_id] = new[image_id]
        for dataset_id, contents in by_dataset.items():
            self._insert_content(dataset_id, contents)

    def _drawn(self, image_ids: Sequence[int]) -> dict[int, _Drawn]:
        query = (
            "SELECT id, project_id, dataset_id, annotation FROM images LEFT JOIN annotations ON image_id = id"
            " WHERE id IN (SELECT value FROM json_each(?))"
        )
        # One after the other: an annotation may have megabytes, and what is counted of it has not.
        rows = self._connection.execute(query, (json.dumps(image_ids),))
        found = {
            row["id"]: _Drawn(row["project_id"], row["dataset_id"], _content_of(row["annotation"])) for row in rows
        }
        missing = next((image_id for image_id in image_ids if image_id not in found), None)
        if missing is not None:
            raise NotFoundError(f"There is no image {missing}.")
        return found

    def set_file(self, image_id: int, file: tuple[str, str, int]) -> None:
        """Give an image another file: its hash, media type and size in bytes.

        Raises:
            NotFoundError: There is no such image.
        """
        row = self._connection.execute("SELECT * FROM images WHERE id = ?", (image_id,)).fetchone()
        if row is None:
            raise NotFoundError(f"There is no image {image_id}.")
        keep_loose(self._connection, [row], self.now)
        query = "UPDATE images SET hash = ?, mime = ?, size = ?, updated_at = ? WHERE id = ?"
        self._connection.execute(query, (*file, self.now, image_id))
        self._tally(row["dataset_id"], row["project_id"]).size += file[2] - row["size"]

    def remove(self, image_ids: Sequence[int]) -> None:
        """Remove images with what is drawn on them; ids without an image are passed over.

        Their files stay for a while (:class:`~traindash.platform.store.loose_images.LooseImages`).
        """
        query = (
            "SELECT images.*, annotation FROM images LEFT JOIN annotations ON image_id = id"
            " WHERE id IN (SELECT value FROM json_each(?))"
        )
        for start in range(0, len(image_ids), _BATCH):
            ids = json.dumps(tuple(image_ids[start : start + _BATCH]))
            rows = self._connection.execute(query, (ids,)).fetchall()
            for row in rows:
                tally = self._tally(row["dataset_id"], row["project_id"])
                tally.count(_content_of(row["annotation"]), -1)
                tally.images -= 1
                tally.size -= row["size"]
            keep_loose(self._connection, rows, self.now)
            self._connection.execute("DELETE FROM images WHERE id IN (SELECT value FROM json_each(?))", (ids,))

    def _insert_content(self, dataset_id: int, contents: Mapping[int, Content]) -> None:
        many = self._connection.executemany
        classes = ((number, name, count) for number, item in contents.items() for name, count in item.classes.items())
        many(
            "INSERT INTO image_classes VALUES (?, ?, ?, ?)",
            [(dataset_id, name, number, count) for number, name, count in classes],
        )
        tags = ((number, name) for number, item in contents.items() for name in item.image_tags)
        many("INSERT INTO image_tags VALUES (?, ?, ?)", [(dataset_id, name, number) for number, name in tags])
        note_ids(self._connection, {number: item.ids for number, item in contents.items()})

    def _delete_content(self, image_ids: Sequence[int]) -> None:
        if not image_ids:
            return
        ids = json.dumps(image_ids)
        for table in ("image_classes", "image_tags", "inner_ids"):
            query = f"DELETE FROM {table} WHERE image_id IN (SELECT value FROM json_each(?))"  # noqa: S608 - constant names
            self._connection.execute(query, (ids,))

    def _tally(self, dataset_id: int, project_id: int) -> _Tally:
        if (tally := self._tallies.get(dataset_id)) is None:
            tally = self._tallies[dataset_id] = _Tally(project_id)
        return tally

    def _write_counts(self) -> None:
        execute = self._connection.execute
        for dataset_id, tally in self._tallies.items():
            _add_counts(
                self._connection, ("dataset_classes", "class_name"), dataset_id, tally.class_images, tally.class_objects
            )
            _add_counts(self._connection, ("dataset_tags", "tag_name"), dataset_id, tally.tag_images, tally.tag_objects)
            execute(
                "UPDATE datasets SET images_count = images_count + ?, size = size + ?, updated_at = ?,"
                " reference_hash = (SELECT hash FROM images WHERE dataset_id = datasets.id ORDER BY id LIMIT 1)"
                " WHERE id = ?",
                (tally.images, tally.size, self.now, dataset_id),
            )
            execute(
                "UPDATE projects SET items_count = items_count + ?, size = size + ? WHERE id = ?",
                (tally.images, tally.size, tally.project_id),
            )
        for project_id in {tally.project_id for tally in self._tallies.values()}:
            execute(
                "UPDATE projects SET reference_hash = (SELECT reference_hash FROM datasets"
                " WHERE project_id = projects.id AND archived_at IS NULL AND reference_hash IS NOT NULL"
                " ORDER BY id LIMIT 1) WHERE id = ?",
                (project_id,),
            )
            note_change(self._connection, project_id)


def _add_counts(
    connection: Connection, place: tuple[str, str], dataset_id: int, images: Counter[str], objects: Counter[str]
) -> None:
    table, column = place
    changed = [name for name in images.keys() | objects.keys() if images[name] or objects[name]]
    connection.executemany(
        f"INSERT INTO {table} VALUES (?, ?, ?, ?) ON CONFLICT (dataset_id, {column})"  # noqa: S608 - constant names
        " DO UPDATE SET images = images + excluded.images, objects = objects + excluded.objects",
        [(dataset_id, name, images[name], objects[name]) for name in changed],
    )
    connection.executemany(
        f"DELETE FROM {table} WHERE dataset_id = ? AND {column} = ? AND images <= 0 AND objects <= 0",  # noqa: S608 - as above
        [(dataset_id, name) for name in changed],
    )


def keep_loose(connection: Connection, rows: Iterable[Row], moment: str) -> None:
    """Write down image files whose images are about to be removed, from their rows, so that they are collected."""
    connection.executemany(
        "INSERT INTO loose_images VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (hash) DO UPDATE SET seen_at = excluded.seen_at",
        [(row["hash"], row["mime"], row["size"], row["width"], row["height"], moment) for row in rows],
    )


def _tags_json(annotation: str | None) -> str:
    return "[]" if annotation is None else bytes(_IMAGE_TAGS.decode(annotation).tags).decode()
