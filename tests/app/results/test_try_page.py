"""The page on which models look at pictures, on the real platform with models of the quick engine."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.app.results.conftest import Open, screen
from tests.fakes.live_platform import LivePlatform, live_platform
from tests.fakes.quick_models import QUICK_ENGINE, add_experiment, model_text, patch_png
from tests.fakes.server import FakeServer
from tests.outside import ROOT
from traindash.comparison.pictures.predicted import WAITING
from traindash.supervisely.client import connect
from traindash.ui import connection


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A platform with two experiments and one whose file is no model."""
    home = tmp_path_factory.mktemp("try") / "home"
    with live_platform(home, working=True, trainer=QUICK_ENGINE) as platform:
        services, scratch = platform.platform.services, home.parent / "models"
        add_experiment(services, scratch, 11, model_text("box", score=0.9), export=True)
        add_experiment(services, scratch, 12, model_text("lid", score=0.4))
        add_experiment(services, scratch, 13, b"no model")
        st.cache_data.clear()
        st.cache_resource.clear()
        with connect(platform.url, platform.platform.token) as client:
            connection.install(lambda: client, home=home)
            yield platform


def open_try(models: str = "") -> AppTest:
    at = AppTest.from_file(str(ROOT / "core" / "traindash" / "frame" / "main.py"), default_timeout=60)
    if models:
        at.query_params["models"] = models
    at.switch_page(str(ROOT / "pages" / "try_model.py"))
    at.run()
    assert not at.exception, at.exception
    return at


def answered(at: AppTest) -> dict[str, Any]:
    """Return what is drawn once every model has answered."""
    for _ in range(40):
        drawn = [json.loads(item.proto.json) for item in at.get("bidi_component") if item.proto.json]
        found: dict[str, Any] | None = next((data for data in drawn if "rows" in data), None)
        cells = [cell for row in found["rows"] for cell in row["cells"]] if found else []
        if cells and not any(cell.get("note") == WAITING for cell in cells):
            assert found is not None
            return found
        at.run()  # as the part of the page that looks again does by itself
        assert not at.exception, at.exception
    raise AssertionError(screen(at))


def drop(at: AppTest, *contents: bytes) -> None:
    files = [(f"{place}.png", content, "image/png") for place, content in enumerate(contents)]
    at.file_uploader[0].set_value(files).run()
    assert not at.exception, at.exception


def test_it_begins_with_the_newest_experiment_and_pictures_of_its_project(live: LivePlatform) -> None:
    del live
    at = open_try("11")
    assert at.query_params["models"] in ("11", ["11"])
    drawn = answered(at)
    assert [column["title"] for column in drawn["columns"]] == ["Ground truth", "11 Shapes Quick"]
    assert all(row["cells"][0]["counts"] == {"truth": 2} for row in drawn["rows"])


def test_a_picture_is_looked_at_with_the_thresholds_of_the_address(live: LivePlatform) -> None:
    del live
    at = open_try("11,12@0.5")
    drop(at, patch_png())
    drawn = answered(at)
    assert [column["note"] for column in drawn["columns"]] == ["confidence from 0.250", "confidence from 0.500"]
    ((first, second),) = [row["cells"] for row in drawn["rows"]]
    assert first["counts"] == {"predicted": 1}
    assert first["marks"][0]["box"] == [20, 10, 30, 30]
    assert first["marks"][0]["label"] == "box 0.90"
    assert first["note"].endswith("ms")
    assert second["counts"] == {"predicted": 0}
    at.slider[1].set_value(0.4).run()
    assert answered(at)["rows"][0]["cells"][1]["counts"] == {"predicted": 1}
    assert "12@0.4" in str(at.query_params["models"])


def test_an_export_beside_its_checkpoint_is_named_and_finds_the_same(live: LivePlatform) -> None:
    del live
    at = open_try("11,11:export/best.onnx")
    drop(at, patch_png())
    drawn = answered(at)
    assert drawn["columns"][1]["title"].endswith("ONNX")
    first, second = drawn["rows"][0]["cells"]
    assert first["marks"] == second["marks"] != []


def test_a_file_that_is_no_model_says_so_in_its_own_column(live: LivePlatform) -> None:
    del live
    at = open_try("11,13")
    drop(at, patch_png())
    drawn = answered(at)
    first, second = drawn["rows"][0]["cells"]
    assert first["counts"] == {"predicted": 1}
    assert "best.pt is no model" in second["words"]
    assert "cannot look at pictures" in screen(at)


def test_a_file_that_is_no_picture_is_named_beside_the_others(live: LivePlatform) -> None:
    del live
    at = open_try("11")
    drop(at, b"no picture", patch_png())
    assert len(answered(at)["rows"]) == 1
    assert "“0.png” cannot be used" in screen(at)


def test_images_of_a_project_are_ticked_and_looked_at(live: LivePlatform) -> None:
    del live
    at = open_try("11")
    at.segmented_control(key="try-source").set_value("From a project").run()
    assert not at.exception, at.exception
    ticks = [box for box in at.checkbox if str(box.key).startswith("try-tick-")]
    assert len(ticks) == 9
    ticks[1].check().run()
    drawn = answered(at)
    assert [row["name"] for row in drawn["rows"]] == ["a1.png"]
    assert [column["title"] for column in drawn["columns"]] == ["Ground truth", "11 Shapes Quick"]


def test_an_address_with_a_model_that_is_not_there_says_so(live: LivePlatform) -> None:
    del live
    at = open_try("99")
    assert "99" in screen(at)
    assert "All experiments" in str([item.proto.label for item in at.get("page_link")])


def test_a_server_that_runs_no_models_says_what_can_be_done_there(server: FakeServer, open_page: Open) -> None:
    del server
    text = screen(open_page("try_model"))
    assert "apps that are deployed there" in text
