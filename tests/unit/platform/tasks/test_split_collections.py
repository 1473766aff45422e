"""The collections that record a split."""

import pytest

from tests.fakes.small_platform import SmallPlatform
from traindash.domain.ids import ImageId, ProjectId, TaskId
from traindash.errors import NotFoundError
from traindash.platform.tasks.splits import SplitCollections, SplitRecord, ensure_split_collections


def record(platform: SmallPlatform, task: int, train: list[int], val: list[int]) -> SplitCollections:
    """Record the split of a task."""
    split = SplitRecord(
        project_id=platform.project_id,
        task_id=TaskId(task),
        experiment_name="first",
        framework="YOLO",
        train=[ImageId(image) for image in train],
        val=[ImageId(image) for image in val],
    )
    return ensure_split_collections(platform.services.database, split)


def names(platform: SmallPlatform) -> dict[int, str]:
    """Return id → name of the project's collections."""
    return {item.id: item.name for item in platform.services.collections.of_project(platform.project_id)}


def test_a_new_split_gets_the_next_number(platform: SmallPlatform) -> None:
    first = record(platform, 1, [1, 2, 3], [7])
    second = record(platform, 2, [1, 2], [7])
    found = names(platform)
    assert (found[first.train], found[first.val]) == ("train_001", "val_001")
    assert (found[second.train], found[second.val]) == ("train_002", "val_002")
    assert platform.services.images.ids(platform.project_id, collections=[second.train]) == (1, 2)


def test_the_same_split_gets_the_same_pair(platform: SmallPlatform) -> None:
    first = record(platform, 1, [1, 2, 3], [7])
    record(platform, 2, [1], [7])
    assert record(platform, 3, [3, 2, 1], [7]) == first


def test_names_of_people_are_not_in_the_way(platform: SmallPlatform) -> None:
    platform.services.collections.add(platform.project_id, "train_007")
    platform.services.collections.add(platform.project_id, "val_of_mine")
    pair = record(platform, 1, [1], [2])
    assert names(platform)[pair.val] == "val_008"


def test_the_project_notes_each_experiment_once(platform: SmallPlatform) -> None:
    pair = record(platform, 5, [1], [2])
    assert record(platform, 5, [1], [2]) == pair
    custom_data = platform.services.projects.get(platform.project_id).custom_data or {}
    splits = {"train_collection": pair.train, "val_collection": pair.val}
    assert custom_data["train_info"] == [{"task_id": 5, "framework_name": "YOLO", "splits": splits}]


def test_a_project_that_is_gone(platform: SmallPlatform) -> None:
    split = SplitRecord(project_id=ProjectId(9), task_id=TaskId(1), experiment_name="", framework="", train=[], val=[])
    with pytest.raises(NotFoundError):
        ensure_split_collections(platform.services.database, split)
