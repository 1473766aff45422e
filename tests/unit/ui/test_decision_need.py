"""The need in the address."""

import pytest

from traindash.comparison.decision import Requirements, limits
from traindash.errors import InputError
from traindash.evaluation.operating_points import BestF1, MissCosts, PrecisionAtLeast, RecallAtLeast
from traindash.ui.comparison.decision import query_of, requirements_of


@pytest.mark.parametrize(
    "requirements",
    [
        Requirements(),
        Requirements(goal=RecallAtLeast(recall=0.95), latency=12.5),
        Requirements(goal=PrecisionAtLeast(precision=0.5), size=5_300_000.0),
        Requirements(goal=MissCosts(false_alarms=10.0), latency=3.0, size=1e9),
    ],
)
def test_there_and_back(requirements: Requirements) -> None:
    assert requirements_of(query_of(requirements)) == requirements


def test_the_default_leaves_no_trace() -> None:
    assert query_of(Requirements()) == {}
    assert requirements_of({"ids": "1,2"}) == Requirements(goal=BestF1())


@pytest.mark.parametrize(
    "query",
    [
        {"goal": "recall-1.5"},
        {"goal": "recall-nan"},
        {"goal": "<script>"},
        {"goal": "speed-3"},
        {"latency": "-1"},
        {"size": "inf"},
        {"latency": "fast"},
    ],
)
def test_nonsense_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"no goal|no limit"):
        requirements_of(query)


@pytest.mark.parametrize("values", [[9.0], [8.9, 9.0, 40.0], [609_000.0, 25_000_000.0], [0.013, 1200.0]])
def test_limits_admit_all_none_and_each(values: list[float]) -> None:
    steps = limits(values)
    assert steps == sorted(set(steps))
    assert steps[0] < min(values)
    assert steps[-1] >= max(values)
    for value in values:
        assert min(step for step in steps if step >= value) < value * 1.12
