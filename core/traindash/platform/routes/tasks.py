"""Tasks: start, look, stop, logs, outputs."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct, field
from starlette.responses import Response

from traindash.domain.ids import AgentId, TaskId, WorkspaceId
from traindash.domain.task import ExitReport, QueueMove, TaskStatus
from traindash.errors import InputError, NotFoundError, StateError
from traindash.platform.routes.endpoint import (
    AnyMethod,
    ApiContext,
    Method,
    WaitingMethod,
    json_response,
)
from traindash.platform.routes.images import page_of_blocks
from traindash.platform.routes.serving import answer_directly
from traindash.platform.routes.workload import InThread
from traindash.platform.services import Services
from traindash.platform.serving.commands import COMMANDS
from traindash.platform.store.app_data import FieldChange, PatchStep
from traindash.platform.store.listing import Listing
from traindash.platform.store.task_records import TaskRecord
from traindash.platform.tasks.frozen import config_hash, frozen_settings
from traindash.platform.tasks.log import LiveInfo
from traindash.platform.tasks.resuming import can_resume
from traindash.platform.wire import DOCUMENT, Body, BodyBounds, ById, Count, Id, Names, Word, shortened
from traindash.training.runs.events import Phase


class _TaskList(Listing, kw_only=True):
    workspace_id: Id


class _LogDownload(ById):
    since_time: Word | None = None
    limit: Count | None = None


class _QueueMove(ById):
    to: QueueMove
    agent_id: Id | None = None


class _OutputSet(Body):
    task_id: Id
    output: Annotated[dict[Word, dict[str, Any]], Meta(min_length=1, max_length=100)]


class _StatusUpdate(ById):
    status: Word


def tasks_json(services: Services, tasks: Sequence[TaskRecord]) -> list[dict[str, Any]]:
    """Return tasks."""
    names = services.agents.names()
    login = services.accounts.user()["login"]
    return [
        _task_json(services, task, login, None if task.agent_id is None else names.get(task.agent_id)) for task in tasks
    ]


def _task_json(services: Services, task: TaskRecord, login: str, agent_name: str | None) -> dict[str, Any]:
    return {
        "id": task.id,
        "type": task.type,
        "status": task.status.value,
        "description": task.request.description,
        "size": 0,
        "attempt": task.attempt,
        "createdAt": task.created_at,
        "updatedAt": task.updated_at,
        "startedAt": task.started_at,
        "finishedAt": task.finished_at,
        "teamId": task.team_id,
        "workspaceId": task.request.workspace_id,
        "userId": task.user_id,
        "createdBy": task.user_id,
        "userLogin": login,
        "agentId": task.agent_id,
        "nodeId": task.agent_id,
        "agentName": agent_name,
        "moduleId": task.module_id,
        "settings": {},
        "meta": _task_meta(services, task),
    }


def _task_meta(services: Services, task: TaskRecord) -> dict[str, Any]:
    # Keys without content are left out: the SDK takes a null for an object and fails (docs/supervisely-api.md 5.1).
    meta: dict[str, Any] = {
        "app": {
            "id": task.module_id,
            "name": task.app_name,
            "version": task.request.app_version,
            "isBranch": False,
            "logLevel": task.request.log_level,
            "moduleId": task.module_id,
        },
        "name": task.request.name,
        "params": {"state": task.request.state},
        "sessionToken": task.session_token,
        "hasLogs": True,
        "restartPolicy": task.request.restart_policy,
    }
    if task.output:
        meta["output"] = dict(task.output)
    # What follows is ours; Supervisely has no such keys, and its clients pass over them.
    if task.exit_report is not None:
        meta["exitReport"] = _report_json(task.exit_report)
    if (settings := frozen_settings(task)) is not None:
        meta["settings"] = settings
        meta["configHash"] = config_hash(settings)
    if can_resume(services, task):
        meta["canResume"] = True
    if (position := services.tasks.queue_position(task)) is not None:
        meta["queuePosition"] = position
        meta["queueOrder"] = task.queue_order
    return meta


def _report_json(report: ExitReport) -> dict[str, Any]:
    return {
        "cause": report.cause.value,
        "message": report.message,
        "hint": report.hint,
        "exitCode": report.exit_code,
        "logTail": list(report.log_tail),
    }


def _list(api: ApiContext, body: _TaskList) -> object:
    api.services.accounts.workspace(body.workspace_id)
    page, tasks = api.services.tasks.list(WorkspaceId(body.workspace_id), body)
    return page_of_blocks(page, tasks, lambda some: tasks_json(api.services, some))


def _context(api: ApiContext, body: ById) -> object:
    task = api.services.tasks.get(TaskId(body.id))
    team = api.services.accounts.team(task.team_id)
    workspace = api.services.accounts.workspace(task.request.workspace_id)
    return {name: {"id": row["id"], "name": row["name"]} for name, row in (("team", team), ("workspace", workspace))}


def _run_app(api: ApiContext, body: dict[str, Any]) -> object:
    task = api.admission.submit(body, api.call)
    api.control.wake()
    # An array of one; clients read its ``id`` or its ``taskId`` (docs/supervisely-api.md 3.1).
    return [
        {"id": task.id, "taskId": task.id, "userId": task.user_id, "moduleId": task.module_id, "appId": task.module_id}
    ]


def _move(api: ApiContext, body: _QueueMove) -> object:
    agent = None if body.agent_id is None else AgentId(body.agent_id)
    return {"queue": [int(item) for item in api.services.queue.move(TaskId(body.id), body.to, agent)]}


def _log(api: ApiContext, body: _LogDownload) -> object:
    task = api.services.tasks.get(TaskId(body.id))
    run = api.services.layout.run(task.id)
    return api.services.logs.rows(task.id, run, since=body.since_time, limit=body.limit)


def _set_output(api: ApiContext, body: _OutputSet) -> object:
    # An app sends ``experiment`` and ``general`` one after the other: each is kept (docs/supervisely-api.md 3.3).
    api.services.tasks.merge_output(TaskId(body.task_id), body.output)
    return {"success": True}


def _set_status(api: ApiContext, body: _StatusUpdate) -> object:
    """Accept what is true already and a wish to stop; everything else this server sees for itself."""
    task = api.services.tasks.get(TaskId(body.id))
    wanted = TaskStatus(body.status)
    if wanted is TaskStatus.UNKNOWN:
        msg = f"There is no task status {body.status!r}."
        known = ", ".join(status.value for status in TaskStatus if status is not TaskStatus.UNKNOWN)
        raise InputError(msg, f"Use one of: {known}.")
    if wanted is task.status:
        return {"status": wanted.value}
    if wanted in {TaskStatus.TERMINATING, TaskStatus.STOPPED} and not task.status.is_terminal:
        return {"status": api.control.request_stop(task.id).value}
    msg = f"Task {task.id} is {task.status.value}; a client cannot make it {wanted.value}."
    raise StateError(msg, "This server sets the status from what its processes do; tasks.stop ends a task.")


# Commands to the app of a task (``tasks.request.direct``).
#
# Our apps have no web server of their own: the platform answers from the task and its log what the training app of
# Supervisely answers (docs/supervisely-api.md 6.1). ``stop_after_epoch`` is ours.
_POLL_SECONDS = 0.5
_DEFAULT_WAIT_SECONDS = 60.0
_LONGEST_WAIT_SECONDS = 24 * 3600.0  # clients that wait for ever ask again
# Phase of a run → the words of Supervisely's apps, which clients look for (docs/supervisely-api.md 6).
_STAGES: Mapping[str, str] = {
    Phase.PREPARING_DATA: "data preparation",
    Phase.UPLOADING: "finalizing and uploading training artifacts",
}


class _Request(Body):
    task_id: Id
    command: Word
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


async def _direct(api: ApiContext, body: _Request, in_thread: InThread) -> Response:
    task = await in_thread(lambda: api.services.tasks.get(TaskId(body.task_id)))
    command = body.command.strip("/")
    if task.kind != "serve" and command not in _COMMANDS and command not in COMMANDS:
        msg = f"The app of task {task.id} has no command {shortened(body.command)!r}."
        raise NotFoundError(msg, f"It has: {', '.join(_COMMANDS)}.")
    if task.kind == "serve" or command not in _COMMANDS:  # a finished training may be asked for its model
        found = await answer_directly(api, task, body.command, body.state or {}, in_thread)
        return json_response({} if body.skip_response else found)
    given = await in_thread(lambda: _answer(api, body))
    if body.waits:
        given = await _wait(api, body, in_thread) or given
    return json_response({} if body.skip_response else given)


def _answer(api: ApiContext, body: _Request) -> dict[str, object]:
    task = api.services.tasks.get(TaskId(body.task_id))
    return _COMMANDS[body.command.strip("/")](api, task, body.state or {})


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


def _train_from_api(api: ApiContext, task: TaskRecord, state: Mapping[str, object]) -> dict[str, object]:
    api.admission.release(task.id, state.get("app_state"))
    api.control.wake()
    return {"result": "model training started"}


def _stop_after_epoch(api: ApiContext, task: TaskRecord, _state: Mapping[str, object]) -> dict[str, object]:
    run = api.services.layout.run(task.id)
    if task.kind != "train" or task.status is not TaskStatus.STARTED or not run.process.is_file():
        msg = f"Task {task.id} is not training; it is {task.status.value}."
        raise StateError(msg, "Only a running training can end after its epoch.")
    # The trainer looks for this file after each epoch; whoever asks twice wants the same.
    if not run.stop_after_epoch.exists():
        run.stop_after_epoch.touch()
        api.services.events(task.id).log("Ends after this epoch, as you asked.")
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


_COMMANDS: Mapping[str, Callable[[ApiContext, TaskRecord, Mapping[str, object]], dict[str, object]]] = {
    # Also when the task is over: the SDK takes anything else for "not ready", asks for 100 seconds and then says that
    # the start failed, although a short training has ended well meanwhile (docs/supervisely-api.md 5.4).
    "is_running": lambda _api, _task, _state: {"running": True, "mode": "production"},
    "is_ready": lambda _api, _task, _state: {"status": "ready"},
    "train_status": lambda api, task, _state: {"status": train_status(api.services, task)},
    "train_from_api": _train_from_api,
    "stop_after_epoch": _stop_after_epoch,  # ours
    "sly/data": _data,
    "sly/state": lambda _api, task, _state: task.request.state,
    # Never ``sly/session-info``: it gives out the API token (docs/supervisely-api.md 6).
}


# What apps keep with their task: widget data, template folder (docs/supervisely-api.md 3.3).


class _Get(Body):
    task_id: Id
    fields: Names


class _Set(Body):
    task_id: Id
    fields: Annotated[tuple[FieldChange, ...], Meta(max_length=10_000)]


class _Payload(Struct):
    data: Annotated[tuple[PatchStep, ...], Meta(max_length=10_000)] = ()
    state: dict[str, Any] = field(default_factory=dict)


class _AppData(Body):
    task_id: Id
    payload: _Payload


class _Meta(ById):
    template_root_directory: Annotated[str, Meta(max_length=10_000)] | None = None


def _get(api: ApiContext, body: _Get) -> object:
    task = api.services.tasks.get(TaskId(body.task_id))
    return {"result": api.services.app_data.fields(task.id, body.fields)}


def _set(api: ApiContext, body: _Set) -> object:
    task = api.services.tasks.get(TaskId(body.task_id))
    api.services.app_data.set_fields(task.id, body.fields)
    return {"success": True}


def _set_app_data(api: ApiContext, body: _AppData) -> object:
    task = api.services.tasks.get(TaskId(body.task_id))
    api.services.app_data.patch(task.id, body.payload.data, body.payload.state)
    return {"success": True}


def _set_meta(api: ApiContext, body: _Meta) -> object:
    task = api.services.tasks.get(TaskId(body.id))
    if body.template_root_directory is not None:
        change = FieldChange(field="templateRootDirectory", payload=body.template_root_directory)
        api.services.app_data.set_fields(task.id, [change])
    return {"success": True}


_START = BodyBounds(megabytes=4)  # the texts of a state are bounded where it is read
METHODS: Sequence[AnyMethod] = (
    Method(
        "tasks.info", ById, lambda api, body: tasks_json(api.services, [api.services.tasks.get(TaskId(body.id))])[0]
    ),
    Method("tasks.list", _TaskList, _list, heavy=True),
    Method("GetTaskContext", ById, _context),
    Method(
        "tasks.run.app",
        dict[str, Any],
        _run_app,
        bounds=_START,
        heavy=True,
        given=lambda api: api.services.tasks.answered(api.call),
    ),
    Method("tasks.stop", ById, lambda api, body: {"status": api.control.request_stop(TaskId(body.id)).value}),
    Method("tasks.queue.move", _QueueMove, _move),  # an extension of this server
    Method("tasks.log.download", _LogDownload, _log, heavy=True),
    Method("tasks.output.set", _OutputSet, _set_output, heavy=True),
    Method("tasks.status.update", _StatusUpdate, _set_status),
    WaitingMethod("tasks.request.direct", _Request, _direct),
    Method("tasks.data.get", _Get, _get, heavy=True),
    Method("tasks.data.set", _Set, _set, bounds=DOCUMENT, heavy=True),
    Method("tasks.app-v2.data.set", _AppData, _set_app_data, bounds=DOCUMENT, heavy=True),
    Method("tasks.meta.update", _Meta, _set_meta),
)
