"""Masks → outlines.

The tracer follows the edges between set and clear pixels, so it needs no special cases: every edge belongs to exactly
one closed loop. Each loop is then told as the pixels beside it: the mask's own pixels for an outer border, the clear
pixels for a hole, so that filling the outline and clearing the holes gives the mask back.
"""

from bisect import bisect_left
from collections import defaultdict

import numpy as np
import numpy.typing as npt

from core.datasets.geometry import Mask, outline_area
from core.domain.annotation import Point, Polygon

_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))
"""(rows, columns) of a step east, south, west, north."""
_NORTH = 3
_RIGHT = ((0, 0), (0, -1), (-1, -1), (-1, 0))
"""Per direction, the pixel on the right hand of an edge, seen from the corner it starts at."""
_LEFT = ((-1, 0), (0, 0), (0, -1), (-1, -1))
"""Per direction, the pixel on the left hand."""
_CORNER = ((0, 0), (0, 0), (0, 0), (0, 0))
"""Per direction, the corner an edge starts at."""
_SMALLEST_OUTLINE = 3


def trace(mask: Mask, *, tolerance: float = 0.0, corners: bool = False) -> tuple[Polygon, ...]:
    """Return the outlines of the connected parts of a mask, largest first.

    Pixels that touch at a corner only are connected, those of a hole are not. Parts that are too thin to enclose a
    triangle of pixels (single ones, straight lines) have no outline by pixels and are left out, and so are such holes.

    Args:
        mask: Boolean array of shape (height, width).
        tolerance: Largest distance in pixels between the outline given and the exact one.
        corners: Tell the corners the edges go through, from (0, 0) at the upper left corner of the mask to
            (width, height), instead of pixels.
    """
    loops = _loops(mask)
    outers = [number for number, loop in enumerate(loops) if _turning(loop) > 0]
    holes = _holes_by_outer(loops, frozenset(outers))
    found = []
    for number in outers:
        exterior = _outline(loops[number], _CORNER if corners else _RIGHT, tolerance)
        if exterior is None:
            continue
        inside = (_outline(loops[hole], _CORNER if corners else _LEFT, tolerance) for hole in holes.get(number, ()))
        interior = tuple(outline for outline in inside if outline is not None)
        found.append(Polygon(exterior=exterior, interior=interior))
    return tuple(sorted(found, key=lambda polygon: outline_area(polygon.exterior), reverse=True))


_Loop = list[tuple[int, int, int]]
"""Edges as (row, column) of the corner they start at and the direction, in walking order."""


def _loops(mask: Mask) -> list[_Loop]:
    """Follow all edges; the set pixels are on the right hand."""
    edges = _edges(mask)
    remaining = dict.fromkeys(edges)
    loops = []
    while remaining:
        start = next(iter(remaining))
        loop = [start]
        del remaining[start]
        while (following := _next_edge(loop[-1], remaining)) is not None:
            loop.append(following)
            del remaining[following]
        loops.append(loop)
    return loops


def _edges(mask: Mask) -> list[tuple[int, int, int]]:
    """All edges between a set and a clear pixel."""
    set_rows, set_columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not set_rows.size:
        return []
    top, left = int(set_rows[0]), int(set_columns[0])
    padded = np.pad(mask[top : int(set_rows[-1]) + 1, left : int(set_columns[-1]) + 1], 1)
    core = padded[1:-1, 1:-1]
    clear = {
        0: (~padded[:-2, 1:-1], 0, 0),  # nothing above: walk east along the top
        1: (~padded[1:-1, 2:], 0, 1),  # nothing to the right: walk south
        2: (~padded[2:, 1:-1], 1, 1),  # nothing below: walk west
        3: (~padded[1:-1, :-2], 1, 0),  # nothing to the left: walk north
    }
    edges: list[tuple[int, int, int]] = []
    for direction, (beside, row_shift, column_shift) in clear.items():
        rows, columns = np.nonzero(core & beside)
        shifted = zip((rows + (top + row_shift)).tolist(), (columns + (left + column_shift)).tolist(), strict=True)
        edges.extend((row, column, direction) for row, column in shifted)
    return edges


def _next_edge(edge: tuple[int, int, int], remaining: dict[tuple[int, int, int], None]) -> tuple[int, int, int] | None:
    """The edge that goes on; where two do, the left turn keeps pixels together that touch at the corner."""
    row, column, direction = edge
    row, column = row + _STEPS[direction][0], column + _STEPS[direction][1]
    for turn in (-1, 0, 1):
        following = (row, column, (direction + turn) % 4)
        if following in remaining:
            return following
    return None


def _turning(loop: _Loop) -> float:
    """Twice the signed area: positive for an outer border, negative for a hole."""
    corners = np.array([(column, row) for row, column, _ in loop], dtype=np.float64)
    ahead = np.roll(corners, -1, axis=0)
    return float(np.sum(corners[:, 0] * ahead[:, 1] - ahead[:, 0] * corners[:, 1]))


def _holes_by_outer(loops: list[_Loop], outers: frozenset[int]) -> dict[int, list[int]]:
    """Number of an outer border → numbers of the holes in its part of the mask.

    The first pixel of a hole in reading order has a set pixel on its left. From there to the left, the part ends at its
    outer border or at another hole of the same part, which comes earlier in reading order (Suzuki and Abe 1985).
    """
    left_ends: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, loop in enumerate(loops):
        for row, column, direction in loop:
            if direction == _NORTH:
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
    return min((row + _LEFT[direction][0], column + _LEFT[direction][1]) for row, column, direction in loop)


def _outline(loop: _Loop, side: tuple[tuple[int, int], ...], tolerance: float) -> tuple[Point, ...] | None:
    pixels: list[tuple[int, int]] = []
    for row, column, direction in loop:
        pixel = (column + side[direction][1], row + side[direction][0])
        if not pixels or pixels[-1] != pixel:
            pixels.append(pixel)
    if len(pixels) > 1 and pixels[0] == pixels[-1]:
        pixels.pop()
    if len(pixels) < _SMALLEST_OUTLINE:
        return None
    kept = simplify(np.array(pixels, dtype=np.float64), tolerance)
    outline = tuple((float(x), float(y)) for x, y in kept)
    return outline if len(outline) >= _SMALLEST_OUTLINE and outline_area(outline) > 0 else None


def simplify(points: npt.NDArray[np.float64], tolerance: float) -> npt.NDArray[np.float64]:
    """Leave out points of a closed outline (Douglas and Peucker 1973).

    Args:
        points: Shape (N, 2), not closed.
        tolerance: Largest distance of a point left out to the outline kept, in pixels.

    Returns:
        Shape (M, 2), M <= N, in the same order.
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
