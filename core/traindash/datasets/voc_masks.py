"""Masks in Pascal VOC layout: ``SegmentationObject/<image>.png`` beside ``SegmentationClass/<image>.png``.

A pixel of the first is the number of its object, in the order of the annotation from 1; 0 is background and 255 the
border that belongs to nobody (VOC2012 Development Kit, section 3.4). Files are in the challenge's colour map, as its
numbers or its colours. CVAT's “Segmentation mask” has no annotations: ``labelmap.txt`` says the colour of each class,
and the second file which colour an object has.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from traindash.datasets import drawn_shapes
from traindash.datasets.drawn_shapes import Size
from traindash.datasets.folder import Folder
from traindash.datasets.geometry import set_extent
from traindash.datasets.import_log import ProblemKind
from traindash.datasets.records import DrawnObject, ImageRecord, LostObject, RecordedObject
from traindash.domain.annotation import Bitmap, Geometry, Rectangle
from traindash.errors import InputError
from traindash.formatting import count
from traindash.language import gettext as _
from traindash.text_files import lines_of, read_text

_Numbers: TypeAlias = NDArray[np.int32]
_OBJECTS, _CLASSES, _LABEL_MAP = "segmentationobject", "segmentationclass", "labelmap.txt"
FOLDERS = frozenset({_OBJECTS, _CLASSES})
_NOBODY = (0, 255)
_UNKNOWN = -1
_MOST_PIXELS = 40_000_000  # half a gigabyte while they are looked at
_LEAST_COMMON = 0.5  # intersection over union of a mask's box and the object's own; the border around masks is missing


def _color(number: int) -> int:
    """The challenge's colour of a number, as one number (``VOClabelcolormap`` of its kit)."""
    red = green = blue = 0
    for place in range(8):
        red |= (number >> 3 * place & 1) << 7 - place
        green |= (number >> 3 * place + 1 & 1) << 7 - place
        blue |= (number >> 3 * place + 2 & 1) << 7 - place
    return red << 16 | green << 8 | blue


_COLORS = np.array([_color(number) for number in range(256)], dtype=np.int32)
_BY_COLOR = np.argsort(_COLORS)


@dataclass(frozen=True, slots=True)
class ObjectMasks:
    """The masks of an image's objects."""

    numbers: _Numbers  # (H, W) the object of each pixel
    classes: _Numbers | None  # (H, W) the colour of each pixel's class, red first; `None` without such a file
    names: Mapping[int, str]  # colour → class, where CVAT says it

    @property
    def size(self) -> Size:
        """Width and height in pixels."""
        return self.numbers.shape[1], self.numbers.shape[0]

    def mask_of(self, number: int, box: Rectangle) -> Bitmap | None:
        """Return the mask of an object in the order of the annotation, from 1; ``None`` if it has none.

        Raises:
            InputError: The mask with its number lies elsewhere than its box.
        """
        mask = self.numbers == number
        if number in _NOBODY or (extent := set_extent(mask)) is None:
            return None
        rows, columns = extent
        edges = Rectangle(left=columns.start, top=rows.start, right=columns.stop - 1, bottom=rows.stop - 1)
        if _common(edges, box) < _LEAST_COMMON:
            raise InputError(_("Its mask lies elsewhere than its box; the box is taken."))
        return drawn_shapes.mask_at(mask, (0, 0))


def _common(one: Rectangle, other: Rectangle) -> float:
    across = min(one.right, other.right) - max(one.left, other.left) + 1
    down = min(one.bottom, other.bottom) - max(one.top, other.top) + 1
    shared = max(across, 0.0) * max(down, 0.0)
    areas = ((box.right - box.left + 1) * (box.bottom - box.top + 1) for box in (one, other))
    return shared / (sum(areas) - shared)


def with_masks(record: ImageRecord, masks: ObjectMasks | None, fault: str) -> ImageRecord:
    """Return a record whose objects are the masks that have their numbers, in place of boxes.

    Without masks it stays as it is; with ``fault``, why they cannot be read, that is told.
    """
    if masks is not None and record.size != masks.size:
        fault = _("Its masks have {width} x {height} pixels, unlike its annotation.").format(
            width=masks.size[0], height=masks.size[1]
        )
    if fault:
        change = (ProblemKind.UNSUPPORTED_GEOMETRY, f"{fault} {_('The boxes are taken.')}")
        return replace(record, changes=(*record.changes, change))
    if masks is None:
        return record
    return replace(
        record, objects=tuple(_with_mask(item, count, masks) for count, item in enumerate(record.objects, start=1))
    )


def _with_mask(item: RecordedObject, count: int, masks: ObjectMasks) -> RecordedObject:
    if isinstance(item, LostObject) or item.shape != "rectangle":
        return item
    box = item.draw(masks.size)
    try:
        mask = masks.mask_of(count, box) if isinstance(box, Rectangle) else None
    except InputError as error:
        return replace(item, changes=(*item.changes, (ProblemKind.BOX_AND_OUTLINE, error.message)))
    return item if mask is None else replace(item, shape="bitmap", draw=partial(_as_it_is, mask))


def named_objects(masks: ObjectMasks, place: str) -> Iterator[RecordedObject]:
    """Yield the objects of an image without an annotation; ``place`` is what messages call it."""
    classes = masks.classes if masks.classes is not None and masks.classes.shape == masks.numbers.shape else None
    for number in np.unique(masks.numbers).tolist():
        if number in _NOBODY:
            continue
        where, mask, name = (
            f"{place}, object {number}",
            masks.numbers == number,
            "",
        )
        if classes is not None:
            colors, counts = np.unique(classes[mask], return_counts=True)
            name = masks.names.get(int(colors[counts.argmax()]), "")
        if name:
            drawn = drawn_shapes.mask_at(mask, (0, 0))
            yield DrawnObject(place=where, class_name=name, shape="bitmap", draw=partial(_as_it_is, drawn))
        else:
            message = _("Nothing names the colour of its class.")
            yield LostObject(place=where, kind=ProblemKind.UNKNOWN_CLASS, message=message)


def _as_it_is(geometry: Geometry, _size: Size) -> Geometry:
    return geometry


class VocMasks:
    """The masks of a folder."""

    def __init__(self, folder: Folder) -> None:
        self._root = folder.root
        self._files = frozenset(folder.files)
        self._folders = {
            (base, name.casefold()): place
            for place in folder.folders
            for base, _slash, name in [place.rpartition("/")]
            if name.casefold() in FOLDERS
        }
        self._maps = {
            place.rpartition("/")[0]: place for place in folder.files if place.lower().rpartition("/")[2] == _LABEL_MAP
        }

    @property
    def names_classes(self) -> bool:
        """Whether objects can be read without annotations."""
        return any((base, _OBJECTS) in self._folders for base in self._maps)

    def are_read(self, place: str) -> bool:
        """Whether a folder of masks is read."""
        base, _slash, name = place.rpartition("/")
        return name.casefold() == _OBJECTS or (base in self._maps and (base, _OBJECTS) in self._folders)

    def images(self) -> Iterator[tuple[str, str, str]]:
        """Yield the images that have masks of objects: folder around, name with the folders it lies in, the file."""
        for (base, kind), folder in self._folders.items():
            for place in sorted(self._files) if kind == _OBJECTS else ():
                if place.startswith(f"{folder}/") and place.lower().endswith(".png"):
                    yield base, place.removeprefix(f"{folder}/")[: -len(".png")], place

    def of(self, base: str, stem: str) -> ObjectMasks | None:
        """Return the masks of an image; ``None`` if there are none.

        ``base`` is the folder around ``SegmentationObject``, ``stem`` the image's name with the folders it lies in.

        Raises:
            InputError: They cannot be read, or are in other colours.
        """
        numbers = self._read(base, _OBJECTS, stem)
        if numbers is None:
            return None
        if (numbers == _UNKNOWN).any():
            raise InputError(_("Its masks are in colours that are no numbers of objects."))
        names = self._names.get(base, {})
        classes = self._read(base, _CLASSES, stem, colors=True) if names else None
        return ObjectMasks(numbers=numbers, classes=classes, names=names)

    def _read(self, base: str, kind: str, stem: str, *, colors: bool = False) -> _Numbers | None:
        place = f"{self._folders.get((base, kind), '')}/{stem}.png"
        if place not in self._files:
            return None
        try:
            with Picture.open(self._root / place) as image:
                if image.width * image.height > _MOST_PIXELS:
                    raise InputError(_("Its masks have more than {number} pixels.").format(number=count(_MOST_PIXELS)))
                if image.mode in ("P", "L") and not colors:
                    return np.asarray(image).astype(np.int32)
                channels = np.asarray(image.convert("RGB")).astype(np.int32)
        except (OSError, SyntaxError, ValueError, Picture.DecompressionBombError) as error:
            raise InputError(_("Its masks are in a picture that cannot be read.")) from error
        found: _Numbers = channels[..., 0] << 16 | channels[..., 1] << 8 | channels[..., 2]
        return found if colors else _numbers_of(found)

    @cached_property
    def _names(self) -> Mapping[str, Mapping[int, str]]:
        return {base: dict(_label_map(self._root / place, place)) for base, place in self._maps.items()}


def _numbers_of(colors: _Numbers) -> _Numbers:
    """Colours of the challenge's colour map → their numbers, other colours → -1."""
    at = np.searchsorted(_COLORS[_BY_COLOR], colors).clip(max=len(_COLORS) - 1)
    numbers = _BY_COLOR[at]
    return np.where(_COLORS[numbers] == colors, numbers, _UNKNOWN).astype(np.int32)


def _label_map(path: Path, place: str) -> Iterator[tuple[int, str]]:
    """``name:red,green,blue:parts:actions`` in each line; the background is no class."""
    for line in lines_of(read_text(path, place)):
        name, _colon, rest = line.partition(":")
        parts = rest.partition(":")[0].split(",")
        if line.startswith("#") or not name.strip() or not all(part.strip().isdecimal() for part in parts):
            continue
        red, green, blue, *_rest = (*map(int, parts), 0, 0, 0)
        if (color := red << 16 | green << 8 | blue) and name.strip().casefold() != "background":
            yield color, name.strip()
