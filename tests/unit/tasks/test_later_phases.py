"""The time that is left, phase by phase."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.supervisely.scripted import Scripted
from traindash.domain.ids import ProjectId, TaskId, WorkspaceId
from traindash.domain.task import Task, TaskStatus
from traindash.tasks.progress import PhaseSpan, TaskProgress, TimeRange
from traindash.tasks.task_watcher import PhaseTime, phases_left, total, typical_durations

BEGIN = datetime(2026, 11, 23, 10, tzinfo=UTC)
PLANNED = ("preparing_data", "training", "evaluation", "uploading")
MODEL = {"model_name": "Pico-det"}
TASK = Task(
    id=TaskId(9),
    status=TaskStatus.STARTED,
    workspace_id=WorkspaceId(1),
    project_id=ProjectId(55),
    app_name="Train YOLO",
    params={"guiState": {"model": MODEL}},
)


def _at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def _stamp(seconds: float) -> str:
    return _at(seconds).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _progress(phase: str, eta: TimeRange | None = None) -> TaskProgress:
    return TaskProgress(task=TASK, phase=phase, phases=(PhaseSpan(name=phase, started_at=BEGIN),), eta_seconds=eta)


def test_the_training_and_what_follows_it_add_up() -> None:
    progress = _progress("training", TimeRange(low=60, high=90))
    left = phases_left(progress, PLANNED, {"evaluation": 10.0, "uploading": 1.0}, _at(5))
    assert [phase.name for phase in left] == ["training", "evaluation", "uploading"]
    assert total(left) == pytest.approx(TimeRange(low=60 + 7 + 0.7, high=90 + 14 + 1.4))


def test_the_time_that_the_running_phase_has_had_is_gone() -> None:
    (evaluation, uploading) = phases_left(_progress("evaluation"), PLANNED, {"evaluation": 10.0}, _at(9))
    assert evaluation.left == pytest.approx(TimeRange(low=0.0, high=5.0))
    assert uploading == PhaseTime(name="uploading", left=None)
    assert total((evaluation, uploading)) is None


@pytest.mark.parametrize("phase", ["comparing", "preparing_data"])
def test_nothing_is_said_where_nothing_is_known(phase: str) -> None:
    assert total(phases_left(_progress(phase), PLANNED, {}, _at(1))) is None
    assert total(()) is None


def _task(task_id: int, *, model: dict[str, str], status: str = "finished") -> dict[str, Any]:
    record = {"experiment_name": "x", "framework_name": "YOLO", "task_id": task_id, "training_duration": 40.0}
    return {
        "id": task_id,
        "status": status,
        "workspaceId": 1,
        "startedAt": _stamp(0),
        "finishedAt": _stamp(64),
        "meta": {
            "app": {"name": "Train YOLO"},
            "params": {"state": {"slyProjectId": 55, "guiState": {"model": model}}},
            "output": {"experiment": {"data": {**_RECORD, **record}}},
        },
    }


_RECORD = {
    "model_name": "Pico-det",
    "task_type": "object detection",
    "project_id": 55,
    "checkpoints": ["checkpoints/best.pt"],
    "best_checkpoint": "best.pt",
    "artifacts_dir": "/experiments/55_x/1_YOLO/",
    "base_checkpoint": None,
    "export": {},
    "app_state": "app_state.json",
    "model_meta": "model_meta.json",
    "hyperparameters": "hyperparameters.yaml",
    "model_files": {},
    "datetime": "2026-11-23 10:01:35",
    "evaluation_report_id": None,
    "evaluation_report_link": None,
    "evaluation_metrics": {},
    "train_val_split": "train_val_split.json",
    "train_size": 1,
    "val_size": 1,
}


def _phase(seconds: float, name: str) -> dict[str, Any]:
    return {
        "message": name,
        "level": "info",
        "timestamp": _stamp(seconds),
        "event_type": "EventType.PHASE",
        "phase": name,
    }


def test_the_last_training_like_this_one_is_the_measure_and_only_its_end_travels() -> None:
    server = Scripted()
    tasks = [
        _task(8, model={"model_name": "other"}),
        _task(7, model=MODEL, status="error"),
        _task(6, model=MODEL),
    ]
    server.add("tasks.list", {"total": 3, "perPage": 50, "pagesCount": 1, "entities": tasks})
    server.add("tasks.log.download", [_phase(45, "evaluation"), _phase(57, "uploading")])
    with server.client() as client:
        assert typical_durations(client, TASK) == {"evaluation": 12.0, "uploading": 7.0}
    asked = [body for method, body in server.calls if method == "tasks.log.download"]
    assert [(int(body["id"]), body["sinceTime"]) for body in asked] == [(6, "2026-11-23T10:00:40.000Z")]


def test_without_such_a_training_nothing_is_known() -> None:
    server = Scripted()
    server.add("tasks.list", {"total": 0, "perPage": 50, "pagesCount": 1, "entities": []})
    with server.client() as client:
        assert typical_durations(client, TASK) == {}
