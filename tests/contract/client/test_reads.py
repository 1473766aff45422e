"""Everything that pages read, from the real platform."""

import io
from collections.abc import Callable

import pytest
from PIL import Image as PillowImage

from tests.contract.client.conftest import project_of
from tests.fakes.live_platform import LivePlatform
from traindash.domain.annotation import Rectangle
from traindash.domain.ecosystem import AgentStatus
from traindash.domain.ids import CollectionId, DatasetId, FileId, ImageId, ProjectId, TaskId
from traindash.errors import InputError, NotFoundError
from traindash.supervisely.client import SuperviselyClient, connect
from traindash.supervisely.errors import MissingError, RejectedError, UnauthorizedError


def test_teams_workspaces_and_projects(client: SuperviselyClient) -> None:
    project = project_of(client)
    assert client.projects.get(project.id) == project
    assert project.items_count > 0
    assert client.version()
    assert client.user()


def test_meta_statistics_and_datasets_agree(client: SuperviselyClient) -> None:
    project = project_of(client)
    meta, statistics = client.projects.meta(project.id), client.projects.statistics(project.id)
    assert [item.name for item in statistics.classes] == [item.name for item in meta.classes]
    assert statistics.images == project.items_count
    datasets = client.datasets.list(project.id)
    assert sum(dataset.items_count for dataset in datasets) == project.items_count
    assert all(
        sum(item.objects_by_dataset.values()) == item.objects > 0 and item.images > 0 for item in statistics.classes
    )
    assert set(statistics.image_tags) == {tag.name for tag in meta.tags}


def test_images_by_project_dataset_and_collection(client: SuperviselyClient) -> None:
    project = project_of(client)
    images = client.images.list(project_id=project.id)
    assert len(images) == project.items_count
    assert [image.id for image in images] == sorted(image.id for image in images)
    for dataset in client.datasets.list(project.id):
        assert len(client.images.list(dataset_id=dataset.id)) == dataset.items_count
    collections = client.collections.list(project.id)
    assert [collection.name for collection in collections] == ["first", "second", "nothing"]
    for collection in collections:
        members = client.images.list(collection_id=collection.id)
        assert members == client.images.list(collection_id=collection.id, project_id=project.id)
        assert collection.items_count in {None, len(members)}
    assert client.images.list(project_id=project.id, limit=2) == images[:2]
    second = client.images.page(project_id=project.id, page=2, per_page=2)
    assert (second.images, second.total) == (images[2:4], len(images))


def test_pixels_and_annotations(client: SuperviselyClient) -> None:
    project = project_of(client)
    image = client.images.list(project_id=project.id, limit=1)[0]
    with PillowImage.open(io.BytesIO(client.images.download(image.id))) as picture:
        assert picture.size == (image.width, image.height)
    annotation = client.annotations.get(image.dataset_id, [image.id])[image.id]
    assert (annotation.width, annotation.height) == (image.width, image.height)
    assert any(isinstance(label.geometry, Rectangle) for label in annotation.labels)
    assert len(annotation.labels) == image.labels_count
    assert annotation.tags == image.tags


def test_agents(client: SuperviselyClient) -> None:
    team = client.teams.list()[0]
    agents = client.agents.available(team.id)
    assert [agent.id for agent in agents] == [agent.id for agent in client.agents.list(team.id)]
    assert all(agent.status is AgentStatus.RUNNING and agent.devices for agent in agents)


def test_the_ecosystem(client: SuperviselyClient) -> None:
    assert "YOLO" in {module.framework for module in client.ecosystem.modules(("train",))}
    module = client.ecosystem.train_module("YOLO")
    assert module.framework == "YOLO"
    models = client.ecosystem.models("YOLO")
    assert {"YOLO26n-det", "YOLO11n-det", "YOLOv8n-det (COCO)"} <= {model.name for model in models}
    assert all(model.columns and model.framework == "YOLO" for model in models)
    assert "epochs" in (client.ecosystem.default_hyperparameters("YOLO") or "")
    assert client.ecosystem.module_by_slug("supervisely-ecosystem/model-benchmark/compare_models").framework is None


def test_the_server_s_model_list_names_the_same_models(client: SuperviselyClient) -> None:
    listed = {model.name for model in client.ecosystem._server_list("YOLO")}
    assert listed == {model.name for model in client.ecosystem.models("YOLO")}


def test_an_empty_team_files_has_no_experiments(client: SuperviselyClient) -> None:
    team = client.teams.list()[0]
    assert client.experiments.folders(team.id) == ()
    assert client.files.list(team.id, "/experiments") == ()
    assert client.files.find(team.id, "/experiments/x") is None


@pytest.mark.parametrize("what", ["project", "meta", "dataset", "collection", "image", "task", "file", "team_file"])
def test_what_does_not_exist_is_missing(client: SuperviselyClient, what: str) -> None:
    team = client.teams.list()[0]
    calls: dict[str, Callable[[], object]] = {
        "project": lambda: client.projects.get(ProjectId(999)),
        "meta": lambda: client.projects.meta(ProjectId(999)),
        "dataset": lambda: client.images.list(dataset_id=DatasetId(999)),
        "collection": lambda: client.collections.get(CollectionId(999)),
        "image": lambda: client.images.download(ImageId(999)),
        "task": lambda: client.tasks.get(TaskId(999)),
        "file": lambda: client.files.info(FileId(999)),
        "team_file": lambda: client.files.read(team.id, "/nope"),
    }
    with pytest.raises((MissingError, RejectedError)) as caught:
        calls[what]()
    assert isinstance(caught.value, NotFoundError | InputError)
    assert caught.value.message.endswith(".")


def test_a_wrong_token_is_told(server: LivePlatform) -> None:
    with (
        connect(server.url, "wrong") as client,
        pytest.raises(UnauthorizedError, match="does not accept the API token"),
    ):
        client.teams.list()
