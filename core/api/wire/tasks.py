"""Tasks, their log, agents (contract sections 3.4, 5 and 6).

The embedded platform says more of a task than Supervisely does: ``meta.exitReport``, ``meta.queuePosition``,
``meta.settings``, ``meta.configHash`` and ``meta.canResume``. All are optional here.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import field

from core.api.wire.reading import Shape, Unvalidated, free_object, moment
from core.domain.agent import Agent, AgentSettings, AgentStatus, Device
from core.domain.ids import AgentId, ModuleId, ProjectId, TaskId, TeamId, WorkspaceId
from core.domain.log import LogRow
from core.domain.task import ExitCause, ExitReport, Task, TaskStatus


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
