"""A framework in two places, a folder and an engine, goes through wizard, launch, live page, series and comparison."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.app.results.conftest import screen
from tests.app.wizard.stage import component_data
from tests.fakes import trainer_variables
from tests.fakes.in_memory import connect_in_memory
from tests.fakes.small_platform import ADDRESS, FAST, HARDWARE, tiny_project, wait_for
from tests.outside import ROOT
from traindash.domain.ids import DatasetId, TaskId
from traindash.domain.plan import DatasetsSplit, PretrainedModel
from traindash.domain.task import Task
from traindash.frameworks.registry import FRAMEWORKS
from traindash.frameworks.spec import load_framework
from traindash.plans.draft import WizardDraft
from traindash.plans.series import SeriesChoices, Vary
from traindash.platform.app import LocalPlatform, Options
from traindash.ui import connection
from traindash.ui.state import start_new_draft

FOLDER = ROOT / "tests" / "data" / "toy_framework"


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalPlatform]:
    """A working platform that knows the toy framework, with the tiny project."""
    # The line in the registry
    monkeypatch.setitem(FRAMEWORKS, "Toy", load_framework(FOLDER))
    environment = trainer_variables(os.environ)  # noqa: TID251 - as the dashboard does
    options = Options(hardware=HARDWARE, pace=FAST, with_sample=False)
    made = LocalPlatform(tmp_path / "home", address=ADDRESS, environment=environment, options=options)
    made.open()
    made.services.imports.run(tiny_project(tmp_path / "scratch", "Shapes"), made.services.accounts.home())
    made.start()
    st.cache_data.clear()
    st.cache_resource.clear()
    connection.install(lambda: connect_in_memory(made.api, ADDRESS, made.token), home=tmp_path / "home")
    yield made
    made.close()


def open_page(name: str, **query: str) -> AppTest:
    """Open a page in a new tab."""
    at = AppTest.from_file(str(ROOT / "core" / "traindash" / "frame" / "main.py"), default_timeout=60)
    for key, value in query.items():
        at.query_params[key] = value
    at.switch_page(str(ROOT / "pages" / f"{name}.py")).run()
    assert not at.exception, at.exception
    return at


def toy_draft() -> WizardDraft:
    """Store a draft of a training of the toy framework's small model."""
    client = connection.client()
    (project,) = client.projects.list(connection.workspace_id())
    sides = {item.name: DatasetId(item.id) for item in client.datasets.list(project.id)}
    split = DatasetsSplit(train_datasets=(sides["train"],), val_datasets=(sides["val"],))
    draft = connection.drafts().create(connection.server_name())
    return connection.drafts().update(
        draft.id,
        lambda known: replace(
            known,
            project_id=project.id,
            model=PretrainedModel(framework="Toy", name="Toy-S (CPU demo)"),
            classes=("box",),
            split=replace(known.split, method="datasets", datasets=split),
        ),
    )


def press(app: AppTest, label: str) -> None:
    """Press the first button whose label begins so."""
    next(button for button in app.button if str(button.label).startswith(label)).click().run()
    assert not app.exception, app.exception


def wait_for_end(task_id: int) -> Task:
    """Wait until a task is over."""
    client = connection.client()

    def look() -> Task | None:
        task = client.tasks.get(TaskId(task_id))
        return task if task.status.is_terminal else None

    return wait_for(look, f"task {task_id} is over", seconds=60)


def test_from_the_wizard_to_the_comparison(platform: LocalPlatform) -> None:
    del platform
    draft = toy_draft()

    models = open_page("model", draft=draft.id)
    groups: list[Any] = list(models.get("button_group"))
    shown = [str(option.content) for group in groups for option in group.proto.options]
    assert {"YOLO", "RT-DETRv2", "DEIM", "Toy"} <= set(shown)
    table = models.dataframe[0].value
    assert list(table.columns) == ["Model", "Points", "Weights", "Year"]
    assert table["Points"].max() == 10.4  # as numbers, not as texts

    texts = open_page("hyperparameters", draft=draft.id)
    given = component_data(texts)
    assert [entry["name"] for entry in given["reference"]][:2] == ["schedule.rounds", "schedule.curve"]
    assert "“Toy” " not in screen(texts)
    assert "Names and meanings are those of Toy" in screen(texts)

    launch = open_page("launch", draft=draft.id)
    press(launch, "Start training")
    first = int(str(launch.query_params["task"][0]))
    task = wait_for_end(first)
    assert task.status == "finished", task.exit_report
    assert "rounds: 3 # how often" in (task.hyperparameters or "")
    live = screen(open_page("task", task=str(first)))
    assert "Toy-S (CPU demo)" in live
    assert "epoch 3" in live

    vary = (Vary(key="optimizer.step", text="0.1, 1e-2"),)
    start = replace(draft, series=replace(SeriesChoices(), name="Night", vary=vary, repeats=2))
    again = connection.drafts().create(connection.server_name(), start)
    planned = open_page("series_plan", draft=again.id)
    said = screen(planned)
    assert "Night step 0.01, seed 6" in said
    assert "by earlier trainings" in said  # the time, by the roles of length and image size
    press(planned, "Start 4 experiments")
    for _ in range(2):
        connection.starter().round()
    ids = sorted(int(item.id) for item in connection.client().tasks.list(connection.workspace_id()))
    assert len(ids) == 5
    ended = [wait_for_end(number) for number in ids]
    assert {item.status for item in ended} == {"finished"}
    assert "optimizer: {step: 0.01, kind: plain}\nstart: {seed: 6}" in (ended[-1].hyperparameters or "")

    compared = screen(open_page("compare", ids=f"{ids[1]},{ids[3]}"))
    assert "optimizer.step" in compared
    assert "highest mAP" in compared or "equal" in compared


def test_a_step_that_changes_nothing_is_told_in_a_series(platform: LocalPlatform) -> None:
    del platform
    text = "schedule: {rounds: 1}\noptimizer: {kind: own, step: 0.1}\n"
    series = replace(SeriesChoices(), vary=(Vary(key="optimizer.step", text="0.2, 0.3"),))
    draft = start_new_draft(replace(toy_draft(), hyperparameters=text, series=series))
    said = screen(open_page("series_plan", draft=draft.id))
    assert "optimizer.step has no effect while optimizer.kind is “own”: it chooses the length itself." in said
