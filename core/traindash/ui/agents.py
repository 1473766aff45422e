"""Pieces of the page of agents: their hardware, what they run and what waits for them; how many this machine has."""

import streamlit as st

from traindash import formatting
from traindash.domain.ecosystem import Agent, AgentStatus
from traindash.domain.task import QueueMove, Task
from traindash.errors import AppError
from traindash.language import N_
from traindash.language import gettext as _
from traindash.tasks import queues
from traindash.tasks.again import settings_known
from traindash.tasks.queues import AgentQueue
from traindash.ui import connection, screens, theme
from traindash.ui.errors import draw_stale
from traindash.ui.state import attempt
from traindash.ui.tasks.actions import ask_to_stop
from traindash.ui.tasks.serving import look_of
from traindash.ui.tasks.text import duration, task_title
from traindash.ui.theme import plain
from traindash.ui.wizard.again import begin_change

_EVERY = "2s"
_ASKED = "agents-cancel"
_WIDTHS = [0.4, 5, 2.4]
_SHORT_HASH = 8
_MOVES: tuple[tuple[QueueMove, str, str], ...] = (
    ("first", "vertical_align_top", N_("Make it the next one")),
    ("up", "arrow_upward", N_("Move up")),
    ("down", "arrow_downward", N_("Move down")),
)
_COUNT, _THREADS = "agents-count", "agents-threads"


def draw_agents_page() -> None:
    """Draw a card for each agent; refresh them every two seconds."""
    st.fragment(_cards, run_every=_EVERY)()
    # A dialog that a fragment opens belongs to it and closes with its next run (Streamlit 1.67).
    if (asked := st.session_state.pop(_ASKED, None)) is not None:
        ask_to_stop(asked)


def _cards() -> None:
    try:
        found = queues.read_queues(connection.client(), connection.team_id(), connection.workspace_id())
    except AppError as error:
        draw_stale(error, _("The page is tried again."))
        return
    if not found:
        st.info(_("This team has no agent. Add one on the server to train."), icon=":material/info:")
    for queue in found:
        # Teams collect agents of machines that are gone.
        if queue.agent.status is AgentStatus.RUNNING or queue.running or queue.waiting:
            _card(queue)


def _card(queue: AgentQueue) -> None:
    agent = queue.agent
    with st.container(border=True, key=f"agent-{agent.id}"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            with st.container(horizontal=True, vertical_alignment="center", width="content"):
                st.header(plain(agent.name), anchor=False, width="content")
                theme.status_badge(theme.AGENT_STATUS[agent.status])
            if agent.queue_paused is not None:
                st.toggle(
                    _("Pause the queue"),
                    value=agent.queue_paused,
                    # The state is in the key: with one key the widget would keep its own value against the server's
                    # (1.67).
                    key=f"hold-{agent.id}-{agent.queue_paused}",
                    help=_("The running task goes on; the agent takes no further one."),
                    on_change=attempt,
                    args=(lambda: queues.pause(connection.client(), agent.id, paused=not agent.queue_paused),),
                )
        st.caption(plain(_hardware(agent)))
        for task in queue.running:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                theme.status_badge(look_of(task))
                _link(task)
                st.caption(duration(task), width="content")
        if not queue.running:
            free = _("Free, but its queue is paused") if agent.queue_paused else _("Free")
            st.markdown(free if agent.status is AgentStatus.RUNNING else _("Takes no tasks"))
        if queue.waiting:
            st.markdown(_("**Queue**, {count} waiting").format(count=formatting.count(len(queue.waiting))))
        for place, task in enumerate(queue.waiting, start=1):
            _row(agent, place, task, last=place == len(queue.waiting))


def _row(agent: Agent, place: int, task: Task, *, last: bool) -> None:
    with st.container(key=f"task-row-{agent.id}-{task.id}"):
        number, name, actions = st.columns(_WIDTHS, vertical_alignment="center")
        number.markdown(f"{place}")
        with name, st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _link(task)
            settings = _("settings {hash}").format(hash=task.config_hash[:_SHORT_HASH]) if task.config_hash else ""
            facts = (
                _("Task {number}").format(number=task.id),
                settings,
                _("any agent") if task.agent_id is None else "",
            )
            st.caption(" · ".join(filter(None, facts)), width="content")
        with actions, st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            if agent.queue_paused is not None:
                for to, icon, words in _MOVES:
                    st.button(
                        "",
                        icon=f":material/{icon}:",
                        key=f"{to}-{agent.id}-{task.id}",
                        help=_(words),
                        type="tertiary",
                        disabled=last if to == "down" else place == 1,
                        on_click=attempt,
                        args=(lambda to=to: queues.move(connection.client(), task.id, to, agent.id),),
                    )
            if settings_known(task):
                st.button(
                    _("Change"),
                    icon=":material/edit:",
                    key=f"change-{agent.id}-{task.id}",
                    type="tertiary",
                    help=_("Opens its settings in the wizard; the changed training takes its place as a new task."),
                    on_click=begin_change,
                    args=(task.id, "hyperparameters"),
                )
            cancel = st.button(
                _("Cancel"), icon=":material/close:", key=f"cancel-{agent.id}-{task.id}", type="tertiary"
            )
            if cancel:  # a dialog that is opened by a refreshing part of the page would close with its next refresh
                st.session_state[_ASKED] = task
                st.rerun()


def _link(task: Task) -> None:
    screens.link("task", plain(task_title(task)), task=task.id)


def _hardware(agent: Agent) -> str:
    parts = []
    for device in agent.devices:
        free = formatting.size(int(device.available_bytes)) if device.available_bytes is not None else ""
        total = formatting.size(int(device.total_bytes)) if device.total_bytes is not None else ""
        parts.append(
            _("{name}, {free} of {total} memory free").format(name=device.name, free=free, total=total)
            if free and total
            else device.name
        )
    if agent.threads is not None:
        parts.append(_("{threads} per task").format(threads=formatting.plural(agent.threads, "thread", "threads")))
    return " · ".join(parts) or _("The server does not say what it computes with.")


# How the machine of the embedded platform is divided into agents.


def draw_agents_settings() -> None:
    """Draw number of agents and threads; nothing where the server does not let them be changed."""
    client, team = connection.client(), connection.team_id()
    # Supervisely's agents have no queue that could be paused: this is a server of somebody else.
    if all(agent.queue_paused is None for agent in client.agents.list(team)):
        return
    known = queues.settings(client, team)
    with st.container(border=True, key="agents-settings"), st.form("agents-form", border=False):
        st.subheader(_("This machine"), anchor=False)
        st.caption(
            _(
                "Each agent runs one task at a time, and serves models beside it. More agents run more tasks side by "
                "side; more threads make one task faster while cores are free. Tasks that run already are not touched."
            )
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.number_input(_("Agents"), 1, known.max_count, known.count, key=_COUNT, width=160)
            st.number_input(_("Threads per task"), 1, known.max_threads, known.threads, key=_THREADS, width=160)
            st.form_submit_button(_("Apply"), icon=":material/check:", on_click=_apply)


def _apply() -> None:
    # A form's values reach the session with its button, before the callback (1.67).
    count, threads = int(st.session_state[_COUNT]), int(st.session_state[_THREADS])
    attempt(
        lambda: queues.configure(connection.client(), connection.team_id(), count=count, threads=threads),
        _("{agents}, {threads} each.").format(
            agents=formatting.plural(count, "agent", "agents"), threads=formatting.plural(threads, "thread", "threads")
        ),
    )
