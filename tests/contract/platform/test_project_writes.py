"""Projects, datasets, classes and tags that clients make, change and delete (docs/supervisely-api.md 3.5)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.live_platform import LivePlatform
from tests.fakes.small_platform import tiny_project
from traindash.datasets.source import ProjectSource, SourceDataset
from traindash.platform.store.archive import KEPT_DAYS
from traindash.platform.store.database import moment_text


def _call(server: LivePlatform, method: str, **body: object) -> Any:  # noqa: ANN401 - JSON
    return server.call(method, **body)


def _refused(server: LivePlatform, method: str, status: int, **body: object) -> str:
    answer = server.post(method, **body)
    assert answer.status_code == status, answer.text
    return f"{answer.json()['error']} {answer.json()['details']['hint']}"


def _names(server: LivePlatform, **body: object) -> list[str]:
    return [item["name"] for item in _call(server, "datasets.list", **body)["entities"]]


def _nested(server: LivePlatform, tmp_path: Path) -> int:
    """Import a project with datasets inside each other, of 5, 3 and 1 images."""
    flat = tiny_project(tmp_path / "nested", "Nested")
    train, val, rest = flat.datasets
    datasets = (
        train,
        SourceDataset(name="val", parent="train", images=val.images),
        SourceDataset(name="deep", parent="train/val", images=rest.images),
    )
    services = server.platform.services
    return services.imports.run(
        ProjectSource(name="Nested", meta=flat.meta, datasets=datasets), services.accounts.home()
    )


def test_a_project_is_made_and_edited(own_server: LivePlatform) -> None:
    project = _call(own_server, "projects.add", workspaceId=1, name="Demo", description="d", type="images")
    assert (project["name"], project["description"], project["itemsCount"]) == ("Demo", "d", 0)
    assert project["version"]["version"] == 1
    assert _call(own_server, "projects.meta", id=project["id"]) == {"classes": [], "tags": []}
    assert "already has a project named 'Demo'" in _refused(own_server, "projects.add", 400, workspaceId=1, name="Demo")
    assert "images" in _refused(own_server, "projects.add", 400, workspaceId=1, name="V", type="videos")
    assert "name" in _refused(own_server, "projects.add", 400, workspaceId=1, name="\x1f1")
    _refused(own_server, "projects.add", 404, workspaceId=99, name="V")
    edited = _call(own_server, "projects.editInfo", id=project["id"], name="👩‍🌾", readme="r", customData={"a": 1})
    assert (edited["name"], edited["readme"], edited["customData"]) == ("👩‍🌾", "r", {"a": 1})
    listed = _call(own_server, "projects.list", workspaceId=1, filter=[{"field": "name", "value": "👩‍🌾"}])
    assert [item["id"] for item in listed["entities"]] == [project["id"]]


def test_datasets_are_made_nested_moved_and_edited(own_server: LivePlatform) -> None:
    add = {"projectId": 1, "description": "", "parentId": None}
    outer = _call(own_server, "datasets.add", **add, name="outer")
    inner = _call(own_server, "datasets.add", **{**add, "parentId": outer["id"]}, name="inner")
    assert inner["parentId"] == outer["id"]
    assert _call(own_server, "projects.info", id=1)["datasetsCount"] == 5
    _refused(own_server, "datasets.add", 400, **add, name="outer")
    # The same name in another place is another dataset.
    _call(own_server, "datasets.add", **{**add, "parentId": inner["id"]}, name="outer")
    assert "into itself" in _refused(own_server, "datasets.move", 400, srcId=outer["id"], destId=inner["id"])
    _call(own_server, "datasets.move", srcId=inner["id"], destId=1)
    assert _names(own_server, projectId=1, filter=[{"field": "parentId", "value": 1}], recursive=True) == ["inner"]
    edited = _call(own_server, "datasets.editInfo", id=inner["id"], name="in", description="d", customData={"k": [1]})
    assert (edited["name"], edited["description"], edited["customData"]) == ("in", "d", {"k": [1]})
    other = _call(own_server, "projects.add", workspaceId=1, name="Other")
    assert "another project" in _refused(
        own_server, "datasets.add", 400, projectId=other["id"], name="x", parentId=outer["id"]
    )


def test_a_meta_keeps_ids_by_name_and_what_it_does_not_name(own_server: LivePlatform) -> None:
    before = _call(own_server, "projects.meta", id=1)
    box, blob = before["classes"]
    first = before["tags"][0]
    given = {
        "classes": [
            {"title": "new", "shape": "any", "color": "#000001", "id": box["id"]},
            {**blob, "id": 10**6, "color": "#010203"},
            {key: box[key] for key in ("title", "shape", "color")},
        ],
        "tags": [*before["tags"], {"name": "count", "value_type": "any_number", "default": True, "default_value": 3}],
        "projectSettings": {"multiView": {"enabled": False}},
    }
    meta = _call(own_server, "projects.meta.update", id=1, meta=given)
    assert meta == _call(own_server, "projects.meta", id=1)
    ids = {item["title"]: item["id"] for item in meta["classes"]}
    assert (ids["box"], ids["blob"]) == (box["id"], blob["id"])
    assert ids["new"] not in {box["id"], blob["id"], 10**6}
    assert [item["title"] for item in meta["classes"]] == ["new", "blob", "box"]
    assert [item["id"] for item in meta["tags"][:3]] == [item["id"] for item in before["tags"]]
    assert meta["tags"][0]["id"] == first["id"]
    # A field that is left out stays, one that is null goes: what the SDK's TagMeta says of the real server.
    tags = [*before["tags"], {"name": "count", "value_type": "any_number", "default_value": None}]
    count = _call(own_server, "projects.meta.update", id=1, meta={**meta, "tags": tags})["tags"][-1]
    assert count["default"] is True
    assert "default_value" not in count


def test_what_is_used_cannot_be_left_out_of_a_meta(own_server: LivePlatform) -> None:
    meta = _call(own_server, "projects.meta", id=1)
    box, blob = meta["classes"]
    said = _refused(own_server, "projects.meta.update", 409, id=1, meta={**meta, "classes": [blob]})
    assert "'box' has" in said
    assert "projects.classes.remove" in said
    wrong = {**meta, "classes": [{**box, "shape": "bitmap"}, blob]}
    assert "cannot become bitmap" in _refused(own_server, "projects.meta.update", 409, id=1, meta=wrong)
    _call(own_server, "projects.meta.update", id=1, meta={**meta, "classes": [{**box, "shape": "any"}, blob]})
    assert "is on" in _refused(own_server, "projects.meta.update", 409, id=1, meta={**meta, "tags": []})
    tags = [{**item, "value_type": "any_number"} for item in meta["tags"]]
    said = _refused(own_server, "projects.meta.update", 409, id=1, meta={**meta, "tags": tags})
    assert "values cannot become" in said
    # What nothing uses can change and go.
    _call(own_server, "projects.meta.update", id=1, meta={**meta, "tags": [*meta["tags"][:2], tags[2]]})
    _call(own_server, "projects.meta.update", id=1, meta={**meta, "tags": meta["tags"][:2]})


def test_classes_are_renamed_and_removed_with_their_objects(own_server: LivePlatform) -> None:
    meta = _call(own_server, "projects.meta", id=1)
    box, blob = meta["classes"]
    stats = {
        item["objectClass"]["name"]: item["total"]
        for item in _call(own_server, "projects.stats", id=1)["objects"]["items"]
    }
    version = _call(own_server, "projects.info", id=1)["version"]["version"]
    edited = _call(
        own_server,
        "advanced.object_classes.editInfo",
        id=box["id"],
        name="crate",
        color="#00FF00",
        shape="any",
        settings={"availableShapes": ["rectangle"]},
    )
    assert (edited["name"], edited["color"], edited["shape"]) == ("crate", "#00FF00", "any")
    assert _call(own_server, "advanced.object_classes.info", id=box["id"])["settings"] == {
        "availableShapes": ["rectangle"]
    }
    after = {
        item["objectClass"]["name"]: item["total"]
        for item in _call(own_server, "projects.stats", id=1)["objects"]["items"]
    }
    assert after == {"crate": stats["box"], "blob": stats["blob"]}
    filters = [{"type": "objects_class", "data": {"classId": box["id"]}}]
    images = _call(own_server, "images.list", projectId=1, filters=filters)["entities"]
    assert images
    drawn = _call(own_server, "annotations.info", imageId=images[0]["id"])["annotation"]["objects"]
    assert {item["classTitle"] for item in drawn} <= {"crate", "blob"}
    assert {item["classId"] for item in drawn} <= {box["id"], blob["id"]}
    _refused(own_server, "advanced.object_classes.editInfo", 400, id=box["id"], name="blob")

    _call(own_server, "projects.classes.remove", id=box["id"], projectId=1)
    _refused(own_server, "projects.classes.remove", 404, id=box["id"], projectId=1)
    left = _call(own_server, "projects.stats", id=1)["objects"]
    assert [(item["objectClass"]["name"], item["total"]) for item in left["items"]] == [("blob", stats["blob"])]
    assert left["total"]["objectsInDataset"] == stats["blob"]
    images = _call(own_server, "images.list", projectId=1)["entities"]
    assert sum(item["labelsCount"] for item in images) == stats["blob"]
    assert _call(own_server, "projects.info", id=1)["version"]["version"] == version


def test_tags_are_added_renamed_and_removed(own_server: LivePlatform) -> None:
    before = _call(own_server, "projects.meta", id=1)
    counts = {
        item["tagMeta"]["name"]: item["total"]
        for item in _call(own_server, "projects.stats", id=1)["imageTags"]["items"]
    }
    used = max(counts, key=lambda name: counts[name])
    own_id = next(item["id"] for item in before["tags"] if item["name"] == used)
    settings = {
        "type": "oneof_string",
        "values": ["a"],
        "applicableType": "all",
        "classes": [before["classes"][0]["id"]],
    }
    added = _call(
        own_server, "tags.bulk.add", projectId=1, tags=[{"title": "kind", "color": "#010203", "settings": settings}]
    )
    assert added[0]["title"] == "kind"
    listed = _call(own_server, "tags.list", projectId=1, filter=[{"field": "name", "operator": "=", "value": "kind"}])
    assert [(item["id"], item["settings"]["values"], item["settings"]["classes"]) for item in listed["entities"]] == [
        (added[0]["id"], ["a"], settings["classes"])
    ]
    assert _call(own_server, "projects.meta", id=1)["tags"][-1]["classes"] == [before["classes"][0]["title"]]
    _refused(own_server, "tags.bulk.add", 400, projectId=1, tags=[{"title": used, "settings": settings}])
    edited = _call(own_server, "advanced.tags.editInfo", id=own_id, title="renamed", color="#FFFFFF")
    assert edited["title"] == "renamed"
    after = {
        item["tagMeta"]["name"]: item["total"]
        for item in _call(own_server, "projects.stats", id=1)["imageTags"]["items"]
    }
    assert after["renamed"] == counts[used]
    _call(own_server, "projects.tags.remove", id=own_id, projectId=1)
    images = _call(own_server, "images.list", projectId=1)["entities"]
    assert not [tag for item in images for tag in item["tags"] if tag["name"] in {"renamed", used}]


def test_what_is_deleted_is_nowhere_and_comes_back(own_server: LivePlatform) -> None:
    project = _call(own_server, "projects.info", id=1)
    stats = _call(own_server, "projects.stats", id=1)
    image = _call(own_server, "images.list", datasetId=1)["entities"][0]["id"]
    collection = _call(own_server, "entities-collections.add", projectId=1, name="c")["id"]
    _call(own_server, "entities-collections.items.bulk.add", collectionId=collection, entityIds=[image])
    for _ in range(2):  # whoever does not get the answer asks again
        _call(own_server, "projects.archive", id=1)
    assert _call(own_server, "projects.list", workspaceId=1)["entities"] == []
    assert _call(own_server, "datasets.list.all")["entities"] == []
    assert "was deleted on" in _refused(own_server, "projects.info", 404, id=1)
    for method, body in (
        ("projects.meta", {"id": 1}),
        ("datasets.info", {"id": 1}),
        ("images.info", {"id": image}),
        ("images.list", {"datasetId": 1}),
        ("images.list", {"projectId": 1}),
        ("annotations.info", {"imageId": image}),
        ("entities-collections.info", {"id": collection}),
        ("tags.list", {"projectId": 1}),
        ("traindash.splits.statistics", {"projectId": 1, "split": {"method": "random", "percent": 50}}),
    ):
        assert own_server.post(method, **body).status_code in {400, 404}, method
    # Its name is free for others, and it gets a number when it comes back.
    assert _call(own_server, "projects.add", workspaceId=1, name="Shapes")["id"] != 1
    archived = _call(own_server, "traindash.projects.archived.list")
    assert [(item["id"], item["name"], item["itemsCount"]) for item in archived] == [(1, "Shapes", 9)]
    _call(own_server, "traindash.projects.restore", id=1)
    back = _call(own_server, "traindash.projects.restore", id=1)
    assert back == {**project, "name": "Shapes (2)", "title": "Shapes (2)"}
    assert _call(own_server, "projects.stats", id=1) == stats
    assert _call(own_server, "entities-collections.info", id=collection)["itemsCount"] == 1


def test_a_dataset_is_deleted_with_those_inside_and_comes_back(own_server: LivePlatform, tmp_path: Path) -> None:
    project = _nested(own_server, tmp_path)
    before = _call(own_server, "projects.info", id=project)
    ids = {
        item["name"]: item["id"]
        for item in _call(own_server, "datasets.list", projectId=project, recursive=True)["entities"]
    }
    collection = _call(own_server, "entities-collections.add", projectId=project, name="all")["id"]
    images = [item["id"] for item in _call(own_server, "images.list", projectId=project)["entities"]]
    _call(own_server, "entities-collections.items.bulk.add", collectionId=collection, entityIds=images)
    _call(own_server, "datasets.archive", id=ids["deep"])
    _call(own_server, "datasets.archive", id=ids["val"])
    info = _call(own_server, "projects.info", id=project)
    left = _call(own_server, "images.list", datasetId=ids["train"], recursive=True)["total"]
    assert (info["itemsCount"], info["datasetsCount"]) == (left, 1)
    assert _call(own_server, "images.list", projectId=project)["total"] == left
    assert len(_call(own_server, "images.list", projectId=project)["entities"]) == left
    assert _call(own_server, "entities-collections.info", id=collection)["itemsCount"] == left
    listed = _call(
        own_server,
        "images.list",
        projectId=project,
        filters=[{"type": "entities_collection", "data": {"collectionId": collection}}],
    )
    assert listed["total"] == left
    _call(own_server, "datasets.add", projectId=project, name="val", parentId=ids["train"])
    assert "was deleted" in _refused(own_server, "traindash.datasets.restore", 404, id=ids["deep"])
    assert _call(own_server, "traindash.datasets.restore", id=ids["val"])["name"] == "val (2)"
    # What was deleted before by itself stays deleted.
    assert [item["id"] for item in _call(own_server, "traindash.datasets.archived.list", projectId=project)] == [
        ids["deep"]
    ]
    _call(own_server, "traindash.datasets.restore", id=ids["deep"])
    after = _call(own_server, "projects.info", id=project)
    assert (after["itemsCount"], after["datasetsCount"]) == (before["itemsCount"], 4)
    assert (after["size"], after["referenceImageUrl"]) == (before["size"], before["referenceImageUrl"])


def test_removal_for_good(own_server: LivePlatform, tmp_path: Path) -> None:
    project = _nested(own_server, tmp_path)
    ids = {
        item["name"]: item["id"]
        for item in _call(own_server, "datasets.list", projectId=project, recursive=True)["entities"]
    }
    assert "archiveUrl" in _refused(
        own_server, "projects.remove.permanently", 400, projects=[{"id": 1, "archiveUrl": "x"}]
    )
    _call(own_server, "datasets.remove.permanently", datasets=[{"id": ids["val"]}])
    assert _names(own_server, projectId=project, recursive=True) == ["train"]
    _refused(own_server, "traindash.datasets.restore", 404, id=ids["deep"])
    _refused(own_server, "projects.remove.permanently", 404, projects=[{"id": project}, {"id": 10**6}])
    _call(own_server, "projects.remove.permanently", projects=[{"id": project}])
    _refused(own_server, "traindash.projects.restore", 404, id=project)
    with own_server.platform.services.database.read() as connection:
        for table in ("images", "annotations", "datasets", "image_classes"):
            count = f"SELECT count(*) FROM {table}"  # noqa: S608 - a constant
            key = "id" if table in {"images", "datasets"} else None
            total = connection.execute(count).fetchone()[0]
            own = {"images": 9, "annotations": 9, "datasets": 3}.get(table, total)
            assert total == own, (table, key)


def test_what_was_archived_long_ago_is_removed(own_server: LivePlatform, tmp_path: Path) -> None:
    project = _nested(own_server, tmp_path)
    services = own_server.platform.services
    for number in (1, project):
        _call(own_server, "projects.archive", id=number)
    long_ago = moment_text(datetime.now(UTC) - timedelta(days=KEPT_DAYS, minutes=1))
    with services.database.write() as connection:
        connection.execute("UPDATE projects SET archived_at = ? WHERE id = ?", (long_ago, project))
    services.archive.expire()
    assert [item["id"] for item in _call(own_server, "traindash.projects.archived.list")] == [1]
    with services.database.read() as connection:
        assert connection.execute("SELECT count(*) FROM images").fetchone()[0] == 9


@pytest.mark.parametrize("method", ["projects.remove.permanently", "datasets.remove.permanently"])
def test_what_a_training_uses_is_not_removed(own_server: LivePlatform, method: str) -> None:
    with own_server.platform.services.database.write() as connection:
        connection.execute(
            "INSERT INTO tasks (team_id, workspace_id, user_id, module_id, project_id, kind, session_token, created_at,"
            " updated_at) VALUES (1, 1, 1, 1, 1, 'train', 'x', '', '')"
        )
    assert "is not over" in _refused(own_server, method, 409, **{method.split(".", maxsplit=1)[0]: [{"id": 1}]})
    _call(own_server, "projects.info", id=1)


def test_the_version_goes_up_with_the_first_change_after_a_training(own_server: LivePlatform) -> None:
    services = own_server.platform.services

    def version() -> int:
        return int(_call(own_server, "projects.info", id=1)["version"]["version"])

    begun = version()
    _call(own_server, "datasets.add", projectId=1, name="a")
    assert version() == begun
    used = services.projects.use(services.projects.get(1).id)  # type: ignore[arg-type]
    assert used is not None
    assert used["version"] == begun == version()
    _call(own_server, "datasets.add", projectId=1, name="b")
    _call(own_server, "datasets.add", projectId=1, name="c")
    assert version() == begun + 1


def test_a_reservation_of_a_version_is_committed_with_its_token_and_with_no_other(own_server: LivePlatform) -> None:
    reserved = _call(own_server, "projects.versions.reserve", projectId=1)
    for wrong in ("é" * 32, reserved["commitToken"][:-1], "x"):
        words = _refused(own_server, "projects.versions.cancel-reservation", 404, id=reserved["id"], commitToken=wrong)
        assert "no reservation" in words
    _call(own_server, "projects.versions.cancel-reservation", **reserved)
    again = _refused(own_server, "projects.versions.cancel-reservation", 404, **reserved)
    assert "no reservation" in again


def _drawn(server: LivePlatform, project: int) -> dict[str, Any]:
    """Return what is on the images of a project, by dataset and name, without what every project has of its own."""
    datasets = {
        item["id"]: item["name"]
        for item in _call(server, "datasets.list", projectId=project, recursive=True)["entities"]
    }
    own = frozenset({"id", "classId", "tagId", "createdAt", "updatedAt"})

    def plain(value: Any) -> Any:  # noqa: ANN401 - JSON
        match value:
            case dict():
                return {key: plain(item) for key, item in value.items() if key not in own}
            case list():
                return [plain(item) for item in value]
            case _:
                return value

    found = {}
    for item in _call(server, "images.list", projectId=project)["entities"]:
        annotation = _call(server, "annotations.info", imageId=item["id"])["annotation"]
        found[f"{datasets[item['datasetId']]}/{item['name']}"] = plain(
            [annotation, item["hash"], item["meta"], item["tags"]]
        )
    return found


def _ids_of(server: LivePlatform, project: int) -> list[int]:
    images = [item["id"] for item in _call(server, "images.list", projectId=project)["entities"]]
    drawn = [_call(server, "annotations.info", imageId=image)["annotation"] for image in images]
    objects = [item for annotation in drawn for item in annotation["objects"]]
    meta = _call(server, "projects.meta", id=project)
    return [item["id"] for item in (*objects, *meta["classes"], *meta["tags"])]


def test_a_clone_is_the_same_and_another(own_server: LivePlatform, tmp_path: Path) -> None:
    project = _nested(own_server, tmp_path)
    tag = _call(own_server, "projects.meta", id=project)["tags"][0]["id"]
    _call(own_server, "projects.settings.update", id=project, settings={"groupImages": True, "groupImagesByTagId": tag})
    _call(own_server, "projects.editInfo", id=project, readme="r", customData={"train_info": [1], "mine": {"a": 1}})
    task = _call(own_server, "projects.clone", id=project, workspaceId=1, name="Copy")["taskId"]
    info = _call(own_server, "tasks.info", id=task)
    assert (info["status"], info["type"]) == ("finished", "clone")
    assert task not in [item["id"] for item in _call(own_server, "tasks.list", workspaceId=1)["entities"]]
    clone = info["meta"]["output"]["project"]["id"]
    before, after = (_call(own_server, "projects.info", id=item) for item in (project, clone))
    for key in ("itemsCount", "datasetsCount", "size", "readme", "referenceImageUrl"):
        assert after[key] == before[key], key
    assert (after["name"], after["customData"]) == ("Copy", {"mine": {"a": 1}})
    own_tag = _call(own_server, "projects.meta", id=clone)["tags"][0]["id"]
    assert after["settings"] == {"groupImages": True, "groupImagesByTagId": own_tag}
    assert _drawn(own_server, clone) == _drawn(own_server, project)
    stats = [_call(own_server, "projects.stats", id=item)["objects"]["total"] for item in (project, clone)]
    assert stats[0] == stats[1] != {"objectsInDataset": 0}
    ids = _ids_of(own_server, project) + _ids_of(own_server, clone)
    assert len(ids) == len(set(ids))
    assert "already has" in _refused(own_server, "projects.clone", 400, id=project, workspaceId=1, name="Copy")
    assert "of its own" in _refused(own_server, "projects.clone", 400, sharedLink="x", workspaceId=1, name="y")


@pytest.mark.parametrize(
    ("left_out", "expected"),
    [
        ({}, (3, 9, True, True)),
        ({"annotationObjects", "annotationObjectsTags", "figures", "figuresTags"}, (3, 9, False, True)),
        ({"images", "imagesTags", "annotationObjects", "figures"}, (3, 0, False, False)),
        ({"datasets", "images"}, (0, 0, False, False)),
        ({"classes", "projectTags", "imagesTags", "annotationObjects", "figures"}, (3, 9, False, False)),
    ],
)
def test_parts_of_a_project_are_cloned(
    own_server: LivePlatform, left_out: set[str], expected: tuple[int, int, bool, bool]
) -> None:
    parts = ("classes", "projectTags", "datasets", "images", "imagesTags", "annotationObjects", "figures")
    include = {part: part not in left_out for part in parts} | dict.fromkeys(left_out, False)
    task = _call(own_server, "projects.clone", id=1, workspaceId=1, name="Part", include=include)["taskId"]
    clone = _call(own_server, "tasks.info", id=task)["meta"]["output"]["project"]["id"]
    info = _call(own_server, "projects.info", id=clone)
    drawn = _drawn(own_server, clone).values()
    meta = _call(own_server, "projects.meta", id=clone)
    assert bool(meta["classes"]) is ("classes" not in left_out)
    found = (any(item[0]["objects"] for item in drawn), any(item[0]["tags"] for item in drawn))
    assert (info["datasetsCount"], info["itemsCount"], *found) == expected
