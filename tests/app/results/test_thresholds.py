"""Every page names the same confidence threshold for a model: the one that the verdict recommends."""

import pytest

from tests.app.results.conftest import Open, add_evaluated, screen
from tests.fakes.evaluations import Made, evaluation
from tests.fakes.server import FakeServer, add_experiment
from traindash.evaluation.operating_points import BestF1, best_threshold, choose_threshold, operating_points
from traindash.ui.tasks.serving import confidence_of_file

MADE = Made(seed=8, images=30)


@pytest.fixture(autouse=True)
def _two(server: FakeServer) -> None:
    server.runs_models = True
    add_evaluated(server, 3, "Measured", MADE)
    add_experiment(server, 4, "Never measured")


def test_all_pages_and_the_code_agree(open_page: Open) -> None:
    points, best = operating_points(evaluation(MADE)), best_threshold(evaluation(MADE))
    assert best is not None
    assert evaluation(MADE).key_metrics.f1_optimal_conf != pytest.approx(best, abs=0.001)  # another figure
    assert points.at(best).f1 == pytest.approx(choose_threshold(BestF1(), points).point.f1)  # rounding costs nothing
    assert f"Set its confidence threshold to {best:.3f}" in screen(open_page("compare", ids="3"))
    assert open_page("handover", task="3").number_input("threshold-f1-0.0").value == best
    assert open_page("label", task="3").slider("label-confidence-3").value == best
    tried = open_page("try_model", models="3").slider[0]
    assert tried.value == best
    assert f"best F1 from {best:.3f} on" in tried.help
    assert confidence_of_file("/experiments/55_Still life/3_YOLO/checkpoints/best.pt") == best


def test_where_nothing_was_measured_the_pages_say_so(open_page: Open) -> None:
    assert "nothing speaks for a threshold" in screen(open_page("handover", task="4"))
    assert "It was not evaluated" in screen(open_page("label", task="4"))
    assert "It was not evaluated" in open_page("try_model", models="4").slider[0].help
    assert confidence_of_file("/experiments/55_Still life/4_YOLO/checkpoints/best.pt") is None
