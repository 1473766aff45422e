"""`TrainApi` of the official SDK with real, tiny trainings of RT-DETRv2 and DEIM: new ones, and repeated ones.

Models are named as Supervisely's apps name them. Nothing is downloaded, so all begin with random numbers.
"""

from typing import Any

import pytest

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


def test_models_are_trained_and_trained_on(sdk: SdkSession, tmp_path_factory: pytest.TempPathFactory) -> None:
    with live_platform(tmp_path_factory.mktemp("detr") / "home", working=True, trainer=None) as server:

        def run(model: str, *, benchmark: bool = False) -> int:
            text = settings("DEIM" if "DEIM" in model else "RT-DETRv2", epoches=1)
            task: int = sdk.run(server, RUN, model=model, hyperparameters=text, benchmark=benchmark)
            return task

        first = run("DEIM/DEIM D-FINE-N", benchmark=True), run("RT-DETRv2/RT-DETRv2-S")
        deim, rtdetr = (_record(sdk, server, task) for task in first)
        assert (deim["framework_name"], rtdetr["framework_name"]) == ("DEIM", "RT-DETRv2")
        assert (deim["model_name"], rtdetr["model_name"]) == ("DEIM D-FINE-N", "RT-DETRv2-S")
        assert deim["best_checkpoint"] == "best.safetensors"
        assert "mAP" in deim["evaluation_metrics"]

        # The SDK takes no other name than .pt and .pth for weights
        path = f"{deim['artifacts_dir']}checkpoints/best.pth"
        again = (
            run(path),
            sdk.run(server, AGAIN, method="finetune", task=first[0]),
            sdk.run(server, AGAIN, method="rerun_from_task_id", task=first[1]),
        )
        from_path, tuned, repeated = (_record(sdk, server, task) for task in again)
        for record in (from_path, tuned):
            assert record["base_checkpoint"] == "best.safetensors"
            assert record["model_name"] == "DEIM D-FINE-N"
        assert repeated["model_name"] == "RT-DETRv2-S"
        assert repeated["base_checkpoint"] == rtdetr["base_checkpoint"]
