"""True positives, false positives and missed objects, per class and IoU threshold, at a confidence threshold."""

from dataclasses import dataclass

import numpy as np

from core.evaluation.match_table import IOU_THRESHOLDS, MatchTable
from core.evaluation.records import IntArray
from core.evaluation.score_profile import passed_thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCounts:
    """Counts at one confidence threshold.

    Attributes:
        confidence: Detections below it are left out.
        tp: (K, T) true positives per class and IoU threshold.
        fp: (K, T) false positives.
        fn: (K, T) missed objects.
        confused: False positives that cover an object of another class (IoU 0.50).
    """

    confidence: float
    tp: IntArray
    fp: IntArray
    fn: IntArray
    confused: int

    @property
    def true_positives(self) -> int:
        """All classes at IoU 0.50."""
        return int(self.tp[:, 0].sum())

    @property
    def false_positives(self) -> int:
        """All classes at IoU 0.50."""
        return int(self.fp[:, 0].sum())

    @property
    def false_negatives(self) -> int:
        """All classes at IoU 0.50."""
        return int(self.fn[:, 0].sum())


def count_outcomes(table: MatchTable, confidence: float) -> OutcomeCounts:
    """Count at a confidence threshold; NaN accepts everything."""
    accepted = ~table.dt_ignored[0] & ~(table.dt_score < confidence)
    classes, levels = table.class_count, IOU_THRESHOLDS.size
    right = accepted & (table.dt_gt[0] >= 0)
    passed = passed_thresholds(table.dt_iou[0, right])
    exact = np.bincount(table.dt_class[right] * (levels + 1) + passed, minlength=classes * (levels + 1))
    tp = exact.reshape(classes, levels + 1)[:, :0:-1].cumsum(axis=1)[:, ::-1]
    found = np.bincount(table.dt_class[accepted], minlength=classes)
    objects = np.bincount(table.gt_class[~table.gt_crowd], minlength=classes)
    return OutcomeCounts(
        confidence=confidence,
        tp=tp,
        fp=found[:, None] - tp,
        fn=objects[:, None] - tp,
        confused=int((accepted & (table.dt_confused_gt[0] >= 0)).sum()),
    )
