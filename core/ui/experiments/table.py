"""The table of experiments: a page of rows, the columns that were chosen, the best value of each marked."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import assert_never

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from core.compare import formatting
from core.domain.ids import TaskId
from core.experiments import columns
from core.experiments.columns import NAME, Column, Row, Value
from core.experiments.listing import Selection
from core.experiments.query import Query
from core.ui import theme
from core.ui.experiments import experiment_query
from core.ui.experiments.actions import MENU, open_dialog, toggle_star
from core.ui.row_selection import chosen_rows, mirror_selection
from core.ui.streamlit_internals import ColumnConfig

PER_PAGE = 100
_KEY, _STAR, _MORE = "experiments-table", "star", "more"
_ROW_HEIGHT, _HEAD_HEIGHT, _MOST_HEIGHT = 36, 38, 630
_BEST_SIGN = "▲ "
_BEST: Mapping[str, str] = {
    "light": "font-weight: 700; background-color: #E3F4EA; color: #125E3A",
    "dark": "font-weight: 700; background-color: #12301F; color: #7FE0AE",
}


def draw_table(shown: Selection, query: Query, page: int) -> None:
    """Draw a page of the table.

    Args:
        shown: All experiments that the query looks for, in its order.
        query: What is looked for.
        page: 1 for the first.
    """
    rows = shown.rows[(page - 1) * PER_PAGE : page * PER_PAGE]
    ids = [row.task_id for row in rows]
    wanted = (NAME, *query.shown)
    mirror_selection(_KEY, ids, lambda task: task in query.chosen)
    st.dataframe(
        styled(rows, wanted, shown),
        key=_KEY,
        hide_index=True,
        height=min(_MOST_HEIGHT, _HEAD_HEIGHT + _ROW_HEIGHT * len(rows)),
        row_height=_ROW_HEIGHT,
        on_select=lambda: _choose(ids, query),
        selection_mode="multi-row",
        column_config={
            _STAR: st.column_config.ButtonColumn(
                "★", type="tertiary", width=44, key="star-click", on_click=_star, args=(rows,), pinned=True
            ),
            _MORE: st.column_config.ButtonColumn(
                "", type="tertiary", width=44, key="more-click", on_click=_more, args=(rows,), pinned=True
            ),
            **{column.key: _config(column) for column in wanted},
        },
        placeholder=formatting.MISSING,
        alt="Experiments",
    )


def styled(rows: Sequence[Row], wanted: Sequence[Column], shown: Selection) -> Styler:
    """Return a page of the table; the best value of all that is shown, on this page or another, is marked."""
    frame = pd.DataFrame({column.key: [_plain(column.read(row)) for row in rows] for column in wanted}, dtype=object)
    frame.insert(0, _STAR, ["★" if row.mark.starred else "☆" for row in rows])
    frame.insert(1, _MORE, [list(MENU)] * len(rows))
    style = frame.style
    for column in wanted:
        best = shown.best_of(column.key) if column.kind == "metric" else None
        mark = "" if best is None else formatting.metric(best)
        style = style.format(partial(_written, column=column, best=mark), subset=[column.key])
        if mark:
            style = style.map(partial(_look, best=mark), subset=[column.key])
    return style


def _written(value: object, column: Column, best: str) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return formatting.MISSING
    if column.kind == "metric" and isinstance(value, int | float):
        text = formatting.metric(value)
        return f"{_BEST_SIGN}{text}" if text == best else text
    if column.key == "duration" and isinstance(value, int | float):
        return formatting.duration(value)
    if column.kind == "number" and isinstance(value, int | float):
        return formatting.setting(value) if column.key.startswith(columns.SETTING) else str(value)
    return str(value)


def _look(value: object, best: str) -> str:
    is_best = isinstance(value, int | float) and formatting.metric(value) == best
    return _BEST[theme.theme_name()] if is_best else ""


def _plain(value: Value) -> object:
    return list(value) if isinstance(value, tuple) else value


def _config(column: Column) -> ColumnConfig:
    title, about = column.title, column.about or None
    match column.kind:
        case "metric":
            return st.column_config.Column(title, help=about, alignment="right", width=96)
        case "number":
            return st.column_config.Column(title, help=about, alignment="right")
        case "moment":
            return st.column_config.DatetimeColumn(title, format="YYYY-MM-DD HH:mm", help=about, width=140)
        case "tags":
            return st.column_config.ListColumn(title, help=about)
        case "text":
            return st.column_config.TextColumn(title, help=about, width=230 if column.key == "name" else None)
    assert_never(column.kind)


def _choose(ids: Sequence[TaskId | None], query: Query) -> None:
    """Take over the table's selection; what is on other pages or behind a filter stays chosen."""
    here = {task for task in chosen_rows(_KEY, ids) if task is not None}
    kept = [task for task in query.chosen if task not in set(ids)]
    experiment_query.change(chosen=tuple(sorted({*kept, *here})))


def _star(rows: Sequence[Row]) -> None:
    toggle_star(rows[st.session_state["star-click"]["row"]])


def _more(rows: Sequence[Row]) -> None:
    click = st.session_state["more-click"]
    open_dialog(MENU[click["label"]], rows[click["row"]])
