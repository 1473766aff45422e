"""How many objects were found, missed, and how many false alarms there were: in all and by class."""

from collections.abc import Sequence

from traindash.comparison.charts.by_class import chosen_classes, class_queries
from traindash.comparison.charts.drawing import Axis, Drawing, Panel, View
from traindash.comparison.charts.evaluated import (
    bars_that_fit,
    count_bars,
    in_words,
    no_evaluation,
    share_bars,
    without_evaluation,
)
from traindash.comparison.experiment import Comparison
from traindash.comparison.image_query import ImageQuery, Outcome
from traindash.evaluation import ClassMetrics, Evaluation

KINDS = {
    "Found (TP)": Outcome.FOUND,
    "Missed (FN)": Outcome.MISSED,
    "False alarms (FP)": Outcome.FALSE_ALARM,
}
_NAMES = tuple(KINDS)
_SHARES = ("Missed, share of objects", "False alarms, share of predictions")
_MOST_CLASSES = 24


def draw_outcomes(comparison: Comparison, view: View) -> Drawing:
    """Draw the counts at IoU 0.50 and each model's F1-optimal confidence."""
    del view
    if not comparison.evaluated:
        return no_evaluation(comparison)
    bars = []
    for experiment, evaluation in comparison.evaluated:
        counts = evaluation.counts
        values = (counts.true_positives, counts.false_negatives, counts.false_positives)
        queries = [
            ImageQuery(title=f"{name}, “{experiment.label}”", experiment=experiment.key, outcomes=(outcome,))
            for name, outcome in KINDS.items()
        ]
        bars.append(count_bars(experiment, values, queries))
    panel = Panel(
        title="",
        x=Axis(title="Outcome at IoU 0.50 and F1-optimal confidence", categories=_NAMES),
        y=Axis(title="Objects or predictions", low=0, decimals=None, whole=True),
        marks=tuple(bars),
        alt=in_words([e.label for e, _ in comparison.evaluated], _NAMES, bars),
    )
    return Drawing(panels=(panel,), notes=without_evaluation(comparison))


def draw_outcomes_by_class(comparison: Comparison, view: View) -> Drawing:
    """Draw the counts of each class, and as shares, which do not depend on how often a class occurs."""
    del view
    if not comparison.evaluated:
        return no_evaluation(comparison)
    most = bars_that_fit(len(comparison.evaluated), _MOST_CLASSES)
    names = chosen_classes(comparison, lambda item: item.f1, most)
    notes = list(without_evaluation(comparison))
    if len(names) < len(comparison.classes):
        notes.append(f"{len(names)} of {len(comparison.classes)} classes are drawn: those whose F1 differs most.")
    counted = [_counts(comparison, names, place) for place in range(len(KINDS))]
    return Drawing(panels=(*counted, *(_shares(comparison, names, place) for place in (0, 1))), notes=tuple(notes))


def _counts(comparison: Comparison, names: Sequence[str], place: int) -> Panel:
    bars = []
    for experiment, evaluation in comparison.evaluated:
        found = _of(evaluation, names)
        values = [None if c is None else (c.tp, c.fn, c.fp)[place] for c in found]
        queries = class_queries(experiment, evaluation, names, (f"{_NAMES[place]}:", (KINDS[_NAMES[place]],)))
        bars.append(count_bars(experiment, values, queries))
    return Panel(
        title=_NAMES[place],
        x=Axis(title="Class", categories=tuple(names)),
        y=Axis(title=("Objects", "Objects", "Predictions")[place], low=0, decimals=None, whole=True),
        marks=tuple(bars),
        alt=f"{_NAMES[place]}. {in_words([e.label for e, _ in comparison.evaluated], names, bars)}",
    )


def _shares(comparison: Comparison, names: Sequence[str], place: int) -> Panel:
    bars = []
    for experiment, evaluation in comparison.evaluated:
        values = []
        for item in _of(evaluation, names):
            part, rest = (0, 0) if item is None else ((item.fn, item.tp), (item.fp, item.tp))[place]
            values.append(part / (part + rest) if part + rest else None)
        outcome = (Outcome.MISSED, Outcome.FALSE_ALARM)[place]
        queries = class_queries(experiment, evaluation, names, (f"{outcome.capitalize()}:", (outcome,)))
        bars.append(share_bars(experiment, values, queries))
    return Panel(
        title=_SHARES[place],
        x=Axis(title="Class", categories=tuple(names)),
        y=Axis(
            title=("Share of the objects", "Share of the predictions")[place],
            low=0,
            high=1,
            decimals=comparison.decimals,
        ),
        marks=tuple(bars),
        alt=f"{_SHARES[place]}. {in_words([e.label for e, _ in comparison.evaluated], names, bars)}",
    )


def _of(evaluation: Evaluation, names: Sequence[str]) -> list[ClassMetrics | None]:
    known = {item.name: item for item in evaluation.per_class}
    return [known.get(name) for name in names]
