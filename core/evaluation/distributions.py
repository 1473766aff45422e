"""How the IoU of the true positives and the scores of right and wrong detections are spread."""

from dataclasses import dataclass

import numpy as np

from core.evaluation.match_view import MatchView
from core.evaluation.records import FloatArray, IntArray

IOU_BINS = 40
SCORE_BINS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class IouHistogram:
    """IoU of the true positives.

    Attributes:
        edges: (41,) from 0.50 to 1.
        counts: (40,) true positives.
    """

    edges: FloatArray
    counts: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreDistribution:
    """Scores of right and wrong detections, without a confidence threshold.

    Attributes:
        edges: (41,) from 0 to 1.
        right: (40,) true positives.
        wrong: (40,) false positives.
    """

    edges: FloatArray
    right: IntArray
    wrong: IntArray


def iou_histogram(view: MatchView, confidence: float) -> IouHistogram:
    """Return the histogram of the true positives at or above the confidence; NaN accepts everything."""
    counts, edges = np.histogram(view.iou[view.right & view.accepted(confidence)], bins=IOU_BINS, range=(0.5, 1.0))
    return IouHistogram(edges=edges, counts=counts.astype(np.int64))


def score_distribution(view: MatchView) -> ScoreDistribution:
    """Return the scores of all counted detections."""
    scores = view.table.dt_score
    right, edges = np.histogram(scores[view.right], bins=SCORE_BINS, range=(0.0, 1.0))
    wrong, _ = np.histogram(scores[view.counted & ~view.right], bins=SCORE_BINS, range=(0.0, 1.0))
    return ScoreDistribution(edges=edges, right=right.astype(np.int64), wrong=wrong.astype(np.int64))
