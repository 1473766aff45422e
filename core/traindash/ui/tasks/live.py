"""The moving part of the task page: numbers every second, charts every five, nothing once the task is over."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import streamlit as st

from traindash import formatting
from traindash.comparison.curve_names import BOX_MAP, BOX_MAP50, MASK_MAP, meaning_of
from traindash.domain.curves import Curve
from traindash.domain.ids import TaskId
from traindash.domain.task import Task, TaskStatus
from traindash.errors import AppError
from traindash.language import N_
from traindash.language import gettext as _
from traindash.steady_clock import CLOCK
from traindash.tasks.idle_apps import LEFT_TO_PEOPLE, is_idle
from traindash.tasks.progress import PhaseSpan, TaskProgress, TimeRange, mean_pace, silence_of
from traindash.tasks.task_watcher import PhaseTime, TaskWatch, phases_left, total, typical_durations
from traindash.ui import connection, screens, theme
from traindash.ui.errors import draw_stale
from traindash.ui.streamlit_internals import DeltaGenerator
from traindash.ui.tasks.actions import draw_idle_app
from traindash.ui.tasks.text import (
    PHASE_TITLES,
    app_failed_text,
    duration,
    fraction,
    is_labelling,
    is_ready_only,
    not_finite_text,
    planned_phases,
    resources_text,
    sentence,
    silence_text,
    task_title,
)
from traindash.ui.theme import plain

NUMBERS_EVERY = "1s"
_SEEN_SECONDS = 0.8  # less than that: of many tabs one asks in each second, and all draw it
CHARTS_EVERY = "5s"
_TYPICAL_SECONDS = 600
# What a training measures of itself and what the benchmark measures afterwards are two figures, so they have two names
_IN_TRAINING = N_(
    "Measured by the training itself after each epoch, to choose the best checkpoint. The benchmark measures that "
    "checkpoint anew, so its mAP may be another one."
)

# The phases of a task on one line: done, running, still to come.


def phase_marks(progress: TaskProgress, now: datetime, left: Sequence[PhaseTime] = ()) -> list[str]:
    """Return each phase as a piece of Markdown with icon, word and time; ``now`` ends what still runs."""
    expected = {phase.name: phase.left for phase in left}
    spans = {span.name: span for span in progress.phases}
    planned = planned_phases(progress.task)
    names = [*planned, *(name for name in spans if name not in planned)]
    if not names:
        return []
    marks = (_mark(name, spans.get(name), expected.get(name), progress, now) for name in names)
    return [_queue_mark(progress, now), *marks]


def _queue_mark(progress: TaskProgress, now: datetime) -> str:
    task = progress.task
    waited = ((task.started_at or now) - task.created_at).total_seconds() if task.created_at else None
    if task.started_at is not None:
        return f":green[:material/check_circle:] {_('Queue')} {_time(waited)}"
    # Taken back before an agent took it.
    if task.status.is_terminal:
        return f":gray[:material/remove:] {_('Queue')}"
    return f":blue[:material/schedule:] **{_('Queue')}** {_time(waited)}"


def _mark(name: str, span: PhaseSpan | None, left: TimeRange | None, progress: TaskProgress, now: datetime) -> str:
    title = _(PHASE_TITLES.get(name, name.replace("_", " ").capitalize()))
    if span is None:
        icon = "remove" if progress.task.status.is_terminal else "radio_button_unchecked"
        # The running phase says elsewhere how long it will take.
        about = ""
        if left:
            likely = _("about {time}").format(time=formatting.duration(round((left.low + left.high) / 2)))
            about = f" :small[:gray[{likely}]]"
        return f":gray[:material/{icon}: {title}]{about}"
    seconds = ((span.ended_at or now) - span.started_at).total_seconds()
    if span.ended_at is None:
        return f":blue[:material/play_circle:] **{title}** {_time(seconds)}"
    is_last = progress.phases[-1].name == name
    if is_last and progress.task.status is TaskStatus.ERROR:
        return f":red[:material/error:] **{title}** {_time(seconds)}"
    if is_last and progress.task.status is TaskStatus.STOPPED:
        return f":orange[:material/stop_circle:] **{title}** {_time(seconds)}"
    return f":green[:material/check_circle:] {title} {_time(seconds)}"


def _time(seconds: float | None) -> str:
    return "" if seconds is None else f":small[:gray[{formatting.duration(max(0, round(seconds)))}]]"


@dataclass(slots=True)
class LiveState:
    """What the fragments of one run share: the first one follows the task, the others draw what it saw."""

    watch: TaskWatch  # follows the task
    progress: TaskProgress  # as it was last seen
    paused: bool = False  # the person wants the screen to keep still

    def every(self, interval: str) -> str | None:
        """Return the interval at which a fragment runs again; ``None`` where nothing changes any more."""
        return None if self.paused or self.progress.task.status.is_terminal else interval


def draw_numbers(state: LiveState) -> None:
    """Draw status, phases, progress and cards; refresh them every second while the task is on its way."""
    st.fragment(_numbers, run_every=state.every(NUMBERS_EVERY))(state)


def _numbers(state: LiveState) -> None:
    now = CLOCK.now()
    before = state.progress.task
    try:
        progress = state.watch.refresh(within=_SEEN_SECONDS)
    except AppError as error:
        draw_stale(error, _("The numbers below are the last known ones."))
        progress = state.progress
    state.progress = progress
    # Head, end and buttons are outside this fragment.
    if progress.task.status is not before.status:
        st.rerun()
    is_over = progress.task.status.is_terminal
    screens.title_tab(task_title(progress.task), None if is_over else fraction(progress))
    with st.container(horizontal=True, vertical_alignment="center", key="task-status"):
        theme.status_badge(theme.TASK_STATUS[progress.task.status])
        st.markdown(plain(sentence(progress)), width="content")
        if (used := resources_text(progress)) and not is_over:
            st.caption(used, width="content")
    started = progress.task.status is TaskStatus.STARTED
    typical = _typical_of(connection.cache_key(), progress.task.id, progress.task) if started else {}
    left = phases_left(progress, planned_phases(progress.task), typical, now)
    if marks := phase_marks(progress, now, left):
        with st.container(horizontal=True, gap="medium", key="task-phases"):
            for mark in marks:
                st.markdown(mark, width="content")
    _draw_trouble(progress, now)
    if progress.task.status is not TaskStatus.FINISHED:
        st.progress(fraction(progress))
    if not is_labelling(progress.task):
        _cards(progress, total(left))


def _draw_trouble(progress: TaskProgress, now: datetime) -> None:
    """Draw what a person should know of a running task before it ends by itself, if it ever does."""
    # docs/supervisely-api.md 8: after an exception the app lives on and its task stays started.
    if progress.app_failed:
        st.error(plain(app_failed_text(progress)), icon=":material/error:")
    elif not is_ready_only(progress) and is_idle(progress, now, LEFT_TO_PEOPLE):
        draw_idle_app(progress)
    elif not is_ready_only(progress) and (silence := silence_of(progress, now)) is not None:
        st.warning(plain(silence_text(silence)), icon=":material/hourglass_disabled:")
    if progress.not_finite and progress.task.status is not TaskStatus.ERROR:  # an error has its own words
        st.warning(plain(not_finite_text(progress.not_finite)), icon=":material/warning:")


@st.cache_data(ttl=_TYPICAL_SECONDS, max_entries=100, show_spinner=False)
def _typical_of(key: connection.CacheKey, task_id: TaskId, _task: Task) -> Mapping[str, float]:
    """Return how long the phases after a running training will probably take."""
    del key, task_id
    try:
        return typical_durations(connection.client(), _task)
    except AppError:
        return {}  # only an estimate is missing then


def _cards(progress: TaskProgress, left: TimeRange | None) -> None:
    with st.container(key="live-cards"):
        cards = st.columns(4)
    last = cards[3]
    if not reports_figures(progress):
        last = cards[_progress_cards(progress, cards)]
    else:
        if has_masks(progress):
            _best_card(cards[0], _("Best mask mAP in training"), progress.curves.get(MASK_MAP))
            _best_card(cards[1], _("Best box mAP in training"), progress.curves.get(BOX_MAP))
        else:
            _best_card(cards[0], _("Best mAP in training"), progress.curves.get(BOX_MAP))
            new, old = last_two(progress.curves.get(BOX_MAP50))
            change = "" if new is None or old is None else formatting.points(new - old)
            _trend_card(cards[1], _("mAP50 in training"), formatting.metric(new), change, good="up")
        new, old = last_two(training_loss(progress.curves))
        change = "" if new is None or old is None else formatting.signed(new - old, 3)
        _trend_card(cards[2], _("Training loss"), formatting.quantity(new), change, good="down")
    started = progress.task.started_at
    # plain: what stands between two colons would be looked up among emoji, for which the browser loads 260 KB
    begun = plain(_("started {moment}").format(moment=formatting.clock(started))) if started else _("not started")
    note = begun if left is None else _("{left} in all").format(left=formatting.time_left(left.low, left.high))
    theme.number_card(_("Time"), duration(progress.task, CLOCK.now()), note, last)


def reports_figures(progress: TaskProgress) -> bool:
    """Return whether the log tells figures of the training, or will: a training app of a real server tells none."""
    begins = progress.newest is None and not progress.task.status.is_terminal
    return bool(progress.curves) or progress.reports_phases or begins


def _progress_cards(progress: TaskProgress, cards: Sequence[DeltaGenerator]) -> int:
    """Draw what is known of a training whose app tells no figures: how far it is, how fast it goes.

    Returns how many cards that were.
    """
    if progress.epoch is None and progress.task.status.is_terminal:
        return 0
    of = _("of {count}").format(count=formatting.count(progress.epochs)) if progress.epochs else None
    theme.number_card(
        _("Epochs done") if progress.counts == "epoch" else _("Iterations done"),
        formatting.count(progress.epoch),
        of,
        cards[0],
    )
    by_epochs = progress.counts == "epoch"
    pace = mean_pace(progress.epoch_marks)
    note = None if pace is None else _("mean of the last ones")
    theme.number_card(
        _("Time for one epoch") if by_epochs else _("Time for one iteration"), formatting.duration(pace), note, cards[1]
    )
    if progress.task.status.is_terminal:
        return 2
    rest = progress.eta_seconds
    text = formatting.MISSING if rest is None else formatting.time_range(rest.low, rest.high)
    theme.number_card(
        _("Left of the training"),
        text,
        (_("for all epochs") if by_epochs else _("for all iterations")) if rest else None,
        cards[2],
    )
    return 3


def _best_card(place: DeltaGenerator, label: str, curve: Curve | None) -> None:
    best = curve.best if curve else None
    note = _("in epoch {number}").format(number=best[0]) if best else None
    theme.number_card(label, formatting.metric(best[1] if best else None), note, place, about=_(_IN_TRAINING))


def _trend_card(place: DeltaGenerator, label: str, value: str, change: str, *, good: Literal["up", "down"]) -> None:
    """Draw a number with its change; the arrow says where it goes and the colour whether that is good."""
    way: Literal["up", "down", "off"] = (
        "up" if change.startswith("+") else "down" if change.startswith(formatting.MINUS) else "off"
    )
    place.metric(
        label,
        value,
        _("{change} since last epoch").format(change=change) if change else None,
        delta_color="off" if way == "off" else "green" if way == good else "red",
        delta_arrow=way,
        border=True,
        height="stretch",
    )


def has_masks(progress: TaskProgress) -> bool:
    """Return whether the log tells masks and boxes apart, as that of a segmentation does."""
    return MASK_MAP in progress.curves


def last_two(curve: Curve | None) -> tuple[float | None, float | None]:
    """Return the newest value and the one before it."""
    finite = [value for value in (curve.values if curve else ()) if math.isfinite(value)]
    return (finite[-1] if finite else None, finite[-2] if len(finite) > 1 else None)


def _training_losses(curves: Mapping[str, Curve]) -> Iterator[Curve]:
    """Yield the losses on the training images: the engine's own sum where it tells one, otherwise its parts."""
    found = [(meaning, curve) for name, curve in curves.items() if (meaning := meaning_of(name)) is not None]
    parts = [(meaning, curve) for meaning, curve in found if meaning.group == "loss" and meaning.side == "training"]
    total = [curve for meaning, curve in parts if meaning.kind == "total"]
    yield from total[:1] or (curve for _meaning, curve in parts)


def training_loss(curves: Mapping[str, Curve]) -> Curve | None:
    """Return the sum of the training losses; ``None`` where none is told."""
    parts = list(_training_losses(curves))
    # Read in the middle of a line of the log, one loss may be an epoch ahead.
    if not parts or len({curve.steps for curve in parts}) != 1:
        return None
    rows = zip(*(curve.values for curve in parts), strict=True)
    sums = tuple(math.fsum(values) if all(map(math.isfinite, values)) else math.nan for values in rows)
    return Curve(steps=parts[0].steps, seconds=parts[0].seconds, values=sums)
