"""Tasks, their logs, and the agents that run them (docs/supervisely-api.md 3.4, 5, 6 and 9.1)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from traindash.domain.app_state import SDK_DESCRIPTION, StartParams, StartRequest
from traindash.domain.ecosystem import Agent, AgentSettings, Device
from traindash.domain.ids import AgentId, ModuleId, TaskId, TeamId, WorkspaceId
from traindash.domain.task import LogRow, QueueMove, Task, TaskStatus
from traindash.language import gettext as _
from traindash.supervisely.errors import ContractError
from traindash.supervisely.resources import (
    JsonRow,
    Resource,
    Shape,
    free_object,
    lacking,
    read,
    read_all,
    read_page,
    read_rows,
)


def start_request(
    *,
    module_id: ModuleId,
    workspace_id: WorkspaceId,
    agent_id: AgentId | None,
    state: Mapping[str, object],
    description: str = SDK_DESCRIPTION,
) -> StartRequest:
    """Return what starts an app, everything else as the official SDK's ``TaskApi.start`` sends it."""
    return StartRequest(
        module_id=module_id,
        workspace_id=workspace_id,
        agent_id=agent_id,
        params=StartParams(dict(state)),
        description=description,
        name="pythonSpawned",  # the SDK's name for all that a script starts
    )


_NAMED_AGENT = lacking("Agent")


class Tasks(Resource):
    """Tasks of a workspace."""

    def get(self, task_id: TaskId) -> Task:
        """Return a task.

        Raises:
            MissingError: There is none with this id.
        """
        return self._fetch("tasks.info", Task, {"id": task_id}, _fit_task)

    def list(self, workspace_id: WorkspaceId, statuses: Sequence[TaskStatus] | None = None) -> tuple[Task, ...]:
        """Return a workspace's tasks, oldest first: only those in one of the statuses, ``None`` for all."""
        body: dict[str, object] = {"workspaceId": workspace_id}
        if statuses is not None:
            words = [status.value for status in statuses]
            body["filter"] = [{"field": "status", "operator": "in", "value": words}]
        return self._fetch_all("tasks.list", Task, body, _fit_task)

    def newest(self, workspace_id: WorkspaceId, count: int = 20) -> tuple[Task, ...]:
        """Return a workspace's newest tasks, newest first."""
        body = {"workspaceId": workspace_id, "sort": "id", "sort_order": "desc"}
        page = read_page(self.transport, "tasks.list", body, page=1, per_page=count)
        return read_rows("tasks.list", Task, page.entities[:count], _fit_task)

    def start(self, request: StartRequest) -> TaskId:
        """Start an app. Sent exactly once.

        Raises:
            ApiError: See :meth:`.transport.Transport.write` on what may have happened nevertheless.
        """
        method = "tasks.run.app"
        rows = self._send(method, tuple[dict[str, Any], ...], msgspec.to_builtins(request))
        number = (rows[0].get("id") or rows[0].get("taskId")) if rows else None  # servers differ in the key
        if number is None:
            msg = _("The server's answer to tasks.run.app names no task.")
            # Not sent again: the server did take it, and the next one would be a second training.
            hint = _("Look at the list of tasks: the task may run all the same.")
            raise ContractError(msg, hint, method=method, field="0.id")
        return read(method, TaskId, number)

    def stop(self, task_id: TaskId) -> TaskStatus:
        """Ask for a task's end; it is over when its status is terminal, not when this returns.

        Returns:
            The status right after, usually ``terminating``.
        """
        return self._send("tasks.stop", _Stopped, {"id": task_id}).status

    def move_in_queue(self, task_id: TaskId, to: QueueMove, agent_id: AgentId | None = None) -> None:
        """Change the place of a waiting task. An extension of the embedded platform.

        ``agent_id`` says whose queue is meant, for a task that waits for any agent.
        """
        self.transport.write("tasks.queue.move", {"id": task_id, "to": to, "agentId": agent_id})

    def log(self, task_id: TaskId, since: str | None = None, limit: int | None = None) -> tuple[LogRow, ...]:
        """Return at most ``limit`` rows of a task's log, oldest first: those after the ISO 8601 moment ``since``."""
        params = {"id": str(task_id)}
        if since is not None:
            params["sinceTime"] = since
        if limit is not None:
            params["limit"] = str(limit)
        method = "tasks.log.download"
        rows = read(method, tuple[dict[str, Any], ...], self.transport.get(method, params=params))
        return tuple(_log_row(row) for row in rows)

    def request(self, task_id: TaskId, command: str, state: Mapping[str, object] | None = None) -> Mapping[str, Any]:
        """Send a command to the app of a running task (docs/supervisely-api.md 6.1). Sent exactly once.

        Commands are e.g. ``is_running``, ``train_status``, ``train_from_api``; ``state`` holds the command's arguments.
        """
        body = {
            "taskId": task_id,
            "command": command,
            "context": {"outside_request": True},
            "state": dict(state or {}),
            "skipResponse": False,
            "timeout": 60,
        }
        return self._send("tasks.request.direct", dict[str, Any], body)


class Agents(Resource):
    """Agents of a team."""

    def list(self, team_id: TeamId) -> tuple[Agent, ...]:
        """Return all agents of a team, connected or not."""
        body = {"teamId": team_id, "extraFields": ["gpuInfo"]}
        return tuple(_agent_of("agents.list", row) for row in read_all(self.transport, "agents.list", body))

    def available(self, team_id: TeamId) -> tuple[Agent, ...]:
        """Return the agents that the official SDK would choose from: connected, public ones too, with a GPU.

        The embedded platform counts its CPU agents as such, with RAM in place of GPU memory.
        """
        method = "agents.available"
        body = {"teamId": team_id, "withoutPublic": False, "anyStatus": False, "needGPU": True}
        answer = self.transport.read(method, body)
        # The reference documents a page; servers send the bare array of its entities.
        rows = answer.get("entities") if isinstance(answer, dict) else answer
        return tuple(_agent_of(method, row) for row in read(method, tuple[Any, ...], rows))

    def pause(self, agent_id: AgentId, *, paused: bool) -> None:
        """Hold the queue of an agent, or let it go on. An extension of the embedded platform."""
        self.transport.write("agents.queue.pause", {"id": agent_id, "paused": paused})

    def settings(self, team_id: TeamId) -> AgentSettings:
        """Return how the server's machine is divided. An extension of the embedded platform."""
        # Of the embedded platform's own methods we own both ends: keys are the fields' names.
        method = "agents.settings.info"
        return read(method, AgentSettings, self.transport.read(method, {"teamId": team_id}), camel=False)

    def configure(self, team_id: TeamId, *, count: int, threads: int) -> AgentSettings:
        """Change number and threads of the agents. An extension of the embedded platform."""
        method = "agents.settings.set"
        answer = self.transport.write(method, {"teamId": team_id, "count": count, "threads": threads})
        return read(method, AgentSettings, answer, camel=False)


# The embedded platform says more of a task than Supervisely does: exitReport, queuePosition, queueOrder, settings,
# configHash and canResume. All are optional here.
# keys of ``meta`` that are fields of a task; ``settings``, for one, is something else outside of it
_IN_META = (
    *("name", "output", "exitReport", "queuePosition", "queueOrder", "settings", "configHash", "canResume"),
    "sessionToken",
)


def _fit_task(row: JsonRow) -> JsonRow:
    """Lift what a task is about out of its ``meta`` (docs/supervisely-api.md 3.4)."""
    meta = free_object(row.get("meta")) or {}
    app = free_object(meta.get("app")) or {}
    state = free_object((free_object(meta.get("params")) or {}).get("state"))
    project = (state or {}).get("slyProjectId")
    # What the SDK says where nobody has said anything tells nobody anything.
    description = row.get("description")
    return {
        **row,
        "description": None if description == SDK_DESCRIPTION else description,
        **{key: meta.get(key) for key in _IN_META},
        "appName": app.get("name"),
        "moduleId": app.get("moduleId"),
        "params": state,
        # The state is the app's own and may hold anything.
        "projectId": project if isinstance(project, int) and not isinstance(project, bool) else None,
    }


class _Stopped(Shape):
    status: TaskStatus


def _log_row(row: JsonRow) -> LogRow:
    """Read a row of ``tasks.log.download``; every further key is kept."""
    # Apps write their rows themselves: whatever is in one, the others shall be readable (docs/supervisely-api.md 6.2).
    about = {"message", "level", "timestamp"}
    return LogRow(
        message=str(row.get("message") or ""),
        level=str(row.get("level") or "info").lower(),
        timestamp=str(row.get("timestamp") or ""),
        fields={key: value for key, value in row.items() if key not in about},
    )


class _Memory(Shape):
    total: float | None = None
    available: float | None = None


class _Gpu(Shape, rename=None):
    # Inside gpuInfo, Supervisely's keys are in snake_case.
    device_memory: tuple[_Memory, ...] | None = None
    device_names: tuple[str, ...] | None = None
    is_available: bool | None = None


class _WithGpu(Shape):
    gpu_info: _Gpu | None = None


def _agent_of(method: str, row: Any) -> Agent:  # noqa: ANN401 - JSON
    """Read an entity of ``agents.list`` or ``agents.available``. Its ``token`` is never read."""
    gpu = read(method, _WithGpu, row).gpu_info or _Gpu()
    memory, names = gpu.device_memory or (), gpu.device_names or ()
    return replace(
        read(method, Agent, row, _NAMED_AGENT),
        is_gpu=bool(memory) if gpu.is_available is None else gpu.is_available,
        devices=tuple(
            Device(
                name=names[index] if index < len(names) else f"Device {index}",
                total_bytes=item.total,
                available_bytes=item.available,
            )
            for index, item in enumerate(memory)
        ),
    )
