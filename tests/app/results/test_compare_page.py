"""The comparison page."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.results.conftest import Open, add_evaluated, screen
from tests.fakes.evaluations import Made, evaluation
from tests.fakes.server import FakeServer, add_experiment
from traindash.formatting import metric

GOOD, BAD = Made(seed=1, quality=0.9), Made(seed=2, quality=0.5)


@pytest.fixture
def two(server: FakeServer) -> FakeServer:
    add_evaluated(server, 3, "Bad one", BAD)
    add_evaluated(server, 4, "Good one", GOOD)
    return server


def _charts(at: AppTest) -> int:
    return len(at.get("echarts_chart"))


def test_nothing_chosen_offers_the_next_step(open_page: Open) -> None:
    at = open_page("compare")
    assert not at.exception
    assert "Nothing to compare yet" in screen(at)


@pytest.mark.parametrize("page", ["compare", "show"])
def test_nothing_chosen_offers_the_best_two(server: FakeServer, open_page: Open, page: str) -> None:
    for number, quality in ((3, 0.2), (4, 0.9), (5, 0.6)):
        add_evaluated(server, number, f"Number {number}", Made(seed=number, quality=quality))
    at = open_page(page)
    assert "Nothing is chosen yet" in screen(at)
    (best,) = [button for button in at.button if button.label.startswith("The best two")]
    best.click().run()
    assert not at.exception
    assert at.query_params["ids"] == "4,5"


@pytest.mark.parametrize(("ids", "message"), [("3,x", "“x” is no experiment id"), ("3,77", "no experiment of task 77")])
def test_ids_that_are_none(two: FakeServer, open_page: Open, ids: str, message: str) -> None:
    del two
    at = open_page("compare", ids=ids)
    assert not at.exception
    assert message in screen(at)


def test_two_side_by_side(two: FakeServer, open_page: Open) -> None:
    del two
    at = open_page("compare", ids="3,4")
    assert not at.exception
    text = screen(at)
    assert "Take “Good one”: it finds more and is right more often." in text
    assert metric(evaluation(GOOD).key_metrics.mAP) in text
    assert metric(evaluation(BAD).key_metrics.mAP) in text
    assert "lr0" in text
    assert "mosaic" not in text
    assert _charts(at) > 12


def test_sections_are_drawn_when_they_are_opened(two: FakeServer, open_page: Open) -> None:
    del two
    at = open_page("compare", ids="3,4", open="key-metrics")
    assert not at.exception
    text = screen(at)
    assert "Take “Good one”" in text
    assert 'class="cx-sure"' in text
    assert "Where they differ most" in text
    assert "cx-table cx-metrics" in text
    assert "cx-table cx-settings" not in text
    at.button(key="open-all").click().run()
    assert "cx-table cx-settings" in screen(at)


def test_equal_settings_are_shown_on_request(two: FakeServer, open_page: Open) -> None:
    del two
    at = open_page("compare", ids="3,4")
    at.toggle(key="all-hyperparameters").set_value(True).run()
    assert "mosaic" in screen(at)


def test_the_baseline_is_chosen_and_kept_in_the_url(two: FakeServer, open_page: Open) -> None:
    del two
    at = open_page("compare", ids="3,4")
    at.selectbox(key="compare-baseline").set_value("Good one").run()
    assert at.query_params["baseline"] in ("4", ["4"])
    assert at.selectbox(key="compare-baseline").value == "Good one"
    assert "cx-worse" in screen(at)


def test_one_without_benchmark(two: FakeServer, open_page: Open) -> None:
    add_experiment(two, 5, "Blind one")
    at = open_page("compare", ids="3,5")
    assert not at.exception
    assert "“Blind one” was trained without the benchmark, or it failed." in screen(at)


def test_different_images_are_said_on_top(two: FakeServer, open_page: Open) -> None:
    add_evaluated(two, 6, "Elsewhere", Made(seed=3, images=20, data_seed=9, dataset="other"))
    text = screen(open_page("compare", ids="3,6"))
    assert "cannot be ranked" in text
    assert "are not in all experiments" in text


def test_one_experiment_alone(two: FakeServer, open_page: Open) -> None:
    del two
    at = open_page("compare", ids="3")
    assert not at.exception
    text = screen(at).replace("\\", "")
    assert "which gives F1" in text
    assert "of 100 objects" in text
    assert "Take " not in text
    assert not [item for item in at.selectbox if item.key == "compare-baseline"]


def test_twelve_experiments_with_hostile_names(server: FakeServer, open_page: Open) -> None:
    for number in range(1, 13):
        add_evaluated(
            server, number, "<b onclick=x>&" + "long " * 12 if number == 1 else "Same name", Made(seed=number)
        )
    at = open_page("compare", ids=",".join(map(str, range(1, 13))))
    assert not at.exception
    text = screen(at)
    assert "<b onclick" not in "".join(item.proto.body for item in at.get("html"))
    assert "lr0 0.007" in text
    assert "Same name" in text


def test_parts_of_a_large_comparison_wait_until_somebody_comes_near(server: FakeServer, open_page: Open) -> None:
    many = tuple(f"class {number:02}" for number in range(60))
    for number in (1, 2):
        add_evaluated(server, number, f"Model {number}", Made(seed=number, classes=many))
    at = open_page("compare", ids="1,2")
    assert not at.exception
    assert "Set-up and cost" in screen(at)
    assert _charts(at) == 0
    at.session_state["near-parts"] = {"near": {"parts": ["quality-charts", "by-size-charts"], "number": 1}}
    at.run()
    assert 0 < _charts(at) < 13
    assert "What only one model does" in screen(at)
    assert "Small, medium and large objects" in screen(at)
    assert "Confusion matrix" not in screen(at)


def test_files_are_read_once(two: FakeServer, open_page: Open) -> None:
    open_page("compare", ids="3,4")
    before = two.calls.count("file-storage.download")
    open_page("compare", ids="4,3")
    assert two.calls.count("file-storage.download") == before


def test_a_missing_evaluation_file_is_named(two: FakeServer, open_page: Open) -> None:
    two.files = {
        path: content
        for path, content in two.files.items()
        if not path.endswith("3_Train YOLO v8 - 26/evaluation/cocoDt.json")
    }
    assert "“Bad one” has an evaluation without its COCO files." in screen(open_page("compare", ids="3,4"))


def test_present_opens_the_steps_of_the_same_experiments(two: FakeServer, open_page: Open) -> None:
    del two
    at = open_page("compare", ids="3,4", baseline="4", goal="recall-0.6")
    at.button(key="present").click().run()
    assert not at.exception
    assert at.query_params["ids"] in ("3,4", ["3,4"])
    assert at.query_params["baseline"] in ("4", ["4"])
    assert "Key metrics" not in screen(at)


def test_the_need_is_read_from_the_address(two: FakeServer, open_page: Open) -> None:
    del two
    text = screen(open_page("compare", ids="3,4", goal="recall-0.6", latency="11.5"))
    assert "Take “Bad one”: only it meets the need." in text
    assert "“Good one” needs 12.0 ± 0.4 ms for an image" in text


def test_a_need_that_is_none_is_told(two: FakeServer, open_page: Open) -> None:
    del two
    assert "“speed-3” is no goal." in screen(open_page("compare", ids="3,4", goal="speed-3"))


def test_unlike_experiments_are_scored_again_and_there_is_a_way_back(two: FakeServer, open_page: Open) -> None:
    add_evaluated(two, 6, "Fewer images", Made(seed=3, images=30, quality=0.9))
    at = open_page("compare", ids="3,6")
    text = screen(at)
    assert "All figures here are of the 30 images and 5 classes" in text
    assert "mAP on 30 common images" in text
    assert "“Bad one”: 10 of 40 images." in text
    at.segmented_control(key="compare-figures").set_value("As each was measured").run()
    assert not at.exception
    assert at.query_params["figures"] in ("measured", ["measured"])
    assert "cannot be ranked" in screen(at)
    assert "mAP on 40 images" in screen(at)
    at.segmented_control(key="compare-figures").set_value("Common images").run()
    assert "figures" not in at.query_params
    assert "mAP on 30 common images" in screen(at)


def test_decimals_are_those_of_the_whole_page(two: FakeServer, open_page: Open) -> None:
    del two
    at = open_page("compare", ids="3,4")
    at.segmented_control(key="metric-decimals").set_value("4").run()
    best = evaluation(GOOD).key_metrics.mAP
    assert f"has the highest mAP, {metric(best, 4)}" in screen(at)
    assert f">{metric(best)}<" not in screen(at)


def test_a_table_turned_over_has_a_row_for_each_experiment(two: FakeServer, open_page: Open) -> None:
    del two
    at = open_page("compare", ids="3,4")
    assert "cx-transposed cx-sortable" not in screen(at)
    at.segmented_control(key="rows-metrics").set_value("Experiments as rows").run()
    assert 'data-sort="Good one"' in screen(at)
    assert "cx-transposed cx-sortable" in screen(at)


def test_the_servers_own_report_is_refused_in_words(two: FakeServer, open_page: Open) -> None:
    add_experiment(two, 5, "Blind one")
    assert "“Blind one” has no evaluation on the server." in screen(open_page("compare", ids="3,5"))


def test_the_servers_own_report_is_opened_from_here(two: FakeServer, open_page: Open) -> None:
    task = two.add_task(8, "finished", description="Good one vs. Bad one")
    task["meta"]["output"] = {"general": {"titleUrl": "/model-benchmark?id=7"}}
    at = open_page("compare", ids="3,4", server_comparison="8")
    assert not at.exception
    assert "Good one vs. Bad one: the report is ready." in screen(at)
    links = [item.proto.url for item in at.get("link_button")]
    assert [link for link in links if link.endswith("/model-benchmark?id=7")]
