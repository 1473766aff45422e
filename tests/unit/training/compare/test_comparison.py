"""A comparison is made, or refused with what differs."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.evaluations import CLASSES, Made, speed_test_json, write_pair
from tests.training.run_folders import train_spec
from traindash.domain.ids import TaskId
from traindash.domain.task import ExitCause
from traindash.training.runs.events import EventWriter
from traindash.training.runs.spec import CompareResult, CompareSpec, EvaluationSource, RunLayout, write_spec
from traindash.training.trainers.compare.__main__ import work
from traindash.training.trainers.entry import RunError, StopSwitch


def source(tmp_path: Path, name: str, made: Made, task_type: str = "object detection") -> EvaluationSource:
    """Write an evaluation directory."""
    folder = tmp_path / name
    (folder / "evaluation").mkdir(parents=True)
    write_pair(folder / "evaluation", made)
    info = json.dumps({"task_type": task_type, "model_name": name})
    (folder / "evaluation" / "inference_info.json").write_text(info, encoding="utf-8")
    return EvaluationSource(path=f"/model-benchmark/1_P/{name}", folder=str(folder), label=name)


def compare(tmp_path: Path, *sources: EvaluationSource) -> tuple[CompareResult, RunLayout]:
    run = RunLayout(tmp_path / "run")
    spec = CompareSpec(
        task_id=TaskId(9), sources=sources, output_dir="/model-comparison/1_P/a vs b", server_address="http://x"
    )
    write_spec(run.spec, spec)
    return work(run, EventWriter(run.events), StopSwitch()), run


def refusal(tmp_path: Path, *sources: EvaluationSource) -> RunError:
    with pytest.raises(RunError) as caught:
        compare(tmp_path, *sources)
    assert caught.value.cause is ExitCause.BAD_INPUT
    assert caught.value.hint
    assert not (tmp_path / "run" / "evaluation").exists()
    return caught.value


def test_two_models_side_by_side(tmp_path: Path) -> None:
    first = source(tmp_path, "YOLO11s-det", Made(quality=0.9))
    speed = Path(first.folder) / "speedtest" / "speedtest.json"
    speed.parent.mkdir()
    speed.write_bytes(speed_test_json())
    result, run = compare(tmp_path, first, source(tmp_path, "YOLO26s-det", Made(quality=0.5, seed=3)))
    assert result.title == "YOLO11s-det vs. YOLO26s-det"
    page = (run.evaluation / "report.html").read_text(encoding="utf-8")
    assert "YOLO11s-det" in page
    assert "YOLO26s-det" in page
    assert (run.evaluation / "template.vue").is_file()
    assert json.loads((run.evaluation / "state.json").read_text(encoding="utf-8"))["title"] == result.title


def test_the_same_model_twice_can_be_told_apart(tmp_path: Path) -> None:
    first, second = source(tmp_path, "a", Made()), source(tmp_path, "b", Made(seed=2))
    same = (EvaluationSource(path=each.path, folder=each.folder, label="YOLO11s-det") for each in (first, second))
    assert compare(tmp_path, *same)[0].title == "YOLO11s-det (1) vs. YOLO11s-det (2)"


def unlike(tmp_path: Path) -> Iterator[tuple[EvaluationSource, str]]:
    """Yield evaluations that do not fit beside the first one, with what has to be said."""
    yield source(tmp_path, "task", Made(seed=1), "instance segmentation"), "instance segmentation"
    yield source(tmp_path, "images", Made(seed=1, images=39)), "ds/0040.jpg"
    yield source(tmp_path, "dataset", Made(seed=1, dataset="other")), "different images"
    yield source(tmp_path, "classes", Made(seed=1, classes=CLASSES[:-1])), CLASSES[-1]


@pytest.mark.parametrize("number", range(4))
def test_what_cannot_be_compared_is_refused_with_what_differs(tmp_path: Path, number: int) -> None:
    other, words = list(unlike(tmp_path))[number]
    error = refusal(tmp_path, source(tmp_path, "first", Made()), other)
    assert words in error.message
    assert "“first”" in error.message
    assert f"“{other.label}”" in error.message


def test_many_differences_are_not_all_listed(tmp_path: Path) -> None:
    error = refusal(tmp_path, source(tmp_path, "a", Made(images=40)), source(tmp_path, "b", Made(images=20)))
    assert "and 15 more are not in both" in error.message


def test_one_model_is_no_comparison(tmp_path: Path) -> None:
    assert "at least two" in refusal(tmp_path, source(tmp_path, "a", Made())).message


@pytest.mark.parametrize("name", ["inference_info.json", "cocoGt.json", "cocoDt.json"])
def test_an_incomplete_evaluation_is_refused(tmp_path: Path, name: str) -> None:
    broken = source(tmp_path, "b", Made(seed=1))
    (Path(broken.folder) / "evaluation" / name).unlink()
    assert "benchmark" in refusal(tmp_path, source(tmp_path, "a", Made()), broken).hint


def test_damaged_predictions_are_refused(tmp_path: Path) -> None:
    broken = source(tmp_path, "b", Made(seed=1))
    (Path(broken.folder) / "evaluation" / "cocoDt.json").write_text("{", encoding="utf-8")
    assert "cocoDt.json" in refusal(tmp_path, source(tmp_path, "a", Made()), broken).message


def test_a_training_is_no_comparison(tmp_path: Path) -> None:
    run = RunLayout(tmp_path / "run")
    write_spec(run.spec, train_spec(tmp_path))
    with pytest.raises(RunError, match="train"):
        work(run, EventWriter(run.events), StopSwitch())
