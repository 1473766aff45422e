"""A task as the database keeps it, and the way from a row to it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from sqlite3 import Row
from typing import Literal, TypeAlias

import msgspec

from traindash.domain.app_state import StartParams, StartRequest
from traindash.domain.ids import AgentId, ModuleId, ProjectId, TaskId, TeamId
from traindash.domain.task import ExitReport, TaskStatus

TaskKind: TypeAlias = Literal["train", "compare", "clone", "serve", "label"]

_KIND = msgspec.json.Decoder(TaskKind)
_OBJECT = msgspec.json.Decoder(dict[str, object])
_PARAMS = msgspec.json.Decoder(StartParams)
_REPORT = msgspec.json.Decoder(ExitReport)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """A task that was checked and may be taken in."""

    request: StartRequest  # what the client asked for
    team_id: TeamId
    user_id: int
    module_id: ModuleId  # the app that the request names
    project_id: ProjectId | None = None
    kind: TaskKind
    app_name: str
    # what was decided when the task was taken in: for a training `framework` and `guiState`
    settings: Mapping[str, object] = field(default_factory=dict)
    autostart: bool = True  # `False`: the task waits until someone starts the training

    @property
    def agent_id(self) -> AgentId | None:
        """The wanted agent, ``None`` for the first one that is free; once one took the task, that one."""
        return self.request.agent_id


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord(NewTask):
    """A task. Moments are ISO 8601 texts in UTC."""

    id: TaskId
    type: str
    status: TaskStatus
    session_token: str
    output: Mapping[str, object]  # `meta.output`: kind → content
    exit_report: ExitReport | None
    attempt: int
    queue_order: int  # place among the tasks that wait for an agent; 0 when it does not wait for one
    stop_requested_at: str | None  # when someone asked for the stop
    created_at: str
    updated_at: str
    started_at: str | None
    finished_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTask:
    """What the supervisor looks at, all the time, of a task that is not over."""

    id: TaskId
    status: TaskStatus
    agent_id: AgentId | None
    autostart: bool  # `False`: it waits for its start button
    waits: bool  # it waits for an agent


def record_from_row(row: Row) -> TaskRecord:
    """Turn a row of the table ``tasks`` into a record."""
    request = StartRequest(
        agent_id=row["agent_id"],
        workspace_id=row["workspace_id"],
        description=row["description"],
        params=_PARAMS.decode(row["params"]),
        log_level=row["log_level"],
        app_version=row["app_version"],
        name=row["name"],
        restart_policy=row["restart_policy"],
        module_id=row["module_id"],
    )
    return TaskRecord(
        id=TaskId(row["id"]),
        request=request,
        team_id=TeamId(row["team_id"]),
        user_id=row["user_id"],
        module_id=ModuleId(row["module_id"]),
        project_id=None if row["project_id"] is None else ProjectId(row["project_id"]),
        kind=_KIND.decode(f'"{row["kind"]}"'),
        type=row["type"],
        status=TaskStatus(row["status"]),
        app_name=row["app_name"],
        session_token=row["session_token"],
        settings=_OBJECT.decode(row["settings"]),
        output=_OBJECT.decode(row["output"]),
        exit_report=None if row["exit_report"] is None else _REPORT.decode(row["exit_report"]),
        autostart=bool(row["autostart"]),
        attempt=row["attempt"],
        queue_order=row["queue_order"],
        stop_requested_at=row["stop_requested_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
    )


def report_json(report: ExitReport) -> str:
    """Return an exit report as the database keeps it."""
    return msgspec.json.encode(report).decode()


def json_text(value: Mapping[str, object]) -> str:
    """Return JSON with letters as they are."""
    return json.dumps(dict(value), ensure_ascii=False)
