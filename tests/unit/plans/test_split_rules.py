"""The split step's check."""

from dataclasses import replace

import pytest

from tests.fakes.wizard_client import client_of, small_world
from tests.unit.plans.facts import MARKET, ORCHARD, draft, facts, project
from traindash.domain.ids import CollectionId, DatasetId
from traindash.domain.plan import CollectionsSplit, DatasetsSplit, RandomSplit, SideCounts, SplitContent, TrainValSplit
from traindash.domain.project import Dataset
from traindash.language import Language, speaking
from traindash.plans.draft import SplitDraft, TagsChoice, split_draft
from traindash.plans.facts import Facts, SplitCounts
from traindash.plans.lookups import split_counts
from traindash.plans.problems import Problem
from traindash.plans.split_rules import check_split


def found(step: SplitDraft, **changes: object) -> list[Problem]:
    return list(check_split(draft(split=step), facts(**changes)))


def counted(split: TrainValSplit) -> SplitCounts:
    return split_counts(client_of(small_world()), project(), split)


@pytest.mark.parametrize(
    ("train", "val", "words"),
    [
        (100, 100, "Half of the images"),
        (60, 40, "Only 60 %"),
        (95, 5, "95 %"),
        (40, 60, "more images (60) than training (40)"),
    ],
)
def test_unusual_shares_warn(train: int, val: int, words: str) -> None:
    problems = found(SplitDraft(), split=SplitCounts(train=train, val=val))
    assert [problem.severity for problem in problems] == ["warning"]
    assert words in problems[0].message


@pytest.mark.parametrize(("train", "val"), [(70, 30), (80, 20), (90, 10)])
def test_usual_shares_are_fine(train: int, val: int) -> None:
    assert found(SplitDraft(), split=SplitCounts(train=train, val=val)) == []


@pytest.mark.parametrize(("train", "val", "side"), [(0, 9, "training"), (9, 0, "validation")])
def test_an_empty_side_is_an_error(train: int, val: int, side: str) -> None:
    problems = found(SplitDraft(), split=SplitCounts(train=train, val=val))
    assert [problem.severity for problem in problems] == ["error"]
    assert side in problems[0].message


def test_a_dataset_is_needed_on_each_side() -> None:
    split = split_draft(DatasetsSplit(train_datasets=(ORCHARD,), val_datasets=()))
    assert [problem.message for problem in found(split)] == ["No dataset is chosen for validation."]


def test_a_dataset_on_both_sides_warns() -> None:
    split = split_draft(DatasetsSplit(train_datasets=(ORCHARD, MARKET), val_datasets=(MARKET,)))
    problems = found(split, split=SplitCounts(train=200, val=50, both=50))
    assert "“market” is on both sides." in [problem.message for problem in problems]
    assert {problem.severity for problem in problems} == {"warning"}


def test_a_dataset_without_images_of_its_own_warns() -> None:
    whole = project()
    emptied = tuple(replace(item, items_count=0) if item.id == MARKET else item for item in whole.datasets)
    split = split_draft(DatasetsSplit(train_datasets=(ORCHARD,), val_datasets=(MARKET,)))
    problems = found(split, project=replace(whole, datasets=emptied), split=None)
    assert any("nested" in problem.hint.casefold() for problem in problems)


def test_foreign_datasets_and_collections_are_errors() -> None:
    splits = (
        DatasetsSplit(train_datasets=(DatasetId(999),), val_datasets=(MARKET,)),
        CollectionsSplit(train_collections=(CollectionId(999),), val_collections=(CollectionId(76),)),
    )
    for split in splits:
        problems = found(split_draft(split))
        assert [problem.severity for problem in problems] == ["error"]
        assert "999" in problems[0].message


def test_tags_must_be_chosen_used_and_different() -> None:
    def of(train: str | None, val: str | None) -> list[str]:
        return [p.severity for p in found(SplitDraft(method="tags", tags=TagsChoice(train_tag=train, val_tag=val)))]

    assert of("train", None) == ["error"]
    assert of("train", "never used") == ["error"]
    assert of("train", "train") == ["warning"]
    assert of("train", "val") == []


def test_counts_are_those_of_the_server() -> None:
    assert counted(RandomSplit(percent=80)) == SplitCounts(train=160, val=40)
    assert counted(RandomSplit(percent=25, split="val")) == SplitCounts(train=150, val=50)
    assert counted(DatasetsSplit(train_datasets=(ORCHARD,), val_datasets=(MARKET,))) == SplitCounts(train=150, val=50)
    both = counted(DatasetsSplit(train_datasets=(ORCHARD, MARKET), val_datasets=(MARKET,)))
    assert both == SplitCounts(train=200, val=50, both=50)
    by_collection = counted(
        CollectionsSplit(train_collections=(CollectionId(75),), val_collections=(CollectionId(76),))
    )
    assert by_collection == SplitCounts(train=160, val=40)


@pytest.mark.parametrize(("action", "train", "val", "unused"), [("ignore", 140, 40, 20), ("train", 160, 40, 0)])
def test_untagged_images_go_where_they_are_told(action: str, train: int, val: int, unused: int) -> None:
    choice = TagsChoice(train_tag="train", val_tag="val", untagged_action="train" if action == "train" else "ignore")
    split = SplitDraft(method="tags", tags=choice).chosen()
    assert split is not None
    assert counted(split) == SplitCounts(train=train, val=val, unused=unused)


def test_without_a_project_there_is_nothing_to_say() -> None:
    assert check_split(draft(), Facts()) == ()


def test_a_side_with_next_to_nothing_warns() -> None:
    problems = found(SplitDraft(), split=SplitCounts(train=9, val=1))
    assert "Only 1 image is left for validation." in [problem.message for problem in problems]


def test_what_the_sides_hold_is_checked() -> None:
    names = project().class_names
    content = SplitContent(
        classes={
            names[0]: SideCounts(train_images=3, train_objects=5, val_images=1, val_objects=1),
            names[1]: SideCounts(train_images=2, train_objects=2),
            names[2]: SideCounts(train_images=1, train_objects=1, val_images=1, val_objects=2),
        },
        shared_contents=2,
        shared_examples=(("a.png", "b.png"),),
    )
    messages = [problem.message for problem in found(SplitDraft(), split_content=content)]
    assert messages == [
        f"“{names[1]}” has no objects for validation.",
        "2 images are on both sides as identical copies, e.g. a.png and b.png.",
    ]
    without = draft(split=SplitDraft(), classes=(names[0],))
    assert len(check_split(without, facts(split_content=content))) == 1


def test_problems_speak_the_language_of_who_asks() -> None:
    names = project().class_names
    seen = SideCounts(train_images=1, train_objects=1)
    content = SplitContent(classes={names[0]: replace(seen, val_objects=1), names[1]: seen, names[2]: seen})
    with speaking(Language.GERMAN):
        few, without = found(SplitDraft(), split=SplitCounts(train=1_900, val=1), split_content=content)[::2]
    assert few.message == "Für die Validierung bleibt nur 1 Bild."
    assert without.message == f"„{names[1]}“, „{names[2]}“ haben keine Objekte für die Validierung."
    assert without.hint == "Nichts sagt, wie gut es diese Klassen lernt; die Aufteilung ändern oder sie weglassen."


def test_a_side_without_any_object_is_told_as_such() -> None:
    names = project().class_names
    only = {name: SideCounts(train_images=1, train_objects=1) for name in names[:3]}
    (problem,) = found(SplitDraft(), split_content=SplitContent(classes=only))
    assert (problem.severity, problem.message) == (
        "warning",
        "No validation image has an object of the chosen classes.",
    )
    none = {name: SideCounts(val_images=1, val_objects=1) for name in names[:3]}
    (problem,) = found(SplitDraft(), split_content=SplitContent(classes=none))
    assert (problem.severity, problem.message) == ("error", "No training image has an object of the chosen classes.")


def test_what_nobody_counts_is_no_problem() -> None:
    assert found(SplitDraft(), split_content=SplitContent(classes=None, shared_contents=None)) == []


def test_a_class_whose_objects_are_on_unused_images_warns() -> None:
    names = project().class_names
    whole = SideCounts(train_images=1, train_objects=1, val_images=1, val_objects=1)
    content = SplitContent(classes={names[0]: whole, names[1]: whole})
    (problem,) = found(SplitDraft(), split_content=content)
    assert problem.message == f"“{names[2]}” has no objects on either side."  # the empty class is told elsewhere


def test_datasets_inside_a_chosen_one_are_not_implied() -> None:
    whole = project()
    inside = Dataset(id=DatasetId(73), name="stall", project_id=whole.project.id, items_count=9, parent_id=MARKET)
    deeper = Dataset(id=DatasetId(74), name="box", project_id=whole.project.id, items_count=9, parent_id=DatasetId(73))
    nested = replace(whole, datasets=(*whole.datasets, inside, deeper))
    split = split_draft(DatasetsSplit(train_datasets=(ORCHARD,), val_datasets=(MARKET,)))
    (problem,) = found(split, project=nested, split=SplitCounts(train=150, val=50))
    assert problem.message == "“market/stall”, “market/stall/box” are on neither side."
    chosen = split_draft(DatasetsSplit(train_datasets=(ORCHARD, inside.id, deeper.id), val_datasets=(MARKET,)))
    assert found(chosen, project=nested, split=SplitCounts(train=150, val=50)) == []
