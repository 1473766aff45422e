"""Projects in Supervisely's folder format.

::

    meta.json
    collections.json                         ours, optional
    <dataset>/img/<image>                    a file per image
    <dataset>/ann/<image>.json               its annotation
    <dataset>/meta/<image>.json              free JSON of the image, optional
    <dataset>/img_info/<image>.json          what its server knew of it, optional; the free JSON is there, too
    <dataset>/datasets/<nested dataset>/…    the same again

A dataset alone has ``img`` and ``ann`` beside its ``meta.json``. Source of the layout:
https://docs.supervisely.com/data-organization/00_ann_format_navi and ``Project`` and ``Dataset`` of the official SDK.
The format has no place for collections; ``collections.json`` holds
``{"collections": [{"name": "train", "images": {"<dataset>/<nested dataset>": ["<image>", …]}}]}``.
"""

import os
import posixpath
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from traindash.datasets.annotation_json import decoded, meta_from_json, sound_part
from traindash.datasets.folder import Folder, is_hidden, same_name
from traindash.datasets.image_files import check_image, is_image
from traindash.datasets.import_log import ProblemKind, ProblemLog
from traindash.datasets.source import (
    ImageKey,
    Lazy,
    ProjectSource,
    SourceCollection,
    SourceDataset,
    SourceImage,
    read_json,
)
from traindash.domain.annotation import Annotation
from traindash.domain.project import ProjectMeta
from traindash.errors import InputError
from traindash.language import N_
from traindash.language import gettext as _

META_FILE = "meta.json"
COLLECTIONS_FILE = "collections.json"
_ALONE = "ds0"  # what Supervisely calls the first dataset of a project; a dataset without a project has no name
# What makes a folder a dataset; the last three are those of projects that do not consist of images
_OF_DATASETS = ("img", "ann", "datasets", "video", "pointcloud", "volume")
# What the SDK writes besides: coloured masks, and free JSON of images, which is read from the last two
_BESIDE = ("seg", "meta", "img_info")
_KNOWN_FILES = frozenset({META_FILE, COLLECTIONS_FILE, "readme.md", "obj_class_to_machine_color.json"})
_EXPORT = N_("Export the project from Supervisely again, with images and annotations.")


class _Collection(Struct):
    name: Annotated[str, Meta(min_length=1)]
    images: dict[str, tuple[str, ...]]


class _Collections(Struct):
    collections: tuple[_Collection, ...]


def recognise_project(folder: Folder) -> str:
    """Return what speaks for a folder being a project, or a dataset of one, a sentence; empty if nothing does."""
    root = folder.root
    inside = [path for path in root.iterdir() if path.is_dir() and not is_hidden(path.name)]
    datasets = [path for path in (root, *inside) if _parts(path, _OF_DATASETS)]
    if _child(root, META_FILE) and any(path != root or _has_classes(root) for path in datasets):
        return _("It has meta.json and datasets with img folders.")
    if any(_is_annotated(path) for path in datasets):
        return _("It has img and ann folders.")
    return _("It has projects with meta.json.") if len(_projects(root)) > 1 else ""


def _child(folder: Path, name: str) -> Path | None:
    found = [path for path in folder.iterdir() if same_name(path.name) == name]
    return next((path for path in found if path.name == name), found[0] if found else None)


def _parts(folder: Path, names: Iterable[str]) -> list[Path]:
    return [path for path in folder.iterdir() if same_name(path.name) in names and path.is_dir()]


def _projects(root: Path) -> list[str]:
    """Names of the projects in a folder."""
    inside = sorted(path for path in root.iterdir() if path.is_dir() and not is_hidden(path.name))
    return [
        path.name
        for path in inside
        if _child(path, META_FILE)
        and any(_parts(item, _OF_DATASETS) for item in (path, *path.iterdir()) if item.is_dir())
    ]


def _has_classes(root: Path) -> bool:
    try:
        content = read_json(_child(root, META_FILE) or root)
    except InputError:  # opening it says what is wrong
        return True
    return isinstance(content, dict) and "classes" in content


def _is_annotated(dataset: Path) -> bool:
    """Whether a folder has images and annotations of this format; other formats, too, have folders of these names."""
    folders = {same_name(path.name): path for path in _parts(dataset, ("img", "ann"))}
    if len(folders) != 2:  # noqa: PLR2004 - both of them
        return False
    for path in islice((path for path in folders["ann"].iterdir() if path.suffix.lower() == ".json"), 1):
        try:
            content = read_json(path)
        except InputError:
            return False
        return isinstance(content, dict) and {"size", "objects"} <= content.keys()
    return False


def open_project(folder: Path, log: ProblemLog | None = None) -> ProjectSource:
    """Open a project folder; annotations are read while its images are walked over.

    Without a log the first annotation that cannot be read is an error; with one, such images are left out.

    Raises:
        InputError: The folder is no Supervisely project, or its meta or collections are not valid.
    """
    log = ProblemLog(strict=True) if log is None else log
    tree = _Tree(Folder(folder))
    meta = _meta(folder)
    places = tuple(tree.datasets())
    if not any(tree.images(place) for place in places):
        annotated = sum(len(tree.annotations(place)) for place in places)
        if annotated:
            msg = _(
                "There are annotations of {count} images, but no images: no dataset has a folder img with some."
            ).format(count=annotated)
            raise InputError(msg, _(_EXPORT))
    for place in tree.folder.outside:
        log.skip_file(ProblemKind.LINK, place, _("It leads out of the folder or nowhere."))
    for place in tree.unknown_files(places):
        outside, other = _("It is an image outside of the folders img."), _("It is no part of the format.")
        log.skip_file(ProblemKind.OTHER_FILE, place, outside if is_image(place) else other)
    return ProjectSource(
        name=folder.resolve().name,
        meta=meta,
        datasets=tuple(
            SourceDataset(name=place.name, parent=place.parent, images=Lazy(partial(_images, tree, place, log)))
            for place in places
        ),
        collections=_collections(tree, places),
    )


def _meta(root: Path) -> ProjectMeta:
    file = _child(root, META_FILE)
    if file is None or not file.is_file():
        if several := _projects(root):
            msg = _("{name} holds several projects: {projects}.")
            if len(several) == 1:
                msg = _("{name} holds a project: {projects}.")
            msg = msg.format(name=root.name, projects=", ".join(several))
            raise InputError(msg, _("Choose the folder of one project."))
        msg = _("{name} has no {file}, which says what classes and tags there are.").format(
            name=root.name, file=META_FILE
        )
        hint = _("Choose the folder that holds {file} and the dataset folders.").format(file=META_FILE)
        if (around := root.resolve().parent / META_FILE).is_file():
            hint = _("It is one dataset of a project. Choose the project's folder, {name}.").format(
                name=around.parent.name
            )
        raise InputError(msg, hint)
    meta = meta_from_json(read_json(file), where=META_FILE)
    if (kind := meta.extra.get("projectType", "images")) not in ("images", None):
        raise InputError(_("It is a project of type “{kind}”.").format(kind=kind), _("Choose a project of images."))
    return meta


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A dataset and where it lies."""

    folder: str  # path from the root, empty for the root itself
    name: str
    parent: str | None  # names of the datasets around it, joined by `/`

    @property
    def path(self) -> str:
        return self.name if self.parent is None else f"{self.parent}/{self.name}"


class _Tree:
    """Which files and datasets a project folder has."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self._files: dict[str, list[str]] = defaultdict(list)
        self._folders: dict[str, list[str]] = defaultdict(list)
        self._parts: dict[tuple[str, str], str | None] = {}
        self._images: dict[str, list[str]] = {}
        for place in folder.files:
            self._files[posixpath.dirname(place)].append(posixpath.basename(place))
        for place in folder.folders:
            self._folders[posixpath.dirname(place)].append(posixpath.basename(place))

    def datasets(self) -> Iterator[_Place]:
        """Give all datasets, parents before their children."""
        if self.part("", "img") is not None or self.part("", "ann") is not None:
            yield _Place(folder="", name=_ALONE, parent=None)
            yield from self._inside(self.part("", "datasets"), _ALONE)
        else:
            yield from self._inside("", None)
            inner = self.part("", "datasets")
            if inner is not None and not self._is_dataset(inner):
                yield from self._inside(inner, None)

    def _inside(self, folder: str | None, parent: str | None) -> Iterator[_Place]:
        if folder is None:
            return
        for name in self._folders[folder]:
            path = posixpath.join(folder, name)
            if self._is_dataset(path):  # people keep notes and scripts beside their data
                place = _Place(folder=path, name=name, parent=parent)
                yield place
                yield from self._inside(self.part(path, "datasets"), place.path)

    def _is_dataset(self, folder: str) -> bool:
        return any(self.part(folder, name) is not None for name in _OF_DATASETS)

    def part(self, folder: str, name: str) -> str | None:
        """Return the path of a folder in another, in whatever case it is written."""
        if (folder, name) not in self._parts:  # each image asks
            found = [item for item in self._folders[folder] if same_name(item) == name]
            path = posixpath.join(folder, name if name in found else found[0]) if found else None
            self._parts[folder, name] = path
        return self._parts[folder, name]

    def names(self, place: _Place, part: str) -> Sequence[str]:
        """Return the files in a part of a dataset, such as ``ann``."""
        folder = self.part(place.folder, part)
        return () if folder is None else self._files[folder]

    def images(self, place: _Place) -> list[str]:
        """Return the images of a dataset."""
        if place.folder not in self._images:
            self._images[place.folder] = [name for name in self.names(place, "img") if is_image(name)]
        return self._images[place.folder]

    def annotations(self, place: _Place) -> list[str]:
        """Return the annotation files of a dataset."""
        return [name for name in self.names(place, "ann") if name.lower().endswith(".json")]

    def file(self, place: _Place, part: str, name: str) -> Path:
        """Return a file of a part of a dataset."""
        return self.folder.root / f"{self.part(place.folder, part)}/{name}"

    def unknown_files(self, places: Iterable[_Place]) -> Iterator[str]:
        """Give all files that nothing of the format is in."""
        known: dict[str, set[str]] = {"": {name for name in self._files[""] if same_name(name) in _KNOWN_FILES}}
        beside: list[str] = []
        for place in places:
            for part, names in (("img", self.images(place)), ("ann", self.annotations(place))):
                known[self.part(place.folder, part) or "/"] = set(names)
            beside += [path for part in _BESIDE if (path := self.part(place.folder, part)) is not None]
        for folder, names in self._files.items():
            if any(f"{folder}/".startswith(f"{path}/") for path in beside):
                continue
            yield from (posixpath.join(folder, name) for name in names if name not in known.get(folder, ()))


def _images(tree: _Tree, place: _Place, log: ProblemLog) -> Iterator[SourceImage]:
    names = tree.images(place)
    files, without_image = _of_images(names, tree.annotations(place))
    for name in without_image:
        _tell_of_missing_image(tree, place, name, log)
    about = _About(tree, place, names, log)
    log.found(images=len(names))
    for name in names:
        path = tree.file(place, "img", name)
        where = f"{place.path}/{name}"
        file = files.get(name)
        try:
            image = _without_annotation(path) if file is None else _annotated(path, tree.file(place, "ann", file))
        except InputError as error:
            kind = ProblemKind.UNREADABLE_IMAGE if file is None else ProblemKind.UNREADABLE_ANNOTATION
            # The report goes to people who see their own folder, which may be unpacked somewhere inside of ours.
            log.skip_image(kind, where, error.message.replace(f"{path.parent.parent}{os.sep}", ""))
            continue
        log.found(objects=image.objects)
        if file is None:  # as an image that nobody has labeled yet
            message = _("There is no annotation for it; it is taken as an image without objects.")
            log.note(ProblemKind.MISSING_ANNOTATION, where, message)
        yield about.added_to(image)


def _of_images(names: Sequence[str], files: Sequence[str]) -> tuple[Mapping[str, str], list[str]]:
    """Find the JSON file of each image.

    It is ``a.jpg.json``, or ``a.json`` as projects exported before 2019 have it, in whatever case and composition.

    Returns:
        Image → file, and the files that are left.
    """
    free = dict.fromkeys(files)
    found = {name: file for name in names if (file := f"{name}.json") in free}
    for file in found.values():
        del free[file]
    left = [name for name in names if name not in found]
    for stem in (False, True):
        if not (free and left):
            break
        by_name = {same_name(file): file for file in free}
        wanted = {name: same_name(f"{posixpath.splitext(name)[0] if stem else name}.json") for name in left}
        claims = Counter(wanted.values())  # of a file that two images could mean, nobody knows whose it is
        matched = {name: by_name[key] for name, key in wanted.items() if key in by_name and claims[key] == 1}
        found |= matched
        for file in matched.values():
            del free[file]
        left = [name for name in left if name not in found]
    return found, list(free)


def _annotated(path: Path, file: Path) -> SourceImage:
    parsed = read_json(file)
    if not isinstance(parsed, dict):
        raise InputError(_("{file} holds no annotation.").format(file=file), _("Correct the file or leave it out."))
    annotation, damaged = sound_part(parsed, where="The annotation")
    return SourceImage(name=path.name, path=path, annotation=annotation, damaged=damaged)


def _without_annotation(path: Path) -> SourceImage:
    found = check_image(path)
    width, height = found.seen_size
    return SourceImage(name=path.name, path=path, annotation=Annotation(width=width, height=height), checked=found)


def _tell_of_missing_image(tree: _Tree, place: _Place, name: str, log: ProblemLog) -> None:
    try:
        parsed = read_json(tree.file(place, "ann", name))
    except InputError:
        parsed = None
    rows = parsed.get("objects") if isinstance(parsed, dict) else None
    objects = len(rows) if isinstance(rows, list) else 0
    log.found(images=1, objects=objects)
    message = _("There is an annotation for it, but no image.")
    log.skip_image(ProblemKind.MISSING_IMAGE, f"{place.path}/{name[: -len('.json')]}", message, objects=objects)


class _About:
    """Free JSON of the images of a dataset, from the two places that the SDK knows for it."""

    def __init__(self, tree: _Tree, place: _Place, names: Sequence[str], log: ProblemLog) -> None:
        self._tree, self._place, self._log = tree, place, log
        self._metas, _unclear = _of_images(names, tree.names(place, "meta"))
        self._infos, _unclear = _of_images(names, tree.names(place, "img_info"))

    def added_to(self, image: SourceImage) -> SourceImage:
        """Return an image with its free JSON."""
        if (file := self._metas.get(image.name)) is not None:
            meta: object = self._read("meta", file)
        elif (file := self._infos.get(image.name)) is not None:
            meta = self._read("img_info", file).get("meta")
        else:
            return image
        return replace(image, meta=meta) if isinstance(meta, dict) and meta else image

    def _read(self, part: str, file: str) -> Mapping[str, Any]:
        try:
            parsed = read_json(self._tree.file(self._place, part, file))
        except InputError:
            parsed = None
        if isinstance(parsed, dict):
            return parsed
        place = f"{self._place.path}/{part}/{file}"
        self._log.skip_file(ProblemKind.UNREADABLE_ANNOTATION, place, _("What it says of the image cannot be read."))
        return {}


def _collections(tree: _Tree, places: Sequence[_Place]) -> tuple[SourceCollection, ...]:
    path = _child(tree.folder.root, COLLECTIONS_FILE)
    if path is None:
        return ()
    found = decoded(_Collections, read_json(path), COLLECTIONS_FILE).collections
    datasets = _Spelling({place.path: place for place in places})
    images = {place.path: _Spelling(dict.fromkeys(tree.images(place))) for place in places}

    def keys(collection: _Collection) -> Iterator[ImageKey]:
        for dataset, names in collection.images.items():
            own = datasets.of(dataset)
            yield from ((own, images[own].of(name) if own in images else name) for name in names)

    return tuple(SourceCollection(name=item.name, images=tuple(keys(item))) for item in found)


class _Spelling:
    """Names as they are on the disk, for those that a file spells in another case or composition."""

    def __init__(self, names: Mapping[str, object]) -> None:
        self._names = names

    @cached_property
    def _by_name(self) -> dict[str, str]:
        return {same_name(name): name for name in self._names}

    def of(self, written: str) -> str:
        """Return the name on the disk; the written one if there is none."""
        return written if written in self._names else self._by_name.get(same_name(written), written)
