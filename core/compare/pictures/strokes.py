"""Lines on a picture: dashed like the experiment's lines in the charts, and readable on any background."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle, pairwise
from math import hypot

from PIL import ImageDraw

Corners = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels of the picture."""

DASHES: Mapping[str, tuple[float, ...]] = {
    "solid": (),
    "dash": (8, 4),
    "dot": (2, 3),
    "dashdot": (8, 3, 2, 3),
    "longdash": (14, 4),
    "longdashdot": (14, 3, 2, 3),
}
"""Name of a dash → lengths of strokes and gaps in turn, as in the charts."""

HALO = "#101318"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """How a line looks.

    Attributes:
        color: ``#RRGGBB``.
        dash: Name in :data:`DASHES`.
        width: Pixels, without the dark rim around it.
    """

    color: str
    dash: str = "solid"
    width: int = 3


def draw_outline(pen: ImageDraw.ImageDraw, corners: Corners, stroke: Stroke) -> None:
    """Draw a box."""
    left, top, right, bottom = corners
    path = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    pieces = list(_dashed(path, tuple(length * 1.2 for length in DASHES[stroke.dash])))
    _draw(pen, pieces, stroke)


def draw_brackets(pen: ImageDraw.ImageDraw, corners: Corners, stroke: Stroke) -> None:
    """Draw the four corners of a box: the ground truth, which must not hide what it stands for."""
    left, top, right, bottom = corners
    across, down = (right - left) * 0.28, (bottom - top) * 0.28
    pieces = []
    for x, y, dx, dy in ((left, top, 1, 1), (right, top, -1, 1), (right, bottom, -1, -1), (left, bottom, 1, -1)):
        pieces += [((x + dx * across, y), (x, y)), ((x, y), (x, y + dy * down))]
    _draw(pen, pieces, stroke)


Piece = tuple[tuple[float, float], tuple[float, float]]


def _draw(pen: ImageDraw.ImageDraw, pieces: list[Piece], stroke: Stroke) -> None:
    for piece in pieces:
        pen.line(piece, fill=HALO, width=stroke.width + 2)
    for piece in pieces:
        pen.line(piece, fill=stroke.color, width=stroke.width)


def _dashed(path: list[tuple[float, float]], lengths: tuple[float, ...]) -> Iterator[Piece]:
    """Yield the strokes along a path."""
    if not lengths:
        yield from pairwise(path)
        return
    turns = cycle(enumerate(lengths))
    place, left = next(turns)
    for start, end in pairwise(path):
        whole = hypot(end[0] - start[0], end[1] - start[1])
        done = 0.0
        while done < whole:
            step = min(left, whole - done)
            if place % 2 == 0:
                yield _between(start, end, done / whole), _between(start, end, (done + step) / whole)
            done, left = done + step, left - step
            if left <= 0:
                place, left = next(turns)


def _between(start: tuple[float, float], end: tuple[float, float], share: float) -> tuple[float, float]:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
