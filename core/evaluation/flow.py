"""Object flow: what became of each object and each false alarm when a model replaced the baseline."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from core.evaluation.alignment import aligned_objects
from core.evaluation.evaluation import Evaluation
from core.evaluation.false_alarms import SAME_BOX, FalseAlarms, unshared_alarms
from core.evaluation.overlaps import box_ious
from core.evaluation.records import BoolArray, FloatArray, IntArray
from core.evaluation.size_slices import SIZES, size_of


class Change(IntEnum):
    """What became of an object. Only found and not found decide between the first five, so the sums are exact."""

    KEPT = 0
    MOVED_BOX = 1
    GAINED = 2
    LOST = 3
    MISSED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SideView:
    """What one model says about the objects at its confidence threshold.

    Attributes:
        dt: (G,) row in its match table of the detection that finds the object, -1 for none.
        iou: (G,) IoU of the two, 0 for none.
        called: (G,) class of the detection that covers the object, right or wrong; -1 for none.
    """

    dt: IntArray
    iou: FloatArray
    called: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowCounts:
    """Sums of a flow; each is an array with one entry per class, size or image, or of length 1 for all.

    Attributes:
        kept: Found by both, at the same place.
        moved_box: Found by both, but the two boxes differ (IoU below 0.75).
        gained: Found only by the new model.
        lost: Found only by the baseline.
        missed: Found by neither.
        swapped: Covered by both, but under different class names; also among gained, lost or missed.
        new_alarms: False alarms that the baseline has not.
        vanished_alarms: False alarms that only the baseline has.
    """

    kept: IntArray
    moved_box: IntArray
    gained: IntArray
    lost: IntArray
    missed: IntArray
    swapped: IntArray
    new_alarms: IntArray
    vanished_alarms: IntArray

    @property
    def net(self) -> IntArray:
        """Gained minus lost: the change in true positives, exactly."""
        return self.gained - self.lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What changed from the baseline to the other model. Rows of objects are those of the baseline.

    Attributes:
        objects: (N,) rows of the countable objects; the following columns belong to them.
        change: (N,) values of ``Change``.
        swapped: (N,) both models cover the object but call it differently.
        image: (N,) row of the image.
        category: (N,) index of the class.
        size: (N,) index in ``SIZES``.
        before: What the baseline says.
        after: What the other model says.
        new_alarms: False alarms of the other model without a counterpart.
        vanished_alarms: False alarms of the baseline without a counterpart.
        class_count: K.
        image_count: I.
    """

    objects: IntArray
    change: NDArray[np.int8]
    swapped: BoolArray
    image: IntArray
    category: IntArray
    size: IntArray
    before: SideView
    after: SideView
    new_alarms: FalseAlarms
    vanished_alarms: FalseAlarms
    class_count: int
    image_count: int

    def total(self) -> FlowCounts:
        """Return the sums over everything (arrays of length 1)."""
        nowhere = np.zeros(self.objects.size, dtype=np.int64)
        return self._counts(nowhere, np.zeros_like(self.new_alarms.dt), np.zeros_like(self.vanished_alarms.dt), 1)

    def by_class(self) -> FlowCounts:
        """Return (K,) sums."""
        return self._counts(self.category, self.new_alarms.category, self.vanished_alarms.category, self.class_count)

    def by_size(self) -> FlowCounts:
        """Return (3,) sums, in the order of ``SIZES``."""
        return self._counts(self.size, self.new_alarms.size, self.vanished_alarms.size, len(SIZES))

    def by_image(self) -> FlowCounts:
        """Return (I,) sums."""
        return self._counts(self.image, self.new_alarms.image, self.vanished_alarms.image, self.image_count)

    def _counts(self, objects: IntArray, new: IntArray, vanished: IntArray, groups: int) -> FlowCounts:
        def count(change: Change) -> IntArray:
            return np.bincount(objects[self.change == change], minlength=groups)

        return FlowCounts(
            kept=count(Change.KEPT),
            moved_box=count(Change.MOVED_BOX),
            gained=count(Change.GAINED),
            lost=count(Change.LOST),
            missed=count(Change.MISSED),
            swapped=np.bincount(objects[self.swapped], minlength=groups),
            new_alarms=np.bincount(new, minlength=groups),
            vanished_alarms=np.bincount(vanished, minlength=groups),
        )


def object_flow(baseline: Evaluation, other: Evaluation) -> Flow:
    """Compare two evaluations of the same objects, each at its own thresholds.

    Raises:
        InputError: Images, classes or annotations are not the same.
    """
    rows_other = aligned_objects(baseline, other)
    objects = np.flatnonzero(~baseline.table.gt_crowd)
    before = _side(baseline, objects)
    after = _side(other, rows_other[objects])
    vanished, new = unshared_alarms(baseline, other)
    return Flow(
        objects=objects,
        change=_changes(baseline, before, other, after),
        swapped=(before.called >= 0) & (after.called >= 0) & (before.called != after.called),
        image=baseline.table.gt_image[objects],
        category=baseline.table.gt_class[objects],
        size=size_of(baseline.table.gt_area[objects]),
        before=before,
        after=after,
        new_alarms=new,
        vanished_alarms=vanished,
        class_count=baseline.table.class_count,
        image_count=baseline.table.image_count,
    )


def _side(evaluation: Evaluation, objects: IntArray) -> SideView:
    view, table = evaluation.view, evaluation.table
    accepted = view.accepted(evaluation.confidence)
    dt, iou, called = np.full(table.gt_class.size, -1), np.zeros(table.gt_class.size), np.full(table.gt_class.size, -1)
    confused = np.flatnonzero(accepted & (view.confused_gt >= 0))
    called[view.confused_gt[confused]] = table.dt_class[confused]
    right = np.flatnonzero(accepted & view.right)
    dt[view.gt[right]], iou[view.gt[right]], called[view.gt[right]] = right, view.iou[right], table.dt_class[right]
    return SideView(dt=dt[objects], iou=iou[objects], called=called[objects])


def _changes(a: Evaluation, before: SideView, b: Evaluation, after: SideView) -> NDArray[np.int8]:
    had, has = before.dt >= 0, after.dt >= 0
    change = np.full(had.size, Change.MISSED, dtype=np.int8)
    change[had & ~has] = Change.LOST
    change[~had & has] = Change.GAINED
    both = np.flatnonzero(had & has)
    overlap = box_ious(_boxes(a, before.dt[both]), _boxes(b, after.dt[both]))
    change[both] = np.where(overlap >= SAME_BOX, Change.KEPT, Change.MOVED_BOX)
    return change


def _boxes(evaluation: Evaluation, dt: IntArray) -> FloatArray:
    return evaluation.pair.dt.boxes[evaluation.table.dt_row[dt]]
