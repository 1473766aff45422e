"""`TrainApi` of the official SDK with real, tiny trainings of RT-DETRv2 and DEIM: new ones, and repeated ones.

The first two are those of the document's Complete Example, whose two models are replaced by one of each framework.
Models are named as Supervisely's apps name them. Nothing is downloaded, so all begin with random numbers.
"""

from typing import Any

import httpx
import pytest

from tests.contract.sdk.example import run_example
from tests.contract.sdk.session import SdkSession
from tests.fakes.live_platform import LivePlatform, live_platform
from tests.fakes.small_platform import wait_for
from tests.training.detr_runs import settings

pytestmark = [pytest.mark.sdk, pytest.mark.slow]

RUN = """
    from supervisely.api.nn.train_api import DatasetsSplit, TrainApi
    return TrainApi(api).run(
        project_id=1,
        model=arguments["model"],
        hyperparameters=arguments["hyperparameters"],
        train_val_split=DatasetsSplit(train_datasets=[1], val_datasets=[2]),
        enable_benchmark=arguments["benchmark"],
    )["id"]
"""
AGAIN = """
    from supervisely.api.nn.train_api import TrainApi
    return getattr(TrainApi(api), arguments["method"])(task_id=arguments["task"])["id"]
"""
RECORD = "import dataclasses; return dataclasses.asdict(api.nn.get_experiment_info(arguments['task']))"


def _record(sdk: SdkSession, server: LivePlatform, task: int) -> dict[str, Any]:
    """Wait for the end of a training and return its experiment as the SDK reads it."""

    def is_finished() -> bool:
        info: Any = server.call("tasks.info", id=task)
        assert info["status"] not in {"error", "stopped"}, info["meta"].get("exitReport")
        return bool(info["status"] == "finished")

    wait_for(is_finished, f"task {task} is finished", seconds=300.0)
    record: dict[str, Any] = sdk.run(server, RECORD, task=task)
    return record


# The document's code with one model of each framework, and with its own optional lines for hyperparameters
EXAMPLE_CHANGES = {
    '"YOLO/YOLO11s-det"': '"RT-DETRv2/RT-DETRv2-Mini (CPU demo)"',
    '"YOLO/YOLO26s-det"': '"DEIM/D-FINE-Mini (CPU demo)"',
    '# hyperparameters_yaml: str = yaml.dump({"epochs": 10})': (
        'hyperparameters_yaml: str = yaml.dump({"epoches": 1, "batch_size": 4, "eval_spatial_size": [64, 64]})'
    ),
    "# hyperparameters=hyperparameters_yaml, ": "hyperparameters=hyperparameters_yaml,",
}
MINIS = ("RT-DETRv2-Mini (CPU demo)", "D-FINE-Mini (CPU demo)")
FINISHED = """
    from supervisely.nn.experiments import get_experiment_infos
    found = [info for name in ("RT-DETRv2", "DEIM") for info in get_experiment_infos(api, 1, name)]
    return {info.model_name: info.task_id for info in found}
"""


def test_models_are_trained_and_trained_on(
    sdk: SdkSession, sdk_python: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("detr")
    with live_platform(folder / "home", working=True, trainer=None) as server:
        page = httpx.get(run_example(sdk_python, server, folder / "example", EXAMPLE_CHANGES), timeout=30)
        assert page.status_code == 200
        assert all(name in page.text for name in MINIS)
        tasks = sdk.run(server, FINISHED)
        rtdetr, deim = (_record(sdk, server, tasks[name]) for name in MINIS)
        assert (deim["framework_name"], rtdetr["framework_name"]) == ("DEIM", "RT-DETRv2")
        assert deim["best_checkpoint"] == "best.safetensors"
        assert "mAP" in deim["evaluation_metrics"]

        def run(model: str) -> int:
            text = settings("DEIM" if "DEIM" in model else "RT-DETRv2", epoches=1)
            task: int = sdk.run(server, RUN, model=model, hyperparameters=text, benchmark=False)
            return task

        # The SDK takes no other name than .pt and .pth for weights
        path = f"{deim['artifacts_dir']}checkpoints/best.pth"
        more = (
            run("DEIM/DEIM D-FINE-N"),
            run("RT-DETRv2/RT-DETRv2-S"),
            run(path),
            sdk.run(server, AGAIN, method="finetune", task=tasks[MINIS[1]]),
            sdk.run(server, AGAIN, method="rerun_from_task_id", task=tasks[MINIS[0]]),
        )
        small, larger, from_path, tuned, repeated = (_record(sdk, server, task) for task in more)
        assert (small["model_name"], larger["model_name"]) == ("DEIM D-FINE-N", "RT-DETRv2-S")
        for record in (from_path, tuned):
            assert record["base_checkpoint"] == "best.safetensors"
            assert record["model_name"] == MINIS[1]
        assert repeated["model_name"] == MINIS[0]
        assert repeated["base_checkpoint"] == rtdetr["base_checkpoint"]
