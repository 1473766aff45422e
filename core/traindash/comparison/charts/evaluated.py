"""What most charts begin with: the experiments that have an evaluation, and a word about those that have none."""

import math
from collections.abc import Sequence

from traindash.comparison.charts.drawing import Bars, Drawing, nothing
from traindash.comparison.experiment import ComparedExperiment, Comparison, Missing, explain_missing
from traindash.comparison.image_query import ImageQuery
from traindash.formatting import count, metric, percent

_GONE = "It appears here when its files are back."
ADVICE = "Train with the benchmark switched on to get this chart."
CHOOSE = "Choose finished experiments on the experiments page to see them here."


def without_evaluation(comparison: Comparison) -> tuple[str, ...]:
    """Return a sentence for each experiment that has no evaluation."""
    return explain_missing([(e.label, e.evaluation) for e in comparison.experiments])


def no_evaluation(comparison: Comparison) -> Drawing:
    """Return the drawing that says why there is no evaluation to draw."""
    if not comparison.experiments:
        return nothing([], CHOOSE)
    lost = any(isinstance(e.evaluation, Missing) and e.evaluation.may_return for e in comparison.experiments)
    return nothing(without_evaluation(comparison), _GONE if lost else ADVICE)


Queries = Sequence[ImageQuery | None]


def metric_bars(
    experiment: ComparedExperiment, values: Sequence[float | None], queries: Queries = (), decimals: int = 3
) -> Bars:
    """Return bars of metrics between 0 and 1, with what is behind each of them."""
    clean = tuple(finite(value) for value in values)
    texts = tuple(metric(value, decimals) for value in clean)
    return _bars(experiment, clean, texts, queries)


def finite(value: float | None) -> float | None:
    """Return the value, ``None`` for NaN and infinity."""
    return None if value is None or not math.isfinite(value) else float(value)


def in_words(names: Sequence[str], categories: Sequence[str], bars: Sequence[Bars]) -> str:
    """Return bars as text: ``A: mAP 0.684, F1 0.712; B: …``, the first twelve values of each."""
    parts = []
    for name, series in zip(names, bars, strict=True):
        values = ", ".join(f"{c} {t}" for c, t in list(zip(categories, series.texts, strict=True))[:12])
        parts.append(f"{name}: {values}")
    return "; ".join(parts)


def count_bars(experiment: ComparedExperiment, values: Sequence[int | None], queries: Queries = ()) -> Bars:
    """Return bars of whole numbers."""
    return _bars(experiment, values, tuple(map(count, values)), queries)


def share_bars(experiment: ComparedExperiment, values: Sequence[float | None], queries: Queries = ()) -> Bars:
    """Return bars of shares between 0 and 1, written in percent."""
    clean = tuple(finite(value) for value in values)
    return _bars(experiment, clean, tuple(map(percent, clean)), queries)


def _bars(
    experiment: ComparedExperiment, values: Sequence[float | None], texts: tuple[str, ...], queries: Queries
) -> Bars:
    return Bars(
        name=experiment.label, values=tuple(values), texts=texts, style=experiment.style, queries=tuple(queries)
    )


def bars_that_fit(experiments: int, most: int, room: int = 120) -> int:
    """Return how many groups of bars, one bar for each experiment, are still told apart; six at least."""
    return max(6, min(most, room // max(1, experiments)))
