"""What can follow a training that is over: going on with it, repeating it, building on it, trying it with less memory.

Repeating and building on it use the states of the official SDK (``rerun_from_task_id`` and ``finetune``,
docs/supervisely-api.md 3.2); ``resume`` is an extension of the embedded platform.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from traindash.domain.app_state import RepeatState, StartRequest
from traindash.domain.ids import TaskId
from traindash.domain.plan import TrainingPlan
from traindash.domain.task import ExitCause, Task, TaskStatus
from traindash.errors import StateError
from traindash.formatting import setting
from traindash.frameworks.hyperparameter_text import with_values
from traindash.frameworks.registry import framework_of_app, roles_of
from traindash.frameworks.spec import Role
from traindash.language import gettext as _
from traindash.plans.hyperparameters import read_text
from traindash.plans.series import Replaced, SeriesPlace
from traindash.plans.splits import with_fixed_split
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.tasks import start_request
from traindash.tasks.launcher import launch, send
from traindash.tasks.series_record import Series, SeriesStore, with_plan

# What is made smaller when memory runs out, with the least that is worth trying. The batch first: it costs time, a
# smaller image costs accuracy
_SAFER: tuple[tuple[Role, int], ...] = (("batch", 1), ("image_size", 64))


@dataclass(frozen=True, slots=True, kw_only=True)
class SaferSetting:
    """A change that makes a training need less memory."""

    name: str  # path of the hyperparameter
    before: object  # its value so far: a whole number, or a list of them
    after: object  # its new value
    hyperparameters: str  # the whole YAML text with the new value; everything else in it, comments too, is as it was

    @property
    def words(self) -> str:
        """The new value, in words."""
        return f"{self.name} {setting(self.after)}"

    @property
    def sentence(self) -> str:
        """What changes, for people."""
        return _("The same settings with {changed} instead of {before} need less memory.").format(
            changed=self.words, before=setting(self.before)
        )


def safer_setting(hyperparameters: str, framework: str | None) -> SaferSetting | None:
    """Return the next thing to try after a training ran out of memory: half the batch, then smaller images.

    ``None`` when neither can be made smaller, or neither is a whole number there.
    """
    values = read_text(hyperparameters).values
    roles = roles_of(framework, values)
    for role, least in _SAFER:
        name, less = roles.key(role), roles.halved(values, role, least)
        if name is not None and less is not None:
            text = with_values(hyperparameters, {name: less})
            return SaferSetting(name=name, before=values[name], after=less, hyperparameters=text)
    return None


def resume(client: SuperviselyClient, task: Task) -> TaskId:
    """Go on with a training that ended before its last epoch, as a new task.

    Raises:
        StateError: It cannot go on on this server.
        ApiError: The server refused, or could not be asked.
    """
    if not task.can_resume:
        msg = _("Task {id} cannot be resumed: the server keeps no checkpoint to go on from.").format(id=task.id)
        raise StateError(msg, _("Start it again from the beginning."))
    return _repeat(client, task, "resume")


def rerun(client: SuperviselyClient, task: Task) -> TaskId:
    """Train once more with the settings of a finished training, from the same start.

    Raises:
        StateError: The task is no training that can be repeated.
        ApiError: The server refused, or could not be asked.
    """
    return _repeat(client, task, "new")


def fine_tune(client: SuperviselyClient, task: Task) -> TaskId:
    """Train on from the best checkpoint of a finished training, with its settings. Errors as :func:`rerun`."""
    return _repeat(client, task, "continue")


def start_over(client: SuperviselyClient, task: Task, safer: SaferSetting | None = None) -> TaskId:
    """Start the settings of any training anew, which needs no experiment.

    A setting to change is that of :func:`safer_retry`.

    Raises:
        StateError: The server does not say with what the task was started.
        ApiError: The server refused, or could not be asked.
    """
    if not settings_known(task):
        msg = _("The settings of task {id} are not known.").format(id=task.id)
        raise StateError(msg, _("Start a new training and choose the settings."))
    # A task that waited for its button would otherwise wait again.
    changed = {**task.gui_state, "start_training": True}
    if safer is not None:
        changed["hyperparameters"] = safer.hyperparameters
    return send(client, _request(task, {**task.state, "guiState": changed}))


def safer_retry(task: Task) -> SaferSetting | None:
    """Return what to change so that a training that ran out of memory needs less; ``None`` for other tasks."""
    if task.exit_report is None or task.exit_report.cause is not ExitCause.OUT_OF_MEMORY:
        return None
    return (
        None if task.hyperparameters is None else safer_setting(task.hyperparameters, framework_of_app(task.app_name))
    )


def is_repeatable(task: Task) -> bool:
    """Return whether a task is a training that left an experiment, so that it can be repeated and built upon."""
    # The record may come later than the status, or never (docs/supervisely-api.md 12.5).
    experiment = (task.output or {}).get("experiment")
    return task.status is TaskStatus.FINISHED and task.project_id is not None and experiment is not None


def can_start_over(task: Task) -> bool:
    """Return whether a task is a training over which its own settings are known."""
    return task.status.is_terminal and settings_known(task)


def settings_known(task: Task) -> bool:
    """Return whether a task is a training that says with what it was started."""
    return bool(task.gui_state)


def _repeat(client: SuperviselyClient, task: Task, mode: Literal["new", "continue", "resume"]) -> TaskId:
    if task.project_id is None:
        raise StateError(
            _("Task {id} is no training, so it cannot be repeated.").format(id=task.id), _("Open a training.")
        )
    state = RepeatState(task_id=task.id, mode=mode, project_id=task.project_id)
    return send(client, _request(task, msgspec.to_builtins(state)))


def _request(task: Task, state: Mapping[str, object]) -> StartRequest:
    if task.module_id is None or task.workspace_id is None:
        raise StateError(
            _("The server does not say which app task {id} is a session of.").format(id=task.id),
            _("Start a new training."),
        )
    return start_request(
        module_id=task.module_id,
        workspace_id=task.workspace_id,
        agent_id=None,  # the first one that is free
        state=state,
        description=task.description,
    )


# A changed training in the place of one that failed, or that still waits in a queue.
#
# What was frozen when a task was taken in is never changed: the waiting task is taken back, and the changed settings
# run as a new task with a hash of their own.


def replace_task(client: SuperviselyClient, task_id: TaskId, plan: TrainingPlan) -> TaskId:
    """Start a plan in the place of a task that waits in a queue, at the end of that queue.

    The new task is there before the old one is taken back, so that nothing is lost if it is refused.

    Raises:
        StateError: The old task has begun to work.
        AppError: As :func:`traindash.tasks.launcher.launch`.
    """
    _check_waits_or_over(client, task_id)
    # The new one first: if it is refused, the old one still waits.
    started = launch(client, plan)
    _take_back(client, task_id)
    return started


def replace_in_series(
    client: SuperviselyClient, store: SeriesStore, replaced: Replaced, place: SeriesPlace, plan: TrainingPlan
) -> Series:
    """Give an experiment of a series another plan; the starter of the series sends it.

    Raises:
        StateError: The experiment has begun to train, was started again, or is not in the series any more.
        InputError: Another experiment of the series has its name, or a new random split cannot be frozen.
        ApiError: The server could not be asked.
    """
    if replaced.task_id is not None:
        with_plan(store.load(place.series_id), place.key, replaced.task_id, plan)  # before anything is taken back
        _check_waits_or_over(client, replaced.task_id)
    wanted = with_fixed_split(client, plan)
    if replaced.task_id is not None:
        _take_back(client, replaced.task_id)
    return store.update(place.series_id, lambda kept: with_plan(kept, place.key, replaced.task_id, wanted))


def _check_waits_or_over(client: SuperviselyClient, task_id: TaskId) -> None:
    """Check that a task can give way.

    Raises:
        StateError: It works.
        ApiError: The server could not be asked.
    """
    status = client.tasks.get(task_id).status
    if status is not TaskStatus.QUEUED and not status.is_terminal:
        raise StateError(
            _("Task {task_id} has begun to work.").format(task_id=task_id), _("Let it go on, or stop it first.")
        )


def _take_back(client: SuperviselyClient, task_id: TaskId) -> None:
    if not client.tasks.get(task_id).status.is_terminal:
        client.tasks.stop(task_id)
