"""Reports and links that a browser opens."""

import json

import httpx
import pytest

from tests.fakes.evaluations import Made, coco_pair
from tests.fakes.live_platform import API, LivePlatform
from traindash.platform.routes.assets import page_of_path

FOLDER = "/model-benchmark/1_Shapes/7_Train YOLO v8 - 26/visualizations"
REPORT = "<!doctype html><title>Report</title><script>1</script>"


def _put(server: LivePlatform, path: str, content: str) -> int:
    answer = server.http.post(API + "file-storage.upload", params={"teamId": 1, "path": path}, content=content)
    return int(answer.json()["id"])


def test_a_report_is_the_page_beside_its_template(own_server: LivePlatform) -> None:
    template = _put(own_server, f"{FOLDER}/template.vue", "<template/>")
    _put(own_server, f"{FOLDER}/report.html", REPORT)
    answer = httpx.get(f"{own_server.url}/model-benchmark", params={"id": template})  # a browser sends no key
    assert answer.text == REPORT
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy


def _put_evaluation(server: LivePlatform, folder: str, **record: object) -> int:
    truth, found = coco_pair(Made(images=4))
    _put(server, f"{folder}/evaluation/cocoGt.json", json.dumps(truth))
    _put(server, f"{folder}/evaluation/cocoDt.json", json.dumps(found))
    _put(server, f"{folder}/evaluation/inference_info.json", json.dumps(record))
    return _put(server, f"{folder}/visualizations/template.vue", "<template/>")


def test_an_evaluation_of_a_checkpoint_outside_team_files_is_shown(own_server: LivePlatform) -> None:
    report = _put_evaluation(
        own_server, "/of the sdk", model_name="Mine", custom_checkpoint_path="/a/../b/checkpoints/best.pt"
    )
    page = httpx.get(f"{own_server.url}/model-benchmark", params={"id": report}, timeout=60)  # it is drawn now
    assert page.status_code == 200
    assert "<title>Evaluation of Mine</title>" in page.text


def test_a_damaged_evaluation_is_named_by_its_place_in_team_files(own_server: LivePlatform) -> None:
    report = _put_evaluation(own_server, "/of the sdk")
    _put(own_server, "/of the sdk/evaluation/cocoGt.json", '{"images": [')
    page = httpx.get(f"{own_server.url}/model-benchmark", params={"id": report})
    assert page.status_code == 404
    assert "/of the sdk/evaluation/cocoGt.json: it ends in the middle" in page.text
    assert f"{own_server.platform.services.layout.root}" not in page.text


@pytest.mark.parametrize("wanted", ["99", "", "x", "-1", "9" * 40, "<script>alert(1)</script>", "٣"])
def test_no_such_report_is_a_page_that_says_so(server: LivePlatform, wanted: str) -> None:
    answer = httpx.get(f"{server.url}/model-benchmark", params={"id": wanted})
    assert answer.status_code == 404
    assert "Report not found" in answer.text
    assert "<script>" not in answer.text


def test_a_file_that_is_no_report_is_not_shown(own_server: LivePlatform) -> None:
    other = _put(own_server, "/<b>notes</b>.txt", "secret")
    answer = httpx.get(f"{own_server.url}/model-benchmark", params={"id": other})
    assert answer.status_code == 404
    assert "secret" not in answer.text
    assert "<b>" not in answer.text


def test_links_lead_to_the_dashboard(own_server: LivePlatform) -> None:
    best = _put(own_server, "/experiments/1_Shapes/7_YOLO/checkpoints/best.pt", "x")
    assert own_server.http.get(f"/files/{best}").headers["location"] == "/task?task=7"
    folder = own_server.http.get("/files/", params={"path": "/experiments/1_Shapes/7_YOLO/"})
    assert folder.headers["location"] == "/task?task=7"
    assert own_server.http.get("/apps/sessions/7").headers["location"] == "/task?task=7"
    assert own_server.http.get("/files/999").status_code == 404


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/experiments/1_P/12_YOLO/", "/task?task=12"),
        ("/model-benchmark/1_P/12_Train YOLO v8 - 26/visualizations/template.vue", "/task?task=12"),
        ("/experiments/1_P/12_YOLO_002", "/task?task=12"),
        ("/experiments/1_P", "/experiments"),
        ("/experiments/1_P/notes/x", "/experiments"),
        ("/other/1_P/12_YOLO", "/experiments"),
        ("//evil.example/12_a/12_b", "/experiments"),
        ("", "/experiments"),
    ],
)
def test_every_place_has_a_page_of_our_own(path: str, page: str) -> None:
    assert page_of_path(path) == page
