"""Does a score of 0.8 mean that 80 % are right? Ten bins of equal width, detections at IoU 0.50."""

from dataclasses import dataclass

import numpy as np

from core.evaluation.records import FloatArray, IntArray
from core.evaluation.score_profile import ScoreProfile

BIN_EDGES: FloatArray = np.linspace(0, 1, 11)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Reliability of the scores.

    Attributes:
        count: (10,) detections per bin; a bin holds its upper edge, not its lower one.
        mean_score: (10,) NaN in an empty bin.
        accuracy: (10,) share of true positives; NaN in an empty bin.
        expected_error: Mean gap weighted by the count; NaN without detections.
        maximum_error: Largest gap; NaN without detections.
    """

    count: IntArray
    mean_score: FloatArray
    accuracy: FloatArray
    expected_error: float
    maximum_error: float


def calibration(profile: ScoreProfile) -> Calibration:
    """Return the reliability of the scores of all counted detections."""
    bins = np.searchsorted(BIN_EDGES, profile.scores, side="left") - 1
    inside = bins >= 0
    bins = bins[inside]
    size = BIN_EDGES.size - 1
    count = np.bincount(bins, minlength=size)
    filled = count > 0
    empty = np.full(size, np.nan)
    scores = np.bincount(bins, weights=profile.scores[inside], minlength=size)
    right = np.bincount(bins, weights=profile.passed[inside] > 0, minlength=size)
    mean_score = np.divide(scores, count, out=empty.copy(), where=filled)
    accuracy = np.divide(right, count, out=empty.copy(), where=filled)
    gap = np.abs(mean_score - accuracy)[filled]
    total = profile.scores.size
    return Calibration(
        count=count,
        mean_score=mean_score,
        accuracy=accuracy,
        expected_error=float((gap * count[filled]).sum() / total) if total else float("nan"),
        maximum_error=float(gap.max(initial=0.0)) if total else float("nan"),
    )
