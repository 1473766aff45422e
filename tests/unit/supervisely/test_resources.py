"""Each resource: what it asks, and what it makes of the answers that servers may give."""

from typing import Any

import httpx
import pytest

from tests.unit.supervisely.scripted import Scripted, page, refusal
from traindash.domain.annotation import Bitmap, OtherGeometry, Polygon, Rectangle, Tag
from traindash.domain.ecosystem import AgentStatus
from traindash.domain.ids import (
    AgentId,
    CollectionId,
    DatasetId,
    FileId,
    ImageId,
    ModuleId,
    ProjectId,
    TaskId,
    TeamId,
    WorkspaceId,
)
from traindash.domain.task import ExitCause, TaskStatus
from traindash.supervisely.errors import ContractError, MissingError
from traindash.supervisely.tasks import start_request

PROJECT = {"id": 6, "name": "Fruit", "workspaceId": 2, "teamId": 1}


def test_a_project_needs_three_ids_only() -> None:
    server = Scripted()
    server.add("projects.info", {"id": 6, "workspaceId": 2, "teamId": 1, "name": None, "customData": None})
    with server.client() as client:
        project = client.projects.get(ProjectId(6))
    assert (project.id, project.name, project.type, project.items_count) == (6, "Project 6", "images", 0)


def test_a_project_is_read_whole() -> None:
    server = Scripted()
    more = {
        "imagesCount": 12,
        "size": "34",
        "version": {"id": 7, "version": 3},
        "createdAt": "2026-03-30T14:28:58.816Z",
        "updatedAt": "yesterday",
        "customData": {"a": 1},
    }
    server.add("projects.info", {**PROJECT, **more})
    with server.client() as client:
        project = client.projects.get(ProjectId(6))
    assert (project.items_count, project.size_bytes, project.version) == (12, 34, 3)
    assert project.created_at is not None
    assert project.created_at.isoformat() == "2026-03-30T14:28:58.816000+00:00"
    assert project.updated_at is None
    assert project.custom_data == {"a": 1}


@pytest.mark.parametrize("key", ["id", "workspaceId", "teamId"])
def test_a_project_without_an_id_is_named(key: str) -> None:
    server = Scripted()
    server.add("projects.info", {name: value for name, value in PROJECT.items() if name != key})
    with server.client() as client, pytest.raises(ContractError, match=r"projects\.info") as caught:
        client.projects.get(ProjectId(6))
    assert caught.value.field == key


def test_a_meta_keeps_its_order_and_reads_tags() -> None:
    server = Scripted()
    classes = [{"title": "b", "shape": "polygon", "color": "#1"}, {"title": "a", "shape": "rectangle"}]
    tags = [{"name": "t", "value_type": "oneof_string", "values": ["x", "y"], "applicable_type": "imagesOnly"}]
    server.add("projects.meta", {"classes": classes, "tags": tags, "projectType": "images"})
    with server.client() as client:
        meta = client.projects.meta(ProjectId(6))
    assert [item.name for item in meta.classes] == ["b", "a"]
    assert (meta.tags[0].values, meta.tags[0].applicable_type) == (("x", "y"), "imagesOnly")


def test_statistics_have_every_class_of_the_meta() -> None:
    server = Scripted()
    server.add("projects.info", {**PROJECT, "itemsCount": 5})
    server.add("projects.meta", {"classes": [{"title": name, "shape": "any"} for name in ("b", "a", "never")]})
    count = {"objectClass": {"name": "a"}, "total": 4, "datasets": [{"id": 3, "count": 4}]}
    images = {"objectClasses": [{**count, "total": 2}], "total": {"imagesInDataset": 5}}
    tags = {"items": [{"tagMeta": {"name": "train"}, "total": 3}]}
    server.add("projects.stats", {"images": images, "objects": {"items": [count]}, "imageTags": tags})
    with server.client() as client:
        statistics = client.projects.statistics(ProjectId(6))
    assert [(item.name, item.images, item.objects) for item in statistics.classes] == [
        ("b", 0, 0),
        ("a", 2, 4),
        ("never", 0, 0),
    ]
    assert statistics.classes[1].objects_by_dataset == {3: 4}
    assert (statistics.image_tags, statistics.images) == ({"train": 3}, 5)


def test_teams_workspaces_datasets_and_collections() -> None:
    server = Scripted()
    server.add("teams.list", page([{"id": 1, "name": "T"}]))
    server.add("workspaces.list", page([{"id": 2, "name": "W"}]))
    server.add("projects.list", page([PROJECT]))
    server.add("datasets.list", page([{"id": 3, "name": "d", "parentId": 9, "itemsCount": 4}]))
    server.add("entities-collections.list", page([{"id": 5, "name": "c", "projectId": 6}]))
    server.add("entities-collections.info", {"id": 5, "name": "c", "projectId": 6})
    with server.client() as client:
        assert client.teams.list()[0].name == "T"
        assert client.workspaces.list(TeamId(1))[0].team_id == 1
        assert client.projects.list(WorkspaceId(2))[0].name == "Fruit"
        dataset = client.datasets.list(ProjectId(6))[0]
        assert (dataset.project_id, dataset.parent_id, dataset.items_count) == (6, 9, 4)
        assert client.collections.list(ProjectId(6))[0] == client.collections.get(CollectionId(5))
    asked = dict(server.calls)
    assert asked["workspaces.list"]["teamId"] == 1
    assert asked["projects.list"]["workspaceId"] == 2
    assert asked["datasets.list"]["recursive"] is True
    assert asked["entities-collections.list"]["type"] == "default"


def test_images_of_a_collection_are_asked_for_as_the_sdk_does() -> None:
    server = Scripted()
    server.add("entities-collections.info", {"id": 5, "projectId": 6})
    server.add("images.list", page([{"id": 1, "name": "a.png", "datasetId": 3, "tags": [{"name": "train"}]}]))
    with server.client() as client:
        images = client.images.list(collection_id=CollectionId(5))
    assert images[0].tags == (Tag(name="train"),)
    body = server.calls[-1][1]
    filters = [{"type": "entities_collection", "data": {"collectionId": 5, "include": True}}]
    assert (body["projectId"], body["datasetId"], body["filters"]) == (6, None, filters)


def test_a_limit_asks_for_one_short_page() -> None:
    server = Scripted()
    server.add("images.list", page([{"id": n, "datasetId": 3} for n in range(1, 6)], total=900, pages=180))
    with server.client() as client:
        assert len(client.images.list(dataset_id=DatasetId(3), limit=4)) == 4
        assert client.images.page(project_id=ProjectId(6), page=7, per_page=5).total == 900
    assert [(body["page"], body["per_page"]) for _, body in server.calls] == [(1, 4), (7, 5)]
    assert [body["recursive"] for _, body in server.calls] == [False, True]


def test_annotations_of_every_geometry() -> None:
    points = {"exterior": [[4, 1], [2.5, 8]], "interior": []}
    objects: list[dict[str, Any]] = [
        {
            "id": 1,
            "classTitle": "a",
            "geometryType": "rectangle",
            "points": points,
            "tags": [{"name": "t", "value": 2}],
        },
        {
            "classTitle": "b",
            "geometryType": "polygon",
            "points": {"exterior": [[0, 0], [9, 0], [9, 9]], "interior": [[[1, 1], [2, 1], [2, 2]]]},
        },
        {"classTitle": "c", "geometryType": "bitmap", "bitmap": {"origin": [3, 4], "data": "eJw"}},
        {"classTitle": "d", "geometryType": "cuboid_2d", "vertices": {"x": 1}},
        {"classTitle": "e", "geometryType": "graph", "points": "not points at all", "labelerLogin": "me"},
    ]
    annotation = {"size": {"width": 20, "height": 10}, "tags": [{"name": "train"}], "objects": objects}
    server = Scripted()
    server.add(
        "annotations.bulk.info", lambda body: [{"imageId": n, "annotation": annotation} for n in body["imageIds"]]
    )
    ids = [ImageId(n) for n in range(1, 251)]
    with server.client() as client:
        found = client.annotations.get(DatasetId(3), ids)
    assert list(found) == ids
    assert len(server.calls) == 3
    labels = found[ImageId(1)].labels
    assert labels[0].geometry == Rectangle(left=2.5, top=1, right=4, bottom=8)
    assert labels[0].tags == (Tag(name="t", value=2),)
    assert labels[1].geometry == Polygon(exterior=((0, 0), (9, 0), (9, 9)), interior=(((1, 1), (2, 1), (2, 2)),))
    assert labels[2].geometry == Bitmap(origin=(3, 4), data="eJw")
    assert [label.geometry.shape for label in labels[3:] if isinstance(label.geometry, OtherGeometry)] == [
        "cuboid_2d",
        "graph",
    ]


TASK: dict[str, Any] = {"id": 9, "status": "started"}


@pytest.mark.parametrize("meta", [None, {}, {"output": None, "params": None, "app": None}])
def test_a_task_needs_its_id_and_status_only(meta: dict[str, Any] | None) -> None:
    server = Scripted()
    server.add("tasks.info", {**TASK, "meta": meta})
    with server.client() as client:
        task = client.tasks.get(TaskId(9))
        assert (task.status, task.output, task.params, task.project_id) == (TaskStatus.STARTED, None, None, None)
        assert client.experiments.of_task(TaskId(9)) is None


def test_a_task_is_read_whole() -> None:
    report = {"cause": "out_of_memory", "message": "m", "hint": "h", "exitCode": -9, "logTail": ["a", "b"]}
    meta = {
        "app": {"name": "Train"},
        "params": {"state": {"slyProjectId": 6}},
        "exitReport": report,
        "queuePosition": 2,
    }
    server = Scripted()
    server.add(
        "tasks.info", {**TASK, "status": "flying", "agentId": 3, "startedAt": "2026-01-01T00:00:00Z", "meta": meta}
    )
    with server.client() as client:
        task = client.tasks.get(TaskId(9))
    assert (task.status, task.project_id, task.app_name, task.queue_position) == (TaskStatus.UNKNOWN, 6, "Train", 2)
    assert task.exit_report is not None
    assert (task.exit_report.cause, task.exit_report.exit_code) == (ExitCause.OUT_OF_MEMORY, -9)
    assert task.exit_report.log_tail == ("a", "b")


def test_a_missing_task_is_missing() -> None:
    server = Scripted()
    server.add("tasks.info", refusal(404, "Task 9 does not exist"))
    with server.client() as client, pytest.raises(MissingError, match="Task 9 does not exist"):
        client.tasks.get(TaskId(9))


def test_tasks_are_listed_by_status_and_by_age() -> None:
    server = Scripted()
    server.add("tasks.list", page([TASK]))
    with server.client() as client:
        client.tasks.list(WorkspaceId(2), (TaskStatus.STARTED, TaskStatus.QUEUED))
        assert client.tasks.newest(WorkspaceId(2), 5)[0].id == 9
    first, second = (body for _, body in server.calls)
    assert first["filter"] == [{"field": "status", "operator": "in", "value": ["started", "queued"]}]
    assert (second["sort_order"], second["page"], second["per_page"]) == ("desc", 1, 5)


REQUEST = start_request(module_id=ModuleId(4), workspace_id=WorkspaceId(2), agent_id=AgentId(3), state={"a": 1})


@pytest.mark.parametrize("answer", [[{"id": 9}], [{"taskId": 9}], [{"taskId": 9, "id": None}]])
def test_a_start_reads_both_names_of_the_task(answer: list[dict[str, Any]]) -> None:
    server = Scripted()
    server.add("tasks.run.app", answer)
    with server.client() as client:
        assert client.tasks.start(REQUEST) == 9


@pytest.mark.parametrize("answer", [[], [{}], {"id": 9}])
def test_a_start_without_a_task_breaks_the_contract(answer: object) -> None:
    server = Scripted()
    server.add("tasks.run.app", answer)
    with server.client() as client, pytest.raises(ContractError, match=r"tasks\.run\.app"):
        client.tasks.start(REQUEST)
    assert len(server.calls) == 1


def test_stop_log_and_commands() -> None:
    server = Scripted()
    server.add("tasks.stop", {"status": "terminating"})
    server.add("tasks.log.download", [{"message": "m", "level": "WARN", "timestamp": "t", "event_type": "x"}, {}])
    server.add("tasks.request.direct", {"status": "Status: Preparing"})
    with server.client() as client:
        assert client.tasks.stop(TaskId(9)) is TaskStatus.TERMINATING
        rows = client.tasks.log(TaskId(9), since="2026-01-01T00:00:00.000Z", limit=5)
        assert (rows[0].level, rows[0].fields, rows[1].message) == ("warn", {"event_type": "x"}, "")
        assert client.tasks.request(TaskId(9), "train_status")["status"] == "Status: Preparing"
    assert server.calls[1][1] == {"id": "9", "sinceTime": "2026-01-01T00:00:00.000Z", "limit": "5"}
    assert server.calls[2][1]["context"] == {"outside_request": True}


AGENTS: list[dict[str, Any]] = [
    {
        "id": 3,
        "name": "gpu-1",
        "type": "sly_agent",
        "status": "running",
        "token": "never read",
        "gpuInfo": {"device_memory": [{"total": 8.0, "available": 5}], "device_names": ["RTX"]},
    },
    {"id": 4, "name": "cpu", "status": "odd", "gpuInfo": {"device_memory": [{"available": 5}], "is_available": False}},
    {"id": 5, "name": "k8s", "type": "kubernetes", "gpuInfo": None},
]


@pytest.mark.parametrize("answer", [AGENTS, page(AGENTS)])
def test_available_agents_come_as_an_array_or_as_a_page(answer: object) -> None:
    server = Scripted()
    server.add("agents.available", answer)
    with server.client() as client:
        agents = client.agents.available(TeamId(1))
    assert [(agent.id, agent.is_gpu, agent.status) for agent in agents] == [
        (3, True, AgentStatus.RUNNING),
        (4, False, AgentStatus.UNKNOWN),
        (5, False, AgentStatus.UNKNOWN),
    ]
    assert agents[0].devices[0].name == "RTX"
    assert "never read" not in repr(agents)
    assert server.calls[0][1] == {"teamId": 1, "withoutPublic": False, "anyStatus": False, "needGPU": True}


def test_all_agents_are_asked_for_with_their_devices() -> None:
    server = Scripted()
    server.add("agents.list", page(AGENTS))
    with server.client() as client:
        assert len(client.agents.list(TeamId(1))) == 3
    assert server.calls[0][1]["extraFields"] == ["gpuInfo"]


def test_files_are_listed_found_read_and_named_by_id() -> None:
    row = {"id": 8, "path": "/x/ü b.txt", "hash": "h", "meta": {"size": 3}}
    server = Scripted()
    server.add("file-storage.list", [row, {"path": "/x/y", "isDir": True}])
    server.add("file-storage.info", row)
    server.add("file-storage.download", httpx.Response(200, content=b"\x00\xff"))
    with server.client() as client:
        file = client.files.list(TeamId(1), "/x", recursive=False)[0]
        assert (file.id, file.path, file.size_bytes) == (8, "/x/ü b.txt", 3)
        assert client.files.info(FileId(8)) == file
        assert client.files.find(TeamId(1), "/x/ü b.txt") == file
        assert client.files.find(TeamId(1), "/x/other") is None
        assert client.files.read(TeamId(1), "/x/ü b.txt") == b"\x00\xff"
    assert server.calls[0][1] == {"teamId": 1, "path": "/x/", "recursive": False}


def test_version_and_user() -> None:
    server = Scripted()
    server.add("instance.version", {"version": "6.18.3"})
    server.add("users.me", {"id": 1, "login": "max"})
    with server.client() as client:
        assert (client.version(), client.user()) == ("6.18.3", "max")
        assert repr(client) == "SuperviselyClient('http://127.0.0.1:1')"
