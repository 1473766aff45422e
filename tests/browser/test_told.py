"""A person is told that a task is over: by the browser, by a webhook, and on the page that says why it failed."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.widgets import PATIENCE, expect_text, open_page, press, settle
from tests.fakes.receiver import receiver
from tests.server import DashboardProcess
from traindash.domain.ids import ProjectId, TaskId
from traindash.domain.plan import PretrainedModel, TrainingPlan
from traindash.supervisely.client import connect
from traindash.tasks.launcher import check_and_launch

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TRAINING_MS = 240_000
_RECORDER = """
window.told = []
window.Notification = class {
  static get permission() { return localStorage.getItem("permission") ?? "default" }
  static async requestPermission() { localStorage.setItem("permission", "granted") }
  constructor(title, options) { window.told.push(`${title} | ${options.body}`) }
}
"""


def _launch(dashboard: DashboardProcess, hyperparameters: str) -> TaskId:
    """Start a tiny training without a benchmark."""
    plan = TrainingPlan(
        project_id=ProjectId(1),
        model=PretrainedModel(framework="YOLO", name="Pico-det (CPU demo)"),
        hyperparameters=hyperparameters,
        enable_benchmark=False,
        experiment_name="Told",
    )
    with connect(dashboard.url, dashboard.token) as client:
        return check_and_launch(client, plan).task_id


def _set_webhook(page: Page, dashboard: DashboardProcess, url: str) -> None:
    """Set the webhook on the connection page and try it out."""
    open_page(page, f"{dashboard.url}/connection")
    page.get_by_label("Webhook address").fill("no-address")
    page.get_by_label("Webhook secret", exact=True).fill("a secret of the test")
    press(page, "Save webhook")
    expect_text(page, "is no web address")
    page.get_by_label("Webhook address").fill(url)
    page.get_by_label("Webhook secret", exact=True).fill("a secret of the test")
    press(page, "Save webhook")
    expect_text(page, "No task has ended since the webhook was set.")
    press(page, "Send a test")
    expect_text(page, "The test arrived")


def test_an_end_is_told_by_the_browser_and_by_the_webhook(page: Page, sample_dashboard: DashboardProcess) -> None:
    page.add_init_script(_RECORDER)
    with receiver() as told:
        _set_webhook(page, sample_dashboard, told.url)
        switch = page.get_by_role("switch", name="Notify me when a task ends")
        switch.click()
        expect(switch).to_be_checked(timeout=PATIENCE)
        settle(page)
        task_id = _launch(sample_dashboard, "epochs: 1\nimgsz: 32\nbatch: 16\nworkers: 0\nfraction: 0.1\n")
        page.wait_for_function("window.told.length > 0", timeout=TRAINING_MS)
        assert page.evaluate("window.told")[0].startswith("Finished: Told | After ")
        open_page(page, f"{sample_dashboard.url}/connection")
        expect(page.locator(f".st-key-delivery-{task_id}")).to_contain_text("Delivered", timeout=PATIENCE)
        assert [json.loads(request.body)["event"] for request in told.received] == ["test", "task.ended"]
        expect(switch).to_be_checked(timeout=PATIENCE)  # the browser remembers it over a new session


def test_a_failure_says_what_to_do_and_its_log_can_be_searched(page: Page, sample_dashboard: DashboardProcess) -> None:
    task_id = _launch(sample_dashboard, "epochs: 1\nfraction: 1.5\n")
    open_page(page, f"{sample_dashboard.url}/task?task={task_id}")
    expect_text(page, "The hyperparameter “fraction” cannot be 1.5.", timeout=TRAINING_MS)
    settle(page)
    log = page.locator(".cx-log")
    search = page.get_by_label("Search the log")
    search.press_sequentially("TAKES", delay=40)  # no Enter: what is typed while the page redraws counts
    expect(log.locator("mark").first).to_have_text("takes", timeout=PATIENCE)
    expect(log.get_by_text("Waiting for a free")).to_have_count(0, timeout=PATIENCE)
    search.fill("")
    press(page, "First error")
    expect(log.locator(".cx-marked")).to_contain_text("fraction", timeout=PATIENCE)
    with page.expect_download() as loading:
        page.get_by_role("button", name="Whole log").click()
    assert "ERROR   The hyperparameter" in loading.value.path().read_text(encoding="utf-8")
