"""Data in YOLO layout: images, a text file of labels for each, class names in ``data.yaml``.

Format: https://docs.ultralytics.com/datasets/detect/ and https://docs.ultralytics.com/datasets/segment/. The label file
of ``…/images/train/a.jpg`` is ``…/labels/train/a.txt``, or lies beside the image; an image without one has no objects.
"""

import math
import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from core.datasets.annotation_json import annotation_to_json
from core.datasets.geometry import to_pixels
from core.datasets.image_check import CheckedImage, check_images, in_batches
from core.datasets.palette import class_color
from core.datasets.problems import Effect, ProblemKind, ProblemLog
from core.datasets.reading import is_image
from core.datasets.source import LazyImages, ProjectSource, SourceDataset, SourceImage
from core.datasets.yolo_config import NAME_FILES, YoloConfig, inside, read_yolo_config
from core.domain.annotation import Annotation, Geometry, Label, Polygon, Rectangle
from core.domain.project import ObjectClass, ProjectMeta
from core.errors import InputError

_BOX_VALUES = 4
_FEWEST_POLYGON_VALUES = 6
_LONGEST_QUOTE = 200
_LARGEST_LABEL_FILE = 64 * 2**20


def open_yolo(root: Path, log: ProblemLog) -> ProjectSource:
    """Open a folder in YOLO layout.

    All label files are looked at once for the shapes of the classes; images and labels are read when walked over.

    Args:
        root: The folder that holds ``data.yaml``, or images and labels.
        log: Told of images and objects that cannot be used while they are walked over.

    Raises:
        InputError: ``data.yaml`` is not valid, or there are no images; names what is missing.
    """
    root = root.resolve()
    config = read_yolo_config(root)
    sides = {name: _side(paths, root) for name, paths in config.sides.items()}
    pairs = [pair for side in sides.values() for pair in side.images.items()]
    if not pairs:
        msg = f"{root.name} holds no images where YOLO layout has them."
        raise InputError(msg, "Put images into images/ and labels into labels/, or correct the paths in data.yaml.")
    labels = {label for _, label in pairs if label is not None}
    shapes = _class_shapes(labels, config)
    names = config.names or {number: f"class {number}" for number in sorted(shapes)}
    reader = _Reader(root=root, names=names, keypoints=config.keypoints, log=log)
    classes = tuple(
        ObjectClass(name=name, shape=_only(shapes.get(number, frozenset())), color=class_color(position))
        for position, (number, name) in enumerate(names.items())
    )
    filled = [name for name, side in sides.items() if side.images]
    without_image = tuple(_labels_without_image(labels, root))
    sides[filled[0]] = replace(sides[filled[0]], missing=(*sides[filled[0]].missing, *without_image))
    datasets = tuple(
        SourceDataset(name=name, parent=None, images=LazyImages(read=_walk(reader, sides[name]))) for name in filled
    )
    return ProjectSource(name=root.name, meta=ProjectMeta(classes=classes), datasets=datasets)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """The images of a dataset.

    Attributes:
        images: Image → its label file, ``None`` without one.
        missing: Images that something names and that are not there, as (place, message).
    """

    images: Mapping[Path, Path | None]
    missing: tuple[tuple[str, str], ...] = ()


def _walk(reader: "_Reader", side: _Side) -> Callable[[], Iterator[SourceImage]]:
    return lambda: reader.images(side)


def _side(paths: tuple[Path, ...], root: Path) -> _Side:
    images: dict[Path, Path | None] = {}
    missing: list[tuple[str, str]] = []
    for path in paths:
        for found in _listed(path, root) if path.is_file() else _in_folder(path):
            if isinstance(found, Path):
                images.setdefault(found, _label_file(found, root))
            else:
                missing.append(found)
    return _Side(images=images, missing=tuple(missing))


def _listed(path: Path, root: Path) -> Iterator[Path | tuple[str, str]]:
    """Give the images that a text file lists; of one that is not there, the place and a message."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        if not (name := line.strip()):
            continue
        image = inside(root, name)
        if image is not None and image.is_file():
            yield image
        else:
            place = f"{path.relative_to(root).as_posix()}, line {number}"
            yield place, f"The file “{name[:_LONGEST_QUOTE]}” is not there."


def _in_folder(path: Path) -> Iterator[Path]:
    for folder, _, names in sorted(os.walk(path)):
        yield from (Path(folder) / name for name in sorted(names) if is_image(name))


def _labels_without_image(labels: Collection[Path], root: Path) -> Iterator[tuple[str, str]]:
    """Give the label files of no image in the folders of those that have one, as (place, message)."""
    for folder in sorted({label.parent for label in labels}):
        if "labels" not in folder.relative_to(root).parts:
            continue  # labels beside their images: any text file may lie there
        for path in sorted(folder.glob("*.txt")):
            if path not in labels and path.name not in NAME_FILES:
                yield path.relative_to(root).as_posix(), "There is no image for these labels."


def _label_file(image: Path, root: Path) -> Path | None:
    """The label file of an image: the last folder ``images`` becomes ``labels``; or beside the image."""
    parts = image.relative_to(root).with_suffix(".txt").parts
    for position in reversed(range(len(parts) - 1)):
        if parts[position] == "images":
            path = root.joinpath(*parts[:position], "labels", *parts[position + 1 :])
            if path.is_file():
                return path
            break
    beside = image.with_suffix(".txt")
    return beside if beside.is_file() else None


def _class_shapes(labels: Collection[Path], config: YoloConfig) -> Mapping[int, set[str]]:
    shapes: dict[int, set[str]] = defaultdict(set)
    for path in labels:
        if path.stat().st_size > _LARGEST_LABEL_FILE:
            continue
        for line in path.read_bytes().splitlines():
            values = line.split()
            if len(values) > _BOX_VALUES and values[0].isdigit():
                is_box = len(values) == 1 + _BOX_VALUES or config.keypoints > 0
                shapes[int(values[0])].add("rectangle" if is_box else "polygon")
    return shapes


def _only(shapes: set[str] | frozenset[str]) -> str:
    if len(shapes) == 1:
        return next(iter(shapes))
    return "any" if shapes else "rectangle"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    root: Path
    names: Mapping[int, str]
    keypoints: int
    log: ProblemLog

    def images(self, side: _Side) -> Iterator[SourceImage]:
        for place, message in side.missing:
            self.log.add(ProblemKind.MISSING_IMAGE, Effect.IMAGE_SKIPPED, place, message)
        for batch in in_batches(side.images):
            for path, found in zip(batch, check_images(batch), strict=True):
                if (image := self._image(path, side.images[path], found)) is not None:
                    yield image

    def _image(self, path: Path, label_file: Path | None, found: CheckedImage | InputError) -> SourceImage | None:
        if isinstance(found, InputError):
            place = path.relative_to(self.root).as_posix()
            self.log.add(ProblemKind.UNREADABLE_IMAGE, Effect.IMAGE_SKIPPED, place, found.message)
            return None
        size = found.seen_size
        labels = self._labels(label_file, size)
        if labels is None:
            return None
        annotation = Annotation(width=size[0], height=size[1], labels=labels)
        return SourceImage(name=path.name, path=path, annotation=annotation_to_json(annotation), checked=found)

    def _labels(self, path: Path | None, size: tuple[int, int]) -> tuple[Label, ...] | None:
        if path is None:
            return ()
        place = path.relative_to(self.root).as_posix()
        try:
            with path.open("rb") as file:
                text = file.read(_LARGEST_LABEL_FILE).decode("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            message = "The label file cannot be read as text."
            self.log.add(ProblemKind.UNREADABLE_ANNOTATION, Effect.IMAGE_SKIPPED, place, message)
            return None
        lines = enumerate(text.splitlines(), start=1)
        found = (self._label(line, size, f"{place}, line {number}") for number, line in lines if line.strip())
        return tuple(label for label in found if label is not None)

    def _label(self, line: str, size: tuple[int, int], place: str) -> Label | None:
        kind = ProblemKind.DAMAGED_OBJECT
        try:
            number, values = _numbers(line)
            if number not in self.names:
                kind = ProblemKind.UNKNOWN_CLASS
                msg = f"There is no class with the number {number}; the classes are 0 to {max(self.names, default=-1)}."
                raise InputError(msg)  # noqa: TRY301 - one place records all of them
            geometry = _geometry(values, self.keypoints, size)
        except InputError as error:
            self.log.add(kind, Effect.OBJECT_SKIPPED, place, error.message)
            return None
        return Label(class_name=self.names[number], geometry=geometry)


def _numbers(line: str) -> tuple[int, list[float]]:
    head, *rest = line.split()
    try:
        whole = float(head)
        number = int(whole)
        values = [float(value) for value in rest]
        if number != whole:
            raise ValueError(head)  # noqa: TRY301 - as any other text that is no class number
    except (ValueError, OverflowError):
        msg = f"“{line.strip()[:60]}” is not a class number followed by numbers."
        raise InputError(msg) from None
    if not all(math.isfinite(value) for value in values):
        msg = "A coordinate is not a finite number."
        raise InputError(msg)
    return number, values


def _geometry(values: list[float], keypoints: int, size: tuple[int, int]) -> Geometry:
    count = len(values)
    if count == _BOX_VALUES or (keypoints and count == _BOX_VALUES + keypoints):
        return _rectangle(values[:_BOX_VALUES], size)
    if count < _FEWEST_POLYGON_VALUES or count % 2:
        msg = f"{count} numbers are neither a box (4) nor a polygon (x and y of at least 3 points)."
        raise InputError(msg)
    _refuse_pixels(values)
    width, height = size
    points = zip(values[::2], values[1::2], strict=True)
    return to_pixels(Polygon(exterior=tuple((x * width, y * height) for x, y in points)))


def _rectangle(values: list[float], size: tuple[int, int]) -> Rectangle:
    _refuse_pixels(values)
    x, y, width, height = (value * side for value, side in zip(values, (*size, *size), strict=True))
    if width <= 0 or height <= 0:
        msg = "A box without width or height has no area."
        raise InputError(msg)
    left, top = x - width / 2, y - height / 2
    return Rectangle(left=left, top=top, right=max(left + width - 1, left), bottom=max(top + height - 1, top))


def _refuse_pixels(values: list[float]) -> None:
    """Values far beyond 1 are pixels by mistake; a little beyond is a box that reaches over the border."""
    if max(values) > 2 or min(values) < -1:  # noqa: PLR2004 - one image size to each side
        msg = "The values are not shares of the image's size (0 to 1); they look like pixels."
        raise InputError(msg)
