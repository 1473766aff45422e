"""Sizes of images and objects, and datasets as a tree."""

from dataclasses import replace

from traindash.domain.annotation import Annotation, Bitmap, Label, Rectangle
from traindash.domain.ids import DatasetId, ImageId, ProjectId
from traindash.domain.project import Dataset, Image
from traindash.plans.lookups import profile
from traindash.ui.wizard.project import dataset_label, dataset_tree


def test_sizes_are_counted_by_their_limits() -> None:
    images = [
        Image(id=ImageId(number), name="x", dataset_id=DatasetId(1), width=width, height=10)
        for number, width in enumerate((320, 321, 4000))
    ]
    boxes = (
        Rectangle(left=0, top=0, right=31, bottom=31),
        Rectangle(left=0, top=0, right=32, bottom=31),
        Rectangle(left=0, top=0, right=95, bottom=96),
    )
    labels = tuple(Label(class_name="a", geometry=box) for box in boxes)
    damaged = Label(class_name="a", geometry=Bitmap(origin=(0, 0), data="?"))
    found = profile(images, {ImageId(1): Annotation(width=100, height=100, labels=(*labels, damaged))})
    assert (found.images, found.objects) == (3, 3)
    assert list(found.object_sizes.values()) == [1, 1, 1]
    assert {name: number for name, number in found.image_sizes.items() if number} == {
        "up to 320 px": 1,
        "up to 640 px": 1,
        "larger": 1,
    }


def test_nested_datasets_follow_their_parents() -> None:
    def dataset(number: int, parent: int | None) -> Dataset:
        parent_id = None if parent is None else DatasetId(parent)
        return Dataset(
            id=DatasetId(number), name=f"{number}", project_id=ProjectId(1), items_count=0, parent_id=parent_id
        )

    tree = dataset_tree((dataset(1, None), dataset(2, None), dataset(3, 1), dataset(4, 3), dataset(5, 99)))
    assert [(int(item.id), level) for item, level in tree] == [(1, 0), (3, 1), (4, 2), (2, 0), (5, 0)]
    pinned = replace(dataset(2, None), is_favorite=True)
    tree = dataset_tree((dataset(1, None), pinned, dataset(3, 1)))
    assert [dataset_label(item, level) for item, level in tree] == ["★ 2", "1", "\u20033"]
