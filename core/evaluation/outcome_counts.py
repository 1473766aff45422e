"""True positives, false positives and missed objects at a confidence threshold, per class and per image."""

from dataclasses import dataclass

import numpy as np

from core.evaluation.match_table import IOU_THRESHOLDS
from core.evaluation.match_view import MatchView
from core.evaluation.ratios import ratio
from core.evaluation.records import FloatArray, IntArray
from core.evaluation.score_profile import passed_thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCounts:
    """Counts at one confidence threshold.

    Attributes:
        confidence: Detections below it are left out; NaN when nothing is.
        levels: (K,) index of the IoU threshold of each class.
        tp: (K, T) true positives per class and IoU threshold.
        fp: (K, T) false positives.
        fn: (K, T) missed objects.
        confused: False positives that cover an object of any class.
    """

    confidence: float
    levels: IntArray
    tp: IntArray
    fp: IntArray
    fn: IntArray
    confused: int

    def at_levels(self, counts: IntArray) -> IntArray:
        """Return (K,) one of the (K, T) counts at the IoU threshold of each class."""
        return counts[np.arange(self.levels.size), self.levels]

    @property
    def true_positives(self) -> int:
        """All classes at their IoU threshold."""
        return int(self.at_levels(self.tp).sum())

    @property
    def false_positives(self) -> int:
        """All classes at their IoU threshold."""
        return int(self.at_levels(self.fp).sum())

    @property
    def false_negatives(self) -> int:
        """All classes at their IoU threshold."""
        return int(self.at_levels(self.fn).sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOutcomes:
    """Counts of each image at one confidence threshold.

    Attributes:
        tp: (I,) true positives.
        fp: (I,) false positives.
        fn: (I,) missed objects.
    """

    tp: IntArray
    fp: IntArray
    fn: IntArray

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
