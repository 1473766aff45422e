"""Precision, recall and F1 as the confidence threshold falls, with Supervisely's definitions.

Supervisely matches once and asks of each match which of the ten IoU thresholds it passes; all classes are counted
together (``_calculate_score_profile`` of its ``MetricProvider``).
"""

from dataclasses import dataclass

import numpy as np

from core.evaluation.match_table import IOU_THRESHOLDS
from core.evaluation.match_view import MatchView
from core.evaluation.ratios import mean_defined, ratio
from core.evaluation.records import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreProfile:
    """One entry per counted detection, by falling score.

    Attributes:
        rows: (N,) rows in the match table.
        scores: (N,) 0..1.
        passed: (N,) IoU thresholds that the match passes, 0 for a false positive.
        precision: (N,) mean over the IoU thresholds when all entries up to this one are accepted.
        recall: (N,) the same.
        f1: (N,) mean over the thresholds that have a true positive so far; NaN where none has.
        f1_by_iou: (T, N) at each threshold; NaN where there is no true positive so far.
    """

    rows: IntArray
    scores: FloatArray
    passed: IntArray
    precision: FloatArray
    recall: FloatArray
    f1: FloatArray
    f1_by_iou: FloatArray

    @property
    def f1_optimal_confidence(self) -> float:
        """The score with the best F1; NaN when nothing was right."""
        if np.isnan(self.f1).all():
            return float("nan")
        return float(self.scores[np.nanargmax(self.f1)])


def passed_thresholds(iou: FloatArray) -> IntArray:
    """Return how many IoU thresholds a match passes, by the rounding that Supervisely uses."""
    passed: IntArray = np.searchsorted(IOU_THRESHOLDS, iou + np.spacing(1))
    return passed


def score_profile(view: MatchView) -> ScoreProfile:
    """Return the profile of all counted detections."""
    table = view.table
    counted = np.flatnonzero(view.counted)
    wrong = ~view.right[counted]
    # the order of equal scores is Supervisely's: true positives first, images by their lowest class
    order = np.lexsort((table.first_class[table.dt_image[counted]], wrong, -table.dt_score[counted]))
    rows = counted[order]
    passed = np.where(wrong[order], 0, passed_thresholds(view.iou[rows]))
    accepted = np.arange(1, rows.size + 1)
    tp = np.cumsum(passed > np.arange(IOU_THRESHOLDS.size)[:, None], axis=1)
    precision = tp / accepted
    recall = tp / max(int((~table.gt_crowd).sum()), 1)
    f1 = ratio(2 * precision * recall, precision + recall)
    return ScoreProfile(
        rows=rows,
        scores=table.dt_score[rows],
        passed=passed,
        precision=precision.mean(axis=0),
        recall=recall.mean(axis=0),
        f1=mean_defined(f1, axis=0),
        f1_by_iou=f1,
    )
