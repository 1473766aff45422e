"""Gained and lost: what becomes of objects and false alarms when an experiment takes the baseline's place, as rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from traindash.comparison.image_query import FlowChange, Hits, changed_mask, flow_hits
from traindash.comparison.image_set import ImageSet
from traindash.evaluation import Flow, FlowCounts, object_flow
from traindash.evaluation.coco_files import FloatArray, IntArray
from traindash.evaluation.evaluation import SIZES


class EntryOrder(StrEnum):
    """Which entries come first."""

    SUREST = "Highest confidence"
    UNSUREST = "Lowest confidence"
    LARGEST = "Largest"
    SMALLEST = "Smallest"
    IMAGE = "By image"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRow:
    """Sums of a flow for all, for one class or for one size.

    Attributes:
        name: ``All``, the class or the size.
        before: Objects that the baseline finds.
        after: Objects that the other experiment finds: ``before`` − ``lost`` + ``gained``.
        lost: Found by the baseline alone.
        gained: Found by the other experiment alone.
        missed: Found by neither.
        moved_box: Found by both at places that differ.
        swapped: Covered by both under different class names; also among gained, lost or missed.
        new_alarms: False alarms that only the other experiment raises.
        vanished_alarms: False alarms that only the baseline raises.
    """

    name: str
    before: int
    after: int
    lost: int
    gained: int
    missed: int
    moved_box: int
    swapped: int
    new_alarms: int
    vanished_alarms: int

    @property
    def net(self) -> int:
        """Gained minus lost."""
        return self.gained - self.lost

    @property
    def is_empty(self) -> bool:
        """Whether there is neither an object nor a changed false alarm."""
        return not (self.before + self.gained + self.missed + self.new_alarms + self.vanished_alarms)

    def count(self, change: FlowChange) -> int:
        """Return how many entries changed in one way."""
        return {
            FlowChange.GAINED: self.gained,
            FlowChange.LOST: self.lost,
            FlowChange.SWAPPED: self.swapped,
            FlowChange.MOVED_BOX: self.moved_box,
            FlowChange.NEW_ALARM: self.new_alarms,
            FlowChange.VANISHED_ALARM: self.vanished_alarms,
        }[change]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """A flow from the baseline to another experiment.

    Attributes:
        flow: All that changed.
        other: Position of the other experiment in the image set.
        total: All together.
        by_class: The classes that have something, alphabetical.
        by_size: Small, medium and large.
    """

    flow: Flow
    other: int
    total: FlowRow
    by_class: tuple[FlowRow, ...]
    by_size: tuple[FlowRow, ...]


def changes_between(images: ImageSet, other: int) -> Changes:
    """Compare an experiment of an image set with its baseline, which must be there.

    Raises:
        InputError: The two were not measured on the same images and objects.
    """
    baseline = images.evaluations[images.baseline or 0]
    flow = object_flow(baseline, images.evaluations[other])
    classes = sorted(_rows(flow.by_class(), baseline.classes), key=lambda row: row.name)
    return Changes(
        flow=flow,
        other=other,
        total=_rows(flow.total(), ("All",))[0],
        by_class=tuple(row for row in classes if not row.is_empty),
        by_size=_rows(flow.by_size(), SIZES),
    )


def _rows(counts: FlowCounts, names: Sequence[str]) -> tuple[FlowRow, ...]:
    both = counts.kept + counts.moved_box
    return tuple(
        FlowRow(
            name=name,
            before=int(both[i] + counts.lost[i]),
            after=int(both[i] + counts.gained[i]),
            lost=int(counts.lost[i]),
            gained=int(counts.gained[i]),
            missed=int(counts.missed[i]),
            moved_box=int(counts.moved_box[i]),
            swapped=int(counts.swapped[i]),
            new_alarms=int(counts.new_alarms[i]),
            vanished_alarms=int(counts.vanished_alarms[i]),
        )
        for i, name in enumerate(names)
    )


def changed_entries(
    found: Changes,
    images: ImageSet,
    change: FlowChange,
    order: EntryOrder = EntryOrder.SUREST,
    *,
    classes: Sequence[str] = (),
    sizes: Sequence[str] = (),
) -> Hits:
    """Return the entries that changed in one way, sorted.

    Args:
        found: The flow.
        images: The image set.
        change: In which way.
        order: Which come first; the confidence is that of the prediction that finds the object or is the false alarm:
            of the other experiment, and of the baseline for what is lost or vanished.
        classes: Only these; empty for all.
        sizes: Only these; empty for all.
    """
    hits = flow_hits(found.flow, change, images, found.other)
    baseline = images.evaluations[images.baseline or 0]
    category, size, score, area = _facts(found, images, change)
    keep = np.ones(hits.count, dtype=np.bool_)
    if classes:
        keep &= np.isin(category, [baseline.classes.index(name) for name in classes if name in baseline.classes])
    if sizes:
        keep &= np.isin(size, [SIZES.index(name) for name in sizes])
    rank = {
        EntryOrder.SUREST: -score,
        EntryOrder.UNSUREST: score,
        EntryOrder.LARGEST: -area,
        EntryOrder.SMALLEST: area,
        EntryOrder.IMAGE: hits.image.astype(np.float64),
    }[order]
    rows = np.flatnonzero(keep)
    return hits.taken(rows[np.argsort(rank[rows], kind="stable")])


def _facts(found: Changes, images: ImageSet, change: FlowChange) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Return (L,) class, size, confidence and area of the changed entries, in the order of ``flow_hits``."""
    flow, before, after = found.flow, images.evaluations[images.baseline or 0], images.evaluations[found.other]
    if change in {FlowChange.NEW_ALARM, FlowChange.VANISHED_ALARM}:
        new = change is FlowChange.NEW_ALARM
        alarms, evaluation = (flow.new_alarms, after) if new else (flow.vanished_alarms, before)
        area = evaluation.pair.dt.area[evaluation.table.dt_row[alarms.dt]]
        return alarms.category, alarms.size, evaluation.table.dt_score[alarms.dt], area
    chosen = np.flatnonzero(changed_mask(flow, change))
    side, evaluation = (flow.before, before) if change is FlowChange.LOST else (flow.after, after)
    score = np.append(evaluation.table.dt_score, [0.0])[side.dt[chosen]]
    return flow.category[chosen], flow.size[chosen], score, before.table.gt_area[flow.objects[chosen]]
