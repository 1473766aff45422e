"""Projects, datasets, statistics, collections (docs/supervisely-api.md 3.3 and 3.4)."""

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.live_platform import LivePlatform
from tests.fakes.small_platform import tiny_project
from traindash.datasets.source import ProjectSource, SourceDataset


def _call(server: LivePlatform, method: str, **body: object) -> Any:  # noqa: ANN401 - JSON
    return server.call(method, **body)


def test_a_project_has_what_clients_read(server: LivePlatform) -> None:
    project = _call(server, "projects.info", id=1)
    assert project["name"] == project["title"] == "Shapes"
    assert project["itemsCount"] == project["imagesCount"] == 9
    assert project["datasetsCount"] == 3
    assert project["workspaceId"] == project["teamId"] == 1
    assert project["type"] == "images"
    assert project["version"] == {"id": 1, "version": 1}
    assert project["size"] > 0
    assert server.http.get(project["referenceImageUrl"]).headers["content-type"] == "image/png"


def test_the_meta_has_ids(server: LivePlatform) -> None:
    meta = _call(server, "projects.meta", id=1)
    assert [item["title"] for item in meta["classes"]] == ["box", "blob"]
    assert [item["shape"] for item in meta["classes"]] == ["rectangle", "polygon"]
    ids = [item["id"] for item in [*meta["classes"], *meta["tags"]]]
    assert len(set(ids)) == len(ids) == 5
    assert meta["projectType"] == "images"


def test_listed_datasets_can_be_dictionary_keys(server: LivePlatform) -> None:
    """``dataset.tree()`` of the SDK hashes them, which fails with an object inside."""
    datasets = _call(server, "datasets.list", projectId=1, recursive=True)["entities"]
    assert all(not isinstance(value, dict | list) for dataset in datasets for value in dataset.values())
    asked = _call(server, "datasets.list", projectId=1, recursive=True, extraFields=["customData"])["entities"]
    assert asked[0]["customData"] == {}
    assert _call(server, "datasets.info", id=1)["customData"] == {}


def test_nested_datasets(own_server: LivePlatform, tmp_path: Path) -> None:
    flat = tiny_project(tmp_path / "nested", "Nested")
    train, val, _ = flat.datasets
    inner = SourceDataset(name="val", parent="train", images=val.images)
    deep = SourceDataset(name="deep", parent="train/val", images=())
    source = ProjectSource(name="Nested", meta=flat.meta, datasets=(train, inner, deep))
    services = own_server.platform.services
    project = services.imports.run(source, services.accounts.home())

    def names(**body: object) -> list[str]:
        page = _call(own_server, "datasets.list", projectId=project, **body)
        return [entity["name"] for entity in page["entities"]]

    assert names(recursive=True) == ["train", "val", "deep"]
    assert names(recursive=False) == ["train"]
    outer, nested, _ = _call(own_server, "datasets.list", projectId=project, recursive=True)["entities"]
    assert (outer["parentId"], nested["parentId"]) == (None, outer["id"])
    assert names(parentId=outer["id"], recursive=False) == ["val"]
    assert names(parentId=outer["id"], recursive=True) == ["val", "deep"]
    own = _call(own_server, "images.list", datasetId=outer["id"])
    everything = _call(own_server, "images.list", datasetId=outer["id"], recursive=True)
    assert (own["total"], everything["total"]) == (6, 9)


def test_statistics_have_every_class_and_tag(server: LivePlatform) -> None:
    stats = _call(server, "projects.stats", id=1)
    images = {entry["objectClass"]["name"]: entry for entry in stats["images"]["objectClasses"]}
    objects = {entry["objectClass"]["name"]: entry for entry in stats["objects"]["items"]}
    assert images["box"]["total"] == objects["blob"]["total"] == 9
    assert images["box"]["datasets"] == [{"id": 1, "count": 6}, {"id": 2, "count": 3}]
    tags = {entry["tagMeta"]["name"]: entry["total"] for entry in stats["imageTags"]["items"]}
    assert tags == {"train": 5, "val": 4, "spare": 0}
    assert {entry["total"] for entry in stats["objectTags"]["items"]} == {0}


def test_a_class_without_objects_is_in_the_statistics(own_server: LivePlatform, tmp_path: Path) -> None:
    flat = tiny_project(tmp_path / "bare", "Bare")
    services = own_server.platform.services
    project = services.imports.run(ProjectSource(name="Bare", meta=flat.meta, datasets=()), services.accounts.home())
    stats = _call(own_server, "projects.stats", id=project)
    assert [entry["total"] for entry in stats["images"]["objectClasses"]] == [0, 0]
    assert [entry["total"] for entry in stats["objects"]["items"]] == [0, 0]


def test_custom_data_and_name_can_be_edited(own_server: LivePlatform) -> None:
    before = _call(own_server, "projects.info", id=1)
    silent = _call(own_server, "projects.editInfo", id=1, customData={"train_info": {"ü": [1]}}, silent=True)
    assert silent["customData"] == {"train_info": {"ü": [1]}}
    assert silent["updatedAt"] == before["updatedAt"]
    assert _call(own_server, "projects.editInfo", id=1, name="Forms")["name"] == "Forms"
    own_server.import_tiny(Path(own_server.platform.services.layout.root.parent) / "again")
    taken = own_server.post("projects.editInfo", id=1, name="Shapes")
    assert taken.status_code == 400
    assert "Shapes" in taken.json()["error"]


def test_settings_are_merged(own_server: LivePlatform) -> None:
    _call(own_server, "projects.settings.update", id=1, settings={"a": 1})
    answer = _call(own_server, "projects.settings.update", id=1, settings={"b": 2})
    assert answer["settings"] == {"a": 1, "b": 2}


def test_a_second_project_of_a_name_gets_a_number(own_server: LivePlatform, tmp_path: Path) -> None:
    project = own_server.import_tiny(tmp_path / "second")
    assert _call(own_server, "projects.info", id=project)["name"] == "Shapes (2)"


def test_collections(own_server: LivePlatform) -> None:
    listed = _call(own_server, "entities-collections.list", projectId=1, type="default")
    assert [(item["name"], item["itemsCount"]) for item in listed["entities"]] == [
        ("first", 2),
        ("second", 2),
        ("nothing", 0),
    ]
    assert "meta" not in listed["entities"][0]
    made = _call(own_server, "entities-collections.add", projectId=1, name="train_001", type="default")
    assert made["meta"] == {}
    added = _call(own_server, "entities-collections.items.bulk.add", collectionId=made["id"], entityIds=[1, 7, 1, 999])
    assert [item["entityId"] for item in added["items"]] == [1, 7]
    assert added["missing"] == [{"entityId": 999}]
    again = _call(
        own_server, "entities-collections.items.bulk.add", collectionId=made["id"], entityItems=[{"entityId": 7}]
    )
    assert again["missing"] == []
    removed = _call(own_server, "entities-collections.items.bulk.remove", collectionId=made["id"], entityIds=[1, 2])
    assert [item["entityId"] for item in removed["items"]] == [1]
    assert removed["missing"] == [{"entityId": 2}]
    assert _call(own_server, "entities-collections.info", id=made["id"])["itemsCount"] == 1
    _call(own_server, "entities-collections.remove", id=made["id"])
    assert own_server.post("entities-collections.info", id=made["id"]).status_code == 404


def test_a_collection_gets_another_name_and_description(own_server: LivePlatform) -> None:
    edited = _call(own_server, "entities-collections.editInfo", id=1, name="hard", description="blurred ones")
    assert (edited["name"], edited["description"], edited["itemsCount"]) == ("hard", "blurred ones", 2)
    assert _call(own_server, "entities-collections.editInfo", id=1, description="")["name"] == "hard"
    assert _call(own_server, "entities-collections.info", id=1)["description"] == ""
    taken = own_server.post("entities-collections.editInfo", id=1, name="second")
    assert (taken.status_code, "second" in taken.json()["error"]) == (400, True)
    assert own_server.post("entities-collections.editInfo", id=1, name="").status_code == 400
    assert own_server.post("entities-collections.editInfo", id=999, name="x").status_code == 404
    assert _call(own_server, "entities-collections.info", id=1)["name"] == "hard"


def test_images_of_another_project_cannot_join_a_collection(own_server: LivePlatform, tmp_path: Path) -> None:
    own_server.import_tiny(tmp_path / "second")
    foreign = _call(own_server, "images.list", projectId=2)["entities"][0]["id"]
    answer = _call(own_server, "entities-collections.items.bulk.add", collectionId=1, entityIds=[foreign])
    assert answer["missing"] == [{"entityId": foreign}]


@pytest.mark.parametrize(
    "body",
    [
        {"projectId": 1, "name": "first"},
        {"projectId": 1, "name": ""},
        {"projectId": 1, "name": "x" * 256},
        {"projectId": 1, "name": "x", "type": "aiSearch"},
    ],
)
def test_collections_that_cannot_be_made(own_server: LivePlatform, body: dict[str, object]) -> None:
    assert own_server.post("entities-collections.add", **body).status_code == 400


def test_items_need_a_list(own_server: LivePlatform) -> None:
    answer = own_server.post("entities-collections.items.bulk.add", collectionId=1)
    assert answer.status_code == 400
    assert "entityIds" in answer.json()["error"]
