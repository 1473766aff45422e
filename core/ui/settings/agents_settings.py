"""How the machine of the embedded platform is divided into agents."""

import streamlit as st

from core.launch import queues
from core.ui import connection
from core.ui.state import attempt

_COUNT, _THREADS = "agents-count", "agents-threads"


def draw_agents_settings() -> None:
    """Draw number of agents and threads; nothing where the server does not let them be changed."""
    client, team = connection.client(), connection.team_id()
    if all(agent.queue_paused is None for agent in client.agents.list(team)):
        return
    known = queues.settings(client, team)
    with st.container(border=True, key="agents-settings"), st.form("agents-form", border=False):
        st.subheader("This machine", anchor=False)
        st.caption(
            "Each agent runs one task at a time. More agents run more tasks side by side; more threads make one task "
            "faster while cores are free. Tasks that run already are not touched."
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.number_input("Agents", 1, known.most_agents, known.count, key=_COUNT, width=160)
            st.number_input("Threads per task", 1, known.most_threads, known.threads, key=_THREADS, width=160)
            st.form_submit_button("Apply", icon=":material/check:", on_click=_apply)


def _apply() -> None:
    count, threads = int(st.session_state[_COUNT]), int(st.session_state[_THREADS])
    attempt(
        lambda: queues.configure(connection.client(), connection.team_id(), count=count, threads=threads),
        f"{count} {'agent' if count == 1 else 'agents'}, {threads} {'thread' if threads == 1 else 'threads'} each.",
    )
