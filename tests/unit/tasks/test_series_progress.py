"""How far a series is and how long it will take."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plans.world import PLAN
from traindash.domain.ids import ProjectId, SeriesId, TaskId
from traindash.domain.plan import CustomCheckpoint
from traindash.domain.task import Task, TaskStatus
from traindash.tasks.flight_check import estimate, models_by_task, past_runs, total_time
from traindash.tasks.progress import TimeRange
from traindash.tasks.series_progress import is_over, runs_under_way, states_of, time_left
from traindash.tasks.series_record import Member, Refusal, Series

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
TEXT = "epochs: 10\nimgsz: 64\n"


def task(number: int, status: TaskStatus, *, seconds: float = 100, text: str = TEXT, **model: object) -> Task:
    """Return a training that began ten minutes ago."""
    begun = NOW - timedelta(minutes=10)
    state = {"guiState": {"model": model or {"model_name": "Pico-det"}, "hyperparameters": text}}
    return Task(
        id=TaskId(number),
        status=status,
        project_id=ProjectId(6),
        started_at=None if status is TaskStatus.QUEUED else begun,
        finished_at=begun + timedelta(seconds=seconds) if status.is_terminal else None,
        settings=state,
    )


def series(*members: Member, cancelled: bool = False) -> Series:
    """Return a series of members."""
    return Series(
        id=SeriesId("series1"), server="s", name="n", project_id=ProjectId(6), created_at=NOW, members=members,
        is_cancelled=cancelled,
    )  # fmt: skip


def member(key: str, number: int | None = None, text: str = TEXT) -> Member:
    """Return a member with a task, or one that waits for its start."""
    plan = replace(PLAN, hyperparameters=text)
    return Member(key=key, plan=plan, task_id=None if number is None else TaskId(number))


def test_every_stage() -> None:
    refused = replace(member("r"), refusal=Refusal(message="no"))
    words = {1: "queued", 2: "consumed", 3: "started", 4: "terminating", 5: "finished", 6: "stopped", 7: "error"}
    tasks = {TaskId(number): task(number, TaskStatus(word)) for number, word in words.items()}
    whole = series(*(member(f"{number}", number) for number in words), member("w"), refused, member("gone", 99))
    stages = [state.stage for state in states_of(whole, tasks)]
    assert stages == [
        "waiting", "running", "running", "running", "finished", "stopped", "failed", "to_start", "refused", "stopped",
    ]  # fmt: skip
    assert not is_over(states_of(whole, tasks))
    rest = series(member("5", 5), member("7", 7), refused, member("never"), cancelled=True)
    assert is_over(states_of(rest, tasks))


def test_time_is_known_from_runs_of_the_same_model_on_the_same_project() -> None:
    tasks = [task(1, TaskStatus.FINISHED, seconds=100), task(2, TaskStatus.ERROR, seconds=1)]
    runs, models = past_runs(tasks), models_by_task(tasks)
    same = estimate(PLAN, TEXT, runs, models)
    assert same is not None
    assert same.low < 100 < same.high
    twice = estimate(PLAN, "epochs: 20\nimgsz: 64\n", runs, models)
    large = estimate(PLAN, "epochs: 10\nimgsz: 128\n", runs, models)
    assert twice is not None
    assert large is not None
    assert twice.low < 200 < twice.high
    assert large.low < 400 < large.high
    assert large.high / large.low > twice.high / twice.low > same.high / same.low
    assert estimate(replace(PLAN, project_id=ProjectId(9)), TEXT, runs, models) is None
    assert estimate(PLAN, "lr0: 1\n", runs, models) is None
    assert estimate(PLAN, TEXT, (), models) is None


def test_a_checkpoint_takes_as_long_as_the_model_it_comes_from() -> None:
    tasks = [
        task(456, TaskStatus.FINISHED),
        task(457, TaskStatus.FINISHED, task_id=456, checkpoint="best.pt"),
        task(458, TaskStatus.FINISHED, task_id=458, checkpoint="best.pt"),
    ]
    models = models_by_task(tasks)
    assert models == {456: "Pico-det", 457: "Pico-det"}
    own = replace(PLAN, model=CustomCheckpoint(path="/experiments/6_Fruit/457_YOLO/checkpoints/best.pt"))
    assert estimate(own, TEXT, past_runs(tasks), models) is not None
    lost = replace(PLAN, model=CustomCheckpoint(path="/experiments/6_Fruit/9_YOLO/checkpoints/best.pt"))
    assert estimate(lost, TEXT, past_runs(tasks), models) is None


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=20), st.integers(1, 5))
def test_the_whole_takes_between_an_equal_share_and_everything(seconds: list[float], agents: int) -> None:
    whole = total_time([TimeRange(low=value, high=2 * value) for value in seconds], agents)
    assert sum(seconds) / agents <= whole.low + 1e-6
    assert max(seconds) <= whole.low <= sum(seconds) + 1e-6
    assert whole.high == pytest.approx(2 * whole.low)


def test_time_left_counts_what_runs_and_what_waits() -> None:
    tasks = {TaskId(n): task(n, status) for n, status in ((1, TaskStatus.STARTED), (2, TaskStatus.QUEUED))}
    states = states_of(series(member("a", 1), member("b", 2), member("c")), tasks)
    training = {TaskId(1): TimeRange(low=40, high=60)}
    unknown = time_left(states, (), {}, agents=1, now=NOW, training=training)
    assert (unknown.range, unknown.unknown) == (TimeRange(low=40, high=60), 2)
    runs = runs_under_way(states, training, NOW)
    known = time_left(states, runs, models_by_task(tasks.values()), agents=1, now=NOW, training=training)
    assert known.unknown == 0
    assert known.range is not None
    assert known.range.low < 50 + 2 * 650 < known.range.high
    over = states_of(series(member("a", 5)), {TaskId(5): task(5, TaskStatus.FINISHED)})
    assert time_left(over, runs, {}, agents=1, now=NOW, training={}).range is None
