"""Which detection overlaps which object of its image, and by how much."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from hotcoco import mask as coco_mask

from core.evaluation.ratios import ratio
from core.evaluation.records import BoolArray, CocoPair, FloatArray, IntArray, Masks

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


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedBoxes:
    """Boxes of which only those of the same group can meet.

    Attributes:
        group: (N,) number of the group, ascending.
        boxes: (N, 4) x, y, width, height.
    """

    group: IntArray
    boxes: FloatArray


def find_overlaps(pair: CocoPair, least: float) -> Overlaps:
    """Return the pairs of one image that overlap by at least ``least`` (above 0); by masks where there are masks."""
    crowd = pair.gt.crowd
    if pair.dt_masks is not None and pair.gt_masks is not None:
        found = GroupedBoxes(group=pair.dt.image, boxes=pair.dt_masks.boxes)
        wanted = GroupedBoxes(group=pair.gt.image, boxes=pair.gt_masks.boxes)
        blocks = [
            _mask_block(pair, (pair.dt_masks, pair.gt_masks), meeting, least) for meeting in _meetings(found, wanted)
        ]
        return _joined(blocks)
    found = GroupedBoxes(group=pair.dt.image, boxes=pair.dt.boxes)
    return box_overlaps(found, GroupedBoxes(group=pair.gt.image, boxes=pair.gt.boxes), crowd, least)


def box_overlaps(found: GroupedBoxes, wanted: GroupedBoxes, crowd: BoolArray, least: float) -> Overlaps:
    """Return the pairs of boxes of one group that overlap by at least ``least`` (above 0).

    The order of the floating-point operations is that of ``bbIou`` in COCO's maskApi.c, so that ties are the same ties.

    Args:
        found: Detections.
        wanted: Objects.
        crowd: (G,) objects for which the overlap is measured by the detection's own area.
        least: Pairs below it are left out.
    """
    dt_area, gt_area = (one.boxes[:, 2] * one.boxes[:, 3] for one in (found, wanted))
    blocks = []
    for meeting in _meetings(found, wanted):
        dt, gt, shared = meeting.dt, meeting.gt, meeting.iou
        iou = shared / np.where(crowd[gt], dt_area[dt], dt_area[dt] + gt_area[gt] - shared)
        enough = iou >= least
        blocks.append(Overlaps(dt=dt[enough], gt=gt[enough], iou=iou[enough]))
    return _joined(blocks)


def box_ious(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return (N,) the IoU of the boxes (N, 4) of two lists, row by row; 0 where both are empty."""
    sides = np.minimum(a[:, 2:] + a[:, :2], b[:, 2:] + b[:, :2]) - np.maximum(a[:, :2], b[:, :2])
    shared = np.prod(np.maximum(sides, 0.0), axis=1)
    union = np.prod(a[:, 2:], axis=1) + np.prod(b[:, 2:], axis=1) - shared
    return np.nan_to_num(ratio(shared, union))


def _joined(blocks: list[Overlaps]) -> Overlaps:
    return Overlaps(
        dt=np.concatenate([np.zeros(0, dtype=np.int64), *(block.dt for block in blocks)]),
        gt=np.concatenate([np.zeros(0, dtype=np.int64), *(block.gt for block in blocks)]),
        iou=np.concatenate([np.zeros(0), *(block.iou for block in blocks)]),
    )


def _meetings(found: GroupedBoxes, wanted: GroupedBoxes) -> Iterator[Overlaps]:
    """Yield the pairs of one group whose boxes meet, with the area they share; in blocks that fit into memory."""
    d, g = _edges(found.boxes), _edges(wanted.boxes)
    for all_dt, all_gt in _same_group_pairs(found.group, wanted.group):
        width = np.minimum(d[2][all_dt], g[2][all_gt]) - np.maximum(d[0][all_dt], g[0][all_gt])
        beside = np.flatnonzero(width > 0)
        dt, gt = all_dt[beside], all_gt[beside]
        height = np.minimum(d[3][dt], g[3][gt]) - np.maximum(d[1][dt], g[1][gt])
        meet = np.flatnonzero(height > 0)
        yield Overlaps(dt=dt[meet], gt=gt[meet], iou=width[beside][meet] * height[meet])


def _edges(boxes: FloatArray) -> FloatArray:
    """Return (4, N) left, top, right and bottom."""
    return np.ascontiguousarray(np.concatenate([boxes[:, :2], boxes[:, 2:] + boxes[:, :2]], axis=1).T)


def _same_group_pairs(dt_group: IntArray, gt_group: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield the rows of all pairs of one group, about a million at once."""
    gt_start = np.searchsorted(gt_group, dt_group, side="left")
    gt_count = np.searchsorted(gt_group, dt_group, side="right") - gt_start
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


def _mask_block(pair: CocoPair, masks: tuple[Masks, Masks], meeting: Overlaps, least: float) -> Overlaps:
    """Return the pairs whose masks overlap enough; what cannot reach it by its boxes is not looked at."""
    found, wanted = masks
    dt, gt = meeting.dt, meeting.gt
    larger = np.where(pair.gt.crowd[gt], found.areas[dt], np.maximum(found.areas[dt], wanted.areas[gt]))
    possible = meeting.iou >= least * larger
    dt, gt = dt[possible], gt[possible]
    iou = np.zeros(dt.size)
    image = pair.dt.image[dt]
    bounds = np.flatnonzero(np.diff(image, prepend=-1, append=-1)).tolist()
    for start, end in pairwise(bounds):
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
    return Overlaps(dt=dt[enough], gt=gt[enough], iou=iou[enough])
