"""`TrainApi.run` of the official SDK with real, tiny trainings behind it: all options, and going on from a checkpoint.

Every split and every spelling of a checkpoint is tried with quick trainings in ``test_training.py``.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.sdk.session import SdkSession
from tests.fakes.live_platform import LivePlatform, live_platform
from tests.fakes.small_platform import wait_for
from tests.training.run_folders import PICO, TINY

pytestmark = [pytest.mark.sdk, pytest.mark.slow]

RUN = """
    from supervisely.api.nn.train_api import DatasetsSplit, TagsSplit, TrainApi
    return TrainApi(api).run(
        project_id=1, model=arguments["model"], hyperparameters=arguments["hyperparameters"], {arguments}
    )["id"]
"""
HYPERPARAMETERS = TINY.replace("epochs: 2", "epochs: 1")
DATASETS = "train_val_split=DatasetsSplit(train_datasets=[1], val_datasets=[2])"
EVERYTHING = (
    f"{DATASETS}, agent_id=2, classes=['blob'], experiment_name='All options', convert_class_shapes=True,"
    " enable_benchmark=True, enable_speedtest=True, cache_project=False, export_onnx=True"
)
FIRST = {
    "tags": "train_val_split=TagsSplit(train_tag='train', val_tag='val', untagged_action='train')",
    "everything": EVERYTHING,
}
PATIENCE = 300.0


@pytest.fixture(scope="module")
def training_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A server whose two agents train with Ultralytics."""
    with live_platform(tmp_path_factory.mktemp("real") / "home", working=True, trainer="yolo") as live:
        yield live


@pytest.fixture(scope="module")
def trained(sdk: SdkSession, training_server: LivePlatform) -> dict[str, dict[str, Any]]:
    """The records of the first trainings, all started at once."""
    tasks = {
        name: sdk.run(
            training_server,
            RUN.format(arguments=arguments),
            model=f"YOLO/{PICO}",
            hyperparameters=HYPERPARAMETERS,
        )
        for name, arguments in FIRST.items()
    }
    return {name: _record(sdk, training_server, task) for name, task in tasks.items()}


def _record(sdk: SdkSession, server: LivePlatform, task: int) -> dict[str, Any]:
    def look() -> bool:
        info: Any = server.call("tasks.info", id=task)
        assert info["status"] not in {"error", "stopped"}, info["meta"].get("exitReport")
        return bool(info["status"] == "finished")

    wait_for(look, f"task {task} is finished", seconds=PATIENCE)
    code = "import dataclasses; return dataclasses.asdict(api.nn.get_experiment_info(arguments['task']))"
    record: dict[str, Any] = sdk.run(server, code, task=task)
    return record


def test_a_split_by_tags_trains(trained: dict[str, dict[str, Any]]) -> None:
    record = trained["tags"]
    assert (record["train_size"], record["val_size"]) == (6, 4)
    assert record["best_checkpoint"] == "best.pt"


def test_every_option_is_followed(
    sdk: SdkSession, training_server: LivePlatform, trained: dict[str, dict[str, Any]]
) -> None:
    record = trained["everything"]
    assert record["experiment_name"] == "All options"
    assert record["export"] == {"ONNXRuntime": "export/best.onnx"}
    assert "mAP" in record["evaluation_metrics"]
    info: Any = training_server.call("tasks.info", id=record["task_id"])
    assert info["agentId"] == 2
    code = """
        found = api.file.list(1, arguments["folder"], recursive=True, return_type="dict")
        return [item["path"].removeprefix(arguments["folder"]) for item in found]
    """
    files = sdk.run(training_server, code, folder=record["artifacts_dir"])
    assert {"checkpoints/best.pt", "export/best.onnx", "export/classes.json", "model_meta.json"} <= set(files)
    report: Any = training_server.call("file-storage.info", id=record["evaluation_report_id"])
    folder = report["path"].split("visualizations")[0]
    assert f"{folder}speedtest/speedtest.json" in [
        item["path"]
        for item in sdk.run(
            training_server, "return api.file.list(1, arguments['folder'], return_type='dict')", folder=folder
        )
    ]


def test_training_goes_on_from_what_stands_for_a_checkpoint(
    sdk: SdkSession, training_server: LivePlatform, trained: dict[str, dict[str, Any]]
) -> None:
    model = trained["everything"]["artifacts_dir"].removeprefix("/") + "export/best.onnx"
    arguments = f"{DATASETS}, classes=['blob'], enable_benchmark=False"
    task = sdk.run(training_server, RUN.format(arguments=arguments), model=model, hyperparameters=HYPERPARAMETERS)
    record = _record(sdk, training_server, task)
    assert record["base_checkpoint"] == "best.pt"
    assert record["evaluation_report_id"] is None
    log = sdk.run(training_server, "return [row['message'] for row in api.task.get_logs(arguments['task'])]", task=task)
    assert any("best.pt" in message for message in log), log
