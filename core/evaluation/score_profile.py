"""Precision, recall and F1 as the confidence threshold falls, with Supervisely's definitions.

Supervisely matches once, at IoU 0.50, and asks of each match whether its IoU also passes the higher thresholds; all
classes are counted together.
"""

from dataclasses import dataclass

import numpy as np

from core.evaluation.match_table import IOU_THRESHOLDS, MatchTable
from core.evaluation.precision_recall import mean_defined
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


def score_profile(table: MatchTable) -> ScoreProfile:
    """Return the profile of a match table."""
    counted = np.flatnonzero(~table.dt_ignored[0])
    wrong = table.dt_gt[0, counted] < 0
    # the order of equal scores is Supervisely's: true positives first, images by their lowest class
    order = np.lexsort((table.first_class[table.dt_image[counted]], wrong, -table.dt_score[counted]))
    rows = counted[order]
    passed = np.where(wrong[order], 0, passed_thresholds(table.dt_iou[0, rows]))
    objects = int((~table.gt_crowd).sum())
    accepted = np.arange(1, rows.size + 1)
    tp = np.cumsum(passed > np.arange(IOU_THRESHOLDS.size)[:, None], axis=1)
    precision = tp / accepted
    recall = tp / max(objects, 1)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.full(both.shape, np.nan), where=both > 0)
    return ScoreProfile(
        rows=rows,
        scores=table.dt_score[rows],
        passed=passed,
        precision=precision.mean(axis=0),
        recall=recall.mean(axis=0),
        f1=mean_defined(f1, axis=0),
        f1_by_iou=f1,
    )
