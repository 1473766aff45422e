"""When a silent task is called stuck."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from traindash.domain.ids import TaskId
from traindash.domain.task import LogRow, Task, TaskStatus
from traindash.tasks.log_reading import reduce
from traindash.tasks.progress import Resources, TaskProgress, silence_of

BEGIN = datetime(2026, 11, 23, 10, tzinfo=UTC)
TASK = Task(id=TaskId(1), status=TaskStatus.STARTED)


def at(seconds: float) -> datetime:
    """Return a moment."""
    return BEGIN + timedelta(seconds=seconds)


def row(moment: float, /, **fields: object) -> LogRow:
    """Return a log row."""
    return LogRow(message="", level="info", timestamp=at(moment).isoformat(), fields=fields)


def step(seconds: float, number: int) -> LogRow:
    """Return a row of a batch."""
    return row(seconds, event_type="EventType.PROGRESS", subtask="Steps", current=number, total=9)


TRAINING = row(0, event_type="EventType.PHASE", phase="training")


def test_a_task_that_speaks_is_not_stuck() -> None:
    progress = reduce(TaskProgress(task=TASK), [TRAINING, step(1, 1), step(2, 2)])
    assert silence_of(progress, at(40)) is None
    found = silence_of(progress, at(50))
    assert found is not None
    assert (found.phase, found.seconds, found.expected, found.is_idle) == ("training", 48, 45, None)


def test_slow_batches_are_waited_for() -> None:
    progress = reduce(TaskProgress(task=TASK), [TRAINING, step(30, 1), step(60, 2)])
    assert silence_of(progress, at(149)) is None
    assert silence_of(progress, at(151)) is not None


def test_a_new_phase_has_its_own_measure() -> None:
    rows = [TRAINING, step(500, 1), row(501, event_type="EventType.PHASE", phase="evaluation")]
    progress = reduce(TaskProgress(task=TASK), rows)
    assert silence_of(progress, at(562)) is not None


@pytest.mark.parametrize(("cpu", "is_idle"), [(0.2, True), (97.0, False)])
def test_a_look_at_the_process_is_no_sign_of_life_but_says_more(cpu: float, is_idle: bool) -> None:  # noqa: FBT001
    look = row(55, event_type="EventType.RESOURCES", cpu_percent=cpu, memory_bytes=5)
    progress = reduce(TaskProgress(task=TASK), [TRAINING, step(1, 1), look])
    assert progress.resources == Resources(at=at(55), cpu_percent=cpu, memory_bytes=5)
    assert len(progress.log) == 1  # the phase; the look is not for people
    found = silence_of(progress, at(60))
    assert found is not None
    assert found.is_idle is is_idle


@pytest.mark.parametrize("status", [TaskStatus.QUEUED, TaskStatus.TERMINATING, TaskStatus.FINISHED])
def test_only_running_tasks_can_be_stuck(status: TaskStatus) -> None:
    progress = reduce(TaskProgress(task=TASK), [TRAINING])
    assert silence_of(replace(progress, task=replace(TASK, status=status)), at(1e6)) is None
    assert silence_of(TaskProgress(task=TASK), at(1e6)) is None


def test_an_app_that_never_said_anything_is_silent_since_its_start() -> None:
    """Its image is fetched first, which may well take minutes (docs/supervisely-api.md 5.4)."""
    silent = TaskProgress(task=replace(TASK, started_at=at(0)))
    assert silence_of(silent, at(299)) is None
    found = silence_of(silent, at(301))
    assert found is not None
    assert (found.phase, found.seconds, found.waits) == ("", 301, False)


def test_an_app_that_answers_is_alive_though_its_log_says_nothing() -> None:
    talking = TaskProgress(task=replace(TASK, started_at=at(0)), train_status="Status: Training is in progress...")
    assert silence_of(talking, at(10_000)) is None


def test_an_app_that_never_begins_is_told() -> None:
    """What a step of the real app does with settings that it does not take (docs/supervisely-api.md 8)."""
    hello = replace(row(3), message="Application is running")
    opened = replace(reduce(TaskProgress(task=replace(TASK, started_at=at(0))), [hello]), train_status="")
    assert silence_of(opened, at(60)) is None
    found = silence_of(opened, at(64))
    assert found is not None
    assert found.waits


def test_time_between_a_run_and_its_continuation_is_not_training_time() -> None:
    def metrics(seconds: float, epoch: int) -> LogRow:
        return row(seconds, event_type="EventType.METRICS", epoch=epoch, epochs=9, seconds=seconds, values={"a": 1.0})

    def epochs(seconds: float, done: int) -> LogRow:
        return row(seconds, event_type="EventType.PROGRESS", subtask="Epochs", current=done, total=9)

    resumed = row(5000, event_type="EventType.PHASE", phase="training")
    rows = [metrics(10, 1), metrics(20, 2), resumed, epochs(5001, 2), metrics(5011, 3)]
    progress = reduce(TaskProgress(task=TASK), rows)
    assert [(mark.epoch, mark.at) for mark in progress.epoch_marks] == [
        (1, at(10)),
        (2, at(20)),
        (2, at(5001)),
        (3, at(5011)),
    ]
    assert progress.eta_seconds is not None
    assert progress.eta_seconds.high < 100
    assert progress.curves["a"].steps == (1, 2, 3)
