"""The figures of one class."""

from dataclasses import dataclass

from core.evaluation.outcome_counts import OutcomeCounts
from core.evaluation.ratios import mean_defined, ratio
from core.evaluation.records import FloatArray, IntArray

LEVEL_50, LEVEL_75 = 0, 5


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
        f1: The same; NaN when nothing was right.
        tp: True positives at the IoU threshold of the class.
        fp: False positives.
        fn: Missed objects.
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


def class_metrics(
    classes: tuple[str, ...], precision: FloatArray, counts: OutcomeCounts, *, averaged: bool
) -> tuple[ClassMetrics, ...]:
    """Return the figures of all classes.

    Args:
        classes: K names.
        precision: (T, 101, K) interpolated precision.
        counts: At the confidence threshold of the evaluation.
        averaged: Whether precision, recall and F1 come from means over the ten IoU thresholds.
    """
    ap = mean_defined(precision, axis=(0, 1))
    by_level = mean_defined(precision, axis=1)
    tp, fp, fn = (counts.at_levels(x) for x in (counts.tp, counts.fp, counts.fn))
    p, r, f1 = _scores(counts, averaged=averaged)
    return tuple(
        ClassMetrics(
            name=name,
            ap=float(ap[k]),
            ap50=float(by_level[LEVEL_50, k]),
            ap75=float(by_level[LEVEL_75, k]),
            precision=float(p[k]),
            recall=float(r[k]),
            f1=float(f1[k]),
            tp=int(tp[k]),
            fp=int(fp[k]),
            fn=int(fn[k]),
        )
        for k, name in enumerate(classes)
    )


def _scores(counts: OutcomeCounts, *, averaged: bool) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (K,) precision, recall and F1."""

    def one(column: IntArray) -> FloatArray:
        return column.mean(axis=1) if averaged else counts.at_levels(column).astype(float)

    tp = one(counts.tp)
    p, r = ratio(tp, tp + one(counts.fp)), ratio(tp, tp + one(counts.fn))
    return p, r, ratio(2 * p * r, p + r)
