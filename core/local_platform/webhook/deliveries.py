"""Which ends were told: one row per task, written before anything is sent, so that no end is told twice."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.domain.ids import TaskId
from core.domain.task import TERMINAL_STATUSES
from core.domain.webhook import Delivery, DeliveryState
from core.local_platform.store.database import Database, now_text

_SHOWN = 5
_ENDS = json.dumps(sorted(status.value for status in TERMINAL_STATUSES))
_NEW = """
SELECT id FROM tasks WHERE finished_at >= ? AND status IN (SELECT value FROM json_each(?))
AND id NOT IN (SELECT task_id FROM webhook_deliveries) ORDER BY finished_at, id
"""
_AGAIN = "SELECT task_id FROM webhook_deliveries WHERE state = 'waiting' AND due_at <= ? ORDER BY due_at"
_CLAIM = """
INSERT INTO webhook_deliveries (task_id, state, attempts, updated_at) VALUES (?, 'sending', 1, ?)
ON CONFLICT (task_id) DO UPDATE SET state = 'sending', attempts = attempts + 1, updated_at = excluded.updated_at
WHERE state = 'waiting' RETURNING attempts
"""
_INTERRUPTED = "The dashboard ended while this was being sent; it may have arrived."


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The messages of a platform. A message in state ``sending`` belongs to the one who claimed it."""

    database: Database

    def due(self, since: str) -> tuple[TaskId, ...]:
        """Return the tasks whose end is to be told now.

        Args:
            since: ISO 8601 moment; tasks that ended before are not told.
        """
        with self.database.read() as connection:
            new = connection.execute(_NEW, (since, _ENDS)).fetchall()
            again = connection.execute(_AGAIN, (now_text(),)).fetchall()
        return tuple(TaskId(row[0]) for row in (*new, *again))

    def claim(self, task_id: TaskId) -> int | None:
        """Take a message to send it.

        Returns:
            The number of this attempt, 1 for the first; ``None`` if nobody may send it (any more).
        """
        with self.database.write() as connection:
            row = connection.execute(_CLAIM, (task_id, now_text())).fetchone()
        return None if row is None else int(row[0])

    def settle(self, task_id: TaskId, state: DeliveryState, detail: str, *, again_in: float = 0.0) -> None:
        """Note what became of an attempt.

        Args:
            task_id: The task.
            state: After it.
            detail: A sentence.
            again_in: Seconds until the next attempt, for state ``waiting``.
        """
        due = datetime.now(UTC) + timedelta(seconds=again_in)
        due_text = due.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        with self.database.write() as connection:
            connection.execute(
                "UPDATE webhook_deliveries SET state = ?, detail = ?, due_at = ?, updated_at = ? WHERE task_id = ?",
                (state.value, detail, due_text, now_text(), task_id),
            )

    def close_interrupted(self) -> None:
        """After a start: what an earlier server was about to send is not sent again."""
        with self.database.write() as connection:
            connection.execute(
                "UPDATE webhook_deliveries SET state = ?, detail = ?, updated_at = ? WHERE state = ?",
                (DeliveryState.UNCERTAIN.value, _INTERRUPTED, now_text(), DeliveryState.SENDING.value),
            )

    def drop_waiting(self) -> None:
        """Give up what waits, because there is no receiver any more."""
        with self.database.write() as connection:
            connection.execute(
                "UPDATE webhook_deliveries SET state = ?, detail = ?, updated_at = ? WHERE state = ?",
                (DeliveryState.FAILED.value, "The webhook was removed.", now_text(), DeliveryState.WAITING.value),
            )

    def latest(self) -> tuple[Delivery, ...]:
        """Return the latest messages, newest first."""
        with self.database.read() as connection:
            rows = connection.execute(
                "SELECT task_id, state, detail, attempts, updated_at FROM webhook_deliveries"
                " ORDER BY updated_at DESC, task_id DESC LIMIT ?",
                (_SHOWN,),
            ).fetchall()
        return tuple(
            Delivery(
                task_id=TaskId(row["task_id"]),
                state=DeliveryState(row["state"]),
                detail=row["detail"],
                attempts=row["attempts"],
                at=datetime.fromisoformat(row["updated_at"]),
            )
            for row in rows
        )
