"""Average precision as COCO defines it: 101 recall steps, interpolated precision, ten IoU thresholds."""

from dataclasses import dataclass

import numpy as np

from core.evaluation.match_table import MatchTable
from core.evaluation.records import BoolArray, FloatArray

# by the expression of pycocotools so that the last bits agree
RECALL_STEPS: FloatArray = np.linspace(0.0, 1.0, int(np.round((1.0 - 0.0) / 0.01)) + 1, endpoint=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrCurve:
    """Precision over recall, averaged over the IoU thresholds.

    Attributes:
        recall: (101,) 0..1.
        precision: (101,) mean of the classes that have objects.
        per_class: (101, K); NaN in the column of a class without objects.
    """

    recall: FloatArray
    precision: FloatArray
    per_class: FloatArray


def precision_array(table: MatchTable) -> FloatArray:
    """Return (T, 101, K) interpolated precision; NaN for a class without countable objects."""
    positives = np.bincount(table.gt_class[~table.gt_crowd], minlength=table.class_count)
    result = np.full((table.dt_gt.shape[0], RECALL_STEPS.size, table.class_count), np.nan)
    order = np.lexsort((-table.dt_score, table.dt_class))
    bounds = np.searchsorted(table.dt_class[order], np.arange(table.class_count + 1))
    right = ((table.dt_gt >= 0) & ~table.dt_ignored)[:, order]
    wrong = (table.dt_gt < 0)[:, order]
    for k in np.flatnonzero(positives).tolist():
        part = slice(bounds[k], bounds[k + 1])
        result[:, :, k] = interpolated_precision(right[:, part], wrong[:, part], float(positives[k]))
    return result


def interpolated_precision(
    right: FloatArray | BoolArray, wrong: FloatArray | BoolArray, positives: float
) -> FloatArray:
    """Return (T, 101) precision at the recall steps.

    Args:
        right: (T, N) count of true positives of each detection, by falling score.
        wrong: (T, N) the same of false positives.
        positives: Objects to find, above 0.
    """
    tp, fp = np.cumsum(right, axis=1, dtype=np.float64), np.cumsum(wrong, axis=1, dtype=np.float64)
    precision = tp / (fp + tp + np.spacing(1))
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    envelope = np.concatenate([envelope, np.zeros((envelope.shape[0], 1))], axis=1)
    recall = tp / positives
    steps = np.stack([np.searchsorted(row, RECALL_STEPS, side="left") for row in recall])
    return np.take_along_axis(envelope, steps, axis=1)


def mean_defined(values: FloatArray, axis: int | tuple[int, ...] | None = None) -> FloatArray:
    """Return the mean without NaN; NaN where nothing is defined."""
    defined = ~np.isnan(values)
    total = np.where(defined, values, 0.0).sum(axis=axis)
    count = np.asarray(defined.sum(axis=axis))
    mean: FloatArray = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    return mean


def pr_curve(precision: FloatArray) -> PrCurve:
    """Return the curve of a (T, 101, K) precision array."""
    per_class = precision.mean(axis=0)
    return PrCurve(recall=RECALL_STEPS, precision=mean_defined(per_class, axis=1), per_class=per_class)
