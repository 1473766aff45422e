"""The entries behind a query: objects and predictions by row, found in the match tables of all experiments."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from core.compare.formatting import plural
from core.compare.image_query import FlowChange, ImageQuery, Outcome, Span
from core.compare.image_set import ImageSet
from core.errors import InputError
from core.evaluation import Change, Evaluation, Flow, object_flow
from core.evaluation.records import BoolArray, FloatArray, IntArray
from core.evaluation.size_slices import SIZES, size_of

_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """L entries that a query found.

    Attributes:
        experiment: (L,) position among the experiments of the image set.
        image: (L,) place in the image set.
        dt: (L,) row of the prediction in the experiment's match table, -1 for none.
        gt: (L,) row of the object in the experiment's evaluation, -1 for none.
    """

    experiment: IntArray
    image: IntArray
    dt: IntArray
    gt: IntArray

    @property
    def count(self) -> int:
        """L."""
        return int(self.image.size)

    @property
    def images(self) -> IntArray:
        """The images, each once: the ones with the most entries first, then in their order."""
        images, counts = np.unique(self.image, return_counts=True)
        found: IntArray = images[np.lexsort((images, -counts))]
        return found

    def words(self, one: str, many: str) -> str:
        """Return how many there are: ``12 missed objects in 9 images``."""
        return f"{plural(self.count, one, many)} in {plural(self.images.size, 'image')}"

    def taken(self, rows: IntArray | BoolArray | list[int]) -> "Hits":
        """Return some of the entries, in the order given."""
        return Hits(experiment=self.experiment[rows], image=self.image[rows], dt=self.dt[rows], gt=self.gt[rows])


def find(query: ImageQuery, images: ImageSet) -> Hits:
    """Return what is behind a query; takes milliseconds for hundreds of thousands of predictions.

    Raises:
        InputError: A change against the baseline is asked for and the two cannot be compared object by object.
    """
    if query.change is not None:
        return _changed(query, query.change, images)
    parts = [
        _found_in(query, images, position)
        for position, key in enumerate(images.keys)
        if query.experiment in {None, key}
    ]
    hits = _joined(parts)
    return hits.taken(_disputed(query, images, hits)) if query.disagree else hits


def entries(evaluation: Evaluation, confidence: float | None = None) -> tuple[IntArray, IntArray]:
    """Return prediction and object of all entries at a threshold: accepted predictions, then missed objects.

    Args:
        evaluation: Of one experiment.
        confidence: Threshold; ``None`` for that of the evaluation.

    Returns:
        (L,) rows in the match table, -1 for a missed object; (L,) rows of the object that is found or covered, -1 for
        a false alarm beside all objects.
    """
    view, table = evaluation.view, evaluation.table
    threshold = evaluation.confidence if confidence is None else confidence
    accepted = np.flatnonzero(view.accepted(threshold))
    missed = np.flatnonzero(~view.found(threshold) & ~table.gt_crowd)
    covered = np.where(view.right, view.gt, view.confused_gt)[accepted]
    return np.append(accepted, np.full(missed.size, -1)), np.append(covered, missed)


def _found_in(query: ImageQuery, images: ImageSet, position: int) -> Hits:
    evaluation = images.evaluations[position]
    view, table = evaluation.view, evaluation.table
    dt, gt = entries(evaluation, query.confidence)
    is_dt = dt >= 0
    right = is_dt & _taken(view.right, dt, missing=False)
    keep = np.ones(dt.size, dtype=np.bool_)
    if query.outcomes:
        keep &= _has_outcome(query.outcomes, is_dt, right, gt)
    if query.predicted is not None:
        keep &= is_dt & (gt >= 0) & (_taken(table.dt_class, dt) == _number(evaluation, query.predicted))
    keep &= _counted_as(query, evaluation, (dt, gt), right | ~is_dt | (query.predicted is not None))
    if query.score is not None:
        keep &= is_dt & _within(_taken(table.dt_score, dt), query.score)
    if query.iou is not None:
        keep &= right & _within(_taken(view.iou, dt), query.iou)
    dt, gt = dt[keep], gt[keep]
    row = np.where(dt >= 0, _taken(table.dt_image, dt), _taken(table.gt_image, gt))
    return Hits(experiment=np.full(dt.size, position), image=images.places[position][row], dt=dt, gt=gt)


def _counted_as(
    query: ImageQuery, evaluation: Evaluation, rows: tuple[IntArray, IntArray], of_object: BoolArray
) -> BoolArray:
    """Return (L,) whether entries are counted under the class and the size that are asked for.

    Args:
        query: What is asked for.
        evaluation: Of the experiment.
        rows: (L,) predictions and (L,) objects.
        of_object: (L,) entries that are counted as their object; the others as their prediction.
    """
    (dt, gt), table = rows, evaluation.table
    keep = np.ones(dt.size, dtype=np.bool_)
    if query.class_name is not None:
        category = np.where(of_object, _taken(table.gt_class, gt), _taken(table.dt_class, dt))
        keep &= category == _number(evaluation, query.class_name)
    if query.size is not None:
        dt_area = evaluation.pair.dt.area[table.dt_row]
        area = np.where(of_object, _taken(table.gt_area, gt), _taken(dt_area, dt))
        keep &= size_of(area) == SIZES.index(query.size)
    return keep


def _has_outcome(wanted: tuple[Outcome, ...], is_dt: BoolArray, right: BoolArray, gt: IntArray) -> BoolArray:
    wrong = is_dt & ~right
    masks = {
        Outcome.FOUND: right,
        Outcome.MISSED: ~is_dt,
        Outcome.FALSE_ALARM: wrong,
        Outcome.CONFUSED: wrong & (gt >= 0),
        Outcome.ON_NOTHING: wrong & (gt < 0),
    }
    result: BoolArray = np.logical_or.reduce([masks[outcome] for outcome in wanted])
    return result


def _disputed(query: ImageQuery, images: ImageSet, hits: Hits) -> BoolArray:
    """Return (L,) whether the experiments disagree about an entry."""
    disputed, spread = disagreements(images, query.confidence)
    is_object = np.zeros(hits.count, dtype=np.bool_)
    number = np.full(hits.count, -1)
    for position, evaluation in enumerate(images.evaluations):
        own = hits.experiment == position
        found = _taken(evaluation.view.right, hits.dt[own], missing=False)
        is_object[own] = (hits.dt[own] < 0) | found
        number[own] = _taken(images.objects[position], hits.gt[own])
    return np.where(is_object, np.append(disputed, [False])[number], spread[hits.image] > 0)


def disagreements(images: ImageSet, confidence: float | None = None) -> tuple[BoolArray, IntArray]:
    """Return where experiments disagree at a threshold (``None``: each at its own).

    Returns:
        (M,) objects that some experiments find and others, measured on them too, miss; (N,) by how
        much the number of false alarms in an image differs between the experiments that were measured on it.
    """
    found, missed = np.zeros(images.object_count, dtype=np.bool_), np.zeros(images.object_count, dtype=np.bool_)
    fewest, most = np.full(images.image_count, np.iinfo(np.int64).max), np.zeros(images.image_count, dtype=np.int64)
    for evaluation, place, number in zip(images.evaluations, images.places, images.objects, strict=True):
        threshold = evaluation.confidence if confidence is None else confidence
        view, table = evaluation.view, evaluation.table
        hit = view.found(threshold)
        found[number[hit]] = True
        missed[number[~hit & ~table.gt_crowd]] = True
        wrong = view.accepted(threshold) & ~view.right
        alarms = np.bincount(table.dt_image[wrong], minlength=table.image_count)
        fewest[place], most[place] = np.minimum(fewest[place], alarms), np.maximum(most[place], alarms)
    return found & missed, np.maximum(most - fewest, 0)


def _changed(query: ImageQuery, change: FlowChange, images: ImageSet) -> Hits:
    if images.baseline is None:
        message = "The baseline has no evaluation, so nothing can be gained or lost against it."
        raise InputError(message, "Choose another baseline.")
    baseline = images.baseline
    parts = []
    for position, key in enumerate(images.keys):
        if position != baseline and query.experiment in {None, key}:
            flow = object_flow(images.evaluations[baseline], images.evaluations[position])
            parts.append(flow_hits(flow, change, images, position))
    hits = _joined(parts)
    keep = np.zeros(hits.count, dtype=np.bool_)
    for position, evaluation in enumerate(images.evaluations):
        own = hits.experiment == position
        keep[own] = _counted_as(query, evaluation, (hits.dt[own], hits.gt[own]), hits.gt[own] >= 0)
    return hits.taken(keep)


def flow_hits(flow: Flow, change: FlowChange, images: ImageSet, other: int) -> Hits:
    """Return the entries of a flow from the baseline of the set to another experiment that changed in one way.

    Vanished false alarms are predictions of the baseline; everything else belongs to the other experiment.
    """
    baseline = images.baseline or 0
    if change in {FlowChange.NEW_ALARM, FlowChange.VANISHED_ALARM}:
        position, alarms = (
            (other, flow.new_alarms) if change is FlowChange.NEW_ALARM else (baseline, flow.vanished_alarms)
        )
        return Hits(
            experiment=np.full(alarms.dt.size, position),
            image=images.places[position][alarms.image],
            dt=alarms.dt,
            gt=np.full(alarms.dt.size, -1),
        )
    chosen = np.flatnonzero(changed_mask(flow, change))
    row_of = np.full(images.object_count, -1)
    row_of[images.objects[other]] = np.arange(images.objects[other].size)
    return Hits(
        experiment=np.full(chosen.size, other),
        image=images.places[baseline][flow.image[chosen]],
        dt=flow.after.dt[chosen],
        gt=row_of[images.objects[baseline][flow.objects[chosen]]],
    )


def changed_mask(flow: Flow, change: FlowChange) -> BoolArray:
    """Return (N,) whether an object of a flow changed in one way; not for false alarms, which are no objects."""
    if change is FlowChange.SWAPPED:
        return flow.swapped
    kind = {FlowChange.GAINED: Change.GAINED, FlowChange.LOST: Change.LOST, FlowChange.SHIFTED: Change.SHIFTED}[change]
    result: BoolArray = flow.change == kind
    return result


def _number(evaluation: Evaluation, class_name: str) -> int:
    return evaluation.classes.index(class_name) if class_name in evaluation.classes else -2


def _within(values: FloatArray, span: Span) -> BoolArray:
    result: BoolArray = (values >= span.low) & (values <= span.high)
    return result


def _taken(values: NDArray[_Scalar], rows: IntArray, missing: float = -1) -> NDArray[_Scalar]:
    """Return values by row; ``missing`` for the row -1."""
    return np.append(values, np.array([missing], dtype=values.dtype))[rows]


def _joined(parts: list[Hits]) -> Hits:
    empty = np.zeros(0, dtype=np.int64)
    return Hits(
        experiment=np.concatenate([empty, *(part.experiment for part in parts)]),
        image=np.concatenate([empty, *(part.image for part in parts)]),
        dt=np.concatenate([empty, *(part.dt for part in parts)]),
        gt=np.concatenate([empty, *(part.gt for part in parts)]),
    )
