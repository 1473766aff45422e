"""Data in COCO layout: JSON files with images, annotations and categories (https://cocodataset.org/#format-data).

Each JSON file is a dataset. Boxes and polygons are positions there and become pixels here; an object of several
polygons or of run lengths becomes a mask, so that one object stays one object.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, TypeAlias

import numpy as np
from hotcoco import mask as coco_mask
from msgspec import Meta, Struct

from traindash.datasets.annotation_json import decoded
from traindash.datasets.geometry import MAX_MASK_PIXELS, Mask, encode_mask, fill, rectangle_at, set_extent, to_pixels
from traindash.datasets.image_files import check_image, is_image
from traindash.datasets.import_log import ProblemKind, ProblemLog
from traindash.datasets.shape_fit import common_shape
from traindash.datasets.source import (
    Lazy,
    ProjectSource,
    SourceDataset,
    SourceImage,
    read_json,
)
from traindash.domain.annotation import Annotation, Bitmap, Geometry, Label, Polygon
from traindash.domain.project import ObjectClass, ProjectMeta, class_color
from traindash.errors import InputError
from traindash.text_files import ascii_part

# A bound on both sides keeps NaN and infinity out, which Python's JSON has.
_Number: TypeAlias = Annotated[float, Meta(ge=-1e7, le=1e7)]
_Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1024)]
_Identifier: TypeAlias = int | str  # texts are no COCO, but several annotation tools write them
_Row: TypeAlias = Mapping[str, Any]
_FEWEST_VALUES = 6
_NAMED_FILES = 3
# Bytes from both ends of a file that tell what it is: some tools write the categories last
_PEEK = 2**18
_KEYS = (b'"categories"', b'"annotations"')
# Names of files and folders that do not name a dataset
_SAYS_NOTHING = frozenset({"annotations", "annotation", "labels", "coco", "result", "data", "dataset", ""})


class _Identified(Struct):
    id: _Identifier


class _Image(Struct):
    file_name: _Text
    width: int | None = None
    height: int | None = None


class _Category(Struct):
    id: _Identifier
    name: _Text


class _RunLengths(Struct):
    counts: str | list[int]
    size: tuple[int, int]


class _Object(Struct):
    category_id: _Identifier
    bbox: tuple[_Number, _Number, _Number, _Number] | None = None
    segmentation: _RunLengths | list[list[_Number]] | None = None
    iscrowd: int = 0


class _Content(Struct):
    """A file; images and annotations are checked one by one later, so that a damaged one does not cost the others."""

    images: list[dict[str, Any]]
    categories: list[_Category]
    annotations: list[dict[str, Any]] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class _CocoFile:
    """A JSON file, indexed."""

    path: Path
    place: str  # its path relative to the root, for messages
    dataset: str  # name of the dataset it becomes
    images: list[dict[str, Any]]
    categories: Mapping[_Identifier, str]
    annotations: Mapping[_Identifier | None, list[tuple[int, _Row]]]  # image id → rows (number in the file, row)


def coco_files(root: Path) -> tuple[Path, ...]:
    """Return the JSON files that look like COCO annotations, at most three folders down."""
    paths = [path for pattern in ("*.json", "*/*.json", "*/*/*.json") for path in root.glob(pattern)]
    return tuple(sorted(path for path in paths if path.is_file() and _looks_like_coco(path)))


def recognise_coco(root: Path) -> str:
    """Return what speaks for COCO layout, a sentence; empty if nothing does."""
    files = coco_files(root)
    names = ", ".join(path.relative_to(root).as_posix() for path in files[:_NAMED_FILES])
    return f"It has COCO annotations: {names}{', …' if len(files) > _NAMED_FILES else ''}." if files else ""


def _looks_like_coco(path: Path) -> bool:
    size = path.stat().st_size
    with path.open("rb") as file:
        text = file.read(_PEEK)
        if size > _PEEK:
            file.seek(max(size - _PEEK, _PEEK))
            text += file.read(_PEEK)
    text = ascii_part(text)
    return text.lstrip().startswith(b"{") and b'"images"' in text and any(key in text for key in _KEYS)


def open_coco(root: Path, log: ProblemLog) -> ProjectSource:
    """Open a folder with COCO annotations.

    Images and objects that cannot be used go into the log while they are walked over.

    Raises:
        InputError: A JSON file is not valid as a whole; names it.
    """
    files = tuple(_read(path, root) for path in coco_files(root))
    if not files:
        msg = f"{root.name} holds no COCO annotations."
        raise InputError(msg, "COCO annotations are .json files with images, annotations and categories.")
    names = tuple(dict.fromkeys(name for file in files for name in file.categories.values()))
    shapes = _class_shapes(files)
    classes = tuple(
        ObjectClass(name=name, shape=shapes.get(name, "rectangle"), color=class_color(number))
        for number, name in enumerate(names)
    )
    search = ImageSearch(root)
    datasets = tuple(
        SourceDataset(name=name, parent=None, images=Lazy(partial(_images, file, search, log)))
        for name, file in _uniquely_named(files)
    )
    return ProjectSource(name=root.resolve().name, meta=ProjectMeta(classes=classes), datasets=datasets)


def _read(path: Path, root: Path) -> _CocoFile:
    place = path.relative_to(root).as_posix()
    content = decoded(_Content, read_json(path, place), place)
    for number, count in Counter(item.id for item in content.categories).items():
        if count > 1:
            msg = f"{place}, categories: the id {number!r} is there {count} times."
            raise InputError(msg, "Give every category an id of its own.")
    rows: dict[_Identifier | None, list[tuple[int, _Row]]] = defaultdict(list)
    for number, row in enumerate(content.annotations, start=1):
        image_id = row.get("image_id")  # what is no id belongs to no image, and is told of as such
        rows[image_id if isinstance(image_id, int | str) else None].append((number, row))
    return _CocoFile(
        path=path,
        place=place,
        dataset=_dataset_name(path),
        images=content.images,
        categories={item.id: item.name for item in content.categories},
        annotations=rows,
    )


def _dataset_name(path: Path) -> str:
    """``instances_val2017.json`` → ``val2017``; Roboflow's ``valid/_annotations.coco.json`` → ``valid``."""
    stem = path.name.split(".")[0].removeprefix("instances_").strip("_")
    folder = path.parent.name
    if stem.lower() not in _SAYS_NOTHING:
        return stem
    return folder if folder.lower() not in _SAYS_NOTHING and folder else "dataset"


def _uniquely_named(files: tuple[_CocoFile, ...]) -> Iterator[tuple[str, _CocoFile]]:
    taken: set[str] = set()
    for file in files:
        name, number = file.dataset, 2
        while name in taken:
            name, number = f"{file.dataset} {number}", number + 1
        taken.add(name)
        yield name, file


def _class_shapes(files: tuple[_CocoFile, ...]) -> dict[str, str]:
    """Class → the one shape its objects have, ``any`` where they differ."""
    shapes: dict[str, set[str]] = defaultdict(set)
    for file in files:
        for rows in file.annotations.values():
            for _, row in rows:
                # Crowds are left out, so their run lengths must not make a class of boxes one of "any".
                if not row.get("iscrowd") and (name := file.categories.get(row.get("category_id", ""))):
                    shapes[name].add(_shape_of(row.get("segmentation")))
    return {name: common_shape(found) for name, found in shapes.items()}


def _shape_of(segmentation: object) -> str:
    if isinstance(segmentation, dict):
        return "bitmap"
    parts = segmentation if isinstance(segmentation, list) else []
    return "rectangle" if not parts else "polygon" if len(parts) == 1 else "bitmap"


class ImageSearch:
    """Finds images inside a folder and nowhere else, wherever in it they lie."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._by_name: dict[str, list[Path]] | None = None

    def find(self, name: str, *, near: Path, dataset: str) -> Path | None:
        """Return the file that an annotation means.

        The name may be a path with either kind of slash; ``near`` is the annotation file's folder.

        Returns:
            The file; ``None`` if there is none or several that could be meant.
        """
        parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in (".", "/")]
        if not parts or ".." in parts:
            return None
        relative = Path(*parts)
        root = self._root
        # Where COCO itself, Roboflow, CVAT, Label Studio and FiftyOne put pictures, seen from their JSON file.
        bases = [near, near / "images", root, root / "images", root / dataset, root / "images" / dataset, root / "data"]
        for base in bases:
            path = base / relative
            if path.is_file() and path.resolve().is_relative_to(root):
                return path
        # The folders may have been moved since; a name that is there once can still be meant by nothing else.
        named = self._index().get(parts[-1], [])
        return named[0] if len(named) == 1 else None

    def _index(self) -> dict[str, list[Path]]:
        if self._by_name is None:
            self._by_name = {}
            for path in self._root.rglob("*"):
                if is_image(path.name) and path.is_file() and path.resolve().is_relative_to(self._root):
                    self._by_name.setdefault(path.name, []).append(path)
        return self._by_name


def _images(file: _CocoFile, search: ImageSearch, log: ProblemLog) -> Iterator[SourceImage]:
    known: set[_Identifier] = set()
    log.found(images=len(file.images), objects=sum(len(rows) for rows in file.annotations.values()))
    for number, row in enumerate(file.images, start=1):
        place = f"{file.place}, image {number}"
        objects = 0
        try:
            image_id = _new_id(row, known)
            objects = len(file.annotations.get(image_id, ()))
            image = decoded(_Image, row, "")
        except InputError as error:
            log.skip_image(ProblemKind.UNREADABLE_ANNOTATION, place, error.message, objects=objects)
            continue
        path = search.find(image.file_name, near=file.path.parent, dataset=file.dataset)
        if path is None:
            message = f"The file “{image.file_name}” is not there."
            log.skip_image(ProblemKind.MISSING_IMAGE, place, message, objects=objects)
            continue
        try:
            yield _source_image(file, image_id, image, path, log)
        except InputError as error:
            log.skip_image(ProblemKind.UNREADABLE_IMAGE, path.name, error.message, objects=objects)
    # Each by its number, for that is how people find it in a file of a million lines.
    for missing in file.annotations.keys() - known:
        for number, _ in file.annotations[missing]:
            message = f"There is no image with the id {missing!r}."
            log.skip_object(ProblemKind.MISSING_IMAGE, f"{file.place}, annotation {number}", message)


def _new_id(row: _Row, known: set[_Identifier]) -> _Identifier:
    """Take the id of an image to those that are known; objects of an image that is damaged need not be told of too."""
    found = decoded(_Identified, row, "").id
    if found in known:
        raise InputError(f"Its id {found!r} is that of another image.")
    known.add(found)
    return found


def _source_image(file: _CocoFile, image_id: _Identifier, image: _Image, path: Path, log: ProblemLog) -> SourceImage:
    """The size is what the file says; that of the picture where it says none."""
    checked = None
    width, height = image.width or 0, image.height or 0
    if min(width, height) <= 0:
        checked = check_image(path)
        width, height = checked.seen_size
    labels = tuple(_labels(file, image_id, (width, height), log))
    name = PurePosixPath(image.file_name.replace("\\", "/")).name
    annotation = Annotation(width=width, height=height, labels=labels)
    return SourceImage(name=name, path=path, annotation=annotation, checked=checked)


def _labels(file: _CocoFile, image_id: _Identifier, size: tuple[int, int], log: ProblemLog) -> Iterator[Label]:
    for number, row in file.annotations.get(image_id, ()):
        place = f"{file.place}, annotation {number}"
        try:
            item = decoded(_Object, row, "")
            geometry = _geometry(item, size)
        except InputError as error:
            log.skip_object(ProblemKind.DAMAGED_OBJECT, place, error.message)
            continue
        name = file.categories.get(item.category_id)
        if name is None:
            log.skip_object(ProblemKind.UNKNOWN_CLASS, place, f"There is no category with the id {item.category_id!r}.")
        elif item.iscrowd:
            log.skip_object(ProblemKind.UNSUPPORTED_GEOMETRY, place, "It marks a crowd, not an object.")
        elif geometry is None:
            log.skip_object(ProblemKind.UNSUPPORTED_GEOMETRY, place, "It has neither a box nor a segmentation.")
        else:
            yield Label(class_name=name, geometry=geometry)


def _geometry(item: _Object, size: tuple[int, int]) -> Geometry | None:
    match item.segmentation:
        case _RunLengths(counts=counts, size=(height, width)):
            if (width, height) != size:
                raise InputError(f"Its mask has {width} x {height} pixels, the image {size[0]} x {size[1]}.")
            return None if item.iscrowd else _packed(decode_rle(counts, height, width))
        case [single]:
            return _polygon(single)
        case [_, *_] as parts:  # of one object behind another; a polygon of ours has one outline
            return _packed(np.logical_or.reduce([fill(_polygon(part), *size) for part in parts]))
        case _:
            return None if item.bbox is None else rectangle_at(*item.bbox)


def _packed(mask: Mask) -> Bitmap:
    """A mask of the whole image → a bitmap of the part that is set."""
    if (extent := set_extent(mask)) is None:
        raise InputError("Its mask is empty.")
    return encode_mask(mask[extent], (extent[1].start, extent[0].start))


def _polygon(values: list[float]) -> Polygon:
    if len(values) < _FEWEST_VALUES or len(values) % 2:
        raise InputError(f"A polygon of {len(values)} numbers is not one: it takes x and y of at least three points.")
    return to_pixels(Polygon(exterior=tuple(zip(values[::2], values[1::2], strict=True))))


def decode_rle(counts: str | list[int], height: int, width: int) -> Mask:
    """Unpack a mask: counts of clear and set pixels in turn, column by column, as numbers or as text.

    Raises:
        InputError: The counts do not add up to the size.
    """
    try:
        if min(height, width) < 1 or height * width > MAX_MASK_PIXELS or _fills_less(counts, height * width):
            raise ValueError(counts)  # noqa: TRY301 - as what hotcoco refuses
        mask = coco_mask.decode({"size": [height, width], "counts": counts})
    except (ValueError, TypeError, OverflowError) as error:
        msg = f"The run lengths of a mask do not fit its size of {width} x {height} pixels."
        raise InputError(msg, "Export the annotation again.") from error
    return np.asarray(mask, dtype=np.bool_)


def _fills_less(counts: str | list[int], pixels: int) -> bool:
    """Whether runs end before the last pixel."""
    if isinstance(counts, list):
        return sum(counts) < pixels
    # hotcoco refuses text with too many pixels and takes text with too few (1.3.0): what fits one pixel less is short.
    try:
        coco_mask.area({"size": [1, pixels - 1], "counts": counts})
    except ValueError:
        return False
    return True
