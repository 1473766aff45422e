"""The match table: what became of each detection and of each object, at ten IoU thresholds."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from hotcoco import mask as coco_mask
from numpy.typing import ArrayLike

from traindash.evaluation.coco_files import LARGEST_AREA, BoolArray, CocoPair, FloatArray, IntArray, Masks


def ratio(part: ArrayLike, whole: ArrayLike) -> FloatArray:
    """Return part / whole; NaN where the whole is 0 or NaN."""
    divisor = np.asarray(whole, dtype=np.float64)
    quotient: FloatArray = np.divide(part, divisor, out=np.full(divisor.shape, np.nan), where=divisor > 0)
    return quotient


def mean_defined(values: FloatArray, axis: int | tuple[int, ...] | None = None) -> FloatArray:
    """Return the mean without NaN; NaN where nothing is defined."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0.0).sum(axis=axis), defined.sum(axis=axis))


# Which detection overlaps which object of its image, and by how much.

PAIRS_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlaps:
    """Pairs of a detection and an object of the same image that overlap enough to be matched."""

    dt: IntArray  # (P,) row of the detection, ascending
    gt: IntArray  # (P,) row of the object
    iou: FloatArray  # (P,) intersection over union; over the detection's own area where the object is a crowd


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedBoxes:
    """Boxes of which only those of the same group can meet."""

    group: IntArray  # (N,) number of the group, ascending
    boxes: FloatArray  # (N, 4) x, y, width, height


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

    For ``crowd`` (G,) objects the overlap is measured by the detection's own area; pairs below ``least`` are left out.
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
    # IoU of masks is at most (shared box) / (larger mask): most pairs are settled without looking at pixels
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


# COCO's greedy matching for all groups and thresholds at once.


# pycocotools compares with min(threshold, 1 - 1e-10)
HIGHEST_THRESHOLD = 1 - 1e-10


def greedy_matches(
    overlaps: Overlaps, turn: IntArray, last_choice: BoolArray, shared: BoolArray, thresholds: FloatArray
) -> IntArray:
    """Return for each threshold and detection the pair by which it is matched.

    The rule (``evaluateImg`` of pycocotools): within a group, detections choose in falling score. Each takes, among the
    objects that are free and overlap by at least the threshold, the one with the largest IoU, the last one where
    several are equal; objects of the last choice only when no other is left.

    Args:
        overlaps: P pairs; two detections with the same turn never share an object.
        turn: (D,) when the detection chooses within its group, from 0.
        last_choice: (G,) objects that are not counted.
        shared: (G,) objects that stay free when taken (crowds).
        thresholds: (T,) least IoU.

    Returns:
        (T, D) index into the pairs, -1 where the detection stays unmatched.
    """
    matched = np.full((thresholds.size, turn.size), -1, dtype=np.int64)
    if not overlaps.dt.size:
        return matched
    pair_turn = turn[overlaps.dt]
    # by turn, by detection, then as the detection prefers
    order = np.lexsort((-overlaps.gt, -overlaps.iou, last_choice[overlaps.gt], overlaps.dt, pair_turn))
    dt, gt = overlaps.dt[order], overlaps.gt[order]
    enough = overlaps.iou[order] >= np.minimum(thresholds, HIGHEST_THRESHOLD)[:, None]
    free = np.ones((thresholds.size, shared.size), dtype=np.bool_)
    is_first = np.concatenate([[True], dt[1:] != dt[:-1]])
    bounds = np.flatnonzero(np.concatenate([[True], np.diff(pair_turn[order]) != 0, [True]]))
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        possible = enough[:, start:end] & free[:, gt[start:end]]
        place = np.where(possible, np.arange(end - start), end - start)
        best = np.minimum.reduceat(place, np.flatnonzero(is_first[start:end]), axis=1)
        level, chooser = np.nonzero(best < end - start)
        chosen = best[level, chooser] + start
        matched[level, dt[chosen]] = order[chosen]
        free[level, gt[chosen]] = shared[gt[chosen]]
    return matched


def group_positions(*keys: IntArray) -> IntArray:
    """Return the position of each row within its run of equal keys, from 0; the rows are sorted by the keys."""
    size = keys[0].size
    is_first = np.zeros(size, dtype=np.bool_)
    is_first[:1] = True
    for key in keys:
        is_first[1:] |= key[1:] != key[:-1]
    starts = np.flatnonzero(is_first)
    return np.arange(size) - np.repeat(starts, np.diff(np.append(starts, size)))


# COCO's thresholds, by the expression of pycocotools so that the last bits agree
IOU_THRESHOLDS: FloatArray = np.linspace(0.5, 0.95, int(np.round((0.95 - 0.5) / 0.05)) + 1, endpoint=True)
MAX_DETECTIONS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchTable:
    """Matches of D detections (the 100 best of each image and class) and G objects at T thresholds."""

    dt_row: IntArray  # (D,) row in `CocoPair.dt`
    dt_image: IntArray  # (D,) row in `CocoPair.images`
    dt_class: IntArray  # (D,) index of the class
    dt_score: FloatArray  # (D,) 0..1
    dt_sized: (
        BoolArray  # (D,) area within COCO's range; pycocotools leaves other detections out of the AP unless matched
    )
    dt_rank: IntArray  # (D,) position among the detections of its image and class, from 0
    dt_gt: IntArray  # (T, D) row of the matched object of the same class, -1 for none
    dt_iou: FloatArray  # (T, D) IoU with it, 0 for none
    dt_ignored: BoolArray  # (T, D) matched to a crowd: neither right nor wrong
    dt_confused_gt: IntArray  # (T, D) for an unmatched detection the object of any class that it covers, -1 for none
    gt_image: IntArray  # (G,) row in `CocoPair.images`
    gt_class: IntArray  # (G,) index of the class
    gt_area: FloatArray  # (G,) pixels
    gt_crowd: BoolArray  # (G,) not counted
    first_class: IntArray  # (I,) lowest class with an object or a detection in the image; K where there is none
    class_count: int  # K
    image_count: int  # I

    def objects_per_class(self) -> IntArray:
        """Return (K,) countable objects."""
        return np.bincount(self.gt_class[~self.gt_crowd], minlength=self.class_count)


def build_match_table(pair: CocoPair, overlaps: Overlaps) -> MatchTable:
    """Match detections and objects, within the classes and regardless of the class.

    The overlaps are all pairs from the lowest of the IoU thresholds on.
    """
    rank = group_positions(pair.dt.image, pair.dt.category)
    kept = np.flatnonzero(rank < MAX_DETECTIONS)
    crowd = pair.gt.crowd
    within = same_class_overlaps(pair, overlaps, kept)
    matched = greedy_matches(within, rank[kept], crowd, crowd, IOU_THRESHOLDS)
    dt_gt = np.append(within.gt, -1)[matched]
    is_crowd = np.append(crowd, [False])  # the last entry is what -1 (no object) finds
    dt_ignored = is_crowd[dt_gt]

    confused = _class_blind_matches(pair, overlaps)[:, kept]
    # A detection that is right, or lies on a crowd, has confused nothing
    confused[(dt_gt >= 0) | is_crowd[confused]] = -1

    return MatchTable(
        dt_row=kept,
        dt_image=pair.dt.image[kept],
        dt_class=pair.dt.category[kept],
        dt_score=pair.dt.scores[kept],
        # ``evaluateImg`` of pycocotools: one side of a box that is negative makes such an area
        dt_sized=(pair.dt.area[kept] >= 0) & (pair.dt.area[kept] <= LARGEST_AREA),
        dt_rank=rank[kept],
        dt_gt=dt_gt,
        dt_iou=np.append(within.iou, 0.0)[matched],
        dt_ignored=dt_ignored,
        dt_confused_gt=confused,
        gt_image=pair.gt.image,
        gt_class=pair.gt.category,
        gt_area=pair.gt.area,
        gt_crowd=crowd,
        first_class=_first_class(pair),
        class_count=len(pair.classes),
        image_count=pair.images.ids.size,
    )


def same_class_overlaps(pair: CocoPair, overlaps: Overlaps, kept: IntArray) -> Overlaps:
    """Return the pairs of one class whose detection is kept; detections are numbered by their place in ``kept``."""
    new_row = np.full(pair.dt.scores.size, -1, dtype=np.int64)
    new_row[kept] = np.arange(kept.size)
    dt = new_row[overlaps.dt]
    same = (pair.dt.category[overlaps.dt] == pair.gt.category[overlaps.gt]) & (dt >= 0)
    return Overlaps(dt=dt[same], gt=overlaps.gt[same], iou=overlaps.iou[same])


def _class_blind_matches(pair: CocoPair, overlaps: Overlaps) -> IntArray:
    """Return (T, D) the object that each detection gets when classes do not matter, -1 for none.

    Only the 100 best detections of an image take part.
    """
    order = np.lexsort((-pair.dt.scores, pair.dt.image))
    turn = np.empty(order.size, dtype=np.int64)
    turn[order] = group_positions(pair.dt.image[order])
    kept = turn[overlaps.dt] < MAX_DETECTIONS
    taking_part = Overlaps(dt=overlaps.dt[kept], gt=overlaps.gt[kept], iou=overlaps.iou[kept])
    matched = greedy_matches(taking_part, turn, pair.gt.crowd, pair.gt.crowd, IOU_THRESHOLDS)
    return np.append(taking_part.gt, -1)[matched]


def _first_class(pair: CocoPair) -> IntArray:
    first = np.full(pair.images.ids.size, len(pair.classes), dtype=np.int64)
    np.minimum.at(first, pair.gt.image, pair.gt.category)
    np.minimum.at(first, pair.dt.image, pair.dt.category)
    return first
