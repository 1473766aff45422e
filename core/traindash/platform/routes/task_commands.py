"""Commands to the app of a task (``tasks.request.direct``).

Our apps have no web server of their own: the platform answers from the task and its log what the training app of
Supervisely answers (docs/supervisely-api.md 6.1). ``stop_after_epoch`` is ours.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from traindash.domain.ids import TaskId
from traindash.domain.task import TaskStatus
from traindash.errors import NotFoundError, StateError
from traindash.platform.parts import Services
from traindash.platform.routes.endpoint import ApiContext, InThread, StreamMethod, read_object
from traindash.platform.store.tasks import TaskRecord
from traindash.platform.tasks.log import LiveInfo
from traindash.platform.wire import Body, Id, checked, json_response
from traindash.training.runs.events import EventWriter, Phase

_NAME = "tasks.request.direct"
_POLL_SECONDS = 0.5
_DEFAULT_WAIT_SECONDS = 60.0
_LONGEST_WAIT_SECONDS = 24 * 3600.0
_STAGES: Mapping[str, str] = {
    Phase.PREPARING_DATA: "data preparation",
    Phase.UPLOADING: "finalizing and uploading training artifacts",
}


class _Request(Body):
    task_id: Id
    command: str
    state: dict[str, Any] | None = None
    skip_response: bool | None = False
    timeout: Annotated[float, Meta(ge=0)] | None = None

    @property
    def starts_training(self) -> bool:
        """Whether it is ``train_from_api``."""
        return self.command.strip("/") == "train_from_api"

    @property
    def waits(self) -> bool:
        """Whether the client wants the answer when the training is over."""
        return self.starts_training and (self.state or {}).get("wait") is not False and not self.skip_response


async def _direct(api: ApiContext, request: Request, in_thread: InThread) -> Response:
    body = checked(_NAME, _Request, await read_object(request))
    given = await in_thread(lambda: _answer(api, body))
    if body.waits:
        given = await _wait(api, body, in_thread) or given
    return json_response({} if body.skip_response else given)


def _answer(api: ApiContext, body: _Request) -> dict[str, object]:
    task = api.services.tasks.get(TaskId(body.task_id))
    command = _COMMANDS.get(body.command.strip("/"))
    if command is None:
        msg = f"The app of task {task.id} has no command {body.command!r}."
        raise NotFoundError(msg, f"It has: {', '.join(_COMMANDS)}.")
    return command(api, task, body.state or {})


async def _wait(api: ApiContext, body: _Request, in_thread: InThread) -> dict[str, object] | None:
    """Wait for the end of a training as long as the client does, holding no thread; ``None`` if it takes longer."""
    wanted = _DEFAULT_WAIT_SECONDS if body.timeout is None else body.timeout
    deadline = time.monotonic() + min(wanted, _LONGEST_WAIT_SECONDS)
    while time.monotonic() < deadline:
        if (outcome := await in_thread(lambda: _outcome(api, body))) is not None:
            return outcome
        await asyncio.sleep(_POLL_SECONDS)
    return None


def _outcome(api: ApiContext, body: _Request) -> dict[str, object] | None:
    task = api.services.tasks.get(TaskId(body.task_id))
    match task.status:
        case TaskStatus.FINISHED:
            return {"result": "model was successfully trained"}
        case TaskStatus.ERROR | TaskStatus.STOPPED:
            return {"result": train_status(api.services, task) or f"the training ended as {task.status.value}"}
        case _:
            return None


def train_status(services: Services, task: TaskRecord) -> str:
    """Return the sentence that a training app answers to ``train_status``; empty when it has nothing to say."""
    live = services.logs.live(services.layout.run(task.id))
    match task.status:
        case TaskStatus.ERROR:
            stage = _STAGES.get(live.phase or "", "training" if live.phase else "training initialization")
            text = f"Error occurred during {stage}. Please check the logs for more details."
            report = task.exit_report
            return text if report is None else f"{text} {report.message} {report.hint}".strip()
        case TaskStatus.STARTED | TaskStatus.TERMINATING:
            if live.phase is not None:
                return f"Status: {live.phase_text}"
            return "Training has been started..." if task.autostart and task.queue_order == 0 else ""
        case _:
            return ""


def _is_running(_api: ApiContext, _task: TaskRecord, _state: Mapping[str, object]) -> dict[str, object]:
    """True from the start on and for ever: the SDK takes anything else for "not ready" and waits 100 seconds."""
    return {"running": True, "mode": "production"}


def _is_ready(_api: ApiContext, _task: TaskRecord, _state: Mapping[str, object]) -> dict[str, object]:
    return {"status": "ready"}


def _train_status(api: ApiContext, task: TaskRecord, _state: Mapping[str, object]) -> dict[str, object]:
    return {"status": train_status(api.services, task)}


def _train_from_api(api: ApiContext, task: TaskRecord, state: Mapping[str, object]) -> dict[str, object]:
    api.admission.release(task.id, state.get("app_state"))
    api.control.wake()
    return {"result": "model training started"}


def _stop_after_epoch(api: ApiContext, task: TaskRecord, _state: Mapping[str, object]) -> dict[str, object]:
    run = api.services.layout.run(task.id)
    if task.kind != "train" or task.status is not TaskStatus.STARTED or not run.process.is_file():
        msg = f"Task {task.id} is not training; it is {task.status.value}."
        raise StateError(msg, "Only a running training can end after its epoch.")
    if not run.stop_after_epoch.exists():
        run.stop_after_epoch.touch()
        EventWriter(run.platform_events).log("Ends after this epoch, as you asked.")
    return {"result": "the training ends after this epoch"}


def _data(api: ApiContext, task: TaskRecord, _state: Mapping[str, object]) -> dict[str, object]:
    kept = api.services.app_data.get(task.id).get("data")
    widgets = _widgets(api.services.logs.live(api.services.layout.run(task.id)))
    return {**kept, **widgets} if isinstance(kept, dict) else widgets


def _widgets(live: LiveInfo) -> dict[str, object]:
    """Return the progress bars as the widgets of a real app hold them; the first one counts epochs."""
    order = sorted(live.progress, key=lambda name: {"Epochs": 0, "Steps": 1}.get(name, 2))
    return {f"ProgressAutoId{number}": _bar(name, *live.progress[name]) for number, name in enumerate(order, start=1)}


def _bar(name: str, current: int, total: int) -> dict[str, object]:
    return {
        "percent": 0 if total <= 0 else round(100 * min(current, total) / total),
        "info": f"{current} / {total}",
        "message": name,
        "status": "success" if 0 < total <= current else None,
        "n": current,
        "hide": False,
    }


def _app_state(_api: ApiContext, task: TaskRecord, _state: Mapping[str, object]) -> dict[str, object]:
    state = task.params.get("state")
    return dict(state) if isinstance(state, dict) else {}


_COMMANDS: Mapping[str, Callable[[ApiContext, TaskRecord, Mapping[str, object]], dict[str, object]]] = {
    "is_running": _is_running,
    "is_ready": _is_ready,
    "train_status": _train_status,
    "train_from_api": _train_from_api,
    "stop_after_epoch": _stop_after_epoch,
    "sly/data": _data,
    "sly/state": _app_state,
}

METHODS = (StreamMethod(_NAME, _direct),)
