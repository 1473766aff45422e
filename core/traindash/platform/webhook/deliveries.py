"""Which ends were told: one row per end, written before anything is sent, so that no end is told twice."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from sqlite3 import Row

from traindash.domain.ids import TaskId
from traindash.domain.task import TERMINAL_STATUSES
from traindash.domain.webhook import Delivery, DeliveryState
from traindash.platform.store.database import Database, now_text

_SHOWN = 5
_ENDS = json.dumps(sorted(status.value for status in TERMINAL_STATUSES))
_NEW = """
SELECT id FROM tasks WHERE finished_at >= ? AND status IN (SELECT value FROM json_each(?))
AND id NOT IN (SELECT task_id FROM webhook_messages WHERE task_id IS NOT NULL) ORDER BY finished_at, id
"""
_AGAIN = "SELECT name, task_id, other FROM webhook_messages WHERE state = 'waiting' AND due_at <= ? ORDER BY due_at"
_CLAIM = """
INSERT INTO webhook_messages (name, task_id, state, attempts, updated_at) VALUES (?, ?, 'sending', 1, ?)
ON CONFLICT (name) DO UPDATE SET state = 'sending', attempts = attempts + 1, updated_at = excluded.updated_at
WHERE state = 'waiting' RETURNING attempts
"""
_ADD = """
INSERT INTO webhook_messages (name, other, state, attempts, due_at, updated_at) VALUES (?, ?, 'waiting', 0, ?, ?)
ON CONFLICT (name) DO NOTHING
"""
_INTERRUPTED = "The dashboard ended while this was being sent; it may have arrived."


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The end of a task, as something to be sent.

    Attributes:
        name: The same at every attempt; a receiver can tell by it that it has the message already.
        task_id: The task of this platform; ``None`` for one of another server.
        other: The end of a task of another server, JSON as :func:`traindash.platform.webhook.message.other_message`
            takes it.
    """

    name: str
    task_id: TaskId | None = None
    other: str | None = None


def own_message(task_id: TaskId) -> Message:
    """Return the message of a task of this platform."""
    return Message(name=f"task-{task_id}", task_id=task_id)


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The messages of a platform. A message in state ``sending`` belongs to the one who claimed it."""

    database: Database

    def due(self, since: str) -> tuple[Message, ...]:
        """Return the ends that are to be told now.

        Args:
            since: ISO 8601 moment; tasks that ended before are not told.
        """
        with self.database.read() as connection:
            new = connection.execute(_NEW, (since, _ENDS)).fetchall()
            again = connection.execute(_AGAIN, (now_text(),)).fetchall()
        own = (own_message(TaskId(row[0])) for row in new)
        return (*own, *(Message(name=row["name"], task_id=row["task_id"], other=row["other"]) for row in again))

    def add(self, name: str, other: str) -> None:
        """Keep the end of a task of another server, to be sent next; one that is known already is left as it is."""
        with self.database.write() as connection:
            connection.execute(_ADD, (name, other, now_text(), now_text()))

    def claim(self, message: Message) -> int | None:
        """Take a message to send it.

        Returns:
            The number of this attempt, 1 for the first; ``None`` if nobody may send it (any more).
        """
        with self.database.write() as connection:
            row = connection.execute(_CLAIM, (message.name, message.task_id, now_text())).fetchone()
        return None if row is None else int(row[0])

    def settle(self, message: Message, state: DeliveryState, detail: str, *, again_in: float = 0.0) -> None:
        """Note what became of an attempt.

        Args:
            message: The message.
            state: After it.
            detail: A sentence.
            again_in: Seconds until the next attempt, for state ``waiting``.
        """
        due = datetime.now(UTC) + timedelta(seconds=again_in)
        due_text = due.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        with self.database.write() as connection:
            connection.execute(
                "UPDATE webhook_messages SET state = ?, detail = ?, due_at = ?, updated_at = ? WHERE name = ?",
                (state.value, detail, due_text, now_text(), message.name),
            )

    def close_interrupted(self) -> None:
        """After a start: what an earlier server was about to send is not sent again."""
        with self.database.write() as connection:
            connection.execute(
                "UPDATE webhook_messages SET state = ?, detail = ?, updated_at = ? WHERE state = ?",
                (DeliveryState.UNCERTAIN.value, _INTERRUPTED, now_text(), DeliveryState.SENDING.value),
            )

    def drop_waiting(self) -> None:
        """Give up what waits, because there is no receiver any more."""
        with self.database.write() as connection:
            connection.execute(
                "UPDATE webhook_messages SET state = ?, detail = ?, updated_at = ? WHERE state = ?",
                (DeliveryState.FAILED.value, "The webhook was removed.", now_text(), DeliveryState.WAITING.value),
            )

    def latest(self) -> tuple[Delivery, ...]:
        """Return the latest messages, newest first."""
        with self.database.read() as connection:
            rows = connection.execute(
                "SELECT name, task_id, other, state, detail, attempts, updated_at FROM webhook_messages"
                " ORDER BY updated_at DESC, task_id DESC, name LIMIT ?",
                (_SHOWN,),
            ).fetchall()
        return tuple(map(_delivery, rows))


def _delivery(row: Row) -> Delivery:
    told = {} if row["other"] is None else json.loads(row["other"])
    task_id = told["task"]["id"] if told else row["task_id"]
    return Delivery(
        task_id=None if task_id is None else TaskId(task_id),
        server=told.get("server", ""),
        state=DeliveryState(row["state"]),
        detail=row["detail"],
        attempts=row["attempts"],
        at=datetime.fromisoformat(row["updated_at"]),
    )
