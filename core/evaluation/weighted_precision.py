"""Average precision when each image counts several times or not at all: what a resample of images needs.

An image of weight 3 stands for three copies of it. COCO's interpolated precision changes only at true positives, and
the copies of one detection follow each other, so that one pass over the true positives per class and IoU threshold
gives the exact value for a block of resamples at once (rows: detections by falling score, columns: resamples).
Where one image holds equal scores in one class, the copies of each detection stay together.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from core.evaluation.match_table import MatchTable
from core.evaluation.precision_recall import RECALL_STEPS
from core.evaluation.records import BoolArray, FloatArray, IntArray

NUMBERS_AT_ONCE = 4_000_000  # 16 MB of weights
# memory traffic is what takes the time, so weights are kept in as few bits as their sums allow
WeightArray = NDArray[np.int32] | NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallTable:
    """How many of the 101 recall steps are reached by a number of found objects; one class, all resamples.

    Attributes:
        steps: Concatenated tables for 0, 1, … objects found; 8 bits, so that a class stays in the processor's cache.
        start: (B,) where the table of a resample begins.
        objects: (B,) weight of the objects to find.
    """

    steps: NDArray[np.int8]
    start: IntArray
    objects: IntArray


def recall_table(objects: IntArray) -> RecallTable:
    """Return the table for (B,) weights of the objects; by COCO's own comparison, so that the last bits agree."""
    different, inverse = np.unique(objects, return_inverse=True)
    sizes = different + 1
    starts = np.cumsum(sizes) - sizes
    found = np.arange(int(sizes.sum())) - np.repeat(starts, sizes)
    recall = found / np.repeat(np.maximum(different, 1), sizes)
    steps = np.searchsorted(RECALL_STEPS, recall, side="right")
    return RecallTable(steps=steps.astype(np.int8), start=starts[inverse], objects=objects)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRows:
    """The detections of one class, by falling score.

    Attributes:
        image: (N,) image of each.
        right: (T, N) true positives.
        ignored: (T, N) matched to a crowd.
    """

    image: IntArray
    right: BoolArray
    ignored: BoolArray


def rows_by_class(table: MatchTable) -> tuple[ClassRows, ...]:
    """Return the detections of each class."""
    order = np.lexsort((-table.dt_score, table.dt_class))
    bounds = np.searchsorted(table.dt_class[order], np.arange(table.class_count + 1)).tolist()
    parts = [order[bounds[k] : bounds[k + 1]] for k in range(table.class_count)]
    return tuple(
        ClassRows(
            image=table.dt_image[rows],
            right=(table.dt_gt[:, rows] >= 0) & ~table.dt_ignored[:, rows],
            ignored=table.dt_ignored[:, rows],
        )
        for rows in parts
    )


def weighted_average_precision(rows: ClassRows, recall: RecallTable, weights: WeightArray) -> FloatArray:
    """Return (T, B) average precision of a class; NaN where a resample has no object of it.

    Args:
        rows: The detections.
        recall: For the objects.
        weights: (I, B) how often each image counts.
    """
    if rows.image.size * int(weights.max()) > np.iinfo(np.int16).max:
        weights = weights.astype(np.int32)
    result = np.zeros((rows.right.shape[0], recall.objects.size))
    step = max(1, NUMBERS_AT_ONCE // max(rows.image.size, 1))
    for first in range(0, recall.objects.size, step):
        block = slice(first, first + step)
        drawn = weights[:, block]
        seen = np.maximum(_running_sum(drawn.take(rows.image, axis=0)), 1)
        for level, (right, ignored) in enumerate(zip(rows.right, rows.ignored, strict=True)):
            hits = np.flatnonzero(right)
            if hits.size:
                counted = seen.take(hits, axis=0)
                _leave_out(counted, hits, np.flatnonzero(ignored), drawn.take(rows.image[ignored], axis=0))
                found = _running_sum(drawn.take(rows.image[hits], axis=0))
                result[level, block] = _average(found, counted, recall, block)
    result[:, recall.objects == 0] = np.nan
    return result


def _leave_out(seen: WeightArray, hits: IntArray, ignored: IntArray, weight: WeightArray) -> None:
    """Take the weight of the ignored detections before each true positive off, in place."""
    if ignored.size:
        before = np.searchsorted(ignored, hits)
        first = int(np.searchsorted(before, 1))
        rest = seen[first:]
        rest -= _running_sum(weight).take(before[first:] - 1, axis=0)
        np.maximum(rest, 1, out=rest)


def _average(found: WeightArray, seen: WeightArray, recall: RecallTable, block: slice) -> FloatArray:
    """Return (C,) average precision.

    Args:
        found: (H, C) weight of the true positives up to each of them.
        seen: (H, C) weight of all detections up to each of them, at least 1.
        recall: For all resamples.
        block: Which of the resamples these are.
    """
    best_from_here = found / seen
    for lower, upper in pairwise(best_from_here[::-1]):
        np.maximum(upper, lower, out=upper)
    reached = recall.steps.take(found + recall.start[block])
    reached[1:] -= reached[:-1].copy()
    total: FloatArray = np.einsum("hc,hc->c", reached, best_from_here) / RECALL_STEPS.size
    return total


def _running_sum(rows: WeightArray) -> WeightArray:
    """Add each row to the next, in place: a call per row is many times faster than ``cumsum`` along the first axis."""
    for upper, lower in pairwise(rows):
        np.add(lower, upper, out=lower)
    return rows
