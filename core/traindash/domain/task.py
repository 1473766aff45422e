"""Tasks: what runs on an agent, in which state, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from traindash.domain.ids import AgentId, ModuleId, ProjectId, TaskId, WorkspaceId

QueueMove: TypeAlias = Literal["first", "up", "down", "last"]  # where a waiting task goes in its queue


class TaskStatus(StrEnum):
    """Status words of the Supervisely task API (``TaskApi.Status`` of the official SDK), plus ``unknown``.

    ``unknown`` stands for a word that a newer server invents; it is never sent.
    """

    QUEUED = "queued"
    CONSUMED = "consumed"
    STARTED = "started"
    DEPLOYED = "deployed"
    TERMINATING = "terminating"
    FINISHED = "finished"
    STOPPED = "stopped"
    ERROR = "error"
    UNKNOWN = "unknown"

    # Both enum and msgspec ask this for a word that is not listed: a newer server's task is still worth showing.
    @classmethod
    def _missing_(cls, _value: object) -> "TaskStatus":
        return cls.UNKNOWN

    @property
    def is_terminal(self) -> bool:
        """Whether the task is over and its status will never change again."""
        return self in TERMINAL_STATUSES


TERMINAL_STATUSES = frozenset({TaskStatus.FINISHED, TaskStatus.STOPPED, TaskStatus.ERROR})

# status → statuses that may follow. ``consumed`` → ``queued`` happens when a start is taken back by recovery
ALLOWED_MOVES: Mapping[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.QUEUED: frozenset({TaskStatus.CONSUMED, TaskStatus.STOPPED, TaskStatus.ERROR}),
    TaskStatus.CONSUMED: frozenset(
        {TaskStatus.QUEUED, TaskStatus.STARTED, TaskStatus.TERMINATING, TaskStatus.STOPPED, TaskStatus.ERROR}
    ),
    TaskStatus.STARTED: frozenset({TaskStatus.FINISHED, TaskStatus.ERROR, TaskStatus.TERMINATING, TaskStatus.STOPPED}),
    # A training may reach its end, or fail, before it hears that it shall stop.
    TaskStatus.TERMINATING: frozenset({TaskStatus.STOPPED, TaskStatus.FINISHED, TaskStatus.ERROR}),
    TaskStatus.FINISHED: frozenset(),
    TaskStatus.STOPPED: frozenset(),
    TaskStatus.ERROR: frozenset(),
}


class ExitCause(StrEnum):
    """Why a task is over, in one word that pages and tests can rely on; a word that is not known is a crash."""

    FINISHED = "finished"
    STOPPED_BY_USER = "stopped_by_user"
    BAD_INPUT = "bad_input"
    BAD_HYPERPARAMETER = "bad_hyperparameter"
    BAD_DATA = "bad_data"
    OUT_OF_MEMORY = "out_of_memory"
    DISK_FULL = "disk_full"
    ENGINE_MISSING = "engine_missing"
    KILLED = "killed"
    CRASHED = "crashed"
    LOST = "lost"

    # Trainers of a newer version may know more causes than the dashboard that reads their log.
    @classmethod
    def _missing_(cls, _value: object) -> "ExitCause":
        return cls.CRASHED


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitReport:
    """How a task ended, for people."""

    cause: ExitCause  # one word
    message: str = ""  # what happened, a sentence
    hint: str = ""  # what to do next, a sentence; empty when there is nothing to do
    # exit code of the process, negative signal number when a signal ended it, `None` if not known
    exit_code: int | None = None
    log_tail: tuple[str, ...] = ()  # last lines of the log, oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task as the server describes it."""

    id: TaskId
    status: TaskStatus
    name: str = ""  # the task's name; trainings are started under the SDK's default name
    description: str = ""  # free text, by default the model's name
    app_name: str = ""  # title of the app (module) that runs, e.g. `Train YOLO v8 - 26`
    module_id: ModuleId | None = None
    agent_id: AgentId | None = None
    agent_name: str = ""
    workspace_id: WorkspaceId | None = None
    project_id: ProjectId | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    params: Mapping[str, object] | None = None  # the state the task was started with (`meta.params.state`), as JSON
    output: Mapping[str, object] | None = None  # `meta.output`, as JSON; kinds `experiment`, `general`
    exit_report: ExitReport | None = None  # `None` while it runs, and on servers that give none
    # the state as it really runs, `slyProjectId` and `guiState`, where the server says it; a task that repeats another
    # one has only this
    settings: Mapping[str, object] | None = None
    config_hash: str = ""  # SHA-256 of the settings in hexadecimal; empty where the server does not say it
    can_resume: bool = False  # it ended before its last epoch, and a new task can go on from there
    # place among all waiting tasks of the server, growing; `None` as for `queue_position`
    queue_order: int | None = None
    # 1 for the next one of its agent; `None` when it does not wait or the server does not say
    queue_position: int | None = None
    session_token: str = field(default="", repr=False)  # opens the address of its app, `<server>/net/<token>`

    @property
    def state(self) -> Mapping[str, object]:
        """The state it runs with, as far as the server says it."""
        # The embedded platform keeps the settings as they were fixed; Supervisely has what the start was asked with
        # (docs/supervisely-api.md 5.1).
        return self.settings or self.params or {}

    @property
    def gui_state(self) -> Mapping[str, object]:
        """The plan in its state, see :mod:`traindash.domain.app_state`; empty for a task that is no training."""
        return _mapping(self.state.get("guiState"))

    @property
    def hyperparameters(self) -> str | None:
        """YAML text of a training; ``None`` where the server does not say it."""
        text = self.gui_state.get("hyperparameters")
        return text if isinstance(text, str) else None


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """One row of a task's log, as ``tasks.log.download`` gives it."""

    message: str  # what it says
    level: str = "info"  # `debug`, `info`, `warning`, `error` or another word of the server
    timestamp: str = ""  # ISO 8601 in UTC as the server wrote it; empty when it wrote none
    # all further keys, e.g. `event_type`, `subtask`, `current`, `total` of a progress row
    fields: Mapping[str, object] = field(default_factory=dict)


# A webhook: an address that is told when a task is over.


class DeliveryState(StrEnum):
    """How far a message is.

    ``waiting`` is tried again later; ``uncertain`` may have arrived and is therefore not sent a second time.
    """

    SENDING = "sending"
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message and what became of it."""

    task_id: TaskId | None  # the task whose end it tells; `None` for a test
    server: str = ""  # address of the server that has the task; empty for the platform of this machine
    state: DeliveryState
    detail: str = ""  # what the receiver or the network said, a sentence
    attempts: int = 0  # how often it was tried
    at: datetime | None = None  # when the state changed last


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """What is set."""

    url: str = ""  # where messages go; empty when there is no webhook
    has_secret: bool = False  # messages are signed with a secret that is kept on the server and never given out
    is_damaged: bool = False  # one was set, and what was written down of it cannot be read
    deliveries: tuple[Delivery, ...] = ()  # the latest messages, newest first


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCompletion:
    """The end of a task, as it is told."""

    server: str  # address of the server that has the task
    task_id: TaskId
    name: str
    status: TaskStatus
    cause: ExitCause | None = None  # of an end with an error, one word; `None` where the server does not say
    message: str = ""
    hint: str = ""
    app: str = ""  # title of the app that ran; empty where it is not known
    agent: str = ""  # name of its agent; empty where it is not known
    project_id: ProjectId | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)  # of its experiment
    url: str = ""  # its page
