"""What can follow a training that is over: going on with it, repeating it, building on it, trying it with less memory.

Repeating and building on it use the states of the official SDK (``rerun_from_task_id`` and ``finetune``, contract
section 3.2); ``resume`` is an extension of the embedded platform.
"""

from collections.abc import Mapping
from typing import Literal

from core.api.client import SuperviselyClient
from core.api.resources.tasks import StartRequest
from core.domain.ids import TaskId
from core.domain.task import ExitCause, Task, TaskStatus
from core.errors import StateError
from core.launch.launcher import send
from core.launch.safer_settings import SaferSetting, safer_setting


def resume(client: SuperviselyClient, task: Task) -> TaskId:
    """Go on with a training that ended before its last epoch, as a new task.

    Raises:
        StateError: It cannot go on on this server.
        ApiError: The server refused, or could not be asked.
    """
    if not task.can_resume:
        msg = f"Task {task.id} cannot be resumed: the server keeps no checkpoint to go on from."
        raise StateError(msg, "Start it again from the beginning.")
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

    Args:
        client: The server.
        task: The training.
        safer: A setting to change, see :func:`safer_retry`.

    Raises:
        StateError: The server does not say with what the task was started.
        ApiError: The server refused, or could not be asked.
    """
    state = task.settings or task.params or {}
    gui_state = state.get("guiState")
    if not isinstance(gui_state, Mapping):
        msg = f"The settings of task {task.id} are not known."
        raise StateError(msg, "Start a new training and choose the settings.")
    changed = {**gui_state, "start_training": True}
    if safer is not None:
        changed["hyperparameters"] = safer.hyperparameters
    return send(client, _request(task, {**state, "guiState": changed}))


def safer_retry(task: Task) -> SaferSetting | None:
    """Return what to change so that a training that ran out of memory needs less; ``None`` for other tasks."""
    if task.exit_report is None or task.exit_report.cause is not ExitCause.OUT_OF_MEMORY:
        return None
    gui_state = (task.settings or task.params or {}).get("guiState")
    text = gui_state.get("hyperparameters") if isinstance(gui_state, Mapping) else None
    return safer_setting(text) if isinstance(text, str) else None


def is_repeatable(task: Task) -> bool:
    """Return whether a task is a training that left an experiment, so that it can be repeated and built upon."""
    experiment = (task.output or {}).get("experiment")
    return task.status is TaskStatus.FINISHED and task.project_id is not None and experiment is not None


def can_start_over(task: Task) -> bool:
    """Return whether a task is a training over which its own settings are known."""
    return task.status.is_terminal and settings_known(task)


def settings_known(task: Task) -> bool:
    """Return whether a task is a training that says with what it was started."""
    return isinstance((task.settings or task.params or {}).get("guiState"), Mapping)


def _repeat(client: SuperviselyClient, task: Task, mode: Literal["new", "continue", "resume"]) -> TaskId:
    if task.project_id is None:
        msg = f"Task {task.id} is no training, so it cannot be repeated."
        raise StateError(msg, "Open a training.")
    state = {"trainTaskId": int(task.id), "trainMode": mode, "slyProjectId": int(task.project_id)}
    return send(client, _request(task, state))


def _request(task: Task, state: Mapping[str, object]) -> StartRequest:
    if task.module_id is None or task.workspace_id is None:
        msg = f"The server does not say which app task {task.id} is a session of."
        raise StateError(msg, "Start a new training.")
    return StartRequest(
        module_id=task.module_id,
        workspace_id=task.workspace_id,
        agent_id=None,  # the first one that is free
        state=state,
        description=task.description,
    )
