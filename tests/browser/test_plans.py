"""Hyperparameters with the reference, and a plan on its way out of one draft and into another, in a real browser."""

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from tests.browser.widgets import PATIENCE, open_page, press, settle
from tests.server import DashboardProcess
from traindash.domain.ids import ProjectId
from traindash.domain.plan import PretrainedModel
from traindash.plans.draft import DraftId, DraftStore
from traindash.ui import connection

pytestmark = pytest.mark.browser
PLAN = """\
project_id: 1
model: YOLO/Pico-det (CPU demo)
hyperparameters: |
  epochs: 3
  lr0: 0.01
export_onnx: true
"""
COPIED = "async text => (await navigator.clipboard.readText()).trim() === text"


def _draft(dashboard: DashboardProcess) -> DraftId:
    """Store a draft on the sample project."""
    store = DraftStore(dashboard.home / "drafts")
    made = store.create(connection.EMBEDDED)
    model = PretrainedModel(framework="YOLO", name="Pico-det (CPU demo)")
    text = "epochs: 3\nlr0: 0.01\n"
    store.update(made.id, lambda draft: replace(draft, project_id=ProjectId(1), model=model, hyperparameters=text))
    return made.id


def test_a_plan_goes_in_and_comes_out_again(sample_dashboard: DashboardProcess, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=sample_dashboard.url)
    empty = DraftStore(sample_dashboard.home / "drafts").create(connection.EMBEDDED)
    open_page(page, f"{sample_dashboard.url}/project?draft={empty.id}")
    press(page, "Start from a plan")
    page.get_by_label("Plan file, Python script or app_state.json").fill(PLAN)
    press(page, "Read it")
    expect(page.get_by_text("Read from the plan file")).to_be_visible(timeout=PATIENCE)
    press(page, "Fill the wizard")
    expect(page.get_by_role("heading", name="Ready to start?")).to_be_visible(timeout=PATIENCE)

    page.get_by_text("This plan as code").click()
    page.get_by_role("tab", name="Plan file").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download plan.yaml").click()
    text = download.value.path().read_text(encoding="utf-8")
    assert text == PLAN
    code = page.get_by_test_id("stCode").filter(has_text="project_id: 1").first
    code.hover()
    code.get_by_role("button").first.click()
    page.wait_for_function(COPIED, arg=text.strip(), timeout=PATIENCE)


def test_keys_come_from_the_reference_and_from_completions(sample_dashboard: DashboardProcess, page: Page) -> None:
    open_page(page, f"{sample_dashboard.url}/hyperparameters?draft={_draft(sample_dashboard)}")
    editor = page.get_by_label("Hyperparameters", exact=True)
    expect(editor).to_have_value(re.compile("epochs: 3"), timeout=PATIENCE)

    page.get_by_label("Reference").fill("mirror an image")
    page.get_by_role("button", name=re.compile("^fliplr")).click()
    page.keyboard.type("0.1")
    expect(editor).to_have_value("epochs: 3\nlr0: 0.01\nfliplr: 0.1\n")

    editor.press("Control+End")
    page.keyboard.type("copy_paste_m")
    expect(page.get_by_role("listbox", name="Completions").get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    page.keyboard.press("Control+Enter")
    expect(editor).to_have_value(re.compile("copy_paste_mode: flip$"))

    page.keyboard.type("\nlrf: 1e-2")
    fix = page.get_by_role("button", name="Write lrf: 1.0e-2")
    expect(fix).to_be_visible(timeout=PATIENCE)
    fix.click()
    expect(editor).to_have_value(re.compile(r"lrf: 1\.0e-2$"), timeout=PATIENCE)
    settle(page)
    expect(page.get_by_role("button", name="Next")).to_be_enabled(timeout=PATIENCE)


def test_two_tabs_and_a_killed_server_lose_nothing(sample_dashboard: DashboardProcess, page: Page) -> None:
    draft = _draft(sample_dashboard)
    second = page.context.new_page()
    open_page(page, f"{sample_dashboard.url}/export?draft={draft}")
    open_page(second, f"{sample_dashboard.url}/benchmark?draft={draft}")
    page.get_by_text("ONNX", exact=True).first.click()
    settle(page)
    second.get_by_text("Measure inference speed", exact=True).click()
    settle(second)
    expect(second.locator(".st-key-summary")).to_contain_text("ONNX", timeout=PATIENCE)
    expect(second.locator(".st-key-summary")).not_to_contain_text("speed test", timeout=PATIENCE)

    port = sample_dashboard.port
    sample_dashboard.kill()
    sample_dashboard.start(port)
    open_page(page, f"{sample_dashboard.url}/export?draft={draft}")
    expect(page.get_by_role("switch", name="ONNX")).to_be_checked(timeout=PATIENCE)
    expect(page.locator(".st-key-summary")).not_to_contain_text("speed test", timeout=PATIENCE)
