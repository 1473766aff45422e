"""Former names lead to those of today, whoever renamed what."""

from pathlib import Path

import pytest

from traindash.domain.ids import DatasetId, ProjectId
from traindash.domain.plan import DatasetsSplit, PretrainedModel, TagsSplit, TrainingPlan
from traindash.domain.project import ObjectClass, ProjectMeta, TagMeta
from traindash.plans.data_changes import DatasetMerge, Renaming
from traindash.plans.former_names import FormerNames, NameMemory

PROJECT, SERVER = ProjectId(7), "embedded"
PLAN = TrainingPlan(
    project_id=PROJECT,
    model=PretrainedModel(framework="YOLO", name="Pico-det"),
    classes=("lemon", "apple", "lime"),
    train_val_split=TagsSplit(train_tag="learn", val_tag="check", untagged_action="ignore"),
)


def _meta(*classes: str, tags: tuple[str, ...] = ()) -> ProjectMeta:
    """Return a meta whose ids are places; an empty name is a class that is gone."""
    named = [(number, name) for number, name in enumerate(classes, 1) if name]
    return ProjectMeta(
        classes=tuple(ObjectClass(name=name, shape="rectangle", id=number) for number, name in named),
        tags=tuple(TagMeta(name=name, value_type="none", id=number) for number, name in enumerate(tags, 1)),
    )


@pytest.fixture
def memory(tmp_path: Path) -> NameMemory:
    """A memory of nothing."""
    return NameMemory(tmp_path / "names.json")


def test_names_are_followed_through_renames_and_merges_over_a_new_start(memory: NameMemory, tmp_path: Path) -> None:
    assert not memory.look(SERVER, PROJECT, _meta("lemon", "lime", tags=("learn",)))
    memory.look(SERVER, PROJECT, _meta("citron", "lime", tags=("train",)))
    memory.note(SERVER, PROJECT, "class", "lime", "citron")
    again = NameMemory(tmp_path / "names.json")
    former = again.look(SERVER, PROJECT, _meta("citrus", "", tags=("train",)))
    assert former == FormerNames(
        classes={"lemon": "citrus", "citron": "citrus", "lime": "citrus"}, tags={"learn": "train"}
    )
    renamed = former.used_by(PLAN).renamed_in(PLAN)
    assert renamed.classes == ("citrus", "apple")
    assert renamed.train_val_split == TagsSplit(train_tag="train", val_tag="check", untagged_action="ignore")
    assert not again.look("elsewhere", PROJECT, _meta("x"))


def test_a_name_that_something_has_again_is_no_former_one(memory: NameMemory) -> None:
    for names in (("a", "b"), ("c", "b"), ("c", "a")):
        memory.look(SERVER, PROJECT, _meta(*names))
    former = memory.look(SERVER, PROJECT, _meta("a", "c"))
    assert former == FormerNames(classes={"b": "c"})
    # Swapped names lead nowhere else, and what is gone for good leads nowhere at all.
    assert not memory.look(SERVER, PROJECT, _meta("", ""))


def test_plans_of_the_project_follow_and_others_do_not() -> None:
    merge = DatasetMerge(project_id=PROJECT, merged={DatasetId(1): DatasetId(2)})
    by_datasets = DatasetsSplit(train_datasets=(DatasetId(1), DatasetId(2)), val_datasets=(DatasetId(3),))
    plan = TrainingPlan(project_id=PROJECT, model=PLAN.model, train_val_split=by_datasets)
    assert merge.in_plan(plan).train_val_split == DatasetsSplit(
        train_datasets=(DatasetId(2),), val_datasets=(DatasetId(3),)
    )
    renaming = Renaming(project_id=PROJECT, kind="tag", before="check", after="test")
    assert renaming.in_plan(PLAN).train_val_split == TagsSplit(
        train_tag="learn", val_tag="test", untagged_action="ignore"
    )
    elsewhere = Renaming(project_id=ProjectId(8), kind="class", before="lemon", after="x")
    assert elsewhere.in_plan(PLAN) is PLAN
