"""What the wizard proposes."""

from dataclasses import replace

import pytest

from core.domain.model import CatalogueModel
from core.domain.project import Dataset
from core.wizard.suggestions import recommend_model, suggest_split
from tests.fakes.wizard_client import small_world
from tests.unit.wizard.facts import project


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


@pytest.mark.parametrize("params", [None, "many"])
def test_models_of_unknown_size_are_never_recommended(params: str | None) -> None:
    model = CatalogueModel(framework="F", name="M", task_type="object detection", columns={"params (M)": params})
    assert recommend_model([model], has_gpu=False) is None
