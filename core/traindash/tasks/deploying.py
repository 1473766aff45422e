"""Deploying a model: start a serving app, wait for it, have it load a checkpoint (docs/supervisely-api.md 13.2).

The app of another server may take minutes until it answers, so the wait is done by threads of this process. Nothing is
sent twice.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from msgspec import structs

from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import TaskId
from traindash.errors import AppError, StateError
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import ApiError, RequestTimeoutError
from traindash.supervisely.tasks import start_request
from traindash.tasks.launcher import TaskPlace, choose_agent, send

ATTEMPTS = 300  # looks at an app that does not answer yet
PAUSE_SECONDS = 1.0  # between two of them, as the SDK
_MOST_LETTERS = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """A model that is on its way into a serving task."""

    path: str  # in Team Files
    experiment_name: str
    problem: AppError | None = None  # why it never came


def model_path(experiment: ExperimentInfo, file: str | None = None) -> str:
    """Return where a model is in Team Files: the best checkpoint of an experiment, or a file relative to its folder."""
    return f"{experiment.artifacts_dir.rstrip('/')}/{file or f'checkpoints/{experiment.best_checkpoint}'}"


def start_serving(client: SuperviselyClient, experiment: ExperimentInfo, path: str, place: TaskPlace) -> TaskId:
    """Start the serving app of an experiment's framework; it serves nothing yet.

    Raises:
        MissingError: The server has no such app.
        LaunchUncertainError: It is not known whether the task was started.
        ApiError: The server refused, or could not be asked.
    """
    module = client.serving.module_of(experiment.framework_name)
    agent = choose_agent(client.agents.available(place.team_id)) if place.agent_id is None else place.agent_id
    title = f"{experiment.experiment_name} ({PurePosixPath(path).name})"  # as the SDK names such a task
    request = start_request(
        module_id=module.id,
        workspace_id=place.workspace_id,
        agent_id=agent,
        state={},
        description=title if len(title) <= _MOST_LETTERS else f"{title[: _MOST_LETTERS - 1]}…",
    )
    return send(client, structs.replace(request, name=title[:_MOST_LETTERS]))


class Deployments:
    """Models that are on their way into serving tasks of any server. Any thread may use it."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._lock = threading.Lock()
        self._loading: dict[tuple[str, TaskId], Loading] = {}

    def begin(self, client: SuperviselyClient, experiment: ExperimentInfo, path: str, place: TaskPlace) -> TaskId:
        """Start a serving task, and load the model into it as soon as it answers; returns the task at once.

        Raises:
            AppError: As :func:`start_serving`.
        """
        task_id = start_serving(client, experiment, path, place)
        self.load(client, task_id, experiment, path)
        return task_id

    def load(self, client: SuperviselyClient, task_id: TaskId, experiment: ExperimentInfo, path: str) -> None:
        """Load a model into a serving task as soon as it answers."""
        loading = Loading(path=path, experiment_name=experiment.experiment_name)
        with self._lock:
            self._loading[client.address, task_id] = loading
        work = threading.Thread(
            target=self._load,
            args=(client, task_id, experiment, loading),
            name=f"deploys {task_id}",
            daemon=True,
        )
        work.start()

    def of_task(self, address: str, task_id: TaskId) -> Loading | None:
        """Return the model that is on its way into a task, or why it never came; ``None`` where none is."""
        with self._lock:
            return self._loading.get((address, task_id))

    def _load(self, client: SuperviselyClient, task_id: TaskId, experiment: ExperimentInfo, loading: Loading) -> None:
        key = (client.address, task_id)
        try:
            self._wait(client, task_id)
            try:
                client.serving.deploy(task_id, experiment, loading.path)
            except RequestTimeoutError:  # it may be loading still
                self._wait_for_model(client, task_id)
        except AppError as error:
            with self._lock:
                self._loading[key] = replace(loading, problem=error)
        else:
            with self._lock:
                self._loading.pop(key, None)

    def _wait_for_model(self, client: SuperviselyClient, task_id: TaskId) -> None:
        for _ in range(ATTEMPTS):
            if client.serving.status(task_id).is_deployed:
                return
            self._sleep(PAUSE_SECONDS)
        msg = _("The app of task {task_id} has not loaded the model.").format(task_id=task_id)
        raise StateError(msg, _("Look at the log of the task, then deploy it again."))

    def _wait(self, client: SuperviselyClient, task_id: TaskId) -> None:
        for _ in range(ATTEMPTS - 1):
            try:
                if client.serving.is_running(task_id):
                    return
            except ApiError:  # an app that does not answer yet is told as an error (docs/supervisely-api.md 5.4)
                if client.tasks.get(task_id).status.is_terminal:
                    raise
            self._sleep(PAUSE_SECONDS)
        client.serving.is_running(task_id)
