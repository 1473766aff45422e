"""How sure the models are when they are right, and when they are wrong."""

from traindash.comparison.charts.drawing import Axis, Drawing, Line, Panel, View
from traindash.comparison.charts.evaluated import no_evaluation, without_evaluation
from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.image_query import ImageQuery, Outcome, Span, half_open
from traindash.evaluation.coco_files import IntArray
from traindash.evaluation.confusion import SCORE_BINS, ScoreDistribution, score_distribution
from traindash.formatting import count

_JOINED = 2
"""Bins of the distribution that make one of the drawing."""

_WIDTH = _JOINED / SCORE_BINS
_MIDDLES = tuple(round((i + 0.5) * _WIDTH, 4) for i in range(SCORE_BINS // _JOINED))


def draw_confidence_spread(comparison: Comparison, view: View) -> Drawing:
    """Draw how many right and wrong predictions each model makes at each confidence."""
    del view
    if not comparison.evaluated:
        return no_evaluation(comparison)
    notes, spreads = list(without_evaluation(comparison)), []
    for experiment, evaluation in comparison.evaluated:
        spread = score_distribution(evaluation.view)
        if spread.right.sum() + spread.wrong.sum() == 0:
            notes.append(f"“{experiment.label}” predicted nothing.")
            continue
        spreads.append((experiment, spread))
    if not spreads:
        return Drawing(empty=" ".join(notes))
    return Drawing(
        panels=(
            _panel(
                "Right predictions (TP)", Outcome.FOUND, [(e, spread.right) for e, spread in spreads], _highest(spreads)
            ),
            _panel(
                "Wrong predictions (FP)",
                Outcome.FALSE_ALARM,
                [(e, spread.wrong) for e, spread in spreads],
                _highest(spreads),
            ),
        ),
        notes=tuple(notes),
    )


def _panel(title: str, outcome: Outcome, spreads: list[tuple[ComparedExperiment, IntArray]], highest: int) -> Panel:
    lines = [
        Line(
            name=experiment.label,
            x=_MIDDLES,
            y=tuple(map(float, _joined(counts).tolist())),
            style=experiment.style,
            queries=tuple(_query(experiment, title, outcome, place) for place in range(len(_MIDDLES))),
        )
        for experiment, counts in spreads
    ]
    words = [f"{experiment.label} {count(int(counts.sum()))}" for experiment, counts in spreads]
    return Panel(
        title=title,
        x=Axis(title=f"Confidence (bins of {_WIDTH:.2f})", low=0, high=1, decimals=2),
        y=Axis(title="Predictions", low=0, high=highest, decimals=None, whole=True),
        marks=tuple(lines),
        alt=f"{title} by confidence. In all: {', '.join(words)}",
    )


def _query(experiment: ComparedExperiment, title: str, outcome: Outcome, place: int) -> ImageQuery:
    low, high = place * _WIDTH, (place + 1) * _WIDTH
    last = place == len(_MIDDLES) - 1
    return ImageQuery(
        title=f"{title} with a confidence of {low:.2f} to {high:.2f}, “{experiment.label}”",
        experiment=experiment.key,
        outcomes=(outcome,),
        confidence=0.0,
        score=Span(low, high) if last else half_open(low, high),
    )


def _highest(spreads: list[tuple[ComparedExperiment, ScoreDistribution]]) -> int:
    """Return the upper end of both panels, a round number."""
    most = max(int(_joined(counts).max()) for _, spread in spreads for counts in (spread.right, spread.wrong))
    step = max(1, int(10 ** (len(str(most)) - 1)) // 2)
    return -(-most // step) * step


def _joined(counts: IntArray) -> IntArray:
    joined: IntArray = counts.reshape(-1, _JOINED).sum(axis=1)
    return joined
