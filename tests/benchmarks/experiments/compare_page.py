"""How long the comparison of many experiments on a COCO-size validation set takes, in Chromium.

``python -m tests.benchmarks.experiments.compare_page [EXPERIMENTS] [--home FOLDER]`` makes the predictions (seeded),
starts the dashboard, and prints seconds and memory: the first visit ever, until the resamples are there too, a new tab
when the data are cached, the return from another page, and each section when somebody scrolls to it. The page counts as
drawn when its script is done and every chart in sight has its canvas.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
from playwright.sync_api import Page, sync_playwright

from tests.benchmarks.experiments.filled_home import coco_sizes, fill
from tests.browser.conftest import FLAGS
from tests.outside import chromium_path
from tests.server import DashboardProcess

_WAIT_MS = 600_000
_DRAWN = """() => {
  const app = document.querySelector('[data-testid="stApp"]')
  if (!app || app.dataset.testScriptState !== 'notRunning') return false
  if (!document.getElementById('setup')) return false
  if (document.querySelector('[data-stale="true"]')) return false
  const charts = [...document.querySelectorAll('[data-testid="stEChartsChart"]')]
  const seen = charts.filter(c => { const r = c.getBoundingClientRect(); return r.bottom > 0 && r.top < innerHeight })
  return seen.every(c => c.querySelector('canvas'))
}"""
_STILL_OPEN = "Drawing the images again and again"
_PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiments", type=int, nargs="?", default=10)
    parser.add_argument("--home", type=Path, help="Keep the data directory here and use it again.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = asked.home or Path(scratch) / "home"
        if not home.exists():
            fill(home, asked.experiments, dict(coco_sizes(asked.experiments)))
        with DashboardProcess(home=home) as dashboard, sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=chromium_path(), headless=True, args=FLAGS)
            ids = ",".join(str(100_000 + number) for number in range(asked.experiments))
            _measure(chromium.new_page(viewport={"width": 1280, "height": 900}), f"{dashboard.url}/compare?ids={ids}")
            page = chromium.new_page(viewport={"width": 1280, "height": 900})
            _measure_again(page, f"{dashboard.url}/compare?ids={ids}")
            _say(f"memory of the server: {psutil.Process(dashboard.pid).memory_info().rss / 2**20:.0f} MiB")
            chromium.close()


def _measure(page: Page, url: str) -> None:
    page.goto(url.split("/compare", maxsplit=1)[0] + "/tasks")
    page.get_by_role("heading", name="Tasks").wait_for(timeout=_WAIT_MS)
    seen = _seconds(page, lambda: page.goto(url))
    began = time.perf_counter()
    _say(f"first visit, nothing cached: {seen:.2f} s")
    page.get_by_text(_STILL_OPEN).wait_for(state="detached", timeout=_WAIT_MS)
    _say(f"first visit, how sure the differences are: {seen + time.perf_counter() - began:.2f} s")


def _measure_again(page: Page, url: str) -> None:
    page.goto(url.split("/compare", maxsplit=1)[0] + "/tasks")
    page.get_by_role("heading", name="Tasks").wait_for(timeout=_WAIT_MS)
    for _ in range(3):
        _say(f"new page load, data cached: {_seconds(page, lambda: page.goto(url)):.2f} s")
    for _ in range(5):
        page.get_by_role("link", name="Tasks").first.click()
        page.get_by_role("heading", name="Tasks").wait_for(timeout=_WAIT_MS)
        page.wait_for_timeout(1500)
        _say(f"return to the page: {_seconds(page, page.go_back):.2f} s")
    for name in ("quality", "by-class", "mistakes", "confidence", "training", "hyperparameters", "setup"):
        jump = partial(page.evaluate, f"document.getElementById('{name}').scrollIntoView()")
        _say(f"section {name}: {_seconds(page, jump, settle=400):.2f} s")
    canvases = page.evaluate("document.querySelectorAll('canvas').length")
    _say(f"canvases: {canvases}")


def _seconds(page: Page, act: Callable[[], object], settle: int = 0) -> float:
    began = time.perf_counter()
    act()
    page.wait_for_timeout(settle)
    page.wait_for_function(_DRAWN, timeout=_WAIT_MS)
    page.evaluate(_PAINTED)
    return time.perf_counter() - began - settle / 1000


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a program for the terminal


if __name__ == "__main__":
    main()
