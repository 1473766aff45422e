"""The match table as Supervisely reads it: matches at one IoU threshold per class."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from core.errors import InputError
from core.evaluation.match_table import IOU_THRESHOLDS, MatchTable
from core.evaluation.records import BoolArray, FloatArray, IntArray

DEFAULT_IOU = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSettings:
    """What a person may choose about an evaluation; names as in Supervisely's ``evaluation_params``.

    Attributes:
        iou_threshold: From which IoU on a detection is right: 0.50, 0.55, … or 0.95.
        iou_threshold_per_class: The same for single classes.
        confidence_threshold: Detections below it are left out of precision, recall, F1, counts and confusion;
            ``None`` takes the threshold with the best F1.
    """

    iou_threshold: float = DEFAULT_IOU
    iou_threshold_per_class: Mapping[str, float] = field(default_factory=dict)
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
        message = f"The IoU threshold {threshold} does not exist."
        raise InputError(message, "Choose 0.50, 0.55, 0.60 … or 0.95.")
    return int(same[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchView:
    """One IoU threshold per class; rows are those of the table.

    Attributes:
        table: All thresholds.
        levels: (K,) index of the threshold of each class.
        counted: (D,) right or wrong, that is not matched to a crowd.
        right: (D,) true positives.
        gt: (D,) row of the matched object, crowds included; -1 for none.
        iou: (D,) IoU with it, 0 for none.
        confused_gt: (D,) object of any class that a wrong detection covers, -1 for none.
    """

    table: MatchTable
    levels: IntArray
    counted: BoolArray
    right: BoolArray
    gt: IntArray
    iou: FloatArray
    confused_gt: IntArray

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
