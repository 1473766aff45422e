"""The four kinds of split on a real project."""

from collections.abc import Mapping

import pytest

from tests.fakes.small_platform import TRAIN_IMAGES, VAL_IMAGES, SmallPlatform
from traindash.domain.ids import CollectionId, DatasetId, ImageId
from traindash.domain.plan import CollectionsSplit, DatasetsSplit, RandomSplit, Side, TagsSplit, TrainValSplit
from traindash.errors import InputError
from traindash.platform.tasks.splits import resolve_split

ALL = TRAIN_IMAGES + VAL_IMAGES


def count(sides: Mapping[ImageId, tuple[Side, ...]]) -> tuple[int, int]:
    """Return the number of training and validation images."""
    return tuple(sum(side in of_image for of_image in sides.values()) for side in ("train", "val"))  # type: ignore[return-value]


def resolve(platform: SmallPlatform, split: TrainValSplit) -> Mapping[ImageId, tuple[Side, ...]]:
    """Resolve a split of the platform's project."""
    return resolve_split(platform.services, platform.project_id, split)


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        (RandomSplit(percent=80, split="train"), (7, 2)),
        (RandomSplit(percent=80, split="val"), (2, 7)),
        (RandomSplit(percent=99, split="train"), (8, 1)),
        (RandomSplit(percent=12, split="val"), (8, 1)),
    ],
)
def test_random_rounds_the_chosen_side_down(
    platform: SmallPlatform, split: RandomSplit, expected: tuple[int, int]
) -> None:
    sides = resolve(platform, split)
    assert count(sides) == expected
    assert len(sides) == ALL


def test_random_is_dealt_anew_each_time(platform: SmallPlatform) -> None:
    split = RandomSplit(percent=50, split="train")
    dealt = {tuple(image for image, side in resolve(platform, split).items() if side == ("train",)) for _ in range(30)}
    assert len(dealt) > 1


def test_datasets(platform: SmallPlatform) -> None:
    split = DatasetsSplit(train_datasets=(platform.dataset("train"),), val_datasets=(platform.dataset("val"),))
    assert count(resolve(platform, split)) == (TRAIN_IMAGES, VAL_IMAGES)


def test_a_dataset_may_be_on_both_sides(platform: SmallPlatform) -> None:
    both = (platform.dataset("val"),)
    sides = resolve(platform, DatasetsSplit(train_datasets=both, val_datasets=both))
    assert set(sides.values()) == {("train", "val")}


@pytest.mark.parametrize(
    ("action", "expected"),
    # Five of six images are tagged "train", one of them "val" too; three "val"; one has no tag.
    [("ignore", (5, 4)), ("train", (6, 4)), ("val", (5, 5))],
)
def test_tags(platform: SmallPlatform, action: str, expected: tuple[int, int]) -> None:
    split = TagsSplit(train_tag="train", val_tag="val", untagged_action=action)  # type: ignore[arg-type]
    assert count(resolve(platform, split)) == expected


def test_collections_may_overlap(platform: SmallPlatform) -> None:
    ids = {item.name: item.id for item in platform.services.collections.of_project(platform.project_id)}
    split = CollectionsSplit(train_collections=(ids["first"],), val_collections=(ids["second"],))
    sides = resolve(platform, split)
    assert count(sides) == (2, 2)
    assert sorted(sides.values()) == [("train",), ("train", "val"), ("val",)]


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (RandomSplit(percent=1, split="train"), "no image for training"),
        (RandomSplit(percent=1, split="val"), "no image for validation"),
        (DatasetsSplit(train_datasets=(DatasetId(99),), val_datasets=(DatasetId(1),)), "no dataset with id 99"),
        (DatasetsSplit(train_datasets=(DatasetId(1),), val_datasets=(DatasetId(3),)), "no image for validation"),
        (TagsSplit(train_tag="nothing", val_tag="val"), "no tag 'nothing'"),
        (TagsSplit(train_tag="train", val_tag="spare"), "No image of the project has the tag 'spare'"),
        (
            CollectionsSplit(train_collections=(CollectionId(77),), val_collections=(CollectionId(1),)),
            "no collection with id 77",
        ),
        (
            CollectionsSplit(train_collections=(CollectionId(1),), val_collections=(CollectionId(3),)),
            "no image for validation",
        ),
    ],
)
def test_refusals(platform: SmallPlatform, split: TrainValSplit, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        resolve(platform, split)
    assert caught.value.hint


def test_datasets_of_another_project_are_refused(platform: SmallPlatform) -> None:
    other = platform.add_project(platform.services.layout.incoming, name="Other")
    foreign = platform.services.projects.datasets(other)[0].id
    with pytest.raises(InputError, match=f"no dataset with id {foreign}"):
        resolve(platform, DatasetsSplit(train_datasets=(foreign,), val_datasets=(platform.dataset("val"),)))
