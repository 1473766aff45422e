"""Which class was taken for which."""

from dataclasses import dataclass

import numpy as np

from core.evaluation.match_table import MatchTable, Outcome
from core.evaluation.records import FloatArray, IntArray

MOST_PAIRS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusedPair:
    """Two classes that were taken for each other.

    Attributes:
        first: Index of the class that comes earlier in the alphabet.
        second: Index of the other one.
        count: Detections of one that cover an object of the other.
        probability: ``count`` by all detections and misses of the two classes' rows.
    """

    first: int
    second: int
    count: int
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Confusion matrix at IoU 0.50.

    Attributes:
        matrix: (K + 1, K + 1) rows are predicted, columns are true classes; the last row and column stand for "none".
        pairs: At most 20 pairs, most probable first.
    """

    matrix: IntArray
    pairs: tuple[ConfusedPair, ...]


def confusion(table: MatchTable, confidence: float) -> Confusion:
    """Return the matrix of detections at or above the confidence; NaN accepts everything."""
    size = table.class_count + 1
    outcome = table.outcomes()
    accepted = ~(table.dt_score < confidence) & (outcome != Outcome.IGNORED)
    truth = np.full(table.dt_score.size, table.class_count)
    covers = np.where(outcome == Outcome.TRUE_POSITIVE, table.dt_gt[0], table.dt_confused_gt[0])
    truth[covers >= 0] = table.gt_class[covers[covers >= 0]]
    cells = table.dt_class[accepted] * size + truth[accepted]
    matrix = np.bincount(cells, minlength=size * size).reshape(size, size)
    found = np.zeros(table.gt_class.size, dtype=np.bool_)
    found[table.dt_gt[0, accepted & (outcome == Outcome.TRUE_POSITIVE)]] = True
    matrix[-1, :-1] = np.bincount(table.gt_class[~found & ~table.gt_crowd], minlength=size - 1)
    return Confusion(matrix=matrix, pairs=_frequent_pairs(matrix))


def _frequent_pairs(matrix: IntArray) -> tuple[ConfusedPair, ...]:
    both: IntArray = np.triu(matrix[:-1, :-1], 1) + np.tril(matrix[:-1, :-1], -1).T
    flat = both.ravel()
    most = np.argsort(-flat, kind="stable")[:MOST_PAIRS]
    most = most[flat[most] > 0]
    first, second = np.unravel_index(most, both.shape)
    predicted = matrix.sum(axis=1)
    probability: FloatArray = flat[most] / (predicted[first] + predicted[second])
    return tuple(
        ConfusedPair(
            first=int(first[i]), second=int(second[i]), count=int(flat[most[i]]), probability=float(probability[i])
        )
        for i in np.argsort(-probability, kind="stable")
    )
