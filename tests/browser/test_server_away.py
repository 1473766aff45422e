"""The server goes away under an open page, and comes back."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.widgets import PATIENCE, SECOND, expect_heading, open_page
from tests.server import DashboardProcess

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_page_says_so_in_our_words_and_comes_back_by_itself(page: Page, sample_dashboard: DashboardProcess) -> None:
    open_page(page, f"{sample_dashboard.url}/tasks")
    port = sample_dashboard.port
    sample_dashboard.kill()
    away = page.locator("#td-away")
    expect(away).to_be_visible(timeout=PATIENCE)
    expect(away).to_contain_text("Trainings go on without it")
    # Streamlit's own words come a moment later, and stay unseen behind ours.
    page.get_by_text("Are you connected to the internet").wait_for(state="attached", timeout=2 * PATIENCE)
    expect(page.get_by_text("Are you connected to the internet")).to_be_hidden()
    sample_dashboard.start(port)
    expect(away).to_be_hidden(timeout=60 * SECOND)
    expect_heading(page, "Tasks")
    expect(page.get_by_text("Are you connected to the internet")).to_have_count(0, timeout=PATIENCE)
