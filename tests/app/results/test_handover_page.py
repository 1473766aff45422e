"""The page on which a model is chosen and handed over, on the real platform with a model of the quick engine."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.app.results.conftest import screen
from tests.fakes.live_platform import LivePlatform, live_platform
from tests.fakes.quick_models import QUICK_ENGINE, add_experiment
from tests.outside import ROOT
from traindash.supervisely.client import connect
from traindash.ui import connection


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A platform with an experiment that was not evaluated."""
    home = tmp_path_factory.mktemp("handover") / "home"
    with live_platform(home, working=True, trainer=QUICK_ENGINE) as platform:
        add_experiment(platform.platform.services, home.parent / "models", 11)
        st.cache_data.clear()
        st.cache_resource.clear()
        with connect(platform.url, platform.platform.token) as client:
            connection.install(lambda: client, home=home)
            yield platform


def open_page(**query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "core" / "traindash" / "frame" / "main.py"), default_timeout=60)
    for key, value in query.items():
        at.query_params[key] = value
    at.switch_page(str(ROOT / "pages" / "handover.py"))
    at.run()
    assert not at.exception, at.exception
    return at


def test_without_an_experiment_the_page_says_what_to_do(live: LivePlatform) -> None:
    del live
    assert "No model yet" in screen(open_page())


def test_a_choice_without_a_reason_is_refused_and_one_with_it_is_kept(live: LivePlatform) -> None:
    del live
    at = open_page(task="11", goal="recall-0.95", latency="20")
    assert "not evaluated" in screen(at)
    at.button("choose").click().run()
    assert any("The reason is empty" in error.value for error in at.error)
    assert "None yet" in screen(at)
    at.text_area("choice-why").input("For the *packing* hall").run()
    at.number_input("threshold").set_value(0.4).run()
    at.button("choose").click().run()
    shown = screen(open_page(task="11"))
    for words in ("Shapes v1", "For the *packing* hall", "recall of at least 0.95, at most 20", "**0.400**"):
        assert words in shown


def test_a_package_without_an_onnx_file_says_what_it_lacks(live: LivePlatform, tmp_path: Path) -> None:
    at = open_page(task="11")
    assert "Make the ONNX file, which is missing" in at.toggle("make-onnx").label
    at.toggle("make-onnx").set_value(False).run()
    at.button("make-package").click().run()
    target = live.platform.services.layout.root / "cache" / "packages" / "11" / "Shapes_v1.zip"
    for _ in range(100):
        if at.get("download_button"):
            break
        at.run()
    assert "There is no ONNX file" in screen(at)
    with zipfile.ZipFile(target) as archive:
        archive.extractall(tmp_path)
    assert (tmp_path / "Shapes_v1" / "best.pt").is_file()
    card = (tmp_path / "Shapes_v1" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "For the \\*packing\\* hall" in card
    assert "never evaluated" in card
    assert "For the *packing* hall" in (tmp_path / "Shapes_v1" / "model_card.html").read_text(encoding="utf-8")
