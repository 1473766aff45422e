"""The series of this server, above the list of tasks."""

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from core.compare import formatting
from core.domain.task import Task
from core.launch.series.progress import OVER, is_over, states_of
from core.launch.series.record import Series
from core.launch.series.watch import tasks_of
from core.ui import connection, screens
from core.ui.series.text import best_of, name_of, standing
from core.ui.state import SERIES_PARAM
from core.ui.text import plain

_SHOWN = 3
_HEADS = ("Series", "Started", "Progress")
_MOST = 30
_WIDTHS = [5.9, 1.2, 4.3]
"""The columns of the list of tasks below, some of them together."""


def draw_series_list(tasks: Sequence[Task]) -> None:
    """Draw the newest series; older ones are folded. Nothing where there is none."""
    found = connection.series().of_server(connection.server_name())[:_MOST]
    if not found:
        return
    with st.container(key="series-list", gap=None):
        for column, head in zip(st.columns(_WIDTHS), _HEADS, strict=True):
            column.caption(head)
        for series in found[:_SHOWN]:
            _row(series, tasks)
        if found[_SHOWN:] and st.toggle(f"Show {len(found) - _SHOWN} older", key="series-older"):
            for series in found[_SHOWN:]:
                _row(series, tasks)


def series_need_work() -> bool:
    """Return whether a series still has to start or stop something."""
    return any(series.needs_work for series in connection.series().of_server(connection.server_name()))


def _row(series: Series, tasks: Sequence[Task]) -> None:
    with st.container(key=f"task-row-series-{series.id}"):
        _cells(series, tasks)


def _cells(series: Series, tasks: Sequence[Task]) -> None:
    states = states_of(series, tasks_of(connection.client(), series, tasks))
    best = best_of(states)
    name, started, progress = st.columns(_WIDTHS, vertical_alignment="center")
    with name, st.container(key=f"task-name-{series.id}"):
        st.page_link(
            screens.page("series"),
            label=plain(series.name),
            query_params={SERIES_PARAM: series.id},
        )
    started.markdown(formatting.recent(series.created_at, datetime.now(UTC)))
    text = standing(states)
    if best is not None:
        text += f" · best mAP {formatting.metric(best[1])} ({name_of(best[0])})"
    with progress:
        if is_over(states):
            st.caption(plain(text))
        else:
            st.progress(sum(state.stage in OVER for state in states) / len(states), text=plain(text))
