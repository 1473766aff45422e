"""Looks after tasks that were started from here on other servers, begins those whose app only waits, says their ends.

The embedded platform knows its own ends. Of another server nobody tells them, so this thread asks for the tasks that
were started from this machine, whatever page is open. What it still has to tell is on disk: ends of the time without a
dashboard are told at the next start, and none is told twice, since the platform takes an end by its name only once.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from traindash.domain.ids import TaskId
from traindash.domain.task import ExitCause, Task, TaskCompletion, TaskStatus
from traindash.errors import AppError
from traindash.files import JsonFile
from traindash.language import N_
from traindash.language import gettext as _
from traindash.periodic_worker import PeriodicWorker
from traindash.steady_clock import CLOCK
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import MissingError
from traindash.supervisely.experiments import experiment_of_output
from traindash.tasks.idle_apps import can_be_started, is_idle, start_app
from traindash.tasks.progress import TaskProgress
from traindash.tasks.task_watcher import TaskWatch

EVERY_SECONDS = 10.0
_LONGEST = timedelta(days=60)  # a task that is not over by then is not waited for any more
_REMEMBERED = 50
_PATIENCE_SECONDS = 20.0
_log = logging.getLogger("traindash.task_completions")


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedTask:
    """A task whose end is still to be told."""

    server: str  # address of its server
    task_id: TaskId
    since: datetime  # when it was started from here, in UTC
    was_begun: bool = False  # its app, which did not begin by itself, was told to


_STARTED = msgspec.json.Decoder(tuple[StartedTask, ...])


class CompletionWatcher:
    """Watches the tasks of other servers.

    ``access`` gives the client of a server's address in each round, ``None`` while nobody has given its token; ``tell``
    may be given the same end again after a sudden death of the process; ``every`` counts seconds between two rounds.
    """

    def __init__(
        self,
        path: Path,
        access: Callable[[str], SuperviselyClient | None],
        tell: Callable[[TaskCompletion], object],
        *,
        every: float = EVERY_SECONDS,
    ) -> None:
        self._kept: JsonFile[tuple[StartedTask, ...]] = JsonFile(
            path=path, decode=_STARTED.decode, empty=(), noun=N_("The list of tasks on other servers")
        )
        self._access = access
        self._tell = tell
        self._every = every
        self._watches: dict[StartedTask, TaskWatch] = {}
        self._told: deque[tuple[int, TaskCompletion]] = deque(maxlen=_REMEMBERED)  # for pages, each with its number
        self._number = 0
        self._telling = threading.Lock()
        self._worker = PeriodicWorker("task completions", self._round, retry=every)

    def note(self, server: str, task_id: TaskId, now: datetime | None = None) -> None:
        """Watch a task from now on; one that is watched already is left as it is.

        Raises:
            StorageError: It cannot be kept.
        """
        new = StartedTask(server=server, task_id=task_id, since=now or CLOCK.now())

        def add(known: tuple[StartedTask, ...]) -> tuple[StartedTask, ...]:
            is_known = any((item.server, item.task_id) == (server, task_id) for item in known)
            return known if is_known else (*known, new)

        self._kept.change(add)
        self._worker.wake()

    def open(self) -> tuple[StartedTask, ...]:
        """Return the tasks whose end is still to be told."""
        return self._kept.read()

    def completed_after(self, number: int) -> tuple[int, tuple[TaskCompletion, ...]]:
        """Return what this process told after a point, and the point to ask from next.

        The point is as this gave it at the last look; a negative one asks for the point alone.
        """
        with self._telling:
            return self._number, tuple(told for place, told in self._told if 0 <= number < place)

    def start(self) -> None:
        """Begin to watch, with what an earlier process left."""
        self._worker.start()

    def close(self) -> None:
        """End after the look that is under way. Closing twice does nothing."""
        self._worker.close(_PATIENCE_SECONDS)

    def round(self) -> None:
        """Look at every task once. What cannot be asked for now is left for the next round."""
        for task in self.open():
            if self._worker.is_closing:
                return
            try:
                self._look(task)
            except AppError as error:
                _log.info("Task %s on %s cannot be looked at: %s", task.task_id, task.server, error)

    def _round(self) -> float | None:
        self.round()
        return self._every if self.open() else None

    def _look(self, task: StartedTask) -> None:
        # Nobody has given the token yet; the task stays on the list.
        client = self._access(task.server)
        if client is None:
            return
        watch = self._watches.setdefault(task, TaskWatch(client, task.task_id))
        try:
            progress = watch.refresh()
        except MissingError:
            self._forget(task)  # the server has it no more: nobody will ever know how it ended
            return
        if progress.task.status.is_terminal or progress.app_failed:
            completion = _completion_of(task.server, progress)
            self._tell(completion)  # before it is forgotten: whoever dies in between tells it again, by the same name
            with self._telling:
                self._number += 1
                self._told.append((self._number, completion))
            self._forget(task)
        elif CLOCK.now() - task.since > _LONGEST:
            self._forget(task)
        elif not task.was_begun and is_idle(progress, datetime.now(UTC)) and can_be_started(progress):
            self._begin(task, client, progress.task)

    def _begin(self, task: StartedTask, client: SuperviselyClient, described: Task) -> None:
        """Tell an app to train; on disk before it is sent, since one that is told twice trains twice."""
        begun = replace(task, was_begun=True)
        self._watches[begun] = self._watches.pop(task)
        self._kept.change(lambda known: tuple(begun if item == task else item for item in known))
        start_app(client, described)

    def _forget(self, task: StartedTask) -> None:
        self._watches.pop(task, None)
        self._kept.change(lambda known: tuple(item for item in known if item != task))


def _completion_of(server: str, progress: TaskProgress) -> TaskCompletion:
    """Return the end of a task as it is told.

    A training app that failed while its task stays ``started`` counts as an end with an error: the server will not say
    so by itself (docs/supervisely-api.md 6).
    """
    task, report = progress.task, progress.task.exit_report
    experiment = experiment_of_output(task.output)
    # A failed app stays started until somebody stops it (docs/supervisely-api.md 8).
    status = task.status if task.status.is_terminal else TaskStatus.ERROR
    cause = report.cause if report is not None else None
    return TaskCompletion(
        server=server,
        task_id=task.id,
        name=str(task.gui_state.get("experiment_name") or "")
        or (experiment.experiment_name if experiment else "")
        or task.description,
        status=status,
        cause=cause if cause is not None or status is not TaskStatus.ERROR else ExitCause.CRASHED,
        message=report.message if report else _said(progress) if status is TaskStatus.ERROR else "",
        hint=report.hint if report else "",
        agent=task.agent_name or "",
        project_id=task.project_id,
        started_at=task.started_at,
        finished_at=task.finished_at,
        metrics=dict(experiment.evaluation_metrics) if experiment else {},
        url=f"{server}/apps/sessions/{task.id}",
    )


def _said(progress: TaskProgress) -> str:
    """Return what a failed task says itself: its app, else the last error of its log."""
    if progress.app_failed:
        return (progress.train_status or "").removeprefix("Status: ").strip()
    errors: Sequence[str] = [row.message for row in progress.log if row.level in {"error", "fatal"}]
    return errors[-1] if errors else _("The server does not say why it failed.")


@dataclass(slots=True)
class NewlyCompleted:
    """Remembers which tasks were on their way."""

    open: set[TaskId] = field(default_factory=set)  # tasks that were not over at the last look
    # tasks that ended since the first of those that are open began; told as one when the last one ends
    together: list[Task] = field(default_factory=list)

    def look(self, tasks: Sequence[Task]) -> tuple[Task, ...]:
        """Return the tasks that have ended since the last look, oldest first.

        What was open and is not among the newest tasks any more is forgotten.
        """
        ended = tuple(sorted((t for t in tasks if t.id in self.open and t.status.is_terminal), key=lambda t: t.id))
        # Anew from the list: tasks of before that were removed must not keep it open for ever.
        self.open = {task.id for task in tasks if not task.status.is_terminal}
        self.together.extend(ended)
        return ended

    def all_over(self) -> tuple[Task, ...]:
        """Return all tasks that ended together once none is open any more, and begin anew; before that, none."""
        if self.open or not self.together:
            return ()
        over, self.together = tuple(self.together), []
        return over
