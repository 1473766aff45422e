"""Losses and metrics over the epochs of the trainings."""

import math
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from traindash.comparison.charts.drawing import CHOOSE, Axis, Drawing, Line, Panel, View, finite, nothing
from traindash.comparison.experiment import (
    ComparedExperiment,
    Comparison,
    TrainingCurves,
    best_epoch,
    explain_missing,
    smoothed,
    thinned,
)
from traindash.comparison.palette import Theme
from traindash.comparison.rows import may_stand_beside, read_metric
from traindash.comparison.setup_differences import SettingRow, compare_settings, in_telling_order
from traindash.comparison.significance import Significance
from traindash.formatting import count, metric

# ultralytics' column → title, axis title, whether it lies between 0 and 1
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


# Hyperparameters against mAP, a vertical axis for each and a line for each experiment: parallel coordinates.
#
# Drawn by plotly, whose axes can be brushed and moved; ECharts' cannot be moved. The figure is plain JSON, so nothing
# here imports plotly; Streamlit hands it to the browser's half.
FEWEST_LINES = 3  # with two experiments the table of differences says the same
MOST_AXES = 9
_SCORE = "mAP"
_LONGEST = 26
_MOST_TICKS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelAxis:
    """One axis."""

    title: str  # of the hyperparameter
    values: tuple[float, ...]  # one position for each experiment
    words: tuple[str, ...] = ()  # what stands at the positions 0, 1, 2, …; empty for numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel:
    """What is drawn, or why nothing is."""

    experiments: tuple[ComparedExperiment, ...] = ()  # one for each line
    axes: tuple[ParallelAxis, ...] = ()  # names first, mAP last
    empty: str = ""  # why there is nothing to draw
    note: str = ""  # what is left out


def parallel(comparison: Comparison, significance: Significance) -> Parallel:
    """Return the axes of the hyperparameters that differ."""
    if not significance.allows("mAP"):
        return Parallel(empty="These experiments were not measured alike, so their mAP cannot share an axis.")
    known = [
        (e, score)
        for e in comparison.experiments
        if e.known_hyperparameters is not None and may_stand_beside(comparison, e)
        if (score := finite(read_metric(e, "mAP"))) is not None
    ]
    known.sort(key=lambda pair: pair[1])  # the names then stand as high as their scores, and lines cross less
    if len(known) < FEWEST_LINES:
        return Parallel(empty=f"Three experiments with hyperparameters and a mAP are needed; here are {len(known)}.")
    settings = compare_settings([experiment.known_hyperparameters for experiment, _ in known])
    rows = in_telling_order([row for row in settings if row.differs])
    if not rows:
        return Parallel(empty="All hyperparameters are the same. Change one and train again to see what it does.")
    names = tuple(_short(experiment.label) for experiment, _ in known)
    axes = (
        ParallelAxis(title="Experiment", values=tuple(map(float, range(len(names)))), words=names),
        *(_axis(row) for row in rows[:MOST_AXES]),
        ParallelAxis(title=_SCORE, values=tuple(score for _, score in known)),
    )
    note = "" if len(rows) <= MOST_AXES else f"The first {MOST_AXES} of {count(len(rows))} differences have an axis."
    return Parallel(experiments=tuple(experiment for experiment, _ in known), axes=axes, note=note)


def parallel_figure(drawn: Parallel, theme: Theme) -> dict[str, Any]:
    """Return plotly's figure as JSON; names are escaped, for plotly reads tags in them."""
    last = max(1, len(drawn.experiments) - 1)
    colors = [[place / last, experiment.style.hex(theme)] for place, experiment in enumerate(drawn.experiments)]
    return {
        "data": [
            {
                "type": "parcoords",
                "line": {"color": list(range(len(drawn.experiments))), "colorscale": colors, "cmin": 0, "cmax": last},
                "dimensions": [_dimension(axis) for axis in drawn.axes],
                "rangefont": {"size": 1, "color": "rgba(0,0,0,0)"},
            }
        ],
        "layout": {"height": 440, "margin": {"l": 160, "r": 40, "t": 48, "b": 24}, "font": {"size": 12}},
    }


def parallel_in_words(drawn: Parallel) -> str:
    """Return the content for people who do not see it."""
    scores = drawn.axes[-1].values
    return "; ".join(f"{e.label}: mAP {metric(score)}" for e, score in zip(drawn.experiments, scores, strict=True))


def _dimension(axis: ParallelAxis) -> dict[str, Any]:
    result: dict[str, Any] = {"label": escape(axis.title), "values": list(axis.values)}
    if axis.words:
        result["tickvals"] = list(range(len(axis.words)))
        result["ticktext"] = [escape(word) for word in axis.words]
    elif len(distinct := sorted(set(axis.values))) <= _MOST_TICKS:
        result["tickvals"] = distinct
        result["ticktext"] = [metric(value) if axis.title == _SCORE else f"{value:g}" for value in distinct]
    return result


def _axis(row: SettingRow) -> ParallelAxis:
    numbers = [
        float(value)
        for value in row.values
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    ]
    if len(numbers) == len(row.values):
        return ParallelAxis(title=_short(row.path), values=tuple(numbers))
    words = tuple(dict.fromkeys(row.texts))
    return ParallelAxis(
        title=_short(row.path),
        values=tuple(float(words.index(text)) for text in row.texts),
        words=tuple(map(_short, words)),
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
