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
from traindash.formatting import count, decimal, metric
from traindash.language import N_
from traindash.language import gettext as _

_MOST_POINTS = 200  # of a curve; more are not seen on 760 pixels
_LEVELS = (0, 2, 5, 8)  # indexes of the IoU thresholds 0.50, 0.60, 0.75 and 0.90

# title of the panel, of its vertical axis, and the (N,) values by falling score
Figure = tuple[str, str, Callable[[Evaluation], FloatArray]]
_THRESHOLD = N_("Confidence threshold")


@of_evaluations
def draw_confidence_profile(comparison: Comparison) -> Drawing:
    """Draw F1 over the threshold, with the best threshold marked."""
    return _drawn(
        comparison,
        [("", _("F1, mean over IoU 0.50 to 0.95"), lambda evaluation: evaluation.profile.f1)],
        mark_best=True,
    )


@of_evaluations
def draw_confidence_by_iou(comparison: Comparison) -> Drawing:
    """Draw F1 over the threshold at single IoU thresholds, each with its own best confidence."""
    return _drawn(comparison, [_at_iou(level) for level in _LEVELS], mark_best=True)


@of_evaluations
def draw_confidence_precision_recall(comparison: Comparison) -> Drawing:
    """Draw what a higher threshold gains in precision and costs in recall."""
    figures: list[Figure] = [
        (_("Precision"), _("Precision, mean over IoU 0.50 to 0.95"), lambda one: one.profile.precision),
        (_("Recall"), _("Recall, mean over IoU 0.50 to 0.95"), lambda one: one.profile.recall),
    ]
    return _drawn(comparison, figures, mark_best=False)


def _at_iou(level: int) -> Figure:
    iou = decimal(IOU_THRESHOLDS[level], 2)
    return f"IoU {iou}", _("F1 at IoU {iou}").format(iou=iou), lambda one: one.profile.f1_by_iou[level]


def _drawn(comparison: Comparison, figures: list[Figure], *, mark_best: bool) -> Drawing:
    notes = [
        _("“{name}” has no right prediction, so it has no curve.").format(name=e.label)
        for e, one in comparison.evaluated
        if _blind(one)
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
        best_at = _("{name} is best at {threshold}").format(name=experiment.label, threshold=at)
        words.append(best_at if mark_best else experiment.label)
    if not lines:
        return None
    return Panel(
        title=title,
        x=Axis(title=_(_THRESHOLD), low=0, high=1, decimals=decimals),
        y=Axis(title=axis, low=0, high=1, decimals=decimals),
        marks=tuple(lines),
        alt=_("{figure} over the confidence threshold. {values}").format(figure=axis, values="; ".join(words)),
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
        x=tuple(round(x, 4) for x, _row, _y in pairs),
        y=tuple(y for _x, _row, y in pairs),
        style=experiment.style,
        queries=tuple(
            ImageQuery(
                title=_("All outcomes at a confidence of {value}, “{name}”").format(
                    value=metric(x), name=experiment.label
                ),
                experiment=experiment.key,
                confidence=x,
            )
            for x, _row, _y in pairs
        ),
    )
    return line, next(place for place, (_x, row, _y) in enumerate(pairs) if row == -best)


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
            notes.append(_("“{name}” predicted nothing.").format(name=experiment.label))
            continue
        spreads.append((experiment, spread))
    if not spreads:
        return Drawing(empty=" ".join([*without_evaluation(comparison), *notes]))
    most = max(int(_joined(counts).max()) for _e, spread in spreads for counts in (spread.right, spread.wrong))
    step = max(1, int(10 ** (len(str(most)) - 1)) // 2)
    highest = -(-most // step) * step  # a round number, the same for both panels
    return Drawing(
        panels=(
            _confidence_spread_panel(
                _("Right predictions (TP)"), Outcome.FOUND, [(e, spread.right) for e, spread in spreads], highest
            ),
            _confidence_spread_panel(
                _("Wrong predictions (FP)"), Outcome.FALSE_ALARM, [(e, spread.wrong) for e, spread in spreads], highest
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
        x=Axis(title=_("Confidence (bins of {width})").format(width=decimal(_WIDTH, 2)), low=0, high=1, decimals=2),
        y=Axis(title=_("Predictions"), low=0, high=highest, decimals=None, whole=True),
        marks=tuple(lines),
        alt=_("{figure} by confidence. In all: {values}").format(figure=title, values=", ".join(words)),
    )


def _query(experiment: ComparedExperiment, title: str, outcome: Outcome, place: int) -> ImageQuery:
    low, high = place * _WIDTH, (place + 1) * _WIDTH
    last = place == len(_MIDDLES) - 1
    return ImageQuery(
        title=_("{figure} with a confidence of {low} to {high}, “{name}”").format(
            figure=title, low=decimal(low, 2), high=decimal(high, 2), name=experiment.label
        ),
        experiment=experiment.key,
        outcomes=(outcome,),
        confidence=0.0,
        score=Span(low, high) if last else half_open(low, high),
    )


def _joined(counts: IntArray) -> IntArray:
    joined: IntArray = counts.reshape(-1, _JOINED).sum(axis=1)
    return joined


# Whether a confidence of 0.8 means that 80 % are right.

_COLUMNS = (
    N_("Optimal threshold"),
    N_("Expected error (ECE)"),
    N_("Largest error (MCE)"),
    N_("Calibration score"),
)


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
            notes.append(_("“{name}” predicted nothing.").format(name=experiment.label))
            continue
        lines.append(
            Line(
                name=experiment.label,
                x=tuple(round(x, 4) for x, _y, _query in points),
                y=tuple(round(y, 4) for _x, y, _query in points),
                style=experiment.style,
                points=True,
                queries=tuple(query for _x, _y, query in points),
            )
        )
        words.append(f"{experiment.label} {metric(bins.expected_error, comparison.decimals)}")
    if not lines:
        return Drawing(empty=" ".join([*without_evaluation(comparison), *notes]))
    perfect = Line(name=_("Perfect"), x=(0.0, 1.0), y=(0.0, 1.0), style=None)
    panel = Panel(
        title="",
        x=Axis(title=_("Mean confidence of the predictions"), low=0, high=1, decimals=comparison.decimals),
        y=Axis(title=_("Share of right predictions"), low=0, high=1, decimals=comparison.decimals),
        marks=(*lines, perfect),
        alt=_("Reliability diagram. Expected calibration error: {values}").format(values=", ".join(words)),
    )
    table = Table(title=_("Calibration"), columns=tuple(map(_, _COLUMNS)), rows=tuple(rows))
    return Drawing(panels=(panel,), tables=(table,), notes=tuple(notes))


def _reliability_query(experiment: ComparedExperiment, place: int) -> ImageQuery:
    low, high = BIN_EDGES[place : place + 2].tolist()
    return ImageQuery(
        title=_("Predictions with a confidence of {low} to {high}, “{name}”").format(
            low=decimal(low, 1), high=decimal(high, 1), name=experiment.label
        ),
        experiment=experiment.key,
        confidence=0.0,
        score=open_below(low, high) if place else Span(low, high),
    )
