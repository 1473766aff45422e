"""The few pictures on which two models differ most: objects that only one of them finds."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, zip_longest

import numpy as np

from traindash.comparison.decision import Decision
from traindash.comparison.experiment import Comparison
from traindash.comparison.image_query import FlowChange, flow_hits
from traindash.comparison.image_set import ImageSet
from traindash.comparison.pictures.crops import Subject, subjects
from traindash.comparison.pictures.marks import MarkKind
from traindash.comparison.significance import Significance
from traindash.errors import InputError
from traindash.evaluation.flow import Flow, object_flow
from traindash.language import gettext as _

_LOOKED_AT = 30  # largest objects that are looked at for a few that lie on different images
_FOUND = {FlowChange.GAINED: (False, True), FlowChange.LOST: (True, False)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """An object that one of two models finds and the other does not."""

    subject: Subject
    words: str  # who finds it, and who does not


def against_runner_up(comparison: Comparison, significance: Significance, decision: Decision) -> Comparison | None:
    """Return the comparison with the runner-up as its baseline, for pictures of where the recommended one differs.

    ``None`` where there are no two to choose between.
    """
    if not significance.are_comparable or decision.winner is None or decision.runner_up is None:
        return None
    keys = [experiment.key for experiment in comparison.experiments]
    return replace(comparison, baseline=keys.index(decision.runner_up.key))


def telling_objects(images: ImageSet, other: int, most: int = 3) -> tuple[Telling, ...]:
    """Return the largest objects, on different images, that only the baseline of a set or only the other one finds.

    Both take turns, the one that finds more of them first. Nothing where the two do not have the same objects.
    """
    if images.baseline is None:
        return ()
    try:
        flow = object_flow(images.evaluations[images.baseline], images.evaluations[other])
    except InputError:
        return ()
    total = flow.total()
    order = [FlowChange.GAINED, FlowChange.LOST]
    if total.lost > total.gained:
        order.reverse()
    sides = [list(_found_by_one(images, flow, change, other)) for change in order]
    chosen: dict[int, Telling] = {}
    for one in chain.from_iterable(zip_longest(*sides)):
        if one is not None:
            chosen.setdefault(one.subject.image, one)
    return tuple(chosen.values())[:most]


def _found_by_one(images: ImageSet, flow: Flow, change: FlowChange, other: int) -> Iterator[Telling]:
    pair = (images.baseline or 0, other)
    hits = flow_hits(flow, change, images, other)
    area = images.evaluations[other].table.gt_area[hits.gt]
    largest = np.argsort(-area, kind="stable")[:_LOOKED_AT]
    finder, loser = pair[::-1] if change is FlowChange.GAINED else pair
    for one in subjects(hits.taken(largest), images, list(pair)):
        # what is drawn says so too
        found = tuple(mark is not None and mark.kind is MarkKind.FOUND for _one, mark in one.predictions)
        if found == _FOUND[change]:
            finds = _("“{name}” finds this {class_name}, “{other}” does not.")
            words = finds.format(name=images.labels[finder], class_name=one.class_name, other=images.labels[loser])
            yield Telling(subject=one, words=words)
