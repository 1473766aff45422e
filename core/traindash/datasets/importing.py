"""From a folder or archive of unknown layout to a project that can be taken in."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path

from traindash.datasets.archives import unpack
from traindash.datasets.coco_format import open_coco
from traindash.datasets.geometry import clip_geometry
from traindash.datasets.recognition import Candidate, Layout, choose
from traindash.datasets.source import (
    CheckedImage,
    Effect,
    ImageKey,
    LazyImages,
    ProblemKind,
    ProblemLog,
    ProjectSource,
    SourceCollection,
    SourceDataset,
    SourceImage,
    check_images,
    in_batches,
)
from traindash.datasets.supervisely_format import open_project
from traindash.datasets.yolo_format import open_yolo
from traindash.domain.annotation import Annotation, Label, OtherGeometry, Tag, shape_name
from traindash.domain.imports import ImportReport
from traindash.errors import InputError

# Makes what a reader found fit for use: every image opens, every object is a clean one inside its image.
#
# The rest is left out and written down. What comes out lies inside its image and names only classes and tags of the
# project.


def inspected(source: ProjectSource, log: ProblemLog) -> ProjectSource:
    """Return a source that gives only what can be used, and tells a log about the rest.

    Collections list the images that were taken, so they are to be read after the images.

    Args:
        source: What a reader found.
        log: Filled by one walk over all images.
    """
    inspector = _Inspector(
        classes=frozenset(item.name for item in source.meta.classes),
        tags=frozenset(item.name for item in source.meta.tags),
        log=log,
    )
    datasets = tuple(
        replace(dataset, images=LazyImages(read=partial(inspector.images, dataset))) for dataset in source.datasets
    )
    collections = tuple(
        SourceCollection(name=item.name, images=_Members(inspector=inspector, collection=item))
        for item in source.collections
    )
    return replace(source, datasets=datasets, collections=collections)


def _looked_at(images: Iterable[SourceImage]) -> Iterator[tuple[SourceImage, CheckedImage | InputError]]:
    """Give each image with what a look at its file found; a reader may have taken one already."""
    for batch in in_batches(images):
        found = iter(check_images([image.path for image in batch if image.checked is None]))
        for image in batch:
            yield image, image.checked or next(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inspector:
    classes: frozenset[str]
    tags: frozenset[str]
    log: ProblemLog
    taken: set[ImageKey] = field(default_factory=set)

    def images(self, dataset: SourceDataset) -> Iterator[SourceImage]:
        names: set[str] = set()
        for image, found in _looked_at(dataset.images):
            place = f"{dataset.path}/{image.name}"
            if image.name in names:
                message = "The dataset has an image of that name already."
                self.log.add(ProblemKind.DUPLICATE_NAME, Effect.IMAGE_SKIPPED, place, message)
                continue
            names.add(image.name)
            if isinstance(found, InputError):
                self.log.add(ProblemKind.UNREADABLE_IMAGE, Effect.IMAGE_SKIPPED, place, found.message)
                continue
            annotation = self._annotation(image, found, place)
            if annotation is not None:
                self.taken.add((dataset.path, image.name))
                self.log.took([label.class_name for label in annotation.labels])
                yield replace(image, annotation=annotation, damaged={}, checked=found)

    def members(self, collection: SourceCollection) -> Iterator[ImageKey]:
        for key in collection.images:
            if key in self.taken:
                yield key
            elif not self.log.has_skipped("/".join(key)):
                place = f"collection “{collection.name}”"
                message = f"There is no image {'/'.join(key)}."
                self.log.add(ProblemKind.UNKNOWN_MEMBER, Effect.CHANGED, place, message)

    def _annotation(self, image: SourceImage, checked: CheckedImage, place: str) -> Annotation | None:
        given = image.annotation
        size = given.width, given.height
        if not checked.has_size(*size):
            message = (
                f"The annotation says {size[0]} x {size[1]} pixels, the image has {checked.width} x {checked.height}."
            )
            self.log.add(ProblemKind.WRONG_SIZE, Effect.IMAGE_SKIPPED, place, message)
            return None
        for number, message in image.damaged.items():
            self.log.add(ProblemKind.DAMAGED_OBJECT, Effect.OBJECT_SKIPPED, f"{place}, object {number}", message)
        numbers = (number for number in count(1) if number not in image.damaged)  # as the file counts its objects
        labels = (
            self._label(label, size, f"{place}, object {number}")
            for label, number in zip(given.labels, numbers, strict=False)
        )
        return replace(
            given,
            labels=tuple(label for label in labels if label is not None),
            tags=self._known(given.tags, place),
        )

    def _label(self, label: Label, size: tuple[int, int], place: str) -> Label | None:
        try:
            clipped = clip_geometry(label.geometry, *size)
        except InputError as error:
            self.log.add(ProblemKind.DAMAGED_OBJECT, Effect.OBJECT_SKIPPED, place, error.message)
            return None
        shape = shape_name(label.geometry)
        if label.class_name not in self.classes:
            message = f"The project has no class “{label.class_name}”."
            self.log.add(ProblemKind.UNKNOWN_CLASS, Effect.OBJECT_SKIPPED, place, message)
            return None
        if clipped.geometry is None:
            kind = ProblemKind.OUTSIDE if clipped.had_area else ProblemKind.EMPTY
            message = f"The {shape} {'lies outside the image' if clipped.had_area else 'has no area'}."
            self.log.add(kind, Effect.OBJECT_SKIPPED, place, message)
            return None
        if clipped.was_cut:
            message = f"The {shape} reaches over the border of the image."
            self.log.add(ProblemKind.CUT, Effect.CHANGED, place, message)
        if isinstance(clipped.geometry, OtherGeometry):
            message = f"Nothing is trained on the shape “{shape}”; it is kept."
            self.log.add(ProblemKind.UNSUPPORTED_GEOMETRY, Effect.NOTED, place, message)
        return replace(label, geometry=clipped.geometry, tags=self._known(label.tags, place))

    def _known(self, tags: tuple[Tag, ...], place: str) -> tuple[Tag, ...]:
        for tag in tags:
            if tag.name not in self.tags:
                message = f"The project has no tag “{tag.name}”."
                self.log.add(ProblemKind.UNKNOWN_TAG, Effect.CHANGED, place, message)
        return tuple(tag for tag in tags if tag.name in self.tags)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Members:
    """The members of a collection that were taken."""

    inspector: _Inspector
    collection: SourceCollection

    def __iter__(self) -> Iterator[ImageKey]:
        return self.inspector.members(self.collection)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedImport:
    """A project to take in.

    Attributes:
        source: Gives only what can be used.
        candidate: How it was read.
    """

    source: ProjectSource
    candidate: Candidate
    log: ProblemLog

    def report(self) -> ImportReport:
        """Return what was taken and what was not; complete after one walk over all images and collections."""
        return self.log.report(tuple(item.name for item in self.source.meta.classes))


def open_import(
    path: Path,
    *,
    work: Path,
    layout: Layout | None = None,
    on_unpacked: Callable[[int], None] | None = None,
) -> OpenedImport:
    """Open a folder or an archive, in whatever layout it is.

    Args:
        path: A folder, which is only read, or an archive.
        work: A folder that does not exist yet; an archive is unpacked there. The caller removes it.
        layout: The person's choice; ``None`` lets the content decide.
        on_unpacked: Called with the bytes unpacked so far; what it raises ends the import.

    Raises:
        InputError: The archive is refused, the layout is not known or not certain, or its main file is not valid.
    """
    folder = path
    if path.is_file():
        unpack(path, work, on_progress=on_unpacked)
        folder = work
    elif not path.exists():
        msg = f"{path} does not exist."
        raise InputError(msg, "Check the path; it must be on the machine that the dashboard runs on.")
    candidate = choose(folder, layout)
    log = ProblemLog()
    return OpenedImport(source=inspected(open_layout(candidate, log), log), candidate=candidate, log=log)


def open_layout(candidate: Candidate, log: ProblemLog) -> ProjectSource:
    """Open a folder whose layout is known; nothing is checked yet.

    Raises:
        InputError: Its main file is not valid.
    """
    match candidate.layout:
        case Layout.SUPERVISELY:
            return open_project(candidate.root, log)
        case Layout.COCO:
            return open_coco(candidate.root, log)
        case Layout.YOLO:
            return open_yolo(candidate.root, log)
