"""Following one task: each look asks for what is new and gives the whole picture."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.api.client import SuperviselyClient
from core.api.errors import ApiError
from core.domain.ids import TaskId
from core.domain.log import LogRow
from core.domain.task import Task, TaskStatus
from core.launch.watching.late_result import result_is_due
from core.launch.watching.log_reading import ended, moment_of, reduce
from core.launch.watching.progress import TaskProgress

_OVERLAP = timedelta(seconds=2)
"""Rows of one task come from several writers, so a row may arrive after one with a later timestamp."""


class TaskWatch:
    """Follows a task. Only rows of the last moments and new ones travel. Safe to share between threads.

    Args:
        client: The server.
        task_id: The task.
        now: Gives the moment; stands in for the clock in tests.
    """

    def __init__(
        self,
        client: SuperviselyClient,
        task_id: TaskId,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._now = now
        self._task_id = task_id
        self._progress: TaskProgress | None = None
        self._seen: dict[str, datetime | None] = {}
        self._lock = threading.Lock()

    @property
    def task_id(self) -> TaskId:
        """The task that is followed."""
        return self._task_id

    def refresh(self, task: Task | None = None) -> TaskProgress:
        """Ask the server and return the progress.

        A task that is over and read to its end, with its result, is not asked for again.

        Args:
            task: The task as the server has just described it, for instance in a list; spares asking for it.

        Raises:
            MissingError: There is no such task.
            ApiError: The server does not answer as it should; the next call goes on where this one stopped.
        """
        with self._lock:
            known = self._progress
            if known is not None and known.task.status.is_terminal and not result_is_due(known.task, self._now()):
                return known
            # The task first: when it is over, the log that is read after it is complete.
            task = self._client.tasks.get(self._task_id) if task is None else task
            rows = self._new_rows(self._client.tasks.log(self._task_id, since=self._since()))
            progress = reduce(TaskProgress(task=task) if known is None else replace(known, task=task), rows)
            status = self._train_status(task, progress)
            progress = replace(progress, train_status=status)
            self._progress = ended(progress) if task.status.is_terminal else progress
            return self._progress

    def _since(self) -> str | None:
        newest = self._progress.newest if self._progress else None
        if newest is None:
            return None
        moment = (newest - _OVERLAP).astimezone(UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"

    def _new_rows(self, rows: tuple[LogRow, ...]) -> list[LogRow]:
        new: list[LogRow] = []
        for row in rows:
            key = json.dumps([row.timestamp, row.level, row.message, dict(row.fields)], sort_keys=True)
            if key not in self._seen:
                self._seen[key] = moment_of(row)
                new.append(row)
        moments = [at for at in self._seen.values() if at is not None]
        if moments:
            # Twice the overlap: rows that old are not asked for again. Rows without a moment may come every time.
            oldest = max(moments) - 2 * _OVERLAP
            self._seen = {key: at for key, at in self._seen.items() if at is None or at >= oldest}
        return new

    def _train_status(self, task: Task, progress: TaskProgress) -> str | None:
        """Ask the training app itself where the log has no phases: a failed app may stay ``started`` for ever."""
        if task.status is not TaskStatus.STARTED or progress.reports_phases:
            return None
        try:
            answer = self._client.tasks.request(self._task_id, "train_status")
        except ApiError:
            return progress.train_status  # an app that gets ready, or another kind of app, does not answer
        status = answer.get("status")
        return status if isinstance(status, str) else ""
