"""Brings a project in: files first, then all rows in one transaction, so that it appears complete or not at all."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core.datasets.annotation_json import annotation_from_json
from core.datasets.image_check import check_image
from core.datasets.source import ProjectSource, SourceDataset, SourceImage
from core.domain.annotation import Annotation
from core.domain.ids import ProjectId
from core.errors import InputError
from core.files import sync_files
from core.local_platform.store.accounts import Home, store_setting
from core.local_platform.store.blobs import Blob, ImageBlobs
from core.local_platform.store.database import Database
from core.local_platform.store.import_scratch import ImportScratch
from core.local_platform.store.project_rows import ImageRecord, ProjectRows, record_to_line


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportWatch:
    """Looks on while a project is imported. What a function raises ends the import; nothing is left behind.

    Attributes:
        on_image: Called with the number of images taken so far.
        on_row: Called with the number of images written to the database so far.
    """

    on_image: Callable[[int], None]
    on_row: Callable[[int], None]


_UNWATCHED = ImportWatch(on_image=lambda _: None, on_row=lambda _: None)


class ProjectImport:
    """Imports projects.

    Args:
        database: Gets the rows.
        blobs: Gets the images.
        incoming: Folder for what there is only while an import is under way.
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
        watch: ImportWatch = _UNWATCHED,
        mark: str | None = None,
    ) -> ProjectId:
        """Import a project.

        Args:
            source: What to import; its images are walked over once.
            home: Where it goes.
            name: Its name instead of the source's; a number is added when the workspace has one of that name.
            link: Hard-link the image files instead of copying; only for files that nobody will write to again.
            watch: Is told how far it is.
            mark: Setting of the server that says, from the same moment as the rows, that this import happened.

        Raises:
            InputError: Something in the source is not usable; names it. Nothing is left behind.
        """
        added: list[Blob] = []
        with (
            ImportScratch(self._incoming) as scratch,
            tempfile.TemporaryFile("w+", encoding="utf-8", dir=self._incoming) as spool,
        ):
            taker = _Taker(
                classes=frozenset(item.name for item in source.meta.classes),
                tags=frozenset(item.name for item in source.meta.tags),
                blobs=self._blobs,
                scratch=scratch,
                added=added,
                link=link,
            )
            try:
                taken = 0
                for number, dataset in enumerate(source.datasets):
                    for image in dataset.images:
                        spool.write(record_to_line(number, taker.take(dataset, image)))
                        taken += 1
                        watch.on_image(taken)
                spool.seek(0)
                # A row may reach the disk before the file that it names; one sync for all is ten times faster.
                sync_files(self._blobs.path(blob.hash, blob.mime) for blob in added)
                with self._database.write() as connection:
                    rows = ProjectRows(connection, home, source, name or source.name)
                    rows.insert_images(source.datasets, _counted(spool, watch.on_row))
                    rows.insert_collections(source.collections)
                    if mark is not None:
                        store_setting(connection, mark, name or source.name)
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
    """Takes images in, one by one.

    Attributes:
        added: Gets the files that are new in the store.
    """

    classes: frozenset[str]
    tags: frozenset[str]
    blobs: ImageBlobs
    scratch: ImportScratch
    added: list[Blob]
    link: bool

    def take(self, dataset: SourceDataset, image: SourceImage) -> ImageRecord:
        where = f"{dataset.path}/{image.name}"
        _check_text(where)
        annotation = annotation_from_json(image.annotation, where=where)
        _check_names(self.classes, self.tags, annotation, where)
        blob = self.blobs.add(
            image.path, link=self.link, before=self.scratch.note, durable=False, checked=image.checked
        )
        if blob.is_new:
            self.added.append(blob)
        if not _fits(image, annotation, blob):
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


def _counted(lines: IO[str], tell: Callable[[int], None]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        yield line
        tell(number)


def _fits(image: SourceImage, annotation: Annotation, blob: Blob) -> bool:
    """Whether the annotation has the size of the image as it is stored or, if it lies on its side, as people see it."""
    size = (annotation.width, annotation.height)
    return size == (blob.width, blob.height) or (image.checked or check_image(image.path)).has_size(*size)


def _check_text(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError as error:  # bytes of a file name that are no text
        msg = f"The name {name!r} is not valid Unicode."
        raise InputError(msg, "Rename the file.") from error


def _check_names(classes: frozenset[str], tags: frozenset[str], annotation: Annotation, where: str) -> None:
    for label in annotation.labels:
        if label.class_name not in classes:
            msg = f"{where}: the project has no object class {label.class_name!r}."
            raise InputError(msg, "Add the class to the project meta.")
    for tag in [*annotation.tags, *(tag for label in annotation.labels for tag in label.tags)]:
        if tag.name not in tags:
            msg = f"{where}: the project has no tag {tag.name!r}."
            raise InputError(msg, "Add the tag to the project meta.")
