"""The front page: what runs, what ended since the last visit, the best experiments, the next sensible step."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import streamlit as st

from traindash import formatting
from traindash.domain.project import Project
from traindash.domain.task import Task
from traindash.errors import AppError, StorageError
from traindash.experiments import overview
from traindash.experiments.overview import ProjectBest, best_by_project, next_step
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.steps import reached
from traindash.steady_clock import CLOCK
from traindash.tasks.visits import VisitStore
from traindash.ui import connection, lookups, screens
from traindash.ui.errors import draw_stale
from traindash.ui.experiments.index import given_names, look, marks
from traindash.ui.import_data import IMPORT_PARAM, draw_drop_zone
from traindash.ui.overview.tour import can_offer, draw_offer, draw_way_back, open_tour
from traindash.ui.state import DRAFT_PARAM
from traindash.ui.tasks.removal import listed
from traindash.ui.tasks.text import task_title
from traindash.ui.tasks.view import draw_task_rows
from traindash.ui.theme import plain
from traindash.ui.widgets import draw_heads
from traindash.ui.wizard.again import draw_again_menu
from traindash.ui.wizard.drafts import draft_title

_WHAT = N_(
    "Train object detectors and segmenters on your own images, watch them learn, and see which model to take and how "
    "sure that is."
)
_EVERY = "3s"
_LOOKED_AT = 200
_MOST_ENDED = 5
_MOST_PROJECTS = 6
_BEST_WIDTHS = [1.9, 2.8, 1.2, 1.5, 1.8]
_BEST_HEADS = (N_("Project"), N_("Best experiment"), N_("Score"), N_("Experiments"), "")
_OLD_PARAMS = (DRAFT_PARAM, "project")


def follow_old_links() -> None:
    """Open the wizard for addresses of earlier versions, whose first page it was: a draft or a project is named."""
    if found := {name: st.query_params[name] for name in _OLD_PARAMS if name in st.query_params}:
        screens.go("project", **found)


def draw_overview() -> None:
    """Draw the page."""
    workspace = connection.workspace_id()
    tasks = listed(lookups.newest_tasks(workspace)[:_LOOKED_AT])
    projects = lookups.projects(workspace)
    rows = best_by_project(
        (entry.info for entry in look().entries if entry.info is not None),
        {task for task, mark in marks().all().items() if mark.hidden or mark.removed},
    )
    if not tasks and not rows and open_tour() is None:
        _draw_beginning(projects)
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(_("Overview"), anchor=False)
        st.button(
            _("New training"), icon=":material/add_circle:", key="overview-new", on_click=screens.go, args=("project",)
        )
    if not draw_way_back():
        _draw_next_step(tasks, rows, has_project=bool(projects))
    since = _last_visit()
    active = any(not task.status.is_terminal for task in tasks)
    st.fragment(_draw_tasks, run_every=_EVERY if active else None)(since, active=active)
    with st.container(key="overview-columns"):
        left, right = st.columns([2, 1], gap="medium")
    with left:
        _draw_best(rows)
    with right:
        _draw_bring_in()


# The first start: what this is, and the two ways to begin.


def _draw_beginning(projects: Sequence[Project]) -> None:
    st.title(_("Welcome to Traindash"), anchor=False)
    st.markdown(_(_WHAT))
    if not projects:
        _wait_for_projects()
    with st.container(key="beginning-columns"):
        left, right = st.columns([2, 1], gap="medium")
    with left:
        if can_offer(projects):
            draw_offer(projects)
        else:
            with st.container(border=True, key="panel-first", height="stretch"):
                st.header(_("Your first training"), anchor=False)
                st.markdown(_("Eight short steps from a project to a training; every one has a default that works."))
                _lead(_("New training"), "add_circle", "project", key="overview-new")
    with right:
        _draw_bring_in(height="stretch")


@st.fragment(run_every=_EVERY)
def _wait_for_projects() -> None:
    """Look for a project: at the first start a page may be open before the sample project is in."""
    workspace = connection.workspace_id()
    if any(item.type == "images" for item in connection.client().projects.list(workspace)):
        lookups.projects.forget(workspace)
        st.rerun()


def _draw_bring_in(*, height: Literal["stretch", "content"] = "content") -> None:
    with st.container(border=True, key="panel-import", height=height):
        st.header(_("Bring data in"), anchor=False)
        if lookups.can_import():
            st.markdown(_("Images with annotations become a project. Their layout is recognised by itself."))
            if (begun := draw_drop_zone(_("Drop an archive here, or choose one"))) is not None:
                screens.go("import_data", **{IMPORT_PARAM: begun.id})
            screens.link("import_data", _("Or a folder on this machine"), "folder_open")
        else:
            st.markdown(_("This server brings data in with its own import apps."))
            screens.link("import_data", _("How to bring data in"), "upload_file")


# The next sensible step: one sentence and one button.


def _draw_next_step(tasks: Sequence[Task], rows: Sequence[ProjectBest], *, has_project: bool) -> None:
    draft = connection.drafts().latest_open(connection.server_name())
    step = next_step(tasks, rows, draft, has_project=has_project)
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="next-step"):
        match step:
            case overview.BringData():
                _sentence(_("Everything begins with images."), _("Bring in a folder or an archive with annotations."))
                _lead(_("Bring data in"), "upload_file", "import_data")
            case overview.Mend(task=task):
                _sentence(
                    _("“{task}” ended with an error.").format(task=task_title(task)),
                    _("Its page says why and what can be changed."),
                )
                _lead(_("See why"), "error", "task", task=task.id)
            case overview.GoOn(draft=known):
                _sentence(
                    _("“{draft}” is planned and not started.").format(draft=draft_title(known)),
                    _("Go on where you were."),
                )
                _lead(_("Go on"), "arrow_forward", reached(known), draft=known.id)
            case overview.Compare(row=row):
                total = formatting.plural(len(row.ranked), "experiment", "experiments")
                _sentence(
                    _("{project} has {experiments}.").format(project=row.project, experiments=total),
                    _("See which of the best two to take and how sure that is."),
                )
                _lead(_("Compare the best two"), "compare_arrows", "compare", ids=",".join(map(str, row.pair)))
            case overview.Another(info=info):
                _sentence(
                    _("“{experiment}” is trained.").format(experiment=info.experiment_name),
                    _("Change one thing to learn what it is worth."),
                )
                draw_again_menu(info.task_id, key="overview-again")
            case overview.Watch(task=task):
                _sentence(
                    _("“{task}” is under way.").format(task=task_title(task)),
                    _("See what it learns while it trains."),
                )
                _lead(_("Watch it"), "monitoring", "task", task=task.id)
            case overview.Train():
                _sentence(_("Nothing was trained here yet."), _("Eight short steps, each with a default that works."))
                _lead(_("New training"), "add_circle", "project")


def _sentence(first: str, second: str) -> None:
    st.markdown(f"**{plain(first)}** {plain(second)}", width="stretch")


def _lead(label: str, icon: str, screen: str, *, key: str = "next-go", **query: object) -> None:
    st.button(
        label,
        type="primary",
        icon=f":material/{icon}:",
        key=key,
        on_click=screens.go,
        args=(screen,),
        kwargs=query,
    )


# What runs and what has ended, refreshing while anything is on its way.


def _last_visit() -> datetime | None:
    try:
        return VisitStore(connection.home() / "visits.json").come(connection.server_name(), CLOCK.now())
    except StorageError:  # a full disk is told where something of worth is kept
        return None


def _draw_tasks(since: datetime | None, *, active: bool) -> None:
    try:
        tasks = listed(lookups.newest_tasks(connection.workspace_id())[:_LOOKED_AT])
    except AppError as error:
        draw_stale(error, _("The list is tried again."))
        return
    running = [task for task in tasks if not task.status.is_terminal]
    ended = ended_since(tasks, since)
    if running:
        st.header(_("Running or waiting: {count}").format(count=formatting.count(len(running))), anchor=False)
        draw_task_rows(running, "task-list-running")
    if ended:
        st.header(_("Ended last") if since is None else _("Ended since your last visit"), anchor=False)
        draw_task_rows(ended[:_MOST_ENDED], "task-list-ended")
        if len(ended) > _MOST_ENDED:
            screens.link(
                "tasks",
                _("{count} more in the list of tasks").format(count=formatting.count(len(ended) - _MOST_ENDED)),
                "list_alt",
            )
    elif not running:
        if since is None:
            st.caption(_("Nothing runs, and nothing has ended."))
        else:
            visit = formatting.recent(since, CLOCK.now())
            st.caption(_("Nothing runs, and nothing has ended since your last visit, {moment}.").format(moment=visit))
    # Only a run of the whole page can take run_every away, and it knows the new experiments.
    if active and not running:
        st.rerun()


def ended_since(tasks: Sequence[Task], since: datetime | None) -> tuple[Task, ...]:
    """Return the tasks that ended after a moment, last ended first; all of them at the first visit."""
    ended = [
        (task.finished_at, task)
        for task in tasks
        if task.status.is_terminal and task.finished_at is not None and (since is None or task.finished_at > since)
    ]
    return tuple(task for _when, task in sorted(ended, key=lambda pair: pair[0], reverse=True))


# The best experiments of each project.


def _draw_best(rows: Sequence[ProjectBest]) -> None:
    st.header(_("Best so far"), anchor=False)
    if not rows:
        st.caption(_("No experiment was evaluated yet. The first finished training appears here."))
        return
    with st.container(key="best-list", gap=None):
        draw_heads(_BEST_WIDTHS, _BEST_HEADS)
        names = given_names()
        for row in rows[:_MOST_PROJECTS]:
            _draw_row(row, names.get(row.best.task_id) or row.best.experiment_name)
    st.caption(_("Each on its own validation images; the comparison says whether a difference is more than luck."))


def _draw_row(row: ProjectBest, name: str) -> None:
    key = f"{row.project_id}-{row.best.task_id}"
    with st.container(key=f"task-row-best-{key}"):
        cells = st.columns(_BEST_WIDTHS, vertical_alignment="center")
    cells[0].markdown(plain(row.project))
    with cells[1]:
        screens.link("task", plain(name), task=row.best.task_id)
    figure, score = row.best.score or ("", None)
    cells[2].markdown(f"**{formatting.metric(score)}** :small[:gray[{plain(figure)}]]")
    cells[3].markdown(formatting.count(len(row.ranked)))
    with cells[4]:
        if len(row.pair) > 1:
            screens.link("compare", _("Compare"), "compare_arrows", ids=",".join(map(str, row.pair)))
