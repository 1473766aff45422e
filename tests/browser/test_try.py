"""Models look at a picture that a person drops, pastes or takes from a video, in Chromium and by keyboard."""

import base64
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.widgets import PATIENCE, expect_text, open_page, settle
from tests.fakes.quick_models import patch_png
from tests.outside import ROOT
from tests.server import DashboardProcess

pytestmark = pytest.mark.browser

PASTE = """(data) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))
  const given = new DataTransfer()
  given.items.add(new File([bytes], "pasted.png", { type: "image/png" }))
  document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: given, bubbles: true }))
}"""
# Seven seconds, two frames in each: a bright square moves to the right. Written by OpenCV as VP8.
FILM = ROOT / "tests" / "data" / "moving-square.webm"
SHOWS_CAMERA = "() => { const film = document.querySelector('video'); return film?.currentTime > 0 }"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a dashboard with three models."""
    home = tmp_path_factory.mktemp("try") / "home"
    with DashboardProcess(home=home, script=ROOT / "tests" / "fakes" / "try_app.py") as process:
        yield process.url


def test_a_dropped_picture_is_looked_at_by_two_models_and_one_that_cannot(page: Page, address: str) -> None:
    open_page(page, f"{address}/try_model?models=11,12@0.3,13")
    expect_text(page, "cannot look at pictures")
    page.locator("input[type=file]").first.set_input_files(
        FilePayload(name="patch.png", mimeType="image/png", buffer=patch_png((320, 240), (40, 30, 200, 160)))
    )
    first = page.get_by_role("img", name=re.compile(r"^patch\.png, .*: 1 object$"))
    expect(first).to_have_count(2, timeout=PATIENCE)
    expect_text(page, "best.pt is no model.")

    # Both zoom together, by keyboard
    first.first.focus()
    page.keyboard.press("+")
    boxes = [first.nth(place).get_attribute("viewBox") for place in range(2)]
    assert boxes[0] == boxes[1] != "0 0 320 240"
    page.keyboard.press("0")
    assert first.first.get_attribute("viewBox") == "0 0 320 240"

    # A threshold above its confidence takes the second model's object away, and nothing of the first
    slider = page.get_by_role("slider").nth(1)
    slider.focus()
    slider.press("End")
    expect(page.get_by_role("img", name=re.compile(r"^patch\.png, .*: 0 objects$"))).to_have_count(1, timeout=PATIENCE)
    expect(first).to_have_count(1)
    expect(page).to_have_url(re.compile(r"12(@|%40)1"))

    # The address alone brings models and thresholds back
    page.reload()
    settle(page)
    expect(page.get_by_role("slider").nth(1)).to_have_value("1", timeout=PATIENCE)


def test_a_pasted_picture_and_a_class_that_is_switched_off(page: Page, address: str) -> None:
    open_page(page, f"{address}/try_model?models=11,12@0.3")
    # the part that listens is loaded after the page's script has run
    page.locator("[data-listens-to-paste]").wait_for(state="attached", timeout=PATIENCE)
    page.evaluate(PASTE, base64.b64encode(patch_png()).decode())
    found = page.get_by_role("img", name=re.compile(r"^pasted\.png, .*: 1 object$"))
    expect(found).to_have_count(2, timeout=PATIENCE)
    page.get_by_role("button", name="lid", exact=True).press("Enter")
    expect(found).to_have_count(1, timeout=PATIENCE)


def test_a_picture_by_camera(page: Page, address: str) -> None:
    page.context.grant_permissions(["camera"], origin=address)
    open_page(page, f"{address}/try_model?models=11")
    page.get_by_text("Camera", exact=True).click()
    settle(page)
    take = page.get_by_role("button", name="Take Photo")
    expect(take).to_be_enabled(timeout=PATIENCE)
    # the button is enabled as soon as there is a stream, and a stream without a frame is photographed black
    page.wait_for_function(SHOWS_CAMERA, timeout=PATIENCE)
    take.press("Enter")
    # what Chromium's camera shows moves, so how much of it is bright depends on the moment
    seen = page.get_by_role("img", name=re.compile(r"^Camera, .*: [01] objects?$"))
    expect(seen).to_have_count(1, timeout=PATIENCE)
    page.get_by_role("button", name="Clear photo").press("Enter")
    expect_text(page, "ready for your pictures")


def test_a_short_video_frame_by_frame(page: Page, address: str) -> None:
    open_page(page, f"{address}/try_model?models=11")
    page.get_by_text("Video", exact=True).click()
    settle(page)
    page.get_by_label("Choose a video").set_input_files(FILM)
    first = page.get_by_role("img", name=re.compile(r"^moving-square\.webm, 0:00\.0, .*: 1 object$"))
    expect(first).to_have_count(1, timeout=3 * PATIENCE)  # every frame is decoded, sent and looked at
    slider = page.get_by_role("slider", name="Frame")
    expect(slider).to_have_attribute("aria-valuetext", "1 of 15", timeout=PATIENCE)
    slider.focus()
    slider.press("End")
    last = page.get_by_role("img", name=re.compile(r"^moving-square\.webm, 0:0[67]\.\d, .*: 1 object$"))
    expect(last).to_have_count(1, timeout=PATIENCE)
    expect(first).to_have_count(0)
