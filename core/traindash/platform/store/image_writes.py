"""Adds, edits and removes images; each call is one transaction."""

import json
import re
from collections.abc import Mapping, Sequence
from sqlite3 import Connection, Row
from typing import TypeAlias, assert_never

import msgspec

from traindash.errors import AppError, InputError, NotFoundError
from traindash.platform.store.database import Database, now_text
from traindash.platform.store.image_changes import ImageChanges, NewImageRow
from traindash.platform.store.images import require_row
from traindash.platform.store.loose_images import LooseImages, StoredImage, stored_image
from traindash.platform.store.projects import dump, parse_object
from traindash.platform.store.unanswered import note_made
from traindash.platform.store.uploads import Uploads
from traindash.platform.wire import DetailedError, shortened

_NO_NAME = re.compile(r"[\x00-\x1f/\\]")
_SHOWN = 5


class ByHash(msgspec.Struct, frozen=True):
    """An image with the content of an uploaded file."""

    hash: str


class ById(msgspec.Struct, frozen=True):
    """An image with the content of another one."""

    image_id: int


ImageOrigin: TypeAlias = ByHash | ById


class NewImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image to be added."""

    name: str
    origin: ImageOrigin
    meta: Mapping[str, object]  # free JSON


class ImageWrites:
    """Changes the images of projects."""

    def __init__(self, database: Database, loose: LooseImages, uploads: Uploads) -> None:
        self._database = database
        self._loose = loose
        self._uploads = uploads

    def add(self, dataset_id: int, images: Sequence[NewImage]) -> list[int]:
        """Add images to a dataset and return their ids.

        Raises:
            NotFoundError: There is no such dataset, or no image whose content is asked for.
            InputError: A name is empty or not possible, two are the same, or a file was not uploaded.
            DetailedError: The dataset has images of these names; ``details`` has their ids.
        """
        _check_names([image.name for image in images])
        contents = self._contents(images)
        records = [
            NewImageRow(
                name=image.name,
                hash=content.hash,
                mime=content.mime,
                size=content.size,
                width=content.width,
                height=content.height,
                meta=dump(image.meta),
            )
            for image, content in zip(images, contents, strict=True)
        ]
        with self._database.write() as connection, ImageChanges(connection) as changes:
            project_id = _project_of(connection, dataset_id)
            _refuse_taken(connection, dataset_id, [record.name for record in records])
            ids = changes.add_all(project_id, dataset_id, records)
            note_made(connection, ids)
        return ids

    def remove(self, image_ids: Sequence[int]) -> None:
        """Remove images; those that are gone already are passed over, so that a repeated call is no error."""
        with self._database.write() as connection, ImageChanges(connection) as changes:
            changes.remove(image_ids)

    def edit(
        self, image_id: int, *, name: str | None, description: str | None, meta: Mapping[str, object] | None
    ) -> None:
        """Change what is given of an image.

        Raises:
            NotFoundError: There is no such image.
            InputError: The name is empty or not possible.
            DetailedError: Another image of the dataset has the name.
        """
        columns = {"name": name, "description": description, "meta": None if meta is None else dump(meta)}
        if name is not None:
            _check_names([name])
        with self._database.write() as connection:
            row = _image_row(connection, image_id)
            if name is not None and name != row["name"]:
                _refuse_taken(connection, row["dataset_id"], [name])
            for column, value in {**columns, "updated_at": now_text()}.items():
                if value is not None:
                    connection.execute(f"UPDATE images SET {column} = ? WHERE id = ?", (value, image_id))  # noqa: S608 - constant names

    def set_files(self, hashes: Mapping[int, str]) -> None:
        """Give images other files, which were uploaded: image id → hash. What is drawn on them stays.

        Raises:
            NotFoundError: There is no such image.
            InputError: A file was not uploaded, is no picture, or not as large as the image.
        """
        with self._database.read() as connection:
            rows = {image_id: _image_row(connection, image_id) for image_id in hashes}
        new = [
            NewImage(name=rows[image_id]["name"], origin=ByHash(digest), meta={}) for image_id, digest in hashes.items()
        ]
        contents = dict(zip(hashes, self._contents(new), strict=True))
        for image_id, content in contents.items():
            row = rows[image_id]
            if (content.width, content.height) != (row["width"], row["height"]):
                msg = (
                    f"The image {shortened(row['name'])!r} has {row['width']} x {row['height']} pixels, the new file"
                    f" {content.width} x {content.height}."
                )
                raise InputError(msg, "Add it as an image of its own.")
        with self._database.write() as connection, ImageChanges(connection) as changes:
            for image_id, content in contents.items():
                changes.set_file(image_id, (content.hash, content.mime, content.size))

    def set_sort_keys(self, keys: Mapping[int, str]) -> None:
        """Set what images are sorted by when people sort them by hand: image id → text.

        Raises:
            NotFoundError: There is no such image.
        """
        with self._database.write() as connection:
            for image_id, key in keys.items():
                meta = parse_object(_image_row(connection, image_id)["meta"])
                values = (dump({**meta, "customSort": key}), now_text(), image_id)
                connection.execute("UPDATE images SET meta = ?, updated_at = ? WHERE id = ?", values)

    def _contents(self, images: Sequence[NewImage]) -> list[StoredImage]:
        hashes = [image.origin.hash for image in images if isinstance(image.origin, ByHash)]
        ids = [image.origin.image_id for image in images if isinstance(image.origin, ById)]
        refused = self._uploads.settled(hashes)
        recent = self._uploads.recent(hashes)
        left = [digest for digest in hashes if digest not in recent]
        uploaded = {**recent, **(self._loose.known(left) if left else {})}
        copied = self._of_images(ids)
        found = []
        for image in images:
            match image.origin:
                case ByHash(hash=digest):
                    if digest in refused:
                        raise _unusable(image.name, refused[digest])
                    if digest not in uploaded:
                        msg = f"The image {shortened(image.name)!r} has not been uploaded to this server."
                        raise InputError(msg, "Upload its file first.")
                    found.append(uploaded[digest])
                case ById(image_id=image_id):
                    if image_id not in copied:
                        raise NotFoundError(f"There is no image {image_id}.")
                    found.append(copied[image_id])
                case _:
                    assert_never(image.origin)
        return found

    def _of_images(self, image_ids: Sequence[int]) -> dict[int, StoredImage]:
        query = "SELECT * FROM images WHERE id IN (SELECT value FROM json_each(?))"
        with self._database.read() as connection:
            return {row["id"]: stored_image(row) for row in connection.execute(query, (json.dumps(image_ids),))}


def _unusable(name: str, reason: AppError) -> AppError:
    """Say of which image it is that its file cannot be used."""
    return type(reason)(f"The image {shortened(name)!r} cannot be used. {reason.message}", reason.hint)


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if not name.strip() or name in {".", ".."} or _NO_NAME.search(name):
            msg = f"An image cannot be named {shortened(name)!r}."
            raise InputError(msg, "Use a name like those of files, without slashes.")
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"The name {name!r} is not valid Unicode.", "Rename the image.") from error
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"Two of the images are named {shortened(twice)!r}.", "Give each a name of its own.")


def _project_of(connection: Connection, dataset_id: int) -> int:
    return int(require_row(connection, "datasets", "dataset", dataset_id)["project_id"])


def _image_row(connection: Connection, image_id: int) -> Row:
    row: Row | None = connection.execute("SELECT * FROM images WHERE id = ?", (image_id,)).fetchone()
    if row is None:
        raise NotFoundError(f"There is no image {image_id}.")
    return row


def _refuse_taken(connection: Connection, dataset_id: int, names: Sequence[str]) -> None:
    query = "SELECT id, name FROM images WHERE dataset_id = ? AND name IN (SELECT value FROM json_each(?))"
    taken = [dict(row) for row in connection.execute(query, (dataset_id, json.dumps(names)))]
    if taken:
        shown = ", ".join(repr(shortened(row["name"], 100)) for row in taken[:_SHOWN])
        more = "" if len(taken) <= _SHOWN else f" and {len(taken) - _SHOWN:,} more"
        # The official SDK looks for this type and these ids to rename, skip or replace (`_upload_bulk_add`).
        details = {"type": "NONUNIQUE", "errors": taken}
        raise DetailedError(f"The dataset already has {shown}{more}.", "Choose other names.", details)
