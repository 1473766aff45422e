"""What a task does, in words."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traindash.domain.ids import TaskId
from traindash.domain.task import ExitCause, ExitReport, Task, TaskStatus
from traindash.tasks.progress import Counter, TaskProgress, TimeRange
from traindash.ui.tasks.text import (
    fraction,
    is_ready_only,
    model_name,
    not_finite_text,
    planned_phases,
    sentence,
    task_title,
)

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
OPTIONS = {"model_benchmark": {"enable": True, "speed_test": True}, "export": {"enable": True}}


def _task(status: TaskStatus, state: dict[str, object] | None = None, **changes: object) -> Task:
    values: dict[str, object] = {
        "id": TaskId(7),
        "status": status,
        "started_at": START,
        "finished_at": START + timedelta(seconds=90) if status.is_terminal else None,
        "params": {"guiState": {"options": OPTIONS, **(state or {})}},
        **changes,
    }
    return Task(**values)  # type: ignore[arg-type]


def _progress(status: TaskStatus = TaskStatus.STARTED, **changes: object) -> TaskProgress:
    return TaskProgress(task=_task(status), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (TaskProgress(task=_task(TaskStatus.QUEUED, queue_position=2)), "Queued, number 2"),
        (_progress(TaskStatus.QUEUED), "Queued, waits for a free agent"),
        (_progress(TaskStatus.FINISHED), "Finished after 1 min 30 s"),
        (_progress(TaskStatus.ERROR), "Ended with an error after 1 min 30 s"),
        (_progress(TaskStatus.STOPPED), "Stopped after 1 min 30 s"),
        (_progress(TaskStatus.CONSUMED), "Starting"),
        (_progress(), "Getting ready on its agent"),
        (_progress(newest=START), "Running"),
        (_progress(train_status=""), "The training app is open"),
        (_progress(train_status="Status: Preparing data for training..."), "Preparing data for training"),
        (_progress(phase="training", epoch=11, epochs=50), "Training, epoch 12 of 50"),
        (
            _progress(
                phase="training", epoch=11, epochs=50, step=3, steps=20, eta_seconds=TimeRange(low=840, high=1020)
            ),
            "Training, epoch 12 of 50, batch 3 of 20, 14 to 17 min left",
        ),
        (_progress(phase="training", epoch=50, epochs=50), "Training, epoch 50 of 50"),
        (_progress(phase="uploading", counters=(Counter(name="x", current=3, total=9),)), "Uploading, 3 of 9"),
    ],
)
def test_sentence(progress: TaskProgress, text: str) -> None:
    assert sentence(progress) == text


def test_stopped_by_the_person_with_a_checkpoint() -> None:
    report = ExitReport(cause=ExitCause.STOPPED_BY_USER, message="")
    task = _task(TaskStatus.STOPPED, exit_report=report, output={"experiment": {"data": {}}})
    assert sentence(TaskProgress(task=task)) == "Stopped by you after 1 min 30 s, best checkpoint kept"


def test_waiting_for_the_start_button() -> None:
    task = _task(TaskStatus.STARTED, {"start_training": False})
    assert is_ready_only(TaskProgress(task=task))
    assert sentence(TaskProgress(task=task)) == "Ready, waits for “Start training”"
    assert not is_ready_only(TaskProgress(task=_task(TaskStatus.STOPPED, {"start_training": False})))
    assert not is_ready_only(TaskProgress(task=_task(TaskStatus.STARTED)))


def test_names() -> None:
    task = _task(
        TaskStatus.QUEUED, {"experiment_name": "Mine", "model": {"model_name": "YOLO26n-det"}}, description="D"
    )
    assert task_title(task) == "Mine"
    assert model_name(task) == "YOLO26n-det"
    assert task_title(Task(id=TaskId(3), status=TaskStatus.QUEUED)) == "Task 3"
    assert task_title(Task(id=TaskId(3), status=TaskStatus.QUEUED, app_name="Compare")) == "Compare"


def test_planned_phases_follow_the_options() -> None:
    everything = ("preparing_data", "training", "evaluation", "speed_test", "export", "uploading")
    assert planned_phases(_task(TaskStatus.QUEUED)) == everything
    bare = _task(TaskStatus.QUEUED, {"options": {"model_benchmark": {"enable": False, "speed_test": True}}})
    assert planned_phases(bare) == ("preparing_data", "training", "uploading")
    assert planned_phases(Task(id=TaskId(3), status=TaskStatus.QUEUED)) == ()


@given(st.integers(1, 300), st.integers(1, 40))
def test_the_bar_never_goes_back(epochs: int, steps: int) -> None:
    shares = [fraction(_progress(phase="preparing_data"))]
    for epoch in range(epochs):
        shares.append(fraction(_progress(phase="training", epoch=epoch, epochs=epochs, step=steps, steps=steps)))
        shares.append(fraction(_progress(phase="training", epoch=epoch + 1, epochs=epochs)))
    later = planned_phases(_task(TaskStatus.STARTED))[2:]
    shares += [fraction(_progress(phase=phase, epoch=epochs, epochs=epochs)) for phase in later]
    shares.append(fraction(_progress(TaskStatus.FINISHED)))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert min(shares) >= 0.0


def test_numbers_that_are_none_are_told_once() -> None:
    text = not_finite_text({"a": 3, "b": 2, "c": 2, "d": 2, "e": 2})
    assert text.startswith("Not a number since epoch 2: “b”, “c” and 2 more.")
