"""Objects of COCO files: what a row's box and segmentation mean together.

Most tools write both. The segmentation is taken where it is sound, for a box can be made of it and not the other way
round; the box where it is not, or where the two speak of different things. What was given and is not taken is told.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, NamedTuple, TypeAlias

import numpy as np
from hotcoco import mask as coco_mask
from msgspec import Meta, Struct

from traindash.datasets.annotation_json import decoded
from traindash.datasets.drawn_shapes import turned_box
from traindash.datasets.geometry import (
    MAX_MASK_PIXELS,
    TOLERANCE,
    Clipped,
    Mask,
    encode_mask,
    has_area,
    rectangle_at,
    set_extent,
    to_pixels,
    to_positions,
)
from traindash.datasets.import_log import ProblemKind
from traindash.datasets.key_points import KeyPoints, Skeleton, read_points
from traindash.domain.annotation import Bitmap, Polygon, Rectangle
from traindash.errors import InputError
from traindash.formatting import count
from traindash.language import gettext as _

Identifier: TypeAlias = int | str  # texts are no COCO, but several annotation tools write them
Row: TypeAlias = Mapping[str, Any]

_LARGEST = 1e7
# A bound on both sides keeps NaN and infinity out, which Python's JSON has.
_Number: TypeAlias = Annotated[float, Meta(ge=-_LARGEST, le=_LARGEST)]
_Count: TypeAlias = Annotated[int, Meta(ge=0)]
_FEWEST_VALUES = 6
_BOX_VALUES = 4
_PLAIN = frozenset({int, float})
# Pixels by which edges of box and outline may differ: whole numbers for both corner and size, the last pixel counted in
# or not
_ROUNDING = 2.0
# Share of an outline's extent that lies inside the box of the same object, at the least. Boxes around hidden parts are
# larger than the outline of what is seen, and boxes of two corners written as corner and size are too; an outline that
# lies elsewhere is of another scale or another object.
_LEAST_INSIDE = 0.5
_NUMBER = re.compile(r"\s*-?\d+(\.\d*)?(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
_LIST = re.compile(r"\s*[\[(].*[\])]\s*")
_SEPARATOR = re.compile(r"\s*,\s*|\s+")
_WHOLE_NUMBER = re.compile(r"-?(0|[1-9]\d{0,99})(\.0+)?", re.ASCII)


class _Box(Struct):
    bbox: tuple[_Number, _Number, _Number, _Number]


class _RunLengths(Struct):
    counts: str | list[_Count]
    size: tuple[_Count, _Count]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlines:
    """The outline of an object, or several, as of one that is seen behind another."""

    parts: tuple[Sequence[float], ...]  # x, y, x, y, … of each, positions


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLengths:
    """A mask that is still packed; fits its own size and is not empty."""

    counts: str | list[int]
    width: int
    height: int


# Kept as they are written until their image's turn: the points of a million polygons would take the memory twice.
Shape: TypeAlias = Rectangle | Outlines | RunLengths


class Told(NamedTuple):
    """Something to tell of an object."""

    kind: ProblemKind
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoObject:
    """An annotation of a file, or the key points of one."""

    number: int  # of its annotation in the file, from 1
    category: Identifier | None = None
    is_crowd: bool = False
    shape: Shape | KeyPoints | Told  # or why it cannot be used
    changes: tuple[Told, ...] = ()  # what was given and is not taken
    is_one_of_two: bool = False  # its annotation has a shape and key points


class _Extent(NamedTuple):
    """Edges as positions."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top


def identifier(given: object) -> Identifier | None:
    """Return an id in the one form that its spellings have in common, ``None`` for what is none.

    ``1``, ``1.0`` and ``"1"`` are one id: data frames turn whole numbers into fractions, other tools into text, and
    often in one of the two places only.
    """
    if type(given) is int:  # nearly all, and a file has millions of them
        return given
    match given:
        case bool():
            return None
        case float():
            return int(given) if given.is_integer() else None
        case str():
            return int(given.partition(".")[0]) if _WHOLE_NUMBER.fullmatch(given) else given or None
        case _:
            return None


def read_objects(
    number: int, row: Row, size: tuple[int, int] | None, skeletons: Mapping[Identifier, Skeleton]
) -> tuple[CocoObject, ...]:
    """Read an annotation; its shape and its key points are an object each.

    ``number`` is its place in the file from 1, ``size`` that of its image if the file has it, ``skeletons`` those of
    the categories.
    """
    category, is_crowd = identifier(row.get("category_id")), row.get("iscrowd") not in (None, 0, "", "0")
    if "caption" in row and not row.get("bbox") and not row.get("segmentation"):
        return (CocoObject(number=number, shape=Told(ProblemKind.CAPTION, _("It is a caption, not an object."))),)
    if category is None:
        fault = "is no id" if row.get("category_id") is not None else "is missing"
        return (CocoObject(number=number, shape=Told(ProblemKind.DAMAGED_OBJECT, f"category_id {fault}.")),)
    points = _key_points(row.get("keypoints"), skeletons.get(category, Skeleton()))
    if points is not None and not row.get("bbox") and not row.get("segmentation"):
        return (CocoObject(number=number, category=category, is_crowd=is_crowd, shape=points),)
    shape, changes = _shape_or_told(row, size)
    outline = CocoObject(
        number=number,
        category=category,
        is_crowd=is_crowd,
        shape=shape,
        changes=(*changes, *_left_over(row)),
        is_one_of_two=isinstance(points, KeyPoints) and not isinstance(shape, Told),
    )
    return (outline,) if points is None else (outline, replace(outline, shape=points, changes=()))


def _key_points(given: object, skeleton: Skeleton) -> KeyPoints | Told | None:
    if not isinstance(given, list):
        return None
    try:
        return read_points(given, skeleton)
    except InputError as error:
        return Told(ProblemKind.KEY_POINTS, error.message)


def shape_name_of(shape: Shape) -> str:
    """Return the Supervisely name of the shape that an object becomes."""
    match shape:
        case Rectangle():
            return "rectangle"
        case Outlines(parts=[_]):
            return "polygon"
        case Outlines() | RunLengths():
            return "bitmap"


def drawn(shape: Shape, width: int, height: int) -> Clipped:
    """Return the geometry of a shape in an image of the given size; masks are cut at its border, others are not yet.

    Raises:
        InputError: A mask is of another size than the image, or too large.
    """
    match shape:
        case Rectangle():
            return Clipped(geometry=shape, was_cut=False)
        case Outlines(parts=[part]):
            points = tuple(zip(map(float, part[::2]), map(float, part[1::2]), strict=True))
            return Clipped(geometry=to_pixels(Polygon(exterior=points)), was_cut=False)
        case Outlines(parts=parts):
            return _filled(parts, width, height)
        case RunLengths():
            if (shape.width, shape.height) != (width, height):
                raise InputError(_other_size(shape, width, height))
            return Clipped(geometry=_packed(decode_rle(shape.counts, height, width)), was_cut=False)


def _shape_or_told(row: Row, size: tuple[int, int] | None) -> tuple[Shape | Told, tuple[Told, ...]]:
    try:
        shape, changes = _shape(row, size)
        degrees = _rotation(row)
        if degrees and isinstance(shape, Rectangle) and not row.get("segmentation"):
            message = _("The turned box is a polygon now.")
            return _turned(shape, degrees), (*changes, Told(ProblemKind.UNSUPPORTED_GEOMETRY, message))
    except InputError as error:
        return Told(ProblemKind.DAMAGED_OBJECT, error.message), ()
    return shape, changes


def _rotation(row: Row) -> float:
    """Degrees that a box is turned clockwise around its middle, as CVAT writes them beside it; 0 for none."""
    match row.get("attributes"):
        case {"rotation": int() | float() as degrees} if -_LARGEST <= degrees <= _LARGEST:
            return degrees % 360
        case _:
            return 0.0


def _turned(box: Rectangle, degrees: float) -> Outlines:
    size = box.right + 1 - box.left, box.bottom + 1 - box.top
    middle = box.left + size[0] / 2, box.top + size[1] / 2
    turned = to_positions(turned_box((box.left, box.top), size, degrees, middle))
    return Outlines(parts=([value for point in turned.exterior for value in point],))


def _shape(row: Row, size: tuple[int, int] | None) -> tuple[Shape | Told, tuple[Told, ...]]:
    box, box_fault = _box(row.get("bbox"))
    edges = None if box is None else _Extent(box.left, box.top, box.right + 1, box.bottom + 1)
    found, extent, fault = _segmentation(row.get("segmentation"))
    if isinstance(found, RunLengths) and size is not None and (found.width, found.height) != size:
        fault = _other_size(found, *size)
        if extent is not None and (edges is None or _agree(extent, edges)):
            raise InputError(fault)  # all of it belongs to a picture of another size; to scale it would be to guess
        found = None
    if found is None or extent is None:
        return _box_alone(box, box_fault, fault)
    changes = [Told(ProblemKind.DAMAGED_OBJECT, f"{fault} {_('Its other outlines are taken.')}")] if fault else []
    if box_fault:
        changes.append(Told(ProblemKind.DAMAGED_OBJECT, f"{box_fault} {_('The outline is taken.')}"))
    elif box is not None and edges is not None and not _agree(extent, edges):
        # Only what can be seen has to agree: some tools cut the box at the border and not the outline.
        seen, edges = _inside(extent, size), _inside(edges, size)
        places = {"outline": _in_words(seen), "box": _in_words(edges)}
        if not _agree(seen, edges) and _share(seen, edges) < _LEAST_INSIDE:
            message = _("Its outline lies {outline}, its box {box}; the box is taken.").format(**places)
            return box, (Told(ProblemKind.BOX_AND_OUTLINE, message),)
        if not _agree(seen, edges):
            message = _("Its outline lies {outline}, its box {box}; the outline is taken.").format(**places)
            changes.append(Told(ProblemKind.BOX_AND_OUTLINE, message))
    if isinstance(found, Outlines) and len(found.parts) == 1 and min(extent.width, extent.height) <= 1:
        # A polygon goes through the centres of its border pixels; one that is a pixel wide would be a line.
        changes.append(Told(ProblemKind.EMPTY, _("Its outline is not wider than a pixel; the box around it is taken.")))
        return rectangle_at(extent.left, extent.top, extent.width, extent.height), tuple(changes)
    return found, tuple(changes)


def _box_alone(box: Rectangle | None, box_fault: str, fault: str) -> tuple[Rectangle | Told, tuple[Told, ...]]:
    if box is not None:
        return box, (Told(ProblemKind.DAMAGED_OBJECT, f"{fault} {_('The box is taken.')}"),) if fault else ()
    if box_fault or fault:
        raise InputError(box_fault or fault)
    return Told(ProblemKind.UNSUPPORTED_GEOMETRY, _("It has neither a box nor a segmentation.")), ()


def _other_size(mask: RunLengths, width: int, height: int) -> str:
    return _("Its mask has {width} x {height} pixels, the image {across} x {down}.").format(
        width=mask.width, height=mask.height, across=width, down=height
    )


def _box(given: object) -> tuple[Rectangle | None, str]:
    """Return a box, or what is wrong with it; neither if none was given."""
    if given is None or given in ([], {}, ""):
        return None, ""
    try:
        # Nearly all are as they should be, and a file has a million of them.
        if isinstance(given, list) and len(given) == _BOX_VALUES and all(map(_is_position, given)):
            return rectangle_at(*map(float, given)), ""
        return rectangle_at(*decoded(_Box, {"bbox": as_numbers(given)}, "").bbox), ""
    except InputError as error:
        return None, error.message


def _is_position(given: object) -> bool:
    return type(given) in _PLAIN and -_LARGEST <= given <= _LARGEST  # type: ignore[operator]  # one of the two


def as_numbers(given: object) -> object:
    """Return a number or a list of them that a data frame has turned into text; anything else as it is."""
    match given:
        case str() if _LIST.fullmatch(given):
            return [as_numbers(part) for part in _SEPARATOR.split(given.strip("[]() "))]
        case str() if _NUMBER.fullmatch(given):
            return float(given)
        case list():
            return [as_numbers(part) if isinstance(part, str) else part for part in given]
        case _:
            return given


def _segmentation(given: object) -> tuple[Outlines | RunLengths | None, _Extent | None, str]:
    """Return what is sound of a segmentation, its edges, and what is wrong with the rest."""
    if given is None or given in ([], {}, ""):
        return None, None, ""
    match given:
        case dict():
            return _run_lengths(given)
        case [int() | float(), *_]:  # not COCO, but what is meant is certain: one outline
            return _outlines([given])
        case list():
            return _outlines(given)
        case _:
            return None, None, _("Its segmentation is neither outlines nor run lengths.")


def _outlines(given: list[Any]) -> tuple[Outlines | None, _Extent | None, str]:
    parts: list[Sequence[float]] = []
    fault = ""
    for part in given:
        if part is None or part == []:  # nothing is lost
            continue
        if message := _fault_of(part):
            fault = message
        else:
            half = len(part) // 2
            # What is walked round twice has nothing inside by the rule of cv2, Pillow and COCO.
            parts.append(part[:half] if half % 2 == 0 and part[:half] == part[half:] else part)
    if not parts:
        return None, None, fault
    if len(parts) == 1:
        xs, ys = parts[0][::2], parts[0][1::2]
    else:
        xs, ys = [x for part in parts for x in part[::2]], [y for part in parts for y in part[1::2]]
    return Outlines(parts=tuple(parts)), _Extent(min(xs), min(ys), max(xs), max(ys)), fault


def _fault_of(part: object) -> str:
    """What is wrong with an outline; empty if it is sound."""
    if not isinstance(part, list):
        return _("Its outline is no list of numbers.")
    if len(part) < _FEWEST_VALUES or len(part) % 2:
        return _("An outline of {count} numbers is none: it takes x and y of at least three points.").format(
            count=len(part)
        )
    try:
        # A million outlines pass here, hence no loop of our own.
        if not all(map(math.isfinite, part)) or max(part) > _LARGEST or min(part) < -_LARGEST:
            return _("Its outline has a number that is no position.")
    except (TypeError, OverflowError):
        return _("Its outline has something that is no number.")
    return "" if has_area(tuple(zip(part[::2], part[1::2], strict=True))) else _("Its outline has no area.")


def _run_lengths(given: Row) -> tuple[RunLengths | None, _Extent | None, str]:
    try:
        packed = decoded(_RunLengths, given, "", "segmentation")
        height, width = packed.size
        _check_runs(packed.counts, height, width)
    except InputError as error:
        return None, None, error.message
    # hotcoco's box of a mask, (x, y, width, height), is made without unpacking it.
    left, top, across, down = coco_mask.to_bbox({"size": [height, width], "counts": packed.counts}).tolist()
    if across <= 0 or down <= 0:
        return None, None, _("Its mask is empty.")
    extent = _Extent(left, top, left + across, top + down)
    return RunLengths(counts=packed.counts, width=width, height=height), extent, ""


def _inside(extent: _Extent, size: tuple[int, int] | None) -> _Extent:
    if size is None:
        return extent
    xs, ys = (
        [min(max(edge, 0), side) for edge in edges]
        for edges, side in zip((extent[::2], extent[1::2]), size, strict=True)
    )
    return _Extent(xs[0], ys[0], xs[1], ys[1])


def _agree(extent: _Extent, edges: _Extent) -> bool:
    return (
        abs(extent.left - edges.left) <= _ROUNDING
        and abs(extent.top - edges.top) <= _ROUNDING
        and abs(extent.right - edges.right) <= _ROUNDING
        and abs(extent.bottom - edges.bottom) <= _ROUNDING
    )


def _share(extent: _Extent, edges: _Extent) -> float:
    """How much of an extent lies inside others, 0 to 1."""
    across = min(extent.right, edges.right) - max(extent.left, edges.left)
    down = min(extent.bottom, edges.bottom) - max(extent.top, edges.top)
    area = extent.width * extent.height
    return max(across, 0.0) * max(down, 0.0) / area if area > 0 else 0.0


def _in_words(extent: _Extent) -> str:
    return _("from ({left}, {top}) to ({right}, {bottom})").format(
        left=f"{extent.left:g}", top=f"{extent.top:g}", right=f"{extent.right:g}", bottom=f"{extent.bottom:g}"
    )


def _left_over(row: Row) -> tuple[Told, ...]:
    """What a row holds beside its shape and has no place here."""
    return (Told(ProblemKind.CAPTION, _("Its caption is left out.")),) if row.get("caption") else ()


def _filled(parts: Sequence[Sequence[float]], width: int, height: int) -> Clipped:
    """Fill outlines as COCO does, those of one object together."""
    if width * height > MAX_MASK_PIXELS:
        raise InputError(
            _("Its outlines would become a mask of more than {number} pixels.").format(number=count(MAX_MASK_PIXELS))
        )
    xs, ys = [x for part in parts for x in part[::2]], [y for part in parts for y in part[1::2]]
    was_cut = min(*xs, *ys) < -TOLERANCE or max(xs) > width + TOLERANCE or max(ys) > height + TOLERANCE
    # In the whole image and not in the part around the object: COCO rounds to other pixels there.
    mask = np.array(coco_mask.decode(coco_mask.merge(coco_mask.fr_py_objects(parts, height, width))), dtype=np.bool_)
    if not mask.any():
        if was_cut:
            return Clipped(geometry=None, was_cut=True)
        middle_x, middle_y = int((min(xs) + max(xs)) / 2), int((min(ys) + max(ys)) / 2)
        mask[min(max(middle_y, 0), height - 1), min(max(middle_x, 0), width - 1)] = True  # thinner than a pixel
    return Clipped(geometry=_packed(mask), was_cut=was_cut)


def _packed(mask: Mask) -> Bitmap:
    """A mask of the whole image → a bitmap of the part that is set."""
    if (extent := set_extent(mask)) is None:
        raise InputError(_("Its mask is empty."))
    return encode_mask(mask[extent], (extent[1].start, extent[0].start))


def decode_rle(counts: str | list[int], height: int, width: int) -> Mask:
    """Unpack a mask: counts of clear and set pixels in turn, column by column, as numbers or as text.

    Raises:
        InputError: The counts do not add up to the size.
    """
    _check_runs(counts, height, width)
    return np.asarray(coco_mask.decode({"size": [height, width], "counts": counts}), dtype=np.bool_)


def _check_runs(counts: str | list[int], height: int, width: int) -> None:
    try:
        if min(height, width) < 1 or height * width > MAX_MASK_PIXELS or _fills_less(counts, height * width):
            raise ValueError(counts)  # noqa: TRY301 - as what hotcoco refuses
        coco_mask.area({"size": [height, width], "counts": counts})
    except (ValueError, TypeError, OverflowError) as error:
        msg = _("The run lengths of a mask do not fit its size of {width} x {height} pixels.").format(
            width=width, height=height
        )
        raise InputError(msg, _("Export the annotation again.")) from error


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
