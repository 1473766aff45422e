"""Images drawn with repetition, and the figures of an evaluation on each draw."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.evaluation.class_metrics import LEVEL_50, LEVEL_75
from core.evaluation.evaluation import Evaluation
from core.evaluation.match_table import MatchTable
from core.evaluation.ratios import mean_defined
from core.evaluation.records import FloatArray, IntArray
from core.evaluation.weighted_precision import (
    RecallTable,
    WeightArray,
    recall_table,
    rows_by_class,
    weighted_average_precision,
)
from core.evaluation.weighted_scores import WeightedScores, weighted_scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Resamples:
    """B resamples of the same images; made once, they serve all evaluations of them.

    Attributes:
        weights: (I, B) how often each image is drawn.
        recall: What it takes to find the objects of each of the K classes.
    """

    weights: WeightArray
    recall: tuple[RecallTable, ...]


def draw(table: MatchTable, resamples: int, seed: int) -> Resamples:
    """Draw the images of a match table; the same seed gives the same resamples.

    Args:
        table: Of any evaluation of these images; only its objects count.
        resamples: How many.
        seed: Of the random numbers.
    """
    weights = resample_weights(table.image_count, resamples, seed)
    return Resamples(weights=weights, recall=tuple(map(recall_table, _weighted_objects(table, weights))))


def measure(evaluation: Evaluation, drawn: Resamples) -> WeightedScores:
    """Return the figures of an evaluation on resamples of its images."""
    by_level = _average_precision(evaluation.table, drawn)
    scores = weighted_scores(evaluation, drawn.weights)
    ap, ap50, ap75 = by_level.mean(axis=0), by_level[LEVEL_50], by_level[LEVEL_75]
    key = {"mAP": mean_defined(ap, axis=0), "AP50": mean_defined(ap50, axis=0), "AP75": mean_defined(ap75, axis=0)}
    return WeightedScores(
        key={**key, **scores.key}, per_class={"ap": ap, "ap50": ap50, "ap75": ap75, **scores.per_class}
    )


def resample_weights(images: int, resamples: int, seed: int) -> WeightArray:
    """Return (I, B) how often each image is drawn."""
    drawn = np.random.default_rng(seed).integers(0, images, size=(resamples, images))
    cells = (drawn * resamples + np.arange(resamples)[:, None]).ravel()
    return np.bincount(cells, minlength=images * resamples).reshape(images, resamples).astype(np.int16)


def _average_precision(table: MatchTable, drawn: Resamples) -> FloatArray:
    """Return (T, K, B)."""
    columns: Sequence[FloatArray] = [
        weighted_average_precision(rows, recall, drawn.weights)
        for rows, recall in zip(rows_by_class(table), drawn.recall, strict=True)
    ]
    return np.stack(columns, axis=1)


def _weighted_objects(table: MatchTable, weights: WeightArray) -> IntArray:
    """Return (K, B) how many objects of each class a resample holds."""
    wanted = ~table.gt_crowd
    cells = table.gt_class[wanted] * table.image_count + table.gt_image[wanted]
    per_image = np.bincount(cells, minlength=table.class_count * table.image_count)
    objects: FloatArray = per_image.reshape(table.class_count, table.image_count).astype(np.float64) @ weights
    return objects.astype(np.int64)
