"""Following a series: each look asks for what is still open, and gives the whole picture."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.api.client import SuperviselyClient
from core.api.errors import MissingError
from core.domain.ids import SeriesId, TaskId
from core.domain.task import Task, TaskStatus
from core.launch.series.progress import MemberState, is_over, states_of
from core.launch.series.record import Series
from core.launch.series.store import SeriesStore
from core.launch.watching.progress import TaskProgress
from core.launch.watching.watch import TaskWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesSnapshot:
    """A series at one moment.

    Attributes:
        states: Of all experiments, in their order.
        progress: Of the tasks that run.
    """

    series: Series
    states: tuple[MemberState, ...]
    progress: Mapping[TaskId, TaskProgress]

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen any more by itself."""
        return is_over(self.states) and not self.series.needs_work


class SeriesWatch:
    """Follows a series. Tasks that are over are not asked for again. Safe to share between threads.

    Args:
        client: The server.
        store: Where the series is kept.
        series_id: The series.
    """

    def __init__(self, client: SuperviselyClient, store: SeriesStore, series_id: SeriesId) -> None:
        self._client = client
        self._store = store
        self._series_id = series_id
        self._over: dict[TaskId, Task] = {}
        self._watches: dict[TaskId, TaskWatch] = {}
        self._lock = threading.Lock()

    @property
    def series_id(self) -> SeriesId:
        """The series that is followed."""
        return self._series_id

    def refresh(self) -> SeriesSnapshot:
        """Ask the server and return the picture.

        Raises:
            NotFoundError: There is no such series.
            InputError: Its file is damaged.
            ApiError: The server does not answer as it should.
        """
        with self._lock:
            series = self._store.load(self._series_id)
            tasks: dict[TaskId, Task] = {}
            progress: dict[TaskId, TaskProgress] = {}
            for task_id in series.task_ids:
                task = self._over.get(task_id) or self._look(task_id, progress)
                if task is not None:
                    tasks[task_id] = task
                    if task.status.is_terminal:
                        self._over[task_id] = task
            return SeriesSnapshot(series=series, states=states_of(series, tasks), progress=progress)

    def _look(self, task_id: TaskId, progress: dict[TaskId, TaskProgress]) -> Task | None:
        try:
            if task_id not in self._watches:
                task = self._client.tasks.get(task_id)
                if task.status is not TaskStatus.STARTED:
                    return task
                self._watches[task_id] = TaskWatch(self._client, task_id)
            found = self._watches[task_id].refresh()
        except MissingError:
            return None
        progress[task_id] = found
        return found.task


def tasks_of(client: SuperviselyClient, series: Series, listed: Iterable[Task]) -> dict[TaskId, Task]:
    """Return the tasks of a series; those that are not among the listed ones are asked for.

    Raises:
        ApiError: The server does not answer as it should.
    """
    known = {task.id: task for task in listed}
    found: dict[TaskId, Task] = {}
    for task_id in series.task_ids:
        try:
            found[task_id] = known[task_id] if task_id in known else client.tasks.get(task_id)
        except MissingError:
            continue
    return found
