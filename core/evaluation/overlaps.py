"""Which detection overlaps which object of its image, and by how much."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from hotcoco import mask as coco_mask

from core.evaluation.records import CocoPair, FloatArray, IntArray, Masks

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


def find_overlaps(pair: CocoPair, least: float) -> Overlaps:
    """Return the pairs of one image that overlap by at least ``least`` (above 0); by masks where there are masks."""
    blocks = [
        _box_block(pair, dt, gt, least)
        if pair.dt_masks is None or pair.gt_masks is None
        else _mask_block(pair, (pair.dt_masks, pair.gt_masks), dt, gt, least)
        for dt, gt in _same_image_pairs(pair)
    ]
    blocks.append((np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)))
    return Overlaps(
        dt=np.concatenate([dt for dt, _, _ in blocks]),
        gt=np.concatenate([gt for _, gt, _ in blocks]),
        iou=np.concatenate([iou for _, _, iou in blocks]),
    )


def _same_image_pairs(pair: CocoPair) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield rows of detections and objects of the same image, in blocks that fit into memory."""
    gt_start = np.searchsorted(pair.gt.image, pair.dt.image, side="left")
    gt_count = np.searchsorted(pair.gt.image, pair.dt.image, side="right") - gt_start
    ends = np.cumsum(gt_count)
    first = 0
    while first < gt_count.size:
        before = ends[first] - gt_count[first]
        last = max(first + 1, int(np.searchsorted(ends, before + PAIRS_AT_ONCE, side="right")))
        counts = gt_count[first:last]
        dt = np.repeat(np.arange(first, last), counts)
        offset = gt_start[first:last] - (ends[first:last] - counts - before)
        yield dt, np.arange(dt.size) + np.repeat(offset, counts)
        first = last


def _intersections(d: FloatArray, g: FloatArray, dt: IntArray, gt: IntArray) -> tuple[IntArray, FloatArray]:
    """Return which pairs of boxes meet and the area they share."""
    d_right, g_right = d[:, 2] + d[:, 0], g[:, 2] + g[:, 0]
    width = np.minimum(d_right[dt], g_right[gt]) - np.maximum(d[:, 0][dt], g[:, 0][gt])
    meet = np.flatnonzero(width > 0)
    dt, gt = dt[meet], gt[meet]
    d_bottom, g_bottom = d[:, 3] + d[:, 1], g[:, 3] + g[:, 1]
    height = np.minimum(d_bottom[dt], g_bottom[gt]) - np.maximum(d[:, 1][dt], g[:, 1][gt])
    both = np.flatnonzero(height > 0)
    return meet[both], width[meet[both]] * height[both]


def _box_block(pair: CocoPair, dt: IntArray, gt: IntArray, least: float) -> tuple[IntArray, IntArray, FloatArray]:
    """Return the pairs whose boxes overlap enough.

    The order of the floating-point operations is that of ``bbIou`` in COCO's maskApi.c, so that ties are the same ties.
    """
    d, g = pair.dt.boxes, pair.gt.boxes
    meet, shared = _intersections(d, g, dt, gt)
    dt, gt = dt[meet], gt[meet]
    d_area = (d[:, 2] * d[:, 3])[dt]
    union = np.where(pair.gt.crowd[gt], d_area, d_area + (g[:, 2] * g[:, 3])[gt] - shared)
    iou = shared / union
    enough = iou >= least
    return dt[enough], gt[enough], iou[enough]


def _mask_block(
    pair: CocoPair, masks: tuple[Masks, Masks], dt: IntArray, gt: IntArray, least: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """Return the pairs whose masks overlap enough; boxes leave out what cannot reach it."""
    found, wanted = masks
    meet, shared = _intersections(found.boxes, wanted.boxes, dt, gt)
    dt, gt = dt[meet], gt[meet]
    larger = np.where(pair.gt.crowd[gt], found.areas[dt], np.maximum(found.areas[dt], wanted.areas[gt]))
    possible = shared >= least * larger
    dt, gt = dt[possible], gt[possible]
    iou = np.zeros(dt.size)
    image = pair.dt.image[dt]
    bounds = np.flatnonzero(np.concatenate([[True], image[1:] != image[:-1], [True]])) if dt.size else np.zeros(1, int)
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        part = slice(start, end)
        dt_rows, dt_place = np.unique(dt[part], return_inverse=True)
        gt_rows, gt_place = np.unique(gt[part], return_inverse=True)
        matrix = coco_mask.iou(
            [found.runs[i] for i in dt_rows.tolist()],
            [wanted.runs[i] for i in gt_rows.tolist()],
            pair.gt.crowd[gt_rows].tolist(),
        )
        iou[part] = matrix[dt_place, gt_place]
    enough = iou >= least
    return dt[enough], gt[enough], iou[enough]
