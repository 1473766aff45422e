"""The phases of a task on one line: done, running, still to come."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import streamlit as st

from core.compare import formatting
from core.domain.task import TaskStatus
from core.launch.watching.later_phases import PhaseTime
from core.launch.watching.progress import PhaseSpan, TaskProgress, TimeRange
from core.ui.tasks.text import PHASE_TITLES, planned_phases


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
