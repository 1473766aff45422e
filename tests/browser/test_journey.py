"""The whole journey in Chromium, with real trainings: data, wizard, live, finished, again, compared."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.widgets import (
    expect_heading,
    expect_text,
    next_step,
    open_page,
    press,
    settle,
    start_and_wait,
    tick_row,
)
from tests.browser.workshop import archive, bring_in, leave_speed_out, walk_to_measures
from tests.server import DashboardProcess
from traindash.domain.ids import TaskId
from traindash.formatting import metric
from traindash.supervisely.client import connect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def experiment_records(home: Path) -> dict[int, dict[str, object]]:
    """Return what the finished trainings left in Team Files, by task id."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in home.rglob("experiment_info.json")]
    return {record["task_id"]: record for record in records}


def project_of(dashboard: DashboardProcess, task: int) -> int:
    """Return the project that a task trains on."""
    with connect(dashboard.url, dashboard.token) as client:
        project = client.tasks.get(TaskId(task)).project_id
    assert project is not None
    return project


def test_from_data_that_are_brought_in_to_the_comparison(
    page: Page, dashboard: DashboardProcess, tmp_path: Path
) -> None:
    bring_in(page, dashboard.url, archive(tmp_path), "YOLO")
    expect_text(page, "“workshop” is a project now")
    expect_text(page, "of 13 found, 1 left out")
    expect_text(page, "1 image that cannot be read")
    press(page, "Train on this project")
    walk_to_measures(page, epochs=12)
    expect_text(page, "evaluation and speed test")
    next_step(page, "Which formats to export?")
    page.get_by_text("ONNX", exact=False).first.click()
    settle(page)
    next_step(page, "Ready to start?")
    first = start_and_wait(page)

    open_page(page, f"{dashboard.url}/project?project={project_of(dashboard, first)}")
    walk_to_measures(page, epochs=20)
    leave_speed_out(page)
    next_step(page, "Which formats to export?")
    next_step(page, "Ready to start?")
    second = start_and_wait(page)

    press(page, "Experiments")
    expect_heading(page, "Experiments")
    tick_row(page, 0)
    tick_row(page, 1)
    press(page, "Compare 2")
    expect_heading(page, "Key metrics")
    press(page, "Open all")

    records = experiment_records(dashboard.home)
    assert set(records) == {first, second}
    for record in records.values():
        metrics = record["evaluation_metrics"]
        assert isinstance(metrics, dict)
        expect_text(page, metric(metrics["mAP"]))
    # What was trained is what was brought in: of three classes, those that have objects
    states = [json.loads(path.read_text(encoding="utf-8")) for path in dashboard.home.rglob("app_state.json")]
    metas = [json.loads(path.read_text(encoding="utf-8")) for path in dashboard.home.rglob("model_meta.json")]
    assert [state["classes"] for state in states] == [["bolt", "nut"]] * 2
    assert [[item["title"] for item in meta["classes"]] for meta in metas] == [["bolt", "nut"]] * 2
