"""Deciding by a budget, and presenting, as a person with a keyboard does."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.widgets import PATIENCE, open_page
from tests.left_in_english import left_in_english, texts_of_html
from tests.outside import ROOT
from tests.server import DashboardProcess

pytestmark = pytest.mark.browser
WHOLE_PAGE = 4 * PATIENCE
"""The compare page draws thirty charts; what is waited for is one of its parts."""


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a dashboard with three finished experiments."""
    home = tmp_path_factory.mktemp("compare") / "home"
    script = ROOT / "tests" / "fakes" / "compare_app.py"
    with DashboardProcess(home=home, script=script) as process:
        yield process.url


def _named(page: Page, name: str) -> None:
    advice = page.locator("[class*=st-key-advice-]")
    expect(advice.get_by_role("heading")).to_contain_text(f"“{name}”", timeout=WHOLE_PAGE)


def test_the_budget_slider_changes_who_is_named(page: Page, comparison: str) -> None:
    page.goto(f"{comparison}/compare?open=all&ids=3,4,5")
    _named(page, "Good one")
    slider = page.get_by_role("slider", name="Time for one image, at most")
    slider.focus()
    slider.press("Home")
    expect(page.get_by_text("None of 3 experiments meets this need.").first).to_be_visible(timeout=PATIENCE)
    for _ in range(6):
        slider.press("ArrowRight")
    _named(page, "Quick one")
    expect(page).to_have_url(re.compile(r"[?&]latency=\d"))

    page.reload()
    _named(page, "Quick one")


def test_the_first_chart_needs_no_library_and_tells_its_values(page: Page, comparison: str) -> None:
    open_page(page, f"{comparison}/compare?ids=3,4")
    chart = page.locator(".st-key-first-chart .lines")
    expect(chart.get_by_role("img", name=re.compile("Quick one: .*Good one: "))).to_be_visible(timeout=WHOLE_PAGE)
    expect(chart.locator("text.mark")).to_have_text([re.compile("Quick one"), re.compile("Good one")])
    expect(page.locator("canvas")).to_have_count(0)
    mark = chart.locator("text.mark", has_text="Good one").bounding_box()
    assert mark is not None
    page.mouse.move(mark["x"] + mark["width"] / 2, mark["y"] + 20)
    expect(chart.locator(".told")).to_contain_text(re.compile(r"Good one\s*0\.\d{3}"))


CUT = """() => [...document.querySelectorAll('.sh-slide')].flatMap((slide) => {
  slide.classList.add('sh-measured')
  const parts = [slide, ...slide.querySelectorAll('.sh-body, .sh-words, .sh-show')]
  const over = (part) => part.scrollHeight > part.clientHeight + 1 || part.scrollWidth > part.clientWidth + 1
  const cut = parts.filter(over)
  slide.classList.remove('sh-measured')
  return cut.map((part) => slide.id + part.className)
})"""


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1280, 720)])
def test_no_sentence_of_a_step_is_cut(page: Page, comparison: str, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    open_page(page, f"{comparison}/show?ids=3,4,5")
    expect(page.locator(".sh-slide.sh-now")).to_be_visible(timeout=PATIENCE)
    page.wait_for_function("[...document.querySelectorAll('.sh-slide')].every((one) => one.style.cssText)")
    assert page.evaluate(CUT) == []
    expect(page.locator(".sh-winner .cx-sure")).to_have_count(1)
    page.set_viewport_size({"width": width // 2, "height": height})  # another shape than that of the paper
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(CUT) == []


def test_presenting_by_keyboard(page: Page, comparison: str) -> None:
    open_page(page, f"{comparison}/show?ids=3,4")
    now = page.locator(".sh-slide.sh-now")
    expect(now).to_contain_text("Which of 2 models to use?", timeout=PATIENCE)
    page.keyboard.press("ArrowRight")
    expect(now).to_contain_text("All were measured on the same 40 images")
    page.keyboard.press("End")
    expect(now).to_contain_text("Take “Good one”")
    address = re.compile(r"/compare\?ids=3,4$")
    expect(now.get_by_role("link")).to_have_attribute("href", address)
    expect(now).to_contain_text("on the computer this was made on")
    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    page.keyboard.press("ArrowLeft")
    expect(now).to_contain_text("Speed")
    page.keyboard.press("Home")
    expect(now).to_contain_text("The question")
    expect(page.get_by_role("button", name="Step 1: The question")).to_have_attribute("aria-current", "step")
    assert page.evaluate("document.elementFromPoint(10, 300).closest('.sh-deck') !== null"), "the sidebar shows"
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Compare", exact=True)).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".sh-deck")).to_have_count(0)


TEXTS = """() => {
  const texts = [...document.querySelectorAll('.stApp [title], .stApp img[alt]')].map((one) => one.title || one.alt)
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.closest('script, style, noscript')) texts.push(walker.currentNode.data)
  }
  return texts
}"""


def test_page_report_and_show_speak_the_language_that_was_chosen(page: Page, comparison: str) -> None:
    page.goto(f"{comparison}/compare?open=all&ids=3,4,5")
    _named(page, "Good one")
    page.get_by_label("Language", exact=True).select_option("Deutsch")
    last = page.get_by_role("button", name="Bericht auf dem Server erstellen")
    expect(last).to_be_visible(timeout=WHOLE_PAGE)
    expect(page.locator("[class*=st-key-advice-]").get_by_role("heading")).to_contain_text(
        "„Good one“", timeout=WHOLE_PAGE
    )
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.wait_for_selector('[data-test-script-state="notRunning"]', timeout=WHOLE_PAGE)
    assert left_in_english(page.evaluate(TEXTS)) == []

    with page.expect_download(timeout=WHOLE_PAGE) as report:
        page.get_by_role("button", name="Bericht", exact=True).click()
    html = report.value.path().read_text(encoding="utf-8")
    assert '<html lang="de">' in html
    assert left_in_english(texts_of_html(html)) == []

    page.goto(f"{comparison}/show?ids=3,4,5")
    expect(page.locator(".sh-slide.sh-now h2")).to_have_text("Welches von 3 Modellen einsetzen?", timeout=WHOLE_PAGE)
    assert left_in_english(page.evaluate(TEXTS)) == []

    page.goto(f"{comparison}/show?ids=3,4,5&audience=en")  # whoever presents reads German, the audience English
    expect(page.locator(".sh-slide.sh-now h2")).to_have_text("Which of 3 models to use?", timeout=WHOLE_PAGE)
    expect(page.locator(".sh-stage")).to_have_attribute("lang", "en")
    expect(page.get_by_role("button", name="Weiter", exact=True)).to_be_visible()
