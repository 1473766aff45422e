"""A frozen split on the real platform."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.contract.client.conftest import connected, project_of
from tests.fakes.live_platform import LivePlatform, live_platform
from traindash.datasets.importing import open_import
from traindash.domain.ids import CollectionId, ImageId
from traindash.domain.plan import DatasetsSplit, ImagesSplit, PretrainedModel, RandomSplit, TrainingPlan
from traindash.plans import lookups as gather
from traindash.plans.rules import check
from traindash.plans.splits import assign_split, freeze, frozen_pairs
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import MissingError, RejectedError


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A server with the tiny project: nine images."""
    with live_platform(Path(tmp_path_factory.mktemp("freezing")) / "home") as made:
        yield made


@pytest.fixture
def client(live: LivePlatform) -> Iterator[SuperviselyClient]:
    """A client of it."""
    with connected(live) as made:
        yield made


def test_a_frozen_split_is_two_collections_that_share_nothing(client: SuperviselyClient) -> None:
    project = gather.project_facts(client, project_of(client).id)
    frozen = freeze(client, project.project, RandomSplit(percent=70, seed=0))
    counts = gather.split_counts(client, gather.project_facts(client, project.project.id), frozen)
    assert counts.both == 0
    assert counts.unused == 0
    assert counts.train + counts.val == project.project.items_count
    assert counts.train >= counts.val > 0

    assert freeze(client, project.project, RandomSplit(percent=70, seed=0)) == frozen
    another = freeze(client, project.project, RandomSplit(percent=70, seed=1))
    known = client.collections.list(project.project.id)
    names = {item.id: item.name for item in known}
    assert names[another.train_collections[0]] == f"{names[frozen.train_collections[0]]} 2"
    assert frozen_pairs(known)[:2] == (another, frozen)
    members = [
        {image.id for image in client.images.list(project_id=project.project.id, collection_id=collection)}
        for collection in (*frozen.val_collections, *another.val_collections)
    ]
    assert members[0] != members[1]


def test_what_the_sides_hold(client: SuperviselyClient) -> None:
    project = gather.project_facts(client, project_of(client).id)
    frozen = freeze(client, project.project, RandomSplit(percent=60, seed=0))
    content = client.splits.content(project.project.id, frozen)
    assert content is not None
    assert content.classes is not None
    assert content.shared_contents == 0
    statistics = {item.name: item for item in project.statistics.classes if item.objects}
    assert set(content.classes) == set(statistics)
    for name, counts in content.classes.items():
        assert counts.train_objects + counts.val_objects == statistics[name].objects
        assert counts.train_images + counts.val_images == statistics[name].images

    sides = {item.name: item.id for item in project.datasets}
    by_datasets = DatasetsSplit(train_datasets=(sides["train"],), val_datasets=(sides["val"],))
    content = client.splits.content(project.project.id, by_datasets)
    assert content is not None
    assert content.classes is not None
    for name, counts in content.classes.items():
        assert counts.train_objects == statistics[name].objects_by_dataset[sides["train"]]
    assert client.splits.content(project.project.id, RandomSplit()) is None
    samples = {image.id for image in client.images.list(dataset_id=sides["val"])}
    assert set(content.val_sample) <= samples
    assert len(client.images.get(project.project.id, content.train_sample)) == len(content.train_sample) > 0
    with pytest.raises(RejectedError):
        client.splits.content(project.project.id, DatasetsSplit(train_datasets=(), val_datasets=(sides["val"],)))


def test_what_a_random_split_would_hold_is_known_before_it_is_frozen(client: SuperviselyClient) -> None:
    project = gather.project_facts(client, project_of(client).id)
    dealt = assign_split(client.images.list(project_id=project.project.id), RandomSplit(percent=60))
    before = client.splits.content(project.project.id, ImagesSplit(train=dealt.train, val=(*dealt.val, ImageId(10**9))))
    frozen = client.splits.content(project.project.id, freeze(client, project.project, RandomSplit(percent=60, seed=0)))
    assert before == frozen
    empty = client.splits.content(project.project.id, ImagesSplit(train=(), val=()))
    assert empty is not None
    assert (empty.classes, empty.train_sample) == ({}, ())


def test_identical_images_on_both_sides_are_found(
    live: LivePlatform, client: SuperviselyClient, tmp_path: Path
) -> None:
    for side, names in (("train", ("a", "b")), ("val", ("c", "d"))):
        folder = tmp_path / "copies" / "images" / side
        folder.mkdir(parents=True)
        for name in names:
            shade = 10 if name in "ac" else ord(name)
            Image.new("RGB", (20, 20), (shade, 3, 3)).save(folder / f"{name}.png")
            labels = tmp_path / "copies" / "labels" / side
            labels.mkdir(parents=True, exist_ok=True)
            (labels / f"{name}.txt").write_text("0 0.5 0.5 0.4 0.4\n")
    (tmp_path / "copies" / "data.yaml").write_text("path: .\ntrain: images/train\nval: images/val\nnames: [x]\n")
    services = live.platform.services
    project_id = services.imports.run(
        open_import(tmp_path / "copies", work=tmp_path / "work").source, services.accounts.home()
    )
    train, val = client.datasets.list(project_id)
    split = DatasetsSplit(train_datasets=(train.id,), val_datasets=(val.id,))
    content = client.splits.content(project_id, split)
    assert content is not None
    assert content.shared_contents == 1
    assert content.shared_examples == (("a.png", "c.png"),)
    model = PretrainedModel(framework="YOLO", name="Pico-det (CPU demo)")
    told = check(client, TrainingPlan(project_id=project_id, model=model, train_val_split=split))
    assert "1 image is on both sides as identical copies, e.g. a.png and c.png." in [one.message for one in told]
    frozen = freeze(client, client.projects.get(project_id), RandomSplit(percent=50, seed=0))
    dealt = client.splits.content(project_id, frozen)
    assert dealt is not None
    assert dealt.shared_contents == 0


def test_a_name_that_is_taken_is_refused_and_a_removed_collection_is_gone(client: SuperviselyClient) -> None:
    project_id = project_of(client).id
    made = client.collections.add(project_id, "Night shots")
    with pytest.raises(RejectedError, match="Night shots"):
        client.collections.add(project_id, "Night shots")
    client.collections.remove(made.id)
    with pytest.raises(MissingError):
        client.collections.get(CollectionId(made.id))
