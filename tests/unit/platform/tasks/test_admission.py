"""What is taken in, and what is refused with which words."""

import json
from pathlib import Path

import pytest

from tests.fakes.small_platform import SmallPlatform
from traindash.domain.ids import TaskId, TeamId
from traindash.domain.task import TaskStatus
from traindash.errors import AppError, InputError, NotFoundError, StateError
from traindash.platform.modules import COMPARE_SLUG
from traindash.platform.tasks.admission import Admission, check_evaluations


def submit(platform: SmallPlatform, **changes: object) -> TaskId:
    """Take a training in whose ``guiState`` has the changes."""
    return Admission(platform.services).submit(platform.body(state=platform.state(**changes))).id


def add_experiment(platform: SmallPlatform, scratch: Path, task_id: int = 456, framework: str = "YOLO") -> str:
    """Put an experiment into Team Files as an earlier training leaves it."""
    folder = f"/experiments/1_Shapes/{task_id}_{framework}"
    record = {
        "experiment_name": "Earlier",
        "framework_name": framework,
        "model_name": "YOLO11n-det",
        "task_type": "object detection",
        "project_id": 1,
        "task_id": task_id,
        "artifacts_dir": folder + "/",
        "model_files": {},
        "model_meta": "model_meta.json",
        "checkpoints": ["checkpoints/best.pt", "checkpoints/last.pt"],
        "best_checkpoint": "best.pt",
        "evaluation_metrics": {"mAP": float("nan"), "f1": None},  # as apps write them
        "hyperparameters": "hyperparameters.yaml",
        "app_state": "app_state.json",
    }
    state = {key: value for key, value in _gui(platform).items() if key not in {"experiment_name", "start_training"}}
    contents = {
        "experiment_info.json": json.dumps(record),
        "app_state.json": json.dumps(state),
        "checkpoints/best.pt": "weights",
        "checkpoints/last.pt": "weights",
        "export/best.onnx": "graph",
    }
    for name, text in contents.items():
        source = scratch / "content"
        source.write_text(text, encoding="utf-8")
        platform.services.files.put(TeamId(1), f"{folder}/{name}", source)
    return folder


def _gui(platform: SmallPlatform) -> dict[str, object]:
    gui = platform.state()["guiState"]
    assert isinstance(gui, dict)
    return gui


def test_a_training_is_queued(platform: SmallPlatform) -> None:
    task = platform.task(submit(platform))
    assert task.status is TaskStatus.QUEUED
    assert task.kind == "train"
    assert task.app_name == "Train YOLO v8 - 26"
    assert task.request.state == platform.state()
    assert task.agent_id is None
    assert platform.services.tasks.queue_position(task) == 1
    assert platform.messages(task.id) == ["Waiting for a free agent."]


def test_one_that_shall_not_start_by_itself_does_not_queue(platform: SmallPlatform) -> None:
    task = platform.task(submit(platform, start_training=False))
    assert platform.services.tasks.queue_position(task) is None


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"model": {"source": "Pretrained models", "model_name": "NOPE-det"}}, NotFoundError, "NOPE-det"),
        ({"model": {"source": "Custom models", "task_id": 9, "checkpoint": "best.pt"}}, NotFoundError, "Task 9"),
        ({"classes": []}, InputError, "No class"),
        ({"classes": ["box", "cat"]}, InputError, "no class 'cat'"),
        ({"options": {"convert_class_shapes": False}}, InputError, r"blob \(polygon\)"),
        ({"hyperparameters": "a: ["}, InputError, "not valid YAML"),
        ({"train_val_split": {"method": "random", "split": "train", "percent": 1}}, InputError, "training"),
        ({"experiment_name": "a/b"}, InputError, "slash"),
    ],
)
def test_refused_states(platform: SmallPlatform, changes: dict[str, object], error: type[AppError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        submit(platform, **changes)
    assert caught.value.hint
    assert platform.services.tasks.open_tasks() == ()


@pytest.mark.parametrize(
    ("key", "value", "error", "words"),
    [
        ("workspaceId", 99, NotFoundError, "workspace 99"),
        ("moduleId", 99, NotFoundError, "99"),
        ("agentId", 99, InputError, "Agent 99"),
        ("description", "x" * 256, InputError, "description"),
    ],
)
def test_refused_bodies(platform: SmallPlatform, key: str, value: object, error: type[AppError], words: str) -> None:
    with pytest.raises(error, match=words):
        Admission(platform.services).submit({**platform.body(), key: value})


def test_an_unknown_project(platform: SmallPlatform) -> None:
    state = {**platform.state(), "slyProjectId": 99}
    with pytest.raises(NotFoundError, match="project 99"):
        Admission(platform.services).submit(platform.body(state=state))


def test_suitable_shapes_need_no_conversion(platform: SmallPlatform) -> None:
    assert submit(platform, classes=["box"], options={"convert_class_shapes": False})


def test_names_of_models_are_found_in_any_case(platform: SmallPlatform) -> None:
    assert submit(platform, model={"source": "Pretrained models", "model_name": "yolo26N-DET"})


def test_tensorrt_without_gpu_is_taken_in(platform: SmallPlatform) -> None:
    assert submit(platform, options={"export": {"enable": True, "ONNXRuntime": False, "TensorRT": True}})


@pytest.mark.parametrize("name", ["best.pt", "last.pt", "best.onnx"])
def test_a_checkpoint_of_an_experiment(platform: SmallPlatform, tmp_path: Path, name: str) -> None:
    add_experiment(platform, tmp_path)
    assert submit(platform, model={"source": "Custom models", "task_id": 456, "checkpoint": name})


def test_a_checkpoint_that_is_not_there(platform: SmallPlatform, tmp_path: Path) -> None:
    add_experiment(platform, tmp_path)
    with pytest.raises(NotFoundError, match=r"no checkpoint 'epoch9\.pt'") as caught:
        submit(platform, model={"source": "Custom models", "task_id": 456, "checkpoint": "epoch9.pt"})
    assert "best.pt, last.pt" in caught.value.hint


def test_a_checkpoint_of_another_framework(platform: SmallPlatform, tmp_path: Path) -> None:
    add_experiment(platform, tmp_path, framework="DEIM")
    with pytest.raises(InputError, match="DEIM"):
        submit(platform, model={"source": "Custom models", "task_id": 456, "checkpoint": "best.pt"})


@pytest.mark.parametrize(("mode", "source"), [("continue", "Custom models"), ("new", "Pretrained models")])
def test_an_earlier_experiment_again(platform: SmallPlatform, tmp_path: Path, mode: str, source: str) -> None:
    add_experiment(platform, tmp_path)
    state = {"trainTaskId": 456, "trainMode": mode, "slyProjectId": 1}
    task = Admission(platform.services).submit(platform.body(state=state))
    assert task.autostart
    assert task.request.state == state
    used = task.settings["guiState"]
    assert isinstance(used, dict)
    assert used["model"]["source"] == source
    assert used["classes"] == ["box", "blob"]


def test_again_without_an_experiment(platform: SmallPlatform) -> None:
    state = {"trainTaskId": 3, "trainMode": "new", "slyProjectId": 1}
    with pytest.raises(NotFoundError, match="Task 3"):
        Admission(platform.services).submit(platform.body(state=state))


def test_the_start_button(platform: SmallPlatform) -> None:
    task_id = submit(platform, start_training=False)
    Admission(platform.services).release(task_id, {**_gui(platform), "classes": ["box"]})
    task = platform.task(task_id)
    assert task.autostart
    assert task.queue_order == 1
    used = task.settings["guiState"]
    assert isinstance(used, dict)
    assert used["classes"] == ["box"]
    with pytest.raises(StateError, match="does not wait"):
        Admission(platform.services).release(task_id)


def test_the_start_button_with_settings_that_cannot_be_used(platform: SmallPlatform) -> None:
    task_id = submit(platform, start_training=False)
    with pytest.raises(InputError, match="No class"):
        Admission(platform.services).release(task_id, {"classes": []})
    assert not platform.task(task_id).autostart


def compare_body(platform: SmallPlatform, folders: list[str]) -> dict[str, object]:
    """Return a body that starts a comparison."""
    module = platform.services.modules.by_slug(COMPARE_SLUG)
    return {**platform.body(state={"eval_dirs": folders}), "moduleId": int(module.id)}


def add_evaluation(platform: SmallPlatform, scratch: Path, folder: str) -> str:
    """Put a finished evaluation into Team Files."""
    for name in ("evaluation/cocoGt.json", "evaluation/cocoDt.json", "visualizations/template.vue"):
        source = scratch / "content"
        source.write_text("{}", encoding="utf-8")
        platform.services.files.put(TeamId(1), f"{folder}/{name}", source)
    return folder


def test_a_comparison_is_queued(platform: SmallPlatform, tmp_path: Path) -> None:
    folders = [add_evaluation(platform, tmp_path, f"/model-benchmark/1_Shapes/{n}_Train") for n in (1, 2)]
    task = Admission(platform.services).submit(compare_body(platform, [folders[0] + "/", folders[1]]))
    assert (task.kind, task.project_id) == ("compare", None)
    assert task.settings["evaluations"] == folders


def test_comparisons_that_are_refused(platform: SmallPlatform, tmp_path: Path) -> None:
    first = add_evaluation(platform, tmp_path, "/model-benchmark/1_Shapes/1_Train")
    foreign = add_evaluation(platform, tmp_path, "/model-benchmark/2_Other/2_Train")
    for folders, words in (
        ([first, foreign], "different projects"),
        (["/experiments/1_Shapes/1_YOLO"], "not an evaluation directory"),
        (["/model-benchmark/1_Shapes"], "not an evaluation directory"),
        ([first, "/model-benchmark/1_Shapes/9_Train"], "has no evaluation/cocoGt.json"),
        ([], "eval_dirs"),
    ):
        with pytest.raises(AppError, match=words):
            Admission(platform.services).submit(compare_body(platform, folders))


def test_the_same_evaluation_counts_once(platform: SmallPlatform, tmp_path: Path) -> None:
    first = add_evaluation(platform, tmp_path, "/model-benchmark/1_Shapes/1_Train")
    assert check_evaluations(platform.services, TeamId(1), (first, first + "/")) == (first,)
