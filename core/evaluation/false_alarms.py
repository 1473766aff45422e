"""False alarms of one model that another one does not raise."""

from dataclasses import dataclass

import numpy as np

from core.evaluation.evaluation import Evaluation
from core.evaluation.matching import greedy_matches, group_positions
from core.evaluation.overlaps import GroupedBoxes, box_overlaps
from core.evaluation.records import IntArray
from core.evaluation.size_slices import size_of

# From which IoU on the boxes of two models say the same; Supervisely's comparison report takes 0.75 for false alarms
SAME_BOX = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlarms:
    """False positives of one model that the other has not.

    Attributes:
        dt: (F,) rows in its match table.
        image: (F,) row of the image.
        category: (F,) index of the class.
        size: (F,) index in ``SIZES``.
    """

    dt: IntArray
    image: IntArray
    category: IntArray
    size: IntArray


def unshared_alarms(a: Evaluation, b: Evaluation) -> tuple[FalseAlarms, FalseAlarms]:
    """Return the false alarms of either model without a counterpart in the other.

    Counterparts have the same image and class and overlap by IoU 0.75 or more, one to one, the surest of ``b`` first.
    """
    rows_a, rows_b = _rows(a), _rows(b)
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
