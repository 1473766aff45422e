"""Which detection overlaps which object of its image, and by how much."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.evaluation.records import CocoPair, FloatArray, IntArray

PAIRS_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlaps:
    """Pairs of a detection and an object of the same image that overlap enough to be matched.

    Attributes:
        dt: (P,) row of the detection, ascending.
        gt: (P,) row of the object.
        iou: (P,) intersection over union; over the detection's own area where the object is a crowd.
    """

    dt: IntArray
    gt: IntArray
    iou: FloatArray


def ranges(starts: IntArray, lengths: IntArray) -> tuple[IntArray, IntArray]:
    """Return the owner and the value of each element of many integer ranges laid end to end."""
    owner = np.repeat(np.arange(lengths.size), lengths)
    ends = np.cumsum(lengths)
    offset = starts - (ends - lengths)
    return owner, np.arange(owner.size) + offset[owner]


def _same_image_pairs(pair: CocoPair) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield rows of detections and objects of the same image, in blocks that fit into memory."""
    gt_start = np.searchsorted(pair.gt.image, pair.dt.image, side="left")
    gt_count = np.searchsorted(pair.gt.image, pair.dt.image, side="right") - gt_start
    cumulated = np.cumsum(gt_count)
    first = 0
    while first < gt_count.size:
        before = cumulated[first] - gt_count[first]
        last = max(first + 1, int(np.searchsorted(cumulated, before + PAIRS_AT_ONCE, side="right")))
        owner, gt_rows = ranges(gt_start[first:last], gt_count[first:last])
        yield owner + first, gt_rows
        first = last


def box_overlaps(pair: CocoPair, least: float) -> Overlaps:
    """Return the pairs whose boxes overlap by at least ``least``.

    The order of the floating-point operations is that of ``bbIou`` in COCO's maskApi.c, so that ties are the same ties.
    """
    found: list[tuple[IntArray, IntArray, FloatArray]] = []
    for dt_rows, gt_rows in _same_image_pairs(pair):
        d, g = pair.dt.boxes[dt_rows], pair.gt.boxes[gt_rows]
        width = np.minimum(d[:, 2] + d[:, 0], g[:, 2] + g[:, 0]) - np.maximum(d[:, 0], g[:, 0])
        height = np.minimum(d[:, 3] + d[:, 1], g[:, 3] + g[:, 1]) - np.maximum(d[:, 1], g[:, 1])
        meet = np.flatnonzero((width > 0) & (height > 0))
        intersection = width[meet] * height[meet]
        dt_area = d[meet, 2] * d[meet, 3]
        union = np.where(pair.gt.crowd[gt_rows[meet]], dt_area, dt_area + g[meet, 2] * g[meet, 3] - intersection)
        iou = intersection / union
        enough = iou >= least
        found.append((dt_rows[meet][enough], gt_rows[meet][enough], iou[enough]))
    return Overlaps(
        dt=np.concatenate([f[0] for f in found] or [np.zeros(0, np.int64)]),
        gt=np.concatenate([f[1] for f in found] or [np.zeros(0, np.int64)]),
        iou=np.concatenate([f[2] for f in found] or [np.zeros(0)]),
    )
