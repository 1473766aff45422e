"""The webhook: one signed POST to an address that a person has chosen, for every task that is over.

Tasks know nothing of it. A thread looks for ends in the database, so nothing can hold a task up; a row for each end is
written before anything is sent, so that no end is told twice, whatever dies in between.
"""

import contextlib
import hashlib
import hmac
import http.client
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import Row
from urllib.parse import SplitResult, urlsplit

import msgspec

from traindash.domain.ids import TaskId
from traindash.domain.task import TERMINAL_STATUSES, Delivery, DeliveryState, TaskCompletion, Webhook
from traindash.errors import InputError, StateError
from traindash.files import JsonFile
from traindash.periodic_worker import PeriodicWorker
from traindash.platform.services import Services
from traindash.platform.store.database import moment_text, now_text
from traindash.platform.store.task_records import TaskRecord
from traindash.steady_clock import CLOCK

LEAST_SECRET = 16
_MOST_LETTERS = 2000
_SHOWN = 5
_ENDS = json.dumps(sorted(status.value for status in TERMINAL_STATUSES))
# Ends that nobody was told of, then what is tried again. The name is the same at every attempt: a receiver can tell by
# it that it has the message already.
_DUE = """
SELECT * FROM (
    SELECT 'task-' || id AS name, id AS task_id, NULL AS other FROM tasks
    WHERE finished_at >= ? AND type = 'app' AND status IN (SELECT value FROM json_each(?))
    AND id NOT IN (SELECT task_id FROM webhook_messages WHERE task_id IS NOT NULL) ORDER BY finished_at, id
) UNION ALL SELECT * FROM (
    SELECT name, task_id, other FROM webhook_messages WHERE state = 'waiting' AND due_at <= ? ORDER BY due_at
)
"""
# The state is the lock: only who moves a row to ``sending`` may send, and a row that is there stays with its first end.
_CLAIM = """
INSERT INTO webhook_messages (name, task_id, state, attempts, updated_at) VALUES (?, ?, 'sending', 1, ?)
ON CONFLICT (name) DO UPDATE SET state = 'sending', attempts = attempts + 1, updated_at = excluded.updated_at
WHERE state = 'waiting' RETURNING attempts
"""
_ADD = """
INSERT INTO webhook_messages (name, other, state, attempts, due_at, updated_at) VALUES (?, ?, 'waiting', 0, ?, ?)
ON CONFLICT (name) DO NOTHING
"""
_SETTLE = "UPDATE webhook_messages SET state = ?, detail = ?, due_at = ?, updated_at = ? WHERE name = ?"
_CLOSE = "UPDATE webhook_messages SET state = ?, detail = ?, updated_at = ? WHERE state = ?"
_LATEST = """
SELECT name, task_id, other, state, detail, attempts, updated_at FROM webhook_messages
ORDER BY updated_at DESC, task_id DESC, name LIMIT ?
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A webhook."""

    url: str  # `http` or `https`; checked by :func:`checked_url`
    secret: str  # signs the messages. Left out of `repr`
    since: str  # ISO 8601 moment; tasks that ended before are not told

    def __repr__(self) -> str:
        """Return a text without the secret."""
        return f"Hook(url={self.url!r})"


_HOOK: msgspec.json.Decoder[Hook | None] = msgspec.json.Decoder(Hook | None)


def hook_file(path: Path) -> JsonFile[Hook | None]:
    """Return where the webhook is kept, readable by its owner only; ``None`` without one."""
    return JsonFile(path=path, decode=_HOOK.decode, empty=None, noun="The webhook", private=True)


def checked_url(text: str, *, offline: bool) -> str:
    """Return an address that messages can be sent to; ``offline``: nothing may leave this machine.

    Raises:
        InputError: It cannot be used; says why.
    """
    url = text.strip()
    if len(url) > _MOST_LETTERS or not url.isprintable() or " " in url:
        msg = "The address of the webhook is too long or has spaces in it."
        raise InputError(msg, "Copy it again from the receiving program.")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port  # a port that is no number is noticed when it is asked for
        # http.client encodes the host like this and would fail only when the first task ends.
        host.encode("idna")
    except ValueError as error:
        msg = f"“{url[:100]}” is no address: {error}."
        raise InputError(msg, "It should look like https://example.org/hook.") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise InputError(f"“{url[:100]}” is no web address.", "It should look like https://example.org/hook.")
    if parts.username is not None or parts.password is not None:
        msg = "The address of the webhook must not hold a password: addresses are shown on screens and in logs."
        raise InputError(msg, "Let the receiver check the signature instead.")
    if offline and not _is_loopback(parts):
        msg = f"{host} is another machine, and this dashboard was started with TRAINDASH_OFFLINE."
        raise InputError(msg, "Start it without that variable, or use an address of this machine.")
    return url


def _is_loopback(parts: SplitResult) -> bool:
    """Return whether an address is on this machine for sure: a name may mean any machine tomorrow."""
    host = parts.hostname or ""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def checked_secret(secret: str) -> str:
    """Return a secret that protects something.

    Raises:
        InputError: It is too short.
    """
    if len(secret) < LEAST_SECRET:
        msg = "The secret of the webhook is too short to protect anything."
        raise InputError(msg, f"Use {LEAST_SECRET} characters or more.")
    return secret


def _completion_of(services: Services, task: TaskRecord) -> TaskCompletion:
    """Return what there is to say of a task of this platform that is over."""
    report = task.exit_report
    state, experiment = task.settings.get("guiState"), task.output.get("experiment")
    name = _mapping(state).get("experiment_name")
    measured = _mapping(_mapping(_mapping(experiment).get("data")).get("evaluation_metrics"))
    return TaskCompletion(
        server=services.address,
        task_id=task.id,
        name=str(name) if name else task.request.description or task.app_name,
        status=task.status,
        cause=report.cause if report else None,
        message=report.message if report else "",
        hint=report.hint if report else "",
        app=task.app_name,
        agent=(services.agents.names().get(task.agent_id) if task.agent_id is not None else None) or "",
        project_id=task.project_id,
        started_at=_moment(task.started_at),
        finished_at=_moment(task.finished_at),
        metrics={key: float(value) for key, value in measured.items() if isinstance(value, int | float)},
        url=f"{services.address}/task?task={task.id}",
    )


def message_of(completion: TaskCompletion) -> dict[str, object]:
    """Return the part of a message that tells of a task, as receivers know it; keys may be added, never changed."""
    start, end = completion.started_at, completion.finished_at
    return {
        "server": completion.server,
        "task": {
            "id": completion.task_id,
            "name": completion.name,
            "status": completion.status.value,
            "cause": completion.cause.value if completion.cause else None,
            "message": completion.message,
            "hint": completion.hint,
            "app": completion.app,
            "agent": completion.agent or None,
            "projectId": completion.project_id,
            "startedAt": None if start is None else moment_text(start),
            "finishedAt": None if end is None else moment_text(end),
            "durationSeconds": None if start is None or end is None else round((end - start).total_seconds(), 3),
            "metrics": dict(completion.metrics),
            "url": completion.url,
        },
    }


def _body(event: str, name: str, content: Mapping[str, object]) -> bytes:
    message = {"event": event, "delivery": name, "sentAt": now_text(), **content}
    return json.dumps(message, ensure_ascii=False).encode("utf-8")


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


SIGNATURE_HEADER = "X-Traindash-Signature"
DELIVERY_HEADER = "X-Traindash-Delivery"
TIMEOUT_SECONDS = 5.0
_LATER = frozenset({408, 425, 429})  # RFC 9110 15.5.9, RFC 8470 5.2, RFC 6585 4: the same request may work later
_GOOD, _MOVED, _BAD, _BROKEN = 200, 300, 400, 500


def send(hook: Hook, body: bytes, delivery: str, timeout: float = TIMEOUT_SECONDS) -> tuple[DeliveryState, str]:
    """Send a message. No redirect is followed: what is signed for one address goes to no other.

    ``body`` is JSON, ``delivery`` the name of the message, the same at every attempt. ``timeout`` holds for the
    connection, and again for the answer.

    Returns:
        What became of it, and a sentence. ``waiting``: another attempt makes sense and cannot arrive twice; ``failed``:
        none does; ``uncertain``: it was sent, and no answer came.
    """
    parts = urlsplit(hook.url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=timeout)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {
        "Content-Type": "application/json",
        # Some receivers refuse requests without one.
        "User-Agent": "Traindash",
        DELIVERY_HEADER: delivery,
        SIGNATURE_HEADER: "sha256=" + hmac.new(hook.secret.encode("utf-8"), body, hashlib.sha256).hexdigest(),
    }
    try:
        connection.connect()
    except (OSError, http.client.HTTPException) as error:  # name, network, certificate: nothing was sent
        return DeliveryState.WAITING, f"{parts.netloc} cannot be reached: {_words(error)}."
    try:
        connection.request("POST", target, body, headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return (
            DeliveryState.UNCERTAIN,
            f"{parts.netloc} did not answer ({_words(error)}); the message may have arrived.",
        )
    finally:
        connection.close()
    return _meaning(status, parts.netloc)


def _meaning(status: int, receiver: str) -> tuple[DeliveryState, str]:
    if _GOOD <= status < _MOVED:
        return DeliveryState.DELIVERED, f"{receiver} took it."
    if _MOVED <= status < _BAD:
        return DeliveryState.FAILED, f"{receiver} points to another address (HTTP {status}). Set that address instead."
    if status in _LATER or status >= _BROKEN:
        return DeliveryState.WAITING, f"{receiver} could not take it (HTTP {status})."
    return DeliveryState.FAILED, f"{receiver} refused it (HTTP {status})."


def _words(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:200].rstrip(".")


@dataclass(frozen=True, slots=True, kw_only=True)
class HookPace:
    """How often and how patiently. All in seconds."""

    look: float = 1.0  # between two looks for ends
    # before the second, third, … attempt; after the last one it is given up
    retries: tuple[float, ...] = (5.0, 30.0, 120.0, 600.0, 3600.0)
    timeout: float = TIMEOUT_SECONDS  # of one attempt, for the connection and again for the answer


class WebhookWorker:
    """The webhook of a platform, whose database is open between :meth:`start` and :meth:`close`."""

    def __init__(self, services: Services, pace: HookPace | None = None) -> None:
        self._services = services
        self._pace = pace or HookPace()
        self._database = services.database
        self._file = hook_file(services.layout.webhook)
        self._worker = PeriodicWorker("webhook", self._round, retry=self._pace.look)

    def start(self) -> None:
        """Begin to tell ends, those of the time without a server too."""
        # What an earlier server was about to send is not sent again: nobody knows whether it arrived.
        detail = "The dashboard ended while this was being sent; it may have arrived."
        self._close_all(DeliveryState.SENDING, DeliveryState.UNCERTAIN, detail)
        self._worker.start()

    def close(self) -> None:
        """End the thread; closing twice does nothing."""
        # Connecting and waiting for the answer may each take the whole time.
        self._worker.close(2 * self._pace.timeout + 1)

    def info(self) -> Webhook:
        """Return what is set and the latest messages."""
        hook, is_damaged = self._file.look()
        with self._database.read() as connection:
            latest = connection.execute(_LATEST, (_SHOWN,)).fetchall()
        return Webhook(
            url=hook.url if hook else "",
            has_secret=hook is not None,
            is_damaged=is_damaged,
            deliveries=tuple(map(_delivery, latest)),
        )

    def set(self, url: str, secret: str) -> Webhook:
        """Set address and secret; an empty secret keeps the one that is set.

        Raises:
            InputError: One of them cannot be used.
            StorageError: They cannot be written down.
        """
        address = checked_url(url, offline=self._services.offline)

        def changed(known: Hook | None) -> Hook:
            if known is None and not secret:
                msg = "The webhook has no secret yet."
                raise InputError(msg, "Set one; the receiver checks with it that a message comes from here.")
            if known is None:
                return Hook(url=address, secret=checked_secret(secret), since=now_text())
            # ``since`` stays: a corrected address gets what the wrong one did not.
            return replace(known, url=address, secret=checked_secret(secret) if secret else known.secret)

        self._file.change(changed)
        return self.info()

    def remove(self) -> Webhook:
        """Tell nobody any more."""
        self._file.change(lambda _: None)
        self._close_all(DeliveryState.WAITING, DeliveryState.FAILED, "The webhook was removed.")
        return self.info()

    def tell(self, completion: TaskCompletion) -> bool:
        """Tell the end of a task of another server, once however often this is called.

        Returns:
            Whether there is somebody to tell.
        """
        # Kept for nobody, it would be sent to whoever sets a webhook months later.
        if self._file.read() is None:
            return False
        name, now = f"task-{completion.task_id}@{completion.server}", now_text()
        other = json.dumps(message_of(completion), ensure_ascii=False)
        with self._database.write() as connection:
            connection.execute(_ADD, (name, other, now, now))
        return True

    def send_trial(self) -> Delivery:
        """Send a test message now and say what became of it.

        Raises:
            StateError: There is no webhook.
        """
        hook = self._file.read()
        if hook is None:
            raise StateError("There is no webhook.", "Set its address and secret first.")
        state, detail = send(hook, _body("test", "test", {}), "test", self._pace.timeout)
        given_up = DeliveryState.FAILED if state is DeliveryState.WAITING else state
        return Delivery(task_id=None, state=given_up, detail=detail, attempts=1)

    def _round(self) -> float:
        hook = self._file.read()
        if hook is not None:
            with self._database.read() as connection:
                due = connection.execute(_DUE, (hook.since, _ENDS, now_text())).fetchall()
            for row in due:
                if self._worker.is_closing:
                    break
                self._send(hook, row)
        return self._pace.look

    def _send(self, hook: Hook, row: Row) -> None:
        name, task_id = row["name"], row["task_id"]
        if task_id is not None:
            content = message_of(_completion_of(self._services, self._services.tasks.get(TaskId(task_id))))
        else:
            content = json.loads(row["other"])
        attempt = self._claim(name, task_id)
        if attempt is None:
            return
        state, detail = send(hook, _body("task.ended", name, content), name, self._pace.timeout)
        again_in = 0.0
        if state is DeliveryState.WAITING:
            if attempt <= len(self._pace.retries):
                again_in = self._pace.retries[attempt - 1]
            else:
                state = DeliveryState.FAILED
        due = moment_text(CLOCK.now() + timedelta(seconds=again_in))
        with self._database.write() as connection:
            connection.execute(_SETTLE, (state.value, detail, due, now_text(), name))

    def _claim(self, name: str, task_id: int | None) -> int | None:
        """Take a message to send it; return the number of the attempt, ``None`` if nobody may send it (any more)."""
        with self._database.write() as connection:
            row = connection.execute(_CLAIM, (name, task_id, now_text())).fetchone()
        return None if row is None else int(row[0])

    def _close_all(self, before: DeliveryState, after: DeliveryState, detail: str) -> None:
        """Give up every message in a state."""
        with self._database.write() as connection:
            connection.execute(_CLOSE, (after.value, detail, now_text(), before.value))


def _delivery(row: Row) -> Delivery:
    told = {} if row["other"] is None else json.loads(row["other"])
    return Delivery(
        task_id=told["task"]["id"] if told else row["task_id"],
        server=told.get("server", ""),
        state=DeliveryState(row["state"]),
        detail=row["detail"],
        attempts=row["attempts"],
        at=datetime.fromisoformat(row["updated_at"]),
    )
