"""A webhook: an address that is told when a task is over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from traindash.domain.ids import ProjectId, TaskId
from traindash.domain.task import ExitCause, TaskStatus


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
    """A message and what became of it.

    Attributes:
        task_id: The task whose end it tells; ``None`` for a test.
        server: Address of the server that has the task; empty for the platform of this machine.
        detail: What the receiver or the network said, a sentence.
        attempts: How often it was tried.
        at: When the state changed last.
    """

    task_id: TaskId | None
    server: str = ""
    state: DeliveryState
    detail: str = ""
    attempts: int = 0
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """What is set.

    Attributes:
        url: Where messages go; empty when there is no webhook.
        has_secret: Messages are signed with a secret that is kept on the server and never given out.
        is_damaged: One was set, and what was written down of it cannot be read.
        deliveries: The latest messages, newest first.
    """

    url: str = ""
    has_secret: bool = False
    is_damaged: bool = False
    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCompletion:
    """The end of a task, as it is told.

    Attributes:
        server: Address of the server that has the task.
        cause: Of an end with an error, one word; ``None`` where the server does not say.
        app: Title of the app that ran; empty where it is not known.
        agent: Name of its agent; empty where it is not known.
        metrics: Of its experiment.
        url: Its page.
    """

    server: str
    task_id: TaskId
    name: str
    status: TaskStatus
    cause: ExitCause | None = None
    message: str = ""
    hint: str = ""
    app: str = ""
    agent: str = ""
    project_id: ProjectId | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    url: str = ""
