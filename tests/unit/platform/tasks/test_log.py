"""The log of a task: two files as one list, read from where one left off."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from traindash.domain.ids import TaskId
from traindash.domain.task import ExitCause
from traindash.errors import InputError
from traindash.platform.tasks.log import TaskLogs, read_failure, tail_lines, tail_messages
from traindash.training.runs.events import EventWriter, Phase, format_timestamp
from traindash.training.runs.spec import RunLayout

TASK = TaskId(7)
START = datetime(2026, 1, 1, tzinfo=UTC)


def write_rows(path: Path, numbers: range) -> None:
    """Append a row per number, one second apart."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        for number in numbers:
            moment = format_timestamp(START + timedelta(seconds=number))
            file.write(json.dumps({"message": str(number), "level": "info", "timestamp": moment}) + "\n")


def messages(rows: list[dict[str, object]]) -> list[str]:
    return [str(row["message"]) for row in rows]


@pytest.fixture
def run(tmp_path: Path) -> RunLayout:
    return RunLayout(tmp_path / "7")


def test_a_run_that_never_began_has_no_rows(run: RunLayout) -> None:
    assert TaskLogs().rows(TASK, run) == []


def test_both_files_are_merged_by_time(run: RunLayout) -> None:
    write_rows(run.events, range(1, 6, 2))
    write_rows(run.platform_events, range(0, 6, 2))
    rows = TaskLogs().rows(TASK, run)
    assert messages(rows) == ["0", "1", "2", "3", "4", "5"]
    assert {row["task_id"] for row in rows} == {TASK}


def test_only_younger_rows_and_only_so_many(run: RunLayout) -> None:
    write_rows(run.events, range(100))
    logs = TaskLogs()
    assert messages(logs.rows(TASK, run, since="2026-01-01T00:01:36.000Z")) == ["97", "98", "99"]
    assert messages(logs.rows(TASK, run, since="2026-01-01T00:00:09Z", limit=2)) == ["10", "11"]
    assert messages(logs.rows(TASK, run, limit=1)) == ["0"]
    assert logs.rows(TASK, run, limit=0) == []
    assert logs.rows(TASK, run, since="2026-01-01T02:00:00+00:00") == []


def test_moments_are_compared_as_moments(run: RunLayout) -> None:
    write_rows(run.events, range(3))
    logs = TaskLogs()
    assert messages(logs.rows(TASK, run, since="2026-01-01T00:00:01")) == ["2"]
    assert messages(logs.rows(TASK, run, since="2026-01-01T01:00:01+01:00")) == ["2"]


@pytest.mark.parametrize(("since", "limit"), [("yesterday", None), (None, -1)])
def test_what_cannot_be_meant_is_refused(run: RunLayout, since: str | None, limit: int | None) -> None:
    with pytest.raises(InputError):
        TaskLogs().rows(TASK, run, since=since, limit=limit)


def test_new_rows_are_found_and_half_rows_wait(run: RunLayout) -> None:
    write_rows(run.events, range(2))
    logs = TaskLogs()
    assert len(logs.rows(TASK, run)) == 2
    with run.events.open("a", encoding="utf-8") as file:
        file.write('{"message": "half", "timestamp": "2026-01-01T00:00:09.000000Z"')
    assert len(logs.rows(TASK, run)) == 2
    with run.events.open("a", encoding="utf-8") as file:
        file.write("}\nnot json\n")
    assert messages(logs.rows(TASK, run)) == ["0", "1", "half"]


def test_a_long_log_gives_the_same_rows_from_every_moment(run: RunLayout) -> None:
    write_rows(run.events, range(0, 6000, 2))  # several blocks of the index
    write_rows(run.platform_events, range(1, 6000, 2))
    logs = TaskLogs()
    for start in (0, 1, 777, 3000, 5990):
        since = format_timestamp(START + timedelta(seconds=start))
        assert messages(logs.rows(TASK, run, since=since)) == [str(number) for number in range(start + 1, 6000)]
    write_rows(run.events, range(6000, 6002))
    since = format_timestamp(START + timedelta(seconds=5999))
    assert messages(logs.rows(TASK, run, since=since)) == ["6000", "6001"]


def test_a_row_longer_than_a_block(run: RunLayout) -> None:
    EventWriter(run.events).log("x" * 300_000)
    EventWriter(run.events).log("after")
    assert [len(text) for text in messages(TaskLogs().rows(TASK, run))] == [300_000, 5]


def test_forgetting_starts_over(run: RunLayout) -> None:
    write_rows(run.events, range(3))
    logs = TaskLogs()
    assert len(logs.rows(TASK, run)) == 3
    logs.forget(run)
    run.events.unlink()
    write_rows(run.events, range(1))
    assert messages(logs.rows(TASK, run)) == ["0"]


def test_the_newest_state(run: RunLayout) -> None:
    logs = TaskLogs()
    assert logs.live(run).phase is None
    trainer, platform = EventWriter(run.events), EventWriter(run.platform_events)
    trainer.phase(Phase.TRAINING)
    trainer.progress("Epochs", 1, 3)
    trainer.progress("Epochs", 2, 3)
    live = logs.live(run)
    assert (live.phase, live.phase_text) == ("training", "Training is in progress...")
    assert live.progress == {"Epochs": (2, 3)}
    platform.phase(Phase.UPLOADING)
    assert logs.live(run).phase == "uploading"


def test_failures(run: RunLayout) -> None:
    assert read_failure(run) is None
    EventWriter(run.platform_events).failure(ExitCause.LOST, "platform", "")
    assert read_failure(run) is None
    EventWriter(run.events).failure(ExitCause.BAD_DATA, "trainer", "do this")
    failure = read_failure(run)
    assert failure is not None
    assert (failure.cause, failure.message, failure.hint) == (ExitCause.BAD_DATA, "trainer", "do this")
    assert TaskLogs().live(run).failure == failure


def test_a_cause_nobody_knows_is_a_crash(run: RunLayout) -> None:
    row = {"event_type": "EventType.FAILURE", "cause": "gremlins", "message": "m", "hint": "h", "timestamp": "t"}
    run.root.mkdir()
    run.events.write_text(json.dumps(row) + "\n", encoding="utf-8")
    failure = read_failure(run)
    assert failure is not None
    assert failure.cause is ExitCause.CRASHED


def test_the_end_of_the_output(tmp_path: Path) -> None:
    path = tmp_path / "output.log"
    assert tail_lines(path) == ()
    path.write_bytes(b"first\n10%\r20%\r\x1b[K30%\n\n\x1b[34m\x1b[1mlast\x1b[0m \xff\r\n")
    assert tail_lines(path) == ("first", "30%", "last \ufffd")
    assert tail_lines(path, 1) == ("last \ufffd",)
    path.write_text("\n".join(str(number) for number in range(50_000)), encoding="utf-8")
    assert tail_lines(path, 2) == ("49998", "49999")


def test_the_last_messages_for_people(run: RunLayout) -> None:
    assert tail_messages(run) == ()
    events = EventWriter(run.events)
    events.log("one")
    events.progress("Epochs", 1, 2)
    events.log("two")
    assert tail_messages(run, 5) == ("one", "two")
