"""The twelve figures that Supervisely's Model Benchmark reports for an experiment."""

import math
from dataclasses import asdict, dataclass

import numpy as np

from core.evaluation.calibration import Calibration
from core.evaluation.class_metrics import ratio
from core.evaluation.match_table import MatchTable
from core.evaluation.outcome_counts import OutcomeCounts
from core.evaluation.precision_recall import mean_defined
from core.evaluation.records import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMetrics:
    """Names as Supervisely spells them. NaN: not defined.

    Attributes:
        mAP: COCO's average precision over classes and IoU 0.50 to 0.95.
        AP50: At IoU 0.50.
        AP75: At IoU 0.75.
        f1: Mean over classes and the ten IoU thresholds at the confidence threshold.
        precision: The same.
        recall: The same.
        iou: Mean IoU of the true positives.
        classification_accuracy: True positives by true positives and confused classes.
        calibration_score: 1 - expected calibration error.
        f1_optimal_conf: The confidence threshold with the best F1.
        expected_calibration_error: 0..1.
        maximum_calibration_error: 0..1.
    """

    mAP: float  # noqa: N815 - Supervisely's spelling
    AP50: float
    AP75: float
    f1: float
    precision: float
    recall: float
    iou: float
    classification_accuracy: float
    calibration_score: float
    f1_optimal_conf: float
    expected_calibration_error: float
    maximum_calibration_error: float

    def as_supervisely(self) -> dict[str, float | None]:
        """Return the figures for JSON; null where a figure is not defined."""
        return {name: None if math.isnan(value) else value for name, value in asdict(self).items()}


def key_metrics(
    table: MatchTable, precision: FloatArray, counts: OutcomeCounts, calibration: Calibration, optimal_confidence: float
) -> KeyMetrics:
    """Return the twelve figures.

    Args:
        table: Matches.
        precision: (T, 101, K) interpolated precision.
        counts: At the confidence threshold of the evaluation.
        calibration: Of all detections.
        optimal_confidence: NaN when nothing was right.
    """
    tp, fp, fn = counts.tp, counts.fp, counts.fn
    p, r = ratio(tp, tp + fp), ratio(tp, tp + fn)
    f1 = np.where(p + r == 0, 0.0, ratio(2 * p * r, p + r))
    right = ~(table.dt_score < counts.confidence) & (table.dt_gt[0] >= 0) & ~table.dt_ignored[0]
    true_positives = counts.true_positives
    return KeyMetrics(
        mAP=float(mean_defined(precision)),
        AP50=float(mean_defined(precision[0])),
        AP75=float(mean_defined(precision[5])),
        f1=float(mean_defined(f1)) if true_positives else 0.0,
        precision=float(mean_defined(p)),
        recall=float(mean_defined(r)),
        iou=float(mean_defined(table.dt_iou[0, right])),
        classification_accuracy=float(ratio(true_positives, true_positives + counts.confused)),
        calibration_score=1 - calibration.expected_error,
        f1_optimal_conf=optimal_confidence,
        expected_calibration_error=calibration.expected_error,
        maximum_calibration_error=calibration.maximum_error,
    )
