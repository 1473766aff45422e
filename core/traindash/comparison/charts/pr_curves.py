"""Precision over recall: the mean of the classes, and each class."""

import math
from collections.abc import Sequence

import numpy as np

from traindash.comparison.charts.by_class import chosen_classes
from traindash.comparison.charts.drawing import Axis, Drawing, Line, Panel, View
from traindash.comparison.charts.evaluated import finite, no_evaluation, without_evaluation
from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.image_query import CountedAs, ImageQuery
from traindash.evaluation import Evaluation
from traindash.evaluation.coco_files import FloatArray
from traindash.formatting import metric

_MOST_PANELS = 12
_RECALL = Axis(title="Recall", low=0, high=1, decimals=2)


def draw_pr_curves(comparison: Comparison, view: View) -> Drawing:
    """Draw the mean curve, or the one of the chosen class."""
    if not comparison.evaluated:
        return no_evaluation(comparison)
    panel = _panel(comparison, view.class_name)
    if panel is None:
        return Drawing(empty=f"No experiment has objects of the class “{view.class_name}”. Choose another class.")
    return Drawing(panels=(panel,), notes=without_evaluation(comparison))


def draw_pr_by_class(comparison: Comparison, view: View) -> Drawing:
    """Draw one panel for each class."""
    del view
    if not comparison.evaluated:
        return no_evaluation(comparison)
    names = chosen_classes(comparison, lambda c: c.ap, _MOST_PANELS)
    panels = tuple(panel for name in names if (panel := _panel(comparison, name)) is not None)
    notes = list(without_evaluation(comparison))
    if len(names) < len(comparison.classes):
        notes.append(f"{len(names)} of {len(comparison.classes)} classes are drawn: those that differ most.")
    return Drawing(panels=panels, notes=tuple(notes))


def _panel(comparison: Comparison, class_name: str | None) -> Panel | None:
    lines = [line for e, evaluation in comparison.evaluated if (line := _line(e, evaluation, class_name)) is not None]
    if not lines:
        return None
    words = [
        f"{e.label} {metric(_area(evaluation, class_name), comparison.decimals)}"
        for e, evaluation in comparison.evaluated
    ]
    return Panel(
        title=class_name or "",
        x=_RECALL,
        y=Axis(title="Precision", low=0, high=1, decimals=comparison.decimals),
        marks=tuple(lines),
        alt=f"Precision over recall. Area under the curve: {', '.join(words)}",
    )


def _line(experiment: ComparedExperiment, evaluation: Evaluation, class_name: str | None) -> Line | None:
    values = _column(evaluation, class_name)
    if values is None or np.isnan(values).all():
        return None
    recall = tuple(round(float(x), 2) for x in evaluation.pr_curve.recall)
    precision = tuple(map(finite, values.tolist()))
    thresholds = confidences_for(evaluation, class_name, recall)
    return Line(
        name=experiment.label,
        x=recall,
        y=precision,
        style=experiment.style,
        queries=tuple(
            _query(experiment, class_name, share, confidence) if value or not math.isnan(confidence) else None
            for share, value, confidence in zip(recall, precision, thresholds, strict=True)
        ),
    )


def confidences_for(evaluation: Evaluation, class_name: str | None, recall: Sequence[float]) -> list[float]:
    """Return the highest threshold with which each recall is reached at IoU 0.50; NaN where none does.

    Args:
        evaluation: Of one experiment.
        class_name: One of its classes; ``None`` counts the objects of all classes together.
        recall: Shares, 0 to 1; at least one object is found for a recall of 0.
    """
    view, table = evaluation.view, evaluation.table
    right, objects = view.right, ~table.gt_crowd
    if class_name is not None:
        number = evaluation.classes.index(class_name)
        right, objects = right & (table.dt_class == number), objects & (table.gt_class == number)
    scores = -np.sort(-table.dt_score[right])
    needed = np.maximum(np.ceil(np.asarray(recall) * objects.sum() - 1e-9), 1).astype(np.int64)
    found: list[float] = np.append(scores, np.nan)[np.minimum(needed - 1, scores.size)].tolist()
    return found


def _query(experiment: ComparedExperiment, class_name: str | None, recall: float, confidence: float) -> ImageQuery:
    what = "all objects" if class_name is None else f"“{class_name}”"
    title = f"{recall * 100:.0f} % of {what} found: confidence {metric(confidence)}"
    if math.isnan(confidence):  # single classes get there, which the mean of the curves is made of
        title, confidence = f"Fewer than {recall * 100:.0f} % of {what} found, whatever the confidence", 0.0
    return ImageQuery(
        title=f"{title}, “{experiment.label}”",
        experiment=experiment.key,
        classes=None if class_name is None else CountedAs(class_name=class_name),
        confidence=confidence,
    )


def _column(evaluation: Evaluation, class_name: str | None) -> FloatArray | None:
    if class_name is None:
        return evaluation.pr_curve.precision
    if class_name not in evaluation.classes:
        return None
    return evaluation.pr_curve.per_class[:, evaluation.classes.index(class_name)]


def _area(evaluation: Evaluation, class_name: str | None) -> float | None:
    values = _column(evaluation, class_name)
    return None if values is None or np.isnan(values).all() else float(np.nanmean(values))
