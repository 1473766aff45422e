"""One helper per thing a person does on a page."""

import re

from playwright.sync_api import Locator, Page, expect

SECOND = 1_000
PATIENCE = 30 * SECOND


def settle(page: Page) -> None:
    """Wait until the page's script has run and nothing on it is stale."""
    page.wait_for_selector('[data-test-script-state="notRunning"]', timeout=PATIENCE)
    expect(page.locator('[data-stale="true"]')).to_have_count(0, timeout=PATIENCE)


def open_page(page: Page, url: str) -> None:
    """Open an address and wait until it is drawn."""
    page.goto(url)
    settle(page)


def press(page: Page, name: str) -> None:
    """Press a button or follow a link by its visible name."""
    button = page.get_by_role("button", name=name, exact=True).or_(page.get_by_role("link", name=name, exact=True))
    expect(button.first).to_be_enabled(timeout=PATIENCE)
    button.first.click()
    settle(page)


def next_step(page: Page, heading: str) -> None:
    """Press Next and wait for the heading of the step that follows."""
    press(page, "Next")
    expect_heading(page, heading)


def walk_from_project(page: Page, *, epochs: int) -> None:
    """Click through the wizard from its first step to the export, with the small model and a short training."""
    next_step(page, "Which model to start from?")
    press(page, "Use it")
    next_step(page, "Which classes to learn?")
    next_step(page, "Which images train, which validate?")
    next_step(page, "How to train?")
    replace_yaml(page, "epochs: 25", f"epochs: {epochs}")
    replace_yaml(page, "imgsz: 128", "imgsz: 64")  # a quarter of the time, and it is the journey that counts
    next_step(page, "What to measure afterwards?")
    page.get_by_text("Measure inference speed").click()
    settle(page)


def start_and_wait(page: Page) -> int:
    """Press Start training, watch the task until it is finished, and return its id."""
    press(page, "Start training")
    page.wait_for_url(re.compile(r"/task\?.*task=\d+"), timeout=2 * PATIENCE)
    expect_text(page, "Training, epoch", timeout=4 * PATIENCE)
    expect_text(page, "Finished after", timeout=8 * PATIENCE)
    found = re.search(r"task=(\d+)", page.url)
    assert found is not None
    return int(found.group(1))


def expect_heading(page: Page, heading: str) -> None:
    """Wait for a heading."""
    expect(page.get_by_role("heading", name=heading, exact=True).first).to_be_visible(timeout=PATIENCE)


def expect_text(page: Page, text: str, *, timeout: float = PATIENCE) -> Locator:
    """Wait until a text is on the page.

    Args:
        page: The tab.
        text: Part of the text.
        timeout: Milliseconds.
    """
    # what is folded away holds the same words earlier on the page, and nobody reads it there
    found = page.get_by_text(text).filter(visible=True).first
    expect(found).to_be_visible(timeout=timeout)
    return found


def replace_yaml(page: Page, old: str, new: str) -> None:
    """Change the text in the YAML editor as a person who types would, and wait until it is saved."""
    editor = page.get_by_label("Hyperparameters", exact=True)
    expect(editor).to_be_visible(timeout=PATIENCE)
    text = editor.input_value()
    assert old in text, f"{old!r} is not in the editor"
    editor.fill(text.replace(old, new))
    editor.press("Control+Enter")
    settle(page)


def tick_row(page: Page, row: int) -> None:
    """Tick a row of the first table on the page, 0 for the first; the table is a canvas, so rows have no names."""
    grid = page.get_by_test_id("stDataFrame").first.locator(".dvn-scroller").first
    expect(grid).to_be_visible(timeout=PATIENCE)
    grid.click(position={"x": 18, "y": 38 + 36 * row + 18})
    settle(page)
