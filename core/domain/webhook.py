"""A webhook: an address that is told when a task is over."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.ids import TaskId


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
        detail: What the receiver or the network said, a sentence.
        attempts: How often it was tried.
        at: When the state changed last.
    """

    task_id: TaskId | None
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
