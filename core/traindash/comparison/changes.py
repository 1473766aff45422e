"""Gained and lost: what becomes of objects and false alarms when an experiment takes the baseline's place, as rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter

import numpy as np

from traindash.comparison.image_query import FlowChange, Hits, changed_mask, flow_hits
from traindash.comparison.image_set import ImageSet
from traindash.evaluation.coco_files import FloatArray, IntArray
from traindash.evaluation.evaluation import SIZES
from traindash.evaluation.flow import Flow, FlowCounts, object_flow
from traindash.language import N_


class EntryOrder(StrEnum):
    """Which entries come first."""

    SUREST = N_("Highest confidence")
    UNSUREST = N_("Lowest confidence")
    LARGEST = N_("Largest")
    SMALLEST = N_("Smallest")
    IMAGE = N_("By image")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """A flow from the baseline to another experiment."""

    flow: Flow  # all that changed
    other: int  # position of the other experiment in the image set
    total: FlowCounts  # all together
    by_class: Mapping[str, FlowCounts]  # the classes that have something, alphabetical
    by_size: Mapping[str, FlowCounts]  # small, medium and large


def changes_between(images: ImageSet, other: int) -> Changes:
    """Compare an experiment of an image set with its baseline, which must be there.

    Raises:
        InputError: The two were not measured on the same images and objects.
    """
    baseline = images.evaluations[images.baseline or 0]
    flow = object_flow(baseline, images.evaluations[other])
    by_class = dict(sorted(zip(baseline.classes, flow.by_class(), strict=True), key=itemgetter(0)))
    return Changes(
        flow=flow,
        other=other,
        total=flow.total(),
        by_class={name: counts for name, counts in by_class.items() if not counts.is_empty},
        by_size=dict(zip(SIZES, flow.by_size(), strict=True)),
    )


def count_of(counts: FlowCounts, change: FlowChange) -> int:
    """Return how many entries changed in one way."""
    return {
        FlowChange.GAINED: counts.gained,
        FlowChange.LOST: counts.lost,
        FlowChange.SWAPPED: counts.swapped,
        FlowChange.MOVED_BOX: counts.moved_box,
        FlowChange.NEW_ALARM: counts.new_alarms,
        FlowChange.VANISHED_ALARM: counts.vanished_alarms,
    }[change]


def changed_entries(
    found: Changes,
    images: ImageSet,
    change: FlowChange,
    order: EntryOrder = EntryOrder.SUREST,
    *,
    classes: Sequence[str] = (),
    sizes: Sequence[str] = (),
) -> Hits:
    """Return the entries that changed in one way, sorted; only those of some classes and sizes, or all.

    Their confidence is that of the prediction that finds the object or is the false alarm: of the other experiment, and
    of the baseline for what is lost or vanished.
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
