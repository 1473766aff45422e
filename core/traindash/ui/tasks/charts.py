"""The charts of a running training, as panels."""

import math

import streamlit as st

from traindash.comparison.charts.by_class import MOST_CLASSES
from traindash.comparison.charts.drawing import Axis, Bars, Line, Panel
from traindash.comparison.experiment import thinned
from traindash.comparison.palette import SeriesStyle
from traindash.formatting import metric, quantity
from traindash.tasks.progress import Curve, TaskProgress
from traindash.ui.comparison.charts import draw_panel
from traindash.ui.tasks.live import (
    BOX_MAP,
    BOX_MAP50,
    CHARTS_EVERY,
    MASK_MAP,
    MASK_MAP50,
    LiveState,
    best_of,
    has_masks,
)

# Fixed by kind of loss, so that a chart keeps its colours when the engine reports another set.
_LOSS_COLORS = {"box": 0, "cls": 1, "dfl": 2, "seg": 3, "l1": 4, "obj": 5}
_LOSS_WORDS = {"box": "box", "cls": "class", "dfl": "DFL", "seg": "mask", "l1": "L1", "obj": "objectness"}
_METRICS = {BOX_MAP: "mAP50-95", BOX_MAP50: "mAP50"}
_METRICS_BY_MASK = {
    MASK_MAP: "Mask mAP50-95", MASK_MAP50: "Mask mAP50", BOX_MAP: "Box mAP50-95", BOX_MAP50: "Box mAP50",
}  # fmt: skip
_PEAK = 5.0  # so many times the usual highest loss is a peak
_MARKERS = ("circle", "square", "diamond", "triangle-up")
CHART_HEIGHT = 280
CHART_WIDTH = 580
_OVER_TIME = "Time"
_TITLES = ("Metrics on validation images", "Losses")


def metric_panel(progress: TaskProgress, *, over_time: bool) -> Panel | None:
    """Return the validation metrics; ``None`` before the first evaluated epoch."""
    lines = []
    columns = _METRICS_BY_MASK if has_masks(progress) else _METRICS
    for number, (column, name) in enumerate(columns.items()):
        style = SeriesStyle(color=number, marker=_MARKERS[number], dash="solid" if number % 2 == 0 else "dash")
        if line := _line(progress.curves.get(column), name, style, over_time=over_time, mark_best=number == 0):
            lines.append(line)
    return _panel(_TITLES[0], _x_axis(progress, over_time=over_time), Axis(title="Value, 0 to 1", low=0, high=1), lines)


def loss_panel(progress: TaskProgress, *, over_time: bool) -> Panel | None:
    """Return the losses of training (solid) and validation (dashed); ``None`` before the first epoch."""
    lines = []
    for column, curve in sorted(progress.curves.items(), key=lambda item: not item[0].startswith("train/")):
        side, _, name = column.partition("/")
        if side not in {"train", "val"} or not name.endswith("_loss"):
            continue
        kind = name.removesuffix("_loss")
        color = _LOSS_COLORS.get(kind, len(_LOSS_COLORS))
        style = SeriesStyle(color=color, marker=_MARKERS[color % 4], dash="solid" if side == "train" else "dash")
        label = f"{_LOSS_WORDS.get(kind, kind)}, {'training' if side == 'train' else 'validation'}"
        if line := _line(curve, label, style, over_time=over_time, mark_best=False):
            lines.append(line)
    # The first epochs of a training from scratch have losses a hundred times the later ones.
    high = _cut_at(lines)
    title = _TITLES[1] if high is None else f"{_TITLES[1]}, peaks above {quantity(high)} are cut off"
    return _panel(title, _x_axis(progress, over_time=over_time), Axis(title="Loss", low=0, high=high), lines)


def _without_curves(progress: TaskProgress) -> str:
    """Return why there are no curves."""
    if progress.task.status.is_terminal:
        return "No epoch was finished, so there are no curves."
    # An app that has to be asked what it does tells no figures before its end (docs/supervisely-api.md 6.4).
    if progress.train_status is not None:
        return "This training app reports no figures while it trains; they come with its experiment."
    return "Curves appear after the first epoch."


def _cut_at(lines: list[Line]) -> float | None:
    """Return where the axis ends when a few peaks would flatten everything else; ``None`` if there are none."""
    values = sorted(value for line in lines for value in line.y if value is not None)
    if not values:
        return None
    # The 95th percentile: a few peaks do not count.
    usual = values[(len(values) - 1) * 95 // 100]
    return 1.25 * usual if values[-1] > _PEAK * usual > 0 else None


def class_panel(progress: TaskProgress) -> Panel | None:
    """Return the AP of each class in the last evaluated epoch; ``None`` before the first.

    Of very many classes those with the lowest values are drawn: that is where work is waiting.
    """
    evaluated = max((curve.epochs[-1] for curve in progress.per_class.values() if curve.epochs), default=None)
    if evaluated is None:
        return None
    values = {
        name: curve.values[-1]
        for name, curve in progress.per_class.items()
        if curve.epochs[-1:] == (evaluated,) and math.isfinite(curve.values[-1])
    }
    lowest = set(sorted(values, key=lambda name: values[name])[:MOST_CLASSES])
    shown = {name: value for name, value in values.items() if name in lowest}
    if not shown:
        return None
    part = f", the {len(shown)} lowest of {len(values)} classes" if len(shown) < len(values) else ""
    texts = tuple(map(metric, shown.values()))
    words = "; ".join(f"{name} {text}" for name, text in zip(shown, texts, strict=True))
    figure = "Mask AP" if has_masks(progress) else "AP"
    style = SeriesStyle(color=0, marker="circle", dash="solid")
    return Panel(
        title=f"{figure} of each class after epoch {evaluated}{part}",
        x=Axis(title="Class", categories=tuple(shown)),
        y=Axis(title=f"{figure}, IoU 0.50 to 0.95", low=0, high=1),
        marks=(Bars(name=figure, values=tuple(shown.values()), texts=texts, style=style),),
        alt=f"{figure} of each class after epoch {evaluated}: {words}",
        has_legend=False,
    )


def _line(curve: Curve | None, name: str, style: SeriesStyle, *, over_time: bool, mark_best: bool) -> Line | None:
    if curve is None or not any(map(math.isfinite, curve.values)):
        return None
    positions = (
        curve.seconds if over_time and all(map(math.isfinite, curve.seconds)) else tuple(map(float, curve.epochs))
    )
    best = best_of(curve) if mark_best else None
    at = curve.epochs.index(best[0]) if best else None
    # Thousands of epochs have more points than the chart has pixels; the best one is always among them.
    kept = sorted({*thinned(len(positions)), *(() if at is None else (at,))})
    return Line(
        name=name,
        x=tuple(positions[i] for i in kept),
        y=tuple(curve.values[i] if math.isfinite(curve.values[i]) else None for i in kept),
        style=style,
        # A line of one point is invisible.
        points=len(kept) == 1,
        highlight=None if at is None else kept.index(at),
        highlight_text=metric(best[1]) if best else "",
    )


def _x_axis(progress: TaskProgress, *, over_time: bool) -> Axis:
    """Return the axis; over epochs it spans what is planned from the first epoch on, so that nothing jumps."""
    if over_time:
        return Axis(title="Training time (s)", low=0, decimals=1)
    # The whole axis from the first epoch on: a curve that is squeezed with every epoch cannot be read.
    planned = None if progress.task.status.is_terminal else progress.epochs
    return Axis(title="Epoch", low=1, high=planned if planned and planned > 1 else None, decimals=None, whole=True)


def _panel(title: str, x: Axis, y: Axis, lines: list[Line]) -> Panel | None:
    if not lines:
        return None
    newest = [next((value for value in reversed(line.y) if value is not None), None) for line in lines]
    words = "; ".join(f"{line.name} {metric(value)}" for line, value in zip(lines, newest, strict=True))
    return Panel(title=title, x=x, y=y, marks=tuple(lines), alt=f"{title}, newest values: {words}")


def draw_charts(state: LiveState) -> None:
    """Draw the curves, every five seconds: more often would only make the browser draw the same picture again."""
    st.fragment(_charts, run_every=state.every(CHARTS_EVERY))(state)


def _charts(state: LiveState) -> None:
    with st.container(border=True, key="live-charts"):
        axis = st.segmented_control(
            "Horizontal axis",
            ["Epoch", _OVER_TIME],
            default="Epoch",
            required=True,
            key="live-axis",
            label_visibility="collapsed",
        )
        panels = [draw(state.progress, over_time=axis == _OVER_TIME) for draw in (metric_panel, loss_panel)]
        for number, panel in enumerate(panels):
            if panel is not None:
                draw_panel(panel, f"live-{number}", height=CHART_HEIGHT, width=CHART_WIDTH)
            elif any(panels):
                st.markdown(f"**{_TITLES[number]}**")
                st.caption("No number was reported that can be drawn.")
        if not any(panels):
            text = _without_curves(state.progress)
            with st.container(
                height=CHART_HEIGHT, border=False, vertical_alignment="center", horizontal_alignment="center"
            ):
                st.markdown(f":material/show_chart: {text}")
