"""The whole journey in Chromium, with real trainings: wizard, live, finished, again, compared."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.widgets import (
    expect_heading,
    expect_text,
    next_step,
    open_page,
    press,
    settle,
    start_and_wait,
    tick_row,
    walk_from_project,
)
from tests.server import DashboardProcess
from traindash.formatting import metric

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def experiment_records(home: Path) -> dict[int, dict[str, object]]:
    """Return what the finished trainings left in Team Files, by task id."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in home.rglob("experiment_info.json")]
    return {record["task_id"]: record for record in records}


def walk_to_launch(page: Page, dashboard: DashboardProcess, *, epochs: int) -> None:
    """Click through the wizard with the small model and a short training."""
    open_page(page, f"{dashboard.url}/project")
    choose = page.get_by_role("button", name="Choose", exact=True)
    chosen = page.get_by_role("button", name="Chosen")
    expect(choose.or_(chosen).first).to_be_visible(timeout=60_000)
    if choose.count():
        choose.first.click()
        settle(page)
    expect_text(page, "200 images")
    walk_from_project(page, epochs=epochs)


def test_two_trainings_from_the_wizard_to_the_comparison(page: Page, dashboard: DashboardProcess) -> None:
    walk_to_launch(page, dashboard, epochs=2)
    next_step(page, "Which formats to export?")
    page.get_by_text("ONNX", exact=False).first.click()
    settle(page)
    next_step(page, "Ready to start?")
    first = start_and_wait(page)

    walk_to_launch(page, dashboard, epochs=4)
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
