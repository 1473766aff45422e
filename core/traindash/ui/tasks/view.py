"""The page of one task: what it does, how it goes, what came out of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from traindash import formatting
from traindash.comparison.charts.drawing import View
from traindash.comparison.charts.semantic import draw_overlap
from traindash.comparison.experiment import ComparedExperiment, Comparison, Missing
from traindash.comparison.export_scores import RUNTIMES, score_problem, score_words
from traindash.datasets.shape_fit import SEGMENTATION
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import ProjectId, TaskId
from traindash.domain.task import Task, TaskStatus
from traindash.errors import AppError, InputError, NotFoundError
from traindash.experiments.overview import mates_of
from traindash.language import N_
from traindash.language import gettext as _
from traindash.server_texts import told
from traindash.steady_clock import CLOCK
from traindash.supervisely.errors import MissingError
from traindash.supervisely.experiments import experiment_of_output
from traindash.tasks.again import settings_known
from traindash.tasks.model_comparison import report_link
from traindash.tasks.progress import TaskProgress
from traindash.tasks.task_watcher import TaskWatch, lacks_result, result_is_due
from traindash.ui import connection, lookups, screens, theme
from traindash.ui.comparison.charts import draw_drawing
from traindash.ui.errors import draw_empty_page, draw_stale, titled
from traindash.ui.experiments.data import load_semantic
from traindash.ui.experiments.index import given_names, look
from traindash.ui.lazy_part import draw_folded
from traindash.ui.series.view import draw_series_list, series_need_work
from traindash.ui.tasks.actions import ask_to_stop, draw_follow_ups
from traindash.ui.tasks.files import draw_best_download, draw_file_list, draw_usage
from traindash.ui.tasks.live import LiveState
from traindash.ui.tasks.removal import draw_is_removed, draw_removed_tasks, draw_task_menu, draw_tidying, listed
from traindash.ui.tasks.serving import draw_deploy_button, is_serving, look_of, serving_words
from traindash.ui.tasks.text import (
    can_end_after_epoch,
    duration,
    fraction,
    model_name,
    result_text,
    sentence,
    task_title,
)
from traindash.ui.theme import plain
from traindash.ui.trying.models import link as try_link
from traindash.ui.widgets import draw_heads, page_of
from traindash.ui.wizard.again import draw_again_menu

_TAIL_ROWS = 30
_LOOK_AGAIN = "2s"
_SHORT_HASH = 8
_ABOUT_CHANGE = N_("Opens its settings at what you want to change. The changed training takes its place as a new task.")
_EVERY = "3s"
_SEEN_SECONDS = 2.5  # less than that: the next tick shall find something new
_PER_PAGE = 15
_NOTHING = 0.0005  # a mAP that is written as 0.000
_WIDTHS = [1.5, 3.9, 1.0, 1.1, 1.2, 3.0]
_HEADS = (N_("Status"), N_("Task"), N_("Agent"), N_("Started"), N_("Duration"), N_("Progress or result"))

# The settings a task runs with, as they were fixed when it was taken in.


def draw_settings(task: Task) -> None:
    """Draw the settings, folded; nothing where the server does not say them."""
    state = task.settings or task.params
    if not state:
        return
    draw_folded("settings", _("Settings of this task"), "lock", lambda: _draw_settings(task, state))


def _draw_settings(task: Task, state: Mapping[str, object]) -> None:
    if task.config_hash:
        st.caption(_("Fixed when the task was taken in: what is shown is what runs. SHA-256 of the settings:"))
        st.code(task.config_hash, language=None, wrap_lines=True)
    gui_state = state.get("guiState")
    # Empty in an app that waits for its settings; after the end it stands beside "Start again".
    if gui_state and not task.status.is_terminal:
        draw_again_menu(task.id)
    if isinstance(gui_state, Mapping) and isinstance(text := gui_state.get("hyperparameters"), str):
        st.markdown(_("Hyperparameters"))
        st.code(text, language="yaml", height=300)
        state = {**state, "guiState": {**gui_state, "hyperparameters": _("as above")}}
    st.markdown(_("Everything else"))
    st.code(json.dumps(state, indent=2, ensure_ascii=False, default=str), language="json", height=300)


# What a task left behind when it is over: the experiment and its files, or the reason of the failure.


def draw_end(live: LiveState) -> None:
    """Draw what a task left and what can follow it; nothing before it is over."""
    progress, task = live.progress, live.progress.task
    if not task.status.is_terminal:
        return
    _draw_late_result(live.watch, progress)
    if task.status is TaskStatus.ERROR or (task.exit_report and task.status is TaskStatus.STOPPED):
        _draw_reason(progress)
    experiment = experiment_of_output(task.output)
    if experiment is not None:
        _draw_experiment(experiment)
    _draw_labels(task)
    link = report_link(task, connection.address())
    if link is not None and experiment is None:  # the result of an experiment names its report itself
        st.link_button(_("Open the report"), link, icon=":material/open_in_new:", type="primary")
    draw_follow_ups(task)


def _draw_labels(task: Task) -> None:
    """Draw what a labelling task has made, and the way to its review."""
    match (task.output or {}).get("labelling"):
        case {"data": {"project_id": int(project), "made": int(made), "images": int(images), "model": str(model)}}:
            with st.container(border=True, key="task-labels"):
                st.header(_("Labels"), anchor=False)
                st.markdown(
                    plain(
                        _("{model} found {objects} on {images}.").format(
                            model=model,
                            objects=formatting.plural(made, "object", "objects"),
                            images=formatting.plural(images, "image", "images"),
                        )
                    )
                )
                with st.container(horizontal=True):
                    screens.link("review", _("Review the labels"), "rule", project=project, run=task.id)
                    screens.link("manage", _("The project"), "folder_open", of=project)
        case _:
            pass


def _draw_late_result(watch: TaskWatch, progress: TaskProgress) -> None:
    """Say that the server names no result of a finished training (yet), and look again as long as it may come."""
    # docs/supervisely-api.md 12.5: the record may come after the status.
    if result_is_due(progress.task, CLOCK.now()):
        st.fragment(_wait_for_result, run_every=_LOOK_AGAIN)(watch, progress)
    elif lacks_result(progress.task):
        st.info(
            _(
                "The server names no result of this training. Its files may lie in Team Files, below /experiments; "
                "the log tells what was uploaded."
            ),
            icon=":material/info:",
        )


def _wait_for_result(watch: TaskWatch, before: TaskProgress) -> None:
    try:
        task = watch.refresh().task
    except AppError as error:
        st.warning(plain(str(error)), icon=":material/sync_problem:")
        return
    if task.output != before.task.output or not result_is_due(task, CLOCK.now()):
        st.rerun()
    st.info(_("The training is finished; its result is on its way from the server."), icon=":material/hourglass_top:")


def _draw_reason(progress: TaskProgress) -> None:
    report = progress.task.exit_report
    failed = progress.task.status is TaskStatus.ERROR
    message = told(report.message) if report else _("The server does not say why the task ended.")
    hint = told(report.hint) if report else _("Look at the last lines of the log.")
    text = f"**{plain(message)}**  \n{plain(hint)}"
    if failed:
        st.error(text, icon=":material/error:")
    else:
        st.warning(text, icon=":material/stop_circle:")
    # Supervisely gives no cause of a failure: the end of the log is the best there is.
    tail = report.log_tail if report and report.log_tail else tuple(row.message for row in progress.log[-_TAIL_ROWS:])
    if failed and tail:
        with st.expander(_("Last lines of the log"), icon=":material/terminal:"):
            st.code("\n".join(tail), language=None, wrap_lines=True)


def _draw_experiment(experiment: ExperimentInfo) -> None:
    with st.container(border=True, key="task-result"):
        st.header(_("Result"), anchor=False)
        is_random = experiment.random_initialization
        start = _("random initialisation") if is_random else experiment.base_checkpoint or _("published weights")
        model = f"{experiment.framework_name} {experiment.model_name}"
        st.caption(
            plain(
                _("Experiment “{experiment}” · {model} · started from {start}").format(
                    experiment=experiment.experiment_name, model=model, start=start
                )
            )
        )
        with st.container(horizontal=True, gap="large", key="task-figures"):
            for name, title in _figures(experiment):
                if (value := experiment.evaluation_metrics.get(name)) is not None:
                    st.metric(title, formatting.metric(value), width="content")
            for runtime, score in experiment.export_scores.items():
                title = _("{metric} of the {format} file").format(
                    metric=score.metric, format=RUNTIMES.get(runtime, runtime)
                )
                st.metric(title, formatting.metric(score.score), width="content", help=score_words(runtime, score))
        for runtime, score in experiment.export_scores.items():
            if problem := score_problem(runtime, score):
                st.warning(plain(problem), icon=":material/warning:")
        if experiment.is_semantic and experiment.evaluation_report_id is not None:
            _draw_classes(experiment)
        if (found := experiment.evaluation_metrics.get("mAP")) is not None and found < _NOTHING:
            st.info(
                _(
                    "On the validation images it finds next to nothing that fits. More epochs help as long as the "
                    "curves below still move."
                ),
                icon=":material/info:",
            )
        if not experiment.evaluation_metrics:
            st.info(
                _("This training was not evaluated, so it has no metrics on the validation images."),
                icon=":material/info:",
            )
        files = connection.client().files.list(connection.team_id(), experiment.artifacts_dir)
        with st.container(horizontal=True, vertical_alignment="center"):
            draw_best_download(experiment, files)
            draw_deploy_button(experiment)
            try_link([experiment.task_id], _("Try on a picture"))
            screens.link("label", _("Label images"), "label", task=experiment.task_id)
            screens.link("handover", _("Choose and hand over"), "inventory_2", task=experiment.task_id)
        with st.container(horizontal=True, vertical_alignment="center"):
            _draw_compare(experiment)
            screens.link("compare", _("Charts and images"), "photo_library", ids=experiment.task_id)
            if experiment.evaluation_report_link:
                st.link_button(
                    _("Evaluation report"),
                    experiment.evaluation_report_link,
                    icon=":material/article:",
                    type="tertiary",
                )
        draw_usage(experiment)
        draw_folded("files", _("Files"), "folder", lambda: draw_file_list(experiment, files))


def _figures(experiment: ExperimentInfo) -> tuple[tuple[str, str], ...]:
    """Return the figures that are shown first, by their names in the record: those that such a model is measured by."""
    if experiment.is_semantic:
        return (
            ("mIoU", "mIoU"),
            ("mBoundaryIoU", _("Boundary IoU")),
            ("PixelAcc", _("Pixel accuracy")),
            ("mF1_score", "F1"),
        )
    by_mask = experiment.task_type == SEGMENTATION
    return (
        ("mAP", _("Mask mAP") if by_mask else "mAP"),
        ("box_mAP", _("Box mAP")),
        ("AP50", _("Mask AP50") if by_mask else "AP50"),
        ("f1", _("F1 (Supervisely)")),
    )


def _draw_classes(experiment: ExperimentInfo) -> None:
    """Draw the IoU of every class of a semantic segmentation, or why it is not known."""
    found = load_semantic(experiment)
    if isinstance(found, Missing):
        st.caption(plain(_("The figures of its classes are not known: it {reason}.").format(reason=found.words)))
        return
    shown = Comparison(
        experiments=(
            ComparedExperiment(
                key=str(experiment.task_id), label=experiment.experiment_name, info=experiment, semantic=found
            ),
        )
    )
    st.markdown(_("**IoU of each class**"))
    draw_drawing(draw_overlap(shown, View()), "task-classes")


def _draw_compare(experiment: ExperimentInfo) -> None:
    """Draw the way to the comparison that tells most: with its series, its origin, or the best of its project."""
    server, task_id = connection.server_name(), experiment.task_id
    place = connection.series().place_of(server, task_id)
    drafts = (draft for draft in connection.drafts().drafts(server) if draft.task_id == task_id)
    origin = next((draft.origin.task_id for draft in drafts if draft.origin is not None), None)
    known = [entry.info for entry in look().entries if entry.info is not None]
    mates = mates_of(experiment, known, series=place[0].task_ids if place else (), base=origin)
    if mates is None:
        screens.link("experiments", _("All experiments"), "science")
    else:
        ids = ",".join(map(str, mates.ids))
        screens.link("compare", plain(mates.title), "compare_arrows", ids=ids)


def open_task(wanted: str | None) -> LiveState:
    """Return the task that the URL names as it is now, followed by this tab from now on.

    Raises:
        InputError: It is missing or no number.
        NotFoundError: There is no such task.
    """
    with titled(_("Task")):
        if not wanted:
            raise InputError(_("No task is chosen."), _("Open one from the list of tasks."))
        if not wanted.isascii() or not wanted.isdigit():
            raise InputError(_("“{text}” is no task id.").format(text=wanted), _("Open a task from the list of tasks."))
        task_id = TaskId(int(wanted))
        watch = lookups.task_watch(task_id)
        try:
            # Asked for anew, for of a task that is over a watch does not ask again, and its name may have changed.
            return LiveState(watch=watch, progress=watch.refresh(connection.client().tasks.get(task_id)))
        except MissingError as error:
            msg = _("Task {number} does not exist on this server.").format(number=task_id)
            raise NotFoundError(msg, _("Open it from the list of tasks.")) from error


def draw_header(live: LiveState) -> None:
    """Draw name and actions, and take over whether the person wants the screen to keep still."""
    task = live.progress.task
    title = given_names().get(task.id) or task_title(task)
    with st.container(key="task-back"):
        screens.link("tasks", _("All tasks"), "arrow_back")
    draw_is_removed(task)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="task-head"):
        st.title(plain(title), anchor=False)
        with st.container(horizontal=True, width="content", vertical_alignment="center", gap="medium"):
            if not task.status.is_terminal:
                live.paused = st.toggle(
                    _("Pause updates"), key=f"paused-{task.id}", help=_("Keeps the screen still; the task goes on.")
                )
                if task.status is TaskStatus.QUEUED and settings_known(task):
                    draw_again_menu(task.id, key="change", label=N_("Change"), about=_ABOUT_CHANGE)
                stopping = task.status is TaskStatus.TERMINATING
                if st.button(_("Stop"), icon=":material/stop_circle:", key="stop", disabled=stopping):
                    ask_to_stop(task, trains=can_end_after_epoch(live.progress), serves=is_serving(task))
            draw_task_menu(task, title)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="task-facts"):
        st.caption(_facts(task), width="content")
        if (found := connection.series().place_of(connection.server_name(), task.id)) is not None:
            screens.link("series", _("Series {name}").format(name=plain(found[0].name)), "stacks", series=found[0].id)


def _facts(task: Task) -> str:
    model, number = model_name(task), task.project_id
    facts = (
        _("Task {number}").format(number=task.id),
        "" if number is None else _("Project {name}").format(name=lookups.project_names().get(number, number)),
        "" if model == task_title(task) else model,
        task.agent_name,
        _("Settings {hash}").format(hash=task.config_hash[:_SHORT_HASH]) if task.config_hash else "",
    )
    return plain(" · ".join(filter(None, facts)))


# All tasks, newest first, refreshing while anything is on its way.


def draw_task_list() -> None:
    """Draw the page below its title."""
    tasks = _tasks()
    # Polling stops by itself: a fragment without run_every runs with the page alone.
    active = series_need_work() or any(not task.status.is_terminal for task in tasks)
    st.fragment(_list, run_every=_EVERY if active else None)(active)


def _tasks() -> tuple[Task, ...]:
    return lookups.newest_tasks(connection.workspace_id())


def _list(active: bool) -> None:  # noqa: FBT001 - a fragment takes plain arguments
    try:
        tasks = _tasks()
    except AppError as error:
        draw_stale(error, _("The list is tried again."))
        return
    draw_series_list(tasks)
    if not tasks:
        draw_empty_page(
            _("No task yet"),
            _("A task appears here as soon as you start a training."),
            next_step=_("New training"),
            icon="add_circle",
            screen="project",
        )
        return
    known = listed(tasks)
    _first, shown = page_of(known, _PER_PAGE, "task-page")
    draw_task_rows(shown, "task-list")
    draw_tidying(known)
    draw_removed_tasks(tasks)
    # Only a run of the whole page can take run_every away.
    if active and all(task.status.is_terminal for task in tasks) and not series_need_work():
        st.rerun()


def draw_task_rows(tasks: Sequence[Task], key: str) -> None:
    """Draw a line for each task below the heads; the key is unique on the page and begins with ``task-list``."""
    projects, names = lookups.project_names(), given_names()
    with st.container(key=key, gap=None):
        draw_heads(_WIDTHS, _HEADS)
        for task in tasks:
            _row(task, projects, names.get(task.id) or task_title(task))


def _row(task: Task, projects: dict[ProjectId, str], title: str) -> None:
    with st.container(key=f"task-row-{task.id}"):
        cells = st.columns(_WIDTHS, vertical_alignment="center")
        with cells[0]:
            theme.status_badge(look_of(task))
        with cells[1], st.container(key=f"task-name-{task.id}"):
            screens.link("task", plain(title), task=task.id)
            model = "" if model_name(task) == title else model_name(task)
            project = (
                projects.get(task.project_id, _("Project {name}").format(name=task.project_id))
                if task.project_id
                else ""
            )
            st.caption(plain(" · ".join(filter(None, (_("Task {number}").format(number=task.id), model, project)))))
        cells[2].markdown(plain(task.agent_name or formatting.MISSING))
        cells[3].markdown(plain(formatting.recent(task.started_at, CLOCK.now())))
        cells[4].markdown(duration(task))
        with cells[5]:
            _progress(task)


def _progress(task: Task) -> None:
    if task.status is TaskStatus.ERROR and task.exit_report:
        st.caption(plain(told(task.exit_report.message)))
        return
    if task.status is TaskStatus.QUEUED or task.status.is_terminal:
        st.caption(plain(result_text(task) or sentence(TaskProgress(task=task))))
        return
    if is_serving(task):
        with st.container(
            horizontal=True,
            vertical_alignment="center",
            horizontal_alignment="distribute",
            gap="small",
            key=f"task-serves-{task.id}",
        ):
            st.caption(plain(serving_words(task)), width="content")
            if st.button(_("Stop"), icon=":material/stop_circle:", type="tertiary", key=f"stop-{task.id}"):
                ask_to_stop(task, serves=True)
        return
    try:
        progress = lookups.task_watch(task.id).refresh(task, within=_SEEN_SECONDS)
    except AppError:
        progress = TaskProgress(task=task)
    # Without the batch, which changes every second: the list refreshes every three.
    st.progress(fraction(progress), text=plain(sentence(replace(progress, step=None))))
