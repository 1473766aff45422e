"""Cuts geometries at the border of their image."""

from collections.abc import Callable
from dataclasses import dataclass

from core.datasets.geometry import bounds, clip, decode_mask, encode_mask, outline_area
from core.domain.annotation import Bitmap, Geometry, OtherGeometry, Point, Polygon, Rectangle

_SILENT = 1.0
"""Pixels beyond the border that nobody needs to hear of: tools round to either side of it."""
_FEWEST_POINTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Clipped:
    """What is left of a geometry.

    Attributes:
        geometry: ``None`` if nothing is.
        was_cut: A part that can be seen was cut off.
        had_area: It had an area before.
    """

    geometry: Geometry | None
    was_cut: bool
    had_area: bool = True


def clip_geometry(geometry: Geometry, width: int, height: int) -> Clipped:
    """Cut a geometry at the border of an image.

    Args:
        geometry: What to cut; :class:`~core.domain.annotation.OtherGeometry` stays as it is.
        width: Width of the image in pixels.
        height: Height of the image in pixels.

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


def _reaches_out(box: Rectangle | None, width: int, height: int) -> bool:
    if box is None:
        return False
    right, bottom = width - 1 + _SILENT, height - 1 + _SILENT
    return min(box.left, box.top) < -_SILENT or box.right > right or box.bottom > bottom


def _clip_polygon(polygon: Polygon, width: int, height: int) -> Clipped:
    if outline_area(polygon.exterior) <= 0:
        return Clipped(geometry=None, was_cut=False, had_area=False)
    box = bounds(polygon)
    if box is not None and box.left >= 0 and box.top >= 0 and box.right <= width - 1 and box.bottom <= height - 1:
        return Clipped(geometry=polygon, was_cut=False)
    exterior = _clip_outline(polygon.exterior, width - 1, height - 1)
    if len(exterior) < _FEWEST_POINTS or outline_area(exterior) <= 0:
        return Clipped(geometry=None, was_cut=True)
    holes = (_clip_outline(hole, width - 1, height - 1) for hole in polygon.interior)
    interior = tuple(hole for hole in holes if len(hole) >= _FEWEST_POINTS and outline_area(hole) > 0)
    return Clipped(geometry=Polygon(exterior=exterior, interior=interior), was_cut=_reaches_out(box, width, height))


def _clip_outline(points: tuple[Point, ...], right: float, bottom: float) -> tuple[Point, ...]:
    """Cut at each of the four borders in turn (Sutherland and Hodgman 1974)."""
    points = _cut(points, lambda p: p[0])
    points = _cut(points, lambda p: right - p[0])
    points = _cut(points, lambda p: p[1])
    points = _cut(points, lambda p: bottom - p[1])
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
    was_cut = int(part.sum()) < int(mask.sum())
    return Clipped(geometry=encode_mask(part, (x + left, y + top)), was_cut=was_cut)
