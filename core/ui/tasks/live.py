"""The moving part of the task page: numbers every second, charts every five, nothing once the task is over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import streamlit as st

from core.compare import formatting
from core.domain.ids import TaskId
from core.domain.task import Task, TaskStatus
from core.errors import AppError
from core.launch.watching.later_phases import phases_left, total, typical_durations
from core.launch.watching.progress import Curve, TaskProgress, TimeRange
from core.launch.watching.stuck import silence_of
from core.launch.watching.watch import TaskWatch
from core.ui import connection, theme
from core.ui.compare.charts import draw_panel
from core.ui.streamlit_internals import DeltaGenerator
from core.ui.tasks.live_log import HEAD, ROWS, draw_log_filter, draw_log_head, draw_log_rows
from core.ui.tasks.live_panels import (
    BOX_MAP,
    BOX_MAP50,
    MASK_MAP,
    best_of,
    class_panel,
    has_masks,
    last_two,
    loss_panel,
    metric_panel,
    training_loss,
)
from core.ui.tasks.live_samples import draw_samples
from core.ui.tasks.live_usage import draw_usage
from core.ui.tasks.phase_line import phase_line
from core.ui.tasks.text import (
    app_failed_text,
    duration,
    fraction,
    is_ready_only,
    not_finite_text,
    planned_phases,
    resources_text,
    sentence,
    silence_text,
)
from core.ui.text import plain

NUMBERS_EVERY = "1s"
CHARTS_EVERY = "5s"
_CHART_HEIGHT = 280
_CHART_WIDTH = 580
_DETAIL_HEIGHT = 348
_OVER_TIME = "Time"
_TITLES = ("Metrics on validation images", "Losses")
_TYPICAL_SECONDS = 600


@dataclass(slots=True)
class LiveState:
    """What the fragments of one run share.

    Attributes:
        watch: Follows the task.
        progress: As it was last seen.
    """

    watch: TaskWatch
    progress: TaskProgress


def draw_numbers(state: LiveState, *, paused: bool) -> None:
    """Draw status, phases, progress and cards; refresh them every second while the task is on its way.

    Args:
        state: The watch and what it last saw.
        paused: Draw once and keep still.
    """
    st.fragment(_numbers, run_every=NUMBERS_EVERY if _moves(state, paused=paused) else None)(state)


def draw_charts_and_log(state: LiveState, *, paused: bool) -> None:
    """Draw the curves, every five seconds, and the log beside them. Arguments as in :func:`draw_numbers`."""
    moves = _moves(state, paused=paused)
    left, right = st.columns([2, 1], gap="medium")
    with left:
        st.fragment(_charts, run_every=CHARTS_EVERY if moves else None)(state)
    with right, st.container(border=True, key="live-log"):
        st.fragment(draw_log_head, key=HEAD)(state.progress.task.id)
        draw_log_filter()
        st.fragment(_log, run_every=NUMBERS_EVERY if moves else None, key=ROWS)(state)
    st.fragment(_details, run_every=CHARTS_EVERY if moves else None)(state)


def _moves(state: LiveState, *, paused: bool) -> bool:
    return not paused and not state.progress.task.status.is_terminal


def _numbers(state: LiveState) -> None:
    now = datetime.now(UTC)
    before = state.progress.task
    try:
        progress = state.watch.refresh()
    except AppError as error:
        st.warning(plain(f"{error.message} The numbers below are the last known ones."), icon=":material/sync_problem:")
        progress = state.progress
    state.progress = progress
    if progress.task.status is not before.status:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key="task-status"):
        theme.status_badge(theme.TASK_STATUS[progress.task.status])
        st.markdown(plain(sentence(progress)), width="content")
        if (used := resources_text(progress)) and not progress.task.status.is_terminal:
            st.caption(used, width="content")
    left = phases_left(progress, planned_phases(progress.task), _typical(progress.task), now)
    phase_line(progress, left)
    _draw_trouble(progress, now)
    if progress.task.status is not TaskStatus.FINISHED:
        st.progress(fraction(progress))
    _cards(progress, total(left))


def _draw_trouble(progress: TaskProgress, now: datetime) -> None:
    """Draw what a person should know of a running task before it ends by itself, if it ever does."""
    if progress.app_failed:
        st.error(plain(app_failed_text(progress)), icon=":material/error:")
    elif not is_ready_only(progress) and (silence := silence_of(progress, now)) is not None:
        st.warning(plain(silence_text(silence)), icon=":material/hourglass_disabled:")
    if progress.not_finite and progress.task.status is not TaskStatus.ERROR:  # an error has its own words
        st.warning(plain(not_finite_text(progress.not_finite)), icon=":material/warning:")


def _typical(task: Task) -> Mapping[str, float]:
    """Return how long the phases after a running training will probably take."""
    return {} if task.status is not TaskStatus.STARTED else _typical_of(connection.cache_key(), task.id, task)


@st.cache_data(ttl=_TYPICAL_SECONDS, max_entries=100, show_spinner=False)
def _typical_of(key: connection.CacheKey, task_id: TaskId, _task: Task) -> Mapping[str, float]:
    del key, task_id
    try:
        return typical_durations(connection.client(), _task)
    except AppError:
        return {}  # only an estimate is missing then


def _cards(progress: TaskProgress, left: TimeRange | None) -> None:
    loss, loss_before = last_two(training_loss(progress.curves))
    cards = st.columns(4)
    if has_masks(progress):
        _best_card(cards[0], "Best mask mAP50-95", progress.curves.get(MASK_MAP))
        _best_card(cards[1], "Best box mAP50-95", progress.curves.get(BOX_MAP))
    else:
        half, half_before = last_two(progress.curves.get(BOX_MAP50))
        _best_card(cards[0], "Best mAP50-95", progress.curves.get(BOX_MAP))
        _trend_card(cards[1], "mAP50", formatting.metric(half), _points(half, half_before), good="up")
    _trend_card(cards[2], "Training loss", formatting.quantity(loss), _change(loss, loss_before), good="down")
    cards[3].metric(
        "Time",
        duration(progress.task, datetime.now(UTC)),
        _time_note(progress, left),
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
    )


def _best_card(place: DeltaGenerator, label: str, curve: Curve | None) -> None:
    best = best_of(curve)
    place.metric(
        label,
        formatting.metric(best[1] if best else None),
        f"in epoch {best[0]}" if best else None,
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
    )


def _time_note(progress: TaskProgress, left: TimeRange | None) -> str:
    if left is not None:
        return f"{formatting.time_left(left.low, left.high)} in all"
    started = progress.task.started_at
    return f"started {formatting.clock(started)}" if started else "not started"


def _trend_card(place: DeltaGenerator, label: str, value: str, change: str, *, good: Literal["up", "down"]) -> None:
    """Draw a number with its change; the arrow says where it goes and the colour whether that is good."""
    way: Literal["up", "down", "off"] = (
        "up" if change.startswith("+") else "down" if change.startswith(formatting.MINUS) else "off"
    )
    place.metric(
        label,
        value,
        change or None,
        delta_color="off" if way == "off" else "green" if way == good else "red",
        delta_arrow=way,
        border=True,
        height="stretch",
    )


def _points(new: float | None, old: float | None) -> str:
    return "" if new is None or old is None else f"{formatting.points(new - old)} since last epoch"


def _change(new: float | None, old: float | None) -> str:
    return "" if new is None or old is None else f"{formatting.signed(new - old, 3)} since last epoch"


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
                draw_panel(panel, f"live-{number}", height=_CHART_HEIGHT, width=_CHART_WIDTH)
            elif any(panels):
                st.markdown(f"**{_TITLES[number]}**")
                st.caption("No number was reported that can be drawn.")
        if not any(panels):
            _no_curves(state.progress)


def _details(state: LiveState) -> None:
    progress = state.progress
    draw_samples(progress)
    panel = class_panel(progress)
    if panel is None and not progress.usage:
        return
    left, right = st.columns([2, 1], gap="medium")
    with left, st.container(border=True, height=_DETAIL_HEIGHT, key="live-classes"):
        if panel is None:
            st.markdown("**AP of each class**")
            over = progress.task.status.is_terminal
            st.caption("No epoch was evaluated." if over else "It appears after the first evaluated epoch.")
        else:
            draw_panel(panel, "live-classes-chart", height=_CHART_HEIGHT, width=_CHART_WIDTH)
    with right:
        draw_usage(progress)


def _log(state: LiveState) -> None:
    draw_log_rows(state.progress)


def _no_curves(progress: TaskProgress) -> None:
    over = progress.task.status.is_terminal
    with st.container(height=_CHART_HEIGHT, border=False, vertical_alignment="center", horizontal_alignment="center"):
        st.markdown(
            ":material/show_chart: "
            + ("No epoch was finished, so there are no curves." if over else "Curves appear after the first epoch.")
        )
