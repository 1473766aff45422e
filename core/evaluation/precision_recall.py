"""Average precision as COCO defines it: 101 recall steps, interpolated precision, ten IoU thresholds."""

from dataclasses import dataclass

import numpy as np

from core.evaluation.match_table import MatchTable
from core.evaluation.ratios import mean_defined
from core.evaluation.records import BoolArray, FloatArray, IntArray

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
    return accumulate(table, (table.dt_gt >= 0) & ~table.dt_ignored, table.dt_gt < 0, table.objects_per_class())


def accumulate(table: MatchTable, right: BoolArray, wrong: BoolArray, objects: IntArray) -> FloatArray:
    """Return (T, 101, K) interpolated precision.

    Args:
        table: For class and score of the detections.
        right: (T, D) true positives.
        wrong: (T, D) false positives.
        objects: (K,) objects to find; a class without any gets NaN.
    """
    result = np.full((right.shape[0], RECALL_STEPS.size, objects.size), np.nan)
    order = np.lexsort((-table.dt_score, table.dt_class))
    bounds = np.searchsorted(table.dt_class[order], np.arange(objects.size + 1))
    for k in np.flatnonzero(objects).tolist():
        rows = order[bounds[k] : bounds[k + 1]]
        result[:, :, k] = _interpolated(right[:, rows], wrong[:, rows], int(objects[k]))
    return result


def _interpolated(right: BoolArray, wrong: BoolArray, objects: int) -> FloatArray:
    """Return (T, 101) precision at the recall steps; detections by falling score; see pycocotools' ``accumulate``."""
    tp, fp = np.cumsum(right, axis=1, dtype=np.float64), np.cumsum(wrong, axis=1, dtype=np.float64)
    precision = tp / (fp + tp + np.spacing(1))
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    envelope = np.concatenate([envelope, np.zeros((envelope.shape[0], 1))], axis=1)
    steps = np.stack([np.searchsorted(row, RECALL_STEPS, side="left") for row in tp / objects])
    return np.take_along_axis(envelope, steps, axis=1)


def pr_curve(precision: FloatArray) -> PrCurve:
    """Return the curve of a (T, 101, K) precision array."""
    per_class = precision.mean(axis=0)
    return PrCurve(recall=RECALL_STEPS, precision=mean_defined(per_class, axis=1), per_class=per_class)
