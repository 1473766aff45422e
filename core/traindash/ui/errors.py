"""The edge where errors become screen text: what happened, to what, what to do next. Never a traceback."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from traindash.errors import AppError, InputError, NotFoundError
from traindash.language import N_
from traindash.language import gettext as _
from traindash.server_texts import told
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
from traindash.ui.theme import plain

_log = logging.getLogger(__name__)
# Screen of one thing → the list that it is in, and its name
_WAYS_ON = {
    "task": ("tasks", N_("All tasks")),
    "series": ("tasks", N_("All tasks")),
    "compare": ("experiments", N_("All experiments")),
    "show": ("experiments", N_("All experiments")),
    "try_model": ("experiments", N_("All experiments")),
    "handover": ("experiments", N_("All experiments")),
    "label": ("experiments", N_("All experiments")),
    "review": ("tasks", N_("All tasks")),
}
_CONNECTION_KINDS = (ConnectionFailedError, RequestTimeoutError, UnauthorizedError, ForbiddenError, ServerFailedError)


@contextmanager
def guarded_part(name: str) -> Iterator[None]:
    """Show what goes wrong in a part of a page as text in its place; the rest stays. The name is unique on the page."""
    try:
        yield
    except AppError as error:
        _log.info("Shown to the person: %s", error)
        show_error(error, name)
    # Without it Streamlit draws the traceback, with paths of this machine and source lines (1.67).
    except Exception:  # noqa: BLE001 - the last edge before the screen; logged with its traceback
        _log.exception("A page failed")
        show_error(
            AppError(
                _("Something went wrong in the dashboard itself."),
                _("Reload the page. If it happens again, the log of the dashboard has the details."),
            ),
            name,
        )


@contextmanager
def titled(title: str) -> Iterator[None]:
    """Give a page whose title is drawn from what it reads this one if that fails; the error goes on its way."""
    try:
        yield
    except AppError:
        # A page without a heading has no name for screen readers.
        st.title(title, anchor=False)
        raise


def show_error(error: AppError, place: str) -> None:
    """Draw an error with its next step, and a way on where one is known; the place is unique on the page."""
    is_connection = isinstance(error, _CONNECTION_KINDS)
    with st.container(key=f"{place}-error", width=720):
        hint = f"  \n{plain(told(error.hint))}" if error.hint else ""
        st.error(f"**{plain(told(error.message))}**{hint}", icon=":material/error:")
        with st.container(horizontal=True, vertical_alignment="center"):
            # A callback: what was kept is forgotten before anything of the page is drawn again.
            st.button(
                _("Try again"),
                icon=":material/refresh:",
                key=f"{place}-error-retry",
                on_click=connection.reconnect if is_connection else connection.forget_answers,
            )
            if DRAFT_PARAM in st.query_params:
                st.button(
                    _("New draft"),
                    icon=":material/add:",
                    key=f"{place}-error-new-draft",
                    on_click=attempt,
                    args=(start_new_draft,),
                )
            # What is not there is not there at the second try either: the list is the way on.
            way = _WAYS_ON.get(st.session_state.get("screen", ""))
            if way is not None and place == "page" and isinstance(error, NotFoundError | InputError):
                screens.link(way[0], _(way[1]), "list_alt")
            # On the connection page the link would lead to itself.
            if is_connection and st.session_state.get("screen") != "connection":
                screens.link("connection", _("Check the connection"), "lan")
            # What was asked and answered is for whoever runs the server; folded, as it helps nobody else.
            if isinstance(error, ApiError) and error.details:
                with st.popover(_("Details"), icon=":material/info:", type="tertiary"):
                    st.caption(_("Asked {server} for").format(server=plain(connection.server().name)))
                    st.code(error.details, language=None)


def draw_trouble(message: str, hint: str = "", *, is_error: bool = True) -> None:
    """Draw what speaks against something, and what to do, within a page."""
    text = f"**{plain(told(message))}** {plain(told(hint))}"
    if is_error:
        st.error(text, icon=":material/error:")
    else:
        st.warning(text, icon=":material/warning:")


def draw_stale(error: AppError, rest: str) -> None:
    """Draw that a refreshing part of a page could not be brought up to date; ``rest`` says what is seen instead."""
    st.warning(plain(f"{told(error.message)} {rest}"), icon=":material/sync_problem:")


def draw_empty_page(title: str, sentence: str, *, next_step: str, icon: str, screen: str) -> None:
    """Draw what is missing, what would be here, and the button that leads to a screen where it is made."""
    with st.container(border=True, horizontal_alignment="center", key="empty-page"):
        st.space("medium")
        st.markdown(f"## {title}", text_alignment="center", anchors=False)
        st.markdown(sentence, text_alignment="center")
        # st.page_link has no primary look (1.67), and this is the one thing to do here.
        if st.button(next_step, icon=f":material/{icon}:", type="primary"):
            screens.go(screen)
        st.space("medium")
