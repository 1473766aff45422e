"""Pieces of the connection page."""

import streamlit as st

from core.api.client import connect
from core.api.errors import ApiError
from core.domain.ids import TeamId, WorkspaceId
from core.errors import AppError, InputError
from core.ui import connection, lookups, theme
from core.ui.servers import Origin, checked_address
from core.ui.state import attempt, carry_out, flash
from core.ui.text import plain

_ADDRESS, _TOKEN, _KEEP = "new-server-address", "new-server-token", "new-server-keep"
_ORIGINS = {
    Origin.EMBEDDED: "Built into this dashboard; trains on this machine.",
    Origin.KEPT: "Kept on this machine with its token.",
    Origin.TYPED: "Known in this browser session only.",
}


def draw_server() -> None:
    """Draw the server in use: its address, its version, who is logged in; or why it cannot be reached."""
    st.header("Server", anchor=False)
    server = connection.server()
    try:
        client = connection.client()
        user, version, failure = client.user(), client.version(), None
    except ApiError as error:
        user, version, failure = "", None, error
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(server.name)}** `{connection.address()}`", width="content")
        if failure is None:
            st.badge("Connected", icon=":material/check_circle:", color="green")
        else:
            st.badge("Not connected", icon=":material/error:", color="red")
    if failure is not None:
        st.error(f"**{plain(failure.message)}** {plain(failure.hint)}", icon=":material/error:")
        st.button("Try again", icon=":material/refresh:", on_click=connection.reconnect)
        return
    about = f"Logged in as {plain(user)}" if user else "Logged in"
    st.caption(f"{about}{f', server version {plain(version)}' if version else ''}.")
    draw_place()


def draw_servers() -> None:
    """Draw the other servers that can be chosen, and the form for a new one."""
    st.header("All servers", anchor=False)
    current = connection.server()
    for number, server in enumerate(connection.servers()):
        with st.container(horizontal=True, vertical_alignment="center", key=f"server-{number}"):
            about = _ORIGINS.get(server.origin) or f"Written down in {server.source}."
            st.markdown(f"**{plain(server.name)}**  \n:gray[{plain(about)}]", width="stretch")
            if server.origin in {Origin.KEPT, Origin.TYPED}:
                st.button(
                    "Forget",
                    key=f"forget-{number}",
                    icon=":material/delete:",
                    type="tertiary",
                    on_click=carry_out,
                    args=(lambda address=server.address: connection.forget(address),),
                    help="Removes the address and its token from this dashboard.",
                )
            st.button(
                "In use" if server == current else "Use",
                key=f"use-{number}",
                disabled=server == current,
                on_click=carry_out,
                args=(lambda address=server.address: connection.use(address),),
            )
    with st.expander("Add a Supervisely server", icon=":material/add:"):
        _draw_form()
    st.caption(
        f"Data of this dashboard: {plain(str(connection.home()))}. "
        "Drafts stay on this machine and belong to the server that they were made for."
    )


def _draw_form() -> None:
    # A form: what was typed last counts however the button is reached, and Enter is enough.
    with st.form("new-server", border=False):
        st.text_input("Address", key=_ADDRESS, placeholder="https://app.supervisely.com", persist_state="session")
        st.text_input(
            "API token",
            key=_TOKEN,
            type="password",
            help="On the server: your account, “API token”. It is sent to this server only and never shown.",
        )
        st.checkbox(
            "Keep on this machine",
            key=_KEEP,
            help="Writes address and token to a file in the data directory that only you can read. "
            "Off: both are forgotten when this browser tab is closed.",
        )
        wanted = st.form_submit_button("Test and use", key="new-server-test", icon=":material/lan:", type="primary")
    if wanted:
        try:
            with st.spinner("Asking the server"):
                _test_and_use(
                    st.session_state[_ADDRESS], st.session_state[_TOKEN].strip(), keep=st.session_state[_KEEP]
                )
        except AppError as error:
            st.error(f"**{plain(error.message)}** {plain(error.hint)}", icon=":material/error:")
        else:
            st.rerun()


def _test_and_use(typed: str, token: str, *, keep: bool) -> None:
    """Add a server once it has answered and accepted the token, and work with it."""
    address = checked_address(typed)
    if not token:
        msg = "There is no API token."
        raise InputError(msg, "Copy it from your account page on the server.")
    with connect(address, token) as client:
        user = client.user()
    connection.add(address, token, keep=keep)
    connection.use(address)
    flash(f"Connected to {address}{f' as {user}' if user else ''}.")


def draw_place() -> None:
    """Draw the choice of team and workspace."""
    teams = {item.id: item.name for item in connection.teams()}
    team = connection.team_id()
    st.selectbox(
        "Team",
        list(teams),
        index=list(teams).index(team),
        format_func=lambda item: teams[item],
        key=f"team-{team}",
        on_change=_choose_team,
        args=(f"team-{team}",),
    )
    workspaces = {item.id: item.name for item in connection.workspaces(team)}
    workspace = connection.workspace_id()
    st.selectbox(
        "Workspace",
        list(workspaces),
        index=list(workspaces).index(workspace),
        format_func=lambda item: workspaces[item],
        key=f"workspace-{workspace}",
        on_change=_choose_workspace,
        args=(f"workspace-{workspace}",),
    )


def draw_agents() -> None:
    """Draw the team's agents and their state, or that they are not known; the server's panel says why."""
    st.header("Agents", anchor=False)
    try:
        found = lookups.agents(connection.team_id())
    except ApiError:
        st.caption("They are shown when the server answers.")
        return
    if not found:
        st.info("This team has no agents; nothing can be trained.", icon=":material/info:")
    for agent in found:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            device = agent.devices[0].name if agent.devices else ("GPU" if agent.is_gpu else "CPU")
            st.markdown(f"**{plain(agent.name)}**  \n:gray[{plain(device)}]", width="stretch")
            theme.status_badge(theme.AGENT_STATUS[agent.status])


def _choose_team(key: str) -> None:
    attempt(lambda: connection.choose_team(TeamId(st.session_state[key])))


def _choose_workspace(key: str) -> None:
    attempt(lambda: connection.choose_workspace(WorkspaceId(st.session_state[key])))
