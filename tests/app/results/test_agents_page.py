"""The page of the agents, on the embedded platform itself; nothing runs, so what is queued stays queued."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.app.results.conftest import screen
from tests.fakes import FAKE_TRAINER, trainer_variables
from tests.fakes.in_memory import connect_in_memory
from tests.fakes.small_platform import ADDRESS, tiny_project
from tests.outside import ROOT
from traindash.domain.ids import AgentId, TaskId
from traindash.domain.plan import DatasetsSplit, PretrainedModel, TrainingPlan
from traindash.platform.agents import Hardware
from traindash.platform.app import LocalPlatform, Options
from traindash.tasks.launcher import launch
from traindash.ui import connection

Tasks = list[TaskId]


def new_platform(home: Path, hardware: Hardware) -> LocalPlatform:
    """Open a platform on a data directory."""
    environment = trainer_variables(os.environ)  # noqa: TID251 - as the dashboard does
    options = Options(hardware=hardware, with_sample=False)
    platform = LocalPlatform(home, address=ADDRESS, environment=environment, trainer=FAKE_TRAINER, options=options)
    platform.open()
    return platform


def use(platform: LocalPlatform, home: Path) -> None:
    """Let the pages work with a platform."""
    st.cache_data.clear()
    st.cache_resource.clear()
    connection.install(lambda: connect_in_memory(platform.api, ADDRESS, platform.token), home=home)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[LocalPlatform]:
    """A platform with two agents and the tiny project."""
    made = new_platform(tmp_path / "home", Hardware(list_gpus=tuple, cores=2))
    made.services.imports.run(tiny_project(tmp_path / "scratch", "Shapes"), made.services.accounts.home())
    use(made, tmp_path / "home")
    yield made
    made.close()


@pytest.fixture
def waiting(platform: LocalPlatform) -> Tasks:
    """Three trainings that wait for the first agent."""
    project = connection.client().projects.list(connection.workspace_id())[0].id
    sides = {item.name: item.id for item in connection.client().datasets.list(project)}
    plan = TrainingPlan(
        project_id=project,
        model=PretrainedModel(framework="YOLO", name="YOLO26n-det"),
        agent_id=AgentId(1),
        train_val_split=DatasetsSplit(train_datasets=(sides["train"],), val_datasets=(sides["val"],)),
        hyperparameters="epochs: 2\n",
    )
    del platform
    return [launch(connection.client(), replace(plan, experiment_name=f"Run <b>{name}")) for name in "abc"]


def agents_page() -> AppTest:
    """Open the page in a new tab."""
    at = AppTest.from_file(str(ROOT / "core" / "traindash" / "frame" / "main.py"), default_timeout=30)
    at.switch_page(str(ROOT / "pages" / "agents.py"))
    at.run()
    assert not at.exception
    return at


def queue(platform: LocalPlatform) -> Tasks:
    """Return who waits, the next one first."""
    tasks = sorted(connection.client().tasks.list(connection.workspace_id()), key=lambda task: task.queue_position or 0)
    del platform
    return [task.id for task in tasks if task.queue_position]


def test_every_agent_shows_state_hardware_and_queue(platform: LocalPlatform, waiting: Tasks) -> None:
    said = screen(agents_page())
    del platform
    assert "Connected" in said or "Free" in said
    assert "memory free" in said
    assert "1 thread per task" in said
    assert "3 waiting" in said
    hashes = [connection.client().tasks.get(task).config_hash[:8] for task in waiting]
    assert all(f"settings {part}" in said for part in hashes)


def test_places_change_and_a_task_leaves_the_queue(platform: LocalPlatform, waiting: Tasks) -> None:
    first, second, third = waiting
    at = agents_page()
    at.button(key=f"up-1-{third}").click().run()
    assert queue(platform) == [first, third, second]
    at.button(key=f"first-1-{second}").click().run()
    assert queue(platform) == [second, first, third]
    at.button(key=f"down-1-{second}").click().run()
    assert queue(platform) == [first, second, third]
    assert at.button(key=f"up-1-{first}").disabled
    assert at.button(key=f"down-1-{third}").disabled
    at.button(key=f"cancel-1-{second}").click().run()
    connection.client().tasks.stop(second)  # what the dialog does
    assert queue(platform) == [first, third]


def test_a_held_queue_stays_held_over_a_restart(tmp_path: Path, platform: LocalPlatform, waiting: Tasks) -> None:
    at = agents_page()
    next(item for item in at.toggle if item.label == "Pause the queue").set_value(True).run()
    platform.close()
    again = new_platform(tmp_path / "home", Hardware(list_gpus=tuple, cores=2))
    try:
        use(again, tmp_path / "home")
        held = [item.value for item in agents_page().toggle if item.label == "Pause the queue"]
        assert held == [True, False]
        assert queue(again) == waiting
        assert "Free, but its queue is paused" in screen(agents_page())
    finally:
        again.close()


def test_number_and_threads_are_set_here(platform: LocalPlatform) -> None:
    at = agents_page()
    at.number_input(key="agents-count").set_value(3)
    at.number_input(key="agents-threads").set_value(2)
    next(button for button in at.button if button.label == "Apply").click().run()
    assert platform.services.agents.settings().count == 3
    assert "2 threads per task" in screen(at)
    assert len([item for item in at.toggle if item.label == "Pause the queue"]) == 3
