"""Run folders: what a trainer is given."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import FAKE_TRAINER
from tests.fakes.small_platform import ADDRESS, TRAIN_IMAGES, VAL_IMAGES, SmallPlatform, tiny_project
from tests.unit.platform.tasks.test_admission import add_evaluation, add_experiment, compare_body
from traindash.domain.ids import TaskId, TeamId
from traindash.domain.project import ObjectClass
from traindash.domain.task import TaskStatus
from traindash.errors import NotFoundError
from traindash.platform.agents import LocalAgent
from traindash.platform.tasks.admission import Admission
from traindash.platform.tasks.frozen import frozen_training
from traindash.platform.tasks.preparation import file_name, prepare
from traindash.platform.tasks.resuming import can_resume, source_of
from traindash.platform.tasks.training import resolve_training
from traindash.training.runs.spec import CompareSpec, RunLayout, TrainSpec, read_images, read_spec


def agent(platform: SmallPlatform) -> LocalAgent:
    """Return the first agent."""
    return platform.services.agents.all()[0]


def prepared(platform: SmallPlatform, **changes: object) -> tuple[TrainSpec, RunLayout]:
    """Take a training in and write its run folder."""
    task = Admission(platform.services).submit(platform.body(state=platform.state(**changes)))
    assert prepare(platform.services, task, agent(platform)) == FAKE_TRAINER
    run = platform.services.layout.run(task.id)
    spec = read_spec(run.spec)
    assert isinstance(spec, TrainSpec)
    return spec, run


def test_everything_is_resolved(platform: SmallPlatform) -> None:
    spec, run = prepared(platform)
    task_id = int(spec.task_id)
    assert run.root == platform.services.layout.runs / str(task_id)
    assert (spec.framework, spec.app_name) == ("YOLO", "Train YOLO v8 - 26")
    assert (spec.model_name, spec.base_checkpoint, spec.custom_weights) == ("YOLO26n-det", "yolo26n.pt", None)
    assert spec.classes == ("box", "blob")
    assert spec.experiment_name == f"{task_id} Shapes YOLO26n-det"
    assert spec.artifacts_dir == f"/experiments/1_Shapes/{task_id}_YOLO/"
    assert spec.evaluation_dir == f"/model-benchmark/1_Shapes/{task_id}_Train YOLO v8 - 26"
    assert spec.project_version == {"id": 1, "version": 1}
    assert spec.train_dataset_ids == (platform.dataset("train"),)
    assert spec.val_dataset_ids == (platform.dataset("val"),)
    assert (spec.server_address, spec.device, spec.threads) == (ADDRESS, "cpu", 1)
    assert not spec.offline


def test_images_have_files_annotations_and_sides(platform: SmallPlatform) -> None:
    _, run = prepared(platform)
    images = list(read_images(run.images))
    assert [image.sides for image in images] == [("train",)] * TRAIN_IMAGES + [("val",)] * VAL_IMAGES
    assert {image.dataset_name for image in images} == {"train", "val"}
    for image in images:
        assert Path(image.path).is_file()
        objects = image.annotation["objects"]
        assert isinstance(objects, list)
        assert len(objects) == 2


def test_classes_have_the_order_of_the_project(platform: SmallPlatform) -> None:
    spec, _ = prepared(platform, classes=["blob", "box", "blob"])
    assert spec.classes == ("box", "blob")


def test_defaults_are_written_out(platform: SmallPlatform) -> None:
    spec, _ = prepared(platform, hyperparameters=None, options={})
    assert "epochs:" in spec.hyperparameters
    assert spec.app_state["hyperparameters"] == spec.hyperparameters
    assert spec.app_state["options"] == {
        "convert_class_shapes": True,
        "model_benchmark": {"enable": True, "speed_test": False},
        "cache_project": True,
        "export": {"enable": False, "ONNXRuntime": False, "TensorRT": False},
    }


@pytest.mark.parametrize(("name", "used"), [("last.pt", "last.pt"), ("best.onnx", "best.pt")])
def test_a_checkpoint_to_start_from(platform: SmallPlatform, tmp_path: Path, name: str, used: str) -> None:
    add_experiment(platform, tmp_path)
    spec, _ = prepared(platform, model={"source": "Custom models", "task_id": 456, "checkpoint": name})
    assert spec.custom_weights is not None
    assert Path(spec.custom_weights).name == used
    assert Path(spec.custom_weights).read_text(encoding="utf-8") == "weights"
    assert (spec.model_name, spec.base_checkpoint) == ("YOLO11n-det", used)
    said = [message for message in platform.messages(spec.task_id) if "exported" in message]
    assert bool(said) == (name != used)


def test_folders_that_are_taken_are_not_written_to(platform: SmallPlatform, tmp_path: Path) -> None:
    source = tmp_path / "x"
    source.write_text("x", encoding="utf-8")
    platform.services.files.put(TeamId(1), "/experiments/1_Shapes/1_YOLO/note.txt", source)
    platform.services.files.put(TeamId(1), "/experiments/1_Shapes/1_YOLO_001/note.txt", source)
    spec, _ = prepared(platform)
    assert spec.artifacts_dir == "/experiments/1_Shapes/1_YOLO_002/"


def test_preparing_again_leaves_nothing_of_the_first_time(platform: SmallPlatform) -> None:
    spec, run = prepared(platform)
    for path in (run.events, run.output, run.result, run.artifacts / "checkpoints" / "best.pt", run.work / "x"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("old", encoding="utf-8")
    prepare(platform.services, platform.task(spec.task_id), agent(platform))
    assert sorted(path.name for path in run.root.iterdir()) == ["inputs", "platform_events.jsonl", "spec.json"]


def test_a_random_split_is_drawn_once(platform: SmallPlatform) -> None:
    split = {"method": "random", "split": "train", "percent": 50}
    body = platform.body(state=platform.state(train_val_split=split))
    task, other = (Admission(platform.services).submit(body) for _ in range(2))
    kept = frozen_training(task.settings)
    drawn = resolve_training(platform.services, task.team_id, platform.project_id, kept).sides
    run = platform.services.layout.run(task.id)
    for _ in range(5):  # a task whose agent was lost is prepared again
        prepare(platform.services, task, agent(platform))
        assert {image.id: image.sides for image in read_images(run.images)} == drawn
    assert frozen_training(other.settings).draw != kept.draw


def test_a_task_that_cannot_be_done_gets_no_spec(platform: SmallPlatform) -> None:
    task = Admission(platform.services).submit(platform.body())
    broken = replace(task, settings={**task.settings, "framework": "gone"})
    with pytest.raises(NotFoundError, match="gone"):
        prepare(platform.services, broken, agent(platform))
    run = platform.services.layout.run(task.id)
    assert not run.spec.exists()
    assert not run.images.exists()


def test_a_comparison(platform: SmallPlatform, tmp_path: Path) -> None:
    folders = [add_evaluation(platform, tmp_path, f"/model-benchmark/1_Shapes/{n}_Train") for n in (1, 2)]
    info = tmp_path / "info"
    info.write_text('{"model_name": "YOLO11n-det", "task_type": "object detection"}', encoding="utf-8")
    platform.services.files.put(TeamId(1), f"{folders[0]}/evaluation/inference_info.json", info)
    task = Admission(platform.services).submit(compare_body(platform, folders))
    assert prepare(platform.services, task, agent(platform)) == "compare"
    spec = read_spec(platform.services.layout.run(TaskId(task.id)).spec)
    assert isinstance(spec, CompareSpec)
    assert [(source.path, source.label) for source in spec.sources] == [
        (folders[0], "YOLO11n-det"),
        (folders[1], "2_Train"),
    ]
    assert all((Path(source.folder) / "evaluation" / "cocoGt.json").is_file() for source in spec.sources)
    assert spec.output_dir == "/model-comparison/1_Shapes/1_Train vs 2_Train"


@pytest.mark.parametrize(("files", "suffix"), [(("template.vue", "report.html"), ""), (("template.vue",), "_001")])
def test_a_comparison_takes_the_place_of_ours_and_leaves_that_of_the_sdk(
    platform: SmallPlatform, tmp_path: Path, files: tuple[str, ...], suffix: str
) -> None:
    folders = [add_evaluation(platform, tmp_path, f"/model-benchmark/1_Shapes/{n}_Train") for n in (1, 2)]
    earlier = "/model-comparison/1_Shapes/1_Train vs 2_Train"
    for name in files:
        platform.services.files.put(TeamId(1), f"{earlier}/{name}", Path(__file__))
    task = Admission(platform.services).submit(compare_body(platform, folders))
    prepare(platform.services, task, agent(platform))
    spec = read_spec(platform.services.layout.run(TaskId(task.id)).spec)
    assert isinstance(spec, CompareSpec)
    assert spec.output_dir == earlier + suffix


@given(st.text(min_size=1, max_size=400))
def test_names_fit_into_one_part_of_a_path(text: str) -> None:
    name = file_name(text)
    assert len(name.encode(errors="surrogatepass")) <= 200
    assert "/" not in name
    assert "\\" not in name


def test_long_names_stay_different() -> None:
    assert file_name("я" * 200 + "a") != file_name("я" * 200 + "b")
    assert file_name("Мой проект №1") == "Мой проект №1"


def test_a_task_with_damaged_settings_can_still_be_listed(platform: SmallPlatform) -> None:
    task = Admission(platform.services).submit(platform.body())
    assert source_of(replace(task, settings={})) is None
    assert not can_resume(platform.services, replace(task, settings={}, status=TaskStatus.ERROR))


def test_a_segmentation_leaves_key_points_out_and_says_so(platform: SmallPlatform, tmp_path: Path) -> None:
    # The official SDK asks for all classes where a person names none.
    source = tiny_project(tmp_path / "images", "Poses")
    pose = ObjectClass(name="pose", shape="graph", extra={"geometry_config": {"nodes": {}, "edges": []}})
    services = platform.services
    meta = replace(source.meta, classes=(*source.meta.classes, pose))
    project = services.imports.run(replace(source, meta=meta), services.accounts.home())
    sides = {item.name: [int(item.id)] for item in services.projects.datasets(project)}
    split = {"method": "datasets", "train_datasets": sides["train"], "val_datasets": sides["val"]}
    model = {"source": "Pretrained models", "model_name": "YOLO26n-seg"}
    state = platform.state(classes=["box", "blob", "pose"], train_val_split=split, model=model)
    task = Admission(services).submit(platform.body(state={**state, "slyProjectId": int(project)}))
    prepare(services, task, agent(platform))
    spec = read_spec(services.layout.run(task.id).spec)
    assert isinstance(spec, TrainSpec)
    assert spec.classes == ("box", "blob")
    assert [message for message in platform.messages(task.id) if "“pose”" in message]
