"""Experiments of frameworks that leave no mAP and no results.csv, as a real server has them."""

from typing import Any

from tests.app.results.conftest import Open, add_evaluated, screen
from tests.fakes.evaluations import Made
from tests.fakes.event_files import detr_events
from tests.fakes.pixels import CLASSES, add_semantic
from tests.fakes.server import FakeServer, event


def _iterations(server: FakeServer, task_id: int, done: int) -> None:
    """Write what MaskDINO's app writes into its log: it counts iterations and tells no phases and no figures."""
    server.add_task(task_id, "started", description="R50-90k")
    server.logs[task_id] = [event(5, "Training started for 5000 iterations")]
    for current in range(1, done + 1):
        counted: dict[str, Any] = {"subtask": "Iterations", "current": current, "total": 5000}
        server.logs[task_id].append(event(5 + current / 2, event_type="EventType.PROGRESS", **counted))


def test_a_training_that_counts_iterations_has_no_cards_of_a_detector(server: FakeServer, open_page: Open) -> None:
    _iterations(server, 2, 40)
    at = open_page("task", task="2")
    assert not at.exception
    shown = {item.label: item.value for item in at.metric}
    assert (shown["Iterations done"], shown["Time for one iteration"]) == ("40", "500 ms")
    assert not any("mAP" in label for label in shown)
    text = screen(at)
    assert "Training, iteration 41 of 5,000" in text
    assert "reports no figures while it trains" in text


def test_a_finished_semantic_segmentation(server: FakeServer, open_page: Open) -> None:
    add_semantic(server, 1, "Dino")
    at = open_page("task", task="1")
    assert not at.exception
    shown = {item.label: item.value for item in at.metric}
    assert shown["mIoU"] == "0.793"
    assert {"Boundary IoU", "Pixel accuracy"} <= shown.keys()
    assert not any("mAP" in label for label in shown)
    assert "IoU of each class" in screen(at)
    # the classes, and the curves that TensorBoard's event files hold: mIoU, three losses, the learning rate
    assert len(at.get("echarts_chart")) == 1 + 5


def test_semantic_segmentations_are_compared_by_their_mean_iou(server: FakeServer, open_page: Open) -> None:
    add_semantic(server, 1, "Dino")
    add_semantic(server, 2, "Dino, longer", {name: min(1.0, value + 0.04) for name, value in CLASSES.items()})
    at = open_page("compare", ids="1,2")
    assert not at.exception
    text = screen(at)
    assert "“Dino, longer” has the highest mIoU, 0.833" in text
    assert "Gained and lost" not in text
    assert "Mistakes" not in text
    assert "mAP" not in text


def test_a_detector_beside_a_semantic_segmentation_says_why_not(server: FakeServer, open_page: Open) -> None:
    add_semantic(server, 1, "Dino")
    add_evaluated(server, 2, "Yolo", Made())
    at = open_page("compare", ids="1,2")
    assert not at.exception
    text = screen(at)
    assert "These models do different work and cannot be ranked." in text
    assert "No number of one says anything about the other." in text


def test_the_list_shows_the_figures_that_its_experiments_have(server: FakeServer, open_page: Open) -> None:
    add_semantic(server, 1, "Dino")
    (table,) = open_page("experiments").dataframe
    assert "metric:mIoU" in table.value.columns
    assert "metric:mAP" not in table.value.columns
    add_evaluated(server, 2, "Yolo", Made())


def test_event_files_give_the_curves_of_a_detector(server: FakeServer, open_page: Open) -> None:
    add_evaluated(server, 2, "Detr", Made(), framework_name="RT-DETRv2", model_name="RT-DETRv2-S")
    folder = "/experiments/55_Still life/2_YOLO"
    del server.files[f"{folder}/ultralytics/results.csv"]
    server.files[f"{folder}/logs/events.out.tfevents.1"] = detr_events()
    server.logs[2] = []
    at = open_page("task", task="2")
    assert not at.exception
    # mAP, AP50, AP75, three losses, the learning rate
    assert len(at.get("echarts_chart")) == 7


def test_an_experiment_without_curves_says_so(server: FakeServer, open_page: Open) -> None:
    add_evaluated(server, 2, "Bare", Made())
    del server.files["/experiments/55_Still life/2_YOLO/ultralytics/results.csv"]
    server.logs[2] = []
    at = open_page("task", task="2")
    assert not at.exception
    assert "left no curves of its training" in screen(at)


def test_an_exported_file_that_works_worse_is_told(server: FakeServer, open_page: Open) -> None:
    score = {"metric": "mAP", "score": 0.5, "checkpoint_score": 0.6, "images": 40}
    add_evaluated(server, 2, "Exported", Made(), export_scores={"ONNXRuntime": score})
    at = open_page("task", task="2")
    assert not at.exception
    assert {item.label: item.value for item in at.metric}["mAP of the ONNX file"] == "0.500"
    assert "The exported ONNX model works worse than its checkpoint." in screen(at)
    at = open_page("compare", ids="2")
    assert "mAP of the ONNX file" in screen(at)
