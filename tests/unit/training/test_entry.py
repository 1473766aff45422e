"""Arguments, result, failure and stop of a trainer process."""

import signal
from pathlib import Path

import pytest

from traindash.domain.task import ExitCause
from traindash.training.runs.events import EventWriter, read_events
from traindash.training.runs.spec import CompareResult, RunLayout, read_result
from traindash.training.trainers.entry import RunError, Stopped, StopSwitch, run

RESULT = CompareResult(title="a vs. b")


@pytest.fixture(autouse=True)
def keep_signal_handler() -> object:
    """Give SIGTERM back after a test."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_a_good_run_writes_its_result_last(tmp_path: Path) -> None:
    def work(layout: RunLayout, events: EventWriter, _stop: StopSwitch) -> CompareResult:
        events.log("working")
        assert not layout.result.exists()
        return RESULT

    assert run(["trainer", str(tmp_path)], work) == 0
    assert read_result(tmp_path / "result.json") == RESULT


def test_wrong_usage_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["trainer"], lambda _layout, _events, _stop: RESULT) == 2
    assert "RUN_DIR" in capsys.readouterr().err


def test_a_failure_is_an_event(tmp_path: Path) -> None:
    def work(_layout: RunLayout, _events: EventWriter, _stop: StopSwitch) -> CompareResult:
        raise RunError(ExitCause.BAD_DATA, "No image.", "Add one.")

    assert run(["trainer", str(tmp_path)], work) == 1
    row = read_events(tmp_path / "events.jsonl").rows[-1]
    assert (row["event_type"], row["cause"], row["message"], row["hint"]) == (
        "EventType.FAILURE",
        "bad_data",
        "No image.",
        "Add one.",
    )
    assert not (tmp_path / "result.json").exists()


def test_a_crash_leaves_the_traceback_in_the_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def work(_layout: RunLayout, _events: EventWriter, _stop: StopSwitch) -> CompareResult:
        message = "tensor trouble"
        raise RuntimeError(message)

    assert run(["trainer", str(tmp_path)], work) == 1
    assert "Traceback" in capsys.readouterr().err
    assert read_events(tmp_path / "events.jsonl").rows[-1]["cause"] == "crashed"


def test_sigterm_ends_the_work_at_once(tmp_path: Path) -> None:
    def work(_layout: RunLayout, _events: EventWriter, _stop: StopSwitch) -> CompareResult:
        signal.raise_signal(signal.SIGTERM)
        pytest.fail("the stop did not end the work")

    assert run(["trainer", str(tmp_path)], work) == 143
    assert not (tmp_path / "result.json").exists()


def test_an_engine_that_swallows_exceptions_does_not_swallow_a_stop(tmp_path: Path) -> None:
    def work(_layout: RunLayout, _events: EventWriter, _stop: StopSwitch) -> CompareResult:
        try:
            signal.raise_signal(signal.SIGTERM)
        except Exception:  # noqa: BLE001 - what an engine does
            return RESULT
        return RESULT

    assert run(["trainer", str(tmp_path)], work) == 143


def test_a_stop_waits_for_a_held_block() -> None:
    stop = StopSwitch()
    stop.install()
    done: list[str] = []

    def held() -> None:
        with stop.held():
            signal.raise_signal(signal.SIGTERM)
            stop.check()
            done.append("block")
        done.append("after")

    with pytest.raises(Stopped):
        held()
    assert done == ["block"]


def test_a_second_signal_does_not_disturb_the_tidy_up() -> None:
    stop = StopSwitch()
    stop.install()
    with pytest.raises(Stopped):
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Stopped):
        stop.check()
