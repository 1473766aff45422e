"""The speed test measures what it says."""

import json

import pytest

from traindash.comparison.speed import parse_speed_test
from traindash.domain.prediction import Timing
from traindash.training.trainers.benchmark import ITERATIONS, LEAST_ITERATIONS, WARM_UP, measure, summary


class Machine:
    """Runs a batch in a given time."""

    def __init__(self, seconds: float) -> None:
        self.now = 0.0
        self.batches = 0
        self._seconds = seconds

    def run(self) -> Timing:
        """Run one batch."""
        self.now += self._seconds
        self.batches += 1
        return Timing(preprocess=1.0, inference=self._seconds * 1000, postprocess=2.0)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.01, ITERATIONS), (1.0, 8), (30.0, LEAST_ITERATIONS)], ids=["fast", "slow", "very slow"]
)
def test_iterations_fit_into_the_time_but_are_never_too_few(seconds: float, expected: int) -> None:
    machine = Machine(seconds)
    timings = measure(machine.run, seconds=8.0, clock=lambda: machine.now)
    assert len(timings) == expected
    assert machine.batches == expected + WARM_UP


def test_the_file_says_how_many_iterations_there_were() -> None:
    timings = [Timing(preprocess=1, inference=inference, postprocess=3) for inference in (10, 20)]
    entry = summary(8, timings, device="cpu", hardware="A processor")
    assert entry["benchmark"] == {"total": 19.0, "preprocess": 1.0, "inference": 15.0, "postprocess": 3.0}
    assert entry["benchmark_std"] == {"total": 5.0, "preprocess": 0.0, "inference": 5.0, "postprocess": 0.0}
    assert entry["num_iterations"] == 2


def test_the_comparison_reads_what_the_speed_test_writes() -> None:
    timings = [Timing(preprocess=1, inference=10, postprocess=3)]
    content = {"speedtest": [summary(size, timings, device="cpu", hardware="A processor") for size in (1, 8)]}
    speed = parse_speed_test(json.dumps(content).encode())
    assert [row.batch_size for row in speed.rows] == [1, 8]
    assert (speed.device, speed.runtime, speed.hardware) == ("cpu", "PyTorch", "A processor")
    assert speed.rows[0].images_per_second == pytest.approx(1000 / 14)


@pytest.mark.parametrize(("others", "told"), [(0.0, False), (0.1, False), (0.5, True)])
def test_times_beside_other_programs_are_those_of_another_machine(others: float, *, told: bool) -> None:
    timings = [Timing(preprocess=1, inference=10, postprocess=3)]
    rows = [summary(1, timings, device="cpu", hardware="A processor")]
    test = parse_speed_test(json.dumps({"speedtest": rows, "others": others}).encode())
    assert test.machine.endswith("beside other programs") is told
