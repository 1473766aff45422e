"""Ecosystem, agents, accounts."""

import json
from typing import Any

import httpx
import pytest
import yaml

from tests.fakes import real_apps
from tests.fakes.live_platform import LivePlatform
from traindash.domain.ecosystem import AgentStatus

COMPARE = "supervisely-ecosystem/model-benchmark/compare_models"
TRAIN = {"categories": ["train", "framework:YOLO"], "categoriesOperation": "and", "sort": "id", "sort_order": "asc"}


def _call(server: LivePlatform, method: str, **body: object) -> Any:  # noqa: ANN401 - JSON
    return server.call(method, **body)


def _slug(value: object) -> list[dict[str, object]]:
    return [{"field": "slug", "operator": "=", "value": value}]


def test_one_app_trains_a_framework_and_one_compares(server: LivePlatform) -> None:
    train = _call(server, "ecosystem.list", **TRAIN)
    assert [item["name"] for item in train["entities"]] == ["Train YOLO v8 - 26"]
    compare = _call(server, "ecosystem.list", filter=_slug(COMPARE))
    assert compare["total"] == 1
    assert compare["entities"][0]["id"] != train["entities"][0]["id"]
    assert _call(server, "ecosystem.list", filter=_slug("none"))["total"] == 0
    assert _call(server, "ecosystem.list", **{**TRAIN, "categories": ["train", "framework:NOPE"]})["total"] == 0
    both = {**TRAIN, "categories": ["train", "images"], "categoriesOperation": "or"}
    # Two each of YOLO, RT-DETRv2 and DEIM, and the comparison
    assert _call(server, "ecosystem.list", **both)["total"] == 7
    served = _call(server, "ecosystem.list", **{**TRAIN, "categories": ["serve", "framework:YOLO"]})
    assert [item["name"] for item in served["entities"]] == ["Serve YOLO v8 - 26"]
    assert server.post("ecosystem.list", filter=[{"field": "secret", "value": 1}]).status_code == 400


def test_an_app_by_id_and_slug(server: LivePlatform) -> None:
    by_slug = _call(server, "ecosystem.info", slug=COMPARE)
    assert _call(server, "ecosystem.info", id=by_slug["id"]) == by_slug
    assert {"id", "slug", "name", "type", "config", "createdAt", "updatedAt"} <= set(by_slug)
    assert server.post("ecosystem.info", id=99).status_code == 404
    assert server.post("ecosystem.info", slug="none").status_code == 404
    assert server.post("ecosystem.info").status_code == 400


@pytest.mark.parametrize("name", ["RT-DETRv2", "DEIM"])
def test_a_table_has_the_rows_and_columns_of_supervisely_s_app(server: LivePlatform, name: str) -> None:
    (module,) = _call(server, "ecosystem.list", **{**TRAIN, "categories": ["train", f"framework:{name}"]})["entities"]
    assert module["config"]["license"] == {"type": "Apache-2.0"}
    answer = server.post("ecosystem.file.download", moduleId=module["id"], fileKey="models")
    own, *rows = json.loads(answer.content)
    assert "CPU demo" in own["Model"]
    assert [list(row) for row in rows] == [list(row) for row in real_apps.models(name)]
    assert [row["meta"]["model_files"]["checkpoint"] for row in rows] == [
        row["meta"]["model_files"]["checkpoint"] for row in real_apps.models(name)
    ]


def test_files_of_the_training_app(server: LivePlatform) -> None:
    module = _call(server, "ecosystem.list", **TRAIN)["entities"][0]
    by_path = {"moduleId": module["id"], "filePath": module["config"]["files"]["models"], "version": "v1.0.0"}
    answer = server.post("ecosystem.file.download", **by_path)
    assert int(answer.headers["content-length"]) == len(answer.content)
    rows = json.loads(answer.content)
    assert "YOLO26n-det" in {row["model_name"] for row in rows}
    assert all(row["meta"]["task_type"] in {"object detection", "instance segmentation"} for row in rows)
    assert all(row["meta"]["pretrained"] is False for row in rows)  # offline, nothing fetched yet
    for key in ("hyperparams", "hyperparameters"):
        text = server.post("ecosystem.file.download", moduleId=module["id"], fileKey=key).text
        assert isinstance(yaml.safe_load(text), dict)


@pytest.mark.parametrize("wrong", [{"fileKey": "secrets"}, {"filePath": "../../token"}, {}])
def test_no_other_files(server: LivePlatform, wrong: dict[str, object]) -> None:
    assert server.post("ecosystem.file.download", moduleId=1, **wrong).status_code == 404
    assert server.post("ecosystem.file.download", **wrong).status_code == 400
    assert server.post("ecosystem.file.download", moduleId=2, fileKey="models").status_code == 404


def test_models_as_the_sdk_asks_for_them(server: LivePlatform) -> None:
    """A GET with a form in its body."""
    form = {"localModels": "False", "sort": "id", "sort_order": "asc"}
    url = server.url + "/public/api/v3/ecosystem.models.list"
    key = {"x-api-key": server.platform.token}
    page = httpx.request("GET", url, data={**form, "page": "2", "per_page": "5"}, headers=key).json()
    assert (page["perPage"], len(page["entities"])) == (5, 5)
    model = page["entities"][0]
    assert {"id", "name", "framework", "task", "trainModuleId", "pretrained", "evaluation"} <= set(model)
    assert model["framework"] == "YOLO"


def test_agents_can_always_be_picked(server: LivePlatform) -> None:
    agents = _call(server, "agents.available", teamId=1, withoutPublic=False, anyStatus=False, needGPU=True)
    assert [agent["name"] for agent in agents] == ["local-1", "local-2"]
    for agent in agents:
        assert agent["type"] == "sly_agent"
        assert agent["status"] == "running"
        assert agent["gpuInfo"]["device_memory"][0]["available"] > 0
        assert agent["gpuInfo"]["is_available"] is False
        assert agent["token"] is None
    assert server.post("agents.available", teamId=99).status_code == 404


def test_agents_offline_are_not_available(own_server: LivePlatform) -> None:
    with own_server.platform.services.database.write() as connection:
        connection.execute("UPDATE agents SET status = ? WHERE id = 2", (AgentStatus.WAITING,))
    ids = [agent["id"] for agent in _call(own_server, "agents.available", teamId=1)]
    assert ids == [1]
    assert len(_call(own_server, "agents.available", teamId=1, anyStatus=True)) == 2
    assert _call(own_server, "agents.info", id=2)["status"] == "waiting"


def test_gpu_info_only_where_asked_for(server: LivePlatform) -> None:
    plain = _call(server, "agents.list", teamId=1, filter=[])["entities"]
    asked = _call(server, "agents.list", teamId=1, filter=[], extraFields=["gpuInfo"])["entities"]
    assert "gpuInfo" not in plain[0]
    assert asked[0]["gpuInfo"]["device_names"]


def test_accounts(server: LivePlatform) -> None:
    assert _call(server, "teams.info", id=1)["name"] == "Local"
    assert _call(server, "workspaces.info", id=1)["teamId"] == 1
    assert _call(server, "users.me")["login"] == "local"
    assert _call(server, "instance.version")["version"]
    assert server.post("teams.info", id=2).status_code == 404
    assert server.post("workspaces.info", id=2).status_code == 404
