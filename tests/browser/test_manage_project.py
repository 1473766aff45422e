"""A project is changed as a person does it: a class renamed, a dataset deleted and brought back."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.widgets import PATIENCE, expect_heading, expect_text, leading_to_a_run, open_page, press, settle
from tests.server import DashboardProcess

pytestmark = pytest.mark.browser
_ROW = 33  # pixels of a table's row


def _choose_first_row(page: Page) -> None:
    table = page.get_by_test_id("stDataFrame").locator("canvas").first
    expect(table).to_be_visible(timeout=PATIENCE)
    place = table.bounding_box()
    assert place is not None
    with leading_to_a_run(page):  # what takes clicks lies over the canvas
        page.mouse.click(place["x"] + 16, place["y"] + _ROW + _ROW // 2)


def test_a_class_is_renamed_and_a_deleted_dataset_comes_back(page: Page, sample_dashboard: DashboardProcess) -> None:
    open_page(page, f"{sample_dashboard.url}/project?project=1")
    press(page, "Manage this project")
    expect_heading(page, "Fruit and vegetables")

    _choose_first_row(page)
    press(page, "Edit")
    page.get_by_label("Name", exact=True).fill("ripe tomato")
    page.keyboard.press("Enter")
    expect_text(page, "“tomato” is now “ripe tomato”.")
    expect(page.get_by_role("dialog")).to_have_count(0)
    settle(page)  # the closed dialog has given the keyboard back

    # By keyboard alone: the chosen row, its deletion, and the way back.
    page.get_by_role("button", name="Delete", exact=True).press("Enter")
    expect_text(page, "All of it can be brought back for 30 days.")
    page.get_by_role("button", name="Delete with").press("Enter")
    expect_text(page, "Classes 4")
    settle(page)
    page.get_by_role("button", name="Undo", exact=True).press("Enter")
    expect_text(page, "Classes 5")

    page.get_by_text("Datasets 3").click()
    settle(page)
    _choose_first_row(page)
    press(page, "Delete")
    expect_text(page, "It can be brought back for 30 days.")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect_text(page, "Datasets 3")
    press(page, "Delete")
    press(page, "Delete dataset")
    expect_text(page, "Datasets 2")

    press(page, "Undo")
    expect_text(page, "Datasets 3")
    press(page, "Back to the projects")
    expect_text(page, "ripe tomato")
