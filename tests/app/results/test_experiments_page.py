"""The experiments page."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.results.conftest import Open, add_evaluated, screen
from tests.fakes.evaluations import Made
from tests.fakes.server import FakeServer, add_experiment
from traindash.domain.ids import TaskId
from traindash.experiments.marks import Mark
from traindash.ui.experiments.index import marks, settings_reader


def _frame(at: AppTest) -> dict[str, list[object]]:
    return {str(name): list(values) for name, values in at.dataframe[0].value.items()}


def _names(at: AppTest) -> list[str]:
    return [str(name) for name in at.dataframe[0].value["name"]]


def _query(at: AppTest) -> dict[str, list[str]]:
    return {name: value if isinstance(value, list) else [value] for name, value in at.query_params.items()}


def _mark(task: int) -> Mark:
    return {int(key): value for key, value in marks().all().items()}.get(task, Mark())


@pytest.fixture
def three(server: FakeServer) -> FakeServer:
    add_experiment(server, 1, "Alpha", model_name="YOLO26n-det", evaluation_metrics={"mAP": 0.5, "AP75": 0.4})
    add_experiment(server, 2, "Beta", model_name="Pico-det", evaluation_metrics={"mAP": 0.7})
    add_experiment(server, 3, "Gamma", model_name="YOLO26n-det", datetime="2026-11-20 10:00:00")
    return server


def test_no_experiment_offers_the_next_step(open_page: Open) -> None:
    at = open_page("experiments")
    assert not at.exception
    assert "No experiment yet" in screen(at)


def test_the_table(server: FakeServer, open_page: Open) -> None:
    add_evaluated(server, 1, "First", Made())
    add_experiment(server, 2, "Without benchmark", random_initialization=False, base_checkpoint="yolo26n.pt")
    at = open_page("experiments")
    assert not at.exception
    frame = _frame(at)
    assert frame["name"] == ["Without benchmark", "First"]
    assert at.dataframe[0].value["metric:mAP"].isna().tolist() == [True, False]
    assert "project" not in frame, "there is one project, and it is the same in every row"
    assert frame["start"] == ["yolo26n.pt", "Random initialisation"]
    assert frame["duration"] == [84.0, 84.0]


def test_deleted_ones_leave_the_list_and_come_back(three: FakeServer, open_page: Open) -> None:
    del three
    marks().rename(TaskId(2), "Renamed")
    marks().remove(TaskId(1), removed=True)
    at = open_page("experiments")
    assert _names(at) == ["Gamma", "Renamed"]
    assert "Alpha" in screen(at)
    at.button(key="removed-back-1").click().run()
    assert _names(at) == ["Gamma", "Renamed", "Alpha"]


@pytest.mark.parametrize(("action", "words"), [("rename", "Kept on this machine"), ("delete", "which frees")])
def test_the_dialogs_say_what_will_happen(three: FakeServer, open_page: Open, action: str, words: str) -> None:
    del three
    at = open_page("experiments")
    at.session_state["experiments-dialog"] = (action, TaskId(2))
    at.run()
    assert not at.exception
    assert words in screen(at)


def test_search_filter_and_order_are_in_the_url(three: FakeServer, open_page: Open) -> None:
    del three
    at = open_page("experiments")
    at.text_input(key="find").set_value("alp").run()
    assert _names(at) == ["Alpha"]
    assert _query(at)["q"] == ["alp"]
    at.text_input(key="find").set_value("nothing like this").run()
    assert "No experiment fits" in screen(at)
    at.button(key="nothing-clear").click().run()
    at.multiselect(key="find-models").set_value(["YOLO26n-det"]).run()
    assert _names(at) == ["Gamma", "Alpha"]
    at.selectbox(key="sort-by").set_value("metric:mAP").run()
    assert _names(at) == ["Alpha", "Gamma"]
    assert _query(at) == {"model": ["YOLO26n-det"], "sort": ["-metric:mAP"]}


def test_a_shared_url_shows_the_same(three: FakeServer, open_page: Open) -> None:
    del three
    at = open_page("experiments", sort="metric:mAP", column="setting:lr0", model="Pico-det", ids="1,2")
    assert not at.exception
    assert _names(at) == ["Beta"]
    assert "setting:lr0" in _frame(at)
    assert at.button(key="compare").label == "Compare 2"
    assert at.multiselect(key="find-models").value == ["Pico-det"]
    assert at.multiselect(key="columns").value == ["setting:lr0"]


def test_any_metric_and_hyperparameter_can_be_a_column(three: FakeServer, open_page: Open) -> None:
    del three
    at = open_page("experiments")
    settings_reader().wait(20)
    offered = at.run().multiselect(key="columns").options
    assert "AP75 (metric)" in offered
    assert "lr0 (hyperparameter)" in offered
    at.multiselect(key="columns").set_value(["metric:AP75", "setting:lr0"]).run()
    settings_reader().wait(20)
    at.run()
    frame = _frame(at)
    assert list(frame)[2:] == ["name", "metric:AP75", "setting:lr0"]
    assert frame["setting:lr0"] == [0.003, 0.002, 0.001]


def test_compare_needs_two_and_says_so(server: FakeServer, open_page: Open) -> None:
    add_experiment(server, 1, "Alpha")
    at = open_page("experiments")
    assert at.button(key="compare").disabled
    assert "at least two" in at.button(key="compare").help


def test_one_experiment_alone_is_looked_at(three: FakeServer, open_page: Open) -> None:
    del three
    at = open_page("experiments", ids="3")
    assert at.button(key="compare").label == "Show evaluation"
    at.button(key="compare").click().run()
    assert not at.exception
    assert at.query_params["ids"] in ("3", ["3"])


def test_chosen_experiments_stay_chosen_under_a_filter(three: FakeServer, open_page: Open) -> None:
    del three
    at = open_page("experiments", ids="1,3")
    at.text_input(key="find").set_value("beta").run()
    assert at.button(key="compare").label == "Compare 2"
    at.button(key="compare").click().run()
    assert not at.exception
    assert at.query_params["ids"] in ("1,3", ["1,3"])
    assert "Alpha" in screen(at)


def test_stars_and_hiding_of_the_chosen(three: FakeServer, open_page: Open) -> None:
    del three
    at = open_page("experiments", ids="1,3")
    at.button(key="chosen-star").click().run()
    assert _frame(at)["star"] == ["★", "☆", "★"]
    at.button(key="chosen-visibility_off").click().run()
    assert _names(at) == ["Beta"]
    assert "2 chosen" in screen(at)
    at.toggle(key="find-hidden").set_value(True).run()
    assert len(_names(at)) == 3
    at.button(key="chosen-visibility").click().run()
    assert not _mark(1).hidden
    assert _mark(1).starred


def test_tags_of_the_chosen(three: FakeServer, open_page: Open) -> None:
    del three
    marks().tag([3], add=["old"])  # type: ignore[list-item]
    at = open_page("experiments", ids="1,3")
    at.multiselect(key="tags-add").set_value(["old"]).run()
    at.multiselect(key="tags-remove").set_value(["old"]).run()
    at.button(key="tags-apply").click().run()
    assert _mark(3).tags == ()
    at.multiselect(key="find-tags").set_value([]).run()
    assert not at.exception


def test_a_view_is_saved_opened_and_removed(three: FakeServer, open_page: Open) -> None:
    del three
    at = open_page("experiments", model="Pico-det", ids="1")
    at.text_input(key="view-name").set_value("<b>Small & good</b>").run()
    at.button(key="view-save").click().run()
    assert dict(marks().views()) == {"<b>Small & good</b>": "model=Pico-det"}
    at.multiselect(key="find-models").set_value([]).run()
    at.button(key="view-open-0").click().run()
    assert _names(at) == ["Beta"]
    assert _query(at)["ids"] == ["1"]
    at.button(key="view-remove-0").click().run()
    assert not marks().views()


def test_an_empty_name_of_a_view_is_refused(three: FakeServer, open_page: Open) -> None:
    del three
    at = open_page("experiments")
    at.button(key="view-save").click().run()
    assert any("name of the view is empty" in toast.value for toast in at.toast)


def test_many_experiments_come_in_pages(server: FakeServer, open_page: Open) -> None:
    for number in range(1, 251):
        add_experiment(server, number, f"E{number}")
    at = open_page("experiments")
    assert len(_names(at)) == 100
    assert "250 experiments" in screen(at)
    at.session_state["experiments-page"] = 3
    at.run()
    assert _names(at)[-1] == "E1"
    at.text_input(key="find").set_value("E24").run()
    assert len(_names(at)) == 11


def test_hostile_names_and_records_that_cannot_be_read(server: FakeServer, open_page: Open) -> None:
    name = "<script>alert(1)</script> " + "long " * 60 + "👍 \u202ertl"
    add_experiment(server, 1, name, evaluation_metrics={"mAP": 0.5, "<b>odd</b>": 1.0})
    add_experiment(server, 2, "Bad")
    server.files["/experiments/55_Still life/2_YOLO/experiment_info.json"] = json.dumps({"task_id": 2}).encode()
    at = open_page("experiments")
    assert not at.exception
    assert _names(at) == ["Task 2", name]
    assert "without a record that can be read" in " ".join(item.label for item in at.expander)


def test_a_server_that_cannot_be_asked_is_said(server: FakeServer, open_page: Open) -> None:
    server.broken.add("file-storage.list")
    at = open_page("experiments")
    assert not at.exception
    assert at.error
