"""Masks → outlines.

The tracer follows the edges between set and clear pixels, so it needs no special cases: every edge belongs to exactly
one closed loop. Each loop is then told as the pixels beside it: the mask's own pixels for an outer border, the clear
pixels for a hole, so that filling the outline and clearing the holes gives the mask back.
"""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from traindash.datasets.geometry import Mask, corners_of, decode_mask, outline_area, set_extent, to_positions
from traindash.domain.annotation import Bitmap, Geometry, OtherGeometry, Point, Polygon, Rectangle

Outline: TypeAlias = tuple[Point, ...]  # closed: its last point is joined to the first

# (rows, columns) of a step east, south, west, north
_STEPS = np.array(((0, 1), (1, 0), (0, -1), (-1, 0)))
_NORTH = 3
# Per direction, the pixel on the right hand of an edge, seen from the corner it starts at
_RIGHT = np.array(((0, 0), (0, -1), (-1, -1), (-1, 0)))
# Per direction, the pixel on the left hand
_LEFT = np.array(((-1, 0), (0, 0), (0, -1), (-1, -1)))
_SMALLEST_OUTLINE = 3
# Pixels by which the outline made of a mask may miss it: neither training labels nor people need more
MASK_TOLERANCE = 0.75
# Parts of a mask smaller than this share of the largest part are specks of the brush
_SPECK = 0.01


def trace(
    mask: Mask, *, tolerance: float = 0.0, corners: bool = False, origin: tuple[int, int] = (0, 0)
) -> tuple[Polygon, ...]:
    """Return the outlines of the connected parts of a mask, largest first.

    Pixels that touch at a corner only are connected, those of a hole are not. Parts that are too thin to enclose a
    triangle of pixels (single ones, straight lines) have no outline by pixels and are left out, and so are such holes.

    Args:
        mask: Boolean array of shape (height, width).
        tolerance: Largest distance in pixels between the outline given and the exact one.
        corners: Tell the corners the edges go through, from (0, 0) at the upper left corner of the mask to
            (width, height), instead of pixels.
        origin: (x, y) of the mask in its image, added to all points.
    """
    loops = _loops(mask)
    offset = np.array(origin, dtype=np.float64)
    outers = [number for number, loop in enumerate(loops) if _turning(loop) > 0]
    holes = _holes_by_outer(loops, frozenset(outers))
    found = []
    for number in outers:
        exterior = _outline(loops[number], None if corners else _RIGHT, tolerance, offset)
        if exterior is None:
            continue
        inside = (_outline(loops[hole], None if corners else _LEFT, tolerance, offset) for hole in holes[number])
        interior = tuple(outline for outline in inside if outline is not None)
        found.append(Polygon(exterior=exterior, interior=interior))
    return tuple(sorted(found, key=lambda polygon: outline_area(polygon.exterior), reverse=True))


def filled(outlines: Iterable[Outline], width: int, height: int) -> Mask:
    """Return the pixels inside of outlines by positions, of which one within another is a hole.

    The inverse of :func:`trace` with its corners: a pixel belongs where its centre lies within an odd number of them.
    """
    crossings = np.zeros((height, width + 1), dtype=np.bool_)
    for outline in outlines:
        starts = np.array(outline, dtype=np.float64)
        for (x, y), (to_x, to_y) in zip(starts, np.roll(starts, -1, axis=0), strict=True):
            first, last = (math.ceil(min(max(side, 0), height) - 0.5) for side in sorted((y, to_y)))
            rows = np.arange(first, last)
            if rows.size:
                places = x + (rows + 0.5 - y) * ((to_x - x) / (to_y - y))
                columns = np.ceil(places - 0.5).clip(0, width).astype(np.int64)
                crossings[rows, columns] ^= True
    inside: Mask = np.logical_xor.accumulate(crossings, axis=1)[:, :-1]
    return inside


# (N, 3) row and column of the corner that an edge starts at, and its direction, in walking order
_Loop = npt.NDArray[np.int64]


def _loops(mask: Mask) -> list[_Loop]:
    """Follow all edges; the set pixels are on the right hand."""
    edges = _edges(mask)
    following = _following(edges).tolist()
    is_new = [True] * len(following)
    loops = []
    for start, new in enumerate(is_new):
        if not new:
            continue
        loop, place = [], start
        while is_new[place]:
            is_new[place] = False
            loop.append(place)
            place = following[place]
        loops.append(edges[loop])
    return loops


def _edges(mask: Mask) -> _Loop:
    """Return all edges between a set and a clear pixel."""
    if (extent := set_extent(mask)) is None:
        return np.zeros((0, 3), dtype=np.int64)
    # Most masks of a whole image are empty around one object: what is not looked at costs nothing.
    top, left = extent[0].start, extent[1].start
    padded = np.pad(mask[extent], 1)
    core = padded[1:-1, 1:-1]
    clear = {
        0: (~padded[:-2, 1:-1], 0, 0),  # nothing above: walk east along the top
        1: (~padded[1:-1, 2:], 0, 1),  # nothing to the right: walk south
        2: (~padded[2:, 1:-1], 1, 1),  # nothing below: walk west
        3: (~padded[1:-1, :-2], 1, 0),  # nothing to the left: walk north
    }
    sides = []
    for direction, (beside, row_shift, column_shift) in clear.items():
        rows, columns = np.nonzero(core & beside)
        sides.append(
            np.column_stack([rows + (top + row_shift), columns + (left + column_shift), np.full(rows.size, direction)])
        )
    return np.concatenate(sides)


def _following(edges: _Loop) -> npt.NDArray[np.int64]:
    """Return (N,) the edge that goes on; where two do, the left turn keeps pixels together that touch at the corner."""
    if not edges.size:
        return np.zeros(0, dtype=np.int64)
    low = edges[:, :2].min(axis=0)
    place = edges[:, :2] - low
    numbers = np.full((4, *(place.max(axis=0) + 1)), -1, dtype=np.int64)
    direction = edges[:, 2]
    numbers[direction, place[:, 0], place[:, 1]] = np.arange(len(edges))
    row, column = (place + _STEPS[direction]).T
    left, ahead, right = (numbers[(direction + turn) % 4, row, column] for turn in (-1, 0, 1))
    found: npt.NDArray[np.int64] = np.where(left >= 0, left, np.where(ahead >= 0, ahead, right))
    return found


def _turning(loop: _Loop) -> float:
    """Twice the signed area: positive for an outer border, negative for a hole."""
    row, column = loop[:, 0], loop[:, 1]
    return float(np.sum(column * np.roll(row, -1) - np.roll(column, -1) * row))


def _holes_by_outer(loops: list[_Loop], outers: frozenset[int]) -> dict[int, list[int]]:
    """Number of an outer border → numbers of the holes in its part of the mask.

    The first pixel of a hole in reading order has a set pixel on its left. From there to the left, the part ends at its
    outer border or at another hole of the same part, which comes earlier in reading order (Suzuki and Abe 1985).
    """
    left_ends: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, loop in enumerate(loops):
        for row, column in loop[loop[:, 2] == _NORTH, :2].tolist():
            left_ends[row - 1].append((column, number))
    for ends in left_ends.values():
        ends.sort()
    first_pixels = sorted(
        (_first_hole_pixel(loop), number) for number, loop in enumerate(loops) if number not in outers
    )
    outer_of = {number: number for number in outers}
    found: dict[int, list[int]] = defaultdict(list)
    for (row, column), number in first_pixels:
        ends = left_ends[row]
        _, neighbour = ends[bisect_left(ends, (column, -1)) - 1]
        outer_of[number] = outer_of[neighbour]
        found[outer_of[neighbour]].append(number)
    return found


def _first_hole_pixel(loop: _Loop) -> tuple[int, int]:
    pixels = loop[:, :2] + _LEFT[loop[:, 2]]
    row, column = pixels[np.lexsort((pixels[:, 1], pixels[:, 0]))[0]].tolist()
    return row, column


def _outline(
    loop: _Loop, side: npt.NDArray[np.int64] | None, tolerance: float, offset: npt.NDArray[np.float64]
) -> tuple[Point, ...] | None:
    """Return the corners of a loop, or the pixels on one side of it; ``None`` if they enclose nothing."""
    points = _corners(loop) if side is None else _pixels_beside(loop, side)
    if (side is not None or tolerance) and len(points) >= _SMALLEST_OUTLINE:  # corners alone are exact and few already
        points = simplify(points, tolerance)
    outline: tuple[Point, ...] = tuple(map(tuple, (points + offset).tolist()))
    return outline if len(outline) >= _SMALLEST_OUTLINE and outline_area(outline) > 0 else None


def _corners(loop: _Loop) -> npt.NDArray[np.float64]:
    """Return (M, 2) x and y of the corners where a loop turns."""
    direction = loop[:, 2]
    corners: npt.NDArray[np.float64] = loop[direction != np.roll(direction, 1), 1::-1].astype(np.float64)
    return corners


def _pixels_beside(loop: _Loop, side: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return (M, 2) x and y of the pixels along a loop, none twice in turn."""
    pixels: npt.NDArray[np.float64] = (loop[:, :2] + side[loop[:, 2]])[:, ::-1].astype(np.float64)
    is_new = np.append([True], (pixels[1:] != pixels[:-1]).any(axis=1))
    pixels = pixels[is_new]
    return pixels[:-1] if len(pixels) > 1 and (pixels[0] == pixels[-1]).all() else pixels


def simplify(points: npt.NDArray[np.float64], tolerance: float) -> npt.NDArray[np.float64]:
    """Leave out points of a closed outline (Douglas and Peucker 1973).

    The points have shape (N, 2), not closed; ``tolerance`` is the largest distance of a point left out, in pixels.
    Returns shape (M, 2), M <= N, in the same order.
    """
    if len(points) <= _SMALLEST_OUTLINE:
        return points
    far = int(np.argmax(np.sum((points - points[0]) ** 2, axis=1)))
    closed = np.vstack([points, points[:1]])
    keep = np.zeros(len(closed), dtype=np.bool_)
    keep[[0, far, len(points)]] = True
    limit = (tolerance + 1e-9) ** 2
    spans = [(0, far), (far, len(points))]
    while spans:
        first, last = spans.pop()
        if last - first < 2:  # noqa: PLR2004 - nothing in between
            continue
        distances = _square_distances(closed[first + 1 : last], closed[first], closed[last])
        worst = int(np.argmax(distances))
        if distances[worst] > limit:
            middle = first + 1 + worst
            keep[middle] = True
            spans += [(first, middle), (middle, last)]
    return closed[:-1][keep[:-1]]


def _square_distances(
    points: npt.NDArray[np.float64], start: npt.NDArray[np.float64], end: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Squares of the distances of points to the straight piece between two points."""
    along, off = end - start, points - start
    length = float(along @ along)
    if length > 0:
        off -= np.minimum(np.maximum(off @ along / length, 0), 1)[:, None] * along
    off *= off
    return np.asarray(off[:, 0] + off[:, 1])


def outlines(geometry: Geometry) -> tuple[Polygon, ...]:
    """Return the borders of a geometry's parts for training and measuring, largest first; none if it has no area.

    Unlike everywhere else, points are positions and not pixels: 0 is the left or upper edge of the image, so that the
    area inside is the number of pixels covered. Specks of a mask are left out.

    Raises:
        InputError: A mask is damaged.
    """
    match geometry:
        case Polygon():
            return (to_positions(geometry),)
        case Rectangle():
            # Not stretched as polygons are: a rectangle of one column is a pixel wide, not flat.
            return (corners_of(replace(geometry, right=geometry.right + 1, bottom=geometry.bottom + 1)),)
        case Bitmap(origin=(x, y)):
            parts = trace(decode_mask(geometry), tolerance=MASK_TOLERANCE, corners=True, origin=(x, y))
            return tuple(p for p in parts if outline_area(p.exterior) >= _SPECK * outline_area(parts[0].exterior))
        case OtherGeometry():
            return ()
