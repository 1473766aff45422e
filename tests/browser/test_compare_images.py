"""From a bar of a chart to the images behind it, in Chromium, with a server that has evaluations and their images."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from playwright.sync_api import Locator, Page, expect

from tests.app.results.conftest import add_evaluated
from tests.browser.widgets import PATIENCE, settle
from tests.fakes.evaluations import Made, evaluation
from tests.fakes.live_platform import serve
from tests.fakes.server import FakeServer
from tests.server import DashboardProcess
from traindash.ui.servers import KeptServers

pytestmark = pytest.mark.browser

BAD, GOOD = Made(seed=2, quality=0.5), Made(seed=1, quality=0.9)
BAD_MASKS, GOOD_MASKS = Made(seed=2, quality=0.5, masks=True), Made(seed=1, quality=0.9, masks=True)

FIND_COLOR = """(canvas, color) => {
  const [red, green, blue] = color.match(/\\d+/g).map(Number)
  const { width, height } = canvas
  const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data
  const same = (x, y) => [red, green, blue].every((part, i) => pixels[(y * width + x) * 4 + i] === part)
  for (let x = 0; x < width - 6; x++)
    for (let y = height - 1; y > height / 2; y--) if (same(x, y) && same(x + 6, y)) return [(x + 3) / width, y / height]
  return null
}"""
"""Gives where the leftmost bar of a colour stands, in parts of the canvas; the legend is in its upper half."""


def _photo(seed: int) -> bytes:
    small = np.random.default_rng(seed).integers(60, 200, (6, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Picture.fromarray(small).resize((320, 240), Picture.Resampling.BICUBIC).save(buffer, format="JPEG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardProcess]:
    """A dashboard connected to a server with two evaluated experiments."""
    server = FakeServer()
    add_evaluated(server, 3, "Bad one", BAD)
    add_evaluated(server, 4, "Good one", GOOD)
    add_evaluated(server, 5, "Bad masks", BAD_MASKS)
    add_evaluated(server, 6, "Good masks", GOOD_MASKS)
    server.images = {number: _photo(number) for number in range(901, 941)}
    home: Path = tmp_path_factory.mktemp("images") / "home"
    with serve(server.app()) as url:
        kept = KeptServers(home / "servers.json")
        kept.keep(url, "token")
        kept.choose(url)
        with DashboardProcess(home=home) as process:
            yield process


def _open(page: Page, url: str) -> None:
    """Open the comparison; the first visit evaluates both experiments."""
    page.goto(url)
    expect(page.locator(".st-key-chart-outcome_counts-0 canvas").first).to_be_attached(timeout=8 * PATIENCE)
    settle(page)


def _follow_missed_bar(page: Page, dialog: Locator) -> None:
    """Click along the feet of the bars until the one of the missed objects of the first experiment is hit."""
    canvas = page.locator(".st-key-chart-outcome_counts-0 canvas").first
    canvas.scroll_into_view_if_needed()
    frame = canvas.bounding_box()
    assert frame is not None
    for share in (0.49, 0.51, 0.47, 0.53, 0.45, 0.55, 0.43):
        place = (frame["x"] + frame["width"] * share, frame["y"] + frame["height"] * 0.84)
        page.mouse.move(place[0] - 2, place[1])
        page.mouse.click(*place)
        try:
            expect(dialog).to_be_visible(timeout=10_000)
        except AssertionError:
            continue  # between two bars
        if dialog.get_by_text("Missed (FN), “Bad one”").count():
            return
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
    pytest.fail("No click on the chart opened the missed objects.")


def _views(dialog: Locator) -> list[str]:
    pictures = dialog.locator("svg[role=img]").all()
    return [picture.get_attribute("viewBox") or "" for picture in pictures]


def test_a_bar_leads_to_its_images_and_columns_zoom_together(page: Page, dashboard: DashboardProcess) -> None:
    _open(page, f"{dashboard.url}/compare?open=all&ids=3,4")
    dialog = page.get_by_role("dialog")
    _follow_missed_bar(page, dialog)
    missed = evaluation(BAD).counts.total.fn
    expect(dialog.get_by_text(f"{missed} missed objects in ")).to_be_visible(timeout=2 * PATIENCE)
    pictures = dialog.locator("svg[role=img]")
    expect(pictures).to_have_count(8)  # four images, ground truth and one experiment
    expect(pictures.first.locator("image")).to_have_attribute("href", re.compile("^data:image/jpeg;base64,"))
    before = _views(dialog)
    dialog.get_by_role("button", name="Larger").first.click()
    after = _views(dialog)
    assert after[0] == after[1] != before[0], "both columns of the image are enlarged"
    assert after[2:] == before[2:], "other images stay as they are"
    first = dialog.locator(".head strong").first.inner_text()
    dialog.get_by_role("button", name="Next page").click()
    settle(page)
    expect(dialog.locator(".head strong").first).not_to_have_text(first, timeout=PATIENCE)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    _follow_missed_bar(page, dialog)


def test_a_crop_leads_to_its_image(page: Page, dashboard: DashboardProcess) -> None:
    _open(page, f"{dashboard.url}/compare?open=all&ids=3,4")
    page.locator("#gained-lost").scroll_into_view_if_needed()
    crop = page.locator("button.crop").first
    crop.click(timeout=2 * PATIENCE)
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("svg[role=img]")).to_have_count(3, timeout=PATIENCE)
    expect(dialog.locator(".mark:not(.weak)").first).to_be_attached()


def _click_leftmost_bar(page: Page, chart: str, experiment: str) -> None:
    """Click the first bar that has the colour of an experiment."""
    sign = page.locator("ul.cx-legend li", has_text=experiment).first.locator(".cx-swatch")
    color = sign.evaluate("item => getComputedStyle(item).color")
    canvas = page.locator(f".st-key-chart-{chart}-0 canvas").first
    canvas.scroll_into_view_if_needed()
    settle(page)
    found = canvas.evaluate(FIND_COLOR, color)
    assert found is not None, f"no bar of {experiment} on the chart"
    frame = canvas.bounding_box()
    assert frame is not None
    page.mouse.move(frame["x"] + frame["width"] * found[0] - 1, frame["y"] + frame["height"] * found[1])
    page.mouse.click(frame["x"] + frame["width"] * found[0], frame["y"] + frame["height"] * found[1])


def test_what_only_one_segmenter_finds_is_shown_with_its_masks(page: Page, dashboard: DashboardProcess) -> None:
    _open(page, f"{dashboard.url}/compare?open=all&ids=5,6")
    _click_leftmost_bar(page, "outcome_differences", "Good masks")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Found (TP), only “Good masks”")).to_be_visible(timeout=2 * PATIENCE)
    masks = dialog.locator(".found .line.mask")
    expect(masks.first).to_be_attached(timeout=PATIENCE)
    expect(dialog.locator(".gallery rect.line")).to_have_count(0)
    assert masks.first.evaluate(INSIDE) == [True, False], "the mask is an ellipse in its box"
    alpha = masks.first.evaluate("mask => getComputedStyle(mask).fill.match(/[\\d.]+(?=\\))/)[0]")
    assert 0.1 < float(alpha) < 0.9, "what is under the mask is still seen"
    _look_closer(page, dialog)
    dialog.get_by_text("Boxes", exact=True).click()
    expect(dialog.locator(".found rect.line").first).to_be_attached(timeout=PATIENCE)
    expect(dialog.locator(".line.mask")).to_have_count(0)


def _look_closer(page: Page, dialog: Locator) -> None:
    """Open the large view by a click on a picture, go through the columns by keyboard, and close it again."""
    dialog.locator("svg[role=img]").nth(1).click()
    large = page.locator("dialog.large[open]")
    chosen = large.locator("[aria-pressed=true]")
    expect(chosen).to_contain_text("Bad masks")
    page.keyboard.press("ArrowRight")
    expect(chosen).to_contain_text("Good masks")
    expect(large.locator(".found .line.mask").first).to_be_attached()
    page.keyboard.press("+")
    enlarged = large.locator("svg").get_attribute("viewBox")
    page.keyboard.press("Escape")
    expect(large).to_have_count(0)
    assert enlarged in _views(dialog), "the gallery has followed"


INSIDE = """mask => {
  const box = mask.getBBox()
  const at = (across, down) => mask.isPointInFill(new DOMPoint(box.x + box.width * across, box.y + box.height * down))
  return [at(0.5, 0.5), at(0.03, 0.03)]
}"""
"""Gives whether the middle of a mask and a corner of its box belong to it."""
