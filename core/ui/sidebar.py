"""The sidebar: the product's name, the seven places to be, and which server this is."""

from dataclasses import dataclass

import streamlit as st

from core.ui import connection, screens, theme
from core.ui.notify import draw_notify
from core.ui.servers import Origin
from core.ui.state import task_just_started
from core.ui.text import plain

_LAST_STEP = "last_step"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    screen: str
    label: str
    icon: str


_LINKS = (
    _Link(screen="project", label="New training", icon=":material/add_circle:"),
    _Link(screen="import_data", label="Bring data in", icon=":material/upload_file:"),
    _Link(screen="tasks", label="Tasks", icon=":material/list_alt:"),
    _Link(screen="agents", label="Agents", icon=":material/memory:"),
    _Link(screen="experiments", label="Experiments", icon=":material/science:"),
    _Link(screen="compare", label="Compare", icon=":material/compare_arrows:"),
    _Link(screen="connection", label="Connection", icon=":material/lan:"),
)


def draw_sidebar(screen_id: str) -> None:
    """Draw the sidebar.

    Args:
        screen_id: The screen that is shown.
    """
    group = screens.screen(screen_id).group
    if task_just_started() is not None:
        st.session_state.pop(_LAST_STEP, None)
    elif group == "project":
        st.session_state[_LAST_STEP] = screen_id
    with st.sidebar:
        with st.container(key="brand", horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.image(theme.ICON, width=28, alt="")
            st.markdown("Traindash")
        for link in _LINKS:
            state = "current" if link.screen == group else "other"
            target = st.session_state.get(_LAST_STEP, link.screen) if link.screen == "project" else link.screen
            with st.container(key=f"nav-{state}-{link.screen}"):
                st.page_link(screens.page(target), label=link.label, icon=link.icon, width="stretch")
        with st.container(key="notify-switch"):
            draw_notify()
        with st.container(key="server-badge"):
            server = connection.server()
            icon = ":material/computer:" if server.origin is Origin.EMBEDDED else ":material/cloud:"
            st.caption(f"{icon} {plain(server.name)}", help=f"All pages work with {server.address}.")
