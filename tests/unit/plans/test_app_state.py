"""A plan as the state that a task is started with, and back."""

import json
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given

from tests.unit.plans.plans import ARTIFACTS, META, experiment, plans
from traindash.domain.app_state import read_split
from traindash.domain.ids import DatasetId, ProjectId, TaskId
from traindash.domain.plan import (
    CollectionsSplit,
    CustomCheckpoint,
    DatasetsSplit,
    PretrainedModel,
    RandomSplit,
    TagsSplit,
    TrainingPlan,
    TrainValSplit,
)
from traindash.errors import InputError
from traindash.plans.app_state import (
    CheckpointOrigin,
    canonical,
    read_gui_state,
    read_start_state,
    split_checkpoint_path,
    start_state,
)

PLAN = TrainingPlan(project_id=ProjectId(6), model=PretrainedModel(framework="YOLO", name="YOLO26s-det"))


def _origin(plan: TrainingPlan) -> CheckpointOrigin | None:
    if isinstance(plan.model, PretrainedModel):
        return None
    return CheckpointOrigin(file_name=PurePosixPath(plan.model.path).name, experiment=experiment())


def _locate(task_id: TaskId, name: str) -> str | None:
    folder = "checkpoints" if name.endswith((".pt", ".pth")) else "export"
    return f"{ARTIFACTS}/{folder}/{name}" if task_id == 456 else None


@given(plan=plans)
def test_a_plan_comes_back_from_its_state(plan: TrainingPlan) -> None:
    framework = plan.model.framework if isinstance(plan.model, PretrainedModel) else "YOLO"
    state = json.loads(json.dumps(start_state(plan, META, _origin(plan))))
    found = read_start_state(state, framework=framework, locate=_locate)
    assert found == replace(canonical(plan, META), agent_id=None, description=None)


def test_the_state_of_the_smallest_plan_is_the_one_of_the_contract() -> None:
    assert start_state(PLAN, META) == {
        "slyProjectId": 6,
        "guiState": {
            "model": {"source": "Pretrained models", "model_name": "YOLO26s-det"},
            "classes": [item.name for item in META.classes],
            "train_val_split": {"method": "random", "split": "train", "percent": 80},
            "hyperparameters": None,
            "options": {
                "convert_class_shapes": True,
                "model_benchmark": {"enable": True, "speed_test": False},
                "cache_project": True,
                "export": {"enable": False, "ONNXRuntime": False, "TensorRT": False},
            },
            "experiment_name": None,
            "start_training": True,
        },
    }


def test_classes_are_filtered_and_ordered_as_the_project_has_them() -> None:
    plan = TrainingPlan(project_id=ProjectId(6), model=PLAN.model, classes=("car", "unknown", "person"))
    gui: Any = start_state(plan, META)["guiState"]
    assert gui["classes"] == ["person", "car"]


def test_a_speed_test_switches_the_benchmark_on_and_tensorrt_the_export() -> None:
    plan = TrainingPlan(
        project_id=ProjectId(6), model=PLAN.model, enable_benchmark=False, enable_speedtest=True, export_tensorrt=True
    )
    gui: Any = start_state(plan, META)["guiState"]
    assert gui["options"]["model_benchmark"] == {"enable": True, "speed_test": True}
    assert gui["options"]["export"] == {"enable": True, "ONNXRuntime": False, "TensorRT": True}


def test_a_custom_checkpoint_is_named_by_its_task_and_file() -> None:
    plan = TrainingPlan(project_id=ProjectId(6), model=CustomCheckpoint(path=f"{ARTIFACTS}/checkpoints/best.pt"))
    gui: Any = start_state(plan, META, _origin(plan))["guiState"]
    assert gui["model"] == {"source": "Custom models", "task_id": 456, "checkpoint": "best.pt"}
    with pytest.raises(InputError, match=r"best\.pt is not known"):
        start_state(plan, META)


@pytest.mark.parametrize(
    ("state", "split"),
    [
        ({"method": "random", "split": "val", "percent": 30}, RandomSplit(percent=30, split="val")),
        ({"method": "Random", "split": "train", "percent": 80}, RandomSplit()),
        (
            {"method": "based on datasets", "train_datasets": [1], "val_datasets": [2]},
            DatasetsSplit(train_datasets=(DatasetId(1),), val_datasets=(DatasetId(2),)),
        ),
        (
            {"method": "based on collections", "train_collections": [], "val_collections": [2], "extra": 1},
            CollectionsSplit(train_collections=(), val_collections=(2,)),  # type: ignore[arg-type]
        ),
        (
            {"method": "based on item tags", "train_tag": "a", "val_tag": "b", "untagged_action": "val"},
            TagsSplit(train_tag="a", val_tag="b", untagged_action="val"),
        ),
        (
            {"method": "Based on tags", "train_tag": "a", "val_tag": "b", "untagged_action": "train"},
            TagsSplit(train_tag="a", val_tag="b", untagged_action="train"),
        ),
    ],
)
def test_both_spellings_of_a_split_are_read(state: dict[str, Any], split: TrainValSplit) -> None:
    assert read_split(state) == split


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"method": "based on item tags"}, "split by tags cannot be read: “train_tag”"),
        ({"method": "by moonlight"}, "“by moonlight” is not known"),
        ({}, "“None” is not known"),
        ({"method": "random", "split": "train", "percent": 100}, "percent"),
        ({"method": "datasets", "train_datasets": ["x"], "val_datasets": None}, "train_datasets"),
    ],
)
def test_a_split_that_says_too_little_is_refused(state: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_split(state)


def test_the_file_of_an_experiment_has_no_name_and_no_start_flag() -> None:
    gui: Any = start_state(PLAN, META)["guiState"]
    kept = {key: value for key, value in gui.items() if key not in {"start_training", "experiment_name"}}
    plan = read_gui_state({**kept, "tags": []}, project_id=ProjectId(9), framework="YOLO", locate=_locate)
    assert (plan.project_id, plan.autostart, plan.experiment_name) == (9, True, None)
    assert plan.classes == tuple(item.name for item in META.classes)


def test_an_older_state_without_options_gets_the_defaults() -> None:
    gui = {"model": {"source": "Pretrained models", "model_name": "X"}, "train_val_split": RANDOM}
    plan = read_gui_state(gui, project_id=ProjectId(6), framework="YOLO", locate=_locate)
    assert plan == TrainingPlan(project_id=ProjectId(6), model=PretrainedModel(framework="YOLO", name="X"))


RANDOM = {"method": "random", "split": "train", "percent": 80}


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"trainTaskId": 4, "trainMode": "new", "slyProjectId": 6}, "guiState"),
        ({"slyProjectId": 6, "guiState": {"train_val_split": RANDOM}}, "model"),
        ({"slyProjectId": 6, "guiState": {"model": {"source": "Stars"}, "train_val_split": RANDOM}}, "“Stars”"),
        (
            {
                "slyProjectId": 6,
                "guiState": {
                    "model": {"source": "Custom models", "task_id": 1, "checkpoint": "best.pt"},
                    "train_val_split": RANDOM,
                },
            },
            "not there any more",
        ),
    ],
)
def test_a_state_that_is_no_plan_is_refused(state: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_start_state(state, framework="YOLO", locate=_locate)


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/experiments/6_P/9_YOLO/checkpoints/best.pt", ("/experiments/6_P/9_YOLO", "best.pt")),
        ("experiments/6_P/9_YOLO/checkpoints/x.pth", ("/experiments/6_P/9_YOLO", "x.pth")),
        ("/experiments/6_P/9_YOLO/export/best.onnx", ("/experiments/6_P/9_YOLO", "best.onnx")),
        ("/experiments/6_P/9_YOLO/export/best.engine", ("/experiments/6_P/9_YOLO", "best.engine")),
    ],
)
def test_checkpoint_paths(path: str, parts: tuple[str, str]) -> None:
    assert split_checkpoint_path(path) == parts


@pytest.mark.parametrize(
    "path",
    [
        "/experiments/6_P/9_YOLO/checkpoints/best.zip",
        "/experiments/6_P/9_YOLO/best.pt",
        "/experiments/6_P/9_YOLO/checkpoints/best.onnx",
        "/yolov8_train/checkpoints/best.pt",
        "/experiments/6_P/checkpoints/x/checkpoints/best.pt",
        "/experiments/6_P/checkpoints/deep/best.pt",
    ],
)
def test_paths_that_are_no_checkpoints(path: str) -> None:
    with pytest.raises(InputError, match="checkpoint"):
        split_checkpoint_path(path)
