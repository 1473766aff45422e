"""Data in YOLO layout: images, a text file of labels for each, class names in ``data.yaml``.

Format: https://docs.ultralytics.com/datasets/detect/ and https://docs.ultralytics.com/datasets/segment/. The label file
of ``…/images/train/a.jpg`` is ``…/labels/train/a.txt``, or lies beside the image; an image without one has no objects.
"""

import math
import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

from traindash.datasets.data_yaml import DataYaml, checked_names, is_data_yaml, read_data_yaml
from traindash.datasets.geometry import rectangle_at, to_pixels
from traindash.datasets.image_files import CheckedImage, check_images, in_batches, is_image
from traindash.datasets.import_log import ProblemKind, ProblemLog
from traindash.datasets.shape_fit import common_shape
from traindash.datasets.source import Lazy, ProjectSource, SourceDataset, SourceImage
from traindash.domain.annotation import Annotation, Geometry, Label, Polygon, Rectangle
from traindash.domain.project import ObjectClass, ProjectMeta, class_color
from traindash.errors import InputError
from traindash.text_files import EncodingError, ascii_part, decode_text, lines_of, read_bytes, read_text

NAME_FILES = ("classes.txt", "obj.names", "classes.names", "labels/classes.txt")
# Dataset → the names its folder and its key in ``data.yaml`` go by
_SIDES: Mapping[str, tuple[str, ...]] = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}
_BOX_VALUES = 4
_FEWEST_POLYGON_VALUES = 6
_LONGEST_QUOTE = 200
_LARGEST_LABEL_FILE = 64 * 2**20
_PEEK = 2**18
# Label files; a folder of a million must not be walked through to find that it is none
_LOOKED_INTO = 50
_LABEL_FOLDERS = ("labels/*.txt", "*/labels/*.txt", "labels/*/*.txt", "*.txt")
_LABEL_LINE = re.compile(rb"^\s*\d+(\s+-?[\d.eE+-]+){4,}\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class YoloConfig:
    """Classes and datasets."""

    names: Mapping[int, str]  # class number → name; empty if nothing names them
    # dataset → folders with its images, or text files that list them. Absolute, inside the root
    sides: Mapping[str, tuple[Path, ...]]
    keypoints: int = 0  # how many numbers of a label line belong to key points; 0 without


def data_yaml(root: Path) -> Path | None:
    """Return the YAML file with class names, ``data.yaml`` before others."""
    paths = sorted(path for path in root.iterdir() if path.suffix.lower() in (".yaml", ".yml") and path.is_file())
    paths.sort(key=lambda path: path.stem.lower() not in ("data", "dataset"))
    for path in paths:
        if path.stat().st_size <= _PEEK and is_data_yaml(path.read_bytes()):
            return path
    return None


def recognise_yolo(root: Path) -> str:
    """Return what speaks for YOLO layout, a sentence; empty if nothing does."""
    if config := data_yaml(root):
        return f"It has {config.name} with class names."
    return "It has images and label files (.txt)." if has_yolo_labels(root) else ""


def has_yolo_labels(root: Path) -> bool:
    """Whether there are label files with class numbers and coordinates, and images."""
    texts = (path for pattern in _LABEL_FOLDERS for path in root.glob(pattern))
    for path in islice(texts, _LOOKED_INTO):
        with path.open("rb") as file:
            first, *_ = ascii_part(file.read(4096)).splitlines() or [b""]
        if _LABEL_LINE.match(first):
            return any(is_image(path.name) for pattern in ("*", "*/*", "*/*/*") for path in root.glob(pattern))
    return False


def read_yolo_config(root: Path) -> YoloConfig:
    """Read ``data.yaml``, or a list of names and the usual folders where there is none. The root is resolved.

    Raises:
        InputError: ``data.yaml`` is not valid; names the line or key.
    """
    path = data_yaml(root)
    if path is None:
        return YoloConfig(names=_names_from_text(root), sides=_usual_folders(root))
    content = read_data_yaml(read_bytes(path), path.name)
    points, numbers = content.kpt_shape or (0, 0)
    return YoloConfig(
        names=content.names, sides=_named_folders(content, root) or _usual_folders(root), keypoints=points * numbers
    )


def _names_from_text(root: Path) -> dict[int, str]:
    for name in NAME_FILES:
        path = root / name
        if path.is_file():
            lines = [line.strip() for line in lines_of(read_text(path, name))]
            while lines and not lines[-1]:
                lines.pop()
            if "" in lines:
                # Darknet counts an empty line as a class, other tools leave it out: labels would mean other classes
                msg = f"{name}, line {lines.index('') + 1} is empty, so the numbers of the classes are not certain."
                raise InputError(msg, "Write a name into the line, or remove it.")
            return checked_names(dict(enumerate(lines)), name)
    return {}


def _named_folders(content: DataYaml, root: Path) -> dict[str, tuple[Path, ...]]:
    sides: dict[str, tuple[Path, ...]] = {}
    for side, keys in _SIDES.items():
        entries = next((content.texts[key] for key in keys if key in content.texts), ())
        folders = tuple(path for entry in entries if (path := inside(root, entry, content.path)) is not None)
        if folders:
            sides[side] = folders
    return sides


def inside(root: Path, entry: str, base: str = "") -> Path | None:
    """Return what a path means that was written on another machine: its longest end that exists inside the root.

    The root is resolved; nothing outside is ever returned. ``base`` is what a relative path is relative to.
    """
    for text in (f"{base}/{entry}", entry):
        parts = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        for start in range(len(parts)):
            path = root.joinpath(*parts[start:])
            if path.exists() and path.resolve().is_relative_to(root):
                return path
    return None


def _usual_folders(root: Path) -> dict[str, tuple[Path, ...]]:
    sides: dict[str, tuple[Path, ...]] = {}
    for side, names in _SIDES.items():
        folders = [root / "images" / name for name in names]
        folders += [root / name / "images" for name in names]
        folders += [root / name for name in names]
        if found := next((folder for folder in folders if folder.is_dir()), None):
            sides[side] = (found,)
    images = root / "images"
    return sides or {"dataset": (images if images.is_dir() else root,)}


def open_yolo(root: Path, log: ProblemLog) -> ProjectSource:
    """Open a folder in YOLO layout.

    All label files are looked at once for the shapes of the classes; images and labels are read when walked over, and
    what cannot be used goes into the log then.

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
        ObjectClass(name=name, shape=common_shape(shapes.get(number, ())), color=class_color(position))
        for position, (number, name) in enumerate(names.items())
    )
    filled = [name for name, side in sides.items() if side.images]
    without_image = tuple(_labels_without_image(labels, root))
    sides[filled[0]] = replace(sides[filled[0]], missing=(*sides[filled[0]].missing, *without_image))
    datasets = tuple(
        SourceDataset(name=name, parent=None, images=Lazy(partial(reader.images, sides[name]))) for name in filled
    )
    return ProjectSource(name=root.name, meta=ProjectMeta(classes=classes), datasets=datasets)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """The images of a dataset."""

    images: Mapping[Path, Path | None]  # image → its label file, `None` without one
    missing: tuple[tuple[str, str], ...] = ()  # images that something names and that are not there, as (place, message)


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
    place = path.relative_to(root).as_posix()
    for number, line in enumerate(lines_of(read_text(path, place)), start=1):
        if not (name := line.strip()):
            continue
        image = inside(root, name)
        if image is not None and image.is_file():
            yield image
        else:
            yield f"{place}, line {number}", f"The file “{name[:_LONGEST_QUOTE]}” is not there."


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
    # Ultralytics' rule, ``img2label_paths``: the last of several folders of that name counts.
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
        for line in ascii_part(path.read_bytes()).splitlines():
            values = line.split()
            if len(values) > _BOX_VALUES and values[0].isdigit():
                is_box = len(values) == 1 + _BOX_VALUES or config.keypoints > 0
                shapes[int(values[0])].add("rectangle" if is_box else "polygon")
    return shapes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    root: Path
    names: Mapping[int, str]
    keypoints: int
    log: ProblemLog

    def images(self, side: _Side) -> Iterator[SourceImage]:
        self.log.found(images=len(side.missing) + len(side.images))
        for place, message in side.missing:
            self.log.skip_image(ProblemKind.MISSING_IMAGE, place, message)
        for batch in in_batches(side.images):
            for path, found in zip(batch, check_images(batch), strict=True):
                if (image := self._image(path, side.images[path], found)) is not None:
                    yield image

    def _image(self, path: Path, label_file: Path | None, found: CheckedImage | InputError) -> SourceImage | None:
        if isinstance(found, InputError):
            place = path.relative_to(self.root).as_posix()
            self.log.skip_image(ProblemKind.UNREADABLE_IMAGE, place, found.message)
            return None
        size = found.seen_size
        labels = self._labels(label_file, size)
        if labels is None:
            return None
        annotation = Annotation(width=size[0], height=size[1], labels=labels)
        return SourceImage(name=path.name, path=path, annotation=annotation, checked=found)

    def _labels(self, path: Path | None, size: tuple[int, int]) -> tuple[Label, ...] | None:
        if path is None:
            return ()
        place = path.relative_to(self.root).as_posix()
        try:
            with path.open("rb") as file:
                text = decode_text(file.read(_LARGEST_LABEL_FILE), "The label file")
        except OSError:
            self.log.skip_image(ProblemKind.UNREADABLE_ANNOTATION, place, "The label file cannot be read.")
            return None
        except EncodingError as error:
            self.log.skip_image(ProblemKind.UNREADABLE_ANNOTATION, place, error.message)
            return None
        lines = [(number, line) for number, line in enumerate(lines_of(text), start=1) if line.strip()]
        self.log.found(objects=len(lines))
        found = (self._label(line, size, f"{place}, line {number}") for number, line in lines)
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
            self.log.skip_object(kind, place, error.message)
            return None
        return Label(class_name=self.names[number], geometry=geometry)


def _numbers(line: str) -> tuple[int, list[float]]:
    head, *rest = line.split()
    try:
        whole = float(head)  # numpy.savetxt, which many scripts use, writes the class 3 as 3.000e+00
        number = int(whole)
        values = [float(value) for value in rest]
        if number != whole:
            raise ValueError(head)  # noqa: TRY301 - as any other text that is no class number
    except (ValueError, OverflowError):
        raise InputError(f"“{line.strip()[:60]}” is not a class number followed by numbers.") from None
    if not all(math.isfinite(value) for value in values):
        raise InputError("A coordinate is not a finite number.")
    return number, values


def _geometry(values: list[float], keypoints: int, size: tuple[int, int]) -> Geometry:
    count = len(values)
    if count == _BOX_VALUES or (keypoints and count == _BOX_VALUES + keypoints):
        return _rectangle(values[:_BOX_VALUES], size)
    if count < _FEWEST_POLYGON_VALUES or count % 2:
        raise InputError(f"{count} numbers are neither a box (4) nor a polygon (x and y of at least 3 points).")
    _refuse_pixels(values)
    width, height = size
    points = zip(values[::2], values[1::2], strict=True)
    return to_pixels(Polygon(exterior=tuple((x * width, y * height) for x, y in points)))


def _rectangle(values: list[float], size: tuple[int, int]) -> Rectangle:
    _refuse_pixels(values)
    x, y, width, height = (value * side for value, side in zip(values, (*size, *size), strict=True))
    return rectangle_at(x - width / 2, y - height / 2, width, height)


def _refuse_pixels(values: list[float]) -> None:
    """Values far beyond 1 are pixels by mistake; a little beyond is a box that reaches over the border."""
    if max(values) > 2 or min(values) < -1:  # noqa: PLR2004 - one image size to each side
        raise InputError("The values are not shares of the image's size (0 to 1); they look like pixels.")
