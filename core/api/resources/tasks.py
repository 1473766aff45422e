"""Tasks and the agents that run them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from core.api.errors import ContractError
from core.api.paging import read_all, read_page
from core.api.resources.base import Resource
from core.api.wire.reading import read
from core.api.wire.tasks import (
    AgentPage,
    AgentSettingsShape,
    AgentShape,
    StartedShape,
    StopShape,
    TaskShape,
    log_row,
)
from core.domain.agent import Agent, AgentSettings
from core.domain.ids import AgentId, ModuleId, TaskId, TeamId, WorkspaceId
from core.domain.log import LogRow
from core.domain.task import Task, TaskStatus

QueueMove: TypeAlias = Literal["first", "up", "down", "last"]

SDK_DESCRIPTION = "application description"
"""Description that the official SDK gives a task where its caller gives none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest:
    """What ``tasks.run.app`` needs; defaults as the official SDK's ``TaskApi.start``.

    Attributes:
        agent_id: ``None`` lets the server take any available agent.
        state: ``params.state`` of the app.
        description: At most 255 characters.
    """

    module_id: ModuleId
    workspace_id: WorkspaceId
    agent_id: AgentId | None
    state: Mapping[str, object]
    description: str = SDK_DESCRIPTION

    def body(self) -> dict[str, object]:
        """Return the JSON to send, keys as the official SDK sends them (contract section 3.2)."""
        return {
            "agentId": self.agent_id,
            "workspaceId": self.workspace_id,
            "description": self.description,
            "params": {"state": self.state},
            "logLevel": "info",
            "usersIds": [],
            "appVersion": "",
            "isBranch": False,
            "taskName": "pythonSpawned",
            "restartPolicy": "never",
            "proxyKeepUrl": False,
            "advancedSettings": {"limitByWorkspace": False},
            "moduleId": self.module_id,
        }


class Tasks(Resource):
    """Tasks of a workspace."""

    def get(self, task_id: TaskId) -> Task:
        """Return a task.

        Raises:
            MissingError: There is none with this id.
        """
        return read("tasks.info", TaskShape, self.transport.read("tasks.info", {"id": task_id})).task()

    def list(self, workspace_id: WorkspaceId, statuses: Sequence[TaskStatus] | None = None) -> tuple[Task, ...]:
        """Return a workspace's tasks, oldest first.

        Args:
            workspace_id: The workspace.
            statuses: Only tasks in one of these; ``None`` for all.
        """
        body: dict[str, object] = {"workspaceId": workspace_id}
        if statuses is not None:
            words = [status.value for status in statuses]
            body["filter"] = [{"field": "status", "operator": "in", "value": words}]
        return tuple(_task(row) for row in read_all(self.transport, "tasks.list", body))

    def newest(self, workspace_id: WorkspaceId, count: int = 20) -> tuple[Task, ...]:
        """Return a workspace's newest tasks, newest first."""
        body = {"workspaceId": workspace_id, "sort": "id", "sort_order": "desc"}
        page = read_page(self.transport, "tasks.list", body, page=1, per_page=count)
        return tuple(_task(row) for row in page.entities[:count])

    def start(self, request: StartRequest) -> TaskId:
        """Start an app. Sent exactly once.

        Raises:
            ApiError: See :meth:`core.api.transport.Transport.write` on what may have happened nevertheless.
        """
        method = "tasks.run.app"
        rows = read(method, tuple[StartedShape, ...], self.transport.write(method, request.body()))
        number = (rows[0].id or rows[0].task_id) if rows else None
        if number is None:
            msg = "The server's answer to tasks.run.app names no task."
            hint = "Look at the list of tasks: the task may run all the same."
            raise ContractError(msg, hint, method=method, field="0.id")
        return TaskId(number)

    def stop(self, task_id: TaskId) -> TaskStatus:
        """Ask for a task's end; it is over when its status is terminal, not when this returns.

        Returns:
            The status right after, usually ``terminating``.
        """
        answer = self.transport.write("tasks.stop", {"id": task_id})
        return TaskStatus.parse(read("tasks.stop", StopShape, answer).status)

    def move_in_queue(self, task_id: TaskId, to: QueueMove, agent_id: AgentId | None = None) -> None:
        """Change the place of a waiting task. An extension of the embedded platform.

        Args:
            task_id: The task.
            to: Where to.
            agent_id: Whose queue is meant, for a task that waits for any agent.
        """
        self.transport.write("tasks.queue.move", {"id": task_id, "to": to, "agentId": agent_id})

    def log(self, task_id: TaskId, since: str | None = None, limit: int | None = None) -> tuple[LogRow, ...]:
        """Return rows of a task's log, oldest first.

        Args:
            task_id: The task.
            since: Only rows after this ISO 8601 moment.
            limit: At most so many.
        """
        params = {"id": str(task_id)}
        if since is not None:
            params["sinceTime"] = since
        if limit is not None:
            params["limit"] = str(limit)
        method = "tasks.log.download"
        rows = read(method, tuple[dict[str, Any], ...], self.transport.get(method, params=params))
        return tuple(log_row(row) for row in rows)

    def request(self, task_id: TaskId, command: str, state: Mapping[str, object] | None = None) -> Mapping[str, Any]:
        """Send a command to the app of a running task (contract section 6.1). Sent exactly once.

        Args:
            task_id: The task.
            command: E.g. ``is_running``, ``train_status``, ``train_from_api``.
            state: The command's arguments.
        """
        body = {
            "taskId": task_id,
            "command": command,
            "context": {"outside_request": True},
            "state": dict(state or {}),
            "skipResponse": False,
            "timeout": 60,
        }
        method = "tasks.request.direct"
        return read(method, dict[str, Any], self.transport.write(method, body))


class Agents(Resource):
    """Agents of a team."""

    def list(self, team_id: TeamId) -> tuple[Agent, ...]:
        """Return all agents of a team, connected or not."""
        body = {"teamId": team_id, "extraFields": ["gpuInfo"]}
        rows = read_all(self.transport, "agents.list", body)
        return tuple(read("agents.list", AgentShape, row).agent() for row in rows)

    def available(self, team_id: TeamId) -> tuple[Agent, ...]:
        """Return the agents that the official SDK would choose from: connected, public ones too, with a GPU.

        The embedded platform counts its CPU agents as such, with RAM in place of GPU memory.
        """
        method = "agents.available"
        body = {"teamId": team_id, "withoutPublic": False, "anyStatus": False, "needGPU": True}
        answer = self.transport.read(method, body)
        page = answer if isinstance(answer, dict) else {"entities": answer}
        return tuple(row.agent() for row in read(method, AgentPage, page).entities)

    def pause(self, agent_id: AgentId, *, paused: bool) -> None:
        """Hold the queue of an agent, or let it go on. An extension of the embedded platform."""
        self.transport.write("agents.queue.pause", {"id": agent_id, "paused": paused})

    def settings(self, team_id: TeamId) -> AgentSettings:
        """Return how the server's machine is divided. An extension of the embedded platform."""
        method = "agents.settings.info"
        return read(method, AgentSettingsShape, self.transport.read(method, {"teamId": team_id})).settings()

    def configure(self, team_id: TeamId, *, count: int, threads: int) -> AgentSettings:
        """Change number and threads of the agents. An extension of the embedded platform."""
        method = "agents.settings.set"
        answer = self.transport.write(method, {"teamId": team_id, "count": count, "threads": threads})
        return read(method, AgentSettingsShape, answer).settings()


def _task(row: Mapping[str, Any]) -> Task:
    return read("tasks.list", TaskShape, row).task()
