"""Finding experiments, comparing them, and finding one's way on a long comparison, in Chromium."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.app.results.conftest import add_evaluated
from tests.browser.widgets import PATIENCE, expect_heading, expect_text, open_page, press, settle, tick_row
from tests.fakes.evaluations import Made
from tests.fakes.live_platform import serve
from tests.fakes.server import FakeServer, add_experiment
from tests.server import DashboardProcess
from traindash.ui.servers import KeptServers

pytestmark = pytest.mark.browser

MANY = tuple(f"class {number:02}" for number in range(60))
WAITING_IN_SIGHT = """() => [...document.querySelectorAll(".cx-room")].filter((room) => {
  const place = room.getBoundingClientRect()
  return place.bottom > 0 && place.top < innerHeight
}).length"""


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardProcess]:
    """A dashboard connected to a server with two large evaluations and two experiments without one."""
    server = FakeServer()
    add_experiment(server, 1, "Alpha", model_name="Pico-det", evaluation_metrics={"mAP": 0.4})
    add_experiment(server, 2, "Beta", model_name="YOLO26n-det", evaluation_metrics={"mAP": 0.7})
    add_evaluated(server, 3, "Gamma", Made(seed=3, classes=MANY, quality=0.6), model_name="YOLO26n-det")
    add_evaluated(server, 4, "Delta", Made(seed=4, classes=MANY, quality=0.9), model_name="YOLO26n-det")
    server.apps = [{"id": 9, "name": "Serve YOLO", "slug": "serve/yolo", "moduleId": 9, "config": {}}]
    server.said["get_status"] = {"is_deployed": True, "serving": {"requests": 12_345, "p50_seconds": 0.034, "open": 2}}
    server.add_task(5, "started")["meta"]["app"]["moduleId"] = 9
    home: Path = tmp_path_factory.mktemp("experiments") / "home"
    with serve(server.app()) as url:
        kept = KeptServers(home / "servers.json")
        kept.keep(url, "token")
        kept.choose(url)
        with DashboardProcess(home=home) as process:
            yield process


@pytest.fixture
def complaints(page: Page) -> Iterator[list[str]]:
    """What the browser's console complains of; nothing is allowed."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("response", lambda answer: found.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
    yield found
    assert found == []


def _choose_in_list(page: Page, label: str, name: str) -> None:
    page.get_by_role("combobox", name=label).first.click()
    page.get_by_role("option", name=name, exact=True).click()
    settle(page)


@pytest.mark.usefixtures("complaints")
def test_sorted_filtered_chosen_and_compared(page: Page, dashboard: DashboardProcess) -> None:
    open_page(page, f"{dashboard.url}/experiments")
    expect_text(page, "4 experiments")
    _choose_in_list(page, "Model", "YOLO26n-det")
    page.keyboard.press("Escape")
    expect_text(page, "3 of 4 experiments")
    _choose_in_list(page, "Sort by", "Sort: mAP")
    expect(page).to_have_url(re.compile(r"model=YOLO26n-det.*sort=-metric%3AmAP"))

    page.reload()
    settle(page)
    expect_text(page, "3 of 4 experiments")
    expect(page.get_by_role("button", name="Highest first")).to_be_visible(timeout=PATIENCE)
    table = page.get_by_test_id("stDataFrame")
    before = table.bounding_box()
    for row in range(3):
        tick_row(page, row)
    expect_text(page, "3 chosen")
    assert table.bounding_box() == before, "The table moved away under the pointer that ticks its rows."
    tick_row(page, 0)
    expect_text(page, "2 chosen")
    expect(page).to_have_url(re.compile(r"ids="))
    chosen = page.url
    page.reload()
    settle(page)
    expect_text(page, "2 chosen")
    assert page.url == chosen

    press(page, "Compare 2")
    expect_heading(page, "Compare")
    expect(page).to_have_url(re.compile(r"/compare\?.*ids=\d(%2C|,)\d"))
    expect(page.get_by_role("heading", name="Overview")).to_be_visible(timeout=4 * PATIENCE)
    page.go_back()
    expect_text(page, "2 chosen")


@pytest.mark.usefixtures("complaints")
def test_a_link_into_a_long_comparison_arrives_and_everything_in_sight_is_drawn(
    page: Page, dashboard: DashboardProcess
) -> None:
    open_page(page, f"{dashboard.url}/compare?open=all&ids=3,4")
    expect(page.get_by_role("heading", name="Report of the server")).to_be_attached(timeout=4 * PATIENCE)
    settle(page)
    rail = page.locator(".st-key-compare-rail")
    assert page.locator(".cx-room").count() > 5, "Nothing waits, so nothing is tested."

    for name in ("Training", "By class", "Confidence", "Mistakes"):  # faster than any of them is drawn
        rail.get_by_role("link", name=name, exact=True).click()
    expect(page.locator(".st-key-chart-confusion_matrix canvas").first).to_be_visible(timeout=2 * PATIENCE)
    page.wait_for_function(f"({WAITING_IN_SIGHT})() === 0", timeout=2 * PATIENCE)
    settle(page)
    heading = page.get_by_role("heading", name="Mistakes", exact=True)
    place = heading.bounding_box()
    assert place is not None
    assert 0 <= place["y"] < 120, "What was drawn above pushed the target away."

    page.mouse.move(700, 500)
    for _ in range(60):
        page.mouse.wheel(0, 700)
        page.wait_for_function(f"({WAITING_IN_SIGHT})() === 0", timeout=2 * PATIENCE)
    expect(page.locator(".cx-room")).to_have_count(page.locator(".cx-room").count())
    expect(page.locator(".st-key-section-server-report summary").first).to_be_in_viewport(timeout=PATIENCE)
    page.get_by_role("link", name="Tasks").first.click()
    expect_heading(page, "Tasks")
    page.go_back()
    expect(page.locator(".cx-room").first).to_be_attached(timeout=2 * PATIENCE)
    rail.get_by_role("link", name="Quality", exact=True).click()
    expect(page.locator(".st-key-chart-outcome_counts canvas").first).to_be_visible(timeout=2 * PATIENCE)


@pytest.mark.usefixtures("complaints")
def test_a_click_on_a_name_opens_its_training_and_so_does_the_button(page: Page, dashboard: DashboardProcess) -> None:
    open_page(page, f"{dashboard.url}/experiments?sort=-metric%3AmAP")
    grid = page.get_by_test_id("stDataFrame").first.locator(".dvn-scroller").first
    expect(grid).to_be_visible(timeout=PATIENCE)
    menu = page.get_by_test_id("stDataFrame").first.locator("[role=gridcell]").filter(has_text="Rename").first
    expect(menu).to_have_text(re.compile("^Open the training, Try on a picture,"))
    grid.click(position={"x": 140, "y": 38 + 18})
    page.wait_for_url(re.compile(r"/task\?task=2$"), timeout=PATIENCE)
    page.go_back()
    tick_row(page, 1)
    page.locator(".st-key-open").get_by_role("button").first.click()
    page.wait_for_url(re.compile(r"/task\?task=(?!2$)\d$"), timeout=PATIENCE)


def test_the_sidebar_closes_by_its_button_and_after_a_choice_on_half_a_screen(
    page: Page, dashboard: DashboardProcess
) -> None:
    open_page(page, f"{dashboard.url}/agents")
    sidebar = page.get_by_test_id("stSidebar")
    for width in (1280, 720):
        page.set_viewport_size({"width": width, "height": 900})
        if width == 720:  # the sidebar closed by itself when the window got narrow
            page.get_by_test_id("stExpandSidebarButton").click()
        expect(sidebar).to_have_attribute("data-collapsed", "false")
        sidebar.hover()
        sidebar.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
        expect(sidebar).to_have_attribute("data-collapsed", "true")
        expect(page.get_by_test_id("stMainBlockContainer")).to_have_css("padding-top", "56px")
        page.get_by_test_id("stExpandSidebarButton").click()
        expect(sidebar).to_have_attribute("data-collapsed", "false")
    press(page, "Tasks")
    expect_heading(page, "Tasks")
    expect(sidebar).to_have_attribute("data-collapsed", "true")


def test_half_a_screen_cuts_no_status(page: Page, dashboard: DashboardProcess) -> None:
    page.set_viewport_size({"width": 720, "height": 900})
    open_page(page, f"{dashboard.url}/tasks")
    badges = page.locator(".stMarkdownBadge")
    expect(badges.filter(has_text="Finished").first).to_be_visible(timeout=PATIENCE)
    cut = "badges => badges.filter(badge => badge.scrollWidth > badge.clientWidth).map(badge => badge.textContent)"
    assert badges.evaluate_all(cut) == []
    edges = page.locator("[class*='st-key-task-row'] [data-testid='stColumn']").evaluate_all(
        "cells => cells.slice(0, 6).filter(cell => cell.offsetParent)"  # one of them is not drawn at this width
        ".map(cell => Math.round(cell.getBoundingClientRect().right))"
    )
    assert edges == sorted(edges), "the cells of a row stand beside each other"
    expect(page.locator(".st-key-stop-5").get_by_role("button").first).to_be_in_viewport(ratio=1)
