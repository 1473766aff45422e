"""Training through the SDK, with the fake trainer: what is accepted, what is refused, what comes out."""

from typing import Any

import pytest

from tests.contract.sdk.session import SdkError, SdkSession
from tests.fakes.live_platform import LivePlatform
from tests.fakes.small_platform import wait_for

pytestmark = pytest.mark.sdk

RUN = """
    from supervisely.api.nn.train_api import (
        CollectionsSplit, DatasetsSplit, RandomSplit, TagsSplit, TrainApi
    )
    return TrainApi(api).run(project_id=1, hyperparameters="epochs: 2", {arguments})["id"]
"""
BY_DATASETS = "DatasetsSplit(train_datasets=[1], val_datasets=[2])"
# How many images each side has
SPLITS = {
    "RandomSplit(percent=60)": (5, 4),
    BY_DATASETS: (6, 3),
    "TagsSplit(train_tag='train', val_tag='val', untagged_action='ignore')": (5, 4),
    "TagsSplit(train_tag='train', val_tag='val', untagged_action='train')": (6, 4),
    "CollectionsSplit(train_collections=[1], val_collections=[2])": (2, 2),
}
RECORD = "import dataclasses; return dataclasses.asdict(api.nn.get_experiment_info(arguments['task']))"


def _start(sdk: SdkSession, server: LivePlatform, arguments: str) -> int:
    return int(sdk.run(server, RUN.format(arguments=arguments)))


def _finished(server: LivePlatform, task: int) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        info: Any = server.call("tasks.info", id=task)
        assert info["status"] not in {"error", "stopped"}, info["meta"].get("exitReport")
        return info if info["status"] == "finished" else None

    return wait_for(look, f"task {task} is finished")


@pytest.fixture(scope="module")
def experiment(sdk: SdkSession, server: LivePlatform) -> dict[str, Any]:
    """A finished training with an exported model, as the SDK gives its record."""
    task = _start(sdk, server, f"model='YOLO/YOLO26n-det', train_val_split={BY_DATASETS}, export_onnx=True")
    _finished(server, task)
    record: dict[str, Any] = sdk.run(server, RECORD, task=task)
    return record


@pytest.mark.parametrize("split", SPLITS)
def test_every_split_trains(sdk: SdkSession, server: LivePlatform, split: str) -> None:
    task = _start(sdk, server, f"model='YOLO/YOLO26n-det', train_val_split={split}")
    _finished(server, task)
    record = sdk.run(server, RECORD, task=task)
    assert (record["train_size"], record["val_size"]) == SPLITS[split]


def test_the_record_of_an_experiment(experiment: dict[str, Any]) -> None:
    assert experiment["framework_name"] == "YOLO"
    assert experiment["model_name"] == "YOLO26n-det"
    assert experiment["evaluation_report_id"] is not None
    assert experiment["best_checkpoint"] == "best.pt"
    assert experiment["artifacts_dir"].startswith("/experiments/1_Shapes/")


def test_earlier_experiments_are_found(sdk: SdkSession, server: LivePlatform, experiment: dict[str, Any]) -> None:
    code = """
        from supervisely.nn.experiments import get_experiment_infos
        return [info.task_id for info in get_experiment_infos(api, 1, "YOLO")]
    """
    assert experiment["task_id"] in sdk.run(server, code)


@pytest.mark.parametrize(
    "path", ["{artifacts_dir}checkpoints/best.pt", "{relative}checkpoints/last.pt", "{artifacts_dir}export/best.onnx"]
)
def test_training_goes_on_from_a_checkpoint(
    sdk: SdkSession, server: LivePlatform, experiment: dict[str, Any], path: str
) -> None:
    folder = experiment["artifacts_dir"]
    model = path.format(artifacts_dir=folder, relative=folder.removeprefix("/"))
    info = _finished(server, _start(sdk, server, f"model={model!r}, train_val_split={BY_DATASETS}"))
    assert info["meta"]["params"]["state"]["guiState"]["model"]["task_id"] == experiment["task_id"]


@pytest.mark.parametrize("method", ["finetune", "rerun_from_task_id"])
def test_an_earlier_training_is_repeated(
    sdk: SdkSession, server: LivePlatform, experiment: dict[str, Any], method: str
) -> None:
    code = f"""
        from supervisely.api.nn.train_api import TrainApi
        return TrainApi(api).{method}(task_id=arguments["task"])["id"]
    """
    info = _finished(server, sdk.run(server, code, task=experiment["task_id"]))
    assert info["meta"]["params"]["state"]["trainTaskId"] == experiment["task_id"]


@pytest.mark.parametrize("agent", ["agent_id=2", "agent_id=None"])
def test_the_agent_may_be_named_or_not(sdk: SdkSession, server: LivePlatform, agent: str) -> None:
    info = _finished(server, _start(sdk, server, f"model='YOLO/YOLO26n-det', {agent}"))
    assert info["agentId"] in {1, 2}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("model='NOPE/x'", "No modules found"),
        ("model='YOLO/YOLO99-det'", "YOLO99-det"),
        ("model='YOLO/YOLO26n-det', classes=['unicorn']", "class"),
        ("model='YOLO/YOLO26n-det', train_val_split=DatasetsSplit([1], [99])", "99"),
        ("model='YOLO/YOLO26n-det', train_val_split=DatasetsSplit([1], [3])", "image"),
        ("model='YOLO/YOLO26n-det', train_val_split=CollectionsSplit([1], [99])", "99"),
        ("model='YOLO/YOLO26n-det', train_val_split=TagsSplit('train', 'nope', 'ignore')", "nope"),
        ("model='YOLO/YOLO26n-det', agent_id=99", "99"),
        ("model='/experiments/1_Shapes/999_YOLO/checkpoints/best.pt'", "not found"),
    ],
)
def test_refusals_are_clear_and_at_once(sdk: SdkSession, server: LivePlatform, arguments: str, said: str) -> None:
    with pytest.raises(SdkError, match=said):
        _start(sdk, server, arguments)


def test_bad_yaml_is_refused_with_its_line(sdk: SdkSession, server: LivePlatform) -> None:
    code = """
        from supervisely.api.nn.train_api import TrainApi
        return TrainApi(api).run(project_id=1, model="YOLO/YOLO26n-det", hyperparameters="a: 1\\nb: [")
    """
    with pytest.raises(SdkError, match="line"):
        sdk.run(server, code)


def test_stop_and_logs(sdk: SdkSession, server: LivePlatform) -> None:
    code = """
        from supervisely.api.nn.train_api import TrainApi
        return TrainApi(api).run(
            project_id=1, model="YOLO/YOLO26n-det", hyperparameters="epochs: 1000\\nseconds_per_epoch: 0.2"
        )["id"]
    """
    task = sdk.run(server, code)
    look = "return [row['message'] for row in api.task.get_logs(arguments['task'])]"
    wait_for(lambda: "metrics" in sdk.run(server, look, task=task), "the log has figures of an epoch")
    assert sdk.run(server, "return str(api.task.stop(arguments['task']))", task=task) == "terminating"
    status = "return str(api.task.get_status(arguments['task']))"
    wait_for(lambda: sdk.run(server, status, task=task) == "stopped", "the task is stopped")
    listed = sdk.run(server, "return [item['id'] for item in api.task.get_list(1)]")
    assert task in listed


def test_two_trainings_are_compared(sdk: SdkSession, server: LivePlatform) -> None:
    """The way of the Training API document's complete example."""
    ids = [
        _start(sdk, server, f"model='YOLO/{name}', train_val_split={BY_DATASETS}")
        for name in ("YOLO26n-det", "YOLO11n-det")
    ]
    for task in ids:
        _finished(server, task)
    code = """
        from pathlib import Path
        reports = [api.nn.get_experiment_info(task).evaluation_report_id for task in arguments["tasks"]]
        folders = [str(Path(api.file.get_info_by_id(report).path).parent.parent) for report in reports]
        module = api.app.get_ecosystem_module_id("supervisely-ecosystem/model-benchmark/compare_models")
        return api.task.start(
            module_id=module, agent_id=1, workspace_id=1, params={"state": {"eval_dirs": folders}},
            description="a vs. b",
        )["id"]
    """
    task = sdk.run(server, code, tasks=ids)
    info: Any = wait_for(
        lambda: (found := server.call("tasks.info", id=task)) and _is_over(found) and found, "the comparison is over"
    )
    assert info["status"] == "finished", info


def _is_over(info: Any) -> bool:  # noqa: ANN401 - JSON
    return info["status"] in {"finished", "error", "stopped"}


def test_data_that_apps_keep(sdk: SdkSession, server: LivePlatform, experiment: dict[str, Any]) -> None:
    code = """
        task = arguments["task"]
        api.task.set_field(task, "data.rows", {"a": 1})
        api.task.set_field(task, "data.rows", {"b": 2}, append=True)
        api.task._update_app_content(task, [{"op": "add", "path": "/new", "value": [1]}], {"button": False})
        return api.task.get_fields(task, ["data.rows", "data.new", "state.button", "none"])
    """
    found = sdk.run(server, code, task=experiment["task_id"])
    assert found == {"data.rows": {"a": 1, "b": 2}, "data.new": [1], "state.button": False, "none": None}
