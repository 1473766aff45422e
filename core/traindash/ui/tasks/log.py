"""The log beside the charts: newest rows, search, levels, the first error, the whole log as a file."""

import html
import json
from collections.abc import Iterable
from dataclasses import dataclass

import streamlit as st

from traindash import formatting
from traindash.domain.ids import TaskId
from traindash.domain.task import LogRow, TaskStatus
from traindash.language import N_
from traindash.language import gettext as _
from traindash.tasks.log_reading import moment_of
from traindash.tasks.progress import TaskProgress
from traindash.ui import connection
from traindash.ui.tasks.live import NUMBERS_EVERY, LiveState

_HEAD, _ROWS = "log-head", "log-rows"
# After a change of the search the head runs too: a run of named fragments forgets the deferred downloads of the others,
# and "Whole log" would answer with an error (Streamlit 1.67).
_FOUND_ANEW = (_HEAD, _ROWS)
_HEIGHT = 564
# More would take longer to draw than the second until the next look.
_SHOWN_ROWS = 300
_ROWS_BEFORE = 5  # rows above the first error: what led to it
_ALL, _TROUBLE, _ERRORS = N_("All"), N_("Warnings"), N_("Errors")
_LEVELS = {
    _ALL: frozenset[str](),
    _TROUBLE: frozenset({"warning", "error", "fatal"}),
    _ERRORS: frozenset({"error", "fatal"}),
}
_SEARCH, _LEVEL, _AT_ERROR = "log-search", "log-level", "log-at-error"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogView:
    """The rows that are shown."""

    rows: tuple[LogRow, ...]  # oldest first
    left_out: int = 0  # how many older rows fit too and are not shown
    marked: int | None = None  # index in `rows` of the row that the person jumped to


def draw_log(state: LiveState) -> None:
    """Draw the log in a card: title and download, search and level, and the rows, which refresh every second."""
    with st.container(border=True, key="live-log"):
        # The file is made when somebody wants it, so the head does not refresh with the rows.
        st.fragment(_draw_head, key=_HEAD)(state.progress.task.id)
        _draw_filter()
        st.fragment(_draw_rows, run_every=state.every(NUMBERS_EVERY), key=_ROWS)(state)


def _draw_head(task_id: TaskId) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"**{_('Log')}**", width="content")
        st.download_button(
            _("Whole log"),
            lambda: as_text(connection.client().tasks.log(task_id)),
            file_name=f"task-{task_id}.log",
            mime="text/plain",
            icon=":material/download:",
            key="log-download",
            type="tertiary",
            on_click="ignore",
        )


def _draw_filter() -> None:
    # Not among the rows: a field that is redrawn every second loses the keys that are typed meanwhile.
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text_input(
            _("Search the log"),
            key=_SEARCH,
            placeholder=_("Search"),
            # Counts what is typed at once: Enter is one thing more to know.
            live=True,
            label_visibility="collapsed",
            on_change=st.rerun,
            args=(_FOUND_ANEW,),
        )
        st.selectbox(
            _("Level"),
            list(_LEVELS),
            key=_LEVEL,
            format_func=_,
            label_visibility="collapsed",
            width=126,
            on_change=st.rerun,
            args=(_FOUND_ANEW,),
        )


def _draw_rows(state: LiveState) -> None:
    progress = state.progress
    search: str = st.session_state.get(_SEARCH) or ""
    level: str = st.session_state.get(_LEVEL) or _ALL
    at_error = bool(st.session_state.get(_AT_ERROR))
    view = view_of(progress.log, search, level, at_error=at_error)
    _draw_found(progress.log, view, at_error=at_error)
    # A jump to an error would be scrolled away by the next row.
    with st.container(height=_HEIGHT, border=False, autoscroll=view.marked is None):
        lines = "".join(
            log_line(row, marked=index == view.marked, search=search) for index, row in enumerate(view.rows)
        )
        st.html(f'<div class="cx-log" role="log" aria-live="off">{lines or _nothing(progress)}</div>')


def view_of(rows: tuple[LogRow, ...], search: str, level: str, *, at_error: bool) -> LogView:
    """Return which of all rows, oldest first, to show: those with the searched text in any case, of the level or worse.

    ``at_error`` shows where the first error is, with what led to it, instead of the newest rows.
    """
    if at_error and (first := first_error(rows)) is not None:
        start = max(0, first - _ROWS_BEFORE)
        return LogView(rows=rows[start : start + _SHOWN_ROWS], left_out=start, marked=first - start)
    levels, wanted = _LEVELS[level], search.casefold()
    found = tuple(
        row for row in rows if (not levels or row.level in levels) and (not wanted or wanted in row.message.casefold())
    )
    return LogView(rows=found[-_SHOWN_ROWS:], left_out=max(0, len(found) - _SHOWN_ROWS))


def first_error(rows: tuple[LogRow, ...]) -> int | None:
    """Return the index of the first error; ``None`` if there is none."""
    return next((index for index, row in enumerate(rows) if row.level in _LEVELS[_ERRORS]), None)


def log_line(row: LogRow, *, marked: bool = False, search: str = "") -> str:
    """Return a log row as HTML: time, level where it matters, message with what was searched for marked."""
    at = moment_of(row)
    level = row.level if row.level in {"warning", "error", "debug"} else "error" if row.level == "fatal" else "info"
    word = f"<b>{level}</b> " if level in {"warning", "error"} else ""
    time = f"<time>{formatting.clock(at) if at else ''}</time>"
    look = f"cx-{level}{' cx-marked' if marked else ''}"
    return f'<div class="{look}">{time}<span>{word}{_with_marks(row.message, search)}</span></div>'


def as_text(rows: Iterable[LogRow]) -> str:
    """Return log rows as a text file, one a line, with what a row says beside its message as JSON."""
    lines = []
    for row in rows:
        fields = {key: value for key, value in row.fields.items() if key not in {"event_type", "task_id"}}
        more = f"  {json.dumps(fields, ensure_ascii=False)}" if fields else ""
        lines.append(f"{row.timestamp}  {row.level.upper():<8}{row.message}{more}\n")
    return "".join(lines)


def _with_marks(message: str, search: str) -> str:
    """Return a message as HTML in which every place that was searched for is marked."""
    low, wanted = message.casefold(), search.casefold()
    if not wanted or len(low) != len(message):  # folding changed the length: places cannot be told
        return html.escape(message)
    parts, at = [], 0
    while (hit := low.find(wanted, at)) >= 0:
        end = hit + len(wanted)
        parts.append(f"{html.escape(message[at:hit])}<mark>{html.escape(message[hit:end])}</mark>")
        at = end
    return "".join([*parts, html.escape(message[at:])])


def _draw_found(rows: tuple[LogRow, ...], view: LogView, *, at_error: bool) -> None:
    """Draw how much is shown and the jump to the first error, on a line that is always there."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="log-found"):
        shown = formatting.plural(len(view.rows), "row", "rows")
        if view.left_out:
            shown = _("{rows}, {count} older ones not shown").format(rows=shown, count=formatting.count(view.left_out))
        st.caption(shown, width="content")
        if at_error or first_error(rows) is not None:
            st.button(
                _("Newest rows") if at_error else _("First error"),
                icon=":material/vertical_align_bottom:" if at_error else ":material/error:",
                key=f"log-jump-{not at_error}",
                type="tertiary",
                on_click=st.session_state.update,
                args=({_AT_ERROR: not at_error},),
            )


def _nothing(progress: TaskProgress) -> str:
    if progress.log:
        return f"<p>{_('No row fits. Change the search or the level.')}</p>"
    waiting = progress.task.status in {TaskStatus.QUEUED, TaskStatus.CONSUMED}
    return f"<p>{_('The log begins when the task starts.') if waiting else _('Nothing was logged yet.')}</p>"
