"""Object flow: what became of each object and each false alarm when a model replaced the baseline."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from traindash.errors import InputError
from traindash.evaluation.coco_files import BoolArray, CocoPair, FloatArray, IntArray
from traindash.evaluation.evaluation import SIZES, Evaluation, size_of
from traindash.evaluation.matching import GroupedBoxes, box_ious, box_overlaps, greedy_matches, group_positions
from traindash.language import gettext as _


def aligned_objects(a: Evaluation, b: Evaluation) -> IntArray:
    """Return (G,) for each object of ``a`` the row of the same object in ``b``.

    Raises:
        InputError: Images, classes or objects are not the same.
    """
    hint = _("Score both again on the images they have in common first.")
    if a.classes != b.classes:
        raise InputError(_("The two evaluations have different classes."), hint)
    if _image_names(a.pair) != _image_names(b.pair):
        raise InputError(_("The two evaluations hold different images, or in a different order."), hint)
    order_a, order_b = _order(a.pair), _order(b.pair)
    if not _same_objects(a.pair, order_a, b.pair, order_b):
        raise InputError(_("The annotations changed between the two evaluations."), hint)
    rows = np.empty(order_a.size, dtype=np.int64)
    rows[order_a] = order_b
    return rows


def are_aligned(evaluations: Sequence[Evaluation]) -> bool:
    """Return whether evaluations are of the same images in the same order, the same classes and the same objects."""
    try:
        for other in evaluations[1:]:
            aligned_objects(evaluations[0], other)
    except InputError:
        return False
    return True


def _image_names(pair: CocoPair) -> tuple[object, ...]:
    return pair.images.datasets, pair.images.file_names, pair.images.sizes.tolist()


def _order(pair: CocoPair) -> IntArray:
    """Return the rows of the objects in an order that does not depend on the file."""
    return np.lexsort((pair.gt.area, pair.gt.crowd, *pair.gt.boxes.T, pair.gt.category, pair.gt.image))


def _same_objects(a: CocoPair, order_a: IntArray, b: CocoPair, order_b: IntArray) -> bool:
    columns = ((a.gt.image, b.gt.image), (a.gt.category, b.gt.category), (a.gt.boxes, b.gt.boxes))
    return (
        order_a.size == order_b.size
        and all(np.array_equal(x[order_a], y[order_b]) for x, y in columns)
        and np.array_equal(a.gt.crowd[order_a], b.gt.crowd[order_b])
    )


# From which IoU on the boxes of two models say the same; Supervisely's comparison report takes 0.75 for false alarms
SAME_BOX = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlarms:
    """False positives of one model that the other has not."""

    dt: IntArray  # (F,) rows in its match table
    image: IntArray  # (F,) row of the image
    category: IntArray  # (F,) index of the class
    size: IntArray  # (F,) index in `SIZES`


def unshared_alarms(a: Evaluation, b: Evaluation) -> tuple[FalseAlarms, FalseAlarms]:
    """Return the false alarms of either model without a counterpart in the other.

    Counterparts have the same image and class and overlap by IoU 0.75 or more, one to one, the surest of ``b`` first.
    """
    rows_a, rows_b = _rows(a), _rows(b)
    # The detections of one model stand in for objects, so the matching of COCO serves here, too
    found, wanted = _grouped(b, rows_b), _grouped(a, rows_a)
    nobody = np.zeros(rows_a.size, dtype=np.bool_)
    overlaps = box_overlaps(found, wanted, nobody, SAME_BOX)
    matched = greedy_matches(overlaps, group_positions(found.group), nobody, nobody, np.array([SAME_BOX]))[0]
    shared = nobody.copy()
    shared[overlaps.gt[matched[matched >= 0]]] = True
    return _described(a, rows_a[~shared]), _described(b, rows_b[matched < 0])


def _rows(evaluation: Evaluation) -> IntArray:
    return np.flatnonzero(evaluation.view.accepted(evaluation.confidence) & ~evaluation.view.right)


def _grouped(evaluation: Evaluation, rows: IntArray) -> GroupedBoxes:
    table = evaluation.table
    group = table.dt_image[rows] * table.class_count + table.dt_class[rows]
    return GroupedBoxes(group=group, boxes=evaluation.pair.dt.boxes[table.dt_row[rows]])


def _described(evaluation: Evaluation, rows: IntArray) -> FalseAlarms:
    table = evaluation.table
    return FalseAlarms(
        dt=rows,
        image=table.dt_image[rows],
        category=table.dt_class[rows],
        size=size_of(evaluation.pair.dt.area[table.dt_row[rows]]),
    )


class Change(IntEnum):
    """What became of an object. Only found and not found decide between the first five, so the sums are exact."""

    KEPT = 0
    MOVED_BOX = 1
    GAINED = 2
    LOST = 3
    MISSED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SideView:
    """What one model says about the objects at its confidence threshold."""

    dt: IntArray  # (G,) row in its match table of the detection that finds the object, -1 for none
    iou: FloatArray  # (G,) IoU of the two, 0 for none
    called: IntArray  # (G,) class of the detection that covers the object, right or wrong; -1 for none


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowCounts:
    """Sums of a flow: over all, over a class or over a size."""

    kept: int  # found by both, at the same place
    moved_box: int  # found by both, but the two boxes differ (IoU below 0.75)
    gained: int  # found only by the new model
    lost: int  # found only by the baseline
    missed: int  # found by neither
    swapped: int  # covered by both, but under different class names; also among gained, lost or missed
    new_alarms: int  # False alarms that the baseline has not
    vanished_alarms: int  # False alarms that only the baseline has

    @property
    def before(self) -> int:
        """Objects that the baseline finds."""
        return self.kept + self.moved_box + self.lost

    @property
    def after(self) -> int:
        """Objects that the new model finds: ``before`` − ``lost`` + ``gained``, exactly."""
        return self.kept + self.moved_box + self.gained

    @property
    def net(self) -> int:
        """Gained minus lost: the change in true positives, exactly."""
        return self.gained - self.lost

    @property
    def is_empty(self) -> bool:
        """Whether there is neither an object nor a changed false alarm."""
        return not (self.before + self.gained + self.missed + self.new_alarms + self.vanished_alarms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What changed from the baseline to the other model. Rows of objects are those of the baseline."""

    objects: IntArray  # (N,) rows of the countable objects; the following columns belong to them
    change: NDArray[np.int8]  # (N,) values of `Change`
    swapped: BoolArray  # (N,) both models cover the object but call it differently
    image: IntArray  # (N,) row of the image
    category: IntArray  # (N,) index of the class
    size: IntArray  # (N,) index in `SIZES`
    before: SideView  # what the baseline says
    after: SideView  # what the other model says
    new_alarms: FalseAlarms  # False alarms of the other model without a counterpart
    vanished_alarms: FalseAlarms  # False alarms of the baseline without a counterpart
    class_count: int  # K

    def total(self) -> FlowCounts:
        """Return the sums over everything."""
        nowhere = np.zeros(self.objects.size, dtype=np.int64)
        return self._counts(nowhere, np.zeros_like(self.new_alarms.dt), np.zeros_like(self.vanished_alarms.dt), 1)[0]

    def by_class(self) -> tuple[FlowCounts, ...]:
        """Return (K) sums."""
        return self._counts(self.category, self.new_alarms.category, self.vanished_alarms.category, self.class_count)

    def by_size(self) -> tuple[FlowCounts, ...]:
        """Return (3) sums, in the order of ``SIZES``."""
        return self._counts(self.size, self.new_alarms.size, self.vanished_alarms.size, len(SIZES))

    def _counts(self, objects: IntArray, new: IntArray, vanished: IntArray, groups: int) -> tuple[FlowCounts, ...]:
        def count(rows: IntArray) -> list[int]:
            counts: list[int] = np.bincount(rows, minlength=groups).tolist()
            return counts

        changes = (Change.KEPT, Change.MOVED_BOX, Change.GAINED, Change.LOST, Change.MISSED)
        columns = {change.name.lower(): count(objects[self.change == change]) for change in changes}
        columns |= {"swapped": count(objects[self.swapped]), "new_alarms": count(new)}
        columns |= {"vanished_alarms": count(vanished)}
        return tuple(FlowCounts(**{name: column[i] for name, column in columns.items()}) for i in range(groups))


def object_flow(baseline: Evaluation, other: Evaluation) -> Flow:
    """Compare two evaluations of the same objects, each at its own thresholds.

    Raises:
        InputError: Images, classes or annotations are not the same.
    """
    # The same objects may stand in another order in the other file
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
    # Found by both says nothing of the place: a box may have moved from one half of the object to the other
    change[both] = np.where(overlap >= SAME_BOX, Change.KEPT, Change.MOVED_BOX)
    return change


def _boxes(evaluation: Evaluation, dt: IntArray) -> FloatArray:
    return evaluation.pair.dt.boxes[evaluation.table.dt_row[dt]]
