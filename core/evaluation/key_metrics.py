"""The twelve figures that Supervisely's Model Benchmark reports for an experiment."""

import math
from dataclasses import asdict, dataclass

import numpy as np

from core.evaluation.calibration import calibration
from core.evaluation.class_metrics import LEVEL_50, LEVEL_75
from core.evaluation.match_view import MatchView
from core.evaluation.outcome_counts import OutcomeCounts
from core.evaluation.ratios import mean_defined, ratio
from core.evaluation.records import FloatArray
from core.evaluation.score_profile import ScoreProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMetrics:
    """Names as Supervisely spells them. NaN: not defined.

    Attributes:
        mAP: COCO's average precision over classes and IoU 0.50 to 0.95.
        AP50: At IoU 0.50.
        AP75: At IoU 0.75.
        f1: Mean over classes and the ten IoU thresholds at the confidence threshold; 0 when nothing was right.
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

    def as_supervisely(self) -> dict[str, float]:
        """Return the figures for ``evaluation_metrics``; what is not defined is left out."""
        return {name: value for name, value in asdict(self).items() if not math.isnan(value)}


@dataclass(frozen=True, slots=True, kw_only=True)
class AveragedScores:
    """Means over the classes, and over the ten IoU thresholds where the evaluation averages them."""

    precision: float
    recall: float
    f1: float


def averaged_scores(counts: OutcomeCounts, *, averaged: bool) -> AveragedScores:
    """Return precision, recall and F1 as Supervisely averages them.

    A class counts only where a figure is defined: precision and F1 need detections, recall needs objects
    (``base_metrics`` of its ``MetricProvider``).
    """
    chosen = np.arange(counts.tp.shape[1])[None, :] if averaged else counts.levels[:, None]
    tp, fp, fn = (
        np.take_along_axis(x, np.broadcast_to(chosen, (len(x), chosen.shape[1])), axis=1)
        for x in (counts.tp, counts.fp, counts.fn)
    )
    p, r = ratio(tp, tp + fp), ratio(tp, tp + fn)
    f1 = np.where(p + r == 0, 0.0, ratio(2 * p * r, p + r))
    mean_f1 = float(mean_defined(f1))
    return AveragedScores(
        precision=float(mean_defined(p)), recall=float(mean_defined(r)), f1=0.0 if math.isnan(mean_f1) else mean_f1
    )


def key_metrics(
    view: MatchView, precision: FloatArray, counts: OutcomeCounts, profile: ScoreProfile, *, averaged: bool
) -> KeyMetrics:
    """Return the twelve figures.

    Args:
        view: Matches.
        precision: (T, 101, K) interpolated precision.
        counts: At the confidence threshold of the evaluation.
        profile: Of all detections.
        averaged: Whether precision, recall and F1 are means over the ten IoU thresholds.
    """
    right = view.right & view.accepted(counts.confidence)
    true_positives = counts.true_positives
    scores = averaged_scores(counts, averaged=averaged)
    reliability = calibration(profile)
    return KeyMetrics(
        mAP=float(mean_defined(precision)),
        AP50=float(mean_defined(precision[LEVEL_50])),
        AP75=float(mean_defined(precision[LEVEL_75])),
        f1=scores.f1,
        precision=scores.precision,
        recall=scores.recall,
        iou=float(mean_defined(view.iou[right])),
        classification_accuracy=float(ratio(true_positives, true_positives + counts.confused)),
        calibration_score=1 - reliability.expected_error,
        f1_optimal_conf=profile.f1_optimal_confidence,
        expected_calibration_error=reliability.expected_error,
        maximum_calibration_error=reliability.maximum_error,
    )
