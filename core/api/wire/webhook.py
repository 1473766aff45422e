"""The webhook of the embedded platform."""

from datetime import datetime

from core.api.wire.reading import Shape, Unvalidated, moment
from core.domain.ids import TaskId
from core.domain.webhook import Delivery, DeliveryState, EndedTask, Webhook


class DeliveryShape(Shape):
    """A message, and the answer of ``traindash.webhook.test``."""

    state: DeliveryState
    task_id: int | None = None
    server: str = ""
    detail: str = ""
    attempts: int = 0
    at: Unvalidated = None

    def delivery(self) -> Delivery:
        """Return the domain value."""
        return Delivery(
            task_id=None if self.task_id is None else TaskId(self.task_id),
            server=self.server,
            state=self.state,
            detail=self.detail,
            attempts=self.attempts,
            at=moment(self.at),
        )


class ToldShape(Shape):
    """The answer of ``traindash.webhook.tell``."""

    is_kept: bool


def ended_json(end: EndedTask) -> dict[str, object]:
    """Return the body of ``traindash.webhook.tell``."""
    seconds = (
        (end.finished_at - end.started_at).total_seconds()
        if end.started_at is not None and end.finished_at is not None
        else None
    )
    return {
        "server": end.server,
        "task": {
            "id": int(end.task_id),
            "name": end.name,
            "status": end.status.value,
            "cause": end.cause.value if end.cause else None,
            "message": end.message,
            "hint": end.hint,
            "agent": end.agent or None,
            "projectId": end.project_id,
            "startedAt": _text(end.started_at),
            "finishedAt": _text(end.finished_at),
            "durationSeconds": seconds,
            "metrics": dict(end.metrics),
            "url": end.url,
        },
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


class WebhookShape(Shape):
    """The answer of ``traindash.webhook.info``, ``.set`` and ``.remove``."""

    url: str
    has_secret: bool
    is_damaged: bool = False
    deliveries: tuple[DeliveryShape, ...] = ()

    def webhook(self) -> Webhook:
        """Return the domain value."""
        return Webhook(
            url=self.url,
            has_secret=self.has_secret,
            is_damaged=self.is_damaged,
            deliveries=tuple(row.delivery() for row in self.deliveries),
        )
