"""COCO's greedy matching for all groups and thresholds at once."""

import numpy as np

from core.evaluation.overlaps import Overlaps
from core.evaluation.records import BoolArray, FloatArray, IntArray

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
