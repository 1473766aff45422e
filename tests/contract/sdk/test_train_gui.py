"""The official training app's own settings panel takes what we send: every model choice, every split, every option.

``TrainGUI.load_from_app_state`` is what a real training app does with our ``guiState``; it stops at the first step that
does not validate (docs/supervisely-api.md 8). Each state is loaded into a panel of its own, against the embedded
platform.
"""

from dataclasses import replace
from itertools import product
from typing import Any, get_args

import pytest

from tests.contract.client.conftest import connected, project_of
from tests.contract.sdk.session import SdkSession
from tests.fakes.live_platform import LivePlatform
from tests.fakes.small_platform import wait_for
from traindash.domain.ids import CollectionId, DatasetId
from traindash.domain.plan import (
    CollectionsSplit,
    CustomCheckpoint,
    DatasetsSplit,
    PretrainedModel,
    RandomSplit,
    TagsSplit,
    TrainingPlan,
    TrainValSplit,
    UntaggedAction,
)
from traindash.domain.task import TaskStatus
from traindash.plans.app_state import find_checkpoint, start_state
from traindash.supervisely.client import SuperviselyClient
from traindash.tasks.launcher import launch

pytestmark = pytest.mark.sdk

LOAD = """
    import os
    os.environ.update(arguments["environment"])
    from supervisely.nn.training.gui.gui import TrainGUI
    options = {"model_benchmark": True, "export_onnx_supported": True, "export_tensorrt_supported": True}
    gui = TrainGUI("YOLO", arguments["models"], arguments["defaults"], options)
    gui.validate_app_state(arguments["state"])
    gui.load_from_app_state(arguments["state"])
    splits = gui.train_val_splits_selector.train_val_splits
    chosen = gui.hyperparameters_selector
    sides = {
        "Random": ("train_split_percent", "val_split_percent"),
        "Based on datasets": ("train_dataset_ids", "val_dataset_ids"),
        "Based on item tags": ("train_tag", "val_tag", "untagged_action"),
        "Based on collections": ("train_collections_ids", "val_collections_ids"),
    }
    return {
        "started": gui._start_training,
        "model": gui.model_selector.get_model_name(),
        "source": gui.model_selector.get_model_source(),
        "classes": gui.classes_selector.get_selected_classes(),
        "convert": gui.classes_selector.is_convert_class_shapes_enabled(),
        "method": splits.get_split_method(),
        "split": [getattr(splits, f"get_{name}")() for name in sides[splits.get_split_method()]],
        "hyperparameters": chosen.get_hyperparameters(),
        "benchmark": chosen.get_model_benchmark_checkbox_value(),
        "speedtest": chosen.get_speedtest_checkbox_value(),
        "onnx": chosen.get_export_onnx_checkbox_value(),
        "tensorrt": chosen.get_export_tensorrt_checkbox_value(),
        "cache": gui.input_selector.get_cache_value(),
        "name": gui.training_process.get_experiment_name(),
    }
"""


@pytest.fixture(scope="module")
def plan(server: LivePlatform) -> TrainingPlan:
    """A plan with everything but the defaults."""
    with connected(server) as client:
        return TrainingPlan(
            project_id=project_of(client).id,
            model=PretrainedModel(framework="YOLO", name="YOLO26n-det"),
            classes=("blob",),
            train_val_split=RandomSplit(percent=60, split="val"),
            hyperparameters="epochs: 2\nlr0: 0.005\n",
            experiment_name="Über 1",
            enable_speedtest=True,
            export_onnx=True,
            cache_project=False,
        )


def _load(sdk: SdkSession, server: LivePlatform, client: SuperviselyClient, plan: TrainingPlan) -> dict[str, Any]:
    origin = None
    if isinstance(plan.model, CustomCheckpoint):
        origin = find_checkpoint(client, project_of(client).team_id, plan.model.path)
    module = client.ecosystem.train_module("YOLO")
    state = start_state(plan, client.projects.meta(plan.project_id), origin)
    environment = {
        "SERVER_ADDRESS": server.url,
        "API_TOKEN": server.platform.token,
        "PROJECT_ID": str(plan.project_id),
    }
    loaded: dict[str, Any] = sdk.run(
        server,
        LOAD,
        state=state["guiState"],
        models=client.transport.read("ecosystem.file.download", {"moduleId": module.id, "fileKey": "models"}),
        defaults=client.ecosystem.default_hyperparameters("YOLO"),
        environment=environment,
    )
    return loaded


SPLITS: list[tuple[TrainValSplit, str, list[object]]] = [
    (RandomSplit(percent=60), "Random", [60, 40]),
    (RandomSplit(percent=60, split="val"), "Random", [40, 60]),
    (
        DatasetsSplit(train_datasets=(DatasetId(1),), val_datasets=(DatasetId(2),)),
        "Based on datasets",
        [[1], [2]],
    ),
    (
        CollectionsSplit(train_collections=(CollectionId(1),), val_collections=(CollectionId(2),)),
        "Based on collections",
        [[1], [2]],
    ),
    *(
        (
            TagsSplit(train_tag="train", val_tag="val", untagged_action=action),
            "Based on item tags",
            ["train", "val", action],
        )
        for action in get_args(UntaggedAction)
    ),
]


@pytest.mark.parametrize("case", SPLITS, ids=lambda case: f"{case[1]} {case[2]}")
def test_every_split_is_taken_with_what_it_says(
    sdk: SdkSession,
    server: LivePlatform,
    plan: TrainingPlan,
    case: tuple[TrainValSplit, str, list[object]],
) -> None:
    split, method, content = case
    with connected(server) as client:
        loaded = _load(sdk, server, client, replace(plan, train_val_split=split))
    assert loaded["started"] is True, loaded
    assert (loaded["method"], loaded["split"]) == (method, content)


BENCHMARKS = ((False, False), (True, False), (True, True), (True, False))
EXPORTS = tuple(product((False, True), repeat=2))
FLAGS = tuple(product((False, True), repeat=2))


@pytest.mark.parametrize("number", range(len(EXPORTS)))
def test_every_value_of_every_option_is_taken(
    sdk: SdkSession, server: LivePlatform, plan: TrainingPlan, number: int
) -> None:
    """Each benchmark, pair of exports, pair of cache and conversion; with and without name, text and start."""
    (benchmark, speedtest), exports, (cache, convert) = BENCHMARKS[number], EXPORTS[number], FLAGS[-number]
    changed = replace(
        plan,
        classes=None if convert else ("box",),  # without conversion only a class whose shape fits is taken
        convert_class_shapes=convert,
        enable_benchmark=benchmark,
        enable_speedtest=speedtest,
        export_onnx=exports[0],
        export_tensorrt=exports[1],
        cache_project=cache,
        experiment_name="Any" if cache else None,
        hyperparameters="epochs: 7\n" if convert else None,
        autostart=benchmark,
    )
    with connected(server) as client:
        loaded = _load(sdk, server, client, changed)
    keys = ("benchmark", "speedtest", "onnx", "tensorrt", "cache", "convert", "started")
    assert [loaded[key] for key in keys] == [benchmark, speedtest, *exports, cache, convert, benchmark]
    assert ("epochs: 7" in str(loaded["hyperparameters"])) is convert
    assert (loaded["name"] == "Any") is cache


def test_every_option_is_taken(sdk: SdkSession, server: LivePlatform, plan: TrainingPlan) -> None:
    with connected(server) as client:
        loaded = _load(sdk, server, client, plan)
        assert {**loaded, "hyperparameters": None} == {
            "started": True,
            "model": "YOLO26n-det",
            "source": "Pretrained models",
            "classes": ["blob"],
            "convert": True,
            "method": "Random",
            "split": [40, 60],
            "hyperparameters": None,
            "benchmark": True,
            "speedtest": True,
            "onnx": True,
            "tensorrt": False,
            "cache": False,
            "name": "Über 1",
        }
        other = replace(plan, autostart=False, enable_benchmark=False, classes=None)
        loaded = _load(sdk, server, client, replace(other, enable_speedtest=False, export_onnx=False))
    assert (loaded["started"], loaded["benchmark"], loaded["speedtest"], loaded["onnx"]) == (False,) * 4


def test_a_checkpoint_of_an_experiment_is_taken(sdk: SdkSession, server: LivePlatform, plan: TrainingPlan) -> None:
    with connected(server) as client:
        task = launch(client, replace(plan, experiment_name=None))
        wait_for(lambda: client.tasks.get(task).status is TaskStatus.FINISHED, "the training is finished")
        experiment = client.experiments.of_task(task)
        assert experiment is not None
        path = f"{experiment.artifacts_dir}checkpoints/{experiment.best_checkpoint}"
        loaded = _load(sdk, server, client, replace(plan, model=CustomCheckpoint(path=path)))
    assert (loaded["started"], loaded["source"]) == (True, "Custom models")
