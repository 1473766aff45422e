"""The sidebar: the product's name, the nine places to be, and which server this is."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from traindash import formatting
from traindash.domain.experiment import score_of
from traindash.domain.task import Task, TaskCompletion, TaskStatus
from traindash.errors import AppError
from traindash.language import N_
from traindash.language import gettext as _
from traindash.server_texts import told
from traindash.supervisely.experiments import experiment_of_output
from traindash.supervisely.transport import host_of
from traindash.tasks.completions import NewlyCompleted
from traindash.ui import connection, lookups, screens, theme
from traindash.ui.command_palette import draw_palette_button
from traindash.ui.preferences import draw_preferences
from traindash.ui.servers import Origin
from traindash.ui.state import task_just_started
from traindash.ui.tasks.text import duration, task_title
from traindash.ui.theme import plain

# Tells a person by a notification of the browser that a task is over, on whatever page, in whatever tab they are.

_EVERY = "3s"
_LOOKED_AT = 100
_WATCH, _MESSAGES, _ELSEWHERE = "notify-watch", "notify-messages", "notify-elsewhere"
_KEPT = 20
_KEY = "notify"
_ENDED = N_("{count} ended")
_ENDS = {
    TaskStatus.FINISHED: N_("{count} finished"),
    TaskStatus.STOPPED: N_("{count} stopped"),
    TaskStatus.ERROR: N_("{count} failed"),
}
_HTML = '<button type="button" role="switch"><span class="icon"></span><span class="word"></span></button>'
_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "traindash_notify",
    html=_HTML,
    css=(_HERE / "notify.css").read_text(encoding="utf-8"),
    js=(_HERE / "notify.js").read_text(encoding="utf-8"),
)
_LAST_STEP = "last_step"


def _is_on() -> bool:
    # The switch lives in the browser: permission to notify is given for an address and not for a session.
    return bool(st.session_state.get(_KEY, {}).get("on"))


def _switch(looks: bool) -> None:  # noqa: FBT001 - a fragment takes plain arguments
    """Draw the switch; ``looks`` says that the page was drawn with it on, so this part of it refreshes."""
    on = _is_on()
    kept: list[dict[str, str]] = st.session_state.setdefault(_MESSAGES, [])
    if on:
        kept.extend(_new_messages())
        # A run may be aborted before the browser has got its data, so the latest are sent each time; the browser knows
        # which it has shown.
        del kept[:-_KEPT]
    _component(
        key=_KEY,
        data={"messages": list(kept) if on else [], "on": on},
        default={"on": False},
        on_on_change=lambda: None,
    )
    if _is_on() is not looks:  # only a run of the whole page changes how often a part of it refreshes
        st.rerun()


def _new_messages() -> list[dict[str, str]]:
    server, workspace = connection.address(), connection.workspace_id()
    watches: dict[tuple[str, int], NewlyCompleted] = st.session_state.setdefault(_WATCH, {})
    watch = watches.setdefault((server, workspace), NewlyCompleted())
    # Those that were noticed behind the pages: of the tasks started from here on any server.
    number, ends = connection.task_completions().completed_after(st.session_state.get(_ELSEWHERE, -1))
    st.session_state[_ELSEWHERE] = number
    elsewhere = [message_of_completion(end, server) for end in ends]
    try:
        tasks = lookups.newest_tasks(workspace)[:_LOOKED_AT]
    # A server that is away for a moment is no reason for an error in the corner of every page.
    except AppError:
        return elsewhere  # the next look tells what this one missed
    ended = watch.look(tasks)
    together = watch.all_over()
    messages = [*elsewhere, *(message_of(task) for task in ended)]
    return [*messages, message_of_all(together)] if len(together) > 1 else messages


def message_of_completion(end: TaskCompletion, server: str) -> dict[str, str]:
    """Return the notification of an end that was noticed behind the pages of a session that works with a server."""
    # An end there has the same id as in message_of, so that the browser shows it once.
    here = end.server == server
    title = _("{status}: {name}") if here else _("{status}: {name} on {server}")
    score = score_of(end.metrics)
    measured = f"{score[0]} {formatting.metric(score[1])}" if score is not None else ""
    return {
        "id": f"task-{end.task_id}" if here else f"task-{end.task_id}@{end.server}",
        "title": title.format(
            status=_(theme.TASK_STATUS[end.status].word),
            name=end.name or _("Task {number}").format(number=end.task_id),
            server=host_of(end.server),
        ),
        "body": end.message or measured or _("Open the task to see what came out."),
        "path": f"task?task={end.task_id}" if here else "connection",
    }


def message_of(task: Task) -> dict[str, str]:
    """Return the notification of one task: ``id``, ``title``, ``body``, ``path`` of its page."""
    if task.status is TaskStatus.ERROR:
        body = told(task.exit_report.message) if task.exit_report else _("Open the task to see why.")
    else:
        experiment = experiment_of_output(task.output)
        score = experiment.score if experiment else None
        body = _("After {time}").format(time=duration(task))
        body += "" if score is None else f", {score[0]} {formatting.metric(score[1])}"
    title = _("{status}: {name}").format(status=_(theme.TASK_STATUS[task.status].word), name=task_title(task))
    return {"id": f"task-{task.id}", "title": title, "body": body, "path": f"task?task={task.id}"}


def message_of_all(tasks: Sequence[Task]) -> dict[str, str]:
    """Return the notification of several tasks when the last one is over."""
    counts = Counter(_ENDS.get(task.status, _ENDED) for task in tasks)
    numbers = ", ".join(_(words).format(count=number) for words, number in counts.items())
    ids = "-".join(str(task.id) for task in tasks)
    return {
        "id": f"all-{ids}",
        "title": _("All {count} tasks are over").format(count=len(tasks)),
        "body": numbers,
        "path": "tasks",
    }


def target_of(place: screens.Place) -> str:
    """Return the screen that a place leads to: “New training” goes on at the step where this tab was last."""
    target: str = st.session_state.get(_LAST_STEP, place.screen) if place.screen == "project" else place.screen
    return target


def draw_sidebar(screen_id: str) -> None:
    """Draw the sidebar beside a screen."""
    group = screens.screen(screen_id).group
    if task_just_started() is not None:
        # Its draft is started: “New training” begins at the first step again.
        st.session_state.pop(_LAST_STEP, None)
    elif group == "project":
        st.session_state[_LAST_STEP] = screen_id
    with st.sidebar:
        # One element, drawn with every page; its class says which of the places is the current one.
        st.html(f'<div class="td-brand td-at-{group}">{theme.LOGO}Traindash</div>')
        draw_palette_button()
        with st.container(key="places", gap=None):
            for place in screens.PLACES:
                screens.link(target_of(place), _(place.label), place.icon, width="stretch")
        with st.container(key="notify-switch"):
            on = _is_on()
            st.fragment(_switch, run_every=_EVERY if on else None)(on)
        draw_preferences()
        with st.container(key="server-badge"):
            server = connection.server()
            icon = ":material/computer:" if server.origin is Origin.EMBEDDED else ":material/cloud:"
            st.caption(
                f"{icon} {plain(server.name)}", help=_("All pages work with {address}.").format(address=server.address)
            )
