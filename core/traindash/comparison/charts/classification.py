"""Whether found objects got the right name."""

import numpy as np

from traindash.comparison.charts.by_class import most_apart
from traindash.comparison.charts.drawing import Axis, Drawing, Panel, View
from traindash.comparison.charts.evaluated import (
    bars_that_fit,
    finite,
    in_words,
    metric_bars,
    no_evaluation,
    without_evaluation,
)
from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.image_query import Covering, ImageQuery
from traindash.evaluation import Evaluation
from traindash.evaluation.matching import ratio

_ALL = "All classes"
_MOST_CLASSES = 24


def draw_classification(comparison: Comparison, view: View) -> Drawing:
    """Draw the share of covered objects that got their own class: of all classes, and of each."""
    del view
    if not comparison.evaluated:
        return no_evaluation(comparison)
    notes = list(without_evaluation(comparison))
    shares = [_shares(evaluation) for _, evaluation in comparison.evaluated]
    names = most_apart(comparison.classes, shares, bars_that_fit(len(shares), _MOST_CLASSES))
    if len(names) < len(comparison.classes):
        notes.append(f"{len(names)} of {len(comparison.classes)} classes are drawn: those that differ most.")
    categories = (_ALL, *names)
    bars = []
    for (experiment, evaluation), by_class in zip(comparison.evaluated, shares, strict=True):
        overall = finite(evaluation.key_metrics.classification_accuracy)
        values = [overall, *(by_class.get(name) for name in names)]
        bars.append(metric_bars(experiment, values, _queries(experiment, values, names), comparison.decimals))
    if all(value is None for bar in bars for value in bar.values):
        return Drawing(empty=" ".join(["No experiment covered any object, so none was given a class.", *notes]))
    panel = Panel(
        title="",
        x=Axis(title="True class", categories=categories),
        y=Axis(title="Share with the right class", low=0, high=1, decimals=comparison.decimals),
        marks=tuple(bars),
        alt=in_words([e.label for e, _ in comparison.evaluated], categories, bars),
    )
    return Drawing(panels=(panel,), notes=tuple(notes))


def _queries(
    experiment: ComparedExperiment, values: list[float | None], names: tuple[str, ...]
) -> list[ImageQuery | None]:
    """Return what is behind the bars: the predictions that cover an object, whatever they call it."""
    return [
        None
        if value is None
        else ImageQuery(
            title=f"Predictions on {'objects' if name is None else f'“{name}”'}, “{experiment.label}”",
            experiment=experiment.key,
            classes=Covering(true=name),
        )
        for value, name in zip(values, (None, *names), strict=True)
    ]


def _shares(evaluation: Evaluation) -> dict[str, float | None]:
    """Return for each class the share of its covered objects that were called by its name."""
    named = evaluation.confusion.matrix[:-1, :-1]
    shares = ratio(np.diagonal(named), named.sum(axis=0))
    return dict(zip(evaluation.classes, map(finite, shares.tolist()), strict=True))
