"""COCO's greedy matching for all groups and thresholds at once.

The rule (``evaluateImg`` in pycocotools): within a group, detections choose in falling score. Each takes, among the
objects that are still free and overlap by at least the threshold, the one with the largest IoU, the last one when
several are equal. Crowd objects are taken only when nothing else is left, and stay free for others.
"""

import numpy as np
from numpy.typing import NDArray

from core.evaluation.overlaps import Overlaps
from core.evaluation.records import BoolArray, FloatArray, IntArray

# pycocotools compares with min(threshold, 1 - 1e-10)
HIGHEST_THRESHOLD = 1 - 1e-10


def greedy_matches(overlaps: Overlaps, turn: IntArray, crowd: BoolArray, thresholds: FloatArray) -> NDArray[np.int64]:
    """Return for each threshold and detection the pair it is matched by.

    Args:
        overlaps: P pairs; two detections with the same turn never share an object.
        turn: (D,) when the detection chooses within its group, from 0.
        crowd: (G,) objects that stay free.
        thresholds: (T,) least IoU.

    Returns:
        (T, D) index into the pairs, -1 where the detection stays unmatched.
    """
    matched = np.full((thresholds.size, turn.size), -1, dtype=np.int64)
    if not overlaps.dt.size:
        return matched
    pair_turn = turn[overlaps.dt]
    # by turn, detection, then the order in which a detection prefers objects
    order = np.lexsort((-overlaps.gt, -overlaps.iou, crowd[overlaps.gt], overlaps.dt, pair_turn))
    dt, gt, iou = overlaps.dt[order], overlaps.gt[order], overlaps.iou[order]
    enough = iou >= np.minimum(thresholds, HIGHEST_THRESHOLD)[:, None]
    free = np.ones((thresholds.size, crowd.size), dtype=np.bool_)
    is_first = np.concatenate([[True], dt[1:] != dt[:-1]])
    turn_starts = np.flatnonzero(np.concatenate([[True], np.diff(pair_turn[order]) != 0]))
    turn_ends = np.append(turn_starts[1:], dt.size)
    for start, end in zip(turn_starts.tolist(), turn_ends.tolist(), strict=True):
        possible = enough[:, start:end] & free[:, gt[start:end]]
        firsts = np.flatnonzero(is_first[start:end])
        place = np.where(possible, np.arange(end - start), end - start)
        best = np.minimum.reduceat(place, firsts, axis=1)
        level, chooser = np.nonzero(best < end - start)
        chosen = best[level, chooser] + start
        matched[level, dt[chosen]] = order[chosen]
        free[level, gt[chosen]] = crowd[gt[chosen]]
    return matched
