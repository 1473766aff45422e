"""The one-file report, opened from disk without a network."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.unit.comparison.builders import HOSTILE, comparison, experiment, photograph, together
from traindash.comparison.advice import advise
from traindash.comparison.decision import Requirements, contenders_of, decide, limits
from traindash.comparison.palette import SERIES
from traindash.comparison.report.page import render_report
from traindash.comparison.significance import significance_of
from traindash.evaluation.operating_points import RecallAtLeast
from traindash.formatting import quantity

pytestmark = pytest.mark.browser

THREE = comparison(3)


@pytest.fixture
def opened(browser: Browser) -> Iterator[Page]:
    """A tab without a network. The test fails if it asks for anything but the file, or if a script fails."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True, accept_downloads=True)
    tab = context.new_page()
    wrong: list[str] = []
    tab.on(
        "request",
        lambda request: None if request.url.startswith(("file:", "data:", "blob:")) else wrong.append(request.url),
    )
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    yield tab
    context.close()
    assert not wrong


def _open(tab: Page, folder: Path, html: str) -> None:
    file = folder / "report.html"
    file.write_text(html, encoding="utf-8")
    tab.goto(file.as_uri())


def _texts(svg: bytes) -> set[str]:
    """Return the texts of a picture, which has to be well-formed."""
    return {text.strip() for text in ElementTree.fromstring(svg).itertext()}  # noqa: S314 - made by this test


def test_charts_tables_and_pictures_work(opened: Page, tmp_path: Path) -> None:
    _open(opened, tmp_path, render_report(THREE, load=photograph))
    chart = opened.locator("#outcome_counts")
    chart.scroll_into_view_if_needed()
    drawing = chart.locator("[role=img] svg").first
    expect(drawing).to_be_visible()
    expect(chart.locator("[role=img]").first).to_have_attribute("aria-label", re.compile("Experiment 1: Found"))
    bars = drawing.locator(f"path[fill='{SERIES['light'][0]}']")
    expect(bars).to_have_count(4)  # found, missed, false alarms, and the sign in the legend
    drawing.get_by_text("Experiment 1").click()
    expect(bars).to_have_count(0)
    drawing.hover()
    expect(chart.get_by_text("Found (TP)").last).to_be_visible()

    table = opened.locator("#gained-and-lost table").first
    table.get_by_role("columnheader", name="Gained").click()
    gained = [int(text) for text in table.locator("tbody td:nth-child(2)").all_inner_texts()]
    assert gained == sorted(gained, reverse=True)

    pictures = opened.locator(".rp-crops img, .rp-cells image")
    assert pictures.count() > 20
    assert (
        opened.locator(".rp-crops img").first.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320
    )


def test_charts_follow_light_and_dark_and_print_on_white(opened: Page, tmp_path: Path) -> None:
    _open(opened, tmp_path, render_report(THREE))
    chart = opened.locator("#outcome_counts")
    chart.scroll_into_view_if_needed()
    light, dark = (chart.locator(f"[role=img] path[fill='{SERIES[theme][0]}']") for theme in ("light", "dark"))
    expect(light).to_have_count(4)
    opened.emulate_media(color_scheme="dark")
    expect(dark).to_have_count(4)
    expect(light).to_have_count(0)
    opened.evaluate("dispatchEvent(new Event('beforeprint'))")  # charts that nobody has seen yet are printed too
    expect(light).to_have_count(4)
    assert opened.locator("figure.rp-panel [role=img] svg").count() == opened.locator("figure.rp-panel").count()
    folded = opened.locator("details:not(.rp-save)")  # what is folded on a screen cannot be opened on paper
    assert folded.count() > 1
    assert opened.locator("details:not(.rp-save)[open]").count() == folded.count()
    opened.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(opened.locator("details:not(.rp-save)[open]")).to_have_count(0)
    expect(dark).to_have_count(4)


def test_the_slider_names_another_one_as_the_page_would(opened: Page, tmp_path: Path) -> None:
    _open(opened, tmp_path, render_report(THREE))
    contenders = contenders_of(THREE, significance_of(THREE))
    advice = opened.locator("#advice")
    slider = opened.get_by_role("slider", name="Time for one image, at most")
    steps = limits([contender.speed.total for contender in contenders if contender.speed])
    slider.focus()
    slider.press("Home")
    for limit in steps:
        decision = decide(Requirements(latency=limit), contenders, comparable=True)
        expect(advice.locator("h3")).to_have_text(advise(decision).headline)
        slider.press("ArrowRight")
    opened.get_by_label("Recall at least").check()
    expect(opened.locator("#front [role=img] svg")).to_contain_text("Precision at recall")


def test_the_file_begins_with_the_need_of_the_page(opened: Page, tmp_path: Path) -> None:
    contenders = contenders_of(THREE, significance_of(THREE))
    times = sorted(contender.speed.total for contender in contenders if contender.speed)
    limit = next(step for step in limits(times) if step >= times[0])
    requirements = Requirements(goal=RecallAtLeast(recall=0.63), latency=limit)
    _open(opened, tmp_path, render_report(THREE, requirements=requirements))
    decision = decide(requirements, contenders, comparable=True)
    expect(opened.locator("#advice h3")).to_have_text(advise(decision).headline)
    expect(opened.get_by_label("Recall at least")).to_be_checked()
    expect(opened.get_by_role("slider", name="Recall, at least")).to_have_attribute("aria-valuetext", "0.63")
    expect(opened.get_by_text(f"{quantity(limit)} ms", exact=True).first).to_be_visible()
    expect(opened.locator("#front [role=img] svg")).to_contain_text("Precision at recall")


def test_charts_and_tables_can_be_saved(opened: Page, tmp_path: Path) -> None:
    _open(opened, tmp_path, render_report(THREE))
    chart = opened.locator("#pr_curves")
    checks: dict[str, Callable[[bytes], bool]] = {
        "PNG": lambda content: content.startswith(b"\x89PNG"),
        "SVG": lambda content: {"Precision over recall", "Recall", "Experiment 2"} <= _texts(content),
        "CSV": lambda content: b"Experiment 2" in content,
        "JSON": lambda content: len(json.loads(content)) > 100,
    }
    for ending, check in checks.items():
        chart.get_by_text("Save as").click()
        with opened.expect_download() as download:
            chart.get_by_role("button", name=ending).click()
        assert re.fullmatch(rf"pr_curves\.{ending.lower()}", download.value.suggested_filename)
        assert check(download.value.path().read_bytes())


def test_hostile_names_do_nothing(opened: Page, tmp_path: Path) -> None:
    hostile = [experiment(i + 1, name or None) for i, name in enumerate(HOSTILE)]
    _open(opened, tmp_path, render_report(together(hostile), title=HOSTILE[0]))
    opened.get_by_label("A miss costs").check()
    expect(opened.locator("#advice")).to_contain_text("ake")
    assert opened.locator("img, script[src]").count() == 0
    expect(opened.locator("h1")).to_have_text(HOSTILE[0])
