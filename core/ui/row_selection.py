"""Rows of a table that are chosen, by what they stand for and not by their place."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

_T = TypeVar("_T")


def mirror_selection(key: str, rows: Sequence[_T], is_chosen: Callable[[_T], bool]) -> None:
    """Make a table that is about to be drawn show what is chosen.

    Args:
        key: Key of the table.
        rows: What its rows stand for, in their order.
        is_chosen: Whether such a thing is chosen.
    """
    wanted = [position for position, row in enumerate(rows) if is_chosen(row)]
    if key not in st.session_state or sorted(st.session_state[key]["selection"]["rows"]) != wanted:
        st.session_state[key] = {"selection": {"rows": wanted}}


def chosen_rows(key: str, rows: Sequence[_T]) -> tuple[_T, ...]:
    """Return what the selected rows of a table stand for; for callbacks."""
    selected = st.session_state[key]["selection"]["rows"]
    return tuple(rows[position] for position in sorted(selected) if 0 <= position < len(rows))
