"""True positives, false positives and missed objects at a confidence threshold, per class and per image."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from traindash.errors import InputError
from traindash.evaluation.coco_files import BoolArray, FloatArray, IntArray
from traindash.evaluation.matching import IOU_THRESHOLDS, MatchTable, mean_defined, ratio

# The match table as Supervisely reads it: matches at one IoU threshold per class.

DEFAULT_IOU = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSettings:
    """What a person may choose about an evaluation; names as in Supervisely's ``evaluation_params``."""

    iou_threshold: float = DEFAULT_IOU  # from which IoU on a detection is right: 0.50, 0.55, … or 0.95
    iou_threshold_per_class: Mapping[str, float] = field(default_factory=dict)  # the same for single classes
    # detections below it are left out of precision, recall, F1, counts and confusion; `None` takes the threshold with
    # the best F1
    confidence_threshold: float | None = None

    @property
    def averaged(self) -> bool:
        """Whether precision, recall and F1 are means over the ten IoU thresholds (Supervisely: only by default)."""
        return self.iou_threshold == DEFAULT_IOU and not self.iou_threshold_per_class

    def levels(self, classes: tuple[str, ...]) -> IntArray:
        """Return (K,) the index of the IoU threshold of each class.

        Raises:
            InputError: An IoU threshold or a class does not exist.
        """
        if unknown := set(self.iou_threshold_per_class) - set(classes):
            message = f"An IoU threshold is given for {sorted(unknown)[0]!r}, which is not a class of this evaluation."
            raise InputError(message, f"The classes are {', '.join(classes)}.")
        return np.array([_level(self.iou_threshold_per_class.get(name, self.iou_threshold)) for name in classes])


def _level(threshold: float) -> int:
    same = np.flatnonzero(np.isclose(IOU_THRESHOLDS, threshold))
    if not same.size:
        raise InputError(f"The IoU threshold {threshold} does not exist.", "Choose 0.50, 0.55, 0.60 … or 0.95.")
    return int(same[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchView:
    """One IoU threshold per class; rows are those of the table."""

    table: MatchTable  # all thresholds
    levels: IntArray  # (K,) index of the threshold of each class
    counted: BoolArray  # (D,) right or wrong, that is not matched to a crowd
    right: BoolArray  # (D,) true positives
    gt: IntArray  # (D,) row of the matched object, crowds included; -1 for none
    iou: FloatArray  # (D,) IoU with it, 0 for none
    confused_gt: IntArray  # (D,) object of any class that a wrong detection covers, -1 for none

    def accepted(self, confidence: float) -> BoolArray:
        """Return (D,) counted detections at or above a confidence; NaN accepts all of them."""
        result: BoolArray = self.counted & ~(self.table.dt_score < confidence)
        return result

    def found(self, confidence: float) -> BoolArray:
        """Return (G,) objects with a true positive at or above a confidence."""
        result = np.zeros(self.table.gt_class.size, dtype=np.bool_)
        result[self.gt[self.right & self.accepted(confidence)]] = True
        return result


def view_at(table: MatchTable, levels: IntArray) -> MatchView:
    """Return the view of a table at one threshold per class."""
    # The usual case needs no gathering over all thresholds
    if (levels == levels[0]).all():
        level = int(levels[0])
        gt, iou, ignored = table.dt_gt[level], table.dt_iou[level], table.dt_ignored[level]
        confused = table.dt_confused_gt[level]
    else:
        at = (levels[table.dt_class], np.arange(table.dt_class.size))
        gt, iou, ignored, confused = (
            column[at] for column in (table.dt_gt, table.dt_iou, table.dt_ignored, table.dt_confused_gt)
        )
    return MatchView(
        table=table, levels=levels, counted=~ignored, right=(gt >= 0) & ~ignored, gt=gt, iou=iou, confused_gt=confused
    )


# Precision, recall and F1 as the confidence threshold falls, with Supervisely's definitions.
#
# Supervisely matches once and asks of each match which of the ten IoU thresholds it passes; all classes are counted
# together (``_calculate_score_profile`` of its ``MetricProvider``).


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreProfile:
    """One entry per counted detection, by falling score."""

    rows: IntArray  # (N,) rows in the match table
    scores: FloatArray  # (N,) 0..1
    passed: IntArray  # (N,) IoU thresholds that the match passes, 0 for a false positive
    precision: FloatArray  # (N,) mean over the IoU thresholds when all entries up to this one are accepted
    recall: FloatArray  # (N,) the same
    f1: FloatArray  # (N,) mean over the thresholds that have a true positive so far; NaN where none has
    f1_by_iou: FloatArray  # (T, N) at each threshold; NaN where there is no true positive so far

    @property
    def f1_optimal_confidence(self) -> float:
        """The score with the best F1; NaN when nothing was right."""
        if np.isnan(self.f1).all():
            return float("nan")
        return float(self.scores[np.nanargmax(self.f1)])


def passed_thresholds(iou: FloatArray) -> IntArray:
    """Return how many IoU thresholds a match passes, by the rounding that Supervisely uses."""
    # One spacing more, so that an IoU of exactly 0.50 passes 0.50
    passed: IntArray = np.searchsorted(IOU_THRESHOLDS, iou + np.spacing(1))
    return passed


def score_profile(view: MatchView) -> ScoreProfile:
    """Return the profile of all counted detections."""
    table = view.table
    counted = np.flatnonzero(view.counted)
    wrong = ~view.right[counted]
    # the order of equal scores is Supervisely's: true positives first, images by their lowest class
    order = np.lexsort((table.first_class[table.dt_image[counted]], wrong, -table.dt_score[counted]))
    rows = counted[order]
    passed = np.where(wrong[order], 0, passed_thresholds(view.iou[rows]))
    accepted = np.arange(1, rows.size + 1)
    tp = np.cumsum(passed > np.arange(IOU_THRESHOLDS.size)[:, None], axis=1)
    precision = tp / accepted
    # Without objects there is no true positive either: 0 / 1 instead of 0 / 0
    recall = tp / max(int((~table.gt_crowd).sum()), 1)
    f1 = ratio(2 * precision * recall, precision + recall)
    return ScoreProfile(
        rows=rows,
        scores=table.dt_score[rows],
        passed=passed,
        precision=precision.mean(axis=0),
        recall=recall.mean(axis=0),
        f1=mean_defined(f1, axis=0),
        f1_by_iou=f1,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """What a confidence threshold gives, at the IoU threshold of each class, all objects counted alike."""

    confidence: float  # detections below it are left out
    tp: int  # True positives
    fp: int  # False positives ("false alarms")
    fn: int  # missed objects

    @property
    def precision(self) -> float:
        """NaN without detections."""
        return _share(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """NaN without objects."""
        return _share(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float:
        """NaN without detections and objects."""
        return _share(2 * self.tp, 2 * self.tp + self.fp + self.fn)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCounts:
    """Counts at one confidence threshold."""

    confidence: float  # detections below it are left out; NaN when nothing is
    levels: IntArray  # (K,) index of the IoU threshold of each class
    tp: IntArray  # (K, T) true positives per class and IoU threshold
    fp: IntArray  # (K, T) false positives
    fn: IntArray  # (K, T) missed objects
    confused: int  # False positives that cover an object of any class

    def at_levels(self, counts: IntArray) -> IntArray:
        """Return (K,) one of the (K, T) counts at the IoU threshold of each class."""
        return counts[np.arange(self.levels.size), self.levels]

    @property
    def total(self) -> OperatingPoint:
        """All classes together, each at its IoU threshold."""
        tp, fp, fn = (int(self.at_levels(column).sum()) for column in (self.tp, self.fp, self.fn))
        return OperatingPoint(confidence=self.confidence, tp=tp, fp=fp, fn=fn)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOutcomes:
    """Counts of each image at one confidence threshold."""

    tp: IntArray  # (I,) true positives
    fp: IntArray  # (I,) false positives
    fn: IntArray  # (I,) missed objects

    @property
    def precision(self) -> FloatArray:
        """(I,) NaN without detections."""
        return ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> FloatArray:
        """(I,) NaN without objects."""
        return ratio(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> FloatArray:
        """(I,) NaN where precision and recall are 0 or one of them is NaN."""
        return ratio(2 * self.precision * self.recall, self.precision + self.recall)


def count_outcomes(view: MatchView, confidence: float) -> OutcomeCounts:
    """Count at a confidence threshold; NaN accepts everything."""
    table, accepted = view.table, view.accepted(confidence)
    classes, levels = table.class_count, IOU_THRESHOLDS.size
    right = accepted & view.right
    passed = passed_thresholds(view.iou[right])
    exactly = np.bincount(table.dt_class[right] * (levels + 1) + passed, minlength=classes * (levels + 1))
    tp = exactly.reshape(classes, levels + 1)[:, :0:-1].cumsum(axis=1)[:, ::-1]
    detections = np.bincount(table.dt_class[accepted], minlength=classes)
    return OutcomeCounts(
        confidence=confidence,
        levels=view.levels,
        tp=tp,
        fp=detections[:, None] - tp,
        fn=table.objects_per_class()[:, None] - tp,
        confused=int((accepted & (view.confused_gt >= 0)).sum()),
    )


def count_per_image(view: MatchView, confidence: float) -> ImageOutcomes:
    """Count the outcomes of each image; NaN accepts everything."""
    table, accepted = view.table, view.accepted(confidence)
    images = table.image_count
    tp = np.bincount(table.dt_image[accepted & view.right], minlength=images)
    return ImageOutcomes(
        tp=tp,
        fp=np.bincount(table.dt_image[accepted & ~view.right], minlength=images),
        fn=np.bincount(table.gt_image[~table.gt_crowd], minlength=images) - tp,
    )
