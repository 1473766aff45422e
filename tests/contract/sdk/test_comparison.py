"""Supervisely's own comparison of evaluations that this server made: the official SDK reads, draws and uploads it."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.contract.client.conftest import connected
from tests.contract.sdk.session import SdkSession
from tests.fakes.live_platform import LivePlatform, live_platform
from tests.fakes.small_platform import wait_for
from traindash.domain.ids import TeamId

pytestmark = pytest.mark.sdk

TRAIN = """
    from supervisely.api.nn.train_api import DatasetsSplit, TrainApi
    split = DatasetsSplit(train_datasets=[1], val_datasets=[2])
    return TrainApi(api).run(
        project_id=1, model=arguments["model"], hyperparameters="benchmark: true", train_val_split=split
    )["id"]
"""
COMPARE = """
    from supervisely.nn.benchmark.comparison.model_comparison import ModelComparison
    comparison = ModelComparison(api, arguments["folders"], workdir=arguments["workdir"], team_id=1)
    comparison.visualize()
    folder = comparison.upload_results(1, "/model-comparison/1_Shapes/" + arguments["name"])
    # As the compare app ends: it knows its task as a text
    api.task._set_custom_output(
        task_id="1", file_id=comparison.lnk.id, file_name="Report", file_url=comparison.get_report_link(), icon="zmdi"
    )
    return {
        "metrics": [result.key_metrics for result in comparison.eval_results],
        "folder": folder,
        "link": comparison.get_report_link(),
        "files": [info.path for info in api.file.list(1, folder, return_type="fileinfo")],
    }
"""
READ = """
    info = arguments["info"]
    meta = sly.ProjectMeta.from_json(api.project.get_meta(info["dt_project_id"]))
    read = {}
    for key in ("gt_project_id", "dt_project_id"):
        images = [
            image
            for dataset in api.dataset.get_list(info[key], recursive=True)
            for image in api.image.get_list(dataset.id)
        ]
        labels = [
            label
            for image in images
            for label in sly.Annotation.from_json(
                api.annotation.download(image.id).annotation, sly.ProjectMeta.from_json(api.project.get_meta(info[key]))
            ).labels
        ]
        read[key] = {
            "images": sorted(image.name for image in images),
            "labels": len(labels),
            "ids": sorted(label.geometry.sly_id or 0 for label in labels),
            "tags": sorted({tag.name for label in labels for tag in label.tags}),
        }
    lists = [[project.id for project in api.project.get_list(space.id)] for space in api.workspace.get_list(1)]
    return {"read": read, "lists": lists, "of_team": [project.id for project in api.project.get_list(team_id=1)]}
"""
EVALUATE = """
    made = sly.nn.benchmark
    masks = arguments["info"]["task_type"] == "instance segmentation"
    of_task = made.InstanceSegmentationBenchmark if masks else made.ObjectDetectionBenchmark
    benchmark = of_task(api, arguments["info"]["gt_project_id"], output_dir=arguments["folder"])
    benchmark.evaluate(arguments["info"]["dt_project_id"])
    return {name: float(value) for name, value in benchmark.key_metrics.items()}
"""


@pytest.fixture(scope="module")
def benchmarked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A server of its own: what evaluations leave would be counted by others."""
    with live_platform(tmp_path_factory.mktemp("benchmarked") / "home", working=True) as live:
        yield live


@pytest.fixture(scope="module", params=["YOLO26n-det", "YOLO26n-seg"])
def evaluations(
    sdk: SdkSession, benchmarked: LivePlatform, request: pytest.FixtureRequest
) -> dict[str, dict[str, Any]]:
    """Directory → ``inference_info.json`` of two evaluations, of boxes and of masks."""
    return dict(_evaluated(sdk, benchmarked, f"YOLO/{request.param}") for _ in range(2))


def _evaluated(sdk: SdkSession, server: LivePlatform, model: str) -> tuple[str, dict[str, Any]]:
    task = sdk.run(server, TRAIN, model=model)

    def look() -> dict[str, Any] | None:
        info: Any = server.call("tasks.info", id=task)
        assert info["status"] not in {"error", "stopped"}, info["meta"].get("exitReport")
        return info if info["status"] == "finished" else None

    output = wait_for(look, f"task {task} is finished")["meta"]["output"]["experiment"]["data"]
    report: Any = server.call("file-storage.info", id=output["evaluation_report_id"])
    folder = report["path"].removesuffix("/visualizations/template.vue")
    info = server.http.get(
        "/public/api/v3/file-storage.download", params={"teamId": 1, "path": f"{folder}/evaluation/inference_info.json"}
    )
    return folder, json.loads(info.content)


def test_the_sdk_compares_our_evaluations(
    sdk: SdkSession, benchmarked: LivePlatform, evaluations: dict[str, dict[str, Any]], folder: str
) -> None:
    name = " vs ".join(path.rsplit("/", 1)[1] for path in evaluations)  # as the app names it
    made = sdk.run(benchmarked, COMPARE, folders=list(evaluations), workdir=folder, name=name)
    first, second = made["metrics"]
    assert 0 < first["mAP"] < 1
    assert first["mAP"] != second["mAP"]
    assert f"{made['folder']}/template.vue" in made["files"]
    # Only Supervisely's own pages can draw its template: the link leads to the same comparison as a page of ours
    assert " vs. " in httpx.get(made["link"]).text.partition("</title>")[0]
    for path, info in evaluations.items():
        assert f"{first['mAP']:.3f}" in httpx.get(made["link"]).text
        task = path.rsplit("/", 1)[1].partition("_")[0]
        page = benchmarked.http.get(info["checkpoint_url"])
        assert page.headers["location"] == f"/task?task={task}"


def test_an_evaluation_has_a_project_of_its_truth_and_one_of_its_predictions(
    sdk: SdkSession, benchmarked: LivePlatform, evaluations: dict[str, dict[str, Any]]
) -> None:
    first, second = evaluations.values()
    assert first["gt_project_id"] == second["gt_project_id"]  # equal truths are kept once
    assert first["dt_project_id"] != second["dt_project_id"]
    found = sdk.run(benchmarked, READ, info=second)
    truth, predictions = found["read"]["gt_project_id"], found["read"]["dt_project_id"]
    assert truth["images"] == predictions["images"]
    assert truth["labels"] > 0
    assert predictions["tags"] == ["confidence"]
    own, hidden = found["lists"]
    assert first["gt_project_id"] not in own
    assert {first["gt_project_id"], first["dt_project_id"], second["dt_project_id"]} <= set(hidden)
    assert found["of_team"] == own
    with connected(benchmarked) as client:  # so the dashboard folds them away
        assert [bool(space.hidden) for space in client.workspaces.list(TeamId(1))] == [False, True]


def test_the_sdk_evaluates_the_projects_to_the_same_figures(
    sdk: SdkSession, benchmarked: LivePlatform, evaluations: dict[str, dict[str, Any]], folder: str
) -> None:
    path, info = next(iter(evaluations.items()))
    again = sdk.run(benchmarked, EVALUATE, info=info, folder=folder)
    kept = benchmarked.http.get(
        "/public/api/v3/file-storage.download", params={"teamId": 1, "path": f"{path}/evaluation/key_metrics.json"}
    ).json()
    # Rectangles of a project are in whole pixels
    assert again["mAP"] == pytest.approx(kept["mAP"], abs=0.1)
    assert again["classification_accuracy"] == pytest.approx(kept["classification_accuracy"], abs=1e-6)
