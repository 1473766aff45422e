"""How far a series is: what each experiment does, what is best, how much time is left. Pure."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from traindash.domain.ids import SeriesId, TaskId
from traindash.domain.task import Task, TaskStatus
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import MissingError
from traindash.tasks.flight_check import PastRun, estimate, past_runs, total_time
from traindash.tasks.progress import TaskProgress, TimeRange
from traindash.tasks.series_record import Member, Series, SeriesStore
from traindash.tasks.task_watcher import TaskWatch

Stage: TypeAlias = Literal["to_start", "refused", "waiting", "running", "finished", "failed", "stopped"]
_STAGES: Mapping[TaskStatus, Stage] = {
    TaskStatus.QUEUED: "waiting",
    TaskStatus.FINISHED: "finished",
    TaskStatus.ERROR: "failed",
    TaskStatus.STOPPED: "stopped",
}
OVER: frozenset[Stage] = frozenset({"refused", "finished", "failed", "stopped"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberState:
    """An experiment of a series and how far it is."""

    member: Member
    stage: Stage
    task: Task | None = None  # `None` before the start, and when the server has lost it


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLeft:
    """Time until a series is over."""

    range: TimeRange | None  # of the experiments it is known of; `None` if of none, or nothing is left
    unknown: int = 0  # experiments it is not known of


def states_of(series: Series, tasks: Mapping[TaskId, Task]) -> tuple[MemberState, ...]:
    """Return each experiment of a series with how far it is."""
    return tuple(_state(series, member, tasks) for member in series.members)


def is_over(states: Sequence[MemberState]) -> bool:
    """Return whether nothing will happen any more by itself."""
    return all(state.stage in OVER for state in states)


def time_left(
    states: Sequence[MemberState],
    runs: Sequence[PastRun],
    models: Mapping[int, str],
    *,
    agents: int,
    now: datetime,
    training: Mapping[TaskId, TimeRange],
) -> TimeLeft:
    """Return the time until the last experiment is over.

    ``models`` are by task; ``training`` is what running trainings themselves say is left; ``now`` has a time zone.
    """
    open_states = [state for state in states if state.stage not in OVER]
    # Those that run are the first in the queue: the others wait for them.
    open_states.sort(key=lambda state: state.stage != "running")
    times = [_left_of(state, runs, models, now, training) for state in open_states]
    known = [time for time in times if time is not None]
    return TimeLeft(range=total_time(known, agents) if known else None, unknown=len(times) - len(known))


def runs_under_way(
    states: Sequence[MemberState], training: Mapping[TaskId, TimeRange], now: datetime
) -> tuple[PastRun, ...]:
    """Return what running experiments will have taken, by what they say is left: others like them will take as long.

    ``training`` is what running trainings say is left; ``now`` has a time zone.
    """
    # The middle of what is left: one number per run is what estimates are made of.
    ends = {task_id: now + timedelta(seconds=(left.low + left.high) / 2) for task_id, left in training.items()}
    return past_runs(
        replace(state.task, status=TaskStatus.FINISHED, finished_at=ends[state.task.id])
        for state in states
        if state.task is not None and state.task.id in ends
    )


def _state(series: Series, member: Member, tasks: Mapping[TaskId, Task]) -> MemberState:
    task = None if member.task_id is None else tasks.get(member.task_id)
    if task is not None:
        return MemberState(member=member, stage=_STAGES.get(task.status, "running"), task=task)
    if member.refusal is not None:
        return MemberState(member=member, stage="refused")
    # It had a task, which the server has lost or nobody will start.
    if member.task_id is not None or series.is_cancelled:
        return MemberState(member=member, stage="stopped")
    return MemberState(member=member, stage="to_start")


def _left_of(
    state: MemberState,
    runs: Sequence[PastRun],
    models: Mapping[int, str],
    now: datetime,
    training: Mapping[TaskId, TimeRange],
) -> TimeRange | None:
    if state.task is not None and state.task.id in training:
        return training[state.task.id]
    in_force = state.task.hyperparameters if state.task is not None else None
    whole = estimate(state.member.plan, state.member.plan.hyperparameters or in_force or "", runs, models)
    if whole is None or state.task is None or state.task.started_at is None:
        return whole
    # Clocks of two machines differ.
    done = max((now - state.task.started_at).total_seconds(), 0.0)
    return TimeRange(low=max(whole.low - done, 0.0), high=max(whole.high - done, 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesSnapshot:
    """A series at one moment."""

    series: Series
    states: tuple[MemberState, ...]  # of all experiments, in their order
    progress: Mapping[TaskId, TaskProgress]  # of the tasks that run

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen any more by itself."""
        return is_over(self.states) and not self.series.needs_work


class SeriesWatch:
    """Follows a series. Tasks that are over are not asked for again. Safe to share between threads."""

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
                # The log of a task that waits is empty; following it would cost one more request at each look.
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
