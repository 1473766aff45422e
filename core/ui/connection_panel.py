"""Pieces of the connection page."""

from collections.abc import Callable

import streamlit as st

from core.domain.ids import TeamId, WorkspaceId
from core.errors import AppError
from core.settings import load_settings
from core.ui import connection, lookups, theme
from core.ui.state import flash
from core.ui.text import plain

_EXPLANATION = """
The dashboard works with the platform that is built into it, or with a Supervisely server. To use a Supervisely server,
end the dashboard and start it again with these two variables in its environment:

```
SERVER_ADDRESS=https://your-server.example
API_TOKEN=the token from your account settings
```

Drafts stay on this machine and belong to the server that they were made for.
"""


def draw_server() -> None:
    """Draw the server's address, its version and who is logged in."""
    st.header("Server", anchor=False)
    client = connection.client()
    user, version = client.user(), client.version()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"`{connection.address()}`", width="content")
        st.badge("Connected", icon=":material/check_circle:", color="green")
    about = f"Logged in as {plain(user)}" if user else "Logged in"
    st.caption(f"{about}{f', server version {plain(version)}' if version else ''}.")
    st.caption(f"Data of this dashboard: {plain(str(load_settings().home))}")
    with st.expander("Use another server", icon=":material/swap_horiz:"):
        st.markdown(_EXPLANATION)


def draw_place() -> None:
    """Draw the choice of team and workspace."""
    server = connection.address()
    teams = {item.id: item.name for item in connection.teams(server)}
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
    workspaces = {item.id: item.name for item in connection.workspaces(server, team)}
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
    """Draw the team's agents and their state."""
    st.header("Agents", anchor=False)
    found = lookups.agents(connection.address(), connection.team_id())
    if not found:
        st.info("This team has no agents; nothing can be trained.", icon=":material/info:")
    for agent in found:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            device = agent.devices[0].name if agent.devices else ("GPU" if agent.is_gpu else "CPU")
            st.markdown(f"**{plain(agent.name)}**  \n:gray[{plain(device)}]", width="stretch")
            theme.status_badge(theme.AGENT_STATUS[agent.status])


def _choose_team(key: str) -> None:
    _tell(lambda: connection.choose_team(TeamId(st.session_state[key])))


def _choose_workspace(key: str) -> None:
    _tell(lambda: connection.choose_workspace(WorkspaceId(st.session_state[key])))


def _tell(change: Callable[[], None]) -> None:
    try:
        change()
    except AppError as error:
        flash(str(error), "error")
