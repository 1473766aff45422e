"""Serving tasks with real processes: memory, restart, end."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.quick_models import QUICK_ENGINE, add_experiment
from tests.fakes.small_platform import SmallPlatform, small_platform, wait_for
from traindash.domain.task import ExitCause, TaskStatus
from traindash.errors import StateError
from traindash.platform.serving.models import DeployParams
from traindash.platform.serving.service import Serving, ServingControl
from traindash.platform.store.task_records import TaskRecord
from traindash.platform.tasks.admission import Admission

PLENTY = 8 * 2**30


class Memory:
    """What the machine has left, as a test says it."""

    def __init__(self) -> None:
        self.free: list[int] = [PLENTY]

    def __call__(self) -> int:
        return self.free.pop(0) if len(self.free) > 1 else self.free[0]


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[SmallPlatform]:
    """A platform with an experiment of the quick engine."""
    with small_platform(tmp_path / "home", os.environ, supervise=False) as made:  # noqa: TID251 - children need PATH
        made.services.trainer = QUICK_ENGINE
        add_experiment(made.services, tmp_path / "7", 7)
        yield made


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def serving(platform: SmallPlatform, memory: Memory) -> Iterator[Serving]:
    made = Serving(platform.services, memory)
    made.start()
    yield made
    made.close()


PARAMS = DeployParams(model_files={"checkpoint": "/experiments/1_Shapes/7_YOLO/checkpoints/best.pt"})


def _start(platform: SmallPlatform, serving: Serving) -> TaskRecord:
    """Start a serving app and wait until it runs."""
    module = next(item for item in platform.services.modules.all() if item.purpose == "serve")
    body = {"workspaceId": int(platform.services.accounts.home().workspace_id), "moduleId": int(module.id)}
    task = Admission(platform.services).submit({**body, "agentId": None, "params": {"state": {}}})
    serving.wake()
    return _reach(platform, task, TaskStatus.STARTED)


def _reach(platform: SmallPlatform, task: TaskRecord, status: TaskStatus) -> TaskRecord:
    services = platform.services

    def look() -> TaskRecord | None:
        found = services.tasks.get(task.id)
        return found if found.status is status else None

    return wait_for(look, f"task {task.id} is {status}")


def test_a_model_that_rests_makes_room_for_another_one(
    platform: SmallPlatform, serving: Serving, memory: Memory
) -> None:
    first, second = _start(platform, serving), _start(platform, serving)
    serving.deploy(first, PARAMS).result(30)
    memory.free = [0, PLENTY]
    serving.deploy(second, PARAMS).result(30)
    assert [serving.deployment(task).is_loaded for task in (first, second)] == [False, True]
    assert serving.deployment(first).is_deployed  # it comes back when it is asked
    memory.free = [0]
    with pytest.raises(StateError, match="0 MB are free"):
        serving.deploy(first, PARAMS).result(30)


def test_a_task_takes_no_turn_of_an_agent_and_is_stopped(platform: SmallPlatform, serving: Serving) -> None:
    task = _start(platform, serving)
    serving.deploy(task, PARAMS).result(30)
    pid = serving.deployment(task).pid
    assert platform.services.tasks.open_tasks() == ()
    ServingControl(platform.supervisor, serving).request_stop(task.id)
    ended = _reach(platform, task, TaskStatus.STOPPED)
    assert ended.exit_report is not None
    assert ended.exit_report.cause is ExitCause.STOPPED_BY_USER
    assert pid is not None
    wait_for(lambda: not Path(f"/proc/{pid}").exists(), "its process is gone")


def test_another_server_takes_a_task_up(platform: SmallPlatform, serving: Serving) -> None:
    task = _start(platform, serving)
    serving.deploy(task, PARAMS).result(30)
    wait_for(lambda: "deploy" in platform.services.tasks.get(task.id).settings, "it is noted")
    serving.close()
    other = Serving(platform.services)
    other.start()
    try:
        deployment = other.deployment(platform.services.tasks.get(task.id))
        assert (deployment.is_deployed, deployment.is_loaded) == (True, False)
        assert deployment.output_meta().result(30)["classes"][0]["title"] == "box"
        assert platform.services.tasks.get(task.id).status is TaskStatus.STARTED
    finally:
        other.close()
