"""The twelve figures that Supervisely's Model Benchmark reports for an experiment."""

import math
from dataclasses import asdict, dataclass

import numpy as np

from traindash.evaluation.coco_files import BoolArray, FloatArray, IntArray
from traindash.evaluation.matching import MatchTable, mean_defined, ratio
from traindash.evaluation.outcomes import MatchView, OutcomeCounts, ScoreProfile

LEVEL_50, LEVEL_75 = 0, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMetrics:
    """One class at the confidence threshold of the evaluation. NaN: not defined (no objects, no detections)."""

    name: str  # the class
    ap: float  # average precision over IoU 0.50 to 0.95
    ap50: float  # at IoU 0.50
    ap75: float  # at IoU 0.75
    precision: float  # from counts averaged over the ten IoU thresholds
    recall: float  # the same
    f1: float  # the same; NaN when nothing was right
    tp: int  # True positives at the IoU threshold of the class
    fp: int  # False positives
    fn: int  # missed objects


def class_metrics(
    classes: tuple[str, ...], precision: FloatArray, counts: OutcomeCounts, *, averaged: bool
) -> tuple[ClassMetrics, ...]:
    """Return the figures of all classes.

    Precision is (T, 101, K), interpolated; ``averaged`` means over the ten IoU thresholds.
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


# Does a score of 0.8 mean that 80 % are right? Ten bins of equal width.

BIN_EDGES: FloatArray = np.linspace(0, 1, 11)
BINS = BIN_EDGES.size - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Reliability of the scores of all counted detections."""

    count: IntArray  # (10,) detections per bin; a bin holds its upper edge, the first one 0 as well
    mean_score: FloatArray  # (10,) NaN in an empty bin
    accuracy: FloatArray  # (10,) share of true positives; NaN in an empty bin
    expected_error: float  # mean gap weighted by the count; NaN without detections
    maximum_error: float  # largest gap; NaN without detections


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


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMetrics:
    """Names as Supervisely spells them. NaN: not defined."""

    # COCO's average precision over classes and IoU 0.50 to 0.95
    mAP: float  # noqa: N815 - Supervisely's spelling
    AP50: float  # at IoU 0.50
    AP75: float  # at IoU 0.75
    f1: float  # mean over classes and the ten IoU thresholds at the confidence threshold; 0 when nothing was right
    precision: float  # the same
    recall: float  # the same
    iou: float  # mean IoU of the true positives
    classification_accuracy: float  # true positives by true positives and confused classes
    calibration_score: float  # 1 - expected calibration error
    f1_optimal_conf: float  # the confidence threshold with the best F1
    expected_calibration_error: float  # 0..1
    maximum_calibration_error: float  # 0..1

    def as_supervisely(self) -> dict[str, float]:
        """Return the figures for ``evaluation_metrics``; what is not defined is left out."""
        return {name: value for name, value in asdict(self).items() if not math.isnan(value)}


def _averaged_scores(counts: OutcomeCounts, *, averaged: bool) -> tuple[float, float, float]:
    """Return precision, recall and F1 as Supervisely averages them: over the classes, and the thresholds where asked.

    A class counts only where a figure is defined: precision and F1 need detections, recall needs objects
    (``base_metrics`` of its ``MetricProvider``).
    """
    chosen = np.arange(counts.tp.shape[1])[None, :] if averaged else counts.levels[:, None]
    tp, fp, fn = (
        np.take_along_axis(x, np.broadcast_to(chosen, (len(x), chosen.shape[1])), axis=1)
        for x in (counts.tp, counts.fp, counts.fn)
    )
    p, r = ratio(tp, tp + fp), ratio(tp, tp + fn)
    # Supervisely's ``base_metrics``: F1 of a class in which nothing was right is 0, not undefined
    f1 = np.where(p + r == 0, 0.0, ratio(2 * p * r, p + r))
    mean_f1 = float(mean_defined(f1))
    return float(mean_defined(p)), float(mean_defined(r)), 0.0 if math.isnan(mean_f1) else mean_f1


def scores_of_all_classes(counts: OutcomeCounts, *, averaged: bool) -> dict[str, float]:
    """Return precision, recall and F1 as means over all classes that have objects: ``precision_all`` and so on.

    As Supervisely's figures of these names, but a class for which nothing is reported counts as 0 instead of being left
    out, so that all models are measured by the same classes. NaN where no class has an object.
    """
    chosen = np.arange(counts.tp.shape[1])[None, :] if averaged else counts.levels[:, None]
    tp, fp, fn = (
        np.take_along_axis(x, np.broadcast_to(chosen, (len(x), chosen.shape[1])), axis=1)
        for x in (counts.tp, counts.fp, counts.fn)
    )
    means = means_of_all_classes(tp, fp, fn, axis=(0, 1))
    return {name: float(value) for name, value in means.items()}


def means_of_all_classes(
    tp: FloatArray | IntArray, fp: FloatArray | IntArray, fn: FloatArray | IntArray, axis: tuple[int, ...]
) -> dict[str, FloatArray]:
    """Return the means of :func:`scores_of_all_classes` from counts of any shape, over some of their axes."""
    there = tp + fn > 0
    parts = {
        "precision_all": ratio(tp, tp + fp),
        "recall_all": ratio(tp, tp + fn),
        "f1_all": ratio(2 * tp, 2 * tp + fp + fn),
    }
    return {name: mean_defined(np.where(there, np.nan_to_num(part), np.nan), axis) for name, part in parts.items()}


def key_metrics(
    view: MatchView, precision: FloatArray, counts: OutcomeCounts, profile: ScoreProfile, *, averaged: bool
) -> KeyMetrics:
    """Return the twelve figures.

    Precision is (T, 101, K), interpolated; ``averaged`` means over the ten IoU thresholds.
    """
    right = view.right & view.accepted(counts.confidence)
    true_positives = counts.total.tp
    mean_precision, mean_recall, mean_f1 = _averaged_scores(counts, averaged=averaged)
    reliability = calibration(profile)
    return KeyMetrics(
        mAP=float(mean_defined(precision)),
        AP50=float(mean_defined(precision[LEVEL_50])),
        AP75=float(mean_defined(precision[LEVEL_75])),
        f1=mean_f1,
        precision=mean_precision,
        recall=mean_recall,
        iou=float(mean_defined(view.iou[right])),
        classification_accuracy=float(ratio(true_positives, true_positives + counts.confused)),
        calibration_score=1 - reliability.expected_error,
        f1_optimal_conf=profile.f1_optimal_confidence,
        expected_calibration_error=reliability.expected_error,
        maximum_calibration_error=reliability.maximum_error,
    )


# Average precision as COCO defines it: 101 recall steps, interpolated precision, ten IoU thresholds.


# by the expression of pycocotools so that the last bits agree
RECALL_STEPS: FloatArray = np.linspace(0.0, 1.0, int(np.round((1.0 - 0.0) / 0.01)) + 1, endpoint=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrCurve:
    """Precision over recall, averaged over the IoU thresholds."""

    recall: FloatArray  # (101,) 0..1
    precision: FloatArray  # (101,) mean of the classes that have objects
    per_class: FloatArray  # (101, K); NaN in the column of a class without objects


def precision_array(table: MatchTable) -> FloatArray:
    """Return (T, 101, K) interpolated precision; NaN for a class without countable objects."""
    right = (table.dt_gt >= 0) & ~table.dt_ignored
    return accumulate(table, right, (table.dt_gt < 0) & table.dt_sized, table.objects_per_class())


def accumulate(table: MatchTable, right: BoolArray, wrong: BoolArray, objects: IntArray) -> FloatArray:
    """Return (T, 101, K) interpolated precision.

    Right and wrong are (T, D) true and false positives; a class without any of the ``objects`` (K,) gets NaN.
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
    # The first detection at which a recall step is reached; behind the last one lies the 0
    steps = np.stack([np.searchsorted(row, RECALL_STEPS, side="left") for row in tp / objects])
    return np.take_along_axis(envelope, steps, axis=1)


def pr_curve(precision: FloatArray) -> PrCurve:
    """Return the curve of a (T, 101, K) precision array."""
    per_class = precision.mean(axis=0)
    return PrCurve(recall=RECALL_STEPS, precision=mean_defined(per_class, axis=1), per_class=per_class)
