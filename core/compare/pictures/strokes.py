"""Lines and masks on a picture: dashed like the experiment's lines in the charts, and readable on any background."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise
from math import hypot

from PIL import Image as Picture
from PIL import ImageDraw

from core.domain.annotation import Point, Polygon

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
FILL = 90
"""Of 255: how much a mask covers what is under it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """How a line looks.

    Attributes:
        color: ``#RRGGBB``.
        dash: Name in :data:`DASHES`.
        width: Pixels, without the dark rim around it.
        finer: Pixels of the canvas for each of these.
    """

    color: str
    dash: str = "solid"
    width: int = 3
    finer: float = 1.0


def draw_outline(pen: ImageDraw.ImageDraw, corners: Corners, stroke: Stroke) -> None:
    """Draw a box."""
    left, top, right, bottom = corners
    _draw_closed(pen, [(left, top), (right, top), (right, bottom), (left, bottom)], stroke)


def draw_contours(pen: ImageDraw.ImageDraw, parts: Sequence[Polygon], stroke: Stroke) -> None:
    """Draw the borders of a mask, those of its holes, too."""
    for part in parts:
        for outline in (part.exterior, *part.interior):
            _draw_closed(pen, outline, stroke)


def _draw_closed(pen: ImageDraw.ImageDraw, outline: Sequence[Point], stroke: Stroke) -> None:
    lengths = tuple(length * 1.2 * stroke.finer for length in DASHES[stroke.dash])
    _draw(pen, list(_dashed([*outline, outline[0]], lengths)), stroke)


def fill_mask(canvas: Picture.Image, parts: Sequence[Polygon], color: str) -> None:
    """Lay a colour over a mask through which the picture is still seen; holes stay clear.

    Args:
        canvas: RGB, changed in place.
        parts: In pixels of the picture.
        color: ``#RRGGBB``.
    """
    cover = Picture.new("L", canvas.size, 0)
    pen = ImageDraw.Draw(cover)
    for part in parts:
        pen.polygon(part.exterior, fill=FILL)
        for hole in part.interior:
            pen.polygon(hole, fill=0)
    canvas.paste(color, (0, 0, *canvas.size), cover)


def draw_brackets(pen: ImageDraw.ImageDraw, corners: Corners, stroke: Stroke) -> None:
    """Draw the four corners of a box: the ground truth, which must not hide what it stands for."""
    left, top, right, bottom = corners
    across, down = (right - left) * 0.28, (bottom - top) * 0.28
    pieces = []
    for x, y, dx, dy in ((left, top, 1, 1), (right, top, -1, 1), (right, bottom, -1, -1), (left, bottom, 1, -1)):
        pieces += [((x + dx * across, y), (x, y)), ((x, y), (x, y + dy * down))]
    _draw(pen, pieces, stroke)


Piece = tuple[Point, Point]


def _draw(pen: ImageDraw.ImageDraw, pieces: list[Piece], stroke: Stroke) -> None:
    for piece in pieces:
        pen.line(piece, fill=HALO, width=round((stroke.width + 2) * stroke.finer))
    for piece in pieces:
        pen.line(piece, fill=stroke.color, width=round(stroke.width * stroke.finer))


def _dashed(path: list[Point], lengths: tuple[float, ...]) -> Iterator[Piece]:
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


def _between(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
