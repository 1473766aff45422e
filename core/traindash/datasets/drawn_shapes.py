"""Shapes as annotation tools write them, in positions: 0 is the left or upper edge of the image; made geometries here.

What lies between two pixels there covers whole pixels here, see :mod:`traindash.datasets.geometry`.
"""

import json
import math
import re
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from traindash.datasets.geometry import (
    MAX_MASK_PIXELS,
    Mask,
    decode_mask,
    encode_mask,
    fill,
    rectangle_at,
    set_extent,
    to_pixels,
)
from traindash.domain.annotation import Bitmap, OtherGeometry, Point, Polygon, Rectangle
from traindash.errors import InputError
from traindash.formatting import count
from traindash.language import gettext as _

Size: TypeAlias = tuple[int, int]  # width and height in pixels
_FARTHEST = 1e7  # pixels from the image that are believed; a bound on both sides keeps NaN and infinity out
_FEWEST_POINTS = 3
_ARC_POINTS = 72  # corners of the polygon for a circle: at a radius of 500 pixels it is off by half of one
# As spreadsheets of half the world write numbers. With three digits behind it the comma may stand between thousands.
_DECIMAL_COMMA = re.compile(r"\s*-?\d+,(\d{1,2}|\d{4,})\s*", re.ASCII)


def number(value: object) -> float:
    """Return a coordinate.

    Raises:
        InputError: It is no number, or one that no image has.
    """
    if isinstance(value, str) and _DECIMAL_COMMA.fullmatch(value):
        value = value.replace(",", ".")
    try:
        found = math.nan if isinstance(value, bool) or not isinstance(value, str | int | float) else float(value)
    except (ValueError, OverflowError):
        found = math.nan
    if not -_FARTHEST <= found <= _FARTHEST:
        shown = "" if value is None else str(value)[:40] if isinstance(value, str | float) else "a value"
        raise InputError(
            _("“{shown}” is not a coordinate.").format(shown=shown) if shown else _("A coordinate is missing.")
        )
    return found


def box(x1: float, y1: float, x2: float, y2: float) -> Rectangle:
    """Return the box between two opposite corners, in any order.

    Raises:
        InputError: It has no area.
    """
    return rectangle_at(min(x1, x2), min(y1, y2), abs(x2 - x1), abs(y2 - y1))


def polygon(points: Sequence[Point]) -> Polygon:
    """Return the polygon through points; a last point that repeats the first is left out.

    Raises:
        InputError: There are fewer than three.
    """
    outline = tuple(points[:-1]) if len(points) > _FEWEST_POINTS and points[0] == points[-1] else tuple(points)
    if len(outline) < _FEWEST_POINTS:
        raise InputError(
            _("A polygon of {count} points is not one: it takes at least three.").format(count=len(outline))
        )
    return to_pixels(Polygon(exterior=outline))


def turned_box(corner: Point, size: tuple[float, float], degrees: float, around: Point) -> Polygon:
    """Return a box that was turned clockwise, as its four corners.

    Raises:
        InputError: It has no area.
    """
    (left, top), (width, height) = corner, size
    if width <= 0 or height <= 0:
        raise InputError(
            _("A box of {width} x {height} pixels has no area.").format(width=f"{width:g}", height=f"{height:g}")
        )
    corners = ((left, top), (left + width, top), (left + width, top + height), (left, top + height))
    return polygon([_turned(point, degrees, around) for point in corners])


def ellipse(center: Point, radii: tuple[float, float], degrees: float = 0.0) -> Polygon:
    """Return an ellipse, turned clockwise, as a polygon.

    Raises:
        InputError: It has no area.
    """
    if min(radii) <= 0:
        raise InputError(
            _("An ellipse with radii of {first} and {second} pixels has no area.").format(
                first=f"{radii[0]:g}", second=f"{radii[1]:g}"
            )
        )
    angles = (2 * math.pi * step / _ARC_POINTS for step in range(_ARC_POINTS))
    points = ((center[0] + radii[0] * math.cos(a), center[1] + radii[1] * math.sin(a)) for a in angles)
    return polygon([_turned(point, degrees, center) for point in points])


def _turned(point: Point, degrees: float, around: Point) -> Point:
    if not degrees:
        return point
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    x, y = point[0] - around[0], point[1] - around[1]
    return around[0] + x * cos - y * sin, around[1] + x * sin + y * cos


def together(parts: Sequence[Polygon | Bitmap], size: Size) -> Bitmap:
    """Return the mask of one object that was drawn in several parts.

    Raises:
        InputError: Nothing of it is inside the image.
    """
    width, height = size
    if width * height > MAX_MASK_PIXELS:
        raise InputError(_("Its mask would have more than {number} pixels.").format(number=count(MAX_MASK_PIXELS)))
    whole = np.zeros((height, width), dtype=np.bool_)
    for part in parts:
        match part:
            case Polygon():
                whole |= fill(part, width, height)
            case Bitmap(origin=(x, y)):
                inside = whole[max(y, 0) :, max(x, 0) :]
                mask = decode_mask(part)[max(-y, 0) :, max(-x, 0) :][: inside.shape[0], : inside.shape[1]]
                inside[: mask.shape[0], : mask.shape[1]] |= mask
    return mask_at(whole, (0, 0))


def mask_at(mask: Mask, origin: tuple[int, int]) -> Bitmap:
    """Return the set part of a mask whose first pixel is at ``origin`` in the image.

    Raises:
        InputError: No pixel is set.
    """
    if (extent := set_extent(mask)) is None:
        raise InputError(_("Its mask is empty."))
    rows, columns = extent
    return encode_mask(mask[extent], (origin[0] + columns.start, origin[1] + rows.start))


def runs_to_mask(runs: Sequence[int], width: int, height: int) -> Mask:
    """Unpack counts of clear and set pixels in turn, row by row.

    Raises:
        InputError: They do not add up to the size, or the mask is larger than is unpacked.
    """
    sizes_fit = min(width, height) >= 1 and width * height <= MAX_MASK_PIXELS
    if not sizes_fit or min(runs, default=-1) < 0 or sum(runs) != width * height:
        raise InputError(
            _("The run lengths of a mask do not fit its size of {width} x {height} pixels.").format(
                width=width, height=height
            )
        )
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(height, width)


def line(points: Sequence[Point]) -> OtherGeometry:
    """Return a line through points, in Supervisely's form (``Polyline`` of the official SDK)."""
    return _other("line", points)


def point(at: Point) -> OtherGeometry:
    """Return a point, in Supervisely's form (``Point`` of the official SDK)."""
    return _other("point", (at,))


def _other(shape: str, points: Sequence[Point]) -> OtherGeometry:
    exterior = [[x, y] for x, y in points]
    return OtherGeometry(shape=shape, json=json.dumps({"points": {"exterior": exterior, "interior": []}}))
