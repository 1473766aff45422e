"""Masks, outlines and boxes in Supervisely's pixel coordinates.

A coordinate names a pixel, not an edge between pixels: the rectangle from 3 to 5 covers three columns, a polygon
through pixel centres covers those pixels too, as ``cv2.fillPoly`` and ``ImageDraw.polygon`` fill it.
"""

import base64
import binascii
import io
import math
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from operator import mul, sub

import msgspec
import numpy as np
import numpy.typing as npt
from hotcoco import mask as coco_mask
from PIL import Image, ImageDraw

from traindash.datasets.annotation_json import annotation_from_json
from traindash.domain.annotation import (
    Annotation,
    Bitmap,
    Geometry,
    OtherGeometry,
    Point,
    Polygon,
    Rectangle,
    shape_name,
)
from traindash.errors import InputError
from traindash.language import N_
from traindash.language import gettext as _

Mask = npt.NDArray[np.bool_]  # a boolean array of shape (height, width)

# largest mask that is unpacked; a damaged or hostile one of a few kilobytes could otherwise fill the memory
MAX_MASK_PIXELS = 150_000_000
_MAX_PNG_BYTES = 128 * 2**20  # unpacked; the same danger one layer farther out
_TOO_LARGE = f"The mask of a bitmap has more than {MAX_MASK_PIXELS:,} pixels."
_SMALLER = N_("Leave the object out or draw it again.")
# Pixels below which an extent is none, and square pixels below which an area is
_FLAT = 1e-6
_FINE = 1000  # pixels of the grid that the area of an outline which crosses itself is counted on
_MOST_POINTS = 5000  # of an outline that is looked at for crossings; nobody draws more
_PNG_START = b"\x89PNG\r\n\x1a\n"


def bounds(geometry: Geometry) -> Rectangle | None:
    """Return the smallest rectangle around a geometry, ``None`` for one without a known extent.

    For a bitmap it is the box of the mask's array, read from the PNG header; :func:`tight_bounds` looks at its pixels.

    Raises:
        InputError: The bitmap's data are no mask.
    """
    match geometry:
        case Rectangle():
            return geometry
        case Polygon(exterior=exterior):
            xs, ys = zip(*exterior, strict=True)
            return Rectangle(left=min(xs), top=min(ys), right=max(xs), bottom=max(ys))
        case Bitmap(origin=(x, y)):
            with _open_mask(geometry) as image:
                width, height = image.size
            return Rectangle(left=x, top=y, right=x + width - 1, bottom=y + height - 1)
        case OtherGeometry():
            points = _other_points(geometry)
            return bounds(Polygon(exterior=points)) if points else None


class _OtherPoints(msgspec.Struct, frozen=True):
    exterior: tuple[Point, ...] = ()


class _OtherNode(msgspec.Struct):
    loc: Point


class _Other(msgspec.Struct):
    points: _OtherPoints = _OtherPoints()
    nodes: dict[str, _OtherNode] = {}


def _other_points(geometry: OtherGeometry) -> tuple[Point, ...]:
    """Points of the geometries that have an extent: lines (``points``) and graphs of key points (``nodes``)."""
    if geometry.shape not in ("line", "polyline", "graph"):
        return ()
    try:
        other = msgspec.json.decode(geometry.json, type=_Other)
    except msgspec.MsgspecError:  # nobody promised its form; without an extent no trainer uses it
        return ()
    return (*other.points.exterior, *(node.loc for node in other.nodes.values()))


def tight_bounds(geometry: Geometry) -> Rectangle | None:
    """Return :func:`bounds`, for a bitmap those of its set pixels; ``None`` if no pixel is set.

    Raises:
        InputError: The bitmap's data are no mask.
    """
    if not isinstance(geometry, Bitmap):
        return bounds(geometry)
    if (extent := set_extent(decode_mask(geometry))) is None:
        return None
    (rows, columns), (x, y) = extent, geometry.origin
    return Rectangle(left=x + columns.start, top=y + rows.start, right=x + columns.stop - 1, bottom=y + rows.stop - 1)


def set_extent(mask: Mask) -> tuple[slice, slice] | None:
    """Return the rows and columns between the first and the last set pixel, ``None`` if none is set."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def clip(rectangle: Rectangle, width: int, height: int) -> Rectangle | None:
    """Cut a rectangle at the borders of an image, ``None`` if nothing of it is inside.

    A part of a pixel is inside too: a coordinate between the last pixel and the border means that pixel.
    """
    last_x, last_y = width - 1, height - 1
    if rectangle.left >= width or rectangle.top >= height or min(rectangle.right, rectangle.bottom) <= -1:
        return None
    if rectangle.left >= 0 and rectangle.top >= 0 and rectangle.right <= last_x and rectangle.bottom <= last_y:
        return rectangle
    return Rectangle(
        left=min(max(rectangle.left, 0), last_x),
        top=min(max(rectangle.top, 0), last_y),
        right=min(max(rectangle.right, 0), last_x),
        bottom=min(max(rectangle.bottom, 0), last_y),
    )


def outline_area(outline: tuple[Point, ...]) -> float:
    """Return the area inside an outline in square pixels (shoelace formula), without its border's half pixels.

    The outline does not cross itself; :func:`covered_area` is for those that people drew.
    """
    xs, ys = zip(*outline, strict=True)
    forth, back = map(mul, xs, ys[1:] + ys[:1]), map(mul, xs[1:] + xs[:1], ys)
    return abs(math.fsum(map(sub, forth, back))) / 2


def has_area(outline: tuple[Point, ...]) -> bool:
    """Whether an outline encloses anything; the two halves of an 8 do, though their signed areas add up to nothing."""
    return outline_area(outline) > _FLAT or covered_area(outline) > _FLAT


def covered_area(outline: tuple[Point, ...]) -> float:
    """Return the area that an outline covers in square pixels, also where it crosses itself.

    What is enclosed twice is outside, as ``cv2.fillPoly``, ``ImageDraw.polygon`` and COCO's masks have it. It is exact
    for an outline that does not cross itself, else to about a thousandth.
    """
    points = np.array(outline, dtype=np.float64)
    points -= points.min(axis=0)
    if not _crosses_itself(points):
        return outline_area(outline)
    scale = _FINE / max(float(points.max()), _FLAT)
    side = _FINE + 1
    packed = coco_mask.fr_py_objects([(points * scale).ravel().tolist()], side, side)
    return float(coco_mask.area(packed)[0]) / scale**2


def _crosses_itself(points: npt.NDArray[np.float64]) -> bool:
    """Whether pieces of a closed outline of shape (N, 2) cross; those that only touch do not matter for its area."""
    if len(points) > _MOST_POINTS:
        return False
    (x, y), (across, down) = points.T, (np.roll(points, -1, axis=0) - points).T
    # On which side of the piece in a row the point in a column lies; two pieces cross if each parts the other's ends.
    side = np.outer(across, y) - np.outer(down, x) - (across * y - down * x)[:, None]
    parted = side * np.roll(side, -1, axis=1) < 0
    return bool((parted & parted.T).any())


def polygon_area(polygon: Polygon, *, is_traced: bool = False) -> float:
    """Return the area of a polygon without its holes in square pixels.

    ``is_traced`` says that it is the border of a mask, which has many points and does not cross itself.
    """
    area_of = outline_area if is_traced else covered_area
    return max(area_of(polygon.exterior) - math.fsum(map(area_of, polygon.interior)), 0.0)


def corners_of(box: Rectangle) -> Polygon:
    """Return a rectangle as a polygon, clockwise from its upper left corner."""
    left, top, right, bottom = box.left, box.top, box.right, box.bottom
    return Polygon(exterior=((left, top), (right, top), (right, bottom), (left, bottom)))


def rectangle_at(left: float, top: float, width: float, height: float) -> Rectangle:
    """Turn a box of positions, as COCO and YOLO have it, into a rectangle of pixels.

    Raises:
        InputError: It has no area.
    """
    if width <= 0 or height <= 0:
        raise InputError(
            _("A box of {width} x {height} pixels has no area.").format(width=f"{width:g}", height=f"{height:g}")
        )
    # A box narrower than a pixel still lies in one.
    return Rectangle(left=left, top=top, right=max(left + width - 1, left), bottom=max(top + height - 1, top))


def to_positions(polygon: Polygon) -> Polygon:
    """Turn pixels into positions, where 0 is the left or upper edge of the image.

    A polygon through the centres of its border pixels covers them wholly, as a rectangle does: its box from pixel 3 to
    pixel 5 reaches from 3 to 6. The points between are moved in proportion.
    """
    return _stretched(polygon, 1.0)


def to_pixels(polygon: Polygon) -> Polygon:
    """Turn positions into pixels, the inverse of :func:`to_positions`."""
    return _stretched(polygon, -1.0)


def _stretched(polygon: Polygon, more: float) -> Polygon:
    """Widen the box of a polygon by so many pixels to the right and down."""
    xs, ys = zip(*polygon.exterior, strict=True)
    left, top = min(xs), min(ys)
    across, down = _factor(max(xs) - left, more), _factor(max(ys) - top, more)

    def moved(points: tuple[Point, ...]) -> tuple[Point, ...]:
        return tuple([(left + (x - left) * across, top + (y - top) * down) for x, y in points])

    return Polygon(exterior=moved(polygon.exterior), interior=tuple(map(moved, polygon.interior)))


def _factor(length: float, more: float) -> float:
    return max(length + more, 0.0) / length if length > _FLAT else 1.0


def decode_mask(bitmap: Bitmap) -> Mask:
    """Unpack a bitmap's mask.

    Returns:
        The mask in its own frame; its pixel (0, 0) is ``bitmap.origin`` in the image.

    Raises:
        InputError: The data are no mask, or one larger than :data:`MAX_MASK_PIXELS`.
    """
    with _open_mask(bitmap) as image:
        try:
            # The official SDK reads the alpha channel where there is one (``Bitmap.base64_2_data``); of a palette the
            # numbers are the mask, its colours are not.
            if "A" in image.getbands():
                pixels = np.asarray(image.getchannel("A"))
            elif image.mode == "P":
                pixels = np.asarray(image)
            else:
                pixels = np.asarray(image.convert("L"))
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError(_("The mask of a bitmap is damaged."), _("Export the annotation again.")) from error
    return pixels.astype(bool)


def encode_mask(mask: Mask, origin: tuple[int, int] = (0, 0)) -> Bitmap:
    """Pack a mask the way Supervisely does: a palette PNG, zlib, base64."""
    image = Image.fromarray(mask.astype(np.uint8))
    image.putpalette([0, 0, 0, 255, 255, 255])
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", transparency=0, optimize=False)
    return Bitmap(origin=origin, data=base64.b64encode(zlib.compress(buffer.getvalue())).decode("ascii"))


def fill(polygon: Polygon, width: int, height: int) -> Mask:
    """Return the pixels a polygon covers in an image of the given size."""
    image = Image.new("1", (width, height))
    draw = ImageDraw.Draw(image)
    draw.polygon([(round(x), round(y)) for x, y in polygon.exterior], fill=1, outline=1)
    for hole in polygon.interior:
        draw.polygon([(round(x), round(y)) for x, y in hole], fill=0, outline=0)
    return np.asarray(image)


def _open_mask(bitmap: Bitmap) -> Image.Image:
    """Open the PNG of a bitmap; its pixels are not read yet."""
    try:
        packed = base64.b64decode(bitmap.data, validate=True)  # not all who write it compress the PNG
        png = packed if packed.startswith(_PNG_START) else _unpack(packed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(png), formats=("PNG",))
    except Image.DecompressionBombError as error:
        raise InputError(_TOO_LARGE, _(_SMALLER)) from error
    except (binascii.Error, zlib.error, OSError, SyntaxError, ValueError) as error:
        msg = _("The data of a bitmap are not a base64 text of a compressed PNG mask.")
        raise InputError(msg, _("Export the annotation again.")) from error
    if image.width * image.height > MAX_MASK_PIXELS:
        raise InputError(_TOO_LARGE, _(_SMALLER))
    return image


def _unpack(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    png = unpacker.decompress(packed, _MAX_PNG_BYTES)
    if unpacker.unconsumed_tail:
        raise ValueError("longer than any mask")
    return png


# Geometries and the border of their image: cutting at it, refusing what lies beyond.

TOLERANCE = 1.0  # pixels beyond the border that nobody needs to hear of: annotation tools round to either side of it
_FEWEST_POINTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Clipped:
    """What is left of a geometry."""

    geometry: Geometry | None  # `None` if nothing is
    was_cut: bool  # a part that can be seen was cut off
    had_area: bool = True  # it had an area before


def clip_geometry(geometry: Geometry, width: int, height: int) -> Clipped:
    """Cut a geometry at the border of an image; one of a shape that we do not know stays as it is.

    Raises:
        InputError: A mask is damaged.
    """
    match geometry:
        case Rectangle():
            return Clipped(geometry=clip(geometry, width, height), was_cut=_reaches_out(geometry, width, height))
        case Polygon():
            return _clip_polygon(geometry, width, height)
        case Bitmap():
            return _clip_bitmap(geometry, width, height)
        case OtherGeometry():
            return Clipped(geometry=geometry, was_cut=False)


def annotation_inside(obj: object, *, where: str = "annotation") -> Annotation:
    """Read the annotation of an image, whose objects must lie inside of it.

    Raises:
        InputError: A field is missing or wrong, or an object lies outside by more than :data:`TOLERANCE`; names the
            object.
    """
    annotation = annotation_from_json(obj, where=where)
    for number, label in enumerate(annotation.labels, start=1):
        place = f"{where}, object {number}"
        try:
            box = bounds(label.geometry)
        except InputError as error:
            raise InputError(f"{place}: {error.message}", error.hint) from error
        # One pixel more on the right and below than an import leaves: an edge there may be a position, not a pixel.
        if box is not None and _reaches_out(box, annotation.width + 1, annotation.height + 1):
            msg = _(
                "{place}: the {shape} from ({left}, {top}) to ({right}, {bottom}) lies "
                "outside the image of {width} x {height} pixels."
            ).format(
                place=place,
                shape=shape_name(label.geometry),
                **_corners(box),
                width=annotation.width,
                height=annotation.height,
            )
            raise InputError(msg, _("Import the project; the import cuts such objects at the border and says so."))
    return annotation


def inside(geometry: Geometry, width: int, height: int) -> Geometry:
    """Return a geometry that lies in an image, cut where it reaches beyond the border by up to :data:`TOLERANCE`.

    Raises:
        InputError: It lies farther outside, or a mask is damaged.
    """
    box = bounds(geometry)
    if box is None or (min(box.left, box.top) >= 0 and box.right <= width - 1 and box.bottom <= height - 1):
        return geometry
    if _reaches_out(box, width, height):
        msg = _(
            "the {shape} from ({left}, {top}) to ({right}, {bottom}) lies outside the "
            "image of {width} x {height} pixels."
        ).format(
            shape=shape_name(geometry),
            **_corners(box),
            width=width,
            height=height,
        )
        raise InputError(msg, _("Cut it at the border of the image."))
    return clip_geometry(geometry, width, height).geometry or geometry


def _corners(box: Rectangle) -> dict[str, str]:
    """Return the placeholders of a message that tells where a box is."""
    return {side: f"{getattr(box, side):g}" for side in ("left", "top", "right", "bottom")}


def _reaches_out(box: Rectangle | None, width: int, height: int) -> bool:
    if box is None:
        return False
    right, bottom = width - 1 + TOLERANCE, height - 1 + TOLERANCE
    return min(box.left, box.top) < -TOLERANCE or box.right > right or box.bottom > bottom


def _clip_polygon(polygon: Polygon, width: int, height: int) -> Clipped:
    if not has_area(polygon.exterior):
        return Clipped(geometry=None, was_cut=False, had_area=False)
    box = bounds(polygon)
    if box is not None and box.left >= 0 and box.top >= 0 and box.right <= width - 1 and box.bottom <= height - 1:
        return Clipped(geometry=polygon, was_cut=False)
    exterior = _clip_outline(polygon.exterior, width - 1, height - 1)
    if len(exterior) < _FEWEST_POINTS or not has_area(exterior):
        return Clipped(geometry=None, was_cut=True)
    holes = (_clip_outline(hole, width - 1, height - 1) for hole in polygon.interior)
    interior = tuple(hole for hole in holes if len(hole) >= _FEWEST_POINTS and has_area(hole))
    return Clipped(geometry=Polygon(exterior=exterior, interior=interior), was_cut=_reaches_out(box, width, height))


def _clip_outline(points: tuple[Point, ...], right: float, bottom: float) -> tuple[Point, ...]:
    """Cut at each of the four borders in turn (Sutherland and Hodgman 1974)."""
    # Shapely's exact clipping takes twice as long and gives several polygons where an outline leaves the image and
    # comes back; here the parts stay one outline, joined along the border, so that one object stays one object.
    points = _cut(points, lambda p: p[0])
    points = _cut(points, lambda p: right - p[0])
    points = _cut(points, lambda p: p[1])
    points = _cut(points, lambda p: bottom - p[1])
    # Points on a border were calculated and may lie a rounding error beyond it.
    return tuple((min(max(x, 0.0), right), min(max(y, 0.0), bottom)) for x, y in points)


def _cut(points: tuple[Point, ...], depth: Callable[[Point], float]) -> tuple[Point, ...]:
    """Keep the side where the depth is not negative."""
    kept: list[Point] = []
    for start, end in zip((*points[-1:], *points[:-1]), points, strict=True):
        first, second = depth(start), depth(end)
        if (first < 0) != (second < 0):
            share = first / (first - second)
            kept.append((start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])))
        if second >= 0:
            kept.append(end)
    return tuple(kept)


def _clip_bitmap(bitmap: Bitmap, width: int, height: int) -> Clipped:
    mask = decode_mask(bitmap)
    if not mask.any():
        return Clipped(geometry=None, was_cut=False, had_area=False)
    x, y = bitmap.origin
    left, top = max(-x, 0), max(-y, 0)
    right, bottom = min(width - x, mask.shape[1]), min(height - y, mask.shape[0])
    if (left, top, right, bottom) == (0, 0, mask.shape[1], mask.shape[0]):
        return Clipped(geometry=bitmap, was_cut=False)
    part = mask[top : max(bottom, top), left : max(right, left)]
    if not part.any():
        return Clipped(geometry=None, was_cut=True)
    was_cut = int(part.sum()) < int(mask.sum())  # clear pixels that are lost are no loss
    return Clipped(geometry=encode_mask(part, (x + left, y + top)), was_cut=was_cut)
