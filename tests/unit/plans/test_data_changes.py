"""Drafts follow what a person renames in a project, and only open ones on that project."""

from dataclasses import replace

from tests.unit.plans.facts import MARKET, ORCHARD, PROJECT, draft
from traindash.domain.ids import ProjectId, TaskId
from traindash.domain.plan import DatasetsSplit
from traindash.plans.data_changes import drafts_naming, follow_class, follow_datasets, follow_tag
from traindash.plans.draft import SplitDraft, TagsChoice

NAMED = draft(
    classes=("apple", "lemon"),
    split=SplitDraft(
        method="datasets",
        datasets=DatasetsSplit(train_datasets=(ORCHARD,), val_datasets=(MARKET,)),
        tags=TagsChoice(train_tag="train", val_tag="val"),
    ),
)


def test_a_class_keeps_its_place_under_its_new_name() -> None:
    assert follow_class(NAMED, PROJECT, "lemon", "lime").classes == ("apple", "lime")
    assert follow_class(NAMED, PROJECT, "lemon", "apple").classes == ("apple",)


def test_tags_and_datasets_follow() -> None:
    assert follow_tag(NAMED, PROJECT, "val", "test").split.tags == TagsChoice(train_tag="train", val_tag="test")
    moved = follow_datasets(NAMED, PROJECT, {MARKET: ORCHARD}).split.datasets
    assert (moved.train_datasets, moved.val_datasets) == ((ORCHARD,), (ORCHARD,))


def test_other_projects_and_started_drafts_stay_as_they_are() -> None:
    started = replace(NAMED, task_id=TaskId(4))
    for left in (draft(), started, replace(NAMED, project_id=ProjectId(99))):
        assert follow_class(left, PROJECT, "lemon", "lime") is left
        assert not drafts_naming([left], PROJECT, class_names=["lemon"], datasets=[MARKET], tags=["val"])


def test_drafts_that_name_something_are_found() -> None:
    by_tags = replace(NAMED, split=replace(NAMED.split, method="tags"))
    assert drafts_naming([NAMED, by_tags], PROJECT, class_names=["lemon"]) == (NAMED, by_tags)
    assert drafts_naming([NAMED, by_tags], PROJECT, datasets=[MARKET]) == (NAMED,)
    assert drafts_naming([NAMED, by_tags], PROJECT, tags=["val"]) == (by_tags,)
