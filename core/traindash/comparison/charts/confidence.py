"""What becomes of F1, precision and recall when the confidence threshold moves."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from traindash.comparison.charts.drawing import (
    Axis,
    Drawing,
    Line,
    Panel,
    Table,
    TableRow,
    finite,
    of_evaluations,
    without_evaluation,
)
from traindash.comparison.curves import thinned
from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.image_query import ImageQuery, Outcome, Span, half_open, open_below
from traindash.evaluation.coco_files import FloatArray, IntArray
from traindash.evaluation.confusion import SCORE_BINS, score_distribution
from traindash.evaluation.evaluation import Evaluation
from traindash.evaluation.matching import IOU_THRESHOLDS
from traindash.evaluation.metrics import BIN_EDGES
from traindash.formatting import count, metric

_MOST_POINTS = 200  # of a curve; more are not seen on 760 pixels
_LEVELS = (0, 2, 5, 8)  # indexes of the IoU thresholds 0.50, 0.60, 0.75 and 0.90

# title of the panel, of its vertical axis, and the (N,) values by falling score
Figure = tuple[str, str, Callable[[Evaluation], FloatArray]]
_THRESHOLD = "Confidence threshold"


@of_evaluations
def draw_confidence_profile(comparison: Comparison) -> Drawing:
    """Draw F1 over the threshold, with the best threshold marked."""
    return _drawn(
        comparison, [("", "F1, mean over IoU 0.50 to 0.95", lambda evaluation: evaluation.profile.f1)], mark_best=True
    )


@of_evaluations
def draw_confidence_by_iou(comparison: Comparison) -> Drawing:
    """Draw F1 over the threshold at single IoU thresholds, each with its own best confidence."""
    return _drawn(comparison, [_at_iou(level) for level in _LEVELS], mark_best=True)


@of_evaluations
def draw_confidence_precision_recall(comparison: Comparison) -> Drawing:
    """Draw what a higher threshold gains in precision and costs in recall."""
    figures: list[Figure] = [
        ("Precision", "Precision, mean over IoU 0.50 to 0.95", lambda one: one.profile.precision),
        ("Recall", "Recall, mean over IoU 0.50 to 0.95", lambda one: one.profile.recall),
    ]
    return _drawn(comparison, figures, mark_best=False)


def _at_iou(level: int) -> Figure:
    iou = f"{IOU_THRESHOLDS[level]:.2f}"
    return f"IoU {iou}", f"F1 at IoU {iou}", lambda one: one.profile.f1_by_iou[level]


def _drawn(comparison: Comparison, figures: list[Figure], *, mark_best: bool) -> Drawing:
    notes = [
        f"“{e.label}” has no right prediction, so it has no curve." for e, one in comparison.evaluated if _blind(one)
    ]
    seeing = [(experiment, one) for experiment, one in comparison.evaluated if not _blind(one)]
    if not seeing:
        return Drawing(empty=" ".join([*without_evaluation(comparison), *notes]))
    panels = [_panel(seeing, figure, comparison.decimals, mark_best=mark_best) for figure in figures]
    return Drawing(panels=tuple(panel for panel in panels if panel is not None), notes=tuple(notes))


# without a right prediction F1 is undefined at every threshold
def _blind(evaluation: Evaluation) -> bool:
    return bool(np.isnan(evaluation.profile.f1).all())


def _panel(
    seeing: list[tuple[ComparedExperiment, Evaluation]], figure: Figure, decimals: int, *, mark_best: bool
) -> Panel | None:
    title, axis, read = figure
    lines, words = [], []
    for experiment, evaluation in seeing:
        values = read(evaluation)
        if np.isnan(values).all():
            continue
        line, best = _line(experiment, evaluation.profile.scores, values)
        at = metric(line.x[best], decimals)
        lines.append(replace(line, highlight=best, highlight_text=at) if mark_best else line)
        words.append(f"{experiment.label}{f' is best at {at}' if mark_best else ''}")
    if not lines:
        return None
    return Panel(
        title=title,
        x=Axis(title=_THRESHOLD, low=0, high=1, decimals=decimals),
        y=Axis(title=axis, low=0, high=1, decimals=decimals),
        marks=tuple(lines),
        alt=f"{axis} over the confidence threshold. {'; '.join(words)}",
    )


def _line(experiment: ComparedExperiment, scores: FloatArray, values: FloatArray) -> tuple[Line, int]:
    """Return a line by rising threshold, and the place of its best point.

    Of equal scores the last one counts, for a threshold accepts all of them.
    """
    kept = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))
    best = int(np.nanargmax(values))  # kept when the curve is thinned out: it is the threshold people take
    drawn = {int(kept[i]) for i in thinned(kept.size, _MOST_POINTS)} | {best}
    pairs = sorted((float(scores[i]), -i, value) for i in drawn if (value := finite(values[i])) is not None)
    line = Line(
        name=experiment.label,
        x=tuple(round(x, 4) for x, _, _ in pairs),
        y=tuple(y for _, _, y in pairs),
        style=experiment.style,
        queries=tuple(
            ImageQuery(
                title=f"All outcomes at a confidence of {metric(x)}, “{experiment.label}”",
                experiment=experiment.key,
                confidence=x,
            )
            for x, _, _ in pairs
        ),
    )
    return line, next(place for place, (_, row, _) in enumerate(pairs) if row == -best)


# How sure the models are when they are right, and when they are wrong.

_JOINED = 2  # bins of the distribution that make one of the drawing
_WIDTH = _JOINED / SCORE_BINS
_MIDDLES = tuple(round((i + 0.5) * _WIDTH, 4) for i in range(SCORE_BINS // _JOINED))


@of_evaluations
def draw_confidence_spread(comparison: Comparison) -> Drawing:
    """Draw how many right and wrong predictions each model makes at each confidence."""
    notes, spreads = [], []
    for experiment, evaluation in comparison.evaluated:
        spread = score_distribution(evaluation.view)
        if spread.right.sum() + spread.wrong.sum() == 0:
            notes.append(f"“{experiment.label}” predicted nothing.")
            continue
        spreads.append((experiment, spread))
    if not spreads:
        return Drawing(empty=" ".join([*without_evaluation(comparison), *notes]))
    most = max(int(_joined(counts).max()) for _, spread in spreads for counts in (spread.right, spread.wrong))
    step = max(1, int(10 ** (len(str(most)) - 1)) // 2)
    highest = -(-most // step) * step  # a round number, the same for both panels
    return Drawing(
        panels=(
            _confidence_spread_panel(
                "Right predictions (TP)", Outcome.FOUND, [(e, spread.right) for e, spread in spreads], highest
            ),
            _confidence_spread_panel(
                "Wrong predictions (FP)", Outcome.FALSE_ALARM, [(e, spread.wrong) for e, spread in spreads], highest
            ),
        ),
        notes=tuple(notes),
    )


def _confidence_spread_panel(
    title: str, outcome: Outcome, spreads: list[tuple[ComparedExperiment, IntArray]], highest: int
) -> Panel:
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


def _joined(counts: IntArray) -> IntArray:
    joined: IntArray = counts.reshape(-1, _JOINED).sum(axis=1)
    return joined


# Whether a confidence of 0.8 means that 80 % are right.

_COLUMNS = ("Optimal threshold", "Expected error (ECE)", "Largest error (MCE)", "Calibration score")


@of_evaluations
def draw_reliability(comparison: Comparison) -> Drawing:
    """Draw the share of right predictions over their confidence; the diagonal is perfect."""
    lines, words, notes, rows = [], [], [], []
    for experiment, evaluation in comparison.evaluated:
        bins, best = evaluation.calibration, evaluation.key_metrics.f1_optimal_conf
        figures = (best, bins.expected_error, bins.maximum_error, 1 - bins.expected_error)
        texts = tuple(metric(figure, comparison.decimals) for figure in figures)
        rows.append(TableRow(name=experiment.label, style=experiment.style, texts=texts))
        points = [
            (x, y, _reliability_query(experiment, place))
            for place, (score, share) in enumerate(zip(bins.mean_score.tolist(), bins.accuracy.tolist(), strict=True))
            if (x := finite(score)) is not None and (y := finite(share)) is not None
        ]
        if not points:
            notes.append(f"“{experiment.label}” predicted nothing.")
            continue
        lines.append(
            Line(
                name=experiment.label,
                x=tuple(round(x, 4) for x, _, _ in points),
                y=tuple(round(y, 4) for _, y, _ in points),
                style=experiment.style,
                points=True,
                queries=tuple(query for _, _, query in points),
            )
        )
        words.append(f"{experiment.label} {metric(bins.expected_error, comparison.decimals)}")
    if not lines:
        return Drawing(empty=" ".join([*without_evaluation(comparison), *notes]))
    perfect = Line(name="Perfect", x=(0.0, 1.0), y=(0.0, 1.0), style=None)
    panel = Panel(
        title="",
        x=Axis(title="Mean confidence of the predictions", low=0, high=1, decimals=comparison.decimals),
        y=Axis(title="Share of right predictions", low=0, high=1, decimals=comparison.decimals),
        marks=(*lines, perfect),
        alt=f"Reliability diagram. Expected calibration error: {', '.join(words)}",
    )
    table = Table(title="Calibration", columns=_COLUMNS, rows=tuple(rows))
    return Drawing(panels=(panel,), tables=(table,), notes=tuple(notes))


def _reliability_query(experiment: ComparedExperiment, place: int) -> ImageQuery:
    low, high = BIN_EDGES[place : place + 2].tolist()
    return ImageQuery(
        title=f"Predictions with a confidence of {low:.1f} to {high:.1f}, “{experiment.label}”",
        experiment=experiment.key,
        confidence=0.0,
        score=open_below(low, high) if place else Span(low, high),
    )
