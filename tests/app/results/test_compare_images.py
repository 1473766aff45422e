"""The pictures of the comparison page: gallery, gained and lost, and the dialog behind the charts."""

import io
import json
from typing import Any

import pytest
from PIL import Image as Picture
from streamlit.testing.v1 import AppTest

from tests.app.results.conftest import Open, add_evaluated, screen
from tests.fakes.evaluations import Made, evaluation
from tests.fakes.server import FakeServer, add_experiment
from traindash.comparison.image_query import ImageQuery, Outcome

GOOD, BAD = Made(seed=1, quality=0.9), Made(seed=2, quality=0.5)


def _photo() -> bytes:
    buffer = io.BytesIO()
    Picture.new("RGB", (320, 240), (90, 120, 60)).save(buffer, format="JPEG")
    return buffer.getvalue()


@pytest.fixture
def two(server: FakeServer) -> FakeServer:
    add_evaluated(server, 3, "Bad one", BAD)
    add_evaluated(server, 4, "Good one", GOOD)
    server.images = dict.fromkeys(range(901, 941), _photo())
    return server


def _data(at: AppTest, part: str) -> dict[str, Any]:
    """Return what the component whose data has a part was given last."""
    found = [json.loads(item.proto.json) for item in at.get("bidi_component") if item.proto.json]
    return next(data for data in found if part in data)


def test_gallery_and_crops_fetch_only_what_is_seen(two: FakeServer, open_page: Open) -> None:
    at = open_page("compare", ids="3,4")
    assert not at.exception
    gallery = _data(at, "rows")
    assert [column["title"] for column in gallery["columns"]] == ["Ground truth", "Bad one", "Good one"]
    assert len(gallery["rows"]) == 4
    assert all(row["source"].startswith("data:image/jpeg;base64,") for row in gallery["rows"])
    assert 4 <= two.calls.count("images.download") <= 4 + 12
    assert len(_data(at, "crops")["crops"]) == 12
    before = two.calls.count("images.download")
    open_page("compare", ids="3,4")
    assert two.calls.count("images.download") == before


def test_gained_and_lost_add_up(two: FakeServer, open_page: Open) -> None:
    del two
    text = screen(open_page("compare", ids="3,4"))
    before, after = evaluation(BAD).counts.total.tp, evaluation(GOOD).counts.total.tp
    assert f"<strong>{before}</strong> found by" in text
    assert f"<strong>+{after - before}</strong> net" in text


def test_filters_of_the_gallery(two: FakeServer, open_page: Open) -> None:
    del two
    at = open_page("compare", ids="3,4")
    at.selectbox(key="gallery-show").set_value("False alarms").run()
    at.selectbox(key="gallery-class").set_value("lemon").run()
    assert not at.exception
    marks = [mark for row in _data(at, "rows")["rows"] for cell in row["cells"][1:] for mark in cell["marks"]]
    strong = {(mark["kind"], mark["label"].split()[0]) for mark in marks if mark["strong"]}
    assert strong == {("false_alarm", "lemon")}
    at.toggle(key="gallery-common").set_value(True).run()
    at.slider(key="gallery-confidence").set_value(0.99).run()
    assert "No image has that" in screen(at)


@pytest.mark.parametrize(
    ("shown", "kinds"),
    [("Missed by one alone", {"found", "missed"}), ("Missed by all", {"missed"})],
)
def test_what_one_or_all_of_them_miss(two: FakeServer, open_page: Open, shown: str, kinds: set[str]) -> None:
    del two
    at = open_page("compare", ids="3,4")
    at.selectbox(key="gallery-show").set_value(shown).run()
    assert not at.exception
    rows = _data(at, "rows")["rows"]
    assert rows
    for row in rows:
        strong = [[mark["kind"] for mark in cell["marks"] if mark["strong"]] for cell in row["cells"][1:]]
        assert {kind for cell in strong for kind in cell} == kinds
        assert len(strong[0]) == len(strong[1])
    total = sum(mark["strong"] for row in rows for mark in row["cells"][1]["marks"])
    noun = "missed object" if total == 1 else "missed objects"
    assert len(rows) == 4 or f"{total} {noun} in {len(rows)} image" in screen(at)


def test_filters_of_gained_and_lost(two: FakeServer, open_page: Open) -> None:
    del two
    at = open_page("compare", ids="3,4")
    at.multiselect(key="flow-classes").set_value(["pear"]).run()
    assert not at.exception
    assert {crop["class_name"] for crop in _data(at, "crops")["crops"]} == {"pear"}


def test_images_that_are_gone_leave_their_boxes(two: FakeServer, open_page: Open) -> None:
    two.images = {901: b"no image"}
    at = open_page("compare", ids="3,4")
    assert not at.exception
    assert {row["source"] for row in _data(at, "rows")["rows"]} == {""}
    assert "drawn as an empty frame" in screen(at)


def test_a_click_opens_the_images_behind(two: FakeServer, open_page: Open) -> None:
    del two
    at = open_page("compare", ids="3,4")
    query = ImageQuery(title="Missed (FN), “Bad one”", experiment="3", outcomes=(Outcome.MISSED,))
    at.session_state["images-behind"], at.session_state["images-behind-turn"] = query, 1
    at.run()
    assert not at.exception
    missed = evaluation(BAD).counts.total.fn
    assert f"{missed} missed objects in " in screen(at)
    assert "images-behind" not in at.session_state


def test_one_alone_and_one_without_evaluation(two: FakeServer, open_page: Open) -> None:
    add_experiment(two, 5, "Blind one")
    assert "Gained and lost" not in screen(open_page("compare", ids="3"))
    assert "The baseline has no evaluation" in screen(open_page("compare", ids="5,3"))
    assert "No experiment has an evaluation" in screen(open_page("compare", ids="5"))


def test_different_images_have_no_flow_but_a_gallery(two: FakeServer, open_page: Open) -> None:
    add_evaluated(two, 6, "Elsewhere", Made(seed=3, images=20, data_seed=9, dataset="other"))
    at = open_page("compare", ids="3,6")
    assert not at.exception
    assert "hold different images" in screen(at)
    assert len(_data(at, "rows")["rows"]) == 4


def test_more_experiments_than_columns(server: FakeServer, open_page: Open) -> None:
    for number in range(1, 9):
        add_evaluated(server, number, "<b>&Same name" * 3, Made(seed=number))
    at = open_page("compare", ids="1,2,3,4,5,6,7,8", baseline="8")
    assert not at.exception
    columns = _data(at, "rows")["columns"]
    assert len(columns) == 7
    assert columns[1]["note"] == "baseline"
    assert "6 experiments are drawn beside each other; left out:" in screen(at)
    (choice,) = (item for item in at.multiselect if item.label == "Side by side")
    at = choice.set_value([choice.value[0], 6]).run()
    assert len(_data(at, "rows")["columns"]) == 3, "ground truth, the baseline and the one that was chosen"
