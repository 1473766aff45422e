"""Tasks: start, look, stop, logs, outputs."""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta

from traindash.domain.ids import AgentId, TaskId, WorkspaceId
from traindash.domain.task import ExitReport, TaskStatus
from traindash.errors import InputError, StateError
from traindash.platform.parts import Services
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.store.listing import Listing
from traindash.platform.store.task_queue import QueueMove
from traindash.platform.store.tasks import TaskRecord
from traindash.platform.tasks.frozen import config_hash, frozen_settings
from traindash.platform.tasks.resuming import can_resume
from traindash.platform.wire import Body, ById, Count, Id


class _TaskList(Listing, kw_only=True):
    workspace_id: Id


class _LogDownload(ById):
    since_time: str | None = None
    limit: Count | None = None


class _QueueMove(ById):
    to: QueueMove
    agent_id: Id | None = None


class _OutputSet(Body):
    task_id: Id
    output: Annotated[dict[str, dict[str, Any]], Meta(min_length=1)]


class _StatusUpdate(ById):
    status: str


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
        "description": task.description,
        "size": 0,
        "attempt": task.attempt,
        "createdAt": task.created_at,
        "updatedAt": task.updated_at,
        "startedAt": task.started_at,
        "finishedAt": task.finished_at,
        "teamId": task.team_id,
        "workspaceId": task.workspace_id,
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
    # Keys without content are left out: clients take a null for an object and fail.
    meta: dict[str, Any] = {
        "app": {
            "id": task.module_id,
            "name": task.app_name,
            "version": task.app_version,
            "isBranch": False,
            "logLevel": task.log_level,
            "moduleId": task.module_id,
        },
        "name": task.name,
        "params": dict(task.params),
        "sessionToken": task.session_token,
        "hasLogs": True,
        "restartPolicy": task.restart_policy,
    }
    if task.output:
        meta["output"] = dict(task.output)
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


def _info(api: ApiContext, body: ById) -> object:
    return tasks_json(api.services, [api.services.tasks.get(TaskId(body.id))])[0]


def _list(api: ApiContext, body: _TaskList) -> object:
    api.services.accounts.workspace(body.workspace_id)
    page, tasks = api.services.tasks.list(WorkspaceId(body.workspace_id), body)
    return page.answer(tasks_json(api.services, tasks))


def _run_app(api: ApiContext, body: dict[str, Any]) -> object:
    task = api.admission.admit(body)
    api.control.wake()
    return [
        {"id": task.id, "taskId": task.id, "userId": task.user_id, "moduleId": task.module_id, "appId": task.module_id}
    ]


def _stop(api: ApiContext, body: ById) -> object:
    return {"status": api.control.request_stop(TaskId(body.id)).value}


def _move(api: ApiContext, body: _QueueMove) -> object:
    agent = None if body.agent_id is None else AgentId(body.agent_id)
    return {"queue": [int(item) for item in api.services.queue.move(TaskId(body.id), body.to, agent)]}


def _log(api: ApiContext, body: _LogDownload) -> object:
    task = api.services.tasks.get(TaskId(body.id))
    run = api.services.layout.run(task.id)
    return api.services.logs.rows(task.id, run, since=body.since_time, limit=body.limit)


def _set_output(api: ApiContext, body: _OutputSet) -> object:
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


METHODS: Sequence[Method[Any]] = (
    Method("tasks.info", ById, _info),
    Method("tasks.list", _TaskList, _list),
    Method("tasks.run.app", dict[str, Any], _run_app),
    Method("tasks.stop", ById, _stop),
    Method("tasks.queue.move", _QueueMove, _move),  # an extension of this server
    Method("tasks.log.download", _LogDownload, _log),
    Method("tasks.output.set", _OutputSet, _set_output),
    Method("tasks.status.update", _StatusUpdate, _set_status),
)
