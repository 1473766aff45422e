"""The figures of one class."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.evaluation.outcome_counts import OutcomeCounts
from core.evaluation.precision_recall import mean_defined
from core.evaluation.records import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMetrics:
    """One class at the confidence threshold of the evaluation. NaN: not defined (no objects, no detections).

    Attributes:
        name: The class.
        ap: Average precision over IoU 0.50 to 0.95.
        ap50: At IoU 0.50.
        ap75: At IoU 0.75.
        precision: From counts averaged over the ten IoU thresholds.
        recall: The same.
        f1: The same.
        tp: True positives at IoU 0.50.
        fp: False positives at IoU 0.50.
        fn: Missed objects at IoU 0.50.
    """

    name: str
    ap: float
    ap50: float
    ap75: float
    precision: float
    recall: float
    f1: float
    tp: int
    fp: int
    fn: int


def ratio(part: ArrayLike, whole: ArrayLike) -> FloatArray:
    """Return part / whole, NaN where the whole is 0."""
    divisor = np.asarray(whole, dtype=np.float64)
    quotient: FloatArray = np.divide(part, divisor, out=np.full(divisor.shape, np.nan), where=divisor > 0)
    return quotient


def class_metrics(classes: tuple[str, ...], precision: FloatArray, counts: OutcomeCounts) -> tuple[ClassMetrics, ...]:
    """Return the figures of all classes.

    Args:
        classes: K names.
        precision: (T, 101, K) interpolated precision.
        counts: At the confidence threshold of the evaluation.
    """
    ap = mean_defined(precision, axis=(0, 1))
    by_level = mean_defined(precision, axis=1)
    tp, fp, fn = (x.mean(axis=1) for x in (counts.tp, counts.fp, counts.fn))
    p, r = ratio(tp, tp + fp), ratio(tp, tp + fn)
    f1 = ratio(2 * p * r, p + r)
    return tuple(
        ClassMetrics(
            name=name,
            ap=float(ap[k]),
            ap50=float(by_level[0, k]),
            ap75=float(by_level[5, k]),
            precision=float(p[k]),
            recall=float(r[k]),
            f1=float(f1[k]),
            tp=int(counts.tp[k, 0]),
            fp=int(counts.fp[k, 0]),
            fn=int(counts.fn[k, 0]),
        )
        for k, name in enumerate(classes)
    )
