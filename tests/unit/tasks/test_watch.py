"""Following a task over the API."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.supervisely.scripted import Scripted, refusal
from traindash.domain.ids import TaskId
from traindash.domain.task import TaskStatus
from traindash.supervisely.errors import MissingError
from traindash.tasks.task_watcher import TaskWatch

BEGIN = datetime(2026, 11, 23, 10, tzinfo=UTC)


def _stamp(second: float) -> str:
    return (BEGIN + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _line(second: float, message: str, **keys: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"message": message, "level": "info", "timestamp": _stamp(second), **keys}


def _server(rows: list[dict[str, Any]], status: str = "started") -> Scripted:
    server = Scripted()
    server.add("tasks.info", lambda body: {"id": body["id"], "status": status})
    server.add(
        "tasks.log.download",
        lambda body: [row for row in rows if row["timestamp"] > body.get("sinceTime", "")],
    )
    return server


PHASE = _line(0, "Training is in progress...", event_type="EventType.PHASE", phase="training")


def test_only_the_last_moments_and_new_rows_travel_and_each_counts_once() -> None:
    rows = [PHASE, *(_line(second, f"line {second}") for second in range(1, 100))]
    server = _server(rows)
    with server.client() as client:
        watch = TaskWatch(client, TaskId(9))
        assert len(watch.refresh().log) == 100
        rows.append(_line(100, "new"))
        rows.append(_line(98.5, "late"))
        assert [row.message for row in watch.refresh().log[-2:]] == ["new", "late"]
        assert len(watch.refresh().log) == 102
    asked = [body.get("sinceTime") for method, body in server.calls if method == "tasks.log.download"]
    assert asked == [None, "2026-11-23T10:01:37.000Z", "2026-11-23T10:01:38.000Z"]


def test_two_equal_lines_at_different_moments_are_two() -> None:
    rows = [PHASE, _line(1, "again"), _line(1.5, "again")]
    server = _server(rows)
    with server.client() as client:
        watch = TaskWatch(client, TaskId(9))
        watch.refresh()
        assert [row.message for row in watch.refresh().log].count("again") == 2


def test_a_task_that_is_over_is_read_to_its_end_and_then_left_alone() -> None:
    status = ["started"]
    rows = [PHASE]
    server = _server(rows)
    server.answers["tasks.info"].clear()
    server.add("tasks.info", lambda _: {"id": 9, "status": status[0], "finishedAt": _stamp(50)})
    with server.client() as client:
        watch = TaskWatch(client, TaskId(9))
        assert watch.refresh().phase == "training"
        status[0] = "finished"
        rows.append(_line(49, "last words"))
        over = watch.refresh()
        assert (over.task.status, over.phase, over.log[-1].message) == (TaskStatus.FINISHED, None, "last words")
        assert over.phases[-1].ended_at == BEGIN + timedelta(seconds=50)
        calls = len(server.calls)
        assert watch.refresh() is over
        assert len(server.calls) == calls


def test_who_looks_at_the_same_moment_sees_what_another_has_just_seen() -> None:
    rows = [PHASE]
    server = _server(rows)
    with server.client() as client:
        watch = TaskWatch(client, TaskId(9))
        first = watch.refresh(within=60)
        rows.append(_line(1, "new"))
        calls = len(server.calls)
        assert watch.refresh(within=60) is first
        assert len(server.calls) == calls
        assert watch.refresh(within=0).log[-1].message == "new"
        # a list that knows better than the last look: the task is over
        rows.append(_line(2, "last words"))
        over = watch.refresh(replace(first.task, status=TaskStatus.FINISHED), within=60)
        assert (over.task.status, over.log[-1].message) == (TaskStatus.FINISHED, "last words")
        assert watch.refresh(replace(over.task, description="named anew")).task.description == "named anew"


def test_the_app_is_asked_where_the_log_has_no_phases() -> None:
    server = _server([_line(0, "hello")])
    failed = "Error occurred during training. Please check the logs for more details."
    server.add("tasks.request.direct", refusal(500, "not ready"), {"status": ""}, {"status": failed})
    with server.client() as client:
        watch = TaskWatch(client, TaskId(9))
        assert watch.refresh().train_status is None
        assert not watch.refresh().app_failed
        assert watch.refresh().app_failed
    assert server.methods().count("tasks.request.direct") == 3


@pytest.mark.parametrize(("rows", "status"), [([PHASE], "started"), ([], "queued")])
def test_the_app_is_not_asked_where_it_is_not_needed(rows: list[dict[str, Any]], status: str) -> None:
    server = _server(rows, status)
    with server.client() as client:
        TaskWatch(client, TaskId(9)).refresh()
    assert "tasks.request.direct" not in server.methods()


def test_a_task_that_does_not_exist_is_missing() -> None:
    server = Scripted()
    server.add("tasks.info", refusal(404, "Task 9 does not exist"))
    with server.client() as client, pytest.raises(MissingError):
        TaskWatch(client, TaskId(9)).refresh()


def test_a_failed_look_loses_nothing() -> None:
    rows = [PHASE, _line(1, "one")]
    server = _server(rows)
    good = server.answers["tasks.log.download"][0]
    server.answers["tasks.log.download"].clear()
    server.add("tasks.log.download", good, refusal(404, "gone"), good)
    with server.client() as client:
        watch = TaskWatch(client, TaskId(9))
        watch.refresh()
        rows.append(_line(9, "two"))
        with pytest.raises(MissingError):
            watch.refresh()
        assert [row.message for row in watch.refresh().log][-2:] == ["one", "two"]
