"""Bars for each class: average precision, precision, recall, F1."""

import math
from collections.abc import Callable, Sequence

from core.compare.charts.drawing import Axis, Drawing, Panel, View
from core.compare.charts.evaluated import in_words, metric_bars, no_evaluation, without_evaluation
from core.compare.experiment import ComparedExperiment, Comparison
from core.compare.image_query import ImageQuery, Outcome
from core.evaluation import ClassMetrics, Evaluation

MOST_CLASSES = 24
"""Classes that fit beside each other; with more, those that differ most are drawn."""

Read = Callable[[ClassMetrics], float]
REPORTED, PRESENT = (Outcome.FOUND, Outcome.FALSE_ALARM), (Outcome.FOUND, Outcome.MISSED)
"""What precision and recall are shares of."""


def draw_ap(comparison: Comparison, view: View) -> Drawing:
    """Draw the average precision of each class."""
    return _draw(comparison, view, (("", "AP, IoU 0.50 to 0.95", lambda c: c.ap),))


def draw_precision_recall(comparison: Comparison, view: View) -> Drawing:
    """Draw precision, recall and F1 of each class."""
    return _draw(
        comparison,
        view,
        (
            ("Precision", "Precision", lambda c: c.precision),
            ("Recall", "Recall", lambda c: c.recall),
            ("F1", "F1", lambda c: c.f1),
        ),
    )


def _draw(comparison: Comparison, view: View, figures: Sequence[tuple[str, str, Read]]) -> Drawing:
    del view
    if not comparison.evaluated:
        return no_evaluation(comparison)
    names = chosen_classes(comparison, figures[0][2])
    notes = list(without_evaluation(comparison))
    if len(names) < len(comparison.classes):
        notes.append(
            f"{len(names)} of {len(comparison.classes)} classes are drawn: those that differ most. The table has all."
        )
    panels = []
    for title, axis, read in figures:
        bars = [
            metric_bars(experiment, _values(evaluation, names, read), _queries(experiment, evaluation, names, title))
            for experiment, evaluation in comparison.evaluated
        ]
        panels.append(
            Panel(
                title=title,
                x=Axis(title="Class", categories=names),
                y=Axis(title=axis, low=0, high=1),
                marks=tuple(bars),
                alt=in_words([e.label for e, _ in comparison.evaluated], names, bars),
            )
        )
    return Drawing(panels=tuple(panels), notes=tuple(notes))


def chosen_classes(comparison: Comparison, read: Read, most: int = MOST_CLASSES) -> tuple[str, ...]:
    """Return the classes to draw, alphabetical: all, or those whose values are farthest apart.

    With a single experiment nothing is apart, and the lowest values are taken: that is where work is waiting.
    """
    names = comparison.classes
    if len(names) <= most:
        return names
    values = {
        name: [v for _, e in comparison.evaluated for v in _values(e, (name,), read) if v is not None] for name in names
    }

    def importance(name: str) -> tuple[float, float, str]:
        found = [v for v in values[name] if math.isfinite(v)]
        spread = max(found) - min(found) if found else 0.0
        return (-spread, min(found, default=1.0), name)

    return tuple(sorted(sorted(names, key=importance)[:most]))


def _queries(
    experiment: ComparedExperiment, evaluation: Evaluation, names: Sequence[str], figure: str
) -> list[ImageQuery | None]:
    outcomes, words = {
        "Precision": (REPORTED, "Everything reported as"),
        "Recall": (PRESENT, "All objects of"),
    }.get(figure, ((), "All outcomes of"))
    return [
        ImageQuery(
            title=f"{words} “{name}”, “{experiment.label}”",
            experiment=experiment.key,
            class_name=name,
            outcomes=outcomes,
        )
        if name in evaluation.classes
        else None
        for name in names
    ]


def _values(evaluation: Evaluation, names: Sequence[str], read: Read) -> list[float | None]:
    by_name = {item.name: read(item) for item in evaluation.per_class}
    return [by_name.get(name) for name in names]
