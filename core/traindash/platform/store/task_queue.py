"""The order in which waiting tasks get an agent."""

from sqlite3 import Connection
from typing import assert_never

from traindash.domain.ids import AgentId, TaskId
from traindash.domain.task import QueueMove
from traindash.errors import NotFoundError, StateError
from traindash.platform.store.database import Database, now_text

# A task that waits for any agent stands in the queue of each of them.
_WAITING = (
    "SELECT id, queue_order FROM tasks WHERE queue_order > 0 AND status IN ('queued', 'started')"
    " AND team_id = (SELECT team_id FROM tasks WHERE id = ?) AND (? IS NULL OR agent_id IS NULL OR agent_id = ?)"
    " ORDER BY queue_order, id"
)


class TaskQueue:
    """Waiting tasks of all agents. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def move(self, task_id: TaskId, to: QueueMove, agent_id: AgentId | None = None) -> tuple[TaskId, ...]:
        """Change the place of a waiting task; return the queue afterwards.

        ``agent_id`` says whose queue is meant; by default that of the agent the task waits for.

        Raises:
            NotFoundError: There is no such task.
            StateError: It does not wait in this queue.
        """
        with self._database.write() as connection:
            row = connection.execute("SELECT agent_id FROM tasks WHERE id = ?", (task_id,)).fetchone()
            if row is None:
                raise NotFoundError(f"There is no task {task_id}.")
            agent = agent_id if agent_id is not None else row["agent_id"]
            waiting = connection.execute(_WAITING, (task_id, agent, agent)).fetchall()
            ids = [TaskId(item["id"]) for item in waiting]
            if task_id not in ids:
                raise StateError(f"Task {task_id} does not wait in this queue any more.", "Look at the queue again.")
            order = moved(ids, task_id, to)
            # The same places are dealt out anew, so tasks of other queues keep theirs.
            places = [int(item["queue_order"]) for item in waiting]
            _store(connection, order, places)
        return tuple(order)


def moved(ids: list[TaskId], task_id: TaskId, to: QueueMove) -> list[TaskId]:
    """Return ids with one of them moved; at the end of the line nothing changes."""
    others = [item for item in ids if item != task_id]
    at = ids.index(task_id)
    match to:
        case "first":
            place = 0
        case "up":
            place = max(at - 1, 0)
        case "down":
            place = min(at + 1, len(others))
        case "last":
            place = len(others)
        case _:
            assert_never(to)
    return [*others[:place], task_id, *others[place:]]


def _store(connection: Connection, order: list[TaskId], places: list[int]) -> None:
    now = now_text()
    for task_id, place in zip(order, places, strict=True):
        connection.execute(
            "UPDATE tasks SET queue_order = ?, updated_at = ? WHERE id = ? AND queue_order <> ?",
            (place, now, task_id, place),
        )
