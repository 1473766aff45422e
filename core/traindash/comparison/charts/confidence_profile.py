"""What becomes of F1, precision and recall when the confidence threshold moves."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from traindash.comparison.charts.drawing import Axis, Drawing, Line, Panel, View
from traindash.comparison.charts.evaluated import finite, no_evaluation, without_evaluation
from traindash.comparison.experiment import ComparedExperiment, Comparison, thinned
from traindash.comparison.image_query import ImageQuery
from traindash.evaluation import Evaluation
from traindash.evaluation.coco_files import FloatArray
from traindash.evaluation.matching import IOU_THRESHOLDS
from traindash.formatting import metric

_MOST_POINTS = 200
_LEVELS = (0, 2, 5, 8)
"""Indexes of the IoU thresholds 0.50, 0.60, 0.75 and 0.90."""

Figure = tuple[str, str, Callable[[Evaluation], FloatArray]]
"""Title of the panel, of its vertical axis, and the (N,) values by falling score."""

_THRESHOLD = "Confidence threshold"


def draw_confidence_profile(comparison: Comparison, view: View) -> Drawing:
    """Draw F1 over the threshold, with the best threshold marked."""
    del view
    return _drawn(comparison, [("", "F1, mean over IoU 0.50 to 0.95", _mean_f1)], mark_best=True)


def draw_confidence_by_iou(comparison: Comparison, view: View) -> Drawing:
    """Draw F1 over the threshold at single IoU thresholds, each with its own best confidence."""
    del view
    return _drawn(comparison, [_at_iou(level) for level in _LEVELS], mark_best=True)


def draw_confidence_precision_recall(comparison: Comparison, view: View) -> Drawing:
    """Draw what a higher threshold gains in precision and costs in recall."""
    del view
    figures: list[Figure] = [
        ("Precision", "Precision, mean over IoU 0.50 to 0.95", lambda one: one.profile.precision),
        ("Recall", "Recall, mean over IoU 0.50 to 0.95", lambda one: one.profile.recall),
    ]
    return _drawn(comparison, figures, mark_best=False)


def _at_iou(level: int) -> Figure:
    iou = f"{IOU_THRESHOLDS[level]:.2f}"
    return f"IoU {iou}", f"F1 at IoU {iou}", lambda one: one.profile.f1_by_iou[level]


def _mean_f1(evaluation: Evaluation) -> FloatArray:
    return evaluation.profile.f1


def _drawn(comparison: Comparison, figures: list[Figure], *, mark_best: bool) -> Drawing:
    if not comparison.evaluated:
        return no_evaluation(comparison)
    notes = [
        *without_evaluation(comparison),
        *(
            f"“{e.label}” has no right prediction, so it has no curve."
            for e, one in comparison.evaluated
            if _blind(one)
        ),
    ]
    seeing = [(experiment, one) for experiment, one in comparison.evaluated if not _blind(one)]
    if not seeing:
        return Drawing(empty=" ".join(notes))
    panels = [_panel(seeing, figure, comparison.decimals, mark_best=mark_best) for figure in figures]
    return Drawing(panels=tuple(panel for panel in panels if panel is not None), notes=tuple(notes))


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
    best = int(np.nanargmax(values))
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
