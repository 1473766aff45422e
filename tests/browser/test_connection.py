"""The form for a server, with the keyboard alone: what was typed last counts."""

import pytest
from playwright.sync_api import Page

from tests.browser.widgets import expect_text, open_page, settle
from tests.server import DashboardProcess

pytestmark = pytest.mark.browser


def test_a_token_that_was_just_typed_reaches_the_server(sample_dashboard: DashboardProcess, page: Page) -> None:
    open_page(page, f"{sample_dashboard.url}/connection")
    page.get_by_text("Add a Supervisely server").click()
    page.get_by_label("Address", exact=True).fill(sample_dashboard.url)
    token = page.locator('input[aria-label="API token"]')
    token.fill("not-the-token")
    token.press("Enter")
    settle(page)
    expect_text(page, "does not accept the API token")
    token.fill("neither-this-one")
    token.press("Tab")  # to the button that shows the token, which is a part of the field
    page.get_by_role("button", name="Test and use").press("Enter")
    settle(page)
    expect_text(page, "does not accept the API token")
