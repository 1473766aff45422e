"""What a tab looks at in the list of experiments: as the URL says; without one, as it looked before."""

from dataclasses import replace
from typing import Any

import streamlit as st

from core.experiments import query as queries
from core.experiments.query import Query

_KEPT = "experiments-query"
_PAGE = "experiments-page"


def current() -> Query:
    """Return the query of this run."""
    given = {name: st.query_params.get_all(name) for name in st.query_params}
    if not given and _KEPT in st.session_state:
        show(st.session_state[_KEPT])
    elif given:
        st.session_state[_KEPT] = queries.read(given)
    kept: Query = st.session_state.get(_KEPT, Query())
    return kept


def change(**changes: Any) -> None:  # noqa: ANN401 - fields of Query
    """Look at something else; for callbacks. Another filter or order begins at its first page."""
    if changes.keys() - {"chosen", "columns"}:
        st.session_state.pop(_PAGE, None)
    show(replace(current(), **changes))


def show(query: Query) -> None:
    """Look at this from now on."""
    st.session_state[_KEPT] = query
    st.query_params.from_dict(queries.write(query))


def page_key() -> str:
    """Return the key of the page number."""
    return _PAGE
