"""Above the list of experiments: search, filters, order, columns."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any, Literal

import streamlit as st

from traindash.experiments import query as queries
from traindash.experiments.listing import Listing
from traindash.experiments.query import FIXED, METRIC, SETTING, Query
from traindash.formatting import task_word
from traindash.language import gettext as _
from traindash.ui.experiments.index import marks, settings_reader
from traindash.ui.state import attempt, flash, telling_errors
from traindash.ui.theme import plain

# What a tab looks at in the list of experiments: as the URL says; without one, as it looked before.

_KEPT = "experiments-query"
PAGE_KEY = "experiments-page"
_NAME = "view-name"
_NAMES_FROM = 8


def current_query() -> Query:
    """Return the query of this run."""
    # The address decides, so that a view can be bookmarked and sent; links of the sidebar carry none.
    given = {name: st.query_params.get_all(name) for name in st.query_params}
    if not given and _KEPT in st.session_state:
        show_query(st.session_state[_KEPT])
    elif given:
        st.session_state[_KEPT] = queries.read(given)
    kept: Query = st.session_state.get(_KEPT, Query())
    return kept


def change_query(**changes: Any) -> None:  # noqa: ANN401 - fields of Query
    """Look at something else; for callbacks. Another filter or order begins at its first page."""
    # What is chosen and which columns are shown leave the rows as they are.
    if changes.keys() - {"chosen", "columns"}:
        st.session_state.pop(PAGE_KEY, None)
    show_query(replace(current_query(), **changes))


def show_query(query: Query) -> None:
    """Look at this from now on."""
    st.session_state[_KEPT] = query
    # At once for all: setting one by one would send a message to the browser for each (Streamlit 1.67).
    st.query_params.from_dict(queries.write(query))


# Named views of the list of experiments: filters, order and columns under a name, kept on this machine.


def draw_views(query: Query) -> None:
    """Draw the menu of views."""
    known = marks().views()
    with st.popover(_("Views"), icon=":material/bookmarks:", key="views"):
        for number, (name, text) in enumerate(known.items()):
            with st.container(horizontal=True, vertical_alignment="center", key=f"view-{number}"):
                st.button(
                    plain(name),
                    key=f"view-open-{number}",
                    type="tertiary",
                    icon=":material/bookmark:",
                    width="stretch",
                    on_click=show_query,
                    args=(replace(queries.from_text(text), chosen=query.chosen),),
                )
                st.button(
                    _("Remove"),
                    icon=":material/delete:",
                    key=f"view-remove-{number}",
                    on_click=attempt,
                    args=(partial(marks().remove_view, name),),
                )
        if not known:
            st.caption(_("No view is saved yet. A view keeps filters, order and columns."))
        st.text_input(_("Name of this view"), key=_NAME, placeholder=_("Best small models"))
        st.button(
            _("Save view"),
            icon=":material/bookmark_add:",
            key="view-save",
            on_click=_save,
            args=(queries.to_text(query),),
        )
        st.caption(_("The address of this page shows the same to anybody who uses the same server."))


@telling_errors()
def _save(text: str) -> None:
    # A view is what is looked for; which rows were ticked that day is not part of it.
    without_choice = replace(queries.from_text(text), chosen=())
    name = marks().save_view(st.session_state.get(_NAME) or "", queries.to_text(without_choice))
    st.session_state[_NAME] = ""
    flash(_("View “{name}” was saved.").format(name=name))


def draw_filters(known: Listing, query: Query) -> None:
    """Draw the line above the list."""
    # As many beside each other as there is room for
    with st.container(horizontal=True, vertical_alignment="bottom", key="experiments-filters"):
        st.text_input(
            _("Search"),
            placeholder=_("Name, model, project, note, task id"),
            icon=":material/search:",
            key=_mirrored("find", query.text),
            on_change=lambda: change_query(text=st.session_state["find"] or ""),
            width=232,
        )
        _several(_("Project"), "projects", query.projects, known.projects, width=152)
        _several(_("Model"), "models", query.models, known.models, width=152)
        st.space("stretch")
        hidden = query.filters - bool(query.projects) - bool(query.models)
        label = _("Filters ({count})").format(count=hidden) if hidden else _("Filters")
        with st.popover(label, icon=":material/filter_list:"):
            _several(_("Framework"), "frameworks", query.frameworks, known.frameworks)
            _several(_("Task"), "task_types", query.task_types, known.task_types)
            _several(_("Tag"), "tags", query.tags, known.tags)
            with st.container(horizontal=True):
                _day(_("Finished from"), "since", query.since)
                _day(_("Finished until"), "until", query.until)
            _switch(_("Only starred"), "starred", query.starred)
            _switch(_("Show hidden ones too"), "hidden", query.hidden)
            st.button(
                _("Clear all filters"), icon=":material/filter_list_off:", on_click=clear_filters, key="clear-filters"
            )
        with st.popover(_("Columns"), icon=":material/view_column:"):
            _draw_columns(known, query)
        draw_views(query)


def draw_order(query: Query) -> None:
    """Draw the choice of the column that decides the order."""
    keys = list(dict.fromkeys(["task", "name", *query.columns, query.sort]))
    with st.container(horizontal=True, width="content", vertical_alignment="center", gap="small", key="order"):
        st.selectbox(
            _("Sort by"),
            keys,
            format_func=lambda key: _("Sort: {column}").format(column=_title(key)),
            key=_mirrored("sort-by", query.sort),
            on_change=lambda: change_query(sort=st.session_state["sort-by"]),
            label_visibility="collapsed",
            width=160,
        )
        st.button(
            _direction(query),
            icon=":material/arrow_downward:" if query.descending else ":material/arrow_upward:",
            key="sort-direction",
            help=_("Turns the order around."),
            on_click=change_query,
            kwargs={"descending": not query.descending},
        )


def _direction(query: Query) -> str:
    found = queries.column(query.sort)
    if query.sort == "task" or (found is not None and found.kind == "moment"):
        return _("Newest first") if query.descending else _("Oldest first")
    if found is not None and found.kind in {"text", "tags"}:
        return _("Z to A") if query.descending else _("A to Z")
    return _("Highest first") if query.descending else _("Lowest first")


def clear_filters() -> None:
    """Show everything again, in the same order and with the same columns; for callbacks."""
    now = current_query()
    st.session_state.pop(PAGE_KEY, None)
    show_query(Query(sort=now.sort, descending=now.descending, columns=now.columns, chosen=now.chosen))


def _draw_columns(known: Listing, query: Query) -> None:
    """Offer what a record says, every metric that was met, and every hyperparameter that was met."""
    reader = settings_reader()
    if not reader.names() and not reader.waiting():  # the newest few tell which hyperparameters there are
        reader.want([row.info for row in known.rows if row.info is not None][:_NAMES_FROM])
    st.multiselect(
        _("Columns after the name, in this order"),
        _offered(known, query, reader.names()),
        format_func=_title_in_list,
        key=_mirrored("columns", list(query.columns)),
        on_change=lambda: change_query(columns=tuple(st.session_state["columns"])),
        placeholder=_("Type to find a metric or hyperparameter"),
        width=480,
    )
    with st.container(horizontal=True):
        read = [settings for settings in reader.known().values() if settings]
        st.button(
            _("Add hyperparameters that differ"),
            icon=":material/difference:",
            key="columns-differing",
            disabled=len(read) < 2,  # noqa: PLR2004 - one alone differs from nothing
            help=_("Of the experiments whose hyperparameters were read."),
            on_click=lambda: change_query(
                columns=tuple(
                    dict.fromkeys((*query.columns, *(SETTING + name for name in queries.differing_settings(read))))
                )
            ),
        )
        st.button(
            _("As usual"),
            icon=":material/restart_alt:",
            key="columns-usual",
            on_click=change_query,
            kwargs={"columns": queries.DEFAULT},
        )


def _offered(known: Listing, query: Query, settings: Iterable[str]) -> list[str]:
    fixed = [key for key in FIXED if key != "name"]
    return list(dict.fromkeys([*query.columns, *fixed, *known.metrics, *(SETTING + name for name in settings)]))


def _title(key: str) -> str:
    found = queries.column(key)
    return _("start") if key == "task" else (_(found.title) if found else key)


def _title_in_list(key: str) -> str:
    found = queries.column(key)
    title = _(found.title) if found else key
    if key.startswith(SETTING):
        return _("{column} (hyperparameter)").format(column=title)
    return _("{column} (metric)").format(column=title) if key.startswith(METRIC) else title


def _several(
    label: str,
    name: str,
    value: tuple[str, ...],
    offered: Iterable[str],
    *,
    width: int | Literal["stretch"] = "stretch",
) -> None:
    key = f"find-{name}"
    st.multiselect(
        label,
        sorted({*offered, *value}, key=str.casefold),
        placeholder=_("All"),
        format_func=task_word if name == "task_types" else str,
        key=_mirrored(key, list(value)),
        on_change=_take(name, key, tuple),
        width=width,
    )


def _day(label: str, name: str, value: date | None) -> None:
    key = f"find-{name}"
    st.date_input(label, key=_mirrored(key, value), value=None, on_change=_take(name, key, lambda day: day), width=180)


def _switch(label: str, name: str, value: bool) -> None:  # noqa: FBT001 - the value of a switch
    key = f"find-{name}"
    st.toggle(label, key=_mirrored(key, value), on_change=_take(name, key, bool))


def _take(name: str, key: str, convert: Callable[..., object]) -> Callable[[], None]:
    return lambda: change_query(**{name: convert(st.session_state[key])})


def _mirrored(key: str, value: object) -> str:
    """Make a widget that is about to be drawn show what the query says."""
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value
    return key
