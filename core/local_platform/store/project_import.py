"""Brings a project in: files first, then all rows in one transaction, so that it appears complete or not at all."""

import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from core.datasets.annotation_json import annotation_from_json
from core.datasets.image_check import check_image
from core.datasets.source import ProjectSource, SourceDataset, SourceImage
from core.domain.annotation import Annotation
from core.domain.ids import ProjectId
from core.domain.project import ProjectMeta
from core.errors import InputError
from core.local_platform.store.accounts import Home
from core.local_platform.store.blobs import Blob, ImageBlobs
from core.local_platform.store.database import Database
from core.local_platform.store.project_rows import ImageRecord, ProjectRows, record_to_line


class ProjectImport:
    """Imports projects.

    Args:
        database: Gets the rows.
        blobs: Gets the images.
        incoming: Folder for the list of images while an import is under way.
    """

    def __init__(self, database: Database, blobs: ImageBlobs, incoming: Path) -> None:
        self._database = database
        self._blobs = blobs
        self._incoming = incoming

    def run(
        self, source: ProjectSource, home: Home, *, name: str | None = None, description: str = "", link: bool = False
    ) -> ProjectId:
        """Import a project.

        Args:
            source: What to import; its images are walked over once.
            home: Where it goes.
            name: Its name instead of the source's; a number is added when the workspace has one of that name.
            description: Text for people.
            link: Hard-link the image files instead of copying; only for files that nobody will write to again.

        Raises:
            InputError: Something in the source is not usable; names it. Nothing is left behind.
        """
        added: list[Blob] = []
        with tempfile.TemporaryFile("w+", encoding="utf-8", dir=self._incoming) as spool:
            try:
                for number, dataset in enumerate(source.datasets):
                    for image in dataset.images:
                        record = self._take(source.meta, dataset, image, added, link=link)
                        spool.write(record_to_line(number, record))
                spool.seek(0)
                with self._database.write() as connection:
                    rows = ProjectRows(connection, home, source.meta, name or source.name, description)
                    rows.insert_images(source.datasets, spool)
                    rows.insert_collections(source.collections)
            except BaseException:
                self._drop(added)
                raise
        return rows.project_id

    def _take(
        self, meta: ProjectMeta, dataset: SourceDataset, image: SourceImage, added: list[Blob], *, link: bool
    ) -> ImageRecord:
        where = f"{dataset.path}/{image.name}"
        _check_text(where)
        annotation = annotation_from_json(image.annotation, where=where)
        _check_names(meta, annotation, where)
        blob = self._blobs.add(image.path, link=link)
        if blob.is_new:
            added.append(blob)
        if not _fits(image.path, annotation, blob):
            msg = (
                f"{where}: the annotation says {annotation.width} x {annotation.height} pixels, "
                f"the image has {blob.width} x {blob.height}."
            )
            raise InputError(msg, "Correct 'size' in the annotation, or the image.")
        return ImageRecord(
            name=image.name,
            hash=blob.hash,
            mime=blob.mime,
            size=blob.size,
            width=annotation.width,
            height=annotation.height,
            classes=dict(Counter(label.class_name for label in annotation.labels)),
            image_tags=tuple(tag.name for tag in annotation.tags),
            object_tags=dict(Counter(tag.name for label in annotation.labels for tag in label.tags)),
            annotation=dict(image.annotation),
        )

    def _drop(self, added: Iterable[Blob]) -> None:
        with self._database.read() as connection:
            for blob in added:
                if connection.execute("SELECT 1 FROM images WHERE hash = ? LIMIT 1", (blob.hash,)).fetchone() is None:
                    self._blobs.remove(blob)


def _fits(path: Path, annotation: Annotation, blob: Blob) -> bool:
    """Whether the annotation has the size of the image as it is stored or, if it lies on its side, as people see it."""
    size = (annotation.width, annotation.height)
    return size == (blob.width, blob.height) or check_image(path).has_size(*size)


def _check_text(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError as error:  # bytes of a file name that are no text
        msg = f"The name {name!r} is not valid Unicode."
        raise InputError(msg, "Rename the file.") from error


def _check_names(meta: ProjectMeta, annotation: Annotation, where: str) -> None:
    classes = {item.name for item in meta.classes}
    tags = {item.name for item in meta.tags}
    for label in annotation.labels:
        if label.class_name not in classes:
            msg = f"{where}: the project has no object class {label.class_name!r}."
            raise InputError(msg, "Add the class to the project meta.")
    for tag in [*annotation.tags, *(tag for label in annotation.labels for tag in label.tags)]:
        if tag.name not in tags:
            msg = f"{where}: the project has no tag {tag.name!r}."
            raise InputError(msg, "Add the tag to the project meta.")
