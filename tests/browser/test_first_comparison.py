"""The guided first comparison: from the first start to slides, with its clicks counted."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.widgets import PATIENCE, expect_heading, expect_text, open_page, press, settle
from tests.server import DashboardProcess

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MOST_CLICKS = 15
TRAINING_MS = 600_000
CLICKS = "window.__clicks = 0; addEventListener('pointerdown', () => { window.__clicks += 1 }, true)"


def scores(home: Path) -> list[float]:
    """Return the mAP50 of the experiments in Team Files, lowest first."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in home.rglob("experiment_info.json")]
    return sorted(record["evaluation_metrics"]["AP50"] for record in records)


def test_from_the_first_start_to_a_true_comparison(
    page: Page, dashboard: DashboardProcess, record_testsuite_property: Callable[[str, object], None]
) -> None:
    page.add_init_script(CLICKS)
    begun = time.monotonic()
    open_page(page, dashboard.url)
    expect_heading(page, "Your first comparison")
    press(page, "Start the first comparison")
    page.wait_for_url(re.compile(r"/series\?.*series="), timeout=PATIENCE)
    expect_text(page, "Both trainings learn from the same images now.")
    # Left in the middle, and found again where it was.
    press(page, "Leave the guide")
    page.get_by_role("link", name="Overview", exact=True).click()
    expect_text(page, "Your first comparison")
    press(page, "Watch them learn")
    expect_text(page, "Both trainings learn from the same images now.")

    page.wait_for_url(re.compile(r"/compare\?.*ids="), timeout=TRAINING_MS)
    expect_text(page, "The first lines say which one to take")
    settle(page)
    seconds = time.monotonic() - begun
    clicks = page.evaluate("window.__clicks")
    record_testsuite_property("clicks of the first comparison", clicks)
    record_testsuite_property("seconds of the first comparison", round(seconds))
    assert clicks <= MOST_CLICKS
    found = scores(dashboard.home)
    assert len(found) == 2
    assert found[-1] > 0.3

    press(page, "Show it")
    page.wait_for_url(re.compile(r"/show\?.*ids="), timeout=PATIENCE)
    press(page, "Leave")
    expect_text(page, "That was the first comparison")
    press(page, "Bring your own data in")
    expect_heading(page, "Bring data in")
    page.get_by_role("link", name="Overview", exact=True).click()
    expect_heading(page, "Best so far")
    expect(page.get_by_text("Your first comparison")).to_have_count(0)
