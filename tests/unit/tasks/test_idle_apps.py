"""Apps that wait though they were to start at once, and apps that count iterations (SparseInst, MaskDINO)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.supervisely.scripted import Scripted
from traindash.domain.ids import TaskId
from traindash.domain.task import LogRow, Task, TaskCompletion, TaskStatus
from traindash.tasks.completions import CompletionWatcher
from traindash.tasks.idle_apps import can_be_started, failed_step, is_idle
from traindash.tasks.log_reading import reduce
from traindash.tasks.progress import TaskProgress
from traindash.ui.tasks.text import can_end_after_epoch, fraction, sentence

BEGIN = datetime(2026, 11, 23, 10, tzinfo=UTC)
STATE = {"slyProjectId": 7, "guiState": {"start_training": True, "classes": ["a"], "options": {}}}
VALID = "All steps have been validated successfully"


def row(seconds: float, message: str = "", **fields: object) -> dict[str, object]:
    """Return a log row as a server sends it."""
    moment = (BEGIN + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    return {"message": message, "level": "info", "timestamp": moment, **fields}


def progress(*rows: dict[str, Any], train_status: str | None = "") -> TaskProgress:
    """Return what is known of a running task with a log."""
    read = [
        LogRow(message=r.pop("message"), level=r.pop("level"), timestamp=r.pop("timestamp"), fields=r) for r in rows
    ]
    task = Task(id=TaskId(1), status=TaskStatus.STARTED, params=STATE, started_at=BEGIN)
    return reduce(TaskProgress(task=task, train_status=train_status), read)


def test_an_app_is_idle_when_it_answers_that_it_does_nothing_and_had_time_to_begin() -> None:
    waiting = progress(row(0, VALID))
    assert not is_idle(waiting, BEGIN + timedelta(seconds=19))
    assert is_idle(waiting, BEGIN + timedelta(seconds=21))
    assert can_be_started(waiting)
    later = BEGIN + timedelta(hours=1)
    repeats = replace(waiting, task=replace(waiting.task, params={"trainTaskId": 3, "trainMode": "new"}))
    assert not is_idle(repeats, later)  # its settings are those of another task, which it was not given
    assert not is_idle(progress(row(0), train_status=None), later)  # it has not come up
    assert not is_idle(progress(row(0), train_status="Status: Preparing data for training..."), later)


def test_an_app_that_refused_a_step_is_never_told_to_begin() -> None:
    refused = progress(row(0, "Step 'Classes Selector' 3/6 failed to validate"), row(1, VALID))
    assert failed_step(refused) == "Classes Selector"
    assert not can_be_started(refused)
    assert not can_be_started(progress(row(0, "Application has been started")))  # nothing says that all is well


def test_iterations_are_progress() -> None:
    count: dict[str, Any] = {"event_type": "EventType.PROGRESS", "subtask": "Iterations", "total": 5000}
    found = progress(row(0, **count, current=0), row(60, **count, current=1200), train_status=None)
    assert (found.phase, found.counts, found.epoch, found.epochs) == ("training", "iteration", 1200, 5000)
    assert sentence(found).startswith("Training, iteration 1,201 of 5,000")
    assert fraction(found) == pytest.approx(0.9 * 0.24)
    assert found.eta_seconds is not None
    assert not can_end_after_epoch(found)


@pytest.mark.parametrize("message", [VALID, "Step 'Classes Selector' 3/6 failed to validate"])
def test_a_waiting_app_is_told_once_to_begin_whatever_happens(tmp_path: Path, message: str) -> None:
    server, told = Scripted(), list[TaskCompletion]()
    server.add(
        "tasks.info",
        {"id": 5, "status": "started", "startedAt": BEGIN.isoformat(), "meta": {"params": {"state": STATE}}},
    )
    server.add("tasks.log.download", [row(0, message)])
    server.add("tasks.request.direct", lambda body: {"status": ""} if body["command"] == "train_status" else {})
    with server.client() as client:

        def watcher() -> CompletionWatcher:
            return CompletionWatcher(tmp_path / "elsewhere.json", lambda _: client, told.append)

        watcher().note("http://far", TaskId(5))
        for each in (watcher(), watcher()):  # the second one is another process
            each.round()
            each.round()
    sent = [body["state"] for method, body in server.calls if body.get("command") == "train_from_api"]
    assert sent == ([{"app_state": STATE["guiState"], "wait": False}] if message == VALID else [])
    assert told == []
