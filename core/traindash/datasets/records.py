"""What an annotation tool wrote of single images, and how it becomes a project; shared by the formats of many tools.

A format reads its files into records. Here their images are found, classes and tags gathered, and all that cannot be
used is counted and told.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from traindash.datasets.annotation_json import MAX_SIDE
from traindash.datasets.drawn_shapes import Size, number
from traindash.datasets.folder import Folder, not_there
from traindash.datasets.image_files import check_image, is_image
from traindash.datasets.import_log import ProblemKind, ProblemLog
from traindash.datasets.shape_fit import common_shape
from traindash.datasets.source import Lazy, ProjectSource, SourceDataset, SourceImage
from traindash.domain.annotation import Annotation, Geometry, Label, Tag
from traindash.domain.project import ObjectClass, ProjectMeta, TagMeta, class_color
from traindash.errors import InputError
from traindash.formatting import count
from traindash.language import gettext as _

Remark: TypeAlias = tuple[ProblemKind, str]
_LONGEST_NAME = 1024
_DEFAULT_DATASET = "dataset"
# Folders that say what kind of files are in them, not which part of the data
_SAYS_NOTHING = frozenset({
    "annotation", "annotations", "ann", "anns", "label", "labels", "image", "images", "img", "imgs", "jpegimages",
    "picture", "pictures", "photo", "photos", "data", "dataset", "xml", "xmls", "json", "jsons", "files", "default",
    "all",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnObject:
    """An object as a tool wrote it."""

    place: str  # where it is written, for messages
    class_name: str
    shape: str  # Supervisely shape name of what `draw` gives
    # gives its geometry on an image of this size; raises :class:`~traindash.errors.InputError` if it is none
    draw: Callable[[Size], Geometry]
    tags: tuple[Tag, ...] = ()
    changes: tuple[Remark, ...] = ()  # what is taken otherwise than it is written


@dataclass(frozen=True, slots=True, kw_only=True)
class LostObject:
    """An object that cannot be taken, whatever image it lies on."""

    place: str
    kind: ProblemKind
    message: str


RecordedObject: TypeAlias = DrawnObject | LostObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """An image as a tool wrote it."""

    place: str  # where it is written, for messages
    written: str  # how the tool calls its file
    locate: Callable[[Folder], Path | None]
    size: Size | None = None  # `None` if it is not written: that of the file
    objects: tuple[RecordedObject, ...] = ()
    tags: tuple[Tag, ...] = ()
    changes: tuple[Remark, ...] = ()
    notes: tuple[Remark, ...] = ()
    damage: str = ""  # why the record cannot be read; then the image is left out


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDataset:
    """The records of a dataset, in their order."""

    name: str
    records: Iterable[ImageRecord]  # walked over twice: to gather classes, and to take the images


def located(written: str, near: Sequence[str] = ("",)) -> Callable[[Folder], Path | None]:
    """Return what finds an image by the path that is written of it."""
    stem = written.replace("\\", "/").rpartition("/")[2]
    bare = bool(stem) and "." not in stem  # some converters leave the ending away
    return lambda folder: (
        _image_only(folder.find(written, near)) or (folder.find_stem(stem, near, is_image) if bare else None)
    )


def located_by_stem(stem: str, near: Sequence[str] = ("",)) -> Callable[[Folder], Path | None]:
    """Return what finds an image by its name without extension."""
    return lambda folder: folder.find_stem(stem, near, is_image)


def _image_only(path: Path | None) -> Path | None:
    return path if path is not None and is_image(path.name) else None


def dataset_name(folder: str) -> str:
    """Return a dataset's name for files in a folder, relative to the root: ``train/Annotations`` → ``train``."""
    parts = [part for part in folder.split("/") if part.casefold() not in _SAYS_NOTHING and part]
    return "_".join(parts) or _DEFAULT_DATASET


def checked_name(name: object) -> str:
    """Return the name of a class or tag as it is written.

    Raises:
        InputError: It is empty, no text, or longer than any name.
    """
    if not isinstance(name, str) or not name.strip():
        raise InputError(_("It has no class."))
    if len(name) > _LONGEST_NAME:
        raise InputError(_("Its class has a name of {count} characters.").format(count=count(len(name))))
    return name


def believed_size(width: object, height: object) -> Size | None:
    """Return the size that is written of an image; ``None`` if it is none, so that the image's own is taken."""
    try:
        size = int(number(width)), int(number(height))
    except InputError:
        return None
    return size if min(size) > 0 and max(size) <= MAX_SIDE else None


def drawn(place: str, read: Callable[[str], Iterable[RecordedObject]]) -> tuple[RecordedObject, ...]:
    """Read one object of a file; one that is damaged is recorded as such."""
    try:
        return tuple(read(place))
    except InputError as error:
        return (LostObject(place=place, kind=ProblemKind.DAMAGED_OBJECT, message=error.message),)


def lost(place: str, what: str) -> LostObject:
    """Return an object of a shape that nothing here can express."""
    return LostObject(
        place=place, kind=ProblemKind.UNSUPPORTED_GEOMETRY, message=_("{what} cannot be taken.").format(what=what)
    )


@dataclass(slots=True)
class _Survey:
    """What all records have, gathered before the images are taken."""

    shapes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # class → shapes
    tags: dict[str, set[tuple[bool, bool]]] = field(default_factory=lambda: defaultdict(set))  # (on image, has value)
    used: set[Path] = field(default_factory=set)
    unclear: set[str] = field(default_factory=set)  # images that a record may mean, or others of the same name
    homes: dict[Path, str] = field(default_factory=dict)  # folder of images → dataset

    def look_at(self, dataset: str, record: ImageRecord, folder: Folder) -> None:
        if (path := record.locate(folder)) is not None:
            self.used.add(path)
            self.homes.setdefault(path.parent, dataset)
        else:
            self.unclear.update(folder.meant(record.written))
        for tag in record.tags:
            self.tags[tag.name].add((True, tag.value is not None))
        for item in record.objects:
            if isinstance(item, DrawnObject):
                self.shapes[item.class_name].add(item.shape)
                for tag in item.tags:
                    self.tags[tag.name].add((False, tag.value is not None))

    def tag_metas(self) -> tuple[TagMeta, ...]:
        return tuple(
            TagMeta(
                name=name,
                value_type="any_string" if any(valued for _rest, valued in uses) else "none",
                applicable_type="all" if len({image for image, _rest in uses}) > 1 else _applicable(uses),
            )
            for name, uses in self.tags.items()
        )


def _applicable(uses: set[tuple[bool, bool]]) -> str:
    return "imagesOnly" if next(iter(uses))[0] else "objectsOnly"


def recorded_project(
    folder: Folder,
    datasets: Sequence[RecordedDataset],
    log: ProblemLog,
    *,
    declared: Sequence[ObjectClass] = (),
    others: Callable[[str], bool] = lambda _: False,
    lists_all: bool = False,
) -> ProjectSource:
    """Make a project of what a tool recorded.

    Images that no record names are taken as images without objects, unless the format lists such images as well
    (``lists_all``); then they are no part of the data. ``declared`` are the classes if the tool lists
    them; without, they are those of the objects. ``others`` tells of a path whether it is no image of the data, such as
    a mask.

    Raises:
        InputError: There is not a single image.
    """
    images = [place for place in folder.files if is_image(place) and not others(place)]
    survey = _Survey()
    for dataset in datasets:
        for record in dataset.records:
            survey.look_at(dataset.name, record, folder)
    if not images and not survey.used:
        msg = _("{name} has annotations, but not one image.").format(name=folder.root.name)
        raise InputError(msg, _("Put the images into the folder, beside the annotations or in a folder of their own."))
    meta = _meta(survey, declared)
    groups: dict[str, list[Iterable[ImageRecord]]] = defaultdict(list)
    for dataset in datasets:
        groups[dataset.name].append(dataset.records)
    unnamed = [place for place in images if folder.root / place not in survey.used]
    if lists_all:
        _leave_out(unnamed, _("No annotation names it."), log)
    else:
        # As images without objects they would teach what is not so
        unclear = [place for place in unnamed if place in survey.unclear]
        _leave_out(unclear, _("An annotation means it or another of the same name."), log)
        empty = [place for place in unnamed if place not in survey.unclear]
        for name, records in _without_objects(folder, empty, survey).items():
            groups[name].append(records)
    valued = frozenset(tag.name for tag in meta.tags if tag.value_type != "none")
    sources = tuple(
        SourceDataset(name=name, parent=None, images=Lazy(partial(_images, folder, parts, valued, log)))
        for name, parts in groups.items()
    )
    return ProjectSource(name=folder.root.name, meta=meta, datasets=sources)


def _meta(survey: _Survey, declared: Sequence[ObjectClass]) -> ProjectMeta:
    """Return the classes that a tool lists, or those that it drew if it lists none, with the shapes that they have."""
    drawn = [ObjectClass(name=name, shape="any", color=class_color(place)) for place, name in enumerate(survey.shapes)]
    classes = (replace(item, shape=common_shape(survey.shapes.get(item.name, ()))) for item in declared or drawn)
    return ProjectMeta(classes=tuple(classes), tags=survey.tag_metas())


def _leave_out(images: Sequence[str], reason: str, log: ProblemLog) -> None:
    log.found(images=len(images))
    for place in images:
        log.skip_image(ProblemKind.UNNAMED_IMAGE, place, reason)


def _without_objects(folder: Folder, images: Sequence[str], survey: _Survey) -> Mapping[str, list[ImageRecord]]:
    groups: dict[str, list[ImageRecord]] = defaultdict(list)
    message = _("No annotation names it; it is taken as an image without objects.")
    for place in images:
        path = folder.root / place
        name = survey.homes.get(path.parent) or dataset_name(place.rpartition("/")[0])
        note = (ProblemKind.UNNAMED_IMAGE, message)
        groups[name].append(ImageRecord(place=place, written=place, locate=partial(_itself, path), notes=(note,)))
    return groups


def _itself(path: Path, _folder: Folder) -> Path:
    return path


def _images(
    folder: Folder, parts: Sequence[Iterable[ImageRecord]], valued: frozenset[str], log: ProblemLog
) -> Iterator[SourceImage]:
    for record in (record for part in parts for record in part):
        objects = len(record.objects)
        log.found(images=1, objects=objects)
        path = record.locate(folder)
        if record.damage:
            log.skip_image(ProblemKind.UNREADABLE_ANNOTATION, record.place, record.damage, objects=objects)
            continue
        if path is None:
            message = not_there(record.written, folder)
            log.skip_image(ProblemKind.MISSING_IMAGE, record.place, message, objects=objects)
            continue
        try:
            checked = None if record.size else check_image(path)
        except InputError as error:
            log.skip_image(ProblemKind.UNREADABLE_IMAGE, record.place, error.message, objects=objects)
            continue
        size = checked.seen_size if checked else record.size or (0, 0)
        for kind, message in record.notes:
            log.note(kind, record.place, message)
        for kind, message in record.changes:
            log.change(kind, record.place, message)
        annotation = Annotation(
            width=size[0],
            height=size[1],
            labels=tuple(_labels(record, size, valued, log)),
            tags=_with_values(record.tags, valued),
        )
        yield SourceImage(name=path.name, path=path, annotation=annotation, checked=checked)


def _labels(record: ImageRecord, size: Size, valued: frozenset[str], log: ProblemLog) -> Iterator[Label]:
    for item in record.objects:
        if isinstance(item, LostObject):
            log.skip_object(item.kind, item.place, item.message)
            continue
        try:
            geometry = item.draw(size)
        except InputError as error:
            log.skip_object(ProblemKind.DAMAGED_OBJECT, item.place, error.message)
            continue
        for kind, message in item.changes:
            log.change(kind, item.place, message)
        yield Label(class_name=item.class_name, geometry=geometry, tags=_with_values(item.tags, valued))


def _with_values(tags: tuple[Tag, ...], valued: frozenset[str]) -> tuple[Tag, ...]:
    """A tag that has a value somewhere takes a text everywhere."""
    return tuple(replace(tag, value="") if tag.value is None and tag.name in valued else tag for tag in tags)
