"""Brings a project in: files first, then all rows in one transaction, so that it appears complete or not at all."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from sqlite3 import Connection
from typing import IO, Any

import msgspec

from traindash.datasets.annotation_json import ServerIds, annotation_to_json, meta_to_json
from traindash.datasets.image_files import CheckedImage, check_image
from traindash.datasets.source import ProjectSource, SourceCollection, SourceDataset, SourceImage
from traindash.domain.ids import ProjectId
from traindash.domain.project import ProjectMeta
from traindash.errors import InputError
from traindash.platform.store.accounts import Home
from traindash.platform.store.blobs import Blob, ImageBlobs
from traindash.platform.store.database import Database, now_text
from traindash.platform.store.image_changes import ImageChanges, NewImageRow
from traindash.platform.store.import_scratch import ImportScratch
from traindash.platform.store.inner_ids import InnerIds
from traindash.platform.store.project_changes import insert_version
from traindash.platform.store.project_edits import free_name
from traindash.platform.store.projects import insert_collection

# The rows of a project that is being imported, with ids for everything.

_RECORD = msgspec.json.Decoder(tuple[int, NewImageRow])


def record_to_line(dataset: int, record: NewImageRow) -> bytes:
    """Write a record with the position of its dataset as one line."""
    return msgspec.json.encode((dataset, record)) + b"\n"


def insert_records(connection: Connection, project_id: int, dataset_ids: Sequence[int], lines: Iterable[bytes]) -> None:
    """Insert images from :func:`record_to_line` lines inside a transaction, each in the dataset at its position.

    Raises:
        InputError: Two images of a dataset have one name.
    """
    with ImageChanges(connection) as changes:
        for line in lines:
            number, record = _RECORD.decode(line)
            changes.add(project_id, dataset_ids[number], record)


def numbered_meta(meta: ProjectMeta, ids: Iterator[int]) -> tuple[dict[str, Any], ServerIds]:
    """Return the JSON of a meta with ids, and what adds them to annotations."""
    json = meta_to_json(meta)
    for item in [*json["classes"], *json["tags"]]:
        item["id"] = next(ids)
    class_ids = {item["title"]: item["id"] for item in json["classes"]}
    tag_ids = {item["name"]: item["id"] for item in json["tags"]}
    match json.get("projectSettings"):
        case {"multiView": {"tagName": str(name)} as view} if name in tag_ids:
            json["projectSettings"] = {**json["projectSettings"], "multiView": {**view, "tagId": tag_ids[name]}}
    return json, ServerIds(classes=class_ids, tags=tag_ids, objects=ids)


def _without_settings(meta: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in meta.items() if key != "projectSettings"}


def _settings(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a project, as a server keeps them, from those in its meta.

    ``ProjectApi.get_meta`` of the official SDK makes the one of the other.
    """
    settings = meta.get("projectSettings")
    if not isinstance(settings, dict):
        return {}
    kept = {key: value for key, value in settings.items() if key != "multiView"}
    view = settings.get("multiView")
    if isinstance(view, dict):
        grouped = {"groupImages": "enabled", "groupImagesByTagId": "tagId", "groupImagesSync": "isSynced"}
        kept |= {key: view[name] for key, name in grouped.items() if name in view}
    return kept


class ProjectRows:
    """Inserts one project inside a transaction of the writing connection, with workspace and owner of ``home``.

    Name and description of ``source`` are taken; a number is added to the name when there is one of that name. ``meta``
    is the JSON of its meta, with ids.
    """

    def __init__(self, connection: Connection, home: Home, source: ProjectSource, meta: Mapping[str, Any]) -> None:
        self._connection = connection
        self._user_id = home.user_id
        self._now = now_text()
        self._datasets: dict[str, int] = {}
        self.project_id = ProjectId(
            self._insert(
                "projects",
                workspace_id=home.workspace_id,
                team_id=home.team_id,
                user_id=home.user_id,
                name=free_name(connection, home.workspace_id, source.name),
                description=source.description,
                meta=msgspec.json.encode(_without_settings(meta)).decode(),
                settings=msgspec.json.encode(_settings(meta)).decode(),
                created_at=self._now,
                updated_at=self._now,
            )
        )
        insert_version(connection, self.project_id, 1, "Import")

    def insert_images(self, datasets: Sequence[SourceDataset], lines: Iterable[bytes]) -> None:
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
        self._connection.execute("UPDATE projects SET datasets_count = ? WHERE id = ?", (len(ids), self.project_id))
        insert_records(self._connection, self.project_id, ids, lines)

    def insert_collections(self, collections: Iterable[SourceCollection]) -> None:
        """Insert the collections and their members.

        Raises:
            InputError: A member does not exist.
        """
        for collection in collections:
            own_id = insert_collection(self._connection, self.project_id, collection.name, "default", "")
            members = [(own_id, self._image_id(collection, *key), self._now) for key in collection.images]
            self._connection.executemany("INSERT OR IGNORE INTO collection_items VALUES (?, ?, ?)", members)

    def _image_id(self, collection: SourceCollection, dataset: str, name: str) -> int:
        query = "SELECT id FROM images WHERE dataset_id = ? AND name = ?"
        row = self._connection.execute(query, (self._datasets.get(dataset), name)).fetchone()
        if row is None:
            msg = f"The collection {collection.name!r} names the image {dataset}/{name}, which does not exist."
            raise InputError(msg, "Correct the collection or add the image.")
        return int(row["id"])

    def _insert(self, table: str, **columns: object) -> int:
        marks = ", ".join("?" for _ in columns)
        query = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - constant names
        return int(self._connection.execute(query, tuple(columns.values())).lastrowid or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportWatch:
    """Looks on while a project is imported. What a function raises ends the import; nothing is left behind."""

    on_image: Callable[[int], None]  # called with the number of images taken so far
    on_row: Callable[[int], None]  # called with the number of images written to the database so far
    on_read: Callable[[], None]  # called when all images are read and nothing is stored yet


UNWATCHED = ImportWatch(on_image=lambda _: None, on_row=lambda _: None, on_read=lambda: None)


class ProjectImport:
    """Imports projects: rows to the database, images to the blobs.

    ``incoming`` is a folder for what there is only while an import is under way.
    """

    def __init__(self, database: Database, blobs: ImageBlobs, incoming: Path) -> None:
        self._database = database
        self._blobs = blobs
        self._incoming = incoming

    def run(
        self,
        source: ProjectSource,
        home: Home,
        *,
        name: str | None = None,
        link: bool = False,
        watch: ImportWatch = UNWATCHED,
        also: Callable[[Connection, ProjectId], None] = lambda _connection, _project: None,
    ) -> ProjectId:
        """Import a project, whose images are walked over once, into ``home``.

        Args:
            source: What to import.
            home: Where it goes.
            name: Its name instead of the source's; a number is added when the workspace has one of that name.
            link: Hard-link the image files instead of copying; only for files that nobody will write to again.
            watch: Is told how far it is.
            also: Writes more in the transaction that brings the rows, so that whatever says that the project is there
                and the project itself come together.

        Raises:
            InputError: Something in the source is not usable; names it. Nothing is left behind.
        """
        source = replace(source, name=name or source.name)
        meta, ids = numbered_meta(source.meta, InnerIds(self._database))
        added: list[Blob] = []
        # Rows wait in a file until all images are taken: the database is locked for writing only while they go in, and
        # a million annotations need not fit into memory.
        with ImportScratch(self._incoming) as scratch, tempfile.TemporaryFile(dir=self._incoming) as spool:
            staging = self._blobs.staging(scratch.folder)
            taker = _Taker(ids=ids, blobs=self._blobs, scratch=scratch, staging=staging, added=added, link=link)
            try:
                taken = 0
                for number, dataset in enumerate(source.datasets):
                    for image in dataset.images:
                        spool.write(record_to_line(number, taker.take(dataset, image)))
                        taken += 1
                        watch.on_image(taken)
                watch.on_read()
                spool.seek(0)
                # A row may reach the disk before the file that it names.
                self._blobs.sync([(blob.hash, blob.mime) for blob in added])
                with self._database.write() as connection:
                    rows = ProjectRows(connection, home, source, meta)
                    rows.insert_images(source.datasets, _counted(spool, watch.on_row))
                    rows.insert_collections(source.collections)
                    also(connection, rows.project_id)
            except BaseException:
                self._drop(added)
                raise
        return rows.project_id

    def _drop(self, added: Iterable[Blob]) -> None:
        with self._database.read() as connection:
            for blob in added:
                if connection.execute("SELECT 1 FROM images WHERE hash = ? LIMIT 1", (blob.hash,)).fetchone() is None:
                    self._blobs.remove(blob)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taker:
    """Takes images in, one by one."""

    ids: ServerIds  # of the project's classes and tags; gives those of objects
    blobs: ImageBlobs
    scratch: ImportScratch
    staging: Path | None  # where files are written before they are put in place
    added: list[Blob]  # gets the files that are new in the store
    link: bool

    def take(self, dataset: SourceDataset, image: SourceImage) -> NewImageRow:
        where = f"{dataset.path}/{image.name}"
        _check_text(where)
        annotation = image.annotation
        _check_names(self.ids, image, where)
        checked = image.checked or _checked(image.path, where)
        blob = self.blobs.add(image.path, checked, link=self.link, before=self.scratch.note, staging=self.staging)
        if blob.is_new:
            self.added.append(blob)
        # As the image is stored or, if it lies on its side, as people see it: tools draw on either.
        if not checked.has_size(annotation.width, annotation.height):
            msg = (
                f"{where}: the annotation says {annotation.width} x {annotation.height} pixels, "
                f"the image has {checked.width} x {checked.height}."
            )
            raise InputError(msg, "Correct 'size' in the annotation, or the image.")
        return NewImageRow(
            name=image.name,
            hash=blob.hash,
            mime=blob.mime,
            size=blob.size,
            width=annotation.width,
            height=annotation.height,
            annotation=msgspec.json.encode(annotation_to_json(annotation, self.ids)).decode(),
            meta=msgspec.json.encode(image.meta).decode(),
        )


def _counted(lines: IO[bytes], tell: Callable[[int], None]) -> Iterator[bytes]:
    for number, line in enumerate(lines, start=1):
        yield line
        tell(number)


def _checked(path: Path, where: str) -> CheckedImage:
    try:
        return check_image(path)
    except InputError as error:
        raise InputError(f"{where}: {error.message}", error.hint) from error


def _check_text(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError as error:  # bytes of a file name that are no text
        raise InputError(f"The name {name!r} is not valid Unicode.", "Rename the file.") from error


def _check_names(ids: ServerIds, image: SourceImage, where: str) -> None:
    annotation = image.annotation
    for number, message in image.damaged.items():
        raise InputError(f"{where}, object {number}: {message}", "Correct it or leave it out.")
    for label in annotation.labels:
        if label.class_name not in ids.classes:
            msg = f"{where}: the project has no object class {label.class_name!r}."
            raise InputError(msg, "Add the class to the project meta.")
    for tag in [*annotation.tags, *(tag for label in annotation.labels for tag in label.tags)]:
        if tag.name not in ids.tags:
            raise InputError(f"{where}: the project has no tag {tag.name!r}.", "Add the tag to the project meta.")
