"""Which models an experiment has left, and how addresses name them."""

from dataclasses import replace

import pytest

from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import ProjectId, TaskId, TeamId
from traindash.errors import InputError
from traindash.experiments.models import WantedModel, models_of, read_wanted, write_wanted

INFO = ExperimentInfo(
    experiment_name="12 Fruit",
    framework_name="YOLO",
    model_name="YOLO26n-det",
    task_type="object detection",
    project_id=ProjectId(1),
    task_id=TaskId(12),
    model_files={},
    model_meta="model_meta.json",
    checkpoints=("checkpoints/last.pt", "checkpoints/best.pt"),
    best_checkpoint="best.pt",
    hyperparameters="hyperparameters.yaml",
    artifacts_dir="/experiments/1_Fruit/12_YOLO/",
    export={"ONNXRuntime": "export/best.onnx", "TensorRT": "export/best.engine"},
)


def test_the_best_checkpoint_comes_first_then_its_export_and_no_engine_of_a_gpu() -> None:
    found = models_of(INFO, TeamId(4))
    assert [one.key for one in found] == ["12", "12:export/best.onnx", "12:checkpoints/last.pt"]
    assert [one.kind for one in found] == ["", "ONNX", "last"]
    assert found[0].model.path == "/experiments/1_Fruit/12_YOLO/checkpoints/best.pt"


def test_records_of_other_programs_name_checkpoints_without_their_folder() -> None:
    bare = replace(INFO, checkpoints=("best.pt",), export={})
    assert [one.relative for one in models_of(bare, TeamId(4))] == ["checkpoints/best.pt"]


def test_addresses_come_back() -> None:
    written = write_wanted([("12", None), ("13:export/best.onnx", 0.4)])
    assert written == "12,13:export/best.onnx@0.4"
    assert read_wanted(written) == (
        WantedModel(task_id=TaskId(12)),
        WantedModel(task_id=TaskId(13), relative="export/best.onnx", confidence=0.4),
    )


@pytest.mark.parametrize("text", ["12@much", "12@0.01", "12@", "12, 12"])
def test_a_threshold_that_is_none_is_the_usual_one(text: str) -> None:
    assert read_wanted(text) == (WantedModel(task_id=TaskId(12)),)


@pytest.mark.parametrize("text", ["twelve", "-1", "12,best.pt"])
def test_what_names_no_model_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="names no model"):
        read_wanted(text)
