"""Counting classes and tags."""

from collections.abc import Iterator

from core.datasets.class_statistics import project_statistics
from core.domain.annotation import Annotation, Label, Rectangle, Tag
from core.domain.ids import DatasetId
from core.domain.project import ObjectClass, ProjectMeta, TagMeta

BOX = Rectangle(left=0, top=0, right=1, bottom=1)
META = ProjectMeta(
    classes=tuple(ObjectClass(name=name, shape="rectangle", color="#000000") for name in ("a", "b", "unused")),
    tags=(TagMeta(name="train", value_type="none"), TagMeta(name="never", value_type="none")),
)


def _annotation(classes: str, *tags: str) -> Annotation:
    labels = tuple(Label(class_name=name, geometry=BOX) for name in classes)
    return Annotation(width=9, height=9, labels=labels, tags=tuple(Tag(name=name) for name in tags))


def _images() -> Iterator[tuple[DatasetId, Annotation]]:
    yield DatasetId(1), _annotation("aab", "train", "train")
    yield DatasetId(1), _annotation("", "unknown tag")
    yield DatasetId(2), _annotation("bbb?", "train")


def test_counts_images_and_objects_by_class_and_dataset() -> None:
    statistics = project_statistics(META, _images())
    a, b, unused = statistics.classes
    assert (a.images, a.objects, dict(a.images_by_dataset), dict(a.objects_by_dataset)) == (1, 2, {1: 1}, {1: 2})
    assert (b.images, b.objects, dict(b.images_by_dataset), dict(b.objects_by_dataset)) == (
        2,
        4,
        {1: 1, 2: 1},
        {1: 1, 2: 3},
    )
    assert (unused.images, unused.objects) == (0, 0)
    assert dict(statistics.image_tags) == {"train": 2, "never": 0}
    assert statistics.images == 3
