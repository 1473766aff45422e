"""The charts of a running training, as panels."""

import math
from collections.abc import Iterable

import streamlit as st

from traindash.comparison.charts.by_class import MOST_CLASSES
from traindash.comparison.charts.drawing import Axis, Bars, Line, Panel, View
from traindash.comparison.charts.training import axis_name, draw_training_curves
from traindash.comparison.curve_names import CurveGroup, CurveMeaning, meaning_of, of_boxes
from traindash.comparison.curves import thinned
from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.palette import SeriesStyle
from traindash.domain.curves import Curve
from traindash.formatting import metric, quantity
from traindash.language import N_
from traindash.language import gettext as _
from traindash.supervisely.experiments import experiment_of_output
from traindash.tasks.progress import TaskProgress
from traindash.ui.comparison.charts import draw_drawing, draw_lines
from traindash.ui.experiments.data import load_curves
from traindash.ui.tasks.live import CHARTS_EVERY, LiveState, has_masks, reports_figures

# Fixed by kind of loss, so that a chart keeps its colours when the engine reports another set.
_LOSS_COLORS = {"box": 0, "cls": 1, "dfl": 2, "seg": 3, "l1": 4, "giou": 4, "obj": 5}
_PEAK = 5.0  # so many times the usual highest loss is a peak
_ROOM, _LOWEST_TOP = 1.2, 0.05  # of the highest value; no axis of values from 0 to 1 ends lower
_ROUND = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
_MARKERS = ("circle", "square", "diamond", "triangle-up")
_CHART_HEIGHT = 280
_CHART_WIDTH = 580
_EPOCH, _OVER_TIME = N_("Epoch"), N_("Time")
_TITLES = (N_("Metrics in training, on validation images"), N_("Losses"))


def metric_panel(progress: TaskProgress, *, over_time: bool) -> Panel | None:
    """Return the figures on the validation images; ``None`` before the first evaluated epoch."""
    found = _drawn(progress, "quality")
    if has_masks(progress):  # first, since the task is about them
        found = [(of_boxes(one), curve) for one, curve in found]
        found.sort(key=lambda pair: not pair[0].of_masks)
    lines = []
    for number, (meaning, curve) in enumerate(found[: len(_MARKERS)]):
        style = SeriesStyle(color=number, marker=_MARKERS[number], dash="solid" if number % 2 == 0 else "dash")
        if line := _line(curve, meaning.quantity, style, over_time=over_time, mark_best=number == 0):
            lines.append(line)
    values = [value for line in lines for value in line.y if value is not None]
    y = Axis(title=_("Value, 0 to 1"), low=0, high=_top(values))
    return _panel(_(_TITLES[0]), _x_axis(progress, over_time=over_time), y, lines)


def _top(values: Iterable[float]) -> float:
    """Return where the axis of values from 0 to 1 ends: a round number with some room above the highest.

    With 1 for its end, the first epochs of a training would lie on the other axis.
    """
    wanted = max(_ROOM * max(values, default=0.0), _LOWEST_TOP)
    power = 10.0 ** math.floor(math.log10(wanted))
    steps = (number * power for number in _ROUND)
    return min(1.0, round(next(step for step in steps if step >= wanted * (1 - 1e-9)), 6))


def loss_panel(progress: TaskProgress, *, over_time: bool) -> Panel | None:
    """Return the losses of training (solid) and validation (dashed); ``None`` before the first epoch."""
    lines = []
    for meaning, curve in sorted(_drawn(progress, "loss"), key=lambda pair: pair[0].side == "validation"):
        color = _LOSS_COLORS.get(meaning.kind, len(_LOSS_COLORS))
        dash = "solid" if meaning.side == "training" else "dash"
        style = SeriesStyle(color=color, marker=_MARKERS[color % 4], dash=dash)
        if line := _line(curve, meaning.title, style, over_time=over_time, mark_best=False):
            lines.append(line)
    # The first epochs of a training from scratch have losses a hundred times the later ones.
    high = _cut_at(lines)
    title = _(_TITLES[1]) if high is None else _("Losses, peaks above {value} are cut off").format(value=quantity(high))
    return _panel(title, _x_axis(progress, over_time=over_time), Axis(title=_("Loss"), low=0, high=high), lines)


def _drawn(progress: TaskProgress, group: CurveGroup) -> list[tuple[CurveMeaning, Curve]]:
    found = [(meaning, curve) for name, curve in progress.curves.items() if (meaning := meaning_of(name)) is not None]
    return sorted((pair for pair in found if pair[0].group == group), key=lambda pair: pair[0].order)


def _without_curves(progress: TaskProgress) -> str:
    """Return why there are no curves."""
    if progress.task.status.is_terminal:
        return _("No epoch was finished, so there are no curves.")
    if not _will_have_curves(progress):
        return _("This training app reports no figures while it trains; they come with its experiment.")
    return _("Curves appear after the first epoch.")


def _will_have_curves(progress: TaskProgress) -> bool:
    """Return whether a running training tells figures before its end.

    The training app of a real server tells none (docs/supervisely-api.md 6.4).
    """
    return progress.train_status is None and reports_figures(progress)


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
    evaluated = max((curve.steps[-1] for curve in progress.per_class.values() if curve.steps), default=None)
    if evaluated is None:
        return None
    values = {
        name: curve.values[-1]
        for name, curve in progress.per_class.items()
        if curve.steps[-1:] == (evaluated,) and math.isfinite(curve.values[-1])
    }
    lowest = set(sorted(values, key=lambda name: values[name])[:MOST_CLASSES])
    shown = {name: value for name, value in values.items() if name in lowest}
    if not shown:
        return None
    texts = tuple(map(metric, shown.values()))
    words = "; ".join(f"{name} {text}" for name, text in zip(shown, texts, strict=True))
    figure = _("Mask AP") if has_masks(progress) else "AP"
    named = {"figure": figure, "epoch": evaluated, "shown": len(shown), "all": len(values)}
    title = _("{figure} of each class after epoch {epoch}")
    if len(shown) < len(values):
        title = _("{figure} of each class after epoch {epoch}, the {shown} lowest of {all} classes")
    style = SeriesStyle(color=0, marker="circle", dash="solid")
    return Panel(
        title=title.format_map(named),
        x=Axis(title=_("Class"), categories=tuple(shown)),
        y=Axis(title=_("{figure}, IoU 0.50 to 0.95").format(figure=figure), low=0, high=_top(shown.values())),
        marks=(Bars(name=figure, values=tuple(shown.values()), texts=texts, style=style),),
        alt=f"{title.format_map(named)}: {words}",
        has_legend=False,
    )


def _line(curve: Curve | None, name: str, style: SeriesStyle, *, over_time: bool, mark_best: bool) -> Line | None:
    if curve is None or not any(map(math.isfinite, curve.values)):
        return None
    positions = curve.seconds if over_time and curve.has_seconds else tuple(map(float, curve.steps))
    best = curve.best if mark_best else None
    at = curve.steps.index(best[0]) if best else None
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
        return Axis(title=_("Training time (s)"), low=0, decimals=1)
    # The whole axis from the first epoch on: a curve that is squeezed with every epoch cannot be read.
    planned = None if progress.task.status.is_terminal else progress.epochs
    return Axis(title=_("Epoch"), low=1, high=planned if planned and planned > 1 else None, decimals=None, whole=True)


def _panel(title: str, x: Axis, y: Axis, lines: list[Line]) -> Panel | None:
    if not lines:
        return None
    newest = [next((value for value in reversed(line.y) if value is not None), None) for line in lines]
    words = "; ".join(f"{line.name} {metric(value)}" for line, value in zip(lines, newest, strict=True))
    return Panel(
        title=title,
        x=x,
        y=y,
        marks=tuple(lines),
        alt=_("{title}, newest values: {values}").format(title=title, values=words),
    )


def draw_charts(state: LiveState) -> None:
    """Draw the curves, every five seconds: more often would only make the browser draw the same picture again."""
    st.fragment(_charts, run_every=state.every(CHARTS_EVERY))(state)


def _charts(state: LiveState) -> None:
    progress = state.progress
    left = None if progress.curves else _left_behind(progress)
    is_over = progress.task.status.is_terminal
    # Its room is kept while something will fill it
    with st.container(border=True, key="live-charts" if progress.curves or left or not is_over else "no-charts"):
        first = _(_EPOCH) if left is None else axis_name(left)
        axis = _choose_axis(first) if progress.curves or left is not None else first
        if left is not None:
            draw_drawing(
                draw_training_curves(left, View(time_axis=axis == _OVER_TIME)), "left-curves", width=_CHART_WIDTH
            )
            return
        panels = [draw(progress, over_time=axis == _OVER_TIME) for draw in (metric_panel, loss_panel)]
        if not any(panels):
            st.markdown(f":material/show_chart: {_without_curves(progress)}")
        for number, panel in enumerate(panels):
            if panel is not None:
                draw_lines(panel, f"live-{number}", height=_CHART_HEIGHT)
            elif any(panels):
                st.markdown(f"**{_(_TITLES[number])}**")
                st.caption(_("No number was reported that can be drawn."))
            elif not is_over and _will_have_curves(progress):
                st.caption(_(_TITLES[number]))
                st.skeleton(height=_CHART_HEIGHT)


def _choose_axis(first: str) -> str:
    """Offer what the curves are drawn over: what the training counts, or time."""
    chosen: str = st.segmented_control(
        _("Horizontal axis"),
        [_EPOCH, _OVER_TIME],
        default=_EPOCH,
        required=True,
        format_func=lambda name: first if name == _EPOCH else _(name),
        key="live-axis",
        label_visibility="collapsed",
    )
    return chosen


def _left_behind(progress: TaskProgress) -> Comparison | None:
    """Return the experiment that a finished task left, with the curves among its files; ``None`` without one."""
    info = experiment_of_output(progress.task.output) if progress.task.status.is_terminal else None
    if info is None:
        return None
    experiment = ComparedExperiment(
        key=str(info.task_id), label=info.experiment_name, info=info, training=load_curves(info)
    )
    return Comparison(experiments=(experiment,))
