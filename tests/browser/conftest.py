"""Chromium for the browser tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.widgets import new_profile
from tests.outside import chromium_path
from tests.server import DashboardProcess

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A camera that is none: it shows a moving picture of its own, and nobody is asked whether it may be used
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


@pytest.fixture(scope="package")  # not the session: its event loop would still run under the tests that follow
def browser() -> Iterator[Browser]:
    """One headless Chromium for all browser tests."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), headless=True, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab in a fresh profile, 1280 pixels wide. The test fails if it asks for anything outside this machine."""
    context = new_profile(browser)
    tab = context.new_page()
    strangers: list[str] = []

    def note(url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "http://localhost:", "data:", "blob:", "about:")):
            strangers.append(url)

    tab.on("request", lambda request: note(request.url))
    yield tab
    context.close()
    assert not strangers, f"The page asked for things outside this machine: {strangers}"


@pytest.fixture(scope="package")
def sample_dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardProcess]:
    """A dashboard for tests that add no project and delete nothing for good; they may kill and start it."""
    home: Path = tmp_path_factory.mktemp("sample") / "home"
    with DashboardProcess(home=home) as process:
        yield process
