"""A series of four trainings on two agents, one of which dies: planned, followed, compared, explained.

The trainers are quick ones; a series of real trainings is in ``test_three_frameworks.py``.
"""

import os
import re
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.widgets import PATIENCE, expect_heading, expect_text, open_page, press, settle
from tests.fakes.small_platform import wait_for
from tests.outside import ROOT
from tests.server import DashboardProcess
from traindash.domain.ids import TaskId
from traindash.domain.plan import PretrainedModel
from traindash.domain.task import Task, TaskStatus
from traindash.plans.draft import DraftStore, WizardDraft
from traindash.platform.home import HomeLayout
from traindash.platform.tasks.process import read_identity
from traindash.supervisely.client import SuperviselyClient, connect
from traindash.ui import connection

pytestmark = pytest.mark.browser

QUICK = "epochs: 15\nseconds_per_epoch: 0.2\nbenchmark: true\nlr0: 0.005\n"  # long enough to be killed
TRAINING_SECONDS = 120.0


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[DashboardProcess]:
    """A dashboard whose trainings take three seconds."""
    with DashboardProcess(home=tmp_path / "home", script=ROOT / "tests" / "fakes" / "quick_app.py") as process:
        yield process


def quick_draft(dashboard: DashboardProcess, client: SuperviselyClient) -> WizardDraft:
    """Store a complete draft of a quick training on the sample project."""
    workspace = client.workspaces.list(client.teams.list()[0].id)[0].id
    project = client.projects.list(workspace)[0]
    store = DraftStore(dashboard.home / "drafts")
    made = store.create(connection.EMBEDDED)
    model = PretrainedModel(framework="YOLO", name="Pico-det (CPU demo)")
    return store.update(
        made.id, lambda draft: replace(draft, project_id=project.id, model=model, hyperparameters=QUICK)
    )


def tasks(client: SuperviselyClient) -> list[Task]:
    """Return all tasks, oldest first."""
    return list(client.tasks.list(client.workspaces.list(client.teams.list()[0].id)[0].id))


def kill_a_trainer(dashboard: DashboardProcess, task_id: TaskId) -> None:
    """End the process of a task as the kernel does when memory is short."""
    identity = wait_for(lambda: read_identity(HomeLayout(dashboard.home).run(task_id)), "the trainer runs", seconds=120)
    os.kill(identity.pid, signal.SIGKILL)


def plan_four(page: Page) -> None:
    """Vary a learning rate and the seed on the page of a new series."""
    expect_heading(page, "What varies?")
    press(page, "Vary a hyperparameter")
    settle(page)
    names = page.get_by_role("combobox", name=re.compile("Hyperparameter")).last
    names.click()
    names.fill("lr0")
    page.get_by_role("option", name=re.compile("^lr0")).first.click(timeout=PATIENCE)
    settle(page)
    for label, text in (("Values, with commas between", "0.002, 0.005"), ("Times each, with another seed", "2")):
        field = page.get_by_label(label, exact=True)
        field.fill(text)
        field.press("Enter")
        settle(page)


def test_four_on_two_agents_one_fails_three_are_compared(page: Page, dashboard: DashboardProcess) -> None:
    with connect(dashboard.url, dashboard.token) as client:
        draft = quick_draft(dashboard, client)
        open_page(page, f"{dashboard.url}/launch?draft={draft.id}")
        press(page, "Plan a series")
        plan_four(page)
        press(page, "Start 4 experiments")
        page.wait_for_url(re.compile(r"/series\?.*series="), timeout=PATIENCE)
        expect_text(page, "of 4 finished")
        series_url = page.url

        wait_for(lambda: len(tasks(client)) == 4, "four tasks", seconds=60)
        victim = tasks(client)[1]
        kill_a_trainer(dashboard, victim.id)
        expect_text(page, "1 failed", timeout=60_000)

        page.wait_for_url(re.compile(r"/compare\?.*ids="), timeout=TRAINING_SECONDS * 1000)
        ended = {task.id: task.status for task in tasks(client)}
        assert sorted(status.value for status in ended.values()) == ["error", "finished", "finished", "finished"]
        assert ended[victim.id] is TaskStatus.ERROR
        compared = re.search(r"ids=([\d,%C]+)", page.url)
        assert compared is not None
        assert len(re.split(r",|%2C", compared.group(1))) == 3
        for status_id, status in ended.items():
            if status is TaskStatus.FINISHED:
                assert client.experiments.of_task(status_id) is not None

        open_page(page, series_url)
        expect_text(page, "3 of 4 finished, 1 failed")
        expect(page.get_by_role("alert").first).to_contain_text("ended from outside", timeout=PATIENCE)
        expect(page.get_by_role("button", name="Start again")).to_be_visible()
        press(page, "Tasks")
        expect_text(page, "3 of 4 finished, 1 failed")
