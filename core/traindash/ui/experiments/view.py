"""The experiments page: find finished experiments, mark them, choose some, compare them."""

import math
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import assert_never

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from traindash import formatting
from traindash.comparison.setup_differences import value_text
from traindash.domain.ids import TaskId
from traindash.experiments import query as columns
from traindash.experiments.index import Snapshot
from traindash.experiments.listing import Listing, Selection
from traindash.experiments.query import DEFAULT, NAME, Column, Query, Row
from traindash.language import gettext as _
from traindash.language import ngettext
from traindash.ui import theme
from traindash.ui.errors import draw_empty_page
from traindash.ui.experiments.actions import menu, open_dialog, toggle_star
from traindash.ui.experiments.filters import PAGE_KEY, change_query, clear_filters
from traindash.ui.experiments.index import peek, settings_reader
from traindash.ui.streamlit_internals import ColumnConfig
from traindash.ui.theme import plain
from traindash.ui.widgets import chosen_rows, mirror_selection, rows_by_name

# The table of experiments: a page of rows, the columns that were chosen, the best value of each marked.

PER_PAGE = 100
_KEY, _STAR, _MORE = "experiments-table", "star", "more"
_OPEN = "name-click"
_ROW_HEIGHT, _HEAD_HEIGHT, _MOST_HEIGHT = 36, 38, 630
_BEST_SIGN = "▲ "
# pixels of a letter, of what is beside the text of a cell and of a heading, and of a column at most
_LETTER, _PADDING, _SORT_SIGN, _WIDEST = 6.2, 20, 10, 300
_SHORT = 12  # letters of a heading that a column of figures has room for
_PROJECT_WIDEST = 160  # with a name beside it, figures, model and times fit a screen of 1280 pixels
_BEST: Mapping[str, str] = {
    "light": "font-weight: 700; background-color: #E3F4EA; color: #125E3A",
    "dark": "font-weight: 700; background-color: #12301F; color: #7FE0AE",
}
_LOOK_AGAIN = "1s"
_FIRST_LOOK = 2


def draw_table(shown: Selection, query: Query, page: int, metrics: Collection[str]) -> None:
    """Draw a page of the table, 1 for the first; ``shown`` are all experiments that the query looks for.

    ``metrics`` are the keys of the figures that any experiment has.
    """
    # Pages of a hundred: a styled frame of thousands takes seconds to make and megabytes to send.
    rows = shown.rows[(page - 1) * PER_PAGE : page * PER_PAGE]
    ids = [row.task_id for row in rows]
    wanted = (NAME, *(one for one in query.filled(metrics) if query.columns != DEFAULT or _tells(one, shown.rows)))
    # Rows are positions (1.67): what is chosen is kept by task, and survives sorting, filters and pages.
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
                "★",
                type="tertiary",
                width=38,
                key="star-click",
                on_click=lambda: toggle_star(rows[st.session_state["star-click"]["row"]]),
                pinned=True,
            ),
            _MORE: st.column_config.ButtonColumn(
                "", type="tertiary", width=38, key="more-click", on_click=_more, args=(rows,), pinned=True
            ),
            **{column.key: _config(column, rows) for column in wanted},
            NAME.key: st.column_config.ButtonColumn(
                _(NAME.title),
                help=_("A click on a name opens the page of its training."),
                type="tertiary",
                alignment="left",
                width=_width(NAME, rows),
                key=_OPEN,
                on_click=lambda: open_dialog("open", rows[st.session_state[_OPEN]["row"]]),
            ),
        },
        placeholder=formatting.MISSING,
        alt=_("Experiments"),
    )


def _tells(column: Column, rows: Sequence[Row]) -> bool:
    """Return whether a column that nobody has chosen is worth its room: no tags and a single project are not."""
    match column.key:
        case "tags":
            return any(row.mark.tags for row in rows)
        case "project":
            return len({row.project for row in rows}) > 1
        case _:
            return True


def draw_choice_by_name(known: Listing, query: Query) -> None:
    """Draw the choice of experiments by their names, those of all pages and behind every filter."""
    with rows_by_name(_KEY) as menu:
        if not menu.open:
            return
        names = {
            row.task_id: _("{name} (task {number})").format(name=row.name, number=row.task_id)
            for row in known.rows
            if row.task_id is not None
        }
        key = f"{_KEY}-names"
        st.session_state[key] = [task for task in query.chosen if task in names]
        st.multiselect(
            _("Chosen experiments"),
            list(names),
            key=key,
            format_func=lambda task: names[task],
            placeholder=_("Type a part of a name"),
            width=480,
            on_change=lambda: change_query(chosen=tuple(sorted(st.session_state[key]))),
        )


def styled(rows: Sequence[Row], wanted: Sequence[Column], shown: Selection) -> Styler:
    """Return a page of the table; the best value of each project is marked, among all that is shown on any page."""
    # dtype=object: pandas would turn whole numbers with a gap into floats.
    values = {column.key: [column.read(row) for row in rows] for column in wanted}
    plain_values = {key: [list(v) if isinstance(v, tuple) else v for v in found] for key, found in values.items()}
    frame = pd.DataFrame(plain_values, dtype=object)
    frame.insert(0, _STAR, ["★" if row.mark.starred else "☆" for row in rows])
    frame.insert(1, _MORE, [list(menu())] * len(rows))
    style = frame.style
    for column in wanted:
        style = style.format(partial(_written, column=column), subset=[column.key])
        if column.kind == "metric" and (places := _best_places(rows, values[column.key], column, shown)):
            best = pd.IndexSlice[places, [column.key]]
            style = style.format(partial(_written, column=column, mark=_BEST_SIGN), subset=best)
            style = style.map(lambda _: _BEST[theme.theme_name()], subset=best)
    return style


def _best_places(rows: Sequence[Row], values: Sequence[object], column: Column, shown: Selection) -> list[int]:
    """Return the rows with the best value of their project."""
    best = {project: formatting.metric(value) for project, value in shown.best_values(column.key).items()}
    return [
        place
        for place, (row, value) in enumerate(zip(rows, values, strict=True))
        if isinstance(value, int | float) and formatting.metric(value) == best.get(row.project)
    ]


def _written(value: object, column: Column, mark: str = "") -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return formatting.MISSING
    if column.kind == "metric" and isinstance(value, int | float):
        return f"{mark}{formatting.metric(value)}"
    if column.key == "duration" and isinstance(value, int | float):
        return formatting.duration(value)
    if column.kind == "number" and isinstance(value, int | float):
        return formatting.setting(value) if column.key.startswith(columns.SETTING) else str(value)
    return value_text(value) if column.key in {"task_type", "start"} else str(value)


def _config(column: Column, rows: Sequence[Row]) -> ColumnConfig:
    title, about = _(column.title), _(column.about) or None
    match column.kind:
        case "metric":
            about = (
                f"{about or ''} {_('▲ marks the best one of each project.')}".strip()
                if column.better != "neither"
                else about
            )
            return st.column_config.Column(
                title, help=about, alignment="right", width=76 if len(title) <= _SHORT else 136
            )
        case "number":
            return st.column_config.Column(title, help=about, alignment="right", width=_width(column, rows))
        case "moment":
            return st.column_config.DatetimeColumn(title, format=_("YYYY-MM-DD HH:mm"), help=about, width=126)
        case "tags":
            return st.column_config.ListColumn(title, help=about, width=_width(column, rows))
        case "text":
            return st.column_config.TextColumn(title, help=about, width=_width(column, rows))
    assert_never(column.kind)


def _width(column: Column, rows: Sequence[Row]) -> int:
    """Return the pixels that the longest text of a column takes, between a heading's and what leaves room for others.

    By itself st.dataframe looks at a few rows only, and cuts the others (1.67).
    """
    texts = (value if isinstance(value := column.read(row), tuple) else (_written(value, column),) for row in rows)
    longest = max((sum(len(word) + 2 * (len(words) > 1) for word in words) for words in texts), default=0)
    widest = _PROJECT_WIDEST if column.key == "project" else _WIDEST
    return round(min(max(longest * _LETTER, len(_(column.title)) * _LETTER + _SORT_SIGN) + _PADDING, widest))


def _choose(ids: Sequence[TaskId | None], query: Query) -> None:
    """Take over the table's selection; what is on other pages or behind a filter stays chosen."""
    here = {task for task in chosen_rows(_KEY, ids) if task is not None}
    kept = [task for task in query.chosen if task not in set(ids)]
    change_query(chosen=tuple(sorted({*kept, *here})))


def _more(rows: Sequence[Row]) -> None:
    click = st.session_state["more-click"]
    open_dialog(menu()[click["label"]], rows[click["row"]])


def draw_nothing(found: Snapshot) -> None:
    """Draw why the list is empty: it is still being looked for, the server does not answer, or nothing was trained."""
    if found.error is not None:
        raise found.error
    if not found.reading:
        draw_empty_page(
            _("No experiment yet"),
            _("A finished training becomes an experiment. Two of them can be compared."),
            next_step=_("New training"),
            icon="add_circle",
            screen="project",
        )
        return
    st.skeleton(height=38)
    st.skeleton(height=360)
    st.caption(_("Looking for experiments on the server."))
    st.fragment(_news, run_every=_LOOK_AGAIN)(found, [True])


def draw_rows(shown: Selection, query: Query, known: Listing) -> None:
    """Draw the table, or what to do where nothing fits what is looked for."""
    if shown.rows:
        pages = -(-len(shown.rows) // PER_PAGE)
        key = PAGE_KEY
        # A filter may leave fewer pages than the one that was open.
        page = min(st.session_state.get(key, 1), pages)
        if query.shows_settings or query.needs_settings:
            here = shown.rows[(page - 1) * PER_PAGE : page * PER_PAGE]
            settings_reader().want(
                [row.info for row in ([*here, *shown.rows] if query.needs_settings else here) if row.info is not None]
            )
        draw_table(shown, query, page, known.metrics)
        if pages > 1:
            with st.container(horizontal_alignment="center"):
                st.pagination(pages, key=key)
    else:
        _draw_nothing_fits(known.rows)


def draw_news(found: Snapshot) -> None:
    """Say what is still being read and draw the page again when it is there."""
    busy = found.reading or bool(settings_reader().waiting())
    st.fragment(_news, run_every=_LOOK_AGAIN if busy else None)(found, [busy])


def _news(drawn: Snapshot, looks: list[bool]) -> None:
    """Draw the news; ``looks`` tells whether there can be any, and grows with each look after the page was drawn."""
    now, waiting = peek(), settings_reader().waiting()
    looks.append(looks[0])
    # Never while the page itself is being drawn: news come all the time, and it would begin anew for ever.
    if looks[0] and len(looks) > _FIRST_LOOK and (now.version != drawn.version or (not now.reading and not waiting)):
        st.rerun()
    if now.reading and now.read < len(now.entries):
        text = ngettext(
            "{number} of {count} experiment read", "{number} of {count} experiments read", len(now.entries)
        ).format(number=formatting.count(now.read), count=formatting.count(len(now.entries)))
        st.progress(now.read / len(now.entries), text=text)
    if waiting:
        st.caption(_("Reading hyperparameters, {count} to go.").format(count=formatting.count(waiting)))
    if now.error is not None:
        st.warning(
            plain(_("The list could not be brought up to date. {error}").format(error=now.error)),
            icon=":material/sync_problem:",
        )
    if now.unreadable and not now.reading:
        with st.expander(
            ngettext(
                "{count} folder without a record that can be read",
                "{count} folders without a record that can be read",
                len(now.unreadable),
            ).format(count=len(now.unreadable)),
            icon=":material/help:",
        ):
            for path, reason in now.unreadable[:50]:
                st.caption(plain(f"{path}: {_(reason)}"))


def summary(chosen: int, shown: int, known: int) -> str:
    """Return how many experiments are shown and chosen, of how many."""
    total = formatting.plural(known, "experiment", "experiments")
    if shown != known:
        total = ngettext("{number} of {count} experiment", "{number} of {count} experiments", known).format(
            number=formatting.count(shown), count=formatting.count(known)
        )
    return (
        _("{experiments}, {count} chosen").format(experiments=total, count=formatting.count(chosen))
        if chosen
        else total
    )


def _draw_nothing_fits(rows: Sequence[Row]) -> None:
    with st.container(border=True, horizontal_alignment="center", key="nothing-fits"):
        st.space("small")
        st.markdown(f"## {_('No experiment fits')}")
        hidden = sum(row.mark.hidden for row in rows)
        text = _("Change the search or the filters.")
        if hidden:
            told = ngettext("{count} experiment is hidden.", "{count} experiments are hidden.", hidden)
            text = f"{text} {told.format(count=hidden)}"
        st.markdown(text)
        st.button(
            _("Clear all filters"), icon=":material/filter_list_off:", on_click=clear_filters, key="nothing-clear"
        )
        st.space("small")
