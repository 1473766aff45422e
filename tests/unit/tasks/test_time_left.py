"""How long a training still takes."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traindash.tasks.progress import EpochMark, time_left

BEGIN = datetime(2026, 11, 23, 10, tzinfo=UTC)


def _marks(durations: list[float]) -> list[EpochMark]:
    total, marks = 0.0, [EpochMark(epoch=0, at=BEGIN)]
    for epoch, duration in enumerate(durations, start=1):
        total += duration
        marks.append(EpochMark(epoch=epoch, at=BEGIN + timedelta(seconds=total)))
    return marks


def test_even_epochs_give_a_narrow_range() -> None:
    marks = _marks([30.0, *[10.0] * 9])
    left = time_left(marks, 50, part=0.5, newest=marks[-1].at + timedelta(seconds=5))
    assert left is not None
    assert left.low < 395 < left.high
    assert left.high - left.low < 0.35 * 395


def test_uneven_epochs_give_a_wider_one() -> None:
    even, uneven = _marks([10.0] * 8), _marks([5.0, 15.0] * 4)
    ranges = [time_left(marks, 50, part=0.0, newest=marks[-1].at) for marks in (even, uneven)]
    assert ranges[0] is not None
    assert ranges[1] is not None
    assert ranges[1].high - ranges[1].low > 2 * (ranges[0].high - ranges[0].low)


@pytest.mark.parametrize(
    ("durations", "epochs", "part", "seconds"),
    [([], 5, None, 3.0), ([], 5, 0.05, 3.0), ([1.0, 1.0], 2, None, 0.0), ([1.0], 1, 0.5, 0.0)],
)
def test_nothing_is_said_too_early_or_at_the_end(
    durations: list[float], epochs: int, part: float | None, seconds: float
) -> None:
    marks = _marks(durations)
    assert time_left(marks, epochs, part=part, newest=marks[-1].at + timedelta(seconds=seconds)) is None
    assert time_left([], epochs, part=part, newest=BEGIN) is None


def test_the_first_epoch_speaks_when_a_part_of_it_is_done() -> None:
    left = time_left(_marks([]), 10, part=0.25, newest=BEGIN + timedelta(seconds=5))
    assert left is not None
    assert left.low < 195 < left.high


def test_time_since_the_last_epoch_stands_in_for_steps() -> None:
    marks = _marks([10.0] * 5)
    early = time_left(marks, 10, part=None, newest=marks[-1].at)
    late = time_left(marks, 10, part=None, newest=marks[-1].at + timedelta(seconds=8))
    assert early is not None
    assert late is not None
    assert late.high < early.high


@given(
    durations=st.lists(st.floats(0.0, 1e4), min_size=1, max_size=30),
    extra=st.integers(1, 300),
    part=st.none() | st.floats(0, 1),
)
def test_a_range_is_never_negative_or_upside_down(durations: list[float], extra: int, part: float | None) -> None:
    marks = _marks(durations)
    left = time_left(marks, len(durations) + extra, part=part, newest=marks[-1].at)
    assert left is not None
    assert 0 <= left.low <= left.high


def test_the_range_holds_the_truth_most_of_the_time() -> None:
    chance = random.Random(7)  # noqa: S311 - made-up trainings
    held = 0
    for _ in range(300):
        durations = [max(chance.gauss(10, 1.5), 1.0) for _ in range(40)]
        marks = _marks(durations[:12])
        left = time_left(marks, 40, part=0.0, newest=marks[-1].at)
        assert left is not None
        held += left.low <= sum(durations[12:]) <= left.high
    assert held >= 270
