"""What people do with a project, over a socket: merged, moved, split, removed and brought back, with nothing lost."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.client.conftest import connected
from tests.fakes.live_platform import live_platform
from tests.fakes.shapes_project import shapes_project
from traindash.domain.annotation import shape_name
from traindash.domain.ids import DatasetId, ProjectId
from traindash.domain.project import Dataset
from traindash.projects.merging import NameMerge, merge_names
from traindash.projects.moving import (
    MergeOrder,
    MoveOrder,
    merge_datasets,
    move_images,
    remove_images,
    restore_dataset,
    split_off,
)
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import RejectedError
from traindash.supervisely.project_edits import CloneParts


class Data:
    """The project of all shapes and its client."""

    def __init__(self, client: SuperviselyClient, number: ProjectId) -> None:
        self.client, self.number = client, number

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """All datasets."""
        return self.client.datasets.list(self.number)

    def drawn(self) -> Counter[tuple[str, str, str]]:
        """Count what is drawn: class, shape, and the geometry as text."""
        found: Counter[tuple[str, str, str]] = Counter()
        for image in self.client.images.list(project_id=self.number):
            for label in self.client.annotations.get(image.dataset_id, [image.id])[image.id].labels:
                found[(label.class_name, shape_name(label.geometry), repr(label.geometry))] += 1
        return found

    def class_id(self, name: str) -> int:
        """Return the id of a class."""
        return self.client.writing.name_ids(self.number).classes[name]

    def members(self) -> dict[str, set[str]]:
        """Return the names of the images in each collection."""
        listed = {
            item.name: self.client.images.list(project_id=self.number, collection_id=item.id)
            for item in self.client.collections.list(self.number)
        }
        return {name: {image.hash for image in images} for name, images in listed.items()}


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Data]:
    """A server with the project."""
    with live_platform(tmp_path / "home") as live, connected(live) as client:
        services = live.platform.services
        yield Data(client, services.imports.run(shapes_project(tmp_path / "files"), services.accounts.home()))


def test_a_class_that_is_merged_gives_its_objects_and_no_other_object_changes(data: Data) -> None:
    before = data.drawn()
    order = NameMerge(
        project_id=data.number, kind="class", source_id=data.class_id("polygon"), source="polygon", target="any"
    )
    told = list[int]()
    images = merge_names(data.client, order, told.append)
    expected: Counter[tuple[str, str, str]] = Counter()
    for (name, shape, geometry), number in before.items():
        expected[("any" if name == "polygon" else name, shape, geometry)] += number
    assert data.drawn() == expected
    assert images == told[-1] > 0
    assert "polygon" not in data.client.writing.name_ids(data.number).classes


def test_a_renamed_class_keeps_its_id_and_objects(data: Data) -> None:
    number, before = data.class_id("rectangle"), data.drawn()
    data.client.project_edits.edit_class(number, "box", "#112233")
    (renamed,) = (item for item in data.client.projects.meta(data.number).classes if item.id == number)
    assert (renamed.name, renamed.color, renamed.shape) == ("box", "#112233", "rectangle")
    assert sum(data.drawn().values()) == sum(before.values())
    with pytest.raises(RejectedError, match="polygon"):
        data.client.project_edits.edit_class(number, "polygon", "#112233")


def test_moved_images_keep_what_is_drawn_their_tags_and_their_collections(data: Data) -> None:
    client = data.client
    before, members = data.drawn(), data.members()
    tags = Counter(tag.name for image in client.images.list(project_id=data.number) for tag in image.tags)
    source = max(data.datasets, key=lambda item: item.items_count)
    images = client.images.list(dataset_id=source.id)
    made = split_off(client, data.number, "apart", [image.id for image in images[:2]])
    assert {item.name for item in client.images.list(dataset_id=made.id)} == {image.name for image in images[:2]}
    assert len(client.images.list(dataset_id=source.id)) == len(images) - 2
    assert (data.drawn(), data.members()) == (before, members)
    after = Counter(tag.name for image in client.images.list(project_id=data.number) for tag in image.tags)
    assert after == tags
    copy = MoveOrder(
        project_id=data.number,
        images=tuple(image.id for image in client.images.list(dataset_id=made.id)),
        dataset_id=made.id,
        keeps_originals=True,
    )
    assert move_images(client, copy) == 2
    assert len({image.name for image in client.images.list(dataset_id=made.id)}) == 4


def test_later_images_are_counted_by_their_ids(data: Data) -> None:
    client = data.client
    newest = client.images.newest(data.number)
    assert newest == max(image.id for image in client.images.list(project_id=data.number))
    (first, *_) = data.datasets
    images = tuple(image.id for image in client.images.list(dataset_id=first.id)[:2])
    copy = MoveOrder(project_id=data.number, images=images, dataset_id=first.id, keeps_originals=True)
    move_images(client, copy)
    assert client.images.count_after(data.number, newest) == len(images)


def test_a_merged_dataset_takes_what_is_inside_along(data: Data) -> None:
    client, before = data.client, data.drawn()
    inner = next(item for item in data.datasets if item.parent_id is not None)
    source = next(item for item in data.datasets if item.id == inner.parent_id)
    target = client.writing.add_dataset(data.number, "all")
    merge_datasets(client, MergeOrder(source=source, target=target, datasets=data.datasets))
    assert source.id not in {item.id for item in data.datasets}
    assert next(item for item in data.datasets if item.id == inner.id).parent_id == target.id
    assert data.drawn() == before


def test_removed_images_come_back_where_they_were(data: Data) -> None:
    client, before, members = data.client, data.drawn(), data.members()
    listed = client.images.list(project_id=data.number)
    sizes = {item.id: item.items_count for item in data.datasets}
    one_of_each = {image.dataset_id: image.id for image in listed}
    removed = remove_images(client, data.number, list(one_of_each.values()))
    assert removed.count == len(one_of_each)
    assert len(client.images.list(project_id=data.number)) == len(listed) - removed.count
    for dataset in removed.datasets:
        restore_dataset(client, dataset)
    assert {item.id: item.items_count for item in data.datasets} == sizes
    assert (data.drawn(), data.members()) == (before, members)


def test_deleted_projects_and_datasets_are_told_and_come_back(data: Data) -> None:
    client, project = data.client, data.client.projects.get(data.number)
    top = next(item for item in data.datasets if item.parent_id is None and item.items_count)
    client.project_edits.archive_dataset(top.id)
    (deleted,) = (item for item in client.project_edits.deleted_datasets(data.number) if item.id == top.id)
    assert (deleted.name, deleted.items_count) == (top.name, top.items_count)
    assert deleted.removed_after is not None
    assert restore_dataset(client, DatasetId(deleted.id)).name == top.name
    client.writing.archive(data.number)
    assert client.project_edits.can_restore()
    (gone,) = client.project_edits.deleted_projects()
    assert (gone.name, gone.parent_id) == (project.name, project.workspace_id)
    assert client.project_edits.restore_project(data.number).name == project.name


def test_a_clone_takes_what_it_is_asked_to_take(data: Data) -> None:
    client, project = data.client, data.client.projects.get(data.number)
    for name, parts, images in (
        ("whole", CloneParts(), project.items_count),
        ("bare", CloneParts(images=False), 0),
        ("undrawn", CloneParts(annotations=False), project.items_count),
    ):
        task = client.project_edits.clone(project.id, project.workspace_id, name, parts)
        state = client.project_edits.clone_state(task)
        assert state.status == "finished"
        assert state.project_id is not None
        facts = client.projects.statistics(state.project_id)
        assert facts.images == images
        assert bool(sum(item.objects for item in facts.classes)) is (name == "whole")
        assert [item.name for item in facts.classes] == [item.name for item in client.projects.meta(project.id).classes]
