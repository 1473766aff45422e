"""Outlines of masks, so that pictures draw what a segmentation model finds and not the box around it."""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import numpy as np

from core.compare.pictures.marks import Mark
from core.datasets.contours import trace
from core.domain.annotation import Point, Polygon
from core.evaluation import Evaluation
from core.evaluation.kept_masks import PackedMasks, RunLengths

Shape = tuple[Polygon, ...]
"""The parts of a mask in pixels of the image, along the edges of its pixels; empty where there is only a box."""

FINEST = 256
"""Pixels along the longer side of a mask that are looked at; a larger one is told that much coarser."""
_MOST_KEPT = 512
"""Outlines that stay at hand: those of a page of the gallery; each is up to 100 KB."""


def shape_of(evaluation: Evaluation, mark: Mark) -> Shape:
    """Return the mask behind a mark; empty where the evaluation compares boxes.

    Args:
        evaluation: The one whose rows the mark has.
        mark: A prediction or an object.
    """
    if evaluation.masks is None:
        return ()
    if mark.dt >= 0:
        return _outlines(evaluation.masks.dt, int(evaluation.pair.dt.place[evaluation.table.dt_row[mark.dt]]))
    return _outlines(evaluation.masks.gt, int(evaluation.pair.gt.ids[mark.gt]))


def path_data(shape: Shape) -> str:
    """Return a shape as the data of an SVG path, to be filled by the rule ``evenodd``."""
    return outlines_data(outline for part in shape for outline in (part.exterior, *part.interior))


def outlines_data(outlines: Iterable[Sequence[Point]]) -> str:
    """Return closed outlines as the data of an SVG path."""
    return "".join(f"M{' '.join(f'{x:g},{y:g}' for x, y in outline)}Z" for outline in outlines)


def moved(shape: Shape, place: Callable[[Point], Point]) -> Shape:
    """Return a shape with each of its points moved."""

    def along(outline: Sequence[Point]) -> tuple[Point, ...]:
        return tuple(place(point) for point in outline)

    return tuple(
        Polygon(exterior=along(part.exterior), interior=tuple(along(hole) for hole in part.interior)) for part in shape
    )


@lru_cache(maxsize=_MOST_KEPT)
def _outlines(masks: PackedMasks, key: int) -> Shape:
    found = masks.find(key)
    return () if found is None else traced(found)


def traced(runs: RunLengths) -> Shape:
    """Return the outlines of a mask; nothing where no pixel is set."""
    mask = runs.pixels()
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return ()
    top, left = int(rows[0]), int(columns[0])
    part = mask[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1]
    step = math.ceil(max(part.shape) / FINEST)
    outlines = trace(part[::step, ::step], corners=True)
    return moved(outlines, lambda point: (left + step * point[0], top + step * point[1]))
