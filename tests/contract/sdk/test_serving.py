"""`api.nn.deploy`, `ModelAPI` and `Session` of the official SDK with models of the quick engine behind them."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.contract.sdk.session import SdkError, SdkSession
from tests.fakes.live_platform import LivePlatform, live_platform
from tests.fakes.quick_models import PATCH, QUICK_ENGINE, add_experiment, model_text, patch_png
from tests.fakes.small_platform import wait_for

pytestmark = pytest.mark.sdk

BEST = "/experiments/1_Shapes/7_YOLO/checkpoints/best.pt"
ONNX = "/experiments/1_Shapes/7_YOLO/export/best.onnx"
DEADLY = "/experiments/1_Shapes/8_YOLO/checkpoints/best.pt"
# What a rectangle of Supervisely has for PATCH: its last pixels belong to it; top, left, bottom, right
PIXELS = [[PATCH[1], PATCH[0], PATCH[3] - 1, PATCH[2] - 1]]
DEPLOY = "return api.nn.deploy(arguments['path']).task_id"
CONNECT = "model = api.nn.connect(arguments['task'])\n"
SESSION = "session = sly.nn.inference.Session(api, task_id=arguments['task'])\n"
TOLD = """
def told(found):
    return {
        "name": found.name, "image": found.image_id, "classes": found.classes, "boxes": found.boxes.tolist(),
        "scores": [round(float(score), 6) for score in found.scores],
    }
"""


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A server with a model that finds bright patches, one that dies of them, and a dataset with four patches."""
    scratch = tmp_path_factory.mktemp("serving")
    with live_platform(scratch / "home", working=True, trainer=QUICK_ENGINE) as live:
        services = live.platform.services
        add_experiment(services, scratch / "7", 7, export=True)
        add_experiment(services, scratch / "8", 8, model_text(dies=True))
        yield live


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three pictures, all with the same patch."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(3):
        (folder / f"{number}.png").write_bytes(patch_png())
    return folder


@pytest.fixture(scope="module")
def images(sdk: SdkSession, serving: LivePlatform, pictures: Path) -> dict[str, Any]:
    """A project of two datasets with two of the pictures in each."""
    code = """
        project = api.project.create(1, "Patches")
        made = {"project": project.id, "datasets": [], "images": []}
        for name in ("first", "second"):
            dataset = api.dataset.create(project.id, name)
            paths = [f"{arguments['folder']}/{number}.png" for number in range(2)]
            made["datasets"].append(dataset.id)
            made["images"] += [item.id for item in api.image.upload_paths(dataset.id, ["0.png", "1.png"], paths)]
        return made
    """
    made: dict[str, Any] = sdk.run(serving, code, folder=str(pictures))
    return made


@pytest.fixture(scope="module")
def task(sdk: SdkSession, serving: LivePlatform) -> int:
    """A task that serves the first model."""
    return int(sdk.run(serving, DEPLOY, path=BEST))


def test_a_deployed_model_says_what_it_is(sdk: SdkSession, serving: LivePlatform, task: int) -> None:
    code = f"""
{CONNECT}
return {{
    "info": model.get_info(), "settings": model.get_settings(), "classes": model.get_classes(),
    "tags": [tag.name for tag in model.get_model_meta().tag_metas],
    "ready": model.is_deployed(), "deployed": model.status()["is_deployed"],
    "listed": [entry["task_info"]["id"] for entry in api.nn.list_deployed_models(framework="YOLO")],
    "status": str(api.task.get_status(arguments["task"])),
}}
"""
    said = sdk.run(serving, code, task=task)
    info = said.pop("info")
    assert (info["checkpoint_name"], info["custom_checkpoint_path"]) == ("best.pt", BEST)
    assert (info["architecture"], info["runtime"], info["task_type"]) == ("YOLO", "PyTorch", "object detection")
    assert said == {
        "settings": {"conf": 0.25, "max_det": 300},
        "classes": ["box"],
        "tags": ["confidence"],
        "ready": True,
        "deployed": True,
        "listed": [task],
        "status": "started",
    }


def test_pictures_ids_datasets_and_projects_are_looked_at(
    sdk: SdkSession, serving: LivePlatform, task: int, images: dict[str, Any], pictures: Path
) -> None:
    code = f"""
{CONNECT}{TOLD}
ways = {{
    "path": dict(input=arguments["folder"] + "/0.png"), "folder": dict(input=arguments["folder"]),
    "id": dict(image_id=arguments["images"][0]), "ids": dict(image_ids=arguments["images"]),
    "dataset": dict(dataset_id=arguments["datasets"][1]), "project": dict(project_id=arguments["project"]),
}}
return {{name: [told(found) for found in model.predict(**way)] for name, way in ways.items()}}
"""
    found = sdk.run(serving, code, task=task, folder=str(pictures), **images)
    assert {way: len(results) for way, results in found.items()} == {
        "path": 1,
        "folder": 3,
        "id": 1,
        "ids": 4,
        "dataset": 2,
        "project": 4,
    }
    for results in found.values():
        for result in results:
            assert (result["boxes"], result["classes"], result["scores"]) == (PIXELS, ["box"], [0.9])
    assert [result["image"] for result in found["project"]] == images["images"]
    assert [result["name"] for result in found["dataset"]] == ["0.png", "1.png"]


VIDEO = """
import cv2
path = arguments["folder"] + "/moving.avi"
writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"FFV1"), 10, (80, 60))  # keeps every pixel
for place in range(40):
    picture = np.zeros((60, 80, 3), dtype=np.uint8)
    picture[20:30, place:place + 16] = 255
    writer.write(picture)
writer.release()
"""


def test_a_video_is_looked_at_frame_by_frame(sdk: SdkSession, serving: LivePlatform, task: int, tmp_path: Path) -> None:
    code = f"""
import numpy as np
{CONNECT}{VIDEO}
def told(**wanted):
    return [(found.frame_index, found.boxes.tolist()) for found in model.predict(input=path, **wanted)]
said = {{
    "all": told(), "some": told(start_frame=3, num_frames=9, stride=4), "until": told(start_frame=37, end_frame=38),
    "second": len(told(duration=1)), "back": [number for number, _ in told(start_frame=2, direction="backward")],
}}
session = model.predict_detached(input=path)
said["count"], said["first"] = len(session), next(session).frame_index
said["rest"] = len(list(session))
said["result"], said["progress"] = session.final_result, session.progress()["current"]
return said
"""
    said = sdk.run(serving, code, task=task, folder=str(tmp_path))
    boxes = [[number, [[20, number, 29, number + 15]]] for number in range(40)]
    assert said == {
        "all": boxes,
        "some": [boxes[3], boxes[7], boxes[11]],
        "until": boxes[37:39],
        "second": 10,
        "back": [2, 1, 0],
        "count": 40,
        "first": 0,
        "rest": 39,
        "result": {"ann": [], "video_ann": None},
        "progress": 40,
    }
    assert not [*serving.platform.services.layout.incoming.iterdir()]


def test_a_video_can_be_stopped(sdk: SdkSession, serving: LivePlatform, task: int, tmp_path: Path) -> None:
    code = f"""
import numpy as np
{CONNECT}{VIDEO}
with model.predict_detached(input=path, batch_size=1) as session:
    next(session)
while not session.is_done():  # the frame at hand is still looked at
    pass
return session.status()["stage"]
"""
    assert sdk.run(serving, code, task=task, folder=str(tmp_path)) == "Cancelled"
    wait_for(lambda: not [*serving.platform.services.layout.incoming.iterdir()], "the video is removed")


def test_videos_that_cannot_be_looked_at_are_refused(
    sdk: SdkSession, serving: LivePlatform, task: int, tmp_path: Path
) -> None:
    (tmp_path / "a.mp4").write_text("no video", encoding="utf-8")
    # FFmpeg would follow what a playlist names, whatever the file is called
    (tmp_path / "b.mkv").write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", encoding="utf-8")
    code = f"""
import numpy as np
{CONNECT}{VIDEO}
said = []
ways = (("a.mp4", {{}}), ("b.mkv", {{}}), ("moving.avi", {{"start_frame": 40}}), ("moving.avi", {{"tracking": True}}))
for name, way in ways:
    try:
        model.predict(input=arguments["folder"] + "/" + name, **way)
    except Exception as error:
        said.append(str(error))
return said
"""
    playlist, text, behind, tracked = sdk.run(serving, code, task=task, folder=str(tmp_path))
    assert "is no video that can be read" in text
    assert "is no video that can be read" in playlist
    assert "There is no frame 40: the video has 40" in behind
    assert "Tracking is not supported" in tracked


def test_settings_choose_what_is_told(sdk: SdkSession, serving: LivePlatform, task: int, pictures: Path) -> None:
    code = f"""
{CONNECT}
path = arguments["folder"] + "/0.png"
return [len(model.predict(input=path, **way)[0].boxes) for way in (
    dict(conf=0.95), dict(conf=0.5), dict(classes=["box"]), dict(classes=["lemon"]),
)]
"""
    assert sdk.run(serving, code, task=task, folder=str(pictures)) == [0, 1, 1, 0]


def test_a_detached_prediction_is_counted_fetched_and_stopped(
    sdk: SdkSession, serving: LivePlatform, task: int, images: dict[str, Any]
) -> None:
    code = f"""
{CONNECT}
with model.predict_detached(project_id=arguments["project"], batch_size=1) as session:
    count, first = len(session), next(session)
    status = session.status()["stage"]
return [count, first.image_id, status]
"""
    count, first, stage = sdk.run(serving, code, task=task, project=images["project"])
    assert (count, first) == (4, images["images"][0])
    assert stage in {"Running inference...", "Finished"}


def test_the_older_session_asks_the_same_model(
    sdk: SdkSession, serving: LivePlatform, task: int, images: dict[str, Any], pictures: Path
) -> None:
    code = f"""
{SESSION}
paths = [f"{{arguments['folder']}}/{{number}}.png" for number in range(3)]
def count(annotations):
    return [len(one.labels) for one in annotations]
session.update_inference_settings(conf=0.3)
return {{
    "classes": session.get_session_info()["number_of_classes"], "model": session.get_deploy_info().checkpoint_name,
    "path": count([session.inference_image_path(paths[0])]), "paths": count(session.inference_image_paths(paths)),
    "id": count([session.inference_image_id(arguments["images"][0])]),
    "ids": count(session.inference_image_ids(arguments["images"])),
    "async": [one.image_id for one in session.inference_image_ids_async(arguments["images"])],
    "project": [one.image_name for one in session.inference_project_id(arguments["project"])],
}}
"""
    said = sdk.run(serving, code, task=task, folder=str(pictures), **images)
    assert said == {
        "classes": 1,
        "model": "best.pt",
        "path": [1],
        "paths": [1, 1, 1],
        "id": [1],
        "ids": [1, 1, 1, 1],
        "async": images["images"],
        "project": ["0.png", "1.png", "0.png", "1.png"],
    }


def test_predictions_go_into_projects(
    sdk: SdkSession, serving: LivePlatform, task: int, images: dict[str, Any]
) -> None:
    code = f"""
{CONNECT}
target = api.project.create(1, "Labelled", change_name_if_conflict=True)
model.predict(image_ids=arguments["images"], output_project_id=target.id)
def drawn():
    return [
        [label.status.value for label in sly.Annotation.from_json(info.annotation, meta).labels]
        for dataset in api.dataset.get_list(target.id) for info in api.annotation.get_list(dataset.id)
    ]
meta = sly.ProjectMeta.from_json(api.project.get_meta(target.id))
copied, counts = drawn(), []
ids = [image.id for dataset in api.dataset.get_list(target.id) for image in api.image.get_list(dataset.id)]
for mode in ("iou_merge", "append", "replace"):
    told = model.predict(image_ids=ids, upload_mode=mode)
    counts.append([len(labels) for labels in drawn()])
source = [len(api.annotation.download(number).annotation["objects"]) for number in arguments["images"]]
model.predict(image_ids=arguments["images"][:1], upload_mode="create")
created = [project.name for project in api.project.get_list(1) if project.name.startswith("Predictions")]
return [copied, counts, source, told[0].annotation_json, created]
"""
    copied, counts, source, told, created = sdk.run(serving, code, task=task, **images)
    assert copied == [["auto"]] * 4  # made by a model, and nobody has touched it
    assert counts == [[1] * 4, [2] * 4, [1] * 4]
    assert source == [0] * 4
    assert told is None
    assert created == [f"Predictions from task #{task}"]


def test_two_models_serve_side_by_side_and_one_is_shut_down(
    sdk: SdkSession, serving: LivePlatform, task: int, pictures: Path
) -> None:
    code = f"""
{CONNECT}
other = api.nn.deploy(arguments["onnx"])
path = arguments["folder"] + "/0.png"
runtimes = [model.get_info()["runtime"], other.get_info()["runtime"]]
boxes = [len(one.predict(input=path)[0].boxes) for one in (model, other)]
listed = len(api.nn.list_deployed_models())
other.shutdown()
return [runtimes, boxes, listed, other.task_id]
"""
    runtimes, boxes, listed, other = sdk.run(serving, code, task=task, onnx=ONNX, folder=str(pictures))
    assert (runtimes, boxes, listed) == (["PyTorch", "ONNXRuntime"], [1, 1], 2)
    wait_for(lambda: _status(serving, other) == "stopped", "it is stopped")
    with pytest.raises(SdkError, match="serves no more"):
        sdk.run(serving, f"{CONNECT}model.get_info()", task=other)
    assert sdk.run(serving, f"{CONNECT}return model.is_deployed()", task=task) is True


def test_a_process_that_dies_in_mid_request_ends_its_task_and_says_so(
    sdk: SdkSession, serving: LivePlatform, pictures: Path
) -> None:
    deadly = sdk.run(serving, DEPLOY, path=DEADLY)
    with pytest.raises(SdkError, match=r"Inference Error.*best\.pt ended by signal 9"):
        sdk.run(serving, f"{CONNECT}model.predict(input=arguments['path'])", task=deadly, path=f"{pictures}/0.png")
    wait_for(lambda: _status(serving, deadly) == "error", "its task has ended")
    info: Any = serving.call("tasks.info", id=deadly)
    assert info["meta"]["exitReport"]["cause"] == "killed"
    again = sdk.run(serving, DEPLOY, path=BEST)
    assert sdk.run(serving, f"{CONNECT}return model.is_deployed()", task=again) is True
    sdk.run(serving, f"{CONNECT}model.shutdown()", task=again)


def test_a_process_that_is_killed_while_nobody_asks_ends_its_task(sdk: SdkSession, serving: LivePlatform) -> None:
    idle = sdk.run(serving, DEPLOY, path=BEST)
    status: Any = serving.call("tasks.request.direct", taskId=idle, command="get_status", state={})
    os.kill(status["serving"]["pid"], signal.SIGKILL)
    wait_for(lambda: _status(serving, idle) == "error", "its task has ended")


def test_many_clients_ask_at_once(serving: LivePlatform, task: int) -> None:
    info: Any = serving.call("tasks.info", id=task)
    address = f"/net/{info['meta']['sessionToken']}/inference_image"

    def ask(number: int) -> int:
        answer = serving.http.post(address, files={"files": (f"{number}.png", patch_png(), "image/png")})
        return len(answer.json()["annotation"]["objects"])

    with ThreadPoolExecutor(50) as clients:
        assert list(clients.map(ask, range(50))) == [1] * 50


def test_a_frozen_model_comes_back_when_it_is_asked(
    sdk: SdkSession, serving: LivePlatform, task: int, pictures: Path
) -> None:
    code = f"""
{CONNECT}
said = model.freeze_model()["message"]
return [said, model.is_deployed(), len(model.predict(input=arguments["path"])[0].boxes)]
"""
    said = sdk.run(serving, code, task=task, path=f"{pictures}/0.png")
    assert said == ["Model is frozen.", True, 1]


def test_a_task_goes_on_after_a_restart_of_the_server(
    sdk: SdkSession, serving: LivePlatform, task: int, pictures: Path
) -> None:
    platform = serving.platform
    platform.serving.close()
    platform.serving.start()
    code = f"{CONNECT}return len(model.predict(input=arguments['path'])[0].boxes)"
    assert sdk.run(serving, code, task=task, path=f"{pictures}/0.png") == 1


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("YOLO/YOLO26n-det", "published weights of YOLO26n-det are not on this machine"),
        ("YOLO/Pico-det (CPU demo)", "Nobody has published weights"),
    ],
)
def test_what_cannot_be_served_is_refused_with_its_reason(
    sdk: SdkSession, serving: LivePlatform, model: str, reason: str
) -> None:
    # For a model of the catalogue the SDK makes clients of its own, from the environment
    code = f"""
import os
os.environ.update(SERVER_ADDRESS=api.server_address, API_TOKEN=api.token)
{DEPLOY}
"""
    with pytest.raises(SdkError, match=reason):
        sdk.run(serving, code, path=model)


def test_published_weights_that_were_fetched_can_be_served(
    sdk: SdkSession, serving: LivePlatform, pictures: Path
) -> None:
    (serving.platform.services.layout.weights / "yolo26n.pt").write_bytes(model_text("person"))
    code = """
import os
os.environ.update(SERVER_ADDRESS=api.server_address, API_TOKEN=api.token)
model = api.nn.deploy("YOLO/YOLO26n-det")
said = [model.get_classes(), model.get_info()["model_source"], len(model.predict(input=arguments["path"])[0].boxes)]
model.shutdown()
return said
"""
    said = sdk.run(serving, code, path=f"{pictures}/0.png")
    assert said == [["person"], "Pretrained models", 1]


def test_an_experiment_is_served_by_its_record(sdk: SdkSession, serving: LivePlatform, pictures: Path) -> None:
    # As `deploy_custom_model_from_experiment_info` does it, whose training task these experiments lack
    code = """
from supervisely.nn.experiments import get_experiment_info_by_artifacts_dir
info = get_experiment_info_by_artifacts_dir(api, 1, "/experiments/1_Shapes/7_YOLO")
module = api.nn._deploy_api.find_serving_app_by_framework(info.framework_name)
task = api.task.start(
    agent_id=1, module_id=module["id"], workspace_id=1, task_name="Quick (best.pt)",
    description="Serve from experiment: Quick",
)
assert api.app.wait_until_ready_for_api_calls(task["id"], 30, 1)
api.nn._deploy_api.load_custom_model_from_experiment_info(task["id"], info)
model = api.nn.connect(task["id"])
said = [len(model.predict(input=arguments["path"])[0].boxes), api.task.get_info_by_id(task["id"])["description"]]
model.shutdown()
return said
"""
    assert sdk.run(serving, code, path=f"{pictures}/0.png") == [1, "Quick (best.pt)"]


def test_a_session_alone_opens_the_model_and_nothing_else(
    serving: LivePlatform, task: int, images: dict[str, Any]
) -> None:
    info: Any = serving.call("tasks.info", id=task)
    address, stranger = f"/net/{info['meta']['sessionToken']}", {"x-api-key": ""}

    def ask(command: str, **state: object) -> int:
        return serving.http.post(f"{address}/{command}", json={"state": state}, headers=stranger).status_code

    assert ask("get_session_info") == 200
    assert ask("inference_image_id", image_id=images["images"][0]) == 400
    assert ask("inference_project_id_async", project_id=images["project"]) == 400
    assert ask("deploy_from_api", deploy_params={"model_files": {"checkpoint": BEST}}) == 400
    assert ask("inference_image_url", image_url="http://127.0.0.1:1/x.png") == 400
    assert serving.http.post("/net/nonsense/get_session_info", json={}).status_code == 404


@pytest.mark.parametrize(
    ("command", "request_", "words"),
    [
        ("inference_image", {"json": {}}, "as a form"),
        ("inference_image", {"files": {"other": ("a.png", patch_png())}}, "0 were sent"),
        ("inference_image", {"files": {"files": ("a.png", b"no picture")}}, "'a.png' cannot be used"),
        ("inference_image", {"files": {"files": ("a.png", patch_png())}, "data": {"state": "[1"}}, "no JSON"),
        (
            "inference_batch",
            {"files": {"files": ("a.png", patch_png())}, "data": {"state": '{"upload_mode": "append"}'}},
            "in no project",
        ),
        ("inference_batch_ids", {"json": {"state": {}}}, "names no images"),
        ("inference_batch_ids", {"json": {"state": {"batch_ids": [10**9]}}}, "no image 1000000000"),
        ("inference_image_id", {"json": {"state": {"image_ids": []}}}, "0 were named"),
        ("inference_image", {"files": {"files": ("a.png", b"")}}, "'a.png' cannot be used: It is not an image"),
        ("pop_inference_results", {"json": {"state": {"inference_request_uuid": "x"}}}, "no such inference request"),
        ("inference_video_id", {"json": {}}, "hold images and no videos"),
        ("inference_video_async", {"json": {}}, "a video as a form"),
        ("inference_video_async", {"files": {"other": ("a.mp4", b"")}}, "0 were sent"),
        (
            "inference_video_async",
            {"files": {"files": ("a.mp4", b"x")}, "data": {"state": '{"tracker": "botsort"}'}},
            "not followed from frame to frame",
        ),
        ("rm", {"json": {}}, "no command 'rm'"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    serving: LivePlatform, task: int, command: str, request_: dict[str, Any], words: str
) -> None:
    info: Any = serving.call("tasks.info", id=task)
    answer = serving.http.post(f"/net/{info['meta']['sessionToken']}/{command}", **request_)
    assert answer.status_code in {400, 404}
    assert words in answer.json()["error"]


def _status(server: LivePlatform, task: int) -> str:
    info: Any = server.call("tasks.info", id=task)
    return str(info["status"])
