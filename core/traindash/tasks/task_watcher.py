"""Following one task: each look asks for what is new and gives the whole picture."""

import json
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from traindash.domain.ids import TaskId
from traindash.domain.task import LogRow, Task, TaskStatus
from traindash.steady_clock import CLOCK
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import ApiError
from traindash.supervisely.experiments import experiment_of_output
from traindash.tasks.log_reading import ended, moment_of, reduce
from traindash.tasks.progress import TaskProgress, TimeRange

# Results that arrive after their task has ended (docs/supervisely-api.md 12.5). Pure.

_PATIENCE = timedelta(minutes=2)
# keys of ``params.state`` that only trainings have (docs/supervisely-api.md 3.2)
_TRAININGS = frozenset({"guiState", "trainTaskId"})


def lacks_result(task: Task) -> bool:
    """Return whether a training is finished and the server names no experiment of it."""
    is_training = not _TRAININGS.isdisjoint(task.params or {})
    return is_training and task.status is TaskStatus.FINISHED and "experiment" not in (task.output or {})


def result_is_due(task: Task, now: datetime) -> bool:
    """Return whether the result of a training is missing and may still come. The moment has a time zone."""
    return lacks_result(task) and task.finished_at is not None and now - task.finished_at < _PATIENCE


# rows of one task come from several writers, so a row may arrive after one with a later timestamp
_OVERLAP = timedelta(seconds=2)


class TaskWatch:
    """Follows a task. Only rows of the last moments and new ones travel. Safe to share between threads."""

    def __init__(self, client: SuperviselyClient, task_id: TaskId, now: Callable[[], datetime] = CLOCK.now) -> None:
        self._client = client
        self._now = now
        self._task_id = task_id
        self._progress: TaskProgress | None = None
        self._seen: dict[str, datetime | None] = {}
        self._looked = -math.inf  # seconds of the monotonic clock
        self._lock = threading.Lock()

    @property
    def task_id(self) -> TaskId:
        """The task that is followed."""
        return self._task_id

    def refresh(self, task: Task | None = None, *, within: float = 0.0) -> TaskProgress:
        """Ask the server and return the progress.

        A task that is over and read to its end, with its result, is not asked for again.

        Args:
            task: The task as the server has just described it, for instance in a list; spares asking for it.
            within: What was seen by anybody so many seconds ago will do, as long as the task has the status it had.

        Raises:
            MissingError: There is no such task.
            ApiError: The server does not answer as it should; the next call goes on where this one stopped.
        """
        with self._lock:
            known = self._progress
            if known is not None and known.task.status.is_terminal and not result_is_due(known.task, self._now()):
                self._progress = known if task is None else replace(known, task=task)
                return self._progress
            same = known is not None and (task is None or task.status is known.task.status)
            if known is not None and same and time.monotonic() - self._looked < within:
                return known
            # The task first: when it is over, the log that is read after it is complete.
            task = self._client.tasks.get(self._task_id) if task is None else task
            rows = self._new_rows(self._client.tasks.log(self._task_id, since=self._since()))
            progress = reduce(TaskProgress(task=task) if known is None else replace(known, task=task), rows)
            status = self._train_status(task, progress)
            progress = replace(progress, train_status=status)
            self._progress = ended(progress) if task.status.is_terminal else progress
            self._looked = time.monotonic()
            return self._progress

    def _since(self) -> str | None:
        newest = self._progress.newest if self._progress else None
        if newest is None:
            return None
        # Milliseconds and Z: the one form that sinceTime takes (docs/supervisely-api.md 6.3).
        moment = (newest - _OVERLAP).astimezone(UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"

    def _new_rows(self, rows: tuple[LogRow, ...]) -> list[LogRow]:
        new: list[LogRow] = []
        for row in rows:
            # Rows have no id; two that are equal in everything are one (docs/supervisely-api.md 6.3).
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


# The time that is left, phase by phase: what follows a training takes as long as it took the last time.

_LOOKED_THROUGH = 50
_BEFORE_TRAINING = frozenset({"preparing_data", "training"})
# between two trainings of one model on one project, what follows them differs by about that much
_SHORTER, _LONGER = 0.7, 1.4


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseTime:
    """A phase that is not over."""

    name: str  # see :class:`traindash.tasks.progress.PhaseSpan`
    left: TimeRange | None  # how long it still takes; `None` if nothing can be said


def typical_durations(client: SuperviselyClient, task: Task) -> Mapping[str, float]:
    """Return how long the phases after the training took in the last finished training like this one.

    Returns:
        Phase → seconds; empty if there is no such training, or its log does not say.

    Raises:
        ApiError: The server does not answer as it should.
    """
    if task.workspace_id is None or (wanted := _likeness(task)) is None:
        return {}
    # The same project, app and model: what follows a training depends on all three.
    newest = client.tasks.newest(task.workspace_id, _LOOKED_THROUGH)
    like = next((old for old in newest if old.status is TaskStatus.FINISHED and _likeness(old) == wanted), None)
    experiment = None if like is None else experiment_of_output(like.output)
    if like is None or like.started_at is None or experiment is None or experiment.training_duration is None:
        return {}
    # Only the rows behind the training travel: those of a long training are many.
    since = like.started_at + timedelta(seconds=experiment.training_duration)
    rows = client.tasks.log(like.id, since=since.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    spans = reduce(TaskProgress(task=like), rows).phases
    return {
        span.name: (span.ended_at - span.started_at).total_seconds()
        for span in spans
        if span.ended_at is not None and span.name not in _BEFORE_TRAINING
    }


def phases_left(
    progress: TaskProgress, planned: Sequence[str], typical: Mapping[str, float], now: datetime
) -> tuple[PhaseTime, ...]:
    """Return the phases that are not over, the running one first.

    The phases are in their order, ``typical`` is from :func:`typical_durations`, and ``now`` has a time zone.
    """
    if progress.phase not in planned:
        return ()
    left: list[PhaseTime] = []
    for name in planned[planned.index(progress.phase) :]:
        if name == "training":
            known = progress.eta_seconds if progress.phase == "training" else None
        elif name in typical:
            # Only the running phase has used up some of its time.
            spent = (now - progress.phases[-1].started_at).total_seconds() if name == progress.phase else 0.0
            low, high = (max(part * typical[name] - spent, 0.0) for part in (_SHORTER, _LONGER))
            known = TimeRange(low=low, high=high)
        else:
            known = None
        left.append(PhaseTime(name=name, left=known))
    return tuple(left)


def total(phases: Sequence[PhaseTime]) -> TimeRange | None:
    """Return the time until everything is done; ``None`` if a phase is not known or nothing is left."""
    known = [phase.left for phase in phases if phase.left is not None]
    # A sum with a hole in it would promise too little.
    if not known or len(known) < len(phases):
        return None
    return TimeRange(low=sum(left.low for left in known), high=sum(left.high for left in known))


def _likeness(task: Task) -> tuple[object, ...] | None:
    """Return what two trainings must share to be compared; ``None`` if the task is no training."""
    return (task.project_id, task.app_name, repr(task.gui_state.get("model"))) if task.gui_state else None
