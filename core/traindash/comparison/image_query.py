"""What is behind a bar, a cell or a point of a chart, as a question about objects and predictions.

A chart says with an :class:`ImageQuery` what it counted; :func:`find` returns the same rows
again, so that the number on a bar and the number of entries behind it are one number.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias, TypeVar, assert_never

import numpy as np
from numpy.typing import NDArray

from traindash.comparison.image_set import ImageSet, disagreements, finders_of, raisers_of
from traindash.errors import InputError
from traindash.evaluation.coco_files import BoolArray, FloatArray, IntArray
from traindash.evaluation.evaluation import SIZES, Evaluation, SizeName, size_of
from traindash.evaluation.flow import Change, Flow, object_flow
from traindash.formatting import count, nouns, plural
from traindash.language import N_, ngettext
from traindash.language import gettext as _


class Outcome(StrEnum):
    """What became of an object or a prediction.

    ``CONFUSED`` and ``ON_NOTHING`` are the two kinds of false alarms: on an object, mostly of another class, or beside
    all objects. A query for ``FALSE_ALARM`` means both.
    """

    FOUND = N_("found")
    MISSED = N_("missed")
    FALSE_ALARM = N_("false alarm")
    CONFUSED = N_("confused")
    ON_NOTHING = N_("on nothing")


class FlowChange(StrEnum):
    """What changed for an object or a false alarm from the baseline to another experiment."""

    GAINED = N_("gained")
    LOST = N_("lost")
    SWAPPED = N_("swapped")
    MOVED_BOX = N_("shifted")
    NEW_ALARM = N_("new false alarm")
    VANISHED_ALARM = N_("vanished false alarm")


class Agreement(StrEnum):
    """How the experiments of a comparison stand to an object or a false alarm, each at its own threshold.

    ``DISPUTED``: objects that some find and others miss, and false alarms in images where their number differs.
    ``ALONE``: what only this experiment finds, misses or wrongly reports. ``TOGETHER``: what all of them do. A false
    alarm is the same where image and class are and the boxes overlap by IoU 0.75 or more.
    """

    DISPUTED = N_("they disagree")
    ALONE = N_("only this one")
    TOGETHER = N_("all of them")


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedAs:
    """Entries that are counted under a class: that of the object, for false alarms that of the prediction."""

    class_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Covering:
    """Predictions that cover an object, right or wrong."""

    true: str | None = None  # class of the object; `None` for any
    predicted: str | None = None  # class of the prediction; `None` for any


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenForEachOther:
    """Predictions of one class that cover an object of the other, in either direction."""

    first: str
    second: str


ClassChoice: TypeAlias = CountedAs | Covering | TakenForEachOther


class Span(NamedTuple):
    """Numbers from ``low`` to ``high``, both included."""

    low: float
    high: float


def half_open(low: float, high: float) -> Span:
    """Return the span without its upper end, as the bins of most histograms are."""
    return Span(low, float(np.nextafter(high, -np.inf)))


def open_below(low: float, high: float) -> Span:
    """Return the span without its lower end."""
    return Span(float(np.nextafter(low, np.inf)), high)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageQuery:
    """Entries to look at; what is ``None`` or empty does not restrict them."""

    title: str  # what they are, in words, for the head of the dialog: `Missed “lemon” in “Model B”`
    experiment: str | None = None  # Key of the experiment; `None` for all
    classes: ClassChoice | None = None  # only entries of these classes; `None` for all
    # `small`, `medium` or `large` by COCO's areas: of the object where there is one that is found, missed or asked for
    # by `classes`, otherwise of the prediction
    size: SizeName | None = None
    outcomes: tuple[Outcome, ...] = ()
    # threshold of the predictions; `None` for the one of each evaluation (F1-optimal by default), 0 for all predictions
    confidence: float | None = None
    score: Span | None = None  # confidence of the prediction; leaves out missed objects
    iou: Span | None = None  # IoU of a found object and its prediction; leaves out everything else
    # only what changed in this way against the baseline; at the thresholds of the evaluations
    change: FlowChange | None = None
    agreement: Agreement | None = None  # only entries to which the experiments of the comparison stand like this

    @property
    def noun(self) -> tuple[str, str]:
        """What the entries are called, one and many: ``missed object``, ``missed objects``."""
        if self.change is not None:
            is_alarm = self.change in {FlowChange.NEW_ALARM, FlowChange.VANISHED_ALARM}
            return _CHANGED_ALARMS[self.change] if is_alarm else ("object", "objects")
        if len(self.outcomes) == 1:
            return _NOUNS[self.outcomes[0]]
        if self.outcomes == (Outcome.FOUND, Outcome.MISSED):
            return nouns("object", "objects")
        covering = isinstance(self.classes, Covering | TakenForEachOther)
        if covering or self.score is not None or Outcome.MISSED not in (self.outcomes or Outcome):
            return nouns("prediction", "predictions")
        return nouns("object or false alarm", "objects and false alarms")


_CHANGED_ALARMS = {
    FlowChange.NEW_ALARM: nouns("new false alarm", "new false alarms"),
    FlowChange.VANISHED_ALARM: nouns("vanished false alarm", "vanished false alarms"),
}
_NOUNS = {
    Outcome.FOUND: nouns("found object", "found objects"),
    Outcome.MISSED: nouns("missed object", "missed objects"),
    Outcome.FALSE_ALARM: nouns("false alarm", "false alarms"),
    Outcome.CONFUSED: nouns("false alarm on an object", "false alarms on objects"),
    Outcome.ON_NOTHING: nouns("false alarm", "false alarms"),
}


# The entries behind a query: objects and predictions by row, found in the match tables of all experiments.


_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """L entries that a query found."""

    experiment: IntArray  # (L,) position among the experiments of the image set
    image: IntArray  # (L,) place in the image set
    dt: IntArray  # (L,) row of the prediction in the experiment's match table, -1 for none
    gt: IntArray  # (L,) row of the object in the experiment's evaluation, -1 for none

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
        entries = plural(self.count, one, many)
        found = ngettext("{entries} in {count} image", "{entries} in {count} images", self.images.size)
        return found.format(entries=entries, count=count(self.images.size))

    def taken(self, rows: IntArray | BoolArray | list[int]) -> "Hits":
        """Return some of the entries, in the order given."""
        return Hits(experiment=self.experiment[rows], image=self.image[rows], dt=self.dt[rows], gt=self.gt[rows])


def find(query: ImageQuery, images: ImageSet) -> Hits:
    """Return what is behind a query; takes milliseconds for hundreds of thousands of predictions.

    Raises:
        InputError: Experiments are to be compared object by object and were not measured on the same ones.
    """
    if query.change is not None:
        return _changed(query, query.change, images)
    parts = [
        _found_in(query, images, position)
        for position, key in enumerate(images.keys)
        if query.experiment in {None, key}
    ]
    hits = _joined(parts)
    return hits if query.agreement is None else hits.taken(_agreeing(query, query.agreement, images, hits))


def entries(evaluation: Evaluation, confidence: float | None = None) -> tuple[IntArray, IntArray]:
    """Return prediction and object of all entries at a threshold: accepted predictions, then missed objects.

    Without ``confidence`` the threshold is that of the evaluation.

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
        wrong = is_dt & ~right
        masks = {
            Outcome.FOUND: right,
            Outcome.MISSED: ~is_dt,
            Outcome.FALSE_ALARM: wrong,
            Outcome.CONFUSED: wrong & (gt >= 0),
            Outcome.ON_NOTHING: wrong & (gt < 0),
        }
        result: BoolArray = np.logical_or.reduce([masks[outcome] for outcome in query.outcomes])
        keep &= result
    keep &= _of_class_and_size(query, evaluation, (dt, gt), right | ~is_dt)
    if query.score is not None:
        keep &= is_dt & _within(_taken(table.dt_score, dt), query.score)
    if query.iou is not None:
        keep &= right & _within(_taken(view.iou, dt), query.iou)
    dt, gt = dt[keep], gt[keep]
    row = np.where(dt >= 0, _taken(table.dt_image, dt), _taken(table.gt_image, gt))
    return Hits(experiment=np.full(dt.size, position), image=images.places[position][row], dt=dt, gt=gt)


def _of_class_and_size(
    query: ImageQuery, evaluation: Evaluation, rows: tuple[IntArray, IntArray], of_object: BoolArray
) -> BoolArray:
    """Return (L,) whether entries are of the classes and the size that are asked for.

    ``rows`` are (L,) predictions and (L,) objects, ``of_object`` (L,) entries that are counted as their object; the
    others as their prediction.
    """
    (dt, gt), table = rows, evaluation.table
    predicted, true = _taken(table.dt_class, dt), _taken(table.gt_class, gt)
    covers = (dt >= 0) & (gt >= 0)
    match query.classes:
        case None:
            keep = np.ones(dt.size, dtype=np.bool_)
        case CountedAs(class_name=name):
            keep = np.where(of_object, true, predicted) == _number(evaluation, name)
        case Covering(true=true_name, predicted=predicted_name):
            keep, of_object = covers, covers
            if true_name is not None:
                keep = keep & (true == _number(evaluation, true_name))
            if predicted_name is not None:
                keep = keep & (predicted == _number(evaluation, predicted_name))
        case TakenForEachOther(first=first, second=second):
            one, other = _number(evaluation, first), _number(evaluation, second)
            either = ((predicted == one) & (true == other)) | ((predicted == other) & (true == one))
            keep, of_object = covers & either, covers
        case _:
            assert_never(query.classes)
    if query.size is not None:
        dt_area = evaluation.pair.dt.area[table.dt_row]
        area = np.where(of_object, _taken(table.gt_area, gt), _taken(dt_area, dt))
        keep = keep & (size_of(area) == SIZES.index(query.size))
    return keep


def _agreeing(query: ImageQuery, agreement: Agreement, images: ImageSet, hits: Hits) -> BoolArray:
    """Return (L,) whether the experiments stand to an entry as it is asked for."""
    is_object, is_found = np.zeros(hits.count, dtype=np.bool_), np.zeros(hits.count, dtype=np.bool_)
    number = np.full(hits.count, -1)
    for position, evaluation in enumerate(images.evaluations):
        own = hits.experiment == position
        is_found[own] = _taken(evaluation.view.right, hits.dt[own], missing=False)
        is_object[own] = (hits.dt[own] < 0) | is_found[own]
        number[own] = _taken(images.objects[position], hits.gt[own])
    match agreement:
        case Agreement.DISPUTED:
            disputed, spread = disagreements(images, query.confidence)
            return np.where(is_object, _taken(disputed, number, missing=False), spread[hits.image] > 0)
        case Agreement.ALONE | Agreement.TOGETHER:
            finders, measured = finders_of(images, query.confidence)
            found_by, others = _taken(finders, number), _taken(measured, number) - 1
            like = np.where(is_found, found_by - 1, others - found_by)  # other experiments that do the same
            for position in np.unique(hits.experiment[~is_object]).tolist():
                own = ~is_object & (hits.experiment == position)
                like[own] = raisers_of(images, position, query.confidence)[hits.dt[own]]
                others[own] = len(images.evaluations) - 1
            wanted: BoolArray = like == (0 if agreement is Agreement.ALONE else others)
            return wanted
    assert_never(agreement)


def _changed(query: ImageQuery, change: FlowChange, images: ImageSet) -> Hits:
    if images.baseline is None:
        message = _("The baseline has no evaluation, so nothing can be gained or lost against it.")
        raise InputError(message, _("Choose another baseline."))
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
        keep[own] = _of_class_and_size(query, evaluation, (hits.dt[own], hits.gt[own]), hits.gt[own] >= 0)
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
    kind = {FlowChange.GAINED: Change.GAINED, FlowChange.LOST: Change.LOST, FlowChange.MOVED_BOX: Change.MOVED_BOX}[
        change
    ]
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
