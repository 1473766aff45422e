"""The webhook of the embedded platform."""

from core.api.wire.reading import Loose, Shape, moment
from core.domain.ids import TaskId
from core.domain.webhook import Delivery, DeliveryState, Webhook


class DeliveryShape(Shape):
    """A message, and the answer of ``traindash.webhook.test``."""

    state: DeliveryState
    task_id: int | None = None
    detail: str = ""
    attempts: int = 0
    at: Loose = None

    def delivery(self) -> Delivery:
        """Return the domain value."""
        return Delivery(
            task_id=None if self.task_id is None else TaskId(self.task_id),
            state=self.state,
            detail=self.detail,
            attempts=self.attempts,
            at=moment(self.at),
        )


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
