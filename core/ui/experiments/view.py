"""The experiments page: find finished experiments, mark them, choose some, compare them."""

from collections.abc import Sequence

import streamlit as st

from core.compare import formatting
from core.experiments.columns import Row
from core.experiments.index import Snapshot
from core.experiments.listing import Selection, selected
from core.experiments.query import Query
from core.ui.empty_page import draw_empty_page
from core.ui.experiments import experiment_query
from core.ui.experiments.actions import draw_actions, show_dialog
from core.ui.experiments.filters import clear_filters, draw_filters, draw_order
from core.ui.experiments.index import listing, look, peek, settings_reader
from core.ui.experiments.table import PER_PAGE, draw_table
from core.ui.text import plain

_LOOK_AGAIN = "1s"
_FIRST_LOOK = 2


def draw_experiments() -> None:
    """Draw the page below its title."""
    found = look()
    if not found.entries:
        if found.error is not None:
            raise found.error
        _draw_waiting(found) if found.reading else _draw_empty()
        return
    query = experiment_query.current()
    known = listing(found)
    draw_filters(known, query)
    shown = selected(known, query)
    chosen = [known.by_task[task] for task in query.chosen if task in known.by_task]
    with st.container(horizontal=True, vertical_alignment="center", key="experiments-actions"):
        st.markdown(plain(_summary(len(chosen), len(shown.rows), len(known.rows))), width="stretch")
        draw_order(query)
        draw_actions(chosen, known.tags)
    _draw_news(found)
    if shown.rows:
        _draw_pages(shown, query)
    else:
        _draw_nothing_fits(known.rows)
    show_dialog(known.by_task)


def _draw_pages(shown: Selection, query: Query) -> None:
    pages = -(-len(shown.rows) // PER_PAGE)
    key = experiment_query.page_key()
    page = min(st.session_state.get(key, 1), pages)
    if query.shows_settings or query.needs_settings:
        here = shown.rows[(page - 1) * PER_PAGE : page * PER_PAGE]
        _want_settings([*here, *shown.rows] if query.needs_settings else here)
    draw_table(shown, query, page)
    if pages > 1:
        with st.container(horizontal_alignment="center"):
            st.pagination(pages, key=key)


def _want_settings(rows: Sequence[Row]) -> None:
    settings_reader().want([row.info for row in rows if row.info is not None])


def _draw_news(found: Snapshot) -> None:
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
        text = f"{formatting.count(now.read)} of {formatting.count(len(now.entries))} experiments read"
        st.progress(now.read / len(now.entries), text=text)
    if waiting:
        st.caption(f"Reading hyperparameters, {formatting.count(waiting)} to go.")
    if now.error is not None:
        st.warning(plain(f"The list could not be brought up to date. {now.error}"), icon=":material/sync_problem:")
    if now.unreadable and not now.reading:
        with st.expander(
            f"{formatting.plural(len(now.unreadable), 'folder')} without a record that can be read",
            icon=":material/help:",
        ):
            for path, reason in now.unreadable[:50]:
                st.caption(plain(f"{path}: {reason}"))


def _summary(chosen: int, shown: int, known: int) -> str:
    whole = formatting.plural(known, "experiment")
    total = whole if shown == known else f"{formatting.count(shown)} of {whole}"
    return f"{total}, {formatting.count(chosen)} chosen" if chosen else total


def _draw_nothing_fits(rows: Sequence[Row]) -> None:
    with st.container(border=True, horizontal_alignment="center", key="nothing-fits"):
        st.space("small")
        st.markdown("#### No experiment fits")
        hidden = sum(row.mark.hidden for row in rows)
        note = f" {formatting.plural(hidden, 'experiment')} hidden." if hidden else ""
        st.markdown(f"Change the search or the filters.{note}")
        st.button("Clear all filters", icon=":material/filter_list_off:", on_click=clear_filters, key="nothing-clear")
        st.space("small")


def _draw_waiting(found: Snapshot) -> None:
    st.skeleton(height=38)
    st.skeleton(height=360)
    st.caption("Looking for experiments on the server.")
    st.fragment(_news, run_every=_LOOK_AGAIN)(found, [True])


def _draw_empty() -> None:
    draw_empty_page(
        "No experiment yet",
        "A finished training becomes an experiment. Two of them can be compared.",
        next_step="New training",
        icon="add_circle",
        screen="project",
    )
