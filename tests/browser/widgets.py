"""One helper per thing a person does on a page."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

SECOND = 1_000
PATIENCE = 30 * SECOND
WIDE = ViewportSize(width=1280, height=900)
_RUNS = Path(__file__).with_name("runs.js")
_turns = count()


def new_profile(browser: Browser) -> BrowserContext:
    """Return a fresh profile of the browser, in whose tabs :func:`settle` knows what they wait for."""
    context = browser.new_context(viewport=WIDE)
    context.add_init_script(path=_RUNS)
    return context


def settle(page: Page, *, timeout: float = PATIENCE) -> None:
    """Wait until nothing is on its way to the server or from it, and what came is drawn; then widgets are of now.

    Parts of a page that look for news by themselves are not waited for.
    """
    # Looked at once in each animation frame; the number tells this wait from the ones before.
    page.wait_for_function("turn => window.runsOfPage?.areOver(turn)", arg=next(_turns), timeout=timeout)


@contextmanager
def leading_to_a_run(page: Page) -> Iterator[None]:
    """Wait for the run of the page's script that what is done inside leads to, also if it is asked for a moment later.

    Tables and sliders of Streamlit tell what was chosen when nothing more was chosen for a moment (1.67).
    """
    settle(page)
    before = page.evaluate("runsOfPage.asked")
    yield
    page.wait_for_function("before => runsOfPage.asked > before", arg=before, timeout=PATIENCE)
    settle(page)


def open_page(page: Page, url: str) -> None:
    """Open an address and wait until it is drawn."""
    page.goto(url)
    settle(page)


def press(page: Page, name: str) -> None:
    """Press a button or follow a link by its visible name, once the page is still."""
    settle(page)  # what is pressed before belongs to the run before
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
    expect(editor).to_be_editable(timeout=PATIENCE)
    text = editor.input_value()
    assert old in text, f"{old!r} is not in the editor"
    editor.fill(text.replace(old, new))
    editor.press("Control+Enter")
    settle(page)


def tick_row(page: Page, row: int) -> None:
    """Tick a row of the first table on the page, 0 for the first; the table is a canvas, so rows have no names."""
    grid = page.get_by_test_id("stDataFrame").first.locator(".dvn-scroller").first
    expect(grid).to_be_visible(timeout=PATIENCE)
    with leading_to_a_run(page):
        grid.click(position={"x": 18, "y": 38 + 36 * row + 18})
