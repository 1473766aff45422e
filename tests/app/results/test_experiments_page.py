"""The experiments page."""

from streamlit.testing.v1 import AppTest

from tests.app.results.conftest import Open, add_evaluated, screen
from tests.fakes.evaluations import Made
from tests.fakes.server import FakeServer, add_experiment


def _names(at: AppTest) -> list[str]:
    return [str(name) for name in at.dataframe[0].value["Experiment"]]


def test_no_experiment_offers_the_next_step(open_page: Open) -> None:
    at = open_page("experiments")
    assert not at.exception
    assert "No experiment yet" in screen(at)


def test_the_table(server: FakeServer, open_page: Open) -> None:
    add_evaluated(server, 1, "First", Made())
    add_experiment(server, 2, "Without benchmark", random_initialization=False, base_checkpoint="yolo26n.pt")
    at = open_page("experiments")
    assert not at.exception
    frame = at.dataframe[0].value
    assert _names(at) == ["Without benchmark", "First"]
    assert frame["mAP"].isna().tolist() == [True, False]
    assert frame["Project"].tolist() == ["Still life", "Still life"]
    assert frame["Started from"].tolist() == ["yolo26n.pt", "Random initialisation"]
    assert frame["Training time"].tolist() == ["1 min 24 s", "1 min 24 s"]


def test_search_and_filter(server: FakeServer, open_page: Open) -> None:
    add_experiment(server, 1, "Alpha", model_name="YOLO26n-det")
    add_experiment(server, 2, "Beta", model_name="Pico-det")
    at = open_page("experiments")
    at.text_input(key="find").set_value("alp").run()
    assert _names(at) == ["Alpha"]
    at.text_input(key="find").set_value("nothing like this").run()
    assert "No experiment fits" in screen(at)
    at.text_input(key="find").set_value("").run()
    at.multiselect(key="find-models").set_value(["Pico-det"]).run()
    assert _names(at) == ["Beta"]


def test_compare_needs_two_and_says_so(server: FakeServer, open_page: Open) -> None:
    add_experiment(server, 1, "Alpha")
    at = open_page("experiments")
    assert at.button(key="compare").disabled
    assert "at least two" in at.button(key="compare").help
    assert "Choose two or more" in screen(at)


def test_chosen_experiments_stay_chosen_under_a_filter(server: FakeServer, open_page: Open) -> None:
    for number, name in ((1, "Alpha"), (2, "Beta"), (3, "Gamma")):
        add_experiment(server, number, name)
    at = open_page("experiments")
    at.session_state["chosen_experiments"] = frozenset({1, 3})
    at.run()
    assert at.button(key="compare").label == "Compare 2"
    at.text_input(key="find").set_value("beta").run()
    assert at.button(key="compare").label == "Compare 2"
    at.button(key="compare").click().run()
    assert not at.exception
    assert at.query_params["ids"] in ("1,3", ["1,3"])
    assert "Alpha" in screen(at)
