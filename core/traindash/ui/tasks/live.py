"""The moving part of the task page: numbers every second, charts every five, nothing once the task is over."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import streamlit as st

from traindash import formatting
from traindash.domain.ids import TaskId
from traindash.domain.task import Task, TaskStatus
from traindash.errors import AppError
from traindash.tasks.progress import Curve, PhaseSpan, Resources, TaskProgress, TimeRange, silence_of
from traindash.tasks.task_watcher import PhaseTime, TaskWatch, phases_left, total, typical_durations
from traindash.ui import connection, theme
from traindash.ui.comparison.charts import draw_panel
from traindash.ui.streamlit_internals import DeltaGenerator
from traindash.ui.tasks.live_log import HEAD, ROWS, draw_log_filter, draw_log_head, draw_log_rows
from traindash.ui.tasks.live_panels import (
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
from traindash.ui.tasks.live_samples import draw_samples
from traindash.ui.tasks.text import (
    PHASE_TITLES,
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
from traindash.ui.text import plain

# The phases of a task on one line: done, running, still to come.


def phase_line(progress: TaskProgress, left: Sequence[PhaseTime] = ()) -> None:
    """Draw the line; nothing for a task whose phases are not known.

    Args:
        progress: Of the task.
        left: How long the phases that are not over still take.
    """
    marks = phase_marks(progress, datetime.now(UTC), left)
    if marks:
        with st.container(horizontal=True, gap="medium", key="task-phases"):
            for mark in marks:
                st.markdown(mark, width="content")


def phase_marks(progress: TaskProgress, now: datetime, left: Sequence[PhaseTime] = ()) -> list[str]:
    """Return each phase as a piece of Markdown with icon, word and time.

    Args:
        progress: Of the task.
        now: Ends what still runs.
        left: How long the phases that are not over still take.
    """
    expected = {phase.name: phase.left for phase in left}
    spans = {span.name: span for span in progress.phases}
    planned = planned_phases(progress.task)
    names = [*planned, *(name for name in spans if name not in planned)]
    if not names:
        return []
    marks = [_mark(name, spans.get(name), progress, now) + _expected(name, spans, expected.get(name)) for name in names]
    return [_queue_mark(progress, now), *marks]


def _queue_mark(progress: TaskProgress, now: datetime) -> str:
    task = progress.task
    if task.started_at is None:
        if task.status.is_terminal:
            return ":gray[:material/remove:] Queue"
        waited = (now - task.created_at).total_seconds() if task.created_at else None
        return f":blue[:material/schedule:] **Queue** {_time(waited)}"
    waited = (task.started_at - task.created_at).total_seconds() if task.created_at else None
    return f":green[:material/check_circle:] Queue {_time(waited)}"


def _mark(name: str, span: PhaseSpan | None, progress: TaskProgress, now: datetime) -> str:
    title = PHASE_TITLES.get(name, name.replace("_", " ").capitalize())
    if span is None:
        icon = "remove" if progress.task.status.is_terminal else "radio_button_unchecked"
        return f":gray[:material/{icon}: {title}]"
    seconds = ((span.ended_at or now) - span.started_at).total_seconds()
    if span.ended_at is None:
        return f":blue[:material/play_circle:] **{title}** {_time(seconds)}"
    is_last = progress.phases[-1].name == name
    if is_last and progress.task.status is TaskStatus.ERROR:
        return f":red[:material/error:] **{title}** {_time(seconds)}"
    if is_last and progress.task.status is TaskStatus.STOPPED:
        return f":orange[:material/stop_circle:] **{title}** {_time(seconds)}"
    return f":green[:material/check_circle:] {title} {_time(seconds)}"


def _expected(name: str, spans: Mapping[str, PhaseSpan], left: TimeRange | None) -> str:
    """Return how long a phase that has not begun will take; the running one says it elsewhere."""
    if left is None or name in spans:
        return ""
    return f" :small[:gray[about {formatting.duration(round((left.low + left.high) / 2))}]]"


def _time(seconds: float | None) -> str:
    return "" if seconds is None else f":small[:gray[{formatting.duration(max(0, round(seconds)))}]]"


# What a task's processes use, as a small history.


_HEIGHT = 348


def draw_usage(progress: TaskProgress) -> None:
    """Draw processor, memory and GPU over the last minutes, or why there is nothing to draw."""
    with st.container(border=True, height=_HEIGHT, key="live-usage"):
        st.markdown("**What the training uses**")
        usage = progress.usage
        if not usage:
            st.caption(
                "Numbers appear a few seconds after the process has started."
                if progress.reports_phases or not progress.log
                else "This server does not say what a task uses."
            )
            return
        span = (usage[-1].at - usage[0].at).total_seconds()
        st.caption(f"The last {formatting.duration(span)}" if span else "Measured once so far")
        cells = [cell for _ in range(2) for cell in st.columns(2)]
        with cells[0]:
            _card(
                "Processor", "100 % is one core that is fully used.", _percent, _of(usage, lambda row: row.cpu_percent)
            )
        with cells[1]:
            _card(
                "Memory", "Main memory of all processes of the task.", _bytes, _of(usage, lambda row: row.memory_bytes)
            )
        with cells[2]:
            _card("GPU", "How busy the task's GPU is.", _percent, _of(usage, lambda row: row.gpu_percent))
        with cells[3]:
            _card("GPU memory", "What is taken of it.", _bytes, _of(usage, lambda row: row.gpu_memory_bytes))


def _card(title: str, note: str, write: Callable[[float], str], values: Sequence[float]) -> None:
    if not values:
        return
    highest = max(values)
    st.metric(
        title,
        write(values[-1]),
        f"at most {write(highest)}",
        delta_color="off",
        delta_arrow="off",
        chart_data=[round(value, 1) for value in values],
        chart_type="area",
        help=note,
    )


def _of(usage: Sequence[Resources], read: Callable[[Resources], float | None]) -> list[float]:
    return [value for row in usage if (value := read(row)) is not None]


def _percent(value: float) -> str:
    return f"{value:.0f} %"


def _bytes(value: float) -> str:
    return formatting.size(value)


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
