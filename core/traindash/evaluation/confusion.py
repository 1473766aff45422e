"""Which class was taken for which."""

from dataclasses import dataclass

import numpy as np

from traindash.evaluation.coco_files import FloatArray, IntArray
from traindash.evaluation.matching import ratio
from traindash.evaluation.outcomes import MatchView

MOST_PAIRS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusedPair:
    """Two classes that were taken for each other."""

    first: int  # index of the class that comes earlier
    second: int  # index of the other one
    count: int  # detections of one that cover an object of the other
    probability: float  # `count` by all detections of the two classes


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Confusion matrix at a confidence threshold."""

    # (K + 1, K + 1) rows are predicted, columns are true classes; the last row and column stand for "none"
    matrix: IntArray
    pairs: tuple[ConfusedPair, ...]  # the 20 pairs with the largest counts, most probable first


def confusion(view: MatchView, confidence: float) -> Confusion:
    """Return the matrix of detections at or above the confidence; NaN accepts everything."""
    table, accepted = view.table, view.accepted(confidence)
    none, size = table.class_count, table.class_count + 1
    # the last entry is what -1 (no object) finds
    truth = np.append(table.gt_class, none)[np.where(view.right, view.gt, view.confused_gt)]
    cells = table.dt_class[accepted] * size + truth[accepted]
    matrix = np.bincount(cells, minlength=size * size).reshape(size, size)
    missed = ~view.found(confidence) & ~table.gt_crowd
    matrix[none, :none] = np.bincount(table.gt_class[missed], minlength=none)
    return Confusion(matrix=matrix, pairs=_frequent_pairs(matrix))


def _frequent_pairs(matrix: IntArray) -> tuple[ConfusedPair, ...]:
    known = matrix[:-1, :-1]
    # A pair counts in both directions: cat for dog and dog for cat
    both = np.triu(known, 1) + np.tril(known, -1).T
    most = np.argsort(-both, axis=None, kind="stable")[:MOST_PAIRS]
    most = most[both.flat[most] > 0]
    first, second = np.unravel_index(most, both.shape)
    count = both.flat[most]
    predicted = matrix.sum(axis=1)
    probability = ratio(count, predicted[first] + predicted[second])
    return tuple(
        ConfusedPair(first=int(first[i]), second=int(second[i]), count=int(count[i]), probability=float(probability[i]))
        for i in np.argsort(-probability, kind="stable")
    )


IOU_BINS = 40
SCORE_BINS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class IouHistogram:
    """IoU of the true positives."""

    edges: FloatArray  # (41,) from 0.50 to 1
    counts: IntArray  # (40,) true positives


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreDistribution:
    """Scores of right and wrong detections, without a confidence threshold."""

    edges: FloatArray  # (41,) from 0 to 1
    right: IntArray  # (40,) true positives
    wrong: IntArray  # (40,) false positives


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
