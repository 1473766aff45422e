"""A model labels 200 images, and a person goes through twenty of the labels without a mouse."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.widgets import PATIENCE, expect_heading, expect_text, open_page, press, settle
from tests.outside import ROOT
from tests.server import DashboardProcess

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a dashboard with 200 images and a model."""
    home = tmp_path_factory.mktemp("label") / "home"
    with DashboardProcess(home=home, script=ROOT / "tests" / "fakes" / "label_app.py") as process:
        yield process.url


def expect_counts(page: Page, **wanted: int) -> None:
    """Wait until the counts are these."""
    for name, number in wanted.items():
        metric = page.get_by_test_id("stMetric").filter(has=page.get_by_text(name.capitalize(), exact=True))
        expect(metric.get_by_test_id("stMetricValue")).to_have_text(str(number), timeout=PATIENCE)


def expect_place(page: Page, number: int) -> None:
    """Wait until a label of the queue is shown."""
    expect(page.locator(".where")).to_contain_text(f"{number} of 200", timeout=PATIENCE)


def review_twenty(page: Page) -> None:
    """Decide on twenty labels, add one and take one decision back."""
    for number, key in enumerate("aaraaaraaaaaraaa", start=1):  # faster than the answers of the server
        expect_place(page, number)
        page.keyboard.press(key)
    expect_counts(page, made=180, open=164, accepted=13, changed=0, rejected=3)
    expect_place(page, 17)
    page.keyboard.press("e")
    for key in ("ArrowRight", "Shift+ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect_place(page, 18)
    page.keyboard.press("c")
    page.keyboard.press("2")
    expect_counts(page, open=162, accepted=13, changed=2, rejected=3)
    expect_place(page, 19)
    page.keyboard.press("d")
    expect_counts(page, open=161, accepted=14, changed=2, rejected=3)
    expect_place(page, 20)
    page.keyboard.press("b")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect_counts(page, open=161, added=1)
    page.keyboard.press("r")
    expect_counts(page, open=160, rejected=4)
    page.keyboard.press("u")
    expect_counts(page, open=161, rejected=3)
    expect(page.locator(".said")).to_have_text("Taken back")
    expect_place(page, 20)
    page.keyboard.press("a")
    expect_counts(page, made=180, open=160, accepted=15, changed=2, rejected=3, added=1)


def test_twenty_labels_are_reviewed_by_keyboard_and_all_are_accounted_for(page: Page, address: str) -> None:
    open_page(page, f"{address}/label?task=11")
    expect_text(page, "200 images of “Hall” are copied without labels")
    press(page, "Start labelling")
    page.wait_for_url(re.compile(r"/task\?"), timeout=PATIENCE)
    expect_text(page, "found 180 objects on 200 images", timeout=4 * PATIENCE)
    settle(page)
    page.get_by_role("link", name="Review the labels").click()
    expect_heading(page, "Review labels")
    review = page.get_by_role("application", name="Review of labels")
    expect(review).to_be_focused(timeout=PATIENCE)
    expect_place(page, 1)

    review_twenty(page)
    page.reload()
    expect_counts(page, made=180, open=160, accepted=15, changed=2, rejected=3, added=1)
    settle(page)
    press(page, "Train on what is reviewed")
    page.wait_for_url(re.compile(r"/project\?"), timeout=2 * PATIENCE)
    expect_text(page, "labelled by 11 Shapes Quick, reviewed")
    expect_text(page, "20 images")
