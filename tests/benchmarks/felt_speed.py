"""Speed as it is felt: from a click, or from a cold address, until nothing on the page moves any more.

``python -m tests.benchmarks.felt_speed [ROUNDS] [--only WORDS]`` serves the dashboard with the sample project and two
finished trainings (the trainer computes nothing) and a bare Streamlit app of two pages, measures both in turn in each
round, in Chromium, and prints medians in seconds and their ratio to the bare app: cold opens to its cold page, pages
of a click to its switch of pages. Layout shift is the sum of Chromium's layout-shift scores of a cold open.

A page is still when its script is done, nothing is stale or a skeleton, and its DOM has not changed for half a second.
Seconds and the first ratio are without that half second, the second ratio with it: a person too has to see that nothing
comes any more. What others compute on the machine makes the seconds longer and leaves the ratios nearly alone.
"""

import argparse
import json
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import FLAGS
from tests.fakes.small_platform import wait_for
from tests.outside import ROOT, chromium_path
from tests.server import DashboardProcess
from traindash.domain.ids import TaskId
from traindash.domain.plan import PretrainedModel, TrainingPlan
from traindash.supervisely.client import connect
from traindash.tasks.launcher import launch

_PATIENCE_MS = 120_000
_QUIET_MS = 500
# Runs in every page before anything else: when the DOM changed last, and how far things jumped.
_WATCH = """
window.felt = { began: 0, changed: 0, shift: 0, mark: '', marked: 0 }
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) felt.shift += entry.value
}).observe({ type: 'layout-shift', buffered: true })
addEventListener('pointerdown', () => { felt.began = felt.changed = performance.now() }, true)
// A table keeps what screen readers read inside of its canvas, where nobody sees it.
const isSeen = ({ target }) => !(target.closest ? target : target.parentElement)?.closest('canvas')
const look = new MutationObserver((records) => {
  if (records.some(isSeen)) felt.changed = performance.now()
  if (felt.mark && !felt.marked && document.querySelector(felt.mark)) felt.marked = performance.now()
})
document.addEventListener('readystatechange', () => {
  const attributeFilter = ['class', 'style', 'src', 'hidden', 'data-stale', 'disabled']
  const all = { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter }
  if (document.body) look.observe(document.body, all)
})
"""
_STILL = f"""(mark) => {{
  const app = document.querySelector('[data-testid="stApp"]')
  if (!app || app.dataset.testScriptState !== 'notRunning') return false
  if (document.querySelector('[data-stale="true"], [data-testid="stSkeleton"]')) return false
  if (mark && !document.querySelector(mark)) return false
  const {{ began, changed }} = felt
  return changed > began && performance.now() - changed > {_QUIET_MS} && (changed - began) / 1000
}}"""
_BARE_COLD, _BARE_SWITCH = "bare: cold page", "bare: switch of pages"


@dataclass(slots=True)
class Times:
    """What was measured: seconds and layout shift by name."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    shift: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    only: str = ""

    def cold(self, browser: Browser, name: str, url: str, mark: str = "", seen: str = "") -> None:
        """Open an address in a new profile; ``mark`` is a selector of what has to be there.

        Where it has a name, ``seen``, the time until it is there is told, too.
        """
        if self._is_left_out(name):
            return
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_init_script(f"{_WATCH}; felt.mark = {json.dumps(mark)}")
        page = context.new_page()
        page.goto(url)
        self.seconds[name].append(_still(page, mark))
        if seen:
            self.seconds[seen].append(page.evaluate("felt.marked / 1000"))
        self.shift[name].append(page.evaluate("felt.shift"))
        context.close()

    def click(self, page: Page, name: str, act: Callable[[], object], mark: str = "") -> None:
        """Do something that begins with a click."""
        act()
        took = _still(page, mark)
        self.seconds[name].append(took)

    def _is_left_out(self, name: str) -> bool:
        return bool(self.only) and self.only not in name and not name.startswith("bare")


def _still(page: Page, mark: str = "") -> float:
    return float(page.wait_for_function(_STILL, arg=mark, timeout=_PATIENCE_MS, polling=50).json_value())


@contextmanager
def dashboard(home: Path) -> Iterator[tuple[str, tuple[TaskId, ...]]]:
    """Serve the dashboard with two finished trainings on the sample project; give its address and the tasks."""
    with (
        DashboardProcess(home=home, script=ROOT / "tests" / "fakes" / "quick_app.py") as process,
        connect(process.url, process.token) as client,
    ):
        workspace = client.workspaces.list(client.teams.list()[0].id)[0].id
        wait_for(lambda: bool(client.projects.list(workspace)), "the sample project", seconds=_PATIENCE_MS / 1000)
        plan = TrainingPlan(
            project_id=client.projects.list(workspace)[0].id,
            model=PretrainedModel(framework="YOLO", name="Pico-det (CPU demo)"),
            hyperparameters="epochs: 25\nbenchmark: true\n",
            enable_benchmark=True,
        )
        tasks = tuple(launch(client, plan) for _ in range(2))
        wait_for(
            lambda: all(client.tasks.get(task).status.is_terminal for task in tasks),
            "the trainings",
            seconds=_PATIENCE_MS / 1000,
        )
        yield process.url, tasks


def _measure_round(browser: Browser, times: Times, bare: str, url: str, tasks: tuple[TaskId, ...]) -> None:
    ids = ",".join(map(str, tasks))
    times.cold(browser, _BARE_COLD, bare)
    times.cold(browser, "cold: overview", f"{url}/")
    times.cold(browser, "cold: wizard", f"{url}/project")
    times.cold(browser, "cold: tasks", f"{url}/tasks")
    times.cold(browser, "cold: finished task", f"{url}/task?task={tasks[0]}", ".st-key-task-result")
    verdict = "[class*=st-key-verdict-] :is(h2, h3)"
    times.cold(browser, "cold: comparison", f"{url}/compare?ids={ids}", verdict, "cold: verdict of the comparison")
    with _tab(browser, bare) as page:
        for name in ("Second", "First"):
            times.click(page, _BARE_SWITCH, page.get_by_role("link", name=name).first.click)
    if not times.only or times.only in "click":
        with _tab(browser, f"{url}/") as page:
            _clicks(page, times)


@contextmanager
def _tab(browser: Browser, url: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(_WATCH)
    page = context.new_page()
    page.goto(url)
    _still(page)
    yield page
    context.close()


def _clicks(page: Page, times: Times) -> None:
    for name in ("Tasks", "Experiments", "Agents", "Overview"):
        times.click(page, f"click: {name}", page.get_by_role("link", name=name, exact=True).first.click)
    times.click(page, "click: New training", page.get_by_role("link", name="New training", exact=True).first.click)
    button = partial(page.get_by_role, "button", exact=True)
    if button(name="Choose").count():
        times.click(page, "click: Choose a project", button(name="Choose").first.click)
    following = button(name="Next").click
    times.click(page, "click: Next, Model", following)
    if button(name="Use it").count():  # a later round goes on with the draft
        times.click(page, "stays: Use it", button(name="Use it").click)
    times.click(page, "click: Next, Classes", following)
    times.click(page, "stays: All classes", button(name="All").click)
    times.click(page, "click: Next, Split", following)
    times.click(page, "click: Next, Hyperparameters", following)
    times.click(page, "click: Next, Benchmark", following)
    times.click(page, "stays: a switch", page.get_by_text("Measure inference speed").click)
    times.click(page, "click: Next, Export", following)
    times.click(page, "click: Next, Launch", following)
    times.click(page, "click: back to Split", page.get_by_role("link", name="Split", exact=True).first.click)


def _table(times: Times) -> Iterator[str]:
    medians = {name: statistics.median(found) for name, found in times.seconds.items()}
    for name, median in medians.items():
        base = medians[_BARE_COLD if name.startswith(("bare: cold", "cold")) else _BARE_SWITCH]
        spread = f"{min(times.seconds[name]):.2f} to {max(times.seconds[name]):.2f}"
        shift = f"  shift {statistics.median(times.shift[name]):.2f}" if name in times.shift else ""
        felt = (median + _QUIET_MS / 1000) / (base + _QUIET_MS / 1000)
        yield f"{name:32} {median:6.2f} s  {median / base:5.2f} × bare, {felt:5.2f} × seen  ({spread}){shift}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", type=int, nargs="?", default=5)
    parser.add_argument("--only", default="", help="Measure only what has these words in its name, and the bare app.")
    asked = parser.parse_args()
    times = Times(only=asked.only)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        bare = DashboardProcess(
            home=Path(folder) / "bare" / "home", script=ROOT / "tests" / "benchmarks" / "bare_app.py"
        )
        with bare as other, dashboard(Path(folder) / "home") as (url, tasks):
            chromium = playwright.chromium.launch(executable_path=chromium_path(), headless=True, args=FLAGS)
            for _ in range(asked.rounds):
                _measure_round(chromium, times, other.url, url, tasks)
            chromium.close()
    for line in _table(times):
        print(line)  # noqa: T201 - a program for the terminal


if __name__ == "__main__":
    main()
