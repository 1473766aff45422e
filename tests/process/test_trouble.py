"""Trouble of the platform itself stays small: a database that fails for a moment, a task that makes no sense."""

import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.fakes.small_platform import SmallPlatform, small_platform, wait_for
from tests.process.conftest import ENVIRONMENT, end_trainers
from tests.process.test_supervisor import starts
from traindash.domain.ids import AgentId, TaskId, TeamId
from traindash.domain.task import ExitCause, ExitReport, TaskStatus
from traindash.errors import StorageError
from traindash.platform.store.database import Database
from traindash.platform.store.task_records import NewTask, OpenTask, TaskRecord
from traindash.platform.store.tasks import TaskStore
from traindash.platform.tasks.admission import Admission
from traindash.steady_clock import SteadyClock


class FlakyStore(TaskStore):
    """Fails the first times that something is asked of it."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.left: Counter[str] = Counter()

    def open_tasks(self) -> tuple[OpenTask, ...]:
        """Fail, or answer."""
        self._fail("open_tasks")
        return super().open_tasks()

    def take_next(self, agent_id: AgentId, team_id: TeamId) -> TaskRecord | None:
        """Fail, or answer."""
        self._fail("take_next")
        return super().take_next(agent_id, team_id)

    def end(
        self, task_id: TaskId, to: TaskStatus, report: ExitReport, output: Mapping[str, object] | None = None
    ) -> bool:
        """Fail, or answer."""
        self._fail("end")
        return super().end(task_id, to, report, output)

    def get(self, task_id: TaskId) -> TaskRecord:
        """Fail, or answer."""
        self._fail("get")
        return super().get(task_id)

    def _fail(self, name: str) -> None:
        if self.left[name] > 0:
            self.left[name] -= 1
            raise StorageError("The database does not work: database or disk is full.")


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[SmallPlatform]:
    """A platform whose supervisor the test starts."""
    with small_platform(tmp_path / "home", ENVIRONMENT, supervise=False) as made:
        yield made
        end_trainers(made)


@pytest.mark.parametrize("name", ["open_tasks", "take_next", "end", "get"])
def test_a_database_that_fails_for_a_moment(idle: SmallPlatform, name: str) -> None:
    flaky = FlakyStore(idle.services.database)
    idle.services.tasks = flaky
    idle.supervisor.start()
    flaky.left[name] = 2
    steady = TaskStore(idle.services.database)
    beside = copy.copy(idle.services)
    beside.tasks = steady
    tasks = [Admission(beside).submit(idle.body()).id for _ in range(2)]
    idle.supervisor.wake()
    for task_id in tasks:
        wait_for(partial(_is_over, steady, task_id), f"task {task_id} is over")
        assert steady.get(task_id).status is TaskStatus.FINISHED
        assert starts(idle, task_id) == 1
    assert flaky.left[name] == 0


def test_a_task_that_makes_no_sense_ends_alone(platform: SmallPlatform) -> None:
    good = platform.train(epochs=1)
    kept = {field.name: getattr(platform.task(good), field.name) for field in fields(NewTask)}
    broken_id = platform.services.tasks.create(NewTask(**{**kept, "settings": {}})).id
    platform.supervisor.wake()
    task = platform.wait_for_status(broken_id, TaskStatus.ERROR)
    assert task.exit_report is not None
    assert task.exit_report.cause is ExitCause.CRASHED
    assert "dashboard itself" in task.exit_report.message
    platform.wait_for_status(good, TaskStatus.FINISHED)
    platform.wait_for_status(platform.train(epochs=1), TaskStatus.FINISHED)


def _is_over(store: TaskStore, task_id: TaskId) -> bool:
    return store.get(task_id).status.is_terminal


def test_the_clock_is_set_back_in_a_training(tmp_path: Path) -> None:
    back = [timedelta(0)]
    clock = SteadyClock(lambda: datetime.now(UTC) - back[0])
    platform = SmallPlatform(tmp_path / "home", ENVIRONMENT, clock=clock)
    platform.open()
    try:
        platform.add_project(tmp_path / "incoming")
        platform.supervisor.start()
        task_id = platform.train(epochs=3, seconds_per_epoch=0.2)
        platform.wait_for_epoch(task_id)
        back[0] = timedelta(hours=2)
        task = platform.wait_for_status(task_id, TaskStatus.FINISHED)
    finally:
        end_trainers(platform)
        platform.close()
    assert task.created_at <= (task.started_at or "") <= (task.finished_at or "")
    assert platform.messages(task_id)[-1] == "Finished."
