"""How many objects were found, missed, and how many false alarms there were: in all and by class."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from traindash.comparison.charts.by_class import chosen_classes, class_queries
from traindash.comparison.charts.drawing import (
    Axis,
    Bars,
    Drawing,
    Line,
    Panel,
    Table,
    TableRow,
    bars_that_fit,
    count_bars,
    in_words,
    left_out_classes,
    of_evaluations,
    share_bars,
    without_evaluation,
)
from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.image_query import Agreement, ImageQuery, Outcome, Span, half_open
from traindash.errors import InputError
from traindash.evaluation.coco_files import BoolArray, FloatArray, IntArray
from traindash.evaluation.evaluation import Evaluation
from traindash.evaluation.flow import aligned_objects, unshared_alarms
from traindash.evaluation.metrics import ClassMetrics
from traindash.formatting import count, decimal, metric, percent, quoted
from traindash.language import N_
from traindash.language import gettext as _

KINDS = {
    N_("Found (TP)"): Outcome.FOUND,
    N_("Missed (FN)"): Outcome.MISSED,
    N_("False alarms (FP)"): Outcome.FALSE_ALARM,
}
_NAMES = tuple(KINDS)
# what is behind the bars of a class, in the order of these names
_TITLES = (
    N_("Found (TP): “{class_name}”, “{name}”"),
    N_("Missed (FN): “{class_name}”, “{name}”"),
    N_("False alarms (FP): “{class_name}”, “{name}”"),
)
_SHARE_TITLES = (N_("Missed: “{class_name}”, “{name}”"), N_("False alarm: “{class_name}”, “{name}”"))
# counts depend on how often a class occurs, so shares stand beside them
_SHARES = (N_("Missed, share of objects"), N_("False alarms, share of predictions"))
_MOST_CLASSES = 24  # groups of bars whose names can be read


def _names() -> tuple[str, ...]:
    return tuple(map(_, _NAMES))


@of_evaluations
def draw_outcomes(comparison: Comparison) -> Drawing:
    """Draw the counts at IoU 0.50 and each model's F1-optimal confidence."""
    bars = []
    for experiment, evaluation in comparison.evaluated:
        counts = evaluation.counts
        values = (counts.total.tp, counts.total.fn, counts.total.fp)
        queries = [
            ImageQuery(title=f"{_(name)}, {quoted(experiment.label)}", experiment=experiment.key, outcomes=(outcome,))
            for name, outcome in KINDS.items()
        ]
        bars.append(count_bars(experiment, values, queries))
    panel = Panel(
        title="",
        x=Axis(title=_("Outcome at IoU 0.50 and F1-optimal confidence"), categories=_names()),
        y=Axis(title=_("Objects or predictions"), low=0, decimals=None, whole=True),
        marks=tuple(bars),
        alt=in_words([e.label for e, _one in comparison.evaluated], _names(), bars),
    )
    return Drawing(panels=(panel,))


@of_evaluations
def draw_outcomes_by_class(comparison: Comparison) -> Drawing:
    """Draw the counts of each class, and as shares, which do not depend on how often a class occurs."""
    most = bars_that_fit(len(comparison.evaluated), _MOST_CLASSES)
    names = chosen_classes(comparison, lambda item: item.f1, most)
    notes = left_out_classes(comparison, names, _("whose F1 differs most"))
    counted = [_counts(comparison, names, place) for place in range(len(KINDS))]
    return Drawing(panels=(*counted, *(_shares(comparison, names, place) for place in (0, 1))), notes=tuple(notes))


def _counts(comparison: Comparison, names: Sequence[str], place: int) -> Panel:
    bars = []
    for experiment, evaluation in comparison.evaluated:
        values = [None if c is None else (c.tp, c.fn, c.fp)[place] for c in _of(evaluation, names)]
        queries = class_queries(experiment, evaluation, names, (_TITLES[place], (KINDS[_NAMES[place]],)))
        bars.append(count_bars(experiment, values, queries))
    return Panel(
        title=_(_NAMES[place]),
        x=Axis(title=_("Class"), categories=tuple(names)),
        y=Axis(title=(_("Objects"), _("Objects"), _("Predictions"))[place], low=0, decimals=None, whole=True),
        marks=tuple(bars),
        alt=f"{_(_NAMES[place])}. {in_words([e.label for e, _one in comparison.evaluated], names, bars)}",
    )


def _shares(comparison: Comparison, names: Sequence[str], place: int) -> Panel:
    bars = []
    for experiment, evaluation in comparison.evaluated:
        values = []
        for item in _of(evaluation, names):
            part, rest = (0, 0) if item is None else ((item.fn, item.tp), (item.fp, item.tp))[place]
            values.append(part / (part + rest) if part + rest else None)
        outcome = (Outcome.MISSED, Outcome.FALSE_ALARM)[place]
        queries = class_queries(experiment, evaluation, names, (_SHARE_TITLES[place], (outcome,)))
        bars.append(share_bars(experiment, values, queries))
    return Panel(
        title=_(_SHARES[place]),
        x=Axis(title=_("Class"), categories=tuple(names)),
        y=Axis(
            title=(_("Share of the objects"), _("Share of the predictions"))[place],
            low=0,
            high=1,
            decimals=comparison.decimals,
        ),
        marks=tuple(bars),
        alt=f"{_(_SHARES[place])}. {in_words([e.label for e, _one in comparison.evaluated], names, bars)}",
    )


def _of(evaluation: Evaluation, names: Sequence[str]) -> list[ClassMetrics | None]:
    known = {item.name: item for item in evaluation.per_class}
    return [known.get(name) for name in names]


# What all models find, miss and report wrongly, and what only one of them does.

_FEWEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Outcomes of N models on the same objects; the order of the counts is that of ``KINDS``."""

    common: tuple[int, int, int]  # found by all, missed by all, wrongly reported by all
    unique: tuple[tuple[int, int, int], ...]  # for each model what only it finds, misses and wrongly reports


def shared_outcomes(evaluations: list[Evaluation]) -> Shared:
    """Count common and unique outcomes, each model at its own confidence threshold.

    Two false alarms are the same from IoU 0.75 on, within an image and a class.

    Raises:
        InputError: Images, classes or annotations are not the same.
    """
    first = evaluations[0]
    rows = [evaluation.view.found(evaluation.confidence) for evaluation in evaluations]
    placed = [rows[0], *(row[aligned_objects(first, one)] for row, one in zip(rows[1:], evaluations[1:], strict=True))]
    # (N, G) whether each model finds each object of the first one; crowds are neither found nor missed
    found: BoolArray = np.stack(placed)[:, ~first.table.gt_crowd]
    finders = found.sum(axis=0)
    alone = [_alarms_alone(evaluations, place) for place in range(len(evaluations))]
    # false alarms of the first model that every other has too
    common = _alarms(evaluations[0])
    for evaluation in evaluations[1:]:
        common = np.setdiff1d(common, unshared_alarms(evaluations[0], evaluation)[0].dt, assume_unique=True)
    return Shared(
        common=(
            int((finders == len(evaluations)).sum()),
            int((finders == 0).sum()),
            int(common.size),
        ),
        unique=tuple(
            (int((one & (finders == 1)).sum()), int((~one & (finders == len(evaluations) - 1)).sum()), alone[i])
            for i, one in enumerate(found)
        ),
    )


@of_evaluations
def draw_outcome_differences(comparison: Comparison) -> Drawing:
    """Draw common and unique outcomes."""
    if len(comparison.evaluated) < _FEWEST:
        alone = comparison.evaluated[0][0].label
        return Drawing(
            empty=_("Only “{name}” has an evaluation. Choose another experiment that has one.").format(name=alone)
        )
    experiments = [experiment for experiment, _one in comparison.evaluated]
    try:
        shared = shared_outcomes([evaluation for _e, evaluation in comparison.evaluated])
    except InputError as error:
        return Drawing(empty=_("Objects cannot be compared one by one: {error}").format(error=error))
    return Drawing(panels=(_panel(experiments, shared),))


def _panel(experiments: list[ComparedExperiment], shared: Shared) -> Panel:
    shared_by = _("Common to all") if len(experiments) > _FEWEST else _("Common to both")
    common = Bars(
        name=shared_by,
        values=shared.common,
        texts=tuple(map(count, shared.common)),
        style=None,
        queries=_queries(experiments[0], shared_by, Agreement.TOGETHER),
    )
    unique = [
        count_bars(
            experiment, values, _queries(experiment, _("only “{name}”").format(name=experiment.label), Agreement.ALONE)
        )
        for experiment, values in zip(experiments, shared.unique, strict=True)
    ]
    names = [shared_by, *(_("Only {name}").format(name=experiment.label) for experiment in experiments)]
    return Panel(
        title="",
        x=Axis(title=_("Outcome at IoU 0.50; false alarms are the same from IoU 0.75 on"), categories=_names()),
        y=Axis(title=_("Objects or predictions"), low=0, decimals=None, whole=True),
        marks=(common, *unique),
        alt=in_words(names, _names(), [common, *unique]),
    )


def _queries(experiment: ComparedExperiment, whose: str, agreement: Agreement) -> tuple[ImageQuery, ...]:
    """Return what is behind the bars; what all have in common is shown by the entries of one of them."""
    return tuple(
        ImageQuery(title=f"{_(name)}, {whose}", experiment=experiment.key, outcomes=(outcome,), agreement=agreement)
        for name, outcome in KINDS.items()
    )


def _alarms(evaluation: Evaluation) -> IntArray:
    return np.flatnonzero(evaluation.view.accepted(evaluation.confidence) & ~evaluation.view.right)


def _alarms_alone(evaluations: list[Evaluation], place: int) -> int:
    """Return how many false alarms of one model no other has."""
    alone = _alarms(evaluations[place])
    for other, evaluation in enumerate(evaluations):
        if other != place:
            alone = np.intersect1d(alone, unshared_alarms(evaluations[place], evaluation)[0].dt, assume_unique=True)
    return int(alone.size)


# How well the boxes of found objects fit.

_EDGES = np.linspace(0.5, 1.0, 11)  # below 0.50 a prediction finds nothing
_COLUMNS = (N_("Mean IoU"), N_("Median IoU"), N_("IoU 0.75 or more"), N_("IoU 0.90 or more"), N_("Found objects"))
# middles of the bins, where the points of the lines stand
_MIDDLES = tuple(round(float(low) + 0.025, 3) for low in _EDGES[:-1])


@of_evaluations
def draw_iou_histogram(comparison: Comparison) -> Drawing:
    """Draw the share of found objects by IoU, at each model's F1-optimal confidence."""
    lines, words, rows, notes = [], [], [], []
    for experiment, evaluation in comparison.evaluated:
        overlaps = found_overlaps(evaluation)
        if not overlaps.size:
            notes.append(_("“{name}” found no object.").format(name=experiment.label))
            continue
        shares = np.histogram(np.clip(overlaps, 0.5, 1.0), _EDGES)[0] / overlaps.size
        lines.append(
            Line(
                name=experiment.label,
                x=_MIDDLES,
                y=tuple(round(float(v), 4) for v in shares),
                style=experiment.style,
                points=True,
                queries=tuple(_query(experiment, place) if share else None for place, share in enumerate(shares)),
            )
        )
        words.append(f"{experiment.label} {metric(float(overlaps.mean()), comparison.decimals)}")
        good = [float((overlaps >= level).mean()) for level in (0.75, 0.9)]
        averages = [metric(float(average(overlaps)), comparison.decimals) for average in (np.mean, np.median)]
        texts = (*averages, *map(percent, good), count(overlaps.size))
        rows.append(TableRow(name=experiment.label, style=experiment.style, texts=texts))
    if not lines:
        return Drawing(empty=" ".join([*without_evaluation(comparison), *notes]))
    panel = Panel(
        title="",
        x=Axis(title=_("IoU of prediction and object (bins of 0.05)"), low=0.5, high=1),
        y=Axis(title=_("Share of found objects"), low=0, decimals=comparison.decimals),
        marks=tuple(lines),
        alt=_("Share of found objects by IoU. Mean IoU: {values}").format(values=", ".join(words)),
    )
    table = Table(title=_("Fit of what is found"), columns=tuple(map(_, _COLUMNS)), rows=tuple(rows))
    return Drawing(panels=(panel,), tables=(table,), notes=tuple(notes))


def _query(experiment: ComparedExperiment, place: int) -> ImageQuery:
    low, high, last = float(_EDGES[place]), float(_EDGES[place + 1]), place == len(_MIDDLES) - 1
    return ImageQuery(
        title=_("Found with an IoU of {low} to {high}, “{name}”").format(
            low=decimal(low, 2), high=decimal(high, 2), name=experiment.label
        ),
        experiment=experiment.key,
        outcomes=(Outcome.FOUND,),
        iou=Span(low, math.inf) if last else half_open(low, high),
    )


def found_overlaps(evaluation: Evaluation) -> FloatArray:
    """Return the IoU of every true positive at or above the F1-optimal confidence."""
    table = evaluation.table
    accepted = ~(table.dt_score < evaluation.counts.confidence)
    overlaps: FloatArray = table.dt_iou[0, accepted & (table.dt_gt[0] >= 0) & ~table.dt_ignored[0]]
    return overlaps
