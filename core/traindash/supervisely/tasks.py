"""Tasks and the agents that run them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from msgspec import field

from traindash.domain.ecosystem import Agent, AgentSettings, AgentStatus, Device
from traindash.domain.ids import AgentId, ModuleId, ProjectId, TaskId, TeamId, WorkspaceId
from traindash.domain.task import ExitCause, ExitReport, LogRow, Task, TaskStatus
from traindash.supervisely.errors import ContractError
from traindash.supervisely.resources import Resource, Shape, Unvalidated, free_object, moment, read, read_all, read_page

# Tasks, their log, agents (contract sections 3.4, 5 and 6).
#
# The embedded platform says more of a task than Supervisely does: ``meta.exitReport``, ``meta.queuePosition``,
# ``meta.settings``, ``meta.configHash`` and ``meta.canResume``. All are optional here.


class _AppShape(Shape):
    name: str | None = None
    module_id: int | None = None


class _ParamsShape(Shape):
    state: Unvalidated = None


class _ExitShape(Shape):
    cause: str
    message: str = ""
    hint: str | None = None
    exit_code: int | None = None
    log_tail: tuple[str, ...] | None = None

    def report(self) -> ExitReport:
        cause = next((known for known in ExitCause if known.value == self.cause), ExitCause.CRASHED)
        return ExitReport(
            cause=cause,
            message=self.message,
            hint=self.hint or "",
            exit_code=self.exit_code,
            log_tail=self.log_tail or (),
        )


class _MetaShape(Shape):
    app: _AppShape | None = None
    name: str | None = None
    params: _ParamsShape | None = None
    output: Unvalidated = None
    exit_report: _ExitShape | None = None
    queue_position: int | None = None
    queue_order: int | None = None
    settings: Unvalidated = None
    config_hash: str | None = None
    can_resume: bool | None = None


class TaskShape(Shape):
    """The answer of ``tasks.info`` and an entity of ``tasks.list``."""

    id: int
    status: str
    description: str | None = None
    agent_id: int | None = None
    agent_name: str | None = None
    workspace_id: int | None = None
    created_at: Unvalidated = None
    started_at: Unvalidated = None
    finished_at: Unvalidated = None
    meta: _MetaShape | None = None

    def task(self) -> Task:
        """Return the domain value."""
        meta = self.meta or _MetaShape()
        state = free_object(meta.params.state) if meta.params else None
        return Task(
            id=TaskId(self.id),
            status=TaskStatus.parse(self.status),
            name=meta.name or "",
            description=self.description or "",
            app_name=(meta.app.name if meta.app else None) or "",
            module_id=ModuleId(meta.app.module_id) if meta.app and meta.app.module_id is not None else None,
            agent_id=None if self.agent_id is None else AgentId(self.agent_id),
            agent_name=self.agent_name or "",
            workspace_id=None if self.workspace_id is None else WorkspaceId(self.workspace_id),
            project_id=_project_of(state),
            created_at=moment(self.created_at),
            started_at=moment(self.started_at),
            finished_at=moment(self.finished_at),
            params=state,
            output=free_object(meta.output),
            exit_report=meta.exit_report.report() if meta.exit_report else None,
            settings=free_object(meta.settings),
            config_hash=meta.config_hash or "",
            can_resume=bool(meta.can_resume),
            queue_position=meta.queue_position,
            queue_order=meta.queue_order,
        )


class StartedShape(Shape):
    """An element of the answer of ``tasks.run.app``; servers name the task ``id`` or ``taskId``."""

    id: int | None = None
    task_id: int | None = None


class StopShape(Shape):
    """The answer of ``tasks.stop``."""

    status: str


class TrainStatusShape(Shape):
    """The answer of the training app's ``train_status``."""

    status: str | None = None


def log_row(row: Mapping[str, Any]) -> LogRow:
    """Read a row of ``tasks.log.download``; every further key is kept."""
    about = {"message", "level", "timestamp"}
    return LogRow(
        message=str(row.get("message") or ""),
        level=str(row.get("level") or "info").lower(),
        timestamp=str(row.get("timestamp") or ""),
        fields={key: value for key, value in row.items() if key not in about},
    )


class _Memory(Shape):
    # Keys inside gpuInfo are snake_case.
    total: float | None = None
    available: float | None = None


class _GpuShape(Shape):
    device_memory: tuple[_Memory, ...] | None = field(name="device_memory", default=None)
    device_names: tuple[str, ...] | None = field(name="device_names", default=None)
    is_available: bool | None = field(name="is_available", default=None)


class AgentShape(Shape):
    """An entity of ``agents.list`` and ``agents.available``. Its ``token`` is never read."""

    id: int
    name: str | None = None
    type: str | None = None
    status: str | None = None
    team_id: int | None = None
    gpu_info: _GpuShape | None = None
    threads: int | None = None
    queue_paused: bool | None = None

    def agent(self) -> Agent:
        """Return the domain value."""
        gpu = self.gpu_info or _GpuShape()
        names = gpu.device_names or ()
        return Agent(
            id=AgentId(self.id),
            name=self.name or f"Agent {self.id}",
            type=self.type or "sly_agent",
            status=next((s for s in AgentStatus if s.value == self.status), AgentStatus.UNKNOWN),
            team_id=None if self.team_id is None else TeamId(self.team_id),
            threads=self.threads,
            queue_paused=self.queue_paused,
            is_gpu=bool(gpu.device_memory) if gpu.is_available is None else gpu.is_available,
            devices=tuple(
                Device(
                    name=names[index] if index < len(names) else f"Device {index}",
                    total_bytes=memory.total,
                    available_bytes=memory.available,
                )
                for index, memory in enumerate(gpu.device_memory or ())
            ),
        )


class AgentSettingsShape(Shape):
    """The answer of ``agents.settings.info`` and ``.set``, extensions of the embedded platform."""

    count: int
    threads: int
    max_count: int
    max_threads: int

    def settings(self) -> AgentSettings:
        """Return the domain value."""
        return AgentSettings(
            count=self.count, threads=self.threads, most_agents=self.max_count, most_threads=self.max_threads
        )


class AgentPage(Shape):
    """The answer of ``agents.available`` as the reference documents it; servers send the bare array of its entities."""

    entities: tuple[AgentShape, ...]


def _project_of(state: Mapping[str, object] | None) -> ProjectId | None:
    number = (state or {}).get("slyProjectId")
    return ProjectId(number) if isinstance(number, int) and not isinstance(number, bool) else None


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
            ApiError: See :meth:`.transport.Transport.write` on what may have happened nevertheless.
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
