"""Every page for those without a mouse or good eyes: axe-core in both themes, focus, keys, the whole journey."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests.browser.accessibility import Finding, find, unseen_focus
from tests.browser.widgets import (
    PATIENCE,
    WIDE,
    expect_heading,
    expect_text,
    new_profile,
    next_step,
    open_page,
    press,
    settle,
)
from tests.fakes.small_platform import wait_for
from tests.outside import ROOT
from tests.server import DashboardProcess
from traindash.domain.ids import ProjectId, TaskId
from traindash.domain.plan import PretrainedModel, TrainingPlan
from traindash.supervisely.client import connect
from traindash.tasks.launcher import launch
from traindash.ui.projects.work import PROJECT_PARAM
from traindash.ui.screens import DEFAULT, PLACES, SCREENS, Place

pytestmark = pytest.mark.browser
MODEL = "Pico-det (CPU demo)"
LEARNED = "epochs: 3\nbenchmark: true\n"
NARROW = ViewportSize(width=720, height=900)
MOST_TABS = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A dashboard on which something happened."""

    url: str
    finished: tuple[TaskId, ...]
    failed: TaskId


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The sample project, two finished trainings and one that failed."""
    home = tmp_path_factory.mktemp("keys") / "home"
    with (
        DashboardProcess(home=home, script=ROOT / "tests" / "fakes" / "quick_app.py") as process,
        connect(process.url, process.token) as client,
    ):
        workspace = client.workspaces.list(client.teams.list()[0].id)[0].id
        wait_for(lambda: bool(client.projects.list(workspace)), "the sample project", seconds=PATIENCE / 1000)
        project = client.projects.list(workspace)[0].id
        tasks = [
            launch(client, _plan(project, name, text))
            for name, text in (("First try", LEARNED), ("Second try", LEARNED), ("Broken", "fail_at_epoch: 1\n"))
        ]
        wait_for(lambda: all(client.tasks.get(task).status.is_terminal for task in tasks), "the trainings")
        yield Stage(url=process.url, finished=tuple(tasks[:2]), failed=tasks[2])


def _plan(project: ProjectId, name: str, hyperparameters: str) -> TrainingPlan:
    model = PretrainedModel(framework="YOLO", name=MODEL)
    return TrainingPlan(project_id=project, model=model, hyperparameters=hyperparameters, experiment_name=name)


@pytest.fixture(scope="module")
def tab(browser: Browser, stage: Stage) -> Iterator[Page]:
    """One tab for all pages: they are gone to within it, which is cheaper than a cold start for each."""
    context = new_profile(browser)
    page = context.new_page()
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    # A draft on the sample project with a model: no step is locked.
    open_page(page, f"{stage.url}/project?project=1")
    next_step(page, "Which model to start from?")
    press(page, "Use it")
    yield page
    context.close()


def _paths(stage: Stage) -> dict[str, str]:
    first, second = stage.finished
    named = {
        "task": f"task?task={first}",
        "manage": f"manage?{PROJECT_PARAM}=1",
        "series": "series?series=unknown",
        "compare": f"compare?ids={first},{second}&open=all",
        "show": f"show?ids={first},{second}",
    }
    return {item.id: named.get(item.id, item.id) for item in SCREENS}


_GO = "path => { history.pushState({}, '', `/${path}`); dispatchEvent(new PopStateEvent('popstate')) }"
MORE = {"a task that failed": "task?task={failed}", "a comparison of nothing": "compare"}


@pytest.mark.parametrize("name", [*(item.id for item in SCREENS), *MORE])
def test_a_page_for_everybody(
    tab: Page, stage: Stage, name: str, record_testsuite_property: Callable[[str, object], None]
) -> None:
    path = _paths(stage).get(name) or MORE[name].format(failed=stage.failed)
    tab.evaluate(_GO, path)
    settle(tab)
    expect(tab.get_by_role("heading", level=1).or_(tab.locator(".sh-slide.sh-now")).first).to_be_visible(
        timeout=PATIENCE
    )
    found: list[Finding] = []
    for theme in ("light", "dark"):
        tab.emulate_media(color_scheme=theme, reduced_motion="reduce")
        settle(tab)
        for size in (WIDE, NARROW):
            tab.set_viewport_size(size)
            settle(tab)
            # A theme has colours of its own and nothing else; the other rules cost as much as these and find the same.
            found += find(tab, rules=() if theme == "light" else ("color-contrast",))
    sideways = tab.get_by_test_id("stMain").evaluate("main => main.scrollWidth - main.clientWidth")
    hidden = unseen_focus(tab)
    escaped = tab.locator(r'[aria-label*="\\"], [alt*="\\"], [title*="\\"]').evaluate_all(
        "nodes => nodes.map(node => node.outerHTML.slice(0, 200))"
    )
    tab.emulate_media(color_scheme="light", reduced_motion="reduce")
    tab.set_viewport_size(WIDE)
    counts = Counter(item.impact for item in found)
    record_testsuite_property(f"axe-core on {name}", dict(counts))
    assert [item for item in found if item.impact in {"critical", "serious"}] == []
    assert sideways <= 0, "Half a screen has to be scrolled sideways"
    assert hidden == [], "The keyboard reaches what does not show it"
    assert escaped == [], "Screen readers hear the escapes of Markdown"


# By keyboard alone: no call below clicks, hovers or fills.


def _is_focused(target: Locator) -> bool:
    """Return whether the focus is on an element or inside of it."""
    script = """node => {
      let at = document.activeElement
      while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
      return node.contains(at)
    }"""
    return target.count() > 0 and any(bool(one.evaluate(script)) for one in target.all())


def _tab_to(page: Page, target: Locator, key: str = "Tab") -> None:
    expect(target.first).to_be_visible(timeout=PATIENCE)
    for _ in range(MOST_TABS):
        if _is_focused(target):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{MOST_TABS} times {key} did not lead to {target}")


def _press(page: Page, name: str, role: str = "button") -> None:
    """Go to a control by Tab and press Enter on it."""
    settle(page)
    target = page.get_by_role("link" if role == "link" else "button", name=name, exact=True)
    expect(target.first).to_be_enabled(timeout=PATIENCE)
    _tab_to(page, target)
    page.keyboard.press("Enter")
    settle(page)


def _pick(page: Page, name: str) -> None:
    """Type a name into the list that has the focus, and take what is found."""
    page.keyboard.type(name)
    expect(page.get_by_role("option").filter(has_text=name).first).to_be_visible(timeout=PATIENCE)
    page.keyboard.press("Enter")
    settle(page)


def _leave(page: Page, inside: Locator) -> None:
    """Press Escape until what lies over the page is closed: first an open list, then the menu around it."""
    for _ in range(4):
        if not inside.is_visible():
            break
        page.keyboard.press("Escape")
        settle(page)
    expect(inside).to_be_hidden(timeout=PATIENCE)


def _wait_for_keys(page: Page) -> None:
    """Wait until the page listens to keys: the script that does comes after the page."""
    expect(page.get_by_role("button", name="Find or do")).to_be_enabled(timeout=PATIENCE)


def _find(page: Page, words: str) -> None:
    """Open the palette, type, and open what is found first."""
    _wait_for_keys(page)
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Find or do")
    expect(field).to_be_focused()
    page.keyboard.type(words)
    found = page.get_by_role("listbox", name="Found").get_by_role("option", selected=True)
    expect(found).to_contain_text(words, timeout=PATIENCE)
    page.keyboard.press("Enter")
    settle(page)


def test_from_the_start_to_the_comparison(page: Page, stage: Stage) -> None:
    open_page(page, stage.url)
    _find(page, "New training")
    expect_heading(page, "Which data to train on?")
    choose = page.get_by_role("button", name="Choose", exact=True)
    expect(choose.or_(page.get_by_role("button", name="Chosen", exact=True)).first).to_be_visible(timeout=PATIENCE)
    if choose.count():
        _press(page, "Choose")
    _press(page, "Next")
    expect_heading(page, "Which model to start from?")
    _press(page, "Choose by name")
    _tab_to(page, page.get_by_role("combobox", name="Model"))
    _pick(page, MODEL)
    expect_text(page, "In use")
    page.keyboard.press("Escape")
    _press(page, "Next")
    expect_heading(page, "Which classes to learn?")
    _press(page, "None")
    expect(page.get_by_role("button", name="Next")).to_be_disabled(timeout=PATIENCE)
    _press(page, "Choose by name")
    _tab_to(page, page.get_by_role("combobox", name="Classes that are trained"))
    _pick(page, "tomato")
    expect(page.get_by_role("button", name="Remove tomato")).to_have_count(1, timeout=PATIENCE)
    page.keyboard.press("Escape")  # the list of classes, then the menu
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Next")).to_be_enabled(timeout=PATIENCE)
    _press(page, "All")
    for heading in (
        "Which images train, which validate?",
        "How to train?",
        "What to measure afterwards?",
        "Which formats to export?",
        "Ready to start?",
    ):
        _press(page, "Next")
        expect_heading(page, heading)
    _press(page, "Start training")
    page.wait_for_url(re.compile(r"/task\?.*task=\d+"), timeout=PATIENCE)
    expect_text(page, "Finished after", timeout=2 * PATIENCE)
    _press(page, "Compare with the best of its project", role="link")
    expect_heading(page, "Compare")


def test_two_experiments_are_chosen_and_compared(page: Page, stage: Stage) -> None:
    open_page(page, f"{stage.url}/experiments")
    _press(page, "Choose by name")
    _tab_to(page, page.get_by_role("combobox", name="Chosen experiments"))
    for name in ("First try", "Second try"):
        _pick(page, name)
    _leave(page, page.get_by_role("combobox", name="Chosen experiments"))
    _press(page, "Compare 2")
    expect_heading(page, "Compare")
    _find(page, "Present")
    expect(page.locator(".sh-slide.sh-now")).to_be_visible(timeout=PATIENCE)
    # The slides have the arrows, but for those in the palette.
    _wait_for_keys(page)
    page.keyboard.press("Control+k")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(page.get_by_text(re.compile(r"^1 of \d+$"))).to_be_visible()


@pytest.mark.parametrize("place", PLACES[::-1], ids=lambda place: place.screen)
def test_letters_lead_to_the_places(tab: Page, place: Place) -> None:
    # “New training” goes on at the step where the tab was last.
    paths = [item.id for item in SCREENS if item.group == place.screen]
    _wait_for_keys(tab)
    tab.keyboard.press("g")
    tab.keyboard.press(place.letter)
    expected = "|".join([*paths, ""] if place.screen == DEFAULT else paths)
    tab.wait_for_url(re.compile(rf"\d/({expected})(\?|$)"), timeout=PATIENCE)
    settle(tab)


def test_keys_are_letters_where_text_is_typed(page: Page, stage: Stage) -> None:
    open_page(page, f"{stage.url}/experiments")
    _wait_for_keys(page)
    page.get_by_label("Search", exact=True).focus()
    page.keyboard.type("gt?")
    expect(page.get_by_label("Search", exact=True)).to_have_value("gt?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Columns").focus()
    page.keyboard.press("?")
    overview = page.get_by_role("dialog", name="Keys")
    expect(overview).to_be_visible()
    # Whoever speaks to the machine switches single letters off.
    page.get_by_role("checkbox", name="Single letters are keys").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(overview).to_have_count(0)
    _find(page, "Tasks")
    expect_heading(page, "Tasks")


def test_the_look_is_chosen_for_this_browser(page: Page, stage: Stage) -> None:
    ground = "getComputedStyle(document.querySelector('[data-testid=stApp]')).colorScheme"
    open_page(page, f"{stage.url}/tasks")
    assert page.evaluate(ground) == "light"
    page.get_by_label("Look", exact=True).focus()
    with page.expect_navigation():
        page.keyboard.type("Dark")
    settle(page)
    expect(page.get_by_label("Look", exact=True)).to_have_value("dark")
    page.wait_for_url(f"{stage.url}/tasks")  # what was told to Streamlit is not left in the address
    page.get_by_role("link", name="Agents", exact=True).first.click()
    expect_heading(page, "Agents")
    assert page.evaluate(ground) == "dark"
