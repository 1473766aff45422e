"""Which classes are taken for each other most often."""

from collections.abc import Mapping, Sequence

from traindash.comparison.charts.drawing import Axis, Drawing, Panel, View
from traindash.comparison.charts.evaluated import (
    bars_that_fit,
    count_bars,
    in_words,
    no_evaluation,
    share_bars,
    without_evaluation,
)
from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.image_query import ImageQuery, TakenForEachOther
from traindash.evaluation import Evaluation

_MOST_PAIRS = 20
_COUNT, _PROBABILITY = "Count", "Probability"

Pair = tuple[str, str]


def draw_confused_pairs(comparison: Comparison, view: View) -> Drawing:
    """Draw the pairs of classes that any of the models confuses most, as counts and as probabilities."""
    del view
    if not comparison.evaluated:
        return no_evaluation(comparison)
    notes = list(without_evaluation(comparison))
    known = [_pairs(evaluation) for _, evaluation in comparison.evaluated]
    pairs = {pair: max(one.get(pair, (0, 0.0))[0] for one in known) for one in known for pair in one}
    if not pairs:
        return Drawing(empty=" ".join(["No class was taken for another one.", *notes]))
    most = bars_that_fit(len(known), _MOST_PAIRS)
    names = sorted(pairs, key=lambda pair: (-pairs[pair], pair))[:most]
    if len(names) < len(pairs):
        notes.append(f"The {len(names)} most frequent of {len(pairs)} pairs are drawn.")
    return Drawing(
        panels=(_panel(comparison, known, names, _COUNT), _panel(comparison, known, names, _PROBABILITY)),
        notes=tuple(notes),
    )


def _panel(
    comparison: Comparison, known: Sequence[Mapping[Pair, tuple[int, float]]], names: list[Pair], title: str
) -> Panel:
    bars = []
    for (experiment, _), found in zip(comparison.evaluated, known, strict=True):
        values = [found.get(pair, (0, 0.0)) for pair in names]
        queries = [_query(experiment, pair) if pair in found else None for pair in names]
        bars.append(
            count_bars(experiment, [value for value, _ in values], queries)
            if title == _COUNT
            else share_bars(experiment, [value for _, value in values], queries)
        )
    categories = tuple(f"{first} ↔ {second}" for first, second in names)
    y = (
        Axis(title="Confused predictions", low=0, decimals=None, whole=True)
        if title == _COUNT
        else Axis(title="Share of the predictions of both classes", low=0, decimals=comparison.decimals)
    )
    return Panel(
        title=title,
        x=Axis(title="Pair of classes", categories=categories),
        y=y,
        marks=tuple(bars),
        alt=f"{title}. {in_words([e.label for e, _ in comparison.evaluated], categories, bars)}",
    )


def _query(experiment: ComparedExperiment, pair: Pair) -> ImageQuery:
    first, second = pair
    return ImageQuery(
        title=f"“{first}” and “{second}” taken for each other, “{experiment.label}”",
        experiment=experiment.key,
        classes=TakenForEachOther(first=first, second=second),
    )


def _pairs(evaluation: Evaluation) -> dict[Pair, tuple[int, float]]:
    """Return the confused pairs by name; the order of the two does not depend on the order of the classes."""
    names = evaluation.classes
    found = {}
    for pair in evaluation.confusion.pairs:
        first, second = sorted((names[pair.first], names[pair.second]))
        found[first, second] = (pair.count, pair.probability)
    return found
