"""Losses and metrics over the epochs of the trainings."""

from dataclasses import replace

from traindash.comparison.charts.drawing import Axis, Drawing, Line, Panel, View, nothing
from traindash.comparison.charts.evaluated import CHOOSE, finite
from traindash.comparison.experiment import (
    ComparedExperiment,
    Comparison,
    TrainingCurves,
    best_epoch,
    explain_missing,
    smoothed,
    thinned,
)
from traindash.formatting import metric

_COLUMNS: dict[str, tuple[str, str, bool]] = {
    "metrics/mAP50-95(B)": ("mAP on validation images", "mAP", True),
    "metrics/mAP50(B)": ("AP50 on validation images", "AP50", True),
    "metrics/mAP50-95(M)": ("Mask mAP on validation images", "Mask mAP", True),
    "metrics/mAP50(M)": ("Mask AP50 on validation images", "Mask AP50", True),
    "train/box_loss": ("Box loss, training", "Box loss", False),
    "train/cls_loss": ("Class loss, training", "Class loss", False),
    "val/box_loss": ("Box loss, validation", "Box loss", False),
    "val/cls_loss": ("Class loss, validation", "Class loss", False),
}
"""Ultralytics' column → title, axis title, whether it lies between 0 and 1."""

_ADVICE = "The curves are read from the results.csv that a training leaves."


def draw_training_curves(comparison: Comparison, view: View) -> Drawing:
    """Draw a panel for each known column that at least one experiment has."""
    trained = [(e, e.training) for e in comparison.experiments if isinstance(e.training, TrainingCurves)]
    notes = list(explain_missing([(e.label, e.training) for e in comparison.experiments]))
    if not trained:
        return nothing(notes, _ADVICE if comparison.experiments else CHOOSE)
    if view.time_axis and any(curves.seconds is None for _, curves in trained):
        notes.append("Experiments whose file has no times are drawn over epochs only.")
    panels = tuple(
        panel for column in _COLUMNS if (panel := _panel(column, trained, view, comparison.decimals)) is not None
    )
    if not panels:
        return Drawing(empty="No curve has a name that is known here. Open the experiment's results.csv to see them.")
    if any(len(curves.epochs) != len(thinned(len(curves.epochs))) for _, curves in trained):
        notes.append("Long curves are thinned out to 400 points.")
    return Drawing(panels=panels, notes=tuple(notes))


def _panel(
    column: str, trained: list[tuple[ComparedExperiment, TrainingCurves]], view: View, decimals: int
) -> Panel | None:
    title, axis, bounded = _COLUMNS[column]
    if column.endswith("(B)") and any(name.endswith("(M)") for _, curves in trained for name in curves.columns):
        title, axis = f"Box {title}", f"Box {axis}"  # beside those of the masks
    lines, words = [], []
    for experiment, curves in trained:
        line = _line(experiment, curves, column, view)
        if line is None:
            continue
        best = best_epoch(curves, column)
        text = metric(best[1], decimals) if bounded and best else ""
        lines.append(replace(line, highlight=line.highlight if bounded else None, highlight_text=text))
        if bounded and best:
            words.append(f"{experiment.label} best {metric(best[1], decimals)} in epoch {best[0]}")
    if not lines:
        return None
    x = (
        Axis(title="Training time (s)", low=0, decimals=1)
        if view.time_axis
        else Axis(title="Epoch", low=1, decimals=None, whole=True)
    )
    return Panel(
        title=title,
        x=x,
        y=Axis(title=axis, low=0, high=1 if bounded else None, decimals=decimals),
        marks=tuple(lines),
        alt=f"{title} over {'time' if view.time_axis else 'epochs'}. {'; '.join(words)}".strip(),
    )


def _line(experiment: ComparedExperiment, curves: TrainingCurves, column: str, view: View) -> Line | None:
    values = curves.columns.get(column)
    if values is None or all(finite(value) is None for value in values):
        return None
    if view.time_axis and curves.seconds is None:
        return None
    positions = curves.seconds if view.time_axis and curves.seconds else tuple(map(float, curves.epochs))
    drawn = smoothed(values, view.smoothing) if view.smoothing else values
    best = best_epoch(curves, column)
    at = curves.epochs.index(best[0]) if best else None
    kept = sorted({*thinned(len(values)), *([at] if at is not None else [])})
    return Line(
        name=experiment.label,
        x=tuple(positions[i] for i in kept),
        y=tuple(finite(drawn[i]) for i in kept),
        style=experiment.style,
        highlight=None if at is None else kept.index(at),
    )
