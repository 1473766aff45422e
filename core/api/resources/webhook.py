"""The webhook. Only the embedded platform has these methods; other servers answer that they do not exist."""

from collections.abc import Mapping

from core.api.errors import MissingError, RejectedError
from core.api.resources.base import Resource
from core.api.wire.reading import read
from core.api.wire.webhook import DeliveryShape, ToldShape, WebhookShape, ended_json
from core.domain.webhook import Delivery, EndedTask, Webhook

_METHOD = "traindash.webhook."


class Webhooks(Resource):
    """The address that is told when a task is over."""

    def info(self) -> Webhook | None:
        """Return what is set; ``None`` where the server tells nobody."""
        try:
            answer = self.transport.read(f"{_METHOD}info")
        except (MissingError, RejectedError):
            return None
        return read(f"{_METHOD}info", WebhookShape, answer).webhook()

    def set(self, url: str, secret: str) -> Webhook:
        """Set address and secret; an empty secret keeps the one that is set.

        Raises:
            RejectedError: One of them cannot be used; says why.
        """
        return self._write("set", {"url": url, "secret": secret})

    def remove(self) -> Webhook:
        """Tell nobody any more."""
        return self._write("remove", {})

    def test(self) -> Delivery:
        """Send a test message and say what became of it."""
        method = f"{_METHOD}test"
        return read(method, DeliveryShape, self.transport.write(method, {})).delivery()

    def tell(self, end: EndedTask) -> bool:
        """Tell the end of a task of another server; once, however often this is called.

        Returns:
            Whether a webhook is set.
        """
        method = f"{_METHOD}tell"
        return read(method, ToldShape, self.transport.write(method, ended_json(end))).is_kept

    def _write(self, name: str, body: Mapping[str, object]) -> Webhook:
        return read(_METHOD + name, WebhookShape, self.transport.write(_METHOD + name, body)).webhook()
