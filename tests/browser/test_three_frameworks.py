"""One series over three frameworks: one length and one image size for all, started once, compared, judged."""

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from tests.browser.widgets import PATIENCE, expect_heading, open_page, press, settle
from tests.server import DashboardProcess
from traindash.domain.plan import PretrainedModel
from traindash.domain.task import TaskStatus
from traindash.plans.draft import DraftStore
from traindash.supervisely.client import connect
from traindash.ui import connection

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TINY = "epochs: 1\nimgsz: 64\nbatch: 16\nworkers: 0\noptimizer: AdamW\nlr0: 0.005\nseed: 0\namp: false\n"
OTHERS = {"RT-DETRv2": "RT-DETRv2-Mini (CPU demo)", "DEIM": "D-FINE-Mini (CPU demo)"}
TRAINING_MS = 600_000


def vary(page: Page, place: int, key: str, values: str) -> None:
    """Give a hyperparameter its values."""
    press(page, "Vary another one" if place else "Vary a hyperparameter")
    names = page.get_by_role("combobox", name=re.compile("Hyperparameter"))
    expect(names).to_have_count(place + 1, timeout=PATIENCE)
    names.last.click()
    names.last.fill(key)
    page.get_by_role("option", name=re.compile(f"^{key}")).first.click(timeout=PATIENCE)
    settle(page)
    field = page.get_by_label("Values, with commas between", exact=True).nth(place)
    field.fill(values)
    field.press("Enter")
    settle(page)


def test_three_frameworks_are_started_once_and_compared(page: Page, dashboard: DashboardProcess) -> None:
    with connect(dashboard.url, dashboard.token) as client:
        workspace = client.workspaces.list(client.teams.list()[0].id)[0].id
        project = client.projects.list(workspace)[0]
        store = DraftStore(dashboard.home / "drafts")
        made = store.create(connection.EMBEDDED)
        model = PretrainedModel(framework="YOLO", name="Pico-det (CPU demo)")
        models = (model, *(PretrainedModel(framework=framework, name=name) for framework, name in OTHERS.items()))
        store.update(
            made.id,
            lambda draft: replace(
                draft,
                project_id=project.id,
                model=model,
                hyperparameters=TINY,
                enable_speedtest=False,
                series=replace(draft.series, models=models),
            ),
        )
        open_page(page, f"{dashboard.url}/launch?draft={made.id}")
        press(page, "Plan a series")
        expect_heading(page, "What varies?")
        # Named as YOLO names them: each framework gets them under its own names
        vary(page, 0, "epochs", "1")
        vary(page, 1, "imgsz", "64")
        press(page, "Start 3 experiments")
        page.wait_for_url(re.compile(r"/compare\?.*ids="), timeout=TRAINING_MS)
        verdict = page.locator("[class*=st-key-verdict-]").first
        expect(verdict).to_be_visible(timeout=PATIENCE)
        # All validated on the images of one split: they can be compared
        expect(verdict).not_to_have_class(re.compile("st-key-verdict-unlike"))

        tasks = client.tasks.list(workspace)
        assert [task.status for task in tasks] == [TaskStatus.FINISHED] * 3
        records = [client.experiments.of_task(task.id) for task in tasks]
        assert {record.framework_name for record in records if record} == {"YOLO", *OTHERS}
        # The figures of each stand beside the verdict, under the short name by which they differ
        for framework in ("YOLO", *OTHERS):
            expect(page.get_by_role("listitem").filter(has_text=framework).first).to_be_visible(timeout=PATIENCE)
