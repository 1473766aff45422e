"""The edge where errors become screen text: what happened, to what, what to do next. Never a traceback."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from traindash.errors import AppError
from traindash.supervisely.errors import (
    ApiError,
    ConnectionFailedError,
    ForbiddenError,
    RequestTimeoutError,
    ServerFailedError,
    UnauthorizedError,
)
from traindash.ui import connection, screens
from traindash.ui.state import DRAFT_PARAM, attempt, start_new_draft
from traindash.ui.text import plain

_log = logging.getLogger(__name__)
_CONNECTION_KINDS = (
    ConnectionFailedError,
    RequestTimeoutError,
    UnauthorizedError,
    ForbiddenError,
    ServerFailedError,
)


@contextmanager
def guarded_page() -> Iterator[None]:
    """Show what goes wrong inside as text with the next step."""
    with guarded_part("page"):
        yield


@contextmanager
def guarded_part(name: str) -> Iterator[None]:
    """Show what goes wrong in a part of a page in its place; the rest of the page stays.

    Args:
        name: Unique on the page.
    """
    try:
        yield
    except AppError as error:
        _log.info("Shown to the person: %s", error)
        show_error(error, name)
    except Exception:  # noqa: BLE001 - the last edge before the screen; logged with its traceback
        _log.exception("A page failed")
        show_error(
            AppError(
                "Something went wrong in the dashboard itself.",
                "Reload the page. If it happens again, the log of the dashboard has the details.",
            ),
            name,
        )


@contextmanager
def titled(title: str) -> Iterator[None]:
    """Give a page its title though what it reads first fails; the error itself goes on its way.

    Args:
        title: For a page whose own title is drawn from what it reads.
    """
    try:
        yield
    except AppError:
        st.title(title, anchor=False)
        raise


def show_error(error: AppError, place: str = "page") -> None:
    """Draw an error with its next step, and a way on where one is known.

    Args:
        error: What went wrong.
        place: Unique among the errors of a page.
    """
    with st.container(key=f"{place}-error", width=720):
        hint = f"  \n{plain(error.hint)}" if error.hint else ""
        st.error(f"**{plain(error.message)}**{hint}", icon=":material/error:")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Try again", icon=":material/refresh:", key=f"{place}-error-retry", on_click=_retry, args=(error,)
            )
            if DRAFT_PARAM in st.query_params:
                st.button("New draft", icon=":material/add:", key=f"{place}-error-new-draft", on_click=_new_draft)
            if isinstance(error, _CONNECTION_KINDS) and st.session_state.get("screen") != "connection":
                st.page_link(screens.page("connection"), label="Check the connection", icon=":material/lan:")
            if isinstance(error, ApiError) and error.details:
                with st.popover("Details", icon=":material/info:", type="tertiary"):
                    st.caption(f"Asked {plain(connection.server().name)} for")
                    st.code(error.details, language=None)


def _retry(error: AppError) -> None:
    if isinstance(error, _CONNECTION_KINDS):
        connection.reconnect()
    else:
        connection.forget_answers()


def _new_draft() -> None:
    attempt(start_new_draft)
