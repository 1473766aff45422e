"""Checks of a split before the start: everything named exists, and both sides get images."""

from collections.abc import Mapping, Sequence
from typing import TypeVar, assert_never

from core.domain.plan import CollectionsSplit, DatasetsSplit, RandomSplit, TagsSplit, TrainValSplit
from core.launch.facts import PlanFacts
from core.launch.problems import Problem

_Id = TypeVar("_Id", bound=int)
_SIDES = ("training", "validation")


def split_problems(split: TrainValSplit, facts: PlanFacts) -> list[Problem]:
    """Return what speaks against a split. Pure."""
    match split:
        case RandomSplit():
            return _random(split, facts)
        case DatasetsSplit(train_datasets=train, val_datasets=val):
            sizes: Mapping[int, int | None] = {item.id: item.items_count for item in facts.datasets}
            return _listed("dataset", (train, val), sizes)
        case TagsSplit():
            return _tags(split, facts)
        case CollectionsSplit(train_collections=train_sets, val_collections=val_sets):
            ordinary = [item for item in facts.collections if item.type == "default"]
            members: Mapping[int, int | None] = {item.id: item.items_count for item in ordinary}
            return _listed("collection", (train_sets, val_sets), members)
        case _:
            assert_never(split)


def _random(split: RandomSplit, facts: PlanFacts) -> list[Problem]:
    if not 1 <= split.percent <= 99:  # noqa: PLR2004 - percent
        return [_error(f"{split.percent} percent leaves nothing for one side.", "Use a share from 1 to 99.")]
    images = facts.project.items_count
    named = images * split.percent // 100
    if images > 0 and 0 in (named, images - named):
        message = f"{split.percent} percent of {images} images for {split.split} leaves one side without images."
        return [_error(message, "Change the share, or choose a project with more images.")]
    return []


def _listed(kind: str, sides: tuple[Sequence[_Id], Sequence[_Id]], sizes: Mapping[int, int | None]) -> list[Problem]:
    problems: list[Problem] = []
    for side, chosen in zip(_SIDES, sides, strict=True):
        foreign = [str(number) for number in chosen if number not in sizes]
        if not chosen:
            problems.append(_error(f"There is no {kind} for {side}.", f"Choose at least one {kind}."))
        elif foreign:
            message = f"Not a {kind} of the project: {', '.join(foreign)}."
            problems.append(_error(message, f"Choose {kind}s of the project for {side}."))
        elif all(sizes[number] == 0 for number in chosen):
            message = f"The {kind}s for {side} have no images."
            problems.append(_error(message, f"Choose a {kind} with images; nested datasets are not implied."))
    both = sorted(set(sides[0]) & set(sides[1]))
    if both:
        message = f"On both sides: {kind} {', '.join(str(number) for number in both)}."
        hint = "Images that were trained on make the validation look too good."
        problems.append(Problem(severity="warning", step="split", message=message, hint=hint))
    return problems


def _tags(split: TagsSplit, facts: PlanFacts) -> list[Problem]:
    known = {tag.name for tag in facts.meta.tags}
    problems: list[Problem] = []
    for side, tag in zip(_SIDES, (split.train_tag, split.val_tag), strict=True):
        if tag not in known:
            problems.append(_error(f"The project has no tag “{tag}”.", f"Choose a tag of the project for {side}."))
        elif facts.statistics.image_tags.get(tag, 0) == 0:
            problems.append(_error(f"No image has the tag “{tag}”.", f"Choose a tag that images have for {side}."))
    if split.train_tag == split.val_tag:
        message = f"The tag “{split.train_tag}” is chosen for both sides."
        hint = "Images that were trained on make the validation look too good."
        problems.append(Problem(severity="warning", step="split", message=message, hint=hint))
    return problems


def _error(message: str, hint: str) -> Problem:
    return Problem(severity="error", step="split", message=message, hint=hint)
