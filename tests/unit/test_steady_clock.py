"""A clock that never goes back, and what is measured with it when that of the machine is set."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from traindash.domain.ids import TaskId
from traindash.platform.tasks.log import TaskLogs
from traindash.steady_clock import SteadyClock
from traindash.training.runs.events import EventWriter
from traindash.training.runs.spec import RunLayout

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass
class Machine:
    """A machine whose clock may be set."""

    wall: datetime = NOON
    seconds: float = 5.0

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.wall += timedelta(seconds=seconds)
        self.seconds += seconds

    def clock(self) -> SteadyClock:
        """Return the clock of a process that starts now."""
        return SteadyClock(lambda: self.wall, lambda: self.seconds)


def test_it_goes_on_when_the_clock_is_set_back() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wait(10)
    machine.wall -= 2 * HOUR
    machine.wait(5)
    assert clock.now() == NOON + timedelta(seconds=15)
    machine.wall += 3 * HOUR  # a computer that slept
    assert clock.now() == machine.wall


def test_another_process_goes_on_from_what_was_written() -> None:
    machine = Machine(wall=NOON - 2 * HOUR)
    clock = machine.clock()
    clock.not_before(NOON)
    machine.wait(3)
    assert clock.now() == NOON + timedelta(seconds=3)
    clock.not_before(NOON + 48 * HOUR)  # written while the clock was wrong
    assert clock.now() == NOON + timedelta(seconds=3)


def test_a_log_keeps_its_order_over_processes(tmp_path: Path) -> None:
    machine, run = Machine(), RunLayout(tmp_path / "runs" / "1")
    platform, trainer = machine.clock(), machine.clock()
    EventWriter(run.platform_events, platform).log("taken")
    training = EventWriter(run.events, trainer)
    for text in ("first", "second"):
        machine.wait(60)
        training.log(text)
    machine.wall -= 2 * HOUR
    machine.wait(60)
    training.log("third")
    EventWriter(run.platform_events, machine.clock()).log("the dashboard was started again")
    machine.wait(60)
    training.log("fourth")
    EventWriter(run.platform_events, machine.clock()).log("finished")
    rows = TaskLogs().rows(TaskId(1), run)
    texts = ["taken", "first", "second", "third", "the dashboard was started again", "fourth", "finished"]
    assert [row["message"] for row in rows] == texts
    moments = [datetime.fromisoformat(str(row["timestamp"])) for row in rows]
    assert moments[5] - moments[0] == timedelta(seconds=240)
