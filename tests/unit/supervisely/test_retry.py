"""How long to wait before asking again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traindash.supervisely.errors import NO_RETRY, RetryPolicy


@given(attempt=st.integers(2, 30), draw=st.floats(0, 1, exclude_max=True), asked=st.none() | st.floats(0, 1000))
def test_waits_stay_within_their_bounds(attempt: int, draw: float, asked: float | None) -> None:
    policy = RetryPolicy(attempts=20, draw=lambda: draw)
    wait = policy.wait_before(attempt, asked)
    if attempt > 20 or (asked is not None and asked > policy.longest_seconds):
        assert wait is None
    else:
        assert wait is not None
        assert 0.25 <= wait <= policy.longest_seconds
        assert asked is None or wait >= asked


def test_waits_double() -> None:
    policy = RetryPolicy(attempts=9, draw=lambda: 1.0)
    assert [policy.wait_before(attempt) for attempt in range(2, 9)] == [0.5, 1, 2, 4, 8, 16, 20]


@pytest.mark.parametrize("asked", [None, 0.0, 5.0])
def test_changes_are_never_repeated(asked: float | None) -> None:
    assert NO_RETRY.wait_before(2, asked) is None
