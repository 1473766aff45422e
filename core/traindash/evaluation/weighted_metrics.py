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

from traindash.evaluation.coco_files import BoolArray, FloatArray, IntArray
from traindash.evaluation.evaluation import Evaluation
from traindash.evaluation.matching import IOU_THRESHOLDS, MatchTable, mean_defined, ratio
from traindash.evaluation.metrics import BINS, RECALL_STEPS, bin_of, means_of_all_classes
from traindash.evaluation.outcomes import passed_thresholds

NUMBERS_AT_ONCE = 4_000_000  # 16 MB of weights
# memory traffic is what takes the time, so weights are kept in as few bits as their sums allow
WeightArray = NDArray[np.int32] | NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallTable:
    """How many of the 101 recall steps are reached by a number of found objects; one class, all resamples."""

    # concatenated tables for 0, 1, … objects found; 8 bits, so that a class stays in the processor's cache
    steps: NDArray[np.int8]
    start: IntArray  # (B,) where the table of a resample begins
    objects: IntArray  # (B,) weight of the objects to find


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
    """The detections of one class, by falling score."""

    image: IntArray  # (N,) image of each
    right: BoolArray  # (T, N) true positives
    ignored: BoolArray  # (T, N) neither right nor wrong


def rows_by_class(table: MatchTable) -> tuple[ClassRows, ...]:
    """Return the detections of each class."""
    order = np.lexsort((-table.dt_score, table.dt_class))
    bounds = np.searchsorted(table.dt_class[order], np.arange(table.class_count + 1)).tolist()
    parts = [order[bounds[k] : bounds[k + 1]] for k in range(table.class_count)]
    return tuple(
        ClassRows(
            image=table.dt_image[rows],
            right=(table.dt_gt[:, rows] >= 0) & ~table.dt_ignored[:, rows],
            ignored=table.dt_ignored[:, rows] | ((table.dt_gt[:, rows] < 0) & ~table.dt_sized[rows]),
        )
        for rows in parts
    )


def weighted_average_precision(rows: ClassRows, recall: RecallTable, weights: WeightArray) -> FloatArray:
    """Return (T, B) average precision of a class; NaN where a resample has no object of it.

    The weights (I, B) say how often each image counts.
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

    Both are (H, C) weights up to each true positive: of the true positives, and of all detections, at least 1.
    """
    # From the end: the best precision at this recall or any higher one, which is what "interpolated" means
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


# The other figures when each image counts several times or not at all: sums over images, at fixed thresholds.


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedScores:
    """Figures of B resamples; names and definitions as in ``KeyMetrics`` and ``ClassMetrics``."""

    key: dict[str, FloatArray]  # (B,) values by name
    per_class: dict[str, FloatArray]  # (K, B) values by name


def weighted_scores(evaluation: Evaluation, weights: WeightArray) -> WeightedScores:
    """Return the figures at the confidence threshold of the evaluation.

    The weights (I, B) say how often each image counts.
    """
    tp, fp, fn = _weighted_counts(evaluation, weights)
    precision, recall = ratio(tp, tp + fp), ratio(tp, tp + fn)
    f1 = np.where(precision + recall == 0, 0.0, ratio(2 * precision * recall, precision + recall))
    of_all = means_of_all_classes(tp, fp, fn, axis=(0, 1))
    tp, fp, fn = tp.mean(axis=1), fp.mean(axis=1), fn.mean(axis=1)
    class_precision, class_recall = ratio(tp, tp + fp), ratio(tp, tp + fn)
    return WeightedScores(
        key={
            "precision": mean_defined(precision, axis=(0, 1)),
            "recall": mean_defined(recall, axis=(0, 1)),
            "f1": np.nan_to_num(mean_defined(f1, axis=(0, 1))),
            **of_all,
            **_totals(evaluation, weights),
        },
        per_class={
            "precision": class_precision,
            "recall": class_recall,
            "f1": ratio(2 * class_precision * class_recall, class_precision + class_recall),
        },
    )


def _weighted_counts(evaluation: Evaluation, weights: WeightArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (K, T, B) weights of true positives, false positives and misses; T is 1 where nothing is averaged."""
    view, table, levels = evaluation.view, evaluation.table, IOU_THRESHOLDS.size
    accepted = view.accepted(evaluation.confidence)
    right = np.flatnonzero(accepted & view.right)
    passed = passed_thresholds(view.iou[right]) - 1
    exactly = _sums(table.dt_class[right] * levels + passed, table.dt_image[right], table.class_count * levels, weights)
    exactly = exactly.reshape(table.class_count, levels, -1)
    tp = exactly[:, ::-1].cumsum(axis=1)[:, ::-1]
    if not evaluation.settings.averaged:
        tp = np.take_along_axis(tp, view.levels[:, None, None], axis=1)
    found = _sums(table.dt_class[accepted], table.dt_image[accepted], table.class_count, weights)
    wanted = ~table.gt_crowd
    objects = _sums(table.gt_class[wanted], table.gt_image[wanted], table.class_count, weights)
    return tp, found[:, None] - tp, objects[:, None] - tp


def _sums(group: IntArray, image: IntArray, groups: int, weights: WeightArray) -> FloatArray:
    """Return (groups, B) the weight of the rows of each group."""
    total = np.zeros((groups, weights.shape[1]))
    images = image[np.argsort(group, kind="stable")]
    bounds = np.append([0], np.cumsum(np.bincount(group, minlength=groups))).tolist()
    for g, (start, end) in enumerate(pairwise(bounds)):
        if end > start:
            weights.take(images[start:end], axis=0).sum(axis=0, out=total[g])
    return total


def _totals(evaluation: Evaluation, weights: WeightArray) -> dict[str, FloatArray]:
    """Return the figures that are ratios of sums over all classes; one matrix product gives all sums."""
    view, table = evaluation.view, evaluation.table
    counted, accepted = np.flatnonzero(view.counted), view.accepted(evaluation.confidence)
    right, confused = np.flatnonzero(accepted & view.right), np.flatnonzero(accepted & (view.confused_gt >= 0))
    rated = counted[table.dt_score[counted] > 0]
    place = bin_of(table.dt_score[rated]) * table.image_count
    columns = [
        _per_image(table, right, np.ones(right.size)),
        _per_image(table, right, view.iou[right]),
        _per_image(table, confused, np.ones(confused.size)),
        _per_image(table, counted, np.ones(counted.size)),
        *(
            np.bincount(place + table.dt_image[rated], weights=values, minlength=BINS * table.image_count)
            for values in (np.ones(rated.size), table.dt_score[rated], view.right[rated].astype(np.float64))
        ),
    ]
    # One matrix product instead of a loop over resamples
    sums = np.concatenate([column.reshape(-1, table.image_count) for column in columns]) @ weights.astype(np.float64)
    hits, overlap, errors, total = sums[:4]
    count, score, correct = sums[4:].reshape(3, BINS, -1)
    gap = np.nan_to_num(np.abs(ratio(score, count) - ratio(correct, count)))
    expected = ratio((gap * count).sum(axis=0), total)
    return {
        "iou": ratio(overlap, hits),
        "classification_accuracy": ratio(hits, hits + errors),
        "expected_calibration_error": expected,
        "calibration_score": 1 - expected,
        "maximum_calibration_error": np.where(total > 0, gap.max(axis=0), np.nan),
    }


def _per_image(table: MatchTable, rows: IntArray, values: FloatArray) -> FloatArray:
    """Return (I,) the sum of the values of the detections of each image."""
    return np.bincount(table.dt_image[rows], weights=values, minlength=table.image_count).astype(np.float64)
