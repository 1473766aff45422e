"""The other figures when each image counts several times or not at all: sums over images, at fixed thresholds."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from core.evaluation.calibration import BINS, bin_of
from core.evaluation.evaluation import Evaluation
from core.evaluation.match_table import IOU_THRESHOLDS, MatchTable
from core.evaluation.ratios import mean_defined, ratio
from core.evaluation.records import FloatArray, IntArray
from core.evaluation.score_profile import passed_thresholds
from core.evaluation.weighted_precision import WeightArray


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedScores:
    """Figures of B resamples; names and definitions as in ``KeyMetrics`` and ``ClassMetrics``.

    Attributes:
        key: (B,) values by name.
        per_class: (K, B) values by name.
    """

    key: dict[str, FloatArray]
    per_class: dict[str, FloatArray]


def weighted_scores(evaluation: Evaluation, weights: WeightArray) -> WeightedScores:
    """Return the figures at the confidence threshold of the evaluation.

    Args:
        evaluation: Of all images.
        weights: (I, B) how often each image counts.
    """
    tp, fp, fn = _weighted_counts(evaluation, weights)
    precision, recall = ratio(tp, tp + fp), ratio(tp, tp + fn)
    f1 = np.where(precision + recall == 0, 0.0, ratio(2 * precision * recall, precision + recall))
    tp, fp, fn = tp.mean(axis=1), fp.mean(axis=1), fn.mean(axis=1)
    class_precision, class_recall = ratio(tp, tp + fp), ratio(tp, tp + fn)
    return WeightedScores(
        key={
            "precision": mean_defined(precision, axis=(0, 1)),
            "recall": mean_defined(recall, axis=(0, 1)),
            "f1": np.nan_to_num(mean_defined(f1, axis=(0, 1))),
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
