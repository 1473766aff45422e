"""Named views of the list of experiments: filters, order and columns under a name, kept on this machine."""

from dataclasses import replace

import streamlit as st

from core.errors import AppError
from core.experiments import query as queries
from core.experiments.query import Query
from core.ui.experiments import experiment_query
from core.ui.experiments.index import marks
from core.ui.state import attempt, flash
from core.ui.text import plain

_NAME = "view-name"


def draw_views(query: Query) -> None:
    """Draw the menu of views."""
    known = marks().views()
    with st.popover("Views", icon=":material/bookmarks:", key="views"):
        for number, (name, text) in enumerate(known.items()):
            with st.container(horizontal=True, vertical_alignment="center", key=f"view-{number}"):
                st.button(
                    plain(name),
                    key=f"view-open-{number}",
                    type="tertiary",
                    icon=":material/bookmark:",
                    width="stretch",
                    on_click=_open,
                    args=(text, query),
                )
                st.button(
                    "Remove", icon=":material/delete:", key=f"view-remove-{number}", on_click=_remove, args=(name,)
                )
        if not known:
            st.caption("No view is saved yet. A view keeps filters, order and columns.")
        st.text_input("Name of this view", key=_NAME, placeholder="Best small models")
        st.button(
            "Save view", icon=":material/bookmark_add:", key="view-save", on_click=_save, args=(queries.to_text(query),)
        )
        st.caption("The address of this page shows the same to anybody who uses the same server.")


def _open(text: str, query: Query) -> None:
    experiment_query.show(replace(queries.from_text(text), chosen=query.chosen))


def _save(text: str) -> None:
    without_choice = replace(queries.from_text(text), chosen=())
    try:
        name = marks().save_view(st.session_state.get(_NAME) or "", queries.to_text(without_choice))
    except AppError as error:
        flash(str(error), "error")
        return
    st.session_state[_NAME] = ""
    flash(f"View “{name}” was saved.")


def _remove(name: str) -> None:
    attempt(lambda: marks().remove_view(name))
