"""The wizard in a real browser: the editor's keys, a reload in the middle, deep links on a cold server."""

import re

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.widgets import expect_text, next_step, open_page, press, settle, tick_row
from tests.fakes.small_platform import wait_for
from tests.server import DashboardProcess

pytestmark = pytest.mark.browser
WAIT_MS = 60_000


@pytest.fixture
def server(sample_dashboard: DashboardProcess) -> str:
    """Address of a dashboard with the sample project."""
    return sample_dashboard.url


def draft_of(page: Page) -> str:
    """Return the id of the draft that the address names."""
    found = re.search(r"draft=([a-z0-9]+)", page.url)
    assert found is not None, page.url
    return found.group(1)


def start_draft(page: Page, url: str) -> None:
    """Begin a draft, choose the sample project and the recommended model."""
    open_page(page, f"{url}/project")
    expect(page).to_have_url(re.compile("draft="), timeout=WAIT_MS)
    before = page.url
    press(page, "Drafts")
    press(page, "Start over with an empty draft")
    expect(page).not_to_have_url(before, timeout=WAIT_MS)
    expect_text(page, "No project is chosen.")
    press(page, "Choose")
    next_step(page, "Which model to start from?")
    press(page, "Use it")
    expect(page.get_by_role("button", name="Next")).to_be_enabled(timeout=WAIT_MS)


def open_step(page: Page, url: str, step: str) -> None:
    """Open a step of the page's draft by its address."""
    open_page(page, f"{url}/{step}?draft={draft_of(page)}")


def test_a_cold_deep_link_opens_its_step_inside_the_frame(dashboard: DashboardProcess, page: Page) -> None:
    open_page(page, f"{dashboard.url}/split")
    expect(page.get_by_role("heading", name="New training")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("No project is chosen.").first).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_role("link", name="Experiments")).to_be_visible()


def test_editor_marks_errors_resets_and_leaves_by_keyboard(server: str, page: Page) -> None:
    start_draft(page, server)
    open_step(page, server, "hyperparameters")
    editor, following = page.get_by_label("Hyperparameters", exact=True), page.get_by_role("button", name="Next")
    expect(editor).to_have_value(re.compile("epochs"), timeout=WAIT_MS)
    defaults = editor.input_value()

    editor.press("Control+Home")
    page.keyboard.type("lr0: [1, 2\n")
    expect(page.get_by_text("is not valid YAML").first).to_be_visible(timeout=WAIT_MS)
    expect(editor).to_have_attribute("aria-invalid", "true")
    expect(following).to_be_disabled()
    page.reload()
    expect(editor).to_have_value(re.compile(r"^lr0: \[1, 2\n"), timeout=WAIT_MS)

    press(page, "Reset to defaults")
    expect(editor).to_have_value(defaults, timeout=WAIT_MS)
    expect(following).to_be_enabled(timeout=WAIT_MS)

    editor.press("Control+Home")
    editor.press("Tab")
    page.keyboard.type("# mine\n")
    editor.press("Control+Enter")
    expect(editor).to_have_value(re.compile("^  # mine\n"))
    editor.press("Escape")
    editor.press("Tab")
    expect(editor).not_to_be_focused()


def test_reference_beside_the_editor_is_one_stop_of_the_keyboard(server: str, page: Page) -> None:
    start_draft(page, server)
    open_step(page, server, "hyperparameters")
    editor, search = page.get_by_label("Hyperparameters", exact=True), page.get_by_label("Reference", exact=True)
    expect(editor).to_have_value(re.compile("epochs"), timeout=WAIT_MS)
    entries = page.locator("button.entry")
    search.press("Tab")
    expect(entries.nth(0)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(entries.nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(entries.last).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("button.entry:focus")).to_have_count(0)
    page.keyboard.press("Shift+Tab")
    expect(entries.last).to_be_focused()


def test_keys_of_groups_are_completed_and_added_where_they_belong(server: str, page: Page) -> None:
    start_draft(page, server)
    open_step(page, server, "model")
    page.get_by_role("radio", name="RT-DETRv2").click()
    expect(page.get_by_text("Licence of RT-DETRv2")).to_be_visible(timeout=WAIT_MS)
    tick_row(page, 0)
    expect(page.get_by_text("RT-DETRv2, object detection")).to_be_visible(timeout=WAIT_MS)
    open_step(page, server, "hyperparameters")
    editor = page.get_by_label("Hyperparameters", exact=True)
    expect(editor).to_have_value(re.compile("epoches"), timeout=WAIT_MS)
    editor.fill("epoches: 2 # few\noptimizer: # mine\n  type: SGD\n\nlr_scheduler: {type: MultiStepLR}\n")
    editor.evaluate("field => { const end = field.value.indexOf('SGD') + 3; field.setSelectionRange(end, end) }")
    page.keyboard.press("Enter")
    page.keyboard.type("  mom")
    page.keyboard.press("Enter")
    expect(editor).to_have_value(re.compile(r"\n  type: SGD\n  momentum: 0\.9\n"))
    entry = page.locator("button.entry", has_text=re.compile(r"^lr_scheduler\.gamma"))
    entry.click()
    expect(editor).to_have_value(re.compile(r"lr_scheduler: \{type: MultiStepLR, gamma: 0\.1\}"))
    page.locator("button.entry", has_text=re.compile(r"^optimizer\.lr")).first.click()
    expect(editor).to_have_value(
        "epoches: 2 # few\noptimizer: # mine\n  type: SGD\n  momentum: 0.9\n  lr: 0.0001\n\n"
        "lr_scheduler: {type: MultiStepLR, gamma: 0.1}\n"
    )
    editor.press("Control+Enter")
    expect(page.get_by_role("button", name="Next")).to_be_enabled(timeout=WAIT_MS)


def test_what_was_typed_last_is_not_lost_by_going_on(server: str, page: Page) -> None:
    start_draft(page, server)
    open_step(page, server, "hyperparameters")
    editor = page.get_by_label("Hyperparameters", exact=True)
    expect(editor).to_have_value(re.compile("epochs"), timeout=WAIT_MS)
    editor.press("Control+Home")
    page.keyboard.type("cos_lr: true\n")
    next_step(page, "What to measure afterwards?")
    press(page, "Back")
    expect(editor).to_have_value(re.compile("^cos_lr: true\n"), timeout=WAIT_MS)
    expect(page.get_by_text("1 change from the defaults")).to_be_visible(timeout=WAIT_MS)


def test_an_answer_that_comes_late_takes_nothing_back_of_what_was_typed(server: str, page: Page) -> None:
    held: list[bytes] = []
    lines: list[WebSocketRoute] = []
    is_held = False

    def pass_on(message: str | bytes) -> None:
        assert isinstance(message, bytes)
        held.append(message) if is_held else lines[-1].send(message)

    def connect(line: WebSocketRoute) -> None:
        lines.append(line)
        line.connect_to_server().on_message(pass_on)

    def let_through() -> None:
        for message in held:
            lines[-1].send(message)
        held.clear()

    page.route_web_socket(re.compile("/_stcore/stream"), connect)
    start_draft(page, server)
    open_step(page, server, "hyperparameters")
    editor = page.get_by_label("Hyperparameters", exact=True)
    expect(editor).to_be_editable(timeout=WAIT_MS)
    is_held = True
    editor.press("Control+Home")
    page.keyboard.type("cos_lr: true\n")
    editor.press("Control+Enter")
    first = b"1 change from the defaults"
    wait_for(lambda: page.evaluate("0") or any(first in message for message in held), "the answer to one line")
    page.keyboard.type("single_cls: true\n")
    editor.press("Control+Enter")
    let_through()
    expect_text(page, first.decode())
    page.keyboard.type("time: 1\n")
    typed = re.compile("^cos_lr: true\nsingle_cls: true\ntime: 1\n")
    expect(editor).to_have_value(typed)
    is_held = False
    let_through()
    expect_text(page, "3 changes from the defaults")
    expect(editor).to_have_value(typed)


def test_a_reload_in_the_middle_loses_nothing_and_a_second_tab_follows(server: str, page: Page) -> None:
    start_draft(page, server)
    open_step(page, server, "export")
    page.get_by_text("ONNX", exact=True).first.click()
    expect(page.locator(".st-key-summary")).to_contain_text("ONNX", timeout=WAIT_MS)
    page.reload()
    expect(page.get_by_role("switch", name="ONNX")).to_be_checked(timeout=WAIT_MS)
    second = page.context.new_page()
    second.goto(page.url)
    expect(second.get_by_role("switch", name="ONNX")).to_be_checked(timeout=WAIT_MS)


def test_images_of_a_project_lead_on_in_the_large_view_over_pages(server: str, page: Page) -> None:
    open_page(page, f"{server}/project?project=1")
    page.get_by_text("Look through all images").click()
    images = page.get_by_role("img", name=re.compile(", Annotated"))
    expect(images).to_have_count(24, timeout=WAIT_MS)  # a page of all of them, and not the few before
    settle(page)
    images.first.click()
    view = page.locator("dialog.large")
    expect(view).to_contain_text("1 of 200", timeout=WAIT_MS)
    for _ in range(24):
        page.keyboard.press("ArrowRight")
    expect(view).to_contain_text("25 of 200", timeout=WAIT_MS)
    page.keyboard.press("ArrowLeft")
    expect(view).to_contain_text("24 of 200", timeout=WAIT_MS)
    page.keyboard.press("Escape")
    expect(view).to_be_hidden()
