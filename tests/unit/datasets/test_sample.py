"""The sample project: what its renderer makes, learnable, with something for every step of the wizard."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools.sample_renderer.project import SAMPLE_META, SEED, Shot, annotate, shots, take
from tools.sample_renderer.scene import Studio
from traindash.datasets.geometry import bounds
from traindash.datasets.source import ProjectSource
from traindash.datasets.supervisely_format import open_project
from traindash.domain.annotation import Annotation, shape_name

CLASSES = [item.name for item in SAMPLE_META.classes]
RENDERED_ANEW = (0, 123, 199)
"""Numbers of images, one of each dataset."""
SMALLEST_SHARE = 0.12


@pytest.fixture(scope="module")
def source(sample: Path) -> ProjectSource:
    return open_project(sample)


@pytest.fixture(scope="module")
def annotations(source: ProjectSource) -> dict[tuple[str, str], Annotation]:
    return {(dataset.path, image.name): image.annotation for dataset in source.datasets for image in dataset.images}


def _tags(annotation: Annotation) -> set[str]:
    return {tag.name for tag in annotation.tags}


@pytest.mark.parametrize("shot", [shot for shot in shots() if shot.number in RENDERED_ANEW], ids=lambda shot: shot.name)
def test_the_renderer_makes_what_is_archived(
    sample: Path, annotations: dict[tuple[str, str], Annotation], shot: Shot
) -> None:
    picture = take(Studio(SEED), shot)
    archived = np.asarray(Image.open(sample / shot.dataset / "img" / shot.name), dtype=float)
    # JPEG loses a little, and exp and sin differ in the last bit between processors.
    assert np.abs(archived - picture.pixels).mean() < 3
    assert annotate(shot, picture) == annotations[shot.dataset, shot.name]


def test_the_meta_is_that_of_the_renderer(source: ProjectSource) -> None:
    assert source.meta == SAMPLE_META


def test_has_three_datasets_with_two_hundred_images(source: ProjectSource) -> None:
    counts = {dataset.path: len(list(dataset.images)) for dataset in source.datasets}
    assert counts == {"kitchen": 120, "market": 40, "studio": 40}


def test_images_have_the_size_their_annotation_says(source: ProjectSource) -> None:
    for dataset in source.datasets:
        for image in dataset.images:
            annotation = image.annotation
            with Image.open(image.path) as picture:
                assert picture.size == (annotation.width, annotation.height)


def test_pictures_have_contrast_and_are_neither_black_nor_burnt_out(source: ProjectSource) -> None:
    for dataset in source.datasets:
        for image in list(dataset.images)[::7]:
            pixels = np.asarray(Image.open(image.path).convert("L"), dtype=float)
            assert pixels.std() > 10, image.name
            assert np.mean(pixels > 250) < 0.25, image.name


def test_tags_leave_some_training_images_out(annotations: dict[tuple[str, str], Annotation]) -> None:
    counts = Counter(name for annotation in annotations.values() for name in _tags(annotation))
    assert counts["val"] == 40
    assert 140 <= counts["train"] < 160
    assert not any({"train", "val"} <= _tags(annotation) for annotation in annotations.values())


def test_collections_split_all_images(source: ProjectSource, annotations: dict[tuple[str, str], Annotation]) -> None:
    members = {collection.name: set(collection.images) for collection in source.collections}
    assert {name: len(images) for name, images in members.items()} == {"train": 160, "val": 40}
    assert members["train"] | members["val"] == annotations.keys()
    assert {key for key, annotation in annotations.items() if "val" in _tags(annotation)} == members["val"]


def test_every_class_occurs_often_in_every_dataset_and_on_both_sides(
    annotations: dict[tuple[str, str], Annotation],
) -> None:
    groups: dict[str, Counter[str]] = {}
    for (dataset, _), annotation in annotations.items():
        side = "val" if "val" in _tags(annotation) else "train"
        for group in (dataset, side):
            groups.setdefault(group, Counter()).update(label.class_name for label in annotation.labels)
    for group, counts in groups.items():
        assert all(counts[name] >= 10 for name in CLASSES), (group, counts)


def test_class_counts_are_uneven(annotations: dict[tuple[str, str], Annotation]) -> None:
    counts = Counter(label.class_name for annotation in annotations.values() for label in annotation.labels)
    assert max(counts.values()) > 1.8 * min(counts.values())


def test_objects_are_drawn_in_the_shape_of_their_class(annotations: dict[tuple[str, str], Annotation]) -> None:
    shapes = {item.name: item.shape for item in SAMPLE_META.classes}
    assert set(shapes.values()) == {"rectangle", "polygon"}
    for annotation in annotations.values():
        for label in annotation.labels:
            assert shape_name(label.geometry) == shapes[label.class_name]


def test_objects_are_not_tiny(annotations: dict[tuple[str, str], Annotation]) -> None:
    small = 0
    total = 0
    for annotation in annotations.values():
        for label in annotation.labels:
            box = bounds(label.geometry)
            assert box is not None
            side = min(box.right - box.left, box.bottom - box.top) + 1
            small += side < SMALLEST_SHARE * min(annotation.width, annotation.height)
            total += 1
    assert small <= 0.01 * total
