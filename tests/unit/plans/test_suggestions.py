"""What the wizard proposes."""

from dataclasses import replace

import pytest

from tests.fakes.wizard_client import small_world
from tests.unit.plans.facts import PROJECT, project
from traindash.domain.ecosystem import CatalogueModel
from traindash.domain.ids import CollectionId
from traindash.domain.plan import RandomSplit
from traindash.domain.project import Collection, Dataset
from traindash.plans.facts import ProjectFacts
from traindash.plans.splits import MOST_IMAGES
from traindash.plans.suggestions import recommend_model, suggest_split, suggest_task


def named(*names: str) -> tuple[Dataset, ...]:
    return tuple(replace(item, name=name) for item, name in zip(project().datasets, names, strict=True))


def test_tags_named_train_and_val_are_proposed() -> None:
    found = suggest_split(project())
    assert found.split.method == "tags"
    assert (found.split.tags.train_tag, found.split.tags.val_tag) == ("train", "val")
    assert "image tags" in found.reason


def test_datasets_named_train_and_val_come_first() -> None:
    found = suggest_split(replace(project(), datasets=named("Train_2024", "validation")))
    assert found.split.method == "datasets"
    assert len(found.split.datasets.train_datasets) == len(found.split.datasets.val_datasets) == 1


def test_without_such_names_it_is_random_and_gives_no_reason() -> None:
    whole = project()
    bare = replace(whole, statistics=replace(whole.statistics, image_tags={"train": 0, "trainer": 5, "evaluate": 3}))
    found = suggest_split(bare)
    assert (found.split.method, found.reason) == ("random", "")


def test_the_smallest_detection_model_suits_a_cpu() -> None:
    models = small_world().models
    found = recommend_model(models, has_gpu=False)
    assert found is not None
    assert found.name == "Pico-det (CPU demo)"
    assert recommend_model(models, has_gpu=True) is None


def with_collections(*names: str) -> ProjectFacts:
    """Return the small project without telling tags, with these collections in the order of their making."""
    whole = project()
    made = tuple(
        Collection(id=CollectionId(number), name=name, project_id=PROJECT, items_count=10)
        for number, name in enumerate(names, start=1)
    )
    return replace(whole, collections=made, statistics=replace(whole.statistics, image_tags={}))


@pytest.mark.parametrize(
    ("names", "train", "val"),
    [
        (("train", "other", "val day", "val night"), (1,), (3, 4)),
        (("train_001", "val_001", "train_002", "val_002", "val_003"), (3,), (4,)),
        (("train 80 % frozen", "val 20 % frozen", "val 30 % frozen", "train_001", "val_001"), (1,), (2,)),
        (("val 20 % frozen", "train 80 % frozen", "train 80 % frozen 2", "val 20 % frozen 2"), (3,), (4,)),
        (("train 80 % frozen", "val 20 % frozen", "train", "val"), (3,), (4,)),
        (("train 80 % frozen", "val 20 % frozen", "train"), (1,), (2,)),
    ],
)
def test_one_kept_split_is_proposed_unless_a_person_named_collections(
    names: tuple[str, ...], train: tuple[int, ...], val: tuple[int, ...]
) -> None:
    found = suggest_split(with_collections(*names)).split
    assert found.method == "collections"
    assert (found.collections.train_collections, found.collections.val_collections) == (train, val)


def test_images_that_came_after_a_split_was_kept_are_told() -> None:
    kept = with_collections("train 80 % frozen", "val 20 % frozen")
    assert kept.project.items_count == 200
    assert "180 images are on neither side" in suggest_split(kept).reason
    whole = replace(kept, project=replace(kept.project, items_count=20))
    assert "neither side" not in suggest_split(whole).reason
    assert "neither side" not in suggest_split(with_collections("train", "val")).reason


def test_a_random_split_is_frozen_by_default_where_it_can_be() -> None:
    bare = with_collections()
    assert suggest_split(bare).split.chosen() == RandomSplit(seed=0)
    huge = replace(bare, project=replace(bare.project, items_count=MOST_IMAGES + 1))
    assert suggest_split(huge).split.chosen() == RandomSplit()


def test_a_project_of_outlines_is_drawn_for_segmentation() -> None:
    whole = project()
    assert suggest_task(None) == suggest_task(whole) == "object detection"  # boxes and polygons
    outlined = tuple(replace(item, shape="bitmap" if item.name == "plum" else "polygon") for item in whole.meta.classes)
    drawn = replace(whole, meta=replace(whole.meta, classes=outlined))
    assert suggest_task(drawn) == "instance segmentation"
    found = recommend_model(small_world().models, has_gpu=False, task_type="instance segmentation")
    assert found is not None
    assert found.name == "YOLO26n-seg"


@pytest.mark.parametrize("params", [None, "many"])
def test_models_of_unknown_size_are_never_recommended(params: str | None) -> None:
    model = CatalogueModel(framework="F", name="M", task_type="object detection", columns={"params (M)": params})
    assert recommend_model([model], has_gpu=False) is None
