"""From the JSON of a request to types, or to a clear refusal."""

from typing import Any

import pytest

from traindash.domain.app_state import CatalogueName, CheckpointName, CompareState, RepeatState, StartState
from traindash.domain.ids import ProjectId
from traindash.domain.plan import (
    CollectionsSplit,
    DatasetsSplit,
    PretrainedModel,
    RandomSplit,
    TagsSplit,
    TrainingPlan,
    TrainValSplit,
)
from traindash.errors import InputError
from traindash.platform.tasks.request import (
    module_of,
    parse_body,
    parse_compare_state,
    parse_gui_state,
    parse_model,
    parse_train_state,
)

MODEL = PretrainedModel(framework="YOLO", name="YOLO26s-det")


def gui_state(**changes: object) -> dict[str, Any]:
    """Return a ``guiState`` as the SDK sends it."""
    return {
        "model": {"source": "Pretrained models", "model_name": "YOLO26s-det"},
        "classes": ["person", "car"],
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
        **changes,
    }


def body(**changes: object) -> dict[str, Any]:
    """Return a body of ``tasks.run.app`` as the SDK sends it."""
    return {
        "agentId": 117,
        "workspaceId": 254,
        "description": "YOLO26s-det",
        "params": {"state": {"slyProjectId": 1}},
        "logLevel": "info",
        "usersIds": [],
        "appVersion": "",
        "isBranch": False,
        "taskName": "pythonSpawned",
        "restartPolicy": "never",
        "proxyKeepUrl": False,
        "advancedSettings": {"limitByWorkspace": False},
        "moduleId": 1201,
        **changes,
    }


def parse(state: dict[str, Any]) -> TrainingPlan:
    """Read a whole state."""
    parse_model(state)
    return parse_gui_state(state, project_id=ProjectId(1), model=MODEL)


def test_what_the_sdk_sends_by_default() -> None:
    assert parse_model(gui_state()) == CatalogueName(model_name="YOLO26s-det")
    request = parse(gui_state())
    assert (request.project_id, request.model) == (1, MODEL)
    assert request.classes == ("person", "car")
    assert request.train_val_split == RandomSplit(percent=80, split="train")
    assert request.hyperparameters is None
    assert request.experiment_name is None
    assert request.autostart
    assert (request.enable_benchmark, request.enable_speedtest) == (True, False)
    assert (request.export_onnx, request.export_tensorrt) == (False, False)


@pytest.mark.parametrize(
    ("wire", "split"),
    [
        ({"method": "random", "split": "val", "percent": 1}, RandomSplit(percent=1, split="val")),
        (
            {"method": "datasets", "train_datasets": [1, 2], "val_datasets": [3]},
            DatasetsSplit(train_datasets=(1, 2), val_datasets=(3,)),  # type: ignore[arg-type]
        ),
        (
            {"method": "tags", "train_tag": "a", "val_tag": "b", "untagged_action": "ignore"},
            TagsSplit(train_tag="a", val_tag="b", untagged_action="ignore"),
        ),
        (
            {"method": "collections", "train_collections": [5], "val_collections": [6]},
            CollectionsSplit(train_collections=(5,), val_collections=(6,)),  # type: ignore[arg-type]
        ),
    ],
)
def test_splits(wire: dict[str, object], split: TrainValSplit) -> None:
    assert parse(gui_state(train_val_split=wire)).train_val_split == split


def test_a_checkpoint_of_an_experiment() -> None:
    model = {"source": "Custom models", "task_id": 456, "checkpoint": "best.pt"}
    assert parse_model(gui_state(model=model)) == CheckpointName(task_id=456, checkpoint="best.pt")  # type: ignore[arg-type]


def test_a_speed_test_needs_and_brings_the_benchmark() -> None:
    options = {"model_benchmark": {"enable": False, "speed_test": True}}
    assert parse(gui_state(options=options)).enable_benchmark


def test_missing_options_are_the_sdks_defaults() -> None:
    request = parse({key: value for key, value in gui_state().items() if key != "options"})
    assert (request.convert_class_shapes, request.enable_benchmark, request.cache_project) == (True, True, True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train_val_split": {"method": "random", "split": "train", "percent": 0}}, "percent"),
        ({"train_val_split": {"method": "random", "split": "train", "percent": 100}}, "percent"),
        ({"train_val_split": {"method": "random", "split": "train", "percent": 80.5}}, "percent"),
        ({"train_val_split": {"method": "random", "split": "train", "percent": True}}, "percent"),
        ({"train_val_split": {"method": "random", "split": "test", "percent": 80}}, "split"),
        ({"train_val_split": {"method": "folders"}}, "train_val_split"),
        ({"train_val_split": {"method": "datasets", "train_datasets": [], "val_datasets": [1]}}, "train_datasets"),
        ({"train_val_split": {"method": "datasets", "train_datasets": [1]}}, "val_datasets"),
        (
            {"train_val_split": {"method": "tags", "train_tag": "", "val_tag": "b", "untagged_action": "val"}},
            "train_tag",
        ),
        ({"train_val_split": {"method": "tags", "train_tag": "a", "val_tag": "b"}}, "untagged_action"),
        ({"train_val_split": {"method": "collections", "train_collections": ["1"], "val_collections": [2]}}, "train_c"),
        ({"model": {"source": "Pretrained models"}}, "model_name"),
        ({"model": {"source": "elsewhere"}}, "model"),
        ({"model": {"source": "Custom models", "task_id": 1, "checkpoint": "../best.pt"}}, "not a file name"),
        ({"options": {"cache_project": "yes"}}, "cache_project"),
        ({"classes": "person"}, "classes"),
        ({"hyperparameters": "epochs: [1\nbatch: 2"}, "line 1"),
        ({"hyperparameters": "epochs"}, "name: value"),
        ({"hyperparameters": ""}, "name: value"),
        ({"hyperparameters": "- 1"}, "name: value"),
        ({"hyperparameters": "1: 2"}, "name: value"),
        ({"hyperparameters": "when: 2026-13-45"}, "YAML"),
        ({"hyperparameters": "x: \x00"}, "YAML"),
        ({"hyperparameters": "a: " + "x" * 1_000_001}, "longer than"),
        ({"experiment_name": "a/b"}, "slash"),
        ({"experiment_name": "a\\b"}, "slash"),
        ({"experiment_name": "a\nb"}, "control character"),
        ({"experiment_name": "a" * 256}, "longer than"),
    ],
)
def test_refusals_name_what_is_wrong(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        parse(gui_state(**changes))
    assert caught.value.hint


def test_an_empty_experiment_name_means_the_default() -> None:
    assert parse(gui_state(experiment_name="  ")).experiment_name is None


def test_states_of_the_train_app() -> None:
    fresh = parse_train_state({"slyProjectId": 1, "guiState": {}})
    repeat = parse_train_state({"slyProjectId": 1, "trainTaskId": 4, "trainMode": "continue"})
    assert isinstance(fresh, StartState)
    assert isinstance(repeat, RepeatState)
    assert (repeat.task_id, repeat.mode) == (4, "continue")


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"slyProjectId": "1", "guiState": {}},
        {"slyProjectId": 1, "trainTaskId": 1, "trainMode": "x"},
    ],
)
def test_states_that_are_none(state: dict[str, object]) -> None:
    with pytest.raises(InputError):
        parse_train_state(state)


def test_state_of_a_comparison() -> None:
    assert parse_compare_state({"eval_dirs": ["/a"]}) == CompareState(eval_dirs=("/a",))
    with pytest.raises(InputError, match="eval_dirs"):
        parse_compare_state({"eval_dirs": []})


def test_the_body_the_sdk_sends() -> None:
    wire = parse_body(body())
    assert (wire.agent_id, wire.workspace_id, module_of(wire)) == (117, 254, 1201)
    assert parse_body(body(agentId=None)).agent_id is None
    assert module_of(parse_body(body(moduleId=None, appId=7))) == 7


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"workspaceId": None}, "workspaceId"),
        ({"agentId": "117"}, "agentId"),
        ({"description": "x" * 256}, "description"),
        ({"logLevel": "loud"}, "logLevel"),
        ({"restartPolicy": "always"}, "restartPolicy"),
        ({"params": {}}, "params.state"),
    ],
)
def test_bodies_that_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_body(body(**changes))


def test_a_body_without_an_app() -> None:
    with pytest.raises(InputError, match="moduleId"):
        module_of(parse_body(body(moduleId=None)))


def test_a_body_that_is_no_object() -> None:
    with pytest.raises(InputError):
        parse_body([1])
