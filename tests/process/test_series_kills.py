"""A series of six while the dashboard is killed again and again: all six run, each once."""

import os
import random
import threading
from collections.abc import Mapping
from datetime import UTC, datetime

from tests.fakes.small_platform import SmallPlatform, wait_for
from tests.process.conftest import PlatformProcess
from tests.process.platform_child import SERVER_NAME
from tests.process.test_supervisor import experiment, starts
from traindash.domain.ids import SeriesId, TaskId
from traindash.domain.plan import DatasetsSplit, PretrainedModel, TrainingPlan
from traindash.domain.task import TaskStatus
from traindash.tasks.series_record import Member, Series, SeriesStore

SIX = 6
ROUNDS_VARIABLE = "TRAINDASH_TEST_ROUNDS"
SEED_VARIABLE = "TRAINDASH_TEST_SEED"
FEW_ROUNDS = 3
ENVIRONMENT: Mapping[str, str] = os.environ  # noqa: TID251 - to do more rounds, and to repeat one


def series_of_six(desk: SmallPlatform, number: int) -> Series:
    """Return a series that nobody has begun to start."""
    split = DatasetsSplit(train_datasets=(desk.dataset("train"),), val_datasets=(desk.dataset("val"),))
    members = tuple(
        Member(
            key=f"key{place}",
            plan=TrainingPlan(
                project_id=desk.project_id,
                model=PretrainedModel(framework="YOLO", name="YOLO26n-det"),
                train_val_split=split,
                hyperparameters="epochs: 2\nseconds_per_epoch: 0.05\n",
                experiment_name=f"round {number}, {place}",
            ),
        )
        for place in range(SIX)
    )
    return Series(
        id=SeriesId(f"round{number:03}"),
        server=SERVER_NAME,
        name=f"Round {number}",
        project_id=desk.project_id,
        created_at=datetime.now(UTC),
        members=members,
    )


def all_tasks(desk: SmallPlatform) -> list[TaskId]:
    """Return all tasks there ever were."""
    with desk.services.database.read() as connection:
        return [TaskId(row[0]) for row in connection.execute("SELECT id FROM tasks ORDER BY id")]


def play(desk: SmallPlatform, other: PlatformProcess, dice: random.Random, series: Series) -> Series:
    """Start a series, kill what starts it a few times, wait for the end; return the series as it is then."""
    store = SeriesStore(desk.services.layout.root / "series")
    store.add(series.id, series)
    other.begin()
    for _ in range(dice.randint(1, 4)):
        threading.Event().wait(dice.choice([dice.uniform(0.0, 0.15), dice.uniform(0.0, 1.0)]))
        other.kill()
        other.begin()

    def is_over() -> Series | None:
        known = store.load(series.id)
        if known.needs_work or len(known.task_ids) < SIX:
            return None
        return known if all(desk.task(task).status.is_terminal for task in known.task_ids) else None

    ended = wait_for(is_over, f"series {series.id} is over", seconds=120)
    other.kill()
    return ended


def test_all_six_end_right(desk: SmallPlatform, series_starter: PlatformProcess) -> None:
    rounds = int(ENVIRONMENT.get(ROUNDS_VARIABLE) or FEW_ROUNDS)
    seed = int(ENVIRONMENT.get(SEED_VARIABLE) or random.SystemRandom().randrange(2**32))
    print(f"{ROUNDS_VARIABLE}={rounds} {SEED_VARIABLE}={seed}")  # noqa: T201 - pytest shows it when the test fails
    for number in range(rounds):
        dice = random.Random(seed + number)  # noqa: S311 - dice, not secrets
        before = all_tasks(desk)
        ended = play(desk, series_starter, dice, series_of_six(desk, number))
        made = [task for task in all_tasks(desk) if task not in before]
        what = f"round {number} of seed {seed}: {ended}"
        assert sorted(made) == sorted(ended.task_ids), what
        for member in ended.members:
            assert member.task_id is not None, what
            record = desk.task(member.task_id)
            assert record.status is TaskStatus.FINISHED, f"{what}: {record.exit_report}"
            assert experiment(desk, record.id)["experiment_name"] == member.plan.experiment_name
            assert starts(desk, record.id) == 1, what
