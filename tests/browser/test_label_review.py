"""A model labels 200 images, and a person goes through twenty of the labels without a mouse."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.widgets import (
    PATIENCE,
    expect_heading,
    expect_text,
    next_step,
    open_page,
    press,
    settle,
    start_and_wait,
    walk_from_project,
)
from tests.outside import ROOT
from tests.server import DashboardProcess
from traindash.supervisely.client import connect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardProcess]:
    """A dashboard with 200 images and two models."""
    home = tmp_path_factory.mktemp("label") / "home"
    with DashboardProcess(home=home, script=ROOT / "tests" / "fakes" / "label_app.py") as process:
        yield process


def start_labelling(page: Page, server: DashboardProcess, task: int, what: str, found: str) -> None:
    """Have the model of a task label what is chosen there, and open the review."""
    open_page(page, f"{server.url}/label?task={task}")
    if "Yard" in what:
        page.get_by_role("combobox", name="Project").fill("Yard")
        page.get_by_role("option", name=re.compile("Yard")).click()
        settle(page)
    expect_text(page, what)
    press(page, "Start labelling")
    page.wait_for_url(re.compile(r"/task\?"), timeout=PATIENCE)
    expect_text(page, found, timeout=4 * PATIENCE)
    settle(page)
    page.get_by_role("link", name="Review the labels").click()
    expect_heading(page, "Review labels")
    expect(page.get_by_role("application", name="Review of labels")).to_be_focused(timeout=PATIENCE)


def expect_counts(page: Page, **wanted: int) -> None:
    """Wait until the counts are these."""
    for name, number in wanted.items():
        metric = page.get_by_test_id("stMetric").filter(
            has=page.get_by_text(name.replace("_", " ").capitalize(), exact=True)
        )
        expect(metric.get_by_test_id("stMetricValue")).to_have_text(str(number), timeout=PATIENCE)


def expect_place(page: Page, number: int) -> None:
    """Wait until a label of the queue is shown."""
    expect(page.locator(".where")).to_contain_text(f"{number} of 180", timeout=PATIENCE)


def review_twenty(page: Page) -> None:
    """Decide on twenty labels, add one and take one decision back."""
    for number, key in enumerate("aaraaaraaaaaraaa", start=1):  # faster than the answers of the server
        expect_place(page, number)
        page.keyboard.press(key)
    expect_counts(page, made=180, still_open=164, accepted=13, changed=0, rejected=3)
    expect_place(page, 17)
    page.keyboard.press("e")
    for key in ("ArrowRight", "Shift+ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect_place(page, 18)
    page.keyboard.press("c")
    page.keyboard.press("2")
    expect_counts(page, still_open=162, accepted=13, changed=2, rejected=3)
    expect_place(page, 19)
    page.keyboard.press("d")
    expect_counts(page, still_open=161, accepted=14, changed=2, rejected=3)
    expect_place(page, 20)
    page.keyboard.press("b")
    expect(page.locator(".conf")).to_have_text("")  # nobody asked a model about this one
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect_counts(page, still_open=161, added=1)
    page.keyboard.press("r")
    expect_counts(page, still_open=160, rejected=4)
    page.keyboard.press("u")
    expect_counts(page, still_open=161, rejected=3)
    expect(page.locator(".said")).to_have_text("Taken back")
    expect_place(page, 20)
    page.keyboard.press("a")
    expect_counts(page, made=180, still_open=160, accepted=15, changed=2, rejected=3, added=1)


def test_twenty_labels_are_reviewed_by_keyboard_and_trained_on_and_all_are_accounted_for(
    page: Page, server: DashboardProcess
) -> None:
    start_labelling(
        page, server, 11, "200 images of “Hall” are copied without labels", "found 180 objects on 200 images"
    )
    expect_place(page, 1)

    review_twenty(page)
    page.reload()
    expect_counts(page, made=180, still_open=160, accepted=15, changed=2, rejected=3, added=1)
    settle(page)
    press(page, "Train on what is reviewed")
    page.wait_for_url(re.compile(r"/project\?"), timeout=2 * PATIENCE)
    expect_text(page, "labelled by 11 Shapes Quick, reviewed")
    expect_text(page, "20 images")

    # A real training of what was reviewed: 15 accepted, 2 changed, 1 added; 3 images whose label was rejected have none
    walk_from_project(page, epochs=2)
    next_step(page, "Which formats to export?")
    next_step(page, "Ready to start?")
    task = start_and_wait(page)
    (file,) = server.home.rglob(f"{task}_YOLO/experiment_info.json")
    record = json.loads(file.read_text(encoding="utf-8"))
    assert record["train_size"] + record["val_size"] == 20
    (truth,) = server.home.rglob(f"{task}_*/evaluation/cocoGt.json")
    validated = json.loads(truth.read_text(encoding="utf-8"))
    assert len(validated["images"]) == record["val_size"]
    with connect(server.url, server.token) as client:
        labels = {image.id: image.labels_count for image in client.images.list(project_id=record["project_id"])}
    assert len(labels) == 20
    assert sum(labels.values()) == 15 + 2 + 1
    assert len(validated["annotations"]) == sum(labels[image["sly_id"]] for image in validated["images"])


def test_an_outline_is_changed_by_keyboard_and_by_mouse(page: Page, server: DashboardProcess) -> None:
    start_labelling(page, server, 12, "3 images of “Yard” are copied without labels", "found 3 objects on 3 images")
    expect(page.locator(".where")).to_contain_text("1 of 3", timeout=PATIENCE)
    said, spots = page.locator(".said"), page.locator("circle.spot")
    page.keyboard.press("e")
    expect(said).to_have_text("Point 1 of 4")
    for key in ("n", "+", "Alt+ArrowDown", "p", "Delete", "Shift+ArrowRight"):
        page.keyboard.press(key)
    expect(said).to_have_text("Point 2 of 4")
    expect(spots).to_have_count(4)
    page.keyboard.press("Escape")
    expect(spots).to_have_count(0)
    page.keyboard.press("e")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect_counts(page, made=3, still_open=2, changed=1)

    # By mouse: into it, then a point of it is pulled, and one is made on an edge
    expect(page.locator(".where")).to_contain_text("2 of 3", timeout=PATIENCE)
    page.locator("path.box").click()
    expect(spots).to_have_count(4)
    before = page.locator("path.box").get_attribute("d")
    pull(page, spots.first, -30, -20)
    assert page.locator("path.box").get_attribute("d") != before
    edge = page.evaluate(EDGE)
    page.mouse.click(*edge)
    expect(spots).to_have_count(5)
    page.locator("circle.chosen").dblclick()
    expect(spots).to_have_count(4)
    page.locator('[data-action="save"]').click()
    expect_counts(page, made=3, still_open=1, changed=2)
    expect(said).to_have_text("Before: “patch” changed")

    # Two images are hardly a training: it is asked first
    press(page, "Train on what is reviewed")
    expect_text(page, "Only 2 of 3 images are reviewed")
    page.get_by_role("button", name="Train on them").click()
    page.wait_for_url(re.compile(r"/project\?"), timeout=2 * PATIENCE)
    expect_text(page, "2 images")


# Where the middle of the outline's first edge is on the screen
EDGE = """() => {
  const inside = (node) =>
    [...node.querySelectorAll("*")].flatMap((one) => [one, ...(one.shadowRoot ? inside(one.shadowRoot) : [])])
  const centre = (box) => [box.x + box.width / 2, box.y + box.height / 2]
  const find = (spot) => centre(inside(document).find((one) => one.dataset?.spot === spot).getBoundingClientRect())
  const [[ax, ay], [bx, by]] = [find("0,1"), find("0,2")]
  return [(ax + bx) / 2, (ay + by) / 2]
}"""


def pull(page: Page, what: Locator, x: float, y: float) -> None:
    """Drag something by so many pixels."""
    box = what.bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + x, middle[1] + y, steps=4)
    page.mouse.up()
