"""Freezing a random split."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from traindash.domain.ids import DatasetId, ImageId
from traindash.domain.plan import RandomSplit
from traindash.domain.project import Image
from traindash.plans.splits import assign_split


def _images(contents: list[int]) -> list[Image]:
    return [
        Image(id=ImageId(number), name=f"{number}", dataset_id=DatasetId(1), width=1, height=1, hash=f"{content}")
        for number, content in enumerate(contents, start=1)
    ]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.integers(1, 99), st.sampled_from(["train", "val"]))
def test_every_image_is_on_one_side_and_copies_stay_together(contents: list[int], percent: int, side: str) -> None:
    images = _images(contents)
    split = RandomSplit(percent=percent, split="train" if side == "train" else "val")
    dealt = assign_split(images, split)
    assert sorted((*dealt.train, *dealt.val)) == [image.id for image in images]
    by_id = {image.id: image.hash for image in images}
    assert not {by_id[item] for item in dealt.train} & {by_id[item] for item in dealt.val}
    if len(set(contents)) > 1:
        assert dealt.train
        assert dealt.val
    wanted = len(images) * percent // 100
    named = dealt.train if side == "train" else dealt.val
    assert len(named) <= max(wanted, *Counter(contents).values())


def test_the_same_seed_deals_the_same_way_whatever_the_order() -> None:
    images = _images(list(range(200)))
    first = assign_split(images, RandomSplit(percent=80))
    assert assign_split(images[::-1], RandomSplit(percent=80)) == first
    assert len(first.train) == 160
    assert assign_split(images, RandomSplit(percent=80, seed=1)) != first
    again = [replace(image, id=ImageId(image.id + 1000)) for image in images]
    assert [item - 1000 for item in assign_split(again, RandomSplit(percent=80)).val] == list(first.val)
    assert assign_split(images, RandomSplit(percent=20, split="val")).val != first.train
