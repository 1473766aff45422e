"""The thread that tells ends. Tasks know nothing of it: it looks into the database, so nothing can hold a task up."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from traindash.domain.webhook import Delivery, DeliveryState, Webhook
from traindash.errors import InputError, StateError
from traindash.periodic_worker import PeriodicWorker
from traindash.platform.services import Services
from traindash.platform.store.database import now_text
from traindash.platform.webhook.deliveries import Deliveries, Message
from traindash.platform.webhook.hook import Hook, checked_secret, checked_url, hook_file
from traindash.platform.webhook.message import end_message, other_message, trial_message
from traindash.platform.webhook.sending import TIMEOUT_SECONDS, send


@dataclass(frozen=True, slots=True, kw_only=True)
class HookPace:
    """How often and how patiently. All in seconds.

    Attributes:
        look: Between two looks for ends.
        retries: Before the second, third, … attempt; after the last one it is given up.
        timeout: Of one attempt, for the connection and again for the answer.
    """

    look: float = 1.0
    retries: tuple[float, ...] = (5.0, 30.0, 120.0, 600.0, 3600.0)
    timeout: float = TIMEOUT_SECONDS


class WebhookWorker:
    """The webhook of a platform.

    Args:
        parts: The platform; its database is open between :meth:`start` and :meth:`close`.
        pace: How often it looks.
    """

    def __init__(self, parts: Services, pace: HookPace | None = None) -> None:
        self._parts = parts
        self._pace = pace or HookPace()
        self._deliveries = Deliveries(parts.database)
        self._file = hook_file(parts.layout.webhook)
        self._worker = PeriodicWorker("webhook", self._round, retry=self._pace.look)

    def start(self) -> None:
        """Begin to tell ends, those of the time without a server too."""
        self._deliveries.close_interrupted()
        self._worker.start()

    def close(self) -> None:
        """End the thread; closing twice does nothing."""
        self._worker.close(2 * self._pace.timeout + 1)

    def info(self) -> Webhook:
        """Return what is set and the latest messages."""
        hook, is_damaged = self._file.look()
        return Webhook(
            url=hook.url if hook else "",
            has_secret=hook is not None,
            is_damaged=is_damaged,
            deliveries=self._deliveries.latest(),
        )

    def set(self, url: str, secret: str) -> Webhook:
        """Set address and secret; an empty secret keeps the one that is set.

        Raises:
            InputError: One of them cannot be used.
            StorageError: They cannot be written down.
        """
        address = checked_url(url, offline=self._parts.offline)

        def changed(known: Hook | None) -> Hook:
            if known is None and not secret:
                msg = "The webhook has no secret yet."
                raise InputError(msg, "Set one; the receiver checks with it that a message comes from here.")
            if known is None:
                return Hook(url=address, secret=checked_secret(secret), since=now_text())
            return replace(known, url=address, secret=checked_secret(secret) if secret else known.secret)

        self._file.change(changed)
        return self.info()

    def remove(self) -> Webhook:
        """Tell nobody any more."""
        self._file.change(lambda _: None)
        self._deliveries.drop_waiting()
        return self.info()

    def tell_other(self, server: str, task: Mapping[str, object]) -> bool:
        """Tell the end of a task of another server, once however often this is called.

        Args:
            server: Address of that server.
            task: The keys of :func:`traindash.platform.webhook.message.end_message`; ``id`` is a number.

        Returns:
            Whether there is somebody to tell.
        """
        if self._file.read() is None:
            return False
        other = json.dumps({"server": server, "task": task}, ensure_ascii=False)
        self._deliveries.add(f"task-{task['id']}@{server}", other)
        return True

    def send_trial(self) -> Delivery:
        """Send a test message now and say what became of it.

        Raises:
            StateError: There is no webhook.
        """
        hook = self._file.read()
        if hook is None:
            msg = "There is no webhook."
            raise StateError(msg, "Set its address and secret first.")
        answer = send(hook, trial_message(), "test", self._pace.timeout)
        state = DeliveryState.FAILED if answer.state is DeliveryState.WAITING else answer.state
        return Delivery(task_id=None, state=state, detail=answer.detail, attempts=1)

    def _round(self) -> float:
        hook = self._file.read()
        if hook is not None:
            for message in self._deliveries.due(hook.since):
                if self._worker.is_closing:
                    break
                self._tell(hook, message)
        return self._pace.look

    def _tell(self, hook: Hook, message: Message) -> None:
        body = self._body(message)
        attempt = self._deliveries.claim(message)
        if attempt is None:
            return
        answer = send(hook, body, message.name, self._pace.timeout)
        state, again_in = answer.state, 0.0
        if state is DeliveryState.WAITING:
            if attempt <= len(self._pace.retries):
                again_in = self._pace.retries[attempt - 1]
            else:
                state = DeliveryState.FAILED
        self._deliveries.settle(message, state, answer.detail, again_in=again_in)

    def _body(self, message: Message) -> bytes:
        if message.task_id is not None:
            return end_message(self._parts, self._parts.tasks.get(message.task_id))
        return other_message(message.name, message.other or "{}")
