"""Supervisely's evaluator app (docs/supervisely-api.md 10), by its calls: a served model on a project."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.contract.sdk.session import SdkError, SdkSession
from tests.fakes.live_platform import LivePlatform, live_platform
from tests.fakes.quick_models import PATCH, QUICK_ENGINE, add_experiment, patch_png

pytestmark = pytest.mark.sdk

BEST = "/experiments/1_Shapes/7_YOLO/checkpoints/best.pt"
ONNX = "/experiments/1_Shapes/7_YOLO/export/best.onnx"
PROJECT = """
    project = api.project.create(1, "Patches")
    box = sly.ObjClass("box", sly.Rectangle)
    meta = sly.ProjectMeta([box])
    api.project.update_meta(project.id, meta)
    dataset = api.dataset.create(project.id, "photos")
    images = api.image.upload_paths(dataset.id, [f"{n}.png" for n in range(4)], [arguments["picture"]] * 4)
    left, top, right, bottom = arguments["patch"]
    for number, image in enumerate(images):
        truth = sly.Rectangle(top, left, bottom - 1, right - 1 - 2 * number)  # drawn better and worse
        annotation = sly.Annotation((image.height, image.width), [sly.Label(truth, box)])
        api.annotation.upload_ann(image.id, annotation)
    return {"project": project.id, "empty": api.project.create(1, "Empty").id}
"""
TIME = """
    session = sly.nn.inference.SessionJSON(api, arguments["task"])
    told = []
    def shown(**way):
        told.append(way["message"])
        return sly.tqdm_sly(**way)
    iterator = session.run_speedtest(
        arguments["project"], arguments["size"], num_iterations=5, num_warmup=2, preparing_cb=shown
    )
    return {"count": len(iterator), "rows": list(iterator), "told": told}
"""
EVALUATE = """
    # As `run_evaluation` of the app, without its widgets
    task = api.nn.deploy(arguments["path"]).task_id
    session = sly.nn.inference.SessionJSON(api, task)
    said = session.get_session_info()
    benchmark = sly.nn.benchmark.ObjectDetectionBenchmark(
        api, arguments["project"], output_dir=f"{arguments['folder']}/{task}", classes_whitelist=["box"]
    )
    app = api.task.get_info_by_id(task)["meta"]["app"]["name"]
    folder = api.storage.get_free_dir_name(1, f"/model-benchmark/{arguments['project']}_Patches/{task}_{app}")
    benchmark.run_evaluation(model_session=task, batch_size=16)
    benchmark.run_speedtest(task, arguments["project"], batch_sizes=(1, 2), num_iterations=5)
    benchmark.upload_speedtest_results(folder + "/speedtest/")
    benchmark.visualize()
    benchmark.upload_eval_results(folder + "/evaluation/")
    benchmark.upload_visualizations(folder + "/visualizations/")
    api.task.set_output_report(task, benchmark.lnk.id, benchmark.lnk.name, "Click to open the report")
    api.task.stop(task)
    return {
        "session": {key: said[key] for key in ("task type", "batch_inference_support", "max_batch_size")},
        "folder": folder, "metrics": {name: float(value) for name, value in benchmark.key_metrics.items()},
        "report": benchmark.report.id, "link": benchmark.get_report_link(),
    }
"""
COMPARE = """
    # As `run_compare` of the app, at a place of its own
    from supervisely.nn.benchmark.comparison.model_comparison import ModelComparison
    comparison = ModelComparison(api, arguments["folders"], workdir=arguments["workdir"], team_id=1)
    comparison.visualize()
    comparison.upload_results(1, "/somewhere/else")
    files = comparison.lnk, comparison.report
    return [comparison.get_report_link(), *(file.id for file in files)]
"""


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A server with a model that finds bright patches, and its export."""
    scratch = tmp_path_factory.mktemp("evaluator")
    with live_platform(scratch / "home", working=True, trainer=QUICK_ENGINE) as live:
        add_experiment(live.platform.services, scratch / "7", 7, export=True)
        yield live


@pytest.fixture(scope="module")
def projects(sdk: SdkSession, serving: LivePlatform, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """A project with a patch on each of its four images, and an empty one."""
    picture = tmp_path_factory.mktemp("picture") / "patch.png"
    picture.write_bytes(patch_png())
    made: dict[str, int] = sdk.run(serving, PROJECT, picture=str(picture), patch=PATCH)
    return made


@pytest.fixture(scope="module")
def evaluated(
    sdk: SdkSession, serving: LivePlatform, projects: dict[str, int], tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    """What the evaluator leaves of a checkpoint and of its export."""
    folder = str(tmp_path_factory.mktemp("evaluations"))
    return [sdk.run(serving, EVALUATE, path=path, folder=folder, **projects) for path in (BEST, ONNX)]


def test_a_served_model_is_timed(sdk: SdkSession, serving: LivePlatform, projects: dict[str, int]) -> None:
    task = sdk.run(serving, "return api.nn.deploy(arguments['path']).task_id", path=ONNX)
    found = sdk.run(serving, TIME, task=task, project=projects["project"], size=3)
    assert found["count"] == len(found["rows"]) == 5
    for row in found["rows"]:
        assert row["total"] == pytest.approx(row["preprocess"] + row["inference"] + row["postprocess"])
        assert row["total"] > 0
    for way, words in (
        ({"size": 65, "project": projects["project"]}, "Batches of 65 images are too large"),
        ({"size": 1, "project": projects["empty"]}, "no images to time the model with"),
        ({"size": 1, "project": 10**6}, "no project 1000000"),
    ):
        with pytest.raises(SdkError, match=words):
            sdk.run(serving, TIME, task=task, **way)
    info: Any = serving.call("tasks.info", id=task)
    stranger = serving.http.post(
        f"/net/{info['meta']['sessionToken']}/run_speedtest",
        json={"state": {"projectId": projects["project"], "batch_size": 1}},
        headers={"x-api-key": ""},
    )
    assert stranger.status_code == 400  # what is in projects is the owner's
    sdk.run(serving, "api.task.stop(arguments['task'])", task=task)


def test_a_served_model_is_evaluated_on_a_project(serving: LivePlatform, evaluated: list[dict[str, Any]]) -> None:
    first, second = evaluated
    assert first["session"] == {
        "task type": "object detection",
        "batch_inference_support": True,
        "max_batch_size": None,
    }
    assert 0 < first["metrics"]["mAP"] < 1
    assert first["metrics"]["mAP"] == second["metrics"]["mAP"]  # the export finds the same
    speed = serving.http.get(
        "/public/api/v3/file-storage.download",
        params={"teamId": 1, "path": f"{first['folder']}/speedtest/speedtest.json"},
    ).json()
    assert [row["batch_size"] for row in speed["speedtest"]] == [1, 2]
    assert speed["model_info"]["checkpoint_name"] == "best.pt"
    # `inference_info.json` says of a checkpoint of Team Files where its page is
    assert speed["model_info"]["checkpoint_url"] == f"/files/{_file(serving, BEST)['id']}"


def test_the_report_of_an_evaluation_is_drawn_from_it(serving: LivePlatform, evaluated: list[dict[str, Any]]) -> None:
    first = evaluated[0]
    page = httpx.get(first["link"])  # a browser sends no key
    assert page.status_code == 200
    assert "<title>Evaluation of 7 Shapes Quick</title>" in page.text
    assert f"{first['metrics']['mAP']:.3f}" in page.text
    assert "data:image" in page.text  # of a whole project, whose datasets the record does not name
    assert page.headers["content-security-policy"].startswith("sandbox allow-scripts")
    kept = [*serving.platform.services.layout.reports.iterdir()]
    assert httpx.get(first["link"]).text == page.text
    assert [*serving.platform.services.layout.reports.iterdir()] == kept


def test_the_report_of_a_comparison_is_drawn_from_its_evaluations(
    sdk: SdkSession, serving: LivePlatform, evaluated: list[dict[str, Any]], folder: str
) -> None:
    link, lnk, report = sdk.run(serving, COMPARE, folders=[one["folder"] for one in evaluated], workdir=folder)
    page = httpx.get(link)
    assert page.status_code == 200
    assert link.endswith(f"/model-benchmark?id={report}")
    names = [one["folder"].rsplit("/", 1)[1] for one in evaluated]  # of one experiment, evaluated twice
    assert f"<title>{' vs. '.join(names)}</title>" in page.text
    # The app names a comparison that was there by its link file
    assert httpx.get(f"{serving.url}/model-benchmark", params={"id": lnk}).text == page.text
    # Without its evaluations the page says what is there
    for one in evaluated:
        serving.call("file-storage.remove", teamId=1, path=f"{one['folder']}/evaluation/cocoDt.json")
    told = httpx.get(link)
    assert told.status_code == 404
    assert "made with Supervisely&#x27;s SDK" in told.text
    assert "/somewhere/else" in told.text


def _file(server: LivePlatform, path: str) -> Any:  # noqa: ANN401 - JSON
    found: Any = server.call("file-storage.list", teamId=1, path=path, recursive=False)
    return found[0]
