"""A task as the database keeps it, and the way from a row to it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from sqlite3 import Row
from typing import Literal, TypeAlias

from pydantic import TypeAdapter

from core.domain.ids import AgentId, ModuleId, ProjectId, TaskId, TeamId, WorkspaceId
from core.domain.task import ExitReport, TaskStatus

TaskKind: TypeAlias = Literal["train", "compare"]

_JSON: TypeAdapter[dict[str, object]] = TypeAdapter(dict[str, object])
_REPORT: TypeAdapter[ExitReport] = TypeAdapter(ExitReport)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """A task that was checked and may be taken in.

    Attributes:
        agent_id: Wanted agent; ``None`` for the first one that is free.
        params: ``params`` of the request, with the ``state``.
        settings: What was decided when the task was taken in: for a training ``framework`` and ``guiState``.
        autostart: ``False``: the task waits until someone starts the training.
        launch_key: Two tasks never have the same one; ``None`` when the client gave none.
    """

    team_id: TeamId
    workspace_id: WorkspaceId
    user_id: int
    agent_id: AgentId | None
    module_id: ModuleId
    project_id: ProjectId | None
    kind: TaskKind
    name: str
    description: str
    app_name: str
    app_version: str = ""
    log_level: str = "info"
    restart_policy: str = "never"
    params: Mapping[str, object] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    autostart: bool = True
    launch_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord(NewTask):
    """A task. Moments are ISO 8601 texts in UTC.

    Attributes:
        agent_id: The agent that runs it; ``None`` until one took it.
        output: ``meta.output``: kind → content.
        queue_order: Place among the tasks that wait for an agent; 0 when it does not wait for one.
        stop_requested_at: When someone asked for the stop.
    """

    id: TaskId
    type: str
    status: TaskStatus
    session_token: str
    output: Mapping[str, object]
    exit_report: ExitReport | None
    attempt: int
    queue_order: int
    stop_requested_at: str | None
    created_at: str
    updated_at: str
    started_at: str | None
    finished_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTask:
    """What the supervisor looks at, all the time, of a task that is not over.

    Attributes:
        autostart: ``False``: it waits for its start button.
        waits: It waits for an agent.
    """

    id: TaskId
    status: TaskStatus
    agent_id: AgentId | None
    autostart: bool
    waits: bool


def record_from_row(row: Row) -> TaskRecord:
    """Turn a row of the table ``tasks`` into a record."""
    kind: TaskKind = "compare" if row["kind"] == "compare" else "train"
    return TaskRecord(
        id=TaskId(row["id"]),
        team_id=TeamId(row["team_id"]),
        workspace_id=WorkspaceId(row["workspace_id"]),
        user_id=row["user_id"],
        agent_id=None if row["agent_id"] is None else AgentId(row["agent_id"]),
        module_id=ModuleId(row["module_id"]),
        project_id=None if row["project_id"] is None else ProjectId(row["project_id"]),
        kind=kind,
        type=row["type"],
        status=TaskStatus(row["status"]),
        name=row["name"],
        description=row["description"],
        app_name=row["app_name"],
        app_version=row["app_version"],
        log_level=row["log_level"],
        restart_policy=row["restart_policy"],
        session_token=row["session_token"],
        params=_JSON.validate_json(row["params"]),
        settings=_JSON.validate_json(row["settings"]),
        output=_JSON.validate_json(row["output"]),
        exit_report=None if row["exit_report"] is None else _REPORT.validate_json(row["exit_report"]),
        autostart=bool(row["autostart"]),
        attempt=row["attempt"],
        launch_key=row["launch_key"],
        queue_order=row["queue_order"],
        stop_requested_at=row["stop_requested_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
    )


def report_json(report: ExitReport) -> str:
    """Return an exit report as the database keeps it."""
    return _REPORT.dump_json(report).decode()


def json_text(value: Mapping[str, object]) -> str:
    """Return JSON with letters as they are."""
    return json.dumps(dict(value), ensure_ascii=False)
