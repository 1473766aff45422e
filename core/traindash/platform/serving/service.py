"""All served models of a platform: their tasks, from the start of the app to its end, and who is asked for what.

A serving task needs no free agent: it runs beside the trainings of its agent, as apps do on an agent of Supervisely,
and stays ``started`` while it serves, which is what the SDK looks for (docs/supervisely-api.md 13.1). What it serves is
kept with the task, so it goes on after a restart of this server: the process of the model is made anew when it is first
asked.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TypeVar
from uuid import uuid4

import msgspec
import psutil

from traindash.domain.experiment import ExperimentFolder
from traindash.domain.ids import TaskId
from traindash.domain.prediction import ImagePrediction, Timing, VideoFacts
from traindash.domain.task import ExitCause, ExitReport, TaskStatus
from traindash.errors import AppError, InputError, NotFoundError, StateError
from traindash.periodic_worker import PeriodicWorker
from traindash.platform.agents import LocalAgent
from traindash.platform.predictors import Limits, PredictorEndedError, PredictorProcess
from traindash.platform.services import Services
from traindash.platform.serving.deployment import Deployment, WorkerDiedError
from traindash.platform.serving.models import DeployParams, ServedModel, of_training, resolve
from traindash.platform.serving.requests import Requests
from traindash.platform.store.task_records import OpenTask, TaskRecord
from traindash.platform.tasks.supervisor import Supervisor
from traindash.training.runs.events import Level
from traindash.training.runs.predicting import GivenImage

_LOOK_SECONDS = 1.0  # between two looks at the processes
_RETRY_SECONDS = 5.0
_MOST_OVER = 20  # tasks that are over whose requests can be asked about
_KILLED = -9
_LIMITS = Limits()
_AGAIN = "Deploy the model again."
_PARAMS = "deploy"  # key of a task's settings
_T = TypeVar("_T")
_BY_PERSON = ExitReport(cause=ExitCause.STOPPED_BY_USER, message="Stopped by you.")


class Serving:
    """The served models. Any thread may use it.

    ``free_memory`` are bytes that the machine has left; tests say so themselves.
    """

    def __init__(
        self, services: Services, free_memory: Callable[[], int] = lambda: int(psutil.virtual_memory().available)
    ) -> None:
        self._services = services
        self._free_memory = free_memory
        self._lock = threading.Lock()
        self._deployments: dict[TaskId, Deployment] = {}
        self._over: dict[TaskId, Deployment] = {}  # of tasks that have ended, the newest last
        self._tokens: dict[str, TaskId] = {}
        self._named: set[TaskId] = set()  # tasks that are called by what they serve
        self._worker = PeriodicWorker("serving", self._round, retry=_RETRY_SECONDS)

    def start(self) -> None:
        """Take up what an earlier server left and begin to work."""
        for task in self._services.tasks.open_serving():
            if task.status is TaskStatus.STARTED:
                self._say(task.id, "The dashboard was restarted; the model is loaded again when it is asked.")
        self._worker.start()

    def close(self) -> None:
        """End the processes; the tasks go on at the next start. Closing twice does nothing."""
        self._worker.close()
        with self._lock:
            open_ones, self._deployments = [*self._deployments.values()], {}
        for deployment in open_ones:
            deployment.close(StateError("The server is being stopped.", "Start it again."))

    def wake(self) -> None:
        """Look for work now."""
        self._worker.wake()

    def task_of(self, token: str) -> TaskRecord:
        """Return the task with a session token.

        Raises:
            NotFoundError: There is none.
        """
        known = self._tokens.get(token)
        task = self._services.tasks.of_session(token) if known is None else self._services.tasks.get(known)
        self._tokens[token] = task.id
        return task

    def deployment(self, task: TaskRecord) -> Deployment:
        """Return what a task serves. A finished training serves its best checkpoint to whoever asks for it.

        Raises:
            StateError: It is over, or not there yet.
            NotFoundError: It is a training that has left no model.
            InputError: Its model cannot be served.
        """
        with self._lock:
            known = self._deployments.get(task.id)
        if known is not None and (task.kind == "serve" or known.death is None):
            return known
        if task.kind == "serve":
            _check_serves(task)
            params = task.settings.get(_PARAMS)
            model = None if params is None else self._resolve(task, msgspec.convert(params, DeployParams))
        elif task.kind == "train" and task.status is TaskStatus.FINISHED:
            model = of_training(self._services, task.team_id, task.id)
        else:
            msg = f"Task {task.id} serves no model; it is {task.status.value}."
            raise StateError(msg, "Deploy a checkpoint with api.nn.deploy, then ask that task.")
        made = Deployment(task.id, self._open_worker, model)
        with self._lock:
            kept = self._deployments.get(task.id)
            if kept is None or kept.death is not None:
                kept = self._deployments[task.id] = made
        if kept is not made:
            made.close(StateError("Another one was quicker."))
        return kept

    def deploy(self, task: TaskRecord, params: DeployParams) -> "Future[tuple[str, ...]]":
        """Load a model into a serving task, in place of the one it had.

        Raises:
            InputError: The model cannot be served.
            NotFoundError: There is no such model.
            StateError: The task serves nothing.
        """
        if task.kind != "serve":
            msg = f"Task {task.id} is no serving app."
            raise StateError(msg, "Start one first, as api.nn.deploy does.")
        _check_serves(task)
        model = self._resolve(task, params)
        loading = self.deployment(task).deploy(model)
        loading.add_done_callback(partial(self._deployed, task, model))
        return loading

    def requests(self, task: TaskRecord) -> Requests:
        """Return the requests of a task; also of one that is over, for whoever waits shall hear why nothing comes.

        Raises:
            StateError: Nobody has asked it since the start of this server, and it is over.
        """
        with self._lock:
            known = self._deployments.get(task.id) or self._over.get(task.id)
        return (self.deployment(task) if known is None else known).requests

    def _resolve(self, task: TaskRecord, params: DeployParams) -> ServedModel:
        framework = self._services.modules.get(task.module_id).framework
        if framework is None:
            raise NotFoundError(f"The app of task {task.id} is gone.", _AGAIN)
        return resolve(self._services, self._agent(task), framework, params)

    def _agent(self, task: TaskRecord) -> LocalAgent:
        running = self._services.agents.running(task.team_id)
        if not running:
            raise StateError("No agent is connected that could serve a model.", "Start an agent, then try again.")
        chosen = next((agent for agent in running if agent.id == task.agent_id), None)
        return chosen or max(running, key=lambda agent: agent.free_bytes)

    def _open_worker(self, model: ServedModel) -> "ProcessWorker":
        self._make_room()
        folder = self._services.layout.predictors / f"serving-{uuid4().hex}"
        return ProcessWorker(PredictorProcess(model.spec, folder, self._services.environment))

    def _make_room(self) -> None:
        """Let models go that nobody asks for, the one that rests longest first, until one more has memory.

        Raises:
            StateError: There is not enough, even so.
        """
        with self._lock:
            resting = [one for one in self._deployments.values() if one.is_loaded and one.idle_seconds]
        resting.sort(key=lambda one: one.idle_seconds)
        while (free := self._free_memory()) < _LIMITS.memory:
            if not resting:
                message = f"A model needs about {_LIMITS.memory >> 20} MB, and {free >> 20} MB are free."
                raise StateError(message, "Stop a serving task, or wait for the end of a training.")
            resting.pop().freeze()

    def _deployed(self, task: TaskRecord, model: ServedModel, loading: "Future[tuple[str, ...]]") -> None:
        error = None if loading.cancelled() else loading.exception()
        if loading.cancelled() or error is not None:
            self._say(task.id, f"{model.name} could not be deployed: {error or 'the task was stopped'}", "error")
            return
        # What the SDK starts for a checkpoint has no name of its own, and several look alike in a list
        has_name = task.request.description != task.app_name and task.id not in self._named
        title = task.request.description if has_name else f"{model.title} ({model.name})"
        self._named.add(task.id)
        self._services.tasks.change_settings(task.id, {_PARAMS: msgspec.to_builtins(model.params())}, title[:255])
        if model.path is not None:
            self._services.tasks.merge_output(task.id, {"general": _served(model.path, model.title)})
        self._say(task.id, f"{model.name} of {model.model_name} is deployed; it finds {len(loading.result())} classes.")

    def _round(self) -> float | None:
        """Look at everything once; return how long to sleep."""
        tasks = {task.id: task for task in self._services.tasks.open_serving()}
        for task in tasks.values():
            with contextlib.suppress(StateError):  # no agent is connected: the task waits for one
                self._move(task)
        with self._lock:
            deployments = dict(self._deployments)
        for task_id, deployment in deployments.items():
            deployment.look()
            serves = self._services.tasks.get(task_id).kind == "serve"
            if deployment.death is not None:
                self._end(task_id, TaskStatus.ERROR, deployment.death)
            elif task_id not in tasks and (serves or deployment.is_unused):
                self._forget(task_id)
        waits = any(task.status is TaskStatus.QUEUED for task in tasks.values())
        return _LOOK_SECONDS if deployments or waits else None

    def _move(self, task: OpenTask) -> None:
        tasks = self._services.tasks
        if task.status in {TaskStatus.QUEUED, TaskStatus.CONSUMED}:
            agent = self._agent(tasks.get(task.id))
            tasks.give_to(task.id, agent.id)
            tasks.move(task.id, TaskStatus.CONSUMED)
            tasks.move(task.id, TaskStatus.STARTED)
            self._say(task.id, f"The app runs on agent {agent.name}.")
        elif task.status is TaskStatus.TERMINATING:
            self._end(task.id, TaskStatus.STOPPED, _BY_PERSON)

    def _end(self, task_id: TaskId, status: TaskStatus, report: ExitReport) -> None:
        """End a serving task; what a finished training served is only forgotten."""
        if self._services.tasks.get(task_id).kind == "serve":
            if status is TaskStatus.ERROR:
                self._say(task_id, f"{report.message} {report.hint}".strip(), "error")
            self._services.tasks.end(task_id, status, report)
        self._forget(task_id, StateError(report.message, report.hint or _AGAIN))

    def _forget(self, task_id: TaskId, why: AppError | None = None) -> None:
        with self._lock:
            deployment = self._deployments.pop(task_id, None)
            if deployment is not None:
                self._over.pop(task_id, None)
                self._over[task_id] = deployment
                for old in list(self._over)[:-_MOST_OVER]:
                    del self._over[old]
        if deployment is not None:
            deployment.close(why or StateError(f"Task {task_id} is over.", _AGAIN))

    def _say(self, task_id: TaskId, text: str, level: Level = "info") -> None:
        run = self._services.layout.run(task_id)
        with contextlib.suppress(OSError):
            run.root.mkdir(parents=True, exist_ok=True)
            self._services.events(task_id).log(text, level)


class ProcessWorker:
    """A model in a process, as :class:`~traindash.platform.serving.deployment.Worker`; it is loaded when it is made.

    Raises:
        InputError: The file is no model that can be loaded.
        StateError: There is no process, or it ended at once.
    """

    def __init__(self, process: PredictorProcess) -> None:
        self._process = process
        try:
            self.classes = process.start()
        except AppError:
            process.close()
            raise
        self.pid = process.pid or 0

    def predict(self, images: Sequence[GivenImage]) -> Sequence[ImagePrediction]:
        """See there."""
        return self._asked(lambda: self._process.predict(images))

    def video(self, path: Path) -> VideoFacts:
        """See there."""
        return self._asked(lambda: self._process.video(path))

    def time_batch(self, images: Sequence[GivenImage], size: int) -> Timing:
        """See there."""
        return self._asked(lambda: self._process.time_batch(images, size))

    def _asked(self, ask: Callable[[], _T]) -> _T:
        if (report := self.death()) is not None:
            raise WorkerDiedError(report)
        try:
            return ask()
        except PredictorEndedError as error:
            if error.was_late:  # the next request makes it anew
                raise InputError(error.message, error.hint) from error
            raise WorkerDiedError(_report(error)) from error

    def memory(self) -> int:
        """See there."""
        return self._process.memory

    def death(self) -> ExitReport | None:
        """See there."""
        ended = self._process.look()
        return None if ended is None else _report(ended)

    def close(self) -> None:
        """See there."""
        self._process.close()


class ServingControl:
    """What routes ask of both who work on tasks, see :class:`~traindash.platform.routes.endpoint.Control`."""

    def __init__(self, supervisor: Supervisor, serving: Serving) -> None:
        self._supervisor = supervisor
        self._serving = serving

    def wake(self) -> None:
        """Look for work now."""
        self._supervisor.wake()
        self._serving.wake()

    def request_stop(self, task_id: TaskId) -> TaskStatus:
        """Stop a task; the status after it."""
        status = self._supervisor.request_stop(task_id)
        self._serving.wake()
        return status


def _check_serves(task: TaskRecord) -> None:
    """Refuse what is asked of a task that is over, or not there yet.

    Raises:
        StateError: It is.
    """
    if task.status.is_terminal:
        report = task.exit_report
        said = "" if report is None else f" {report.message}"
        raise StateError(f"Task {task.id} serves no more; it is {task.status.value}.{said}", _AGAIN)
    if task.status is not TaskStatus.STARTED:
        raise StateError(f"Task {task.id} is {task.status.value}.", "Wait until it is started.")


def _served(path: str, title: str) -> dict[str, object]:
    """Return the ``general`` output of a serving task: what it serves, and the way to where that was made."""
    training = ExperimentFolder(path=str(PurePosixPath(path).parent.parent)).task_id
    link = {} if training is None else {"titleUrl": f"/apps/sessions/{training}"}
    return {"icon": "rocket_launch", "title": title, "description": path, **link}


def _report(error: PredictorEndedError) -> ExitReport:
    cause = ExitCause.KILLED if error.exit_code == _KILLED else ExitCause.CRASHED
    return ExitReport(cause=cause, message=error.message, hint=_AGAIN, exit_code=error.exit_code)
