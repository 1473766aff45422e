"""Does a score of 0.8 mean that 80 % are right? Ten bins of equal width."""

from dataclasses import dataclass

import numpy as np

from core.evaluation.ratios import ratio
from core.evaluation.records import BoolArray, FloatArray, IntArray
from core.evaluation.score_profile import ScoreProfile

BIN_EDGES: FloatArray = np.linspace(0, 1, 11)
BINS = BIN_EDGES.size - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Reliability of the scores of all counted detections.

    Attributes:
        count: (10,) detections per bin; a bin holds its upper edge, the first one 0 as well.
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
    """Return the reliability of the scores.

    The bins are those of scikit-learn's ``calibration_curve``, which draws Supervisely's reliability diagram. Its two
    errors leave scores of exactly 0 out of the first bin (``bin_lower < score``), and so do these.
    """
    count, mean_score, accuracy = _binned(profile.scores, profile.passed > 0)
    above = profile.scores > 0
    weight, said, true = _binned(profile.scores[above], profile.passed[above] > 0)
    gap = np.abs(said - true)[weight > 0]
    total = profile.scores.size
    return Calibration(
        count=count,
        mean_score=mean_score,
        accuracy=accuracy,
        expected_error=float((gap * weight[weight > 0]).sum() / total) if total else float("nan"),
        maximum_error=float(gap.max(initial=0.0)) if total else float("nan"),
    )


def bin_of(scores: FloatArray) -> IntArray:
    """Return the bin of each score."""
    bins: IntArray = np.searchsorted(BIN_EDGES[1:-1], scores, side="left")
    return bins


def _binned(scores: FloatArray, right: BoolArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return count, mean score and share of true positives per bin."""
    bins = bin_of(scores)
    count = np.bincount(bins, minlength=BINS)
    mean_score = ratio(np.bincount(bins, weights=scores, minlength=BINS), count)
    return count, mean_score, ratio(np.bincount(bins, weights=right, minlength=BINS), count)
