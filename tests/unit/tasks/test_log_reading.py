"""From log rows to progress."""

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traindash.domain.ids import TaskId
from traindash.domain.task import LogRow, Task, TaskStatus
from traindash.tasks.log_reading import KEPT_LOG_ROWS, ended, reduce
from traindash.tasks.progress import TaskProgress

BEGIN = datetime(2026, 11, 23, 10, tzinfo=UTC)
NEW = TaskProgress(task=Task(id=TaskId(9), status=TaskStatus.STARTED))


def _row(second: float, message: str = "progress", **fields: Any) -> LogRow:  # noqa: ANN401 - JSON
    at = (BEGIN + timedelta(seconds=second)).isoformat().replace("+00:00", "Z")
    return LogRow(message=message, timestamp=at, fields=fields)


def _phase(second: float, name: str) -> LogRow:
    return _row(second, f"{name}...", event_type="EventType.PHASE", phase=name)


def _count(second: float, name: str, current: int, total: int) -> LogRow:
    return _row(second, event_type="EventType.PROGRESS", subtask=name, current=current, total=total)


def _metrics(second: float, epoch: int, **values: Any) -> LogRow:  # noqa: ANN401 - JSON
    fields = {"event_type": "EventType.METRICS", "epoch": epoch, "epochs": 4, "seconds": second - 5}
    return _row(second, "metrics", **fields, values=values)


RUN = (
    _row(0, "Task accepted"),
    _phase(1, "preparing_data"),
    _count(2, "Images", 5, 10),
    _count(3, "Images", 10, 10),
    _phase(5, "training"),
    _count(5, "Epochs", 0, 4),
    _count(10, "Steps", 5, 10),
    _metrics(15, 1, **{"train/box_loss": 2.0, "per_class/car": 0.1}),
    _count(15.1, "Epochs", 1, 4),
    _row(16, "A line for people", level="info"),
    _metrics(25, 2, **{"train/box_loss": "nan", "per_class/car": 0.2}),
    _count(25.1, "Epochs", 2, 4),
    _count(30, "Steps", 5, 10),
)


def test_a_run_of_the_embedded_platform() -> None:
    progress = reduce(NEW, RUN)
    assert progress.phase == "training"
    spans = [(span.name, (span.started_at - BEGIN).total_seconds()) for span in progress.phases]
    assert spans == [("preparing_data", 1), ("training", 5)]
    assert progress.phases[0].ended_at == BEGIN + timedelta(seconds=5)
    assert progress.phases[1].ended_at is None
    assert (progress.epoch, progress.epochs, progress.step, progress.steps) == (2, 4, 5, 10)
    loss = progress.curves["train/box_loss"]
    assert (loss.steps, loss.seconds, loss.values[0]) == ((1, 2), (10, 20), 2.0)
    assert math.isnan(loss.values[1])
    assert progress.not_finite == {"train/box_loss": 2}
    assert progress.per_class["car"].values == (0.1, 0.2)
    assert "per_class/car" not in progress.curves
    assert [(counter.name, counter.current) for counter in progress.counters] == [("Images", 10)]
    assert [row.message for row in progress.log] == [
        "Task accepted",
        "preparing_data...",
        "training...",
        "A line for people",
    ]
    assert [(mark.epoch, (mark.at - BEGIN).total_seconds()) for mark in progress.epoch_marks] == [
        (0, 5),
        (1, 15),
        (2, 25),
    ]
    assert progress.eta_seconds is not None
    assert progress.eta_seconds.low < 15 < progress.eta_seconds.high


def _comparable(progress: TaskProgress) -> str:
    return repr(progress)  # NaN is not equal to itself; its text is


@given(cuts=st.lists(st.integers(0, len(RUN)), max_size=5))
def test_the_same_rows_in_any_portions_give_the_same_progress(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(RUN)]
    progress = NEW
    for start, end in pairwise(edges):
        progress = reduce(progress, RUN[start:end])
    assert _comparable(progress) == _comparable(reduce(NEW, RUN))


def test_a_log_that_only_counts_is_understood() -> None:
    rows = (
        _count(0, "Downloading input data", 1, 9),
        _count(4, "Applying train/val splits to project", 1, 1),
        _count(6, "Epochs", 0, 3),
        _count(8, "Steps", 2, 10),
        _count(20, "Epochs", 1, 3),
        _count(30, "Epochs", 3, 3),
        _count(31, "Finalizing and uploading training artifacts...", 0, 1),
        _count(40, "Evaluation: Running inference", 1, 5),
        _count(50, "Speedtest: batch 1", 1, 5),
        _row(51, "Epoch started. Total steps: 10"),
    )
    progress = reduce(NEW, rows)
    assert [span.name for span in progress.phases] == [
        "preparing_data",
        "training",
        "uploading",
        "evaluation",
        "speed_test",
    ]
    assert (progress.epoch, progress.epochs, progress.eta_seconds) == (3, 3, None)
    assert not progress.reports_phases
    assert not progress.curves


def test_what_is_counted_never_overrules_a_reported_phase() -> None:
    progress = reduce(NEW, (_phase(0, "uploading"), _count(1, "Evaluation: x", 1, 2)))
    assert progress.phase == "uploading"


def test_the_end_closes_the_open_phase() -> None:
    over = Task(id=TaskId(9), status=TaskStatus.FINISHED, finished_at=BEGIN + timedelta(seconds=60))
    progress = reduce(TaskProgress(task=over), RUN)
    assert (progress.phase, progress.eta_seconds) == (None, None)
    assert progress.phases[-1].ended_at == BEGIN + timedelta(seconds=60)
    assert ended(NEW) == NEW


def test_an_epoch_that_is_reported_twice_counts_with_its_later_numbers() -> None:
    progress = reduce(
        NEW, (_metrics(1, 1, a=1.0), _metrics(2, 2, a=2.0), _metrics(9, 2, a=5.0), _metrics(10, 3, a=6.0))
    )
    assert progress.curves["a"].steps == (1, 2, 3)
    assert progress.curves["a"].values == (1.0, 5.0, 6.0)
    assert progress.epoch == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"event_type": "EventType.PROGRESS", "subtask": "Epochs", "current": None, "total": 3},
        {"event_type": "EventType.PROGRESS"},
        {"event_type": "EventType.METRICS", "epoch": "x", "values": {}},
        {"event_type": "EventType.METRICS", "epoch": 1, "values": [1]},
        {"event_type": "EventType.PHASE"},
        {"event_type": "EventType.PHASE", "phase": 7},
        {"event_type": 7},
    ],
)
def test_rows_of_an_odd_form_harm_nothing(fields: dict[str, Any]) -> None:
    progress = reduce(NEW, (_row(0, "odd", **fields), LogRow(message="m", timestamp="not a time"), *RUN))
    assert (progress.epoch, progress.epochs) == (2, 4)


def test_the_log_keeps_the_newest_rows() -> None:
    progress = reduce(NEW, [_row(number, f"line {number}") for number in range(KEPT_LOG_ROWS + 10)])
    assert len(progress.log) == KEPT_LOG_ROWS
    assert progress.log[-1].message == f"line {KEPT_LOG_ROWS + 9}"
