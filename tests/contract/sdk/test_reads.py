"""What the SDK's helpers read."""

from collections.abc import Iterator

import pytest

from tests.contract.sdk.session import SdkError, SdkSession
from tests.fakes.live_platform import LivePlatform, live_platform
from traindash.domain.ids import ProjectId

pytestmark = pytest.mark.sdk

READS: list[tuple[str, object]] = [
    ("[t.name for t in api.team.get_list()]", ["Local"]),
    ("api.team.get_info_by_id(1).name", "Local"),
    ("api.team.get_info_by_id(99)", None),
    ("[w.team_id for w in api.workspace.get_list(1)]", [1]),
    ("api.workspace.get_info_by_id(1).name", "My projects"),
    ("api.user.get_my_info().login", "local"),
    ("api.is_version_supported('6.0.0')", True),
    ("[p.name for p in api.project.get_list(1)]", ["Shapes"]),
    ("[p.name for p in api.project.get_list(1, fields=['id', 'title'])]", ["Shapes"]),
    ("[p.id for p in api.project.get_list(team_id=1)]", [1]),
    ("api.project.get_info_by_id(1).items_count", 9),
    ("api.project.get_info_by_id(99)", None),
    ("api.project.get_info_by_name(1, 'Shapes').id", 1),
    (
        "[c.name for c in sly.ProjectMeta.from_json(api.project.get_meta(1, with_settings=True)).obj_classes]",
        ["box", "blob"],
    ),
    ("[t.sly_id for t in sly.ProjectMeta.from_json(api.project.get_meta(1)).tag_metas]", [3, 4, 5]),
    ("api.project.get_stats(1)['images']['objectClasses'][0]['total']", 9),
    ("[d.name for d in api.dataset.get_list(1)]", ["train", "val", "empty"]),
    ("[d.items_count for d in api.dataset.get_list(1, recursive=True)]", [6, 3, 0]),
    ("api.dataset.get_info_by_id(2).project_id", 1),
    ("api.dataset.get_info_by_name(1, 'val').id", 2),
    ("[[p, d.name] for p, d in api.dataset.tree(1)]", [[[], "train"], [[], "val"], [[], "empty"]]),
    ("len(api.dataset.get_tree(1))", 3),
    ("api.dataset.get_list(1, include_custom_data=True)[0].custom_data", {}),
    ("[i.name for i in api.image.get_list(2)]", ["b0.png", "b1.png", "b2.png"]),
    ("len(api.image.get_list(project_id=1))", 9),
    ("len(api.image.get_list(1, only_labelled=True))", 6),
    ("[i.id for i in api.image.get_list(project_id=1, entities_collection_id=2)]", [2, 7]),
    ("[[i.id for i in batch] for batch in api.image.get_list_generator(1, batch_size=4)]", [[1, 2, 3, 4], [5, 6]]),
    ("[i.ext for i in api.image.get_list(2)]", ["png"] * 3),
    ("api.image.get_info_by_id(1).width", 32),
    ("api.image.get_info_by_id(99)", None),
    ("[i.id for i in api.image.get_info_by_id_batch([7, 1])]", [7, 1]),
    ("api.image.get_info_by_name(1, 'a3.png').id", 4),
    ("api.image.get_filtered_list(1, filters=[{'type': 'images_filename', 'data': {'value': 'a5'}}])[0].id", 6),
    ("list(api.image.download_np(1).shape)", [32, 32, 3]),
    ("[list(n.shape) for n in api.image.download_nps(1, [3, 1])]", [[32, 32, 3]] * 2),
    ("len(api.annotation.download(1).annotation['objects'])", 2),
    ("[a.image_id for a in api.annotation.download_batch(1, [3, 1])]", [3, 1]),
    ("[a.image_name for a in api.annotation.get_list(2)]", ["b0.png", "b1.png", "b2.png"]),
    ("[c.name for c in api.entities_collection.get_list(1)]", ["first", "second", "nothing"]),
    ("[i.id for i in api.entities_collection.get_items(2, 'entities_collection')]", [2, 7]),
    ("[a.name for a in api.agent.get_list(1)]", ["local-1", "local-2"]),
    ("len(api.agent.get_list_available(1, has_gpu=True))", 2),
    ("str(api.agent.get_status(1))", "Status.RUNNING"),
    ("api.app.get_ecosystem_module_id('supervisely-ecosystem/model-benchmark/compare_models')", 2),
    ("api.app.get_ecosystem_module_info(1).name", "Train YOLO v8 - 26"),
    ("[a.module_id for a in api.app.get_list(1)]", [1, 2, 3, 4, 5, 6, 7]),
    ("'YOLO26n-det' in {m['name'] for m in api.nn.ecosystem_models_api.list_models()}", True),
    ("api.task.get_info_by_id(99)", None),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A server to which no other file of tests writes: here, projects and collections are counted."""
    with live_platform(tmp_path_factory.mktemp("reads") / "home", working=True) as live:
        yield live


@pytest.mark.parametrize(("expression", "value"), READS)
def test_reads(sdk: SdkSession, server: LivePlatform, expression: str, value: object) -> None:
    assert sdk.run(server, f"return {expression}") == value


def test_thumbnails(sdk: SdkSession, server: LivePlatform) -> None:
    url = sdk.run(server, "return api.image.preview_url(api.image.get_info_by_id(1).full_storage_url, width=16)")
    assert server.http.get(url).headers["content-type"] == "image/jpeg"
    cover = sdk.run(server, "return api.project.get_info_by_id(1).image_preview_url")
    assert server.http.get(cover).status_code == 200


def test_images_of_a_tag(sdk: SdkSession, server: LivePlatform) -> None:
    code = """
        meta = sly.ProjectMeta.from_json(api.project.get_meta(1))
        wanted = {"tagId": meta.get_tag_meta("val").sly_id, "include": True, "value": None}
        return [i.id for i in api.image.get_filtered_list(1, filters=[{"type": "images_tag", "data": wanted}])]
    """
    assert sdk.run(server, code) == [2]


def test_annotations_are_what_was_imported(sdk: SdkSession, server: LivePlatform) -> None:
    code = """
        meta = sly.ProjectMeta.from_json(api.project.get_meta(1))
        labels = sly.Annotation.from_json(api.annotation.download(2).annotation, meta).labels
        return [[label.obj_class.name, label.geometry.to_bbox().to_json()["points"]["exterior"]] for label in labels]
    """
    assert sdk.run(server, code) == [["box", [[2, 2], [12, 12]]], ["blob", [[15, 15], [28, 28]]]]


def test_collections_can_be_made(sdk: SdkSession, server: LivePlatform) -> None:
    code = """
        made = api.entities_collection.create(1, "train_001")
        added = [item["entityId"] for item in api.entities_collection.add_items(made.id, [1, 7])]
        removed = [item["entityId"] for item in api.entities_collection.remove_items(made.id, [1])]
        left = [i.id for i in api.entities_collection.get_items(made.id, "entities_collection", 1)]
        api.entities_collection.remove(made.id)
        return [added, removed, left, api.entities_collection.get_info_by_id(made.id)]
    """
    assert sdk.run(server, code) == [[1, 7], [1], [7], None]


def test_custom_data_of_a_project(sdk: SdkSession, server: LivePlatform) -> None:
    code = """
        api.project.update_custom_data(1, {"train_info": {"a": "ü"}})
        return api.project.get_custom_data(1)
    """
    assert sdk.run(server, code) == {"train_info": {"a": "ü"}}


def test_files_of_the_training_app(sdk: SdkSession, server: LivePlatform, folder: str) -> None:
    code = """
        import json
        path = arguments["folder"] + "/models.json"
        api.app.download_git_file(1, path, file_path="supervisely_integration/models.json")
        return [row["model_name"] for row in json.load(open(path))]
    """
    assert "YOLO26n-det" in sdk.run(server, code, folder=folder)


@pytest.mark.parametrize("download", ["sly.download_project", "sly.download_async"])
def test_a_project_comes_back_as_it_was_imported(
    sdk: SdkSession, server: LivePlatform, folder: str, download: str
) -> None:
    code = f"""
        import hashlib, base64
        path = arguments["folder"] + "/project"
        {download}(api, 1, path, log_progress=False)
        project = sly.Project(path, sly.OpenMode.READ)
        found = {{}}
        for dataset in project.datasets:
            for name in dataset:
                annotation = dataset.get_ann(name, project.meta)
                content = open(dataset.get_img_path(name), "rb").read()
                found[f"{{dataset.name}}/{{name}}"] = [
                    base64.b64encode(hashlib.sha256(content).digest()).decode(),
                    [label.obj_class.name for label in annotation.labels],
                    sorted(tag.name for tag in annotation.img_tags),
                ]
        return found
    """
    found = sdk.run(server, code, folder=folder)
    services = server.platform.services
    images = list(services.images.of_run(dict.fromkeys(services.images.ids(ProjectId(1)), ("train",))))
    assert set(found) == {f"{image.dataset_name}/{image.name}" for image in images}
    for image in images:
        digest, classes, _ = found[f"{image.dataset_name}/{image.name}"]
        assert digest == image.hash
        assert classes == ["box", "blob"]
    assert found["train/a1.png"][2] == ["train", "val"]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("api.project.get_meta(99)", "There is no project 99"),
        ("api.image.get_list(99)", "There is no dataset 99"),
        ("api.file.get_info_by_id(99)", "There is no file 99"),
        ("api.task.stop(99)", "There is no task 99"),
        ("api.post('no.such.method', {})", "no API method"),
    ],
)
def test_refusals_reach_the_reader_at_once(sdk: SdkSession, server: LivePlatform, expression: str, said: str) -> None:
    with pytest.raises(SdkError, match=said) as raised:
        sdk.run(server, f"return {expression}")
    assert str(raised.value).startswith("HTTPError")


def test_a_wrong_token_is_said(sdk: SdkSession, server: LivePlatform) -> None:
    with pytest.raises(SdkError, match="401"):
        sdk.run(server, "return sly.Api(api.server_address, 'wrong').team.get_list()")
