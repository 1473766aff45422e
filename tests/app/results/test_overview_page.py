"""The front page in its states."""

from tests.app.results.conftest import Open, add_evaluated, add_running, screen
from tests.fakes.evaluations import Made
from tests.fakes.server import FakeServer


def test_an_empty_start_says_what_this_is_and_how_to_begin(open_page: Open) -> None:
    at = open_page("overview")
    assert not at.exception
    assert "Welcome to Traindash" in screen(at)
    assert "Bring data in" in screen(at)
    assert at.button(key="overview-new").label == "New training"


def test_what_runs_what_ended_and_what_is_best(server: FakeServer, open_page: Open) -> None:
    add_evaluated(server, 1, "First", Made())
    add_evaluated(server, 2, "Second", Made())
    add_running(server, 3)
    at = open_page("overview")
    assert not at.exception
    text = screen(at)
    for words in ("Running or waiting: 1", "Ended last", "Best so far", "has 2 experiments"):
        assert words in text
    assert at.button(key="next-go").label == "Compare the best two"


def test_a_failed_training_comes_first(server: FakeServer, open_page: Open) -> None:
    add_evaluated(server, 1, "First", Made())
    server.add_task(2, "error", description="Broken")
    at = open_page("overview")
    assert "“Broken” ended with an error." in screen(at)
    assert at.button(key="next-go").label == "See why"


def test_links_of_earlier_versions_open_the_wizard(open_page: Open) -> None:
    at = open_page("overview", draft="0123456789")
    assert "New training" in screen(at)
