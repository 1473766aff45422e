"""`TrainApi` of the official SDK with real, tiny trainings of DEIM behind it: new ones, and from a checkpoint."""

from typing import Any

import pytest

from tests.contract.sdk.session import SdkSession
from tests.fakes.live_platform import live_platform
from tests.fakes.small_platform import wait_for
from tests.training.detr_runs import MODELS, settings

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
RECORD = "import dataclasses; return dataclasses.asdict(api.nn.get_experiment_info(arguments['task']))"


def test_a_model_is_trained_and_trained_on(sdk: SdkSession, tmp_path_factory: pytest.TempPathFactory) -> None:
    with live_platform(tmp_path_factory.mktemp("detr") / "home", working=True, trainer=None) as server:

        def finished(task: int) -> dict[str, Any]:
            def look() -> bool:
                info: Any = server.call("tasks.info", id=task)
                assert info["status"] not in {"error", "stopped"}, info["meta"].get("exitReport")
                return bool(info["status"] == "finished")

            wait_for(look, f"task {task} is finished", seconds=300.0)
            record: dict[str, Any] = sdk.run(server, RECORD, task=task)
            return record

        text = settings("DEIM", epoches=1)
        task = sdk.run(server, RUN, model=f"DEIM/{MODELS['DEIM']}", hyperparameters=text, benchmark=True)
        record = finished(task)
        assert record["framework_name"] == "DEIM"
        assert record["best_checkpoint"] == "best.safetensors"
        assert "mAP" in record["evaluation_metrics"]
        # The SDK takes no other name than .pt and .pth for weights
        path = f"{record['artifacts_dir']}checkpoints/best.pth"
        tuned = finished(sdk.run(server, RUN, model=path, hyperparameters=text, benchmark=False))
        assert tuned["base_checkpoint"] == "best.safetensors"
        assert tuned["model_name"] == MODELS["DEIM"]
