"""Tasks over the wire (docs/supervisely-api.md 3.2, 5 and 6)."""

from typing import Any

import pytest
import yaml

from tests.fakes.live_platform import LivePlatform
from tests.fakes.small_platform import wait_for
from traindash.domain.ids import TaskId
from traindash.domain.task import TaskStatus

OPTIONS = {
    "convert_class_shapes": True,
    "model_benchmark": {"enable": True, "speed_test": False},
    "cache_project": True,
    "export": {"enable": False, "ONNXRuntime": False, "TensorRT": False},
}


def _call(server: LivePlatform, method: str, **body: object) -> Any:  # noqa: ANN401 - JSON
    return server.call(method, **body)


def _state(*, start: bool = True, **behaviour: object) -> dict[str, object]:
    return {
        "slyProjectId": 1,
        "guiState": {
            "model": {"source": "Pretrained models", "model_name": "YOLO26n-det"},
            "classes": ["box", "blob"],
            "train_val_split": {"method": "datasets", "train_datasets": [1], "val_datasets": [2]},
            "hyperparameters": yaml.safe_dump({"epochs": 2, **behaviour}),
            "options": OPTIONS,
            "experiment_name": None,
            "start_training": start,
        },
    }


def _body(state: dict[str, object], **changes: object) -> dict[str, object]:
    """The body as the SDK sends it."""
    body: dict[str, object] = {
        "agentId": None,
        "workspaceId": 1,
        "description": "YOLO26n-det",
        "params": {"state": state},
        "logLevel": "info",
        "usersIds": [],
        "appVersion": "",
        "isBranch": False,
        "taskName": "pythonSpawned",
        "restartPolicy": "never",
        "proxyKeepUrl": False,
        "advancedSettings": {"limitByWorkspace": False},
        "moduleId": 1,
    }
    return body | changes


def _start(server: LivePlatform, *, start: bool = True, **behaviour: object) -> int:
    answer = _call(server, "tasks.run.app", **_body(_state(start=start, **behaviour)))
    assert isinstance(answer, list)
    assert answer[0]["id"] == answer[0]["taskId"]
    return int(answer[0]["id"])


def _ask(server: LivePlatform, task: int, command: str, **state: object) -> Any:  # noqa: ANN401 - JSON
    body = {"taskId": task, "command": command, "context": {"outside_request": True}, "state": state}
    return _call(server, "tasks.request.direct", skipResponse=False, timeout=1, **body)


def _wait(server: LivePlatform, task: int, *statuses: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        info: dict[str, Any] = _call(server, "tasks.info", id=task)
        return info if info["status"] in statuses else None

    return wait_for(look, f"task {task} is {statuses}")


def test_a_waiting_task(own_server: LivePlatform) -> None:
    task = _start(own_server)
    info = _call(own_server, "tasks.info", id=task)
    assert info["status"] == "queued"
    assert info["description"] == "YOLO26n-det"
    assert info["meta"]["name"] == "pythonSpawned"
    assert info["meta"]["params"] == {"state": _state()}
    assert info["meta"]["app"]["moduleId"] == 1
    assert info["meta"]["queuePosition"] == 1
    assert (info["workspaceId"], info["teamId"], info["type"]) == (1, 1, "app")
    assert not {"output", "exitReport"} & set(info["meta"])  # null there would break the SDK
    assert _ask(own_server, task, "is_running") == {"running": True, "mode": "production"}
    assert _ask(own_server, task, "train_status") == {"status": ""}


def test_a_waiting_task_follows_names_that_change_in_its_project(own_server: LivePlatform) -> None:
    task = _start(own_server)
    meta = _call(own_server, "projects.meta", id=1)
    before = _call(own_server, "tasks.info", id=task)["meta"]["settings"]["guiState"]["classes"]
    renamed = next(item for item in meta["classes"] if item["title"] == before[0])
    _call(own_server, "advanced.object_classes.editInfo", id=renamed["id"], name="a new name")
    after = _call(own_server, "tasks.info", id=task)["meta"]["settings"]["guiState"]["classes"]
    assert after == ["a new name", *before[1:]]


def test_a_training_from_start_to_end(working_server: LivePlatform) -> None:
    task = _start(working_server)
    info = _wait(working_server, task, "finished", "error")
    assert info["status"] == "finished"
    experiment = info["meta"]["output"]["experiment"]["data"]
    assert experiment["task_id"] == task
    assert experiment["evaluation_report_id"] is not None
    assert info["meta"]["exitReport"]["cause"] == "finished"
    assert info["agentName"] == "local-1"
    template = _call(working_server, "file-storage.info", id=experiment["evaluation_report_id"])
    assert template["path"].startswith("/model-benchmark/1_Shapes/")
    assert template["name"] == "template.vue"
    assert _ask(working_server, task, "is_running")["running"] is True  # for ever
    rows = working_server.http.get("/public/api/v3/tasks.log.download", params={"id": task}).json()
    assert {"level", "message", "timestamp", "task_id"} <= set(rows[0])
    middle = rows[len(rows) // 2]["timestamp"]
    later = working_server.http.get(
        "/public/api/v3/tasks.log.download", params={"id": task, "sinceTime": middle, "limit": 2}
    ).json()
    assert later == [row for row in rows if row["timestamp"] > middle][:2]
    bars = _ask(working_server, task, "sly/data")
    assert bars["ProgressAutoId1"]["message"] == "Epochs"
    listed = _call(working_server, "tasks.list", workspaceId=1, filter=[])["entities"]
    assert [item["id"] for item in listed] == [task]
    assert working_server.http.get(f"/apps/sessions/{task}").headers["location"] == f"/task?task={task}"


def test_outputs_are_merged(own_server: LivePlatform) -> None:
    task = _start(own_server)
    _call(own_server, "tasks.output.set", taskId=task, output={"experiment": {"data": {"a": 1}}})
    _call(own_server, "tasks.output.set", taskId=task, output={"general": {"titleUrl": "/files/1"}})
    output = _call(own_server, "tasks.info", id=task)["meta"]["output"]
    assert output == {"experiment": {"data": {"a": 1}}, "general": {"titleUrl": "/files/1"}}
    for wrong in ({}, None, {"experiment": None}, {"general": "x"}, "x"):
        assert own_server.post("tasks.output.set", taskId=task, output=wrong).status_code == 400
    assert own_server.post("tasks.output.set", taskId=99, output={"general": {}}).status_code == 404


def test_stop(own_server: LivePlatform) -> None:
    task = _start(own_server)
    assert _call(own_server, "tasks.stop", id=task) == {"status": "stopped"}
    assert _call(own_server, "tasks.stop", id=task) == {"status": "stopped"}
    info = _call(own_server, "tasks.info", id=task)
    assert info["meta"]["exitReport"]["cause"] == "stopped_by_user"
    assert own_server.post("tasks.stop", id=99).status_code == 404


def test_stop_of_a_running_training(working_server: LivePlatform) -> None:
    task = _start(working_server, epochs=100_000, seconds_per_epoch=0.05)
    wait_for(lambda: "in progress" in _ask(working_server, task, "train_status")["status"], "it trains")
    assert _call(working_server, "tasks.stop", id=task) == {"status": "terminating"}
    _wait(working_server, task, "stopped")


def test_a_training_can_end_after_its_epoch(working_server: LivePlatform) -> None:
    task = _start(working_server, epochs=100_000, seconds_per_epoch=0.05)
    wait_for(lambda: "ProgressAutoId1" in _ask(working_server, task, "sly/data"), "an epoch is over")
    _ask(working_server, task, "stop_after_epoch")
    assert _wait(working_server, task, "finished", "error", "stopped")["status"] == "finished"


def test_autostart_off_waits_for_the_command(working_server: LivePlatform) -> None:
    task = _start(working_server, start=False)
    _wait(working_server, task, "started")
    assert _ask(working_server, task, "train_status") == {"status": ""}
    assert _ask(working_server, task, "train_from_api", wait=False) == {"result": "model training started"}
    _wait(working_server, task, "finished")


def test_train_from_api_can_wait_for_the_end(working_server: LivePlatform) -> None:
    task = _start(working_server, start=False)
    _wait(working_server, task, "started")
    body = {"taskId": task, "command": "train_from_api", "state": {"wait": True}, "timeout": 60}
    assert _call(working_server, "tasks.request.direct", **body) == {"result": "model was successfully trained"}


def test_the_client_cannot_invent_a_status(own_server: LivePlatform) -> None:
    task = _start(own_server)
    assert own_server.post("tasks.status.update", id=task, status="finished").status_code == 409
    assert own_server.post("tasks.status.update", id=task, status="cooking").status_code == 400
    assert _call(own_server, "tasks.status.update", id=task, status="queued") == {"status": "queued"}
    assert _call(own_server, "tasks.status.update", id=task, status="stopped") == {"status": "stopped"}


def test_unknown_commands(own_server: LivePlatform) -> None:
    task = _start(own_server)
    for body in ({"taskId": task, "command": "sly/session-info"}, {"taskId": 99, "command": "is_running"}):
        assert own_server.post("tasks.request.direct", **body).status_code == 404
    assert own_server.post("tasks.request.direct", taskId=task).status_code == 400
    assert own_server.post("tasks.request.direct", taskId=task, command="stop_after_epoch").status_code == 409
    assert own_server.post("tasks.request.direct", taskId=task, command="train_from_api").status_code == 409


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"moduleId": 99}, 404, "99"),
        ({"workspaceId": 99}, 404, "99"),
        ({"agentId": 99}, 400, "99"),
        ({"params": {}}, 400, "state"),
        ({"description": "x" * 256}, 400, "description"),
        ({"logLevel": "loud"}, 400, "logLevel"),
        ({"params": {"state": {"slyProjectId": 99, "guiState": {}}}}, None, ""),
    ],
)
def test_refusals_come_at_once(
    own_server: LivePlatform, changes: dict[str, object], status: int | None, said: str
) -> None:
    answer = own_server.post("tasks.run.app", **_body(_state(), **changes))
    assert answer.status_code == status or (status is None and answer.status_code in {400, 404})
    assert said in answer.json()["error"]
    assert _call(own_server, "tasks.list", workspaceId=1)["total"] == 0


def test_logs_refuse_what_is_no_moment(own_server: LivePlatform) -> None:
    task = _start(own_server)
    answer = own_server.http.get("/public/api/v3/tasks.log.download", params={"id": task, "sinceTime": "yesterday"})
    assert answer.status_code == 400
    assert "sinceTime" in answer.json()["error"]


def test_sessions_of_an_app(own_server: LivePlatform) -> None:
    task = _start(own_server)
    filters = [{"field": "status", "operator": "in", "value": ["queued"]}]
    body = {"teamId": 1, "appId": 1, "sort": "startedAt", "sort_order": "desc"}
    assert [item["id"] for item in _call(own_server, "apps.tasks.list", filter=filters, **body)["entities"]] == [task]
    running = _call(own_server, "apps.list", teamId=1, onlyRunning=True)["entities"]
    assert [[item["id"] for item in app["tasks"]] for app in running] == [[task]]


def test_a_task_that_is_over_keeps_its_status(own_server: LivePlatform) -> None:
    task = _start(own_server)
    own_server.platform.services.tasks.move(TaskId(task), TaskStatus.ERROR)
    assert _call(own_server, "tasks.stop", id=task) == {"status": "error"}


def test_clients_that_pick_the_freest_agent_spread_their_tasks(own_server: LivePlatform) -> None:
    """The SDK starts on the agent with most free memory; agents of one machine would otherwise always tie."""
    picked = []
    for _ in range(4):
        agents = _call(own_server, "agents.available", teamId=1)
        free = {agent["id"]: agent["gpuInfo"]["device_memory"][0]["available"] for agent in agents}
        agent = max(free, key=lambda item: free[item])
        picked.append(agent)
        _call(own_server, "tasks.run.app", **_body(_state()) | {"agentId": agent})
    assert sorted(picked) == [1, 1, 2, 2]
