"""What speaks against a split. Thresholds and cases are those of Supervisely's split step."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar, assert_never

from core.domain.ids import DatasetId
from core.domain.plan import CollectionsSplit, DatasetsSplit, RandomSplit, TagsSplit, TrainValSplit
from core.domain.split import SideCounts
from core.launch.freezing import MOST_IMAGES
from core.launch.rules.choices import Choices
from core.launch.rules.facts import Facts, SplitCounts
from core.launch.rules.problems import Problem, Severity
from core.launch.rules.project_facts import ProjectFacts

_FEW, _MANY = 0.7, 0.9
_WHOLE = 100
_SHOWN = 4
_NEAR_EMPTY = 4
_Id = TypeVar("_Id", bound=int)


def check_split(choices: Choices, facts: Facts) -> tuple[Problem, ...]:
    """Check the split: complete, made of things that exist, both sides with images, sensible shares."""
    if facts.project is None or facts.project.project.items_count == 0:
        return ()  # a problem of the project
    found = _setting_problems(choices.train_val_split, facts.project)
    if any(item.severity == "error" for item in found) or facts.split is None:
        return tuple(found)
    return (*found, *_sides(facts.split), *_content(choices, facts))


def _setting_problems(split: TrainValSplit | None, project: ProjectFacts) -> list[Problem]:
    match split:
        case None:
            return [_problem("error", "A tag is missing.", "Choose a tag for training and one for validation.")]
        case RandomSplit():
            return _random(split, project)
        case DatasetsSplit():
            return _datasets(split, project)
        case TagsSplit():
            return _tags(split, project)
        case CollectionsSplit():
            return _collections(split, project)
        case _:
            assert_never(split)


def _random(split: RandomSplit, project: ProjectFacts) -> list[Problem]:
    if not 0 < split.percent < _WHOLE:
        return [_problem("error", f"{split.percent} % leaves nothing for one side.", "Use a share from 1 to 99 %.")]
    if split.seed is not None and project.project.items_count > MOST_IMAGES:
        message = f"A split of more than {MOST_IMAGES:,} images cannot be frozen."
        return [_problem("error", message, "Switch “Freeze this split” off, or split by datasets.")]
    return []


def _datasets(split: DatasetsSplit, project: ProjectFacts) -> list[Problem]:
    sizes = {dataset.id: dataset.items_count for dataset in project.datasets}
    names = project.dataset_names
    found = _list_problems("dataset", (split.train_datasets, split.val_datasets), names, sizes)
    used = {*split.train_datasets, *split.val_datasets}
    empty = [names[item] for item in names if item in used and sizes[item] == 0]
    if empty and not any(item.severity == "error" for item in found):
        message = f"{_quoted(empty)} {'has' if len(empty) == 1 else 'have'} no images of {_its(empty)} own."
        found.append(_problem("warning", message, "Nested datasets are not implied; choose them, too."))
    inside = _left_out_inside(split, project)
    if inside and not any(item.severity == "error" for item in found):
        message = f"{_some([names[item] for item in inside])} {'is' if len(inside) == 1 else 'are'} on neither side."
        found.append(_problem("warning", message, "Datasets inside a chosen one are not implied; choose them, too."))
    return found


def _left_out_inside(split: DatasetsSplit, project: ProjectFacts) -> list[DatasetId]:
    """Return the datasets with images that are on neither side, but inside one that is."""
    parents = {item.id: item.parent_id for item in project.datasets}
    used = {*split.train_datasets, *split.val_datasets}

    def is_inside(dataset: DatasetId) -> bool:
        parent, steps = parents.get(dataset), 0
        while parent is not None and steps < len(parents):
            if parent in used:
                return True
            parent, steps = parents.get(parent), steps + 1
        return False

    return [item.id for item in project.datasets if item.items_count and item.id not in used and is_inside(item.id)]


def _collections(split: CollectionsSplit, project: ProjectFacts) -> list[Problem]:
    ordinary = [item for item in project.collections if item.type == "default"]
    names = {item.id: item.name for item in ordinary}
    sizes = {item.id: item.items_count for item in ordinary}
    return _list_problems("collection", (split.train_collections, split.val_collections), names, sizes)


def _list_problems(
    kind: str, sides: tuple[Sequence[_Id], Sequence[_Id]], names: Mapping[_Id, str], sizes: Mapping[_Id, int | None]
) -> list[Problem]:
    found: list[Problem] = []
    for side, chosen in zip(("training", "validation"), sides, strict=True):
        missing = [str(item) for item in chosen if item not in names]
        if not chosen:
            found.append(_problem("error", f"No {kind} is chosen for {side}.", f"Choose at least one {kind}."))
        elif missing:
            message = f"The project does not have {kind} {', '.join(missing)}, or not any more."
            found.append(_problem("error", message, f"Choose the {kind}s again."))
        elif all(sizes[item] == 0 for item in chosen):
            hint = f"Choose a {kind} with images; nested datasets are not implied."
            found.append(_problem("error", f"There are no images for {side}.", hint))
    shared = [names[item] or f"{kind} {item}" for item in sides[0] if item in set(sides[1]) and item in names]
    if shared:
        message = f"{_quoted(shared)} {'is' if len(shared) == 1 else 'are'} on both sides."
        hint = "Images that were trained on make the validation look too good; take them off one side."
        found.append(_problem("warning", message, hint))
    return found


def _tags(split: TagsSplit, project: ProjectFacts) -> list[Problem]:
    known = {tag.name for tag in project.meta.tags}
    uses = project.statistics.image_tags
    found: list[Problem] = []
    for side, tag in (("training", split.train_tag), ("validation", split.val_tag)):
        if tag not in known:
            found.append(_problem("error", f"The project has no tag “{tag}”.", f"Choose a tag for {side}."))
        elif not uses.get(tag):
            found.append(
                _problem("error", f"No image has the tag “{tag}”.", f"Choose a tag that images have for {side}.")
            )
    if split.train_tag == split.val_tag and not found:
        message = f"Tag “{split.train_tag}” is chosen for both sides."
        found.append(_problem("warning", message, "The validation would show images that were trained on."))
    return found


def _sides(counts: SplitCounts) -> list[Problem]:
    if counts.train == 0:
        return [
            _problem("error", "There are no images for training.", "Change the split so that both sides have some.")
        ]
    if counts.val == 0:
        message = "There are no images for validation."
        return [_problem("error", message, "Change the split so that both sides have some.")]
    found: list[Problem] = []
    share = counts.train_share
    percent = f"{share * 100:.0f} %"
    if counts.both and counts.both < max(counts.train, counts.val):
        message = f"{counts.both:,} images are on both sides."
        found.append(_problem("warning", message, "They make the validation look better than it is."))
    for number, side, effect in (
        (counts.train, "training", "The model has next to nothing to learn from."),
        (counts.val, "validation", "The numbers will change a lot with every single image."),
    ):
        if number < _NEAR_EMPTY:
            images = "image is" if number == 1 else "images are"
            found.append(_problem("warning", f"Only {number} {images} left for {side}.", effect))
    if counts.val > counts.train:
        message = f"Validation has more images ({counts.val:,}) than training ({counts.train:,})."
        found.append(_problem("warning", message, "Were the sides mixed up?"))
    elif counts.val == counts.train:
        message = "Half of the images are held back for validation."
        found.append(_problem("warning", message, "Training usually gets 70 to 90 %."))
    elif share < _FEW:
        message = f"Only {percent} of the images are used for training."
        found.append(_problem("warning", message, "Training usually gets 70 to 90 %."))
    elif share > _MANY:
        message = f"{percent} of the images are used for training; {counts.val:,} are left to judge the model by."
        found.append(_problem("warning", message, "Training usually gets 70 to 90 %."))
    return found


def _content(choices: Choices, facts: Facts) -> list[Problem]:
    """Check what the sides hold, as far as the server counts it."""
    content = facts.split_content
    if content is None or facts.project is None:
        return []
    filled = frozenset(item.name for item in facts.project.statistics.classes if item.objects)
    wanted = facts.project.class_names if choices.classes is None else choices.classes
    sides = {name: content.classes.get(name, SideCounts()) for name in wanted if name in filled}
    found = [*_classes_without_objects(sides)]
    if content.shared_contents:
        first = content.shared_examples[:1]
        example = f", e.g. {first[0][0]} and {first[0][1]}" if first else ""
        number = content.shared_contents
        message = (
            f"{number:,} {'image is' if number == 1 else 'images are'} on both sides as identical copies{example}."
        )
        hint = "They make the validation look better than it is; a frozen random split keeps copies together."
        found.append(_problem("warning", message, hint))
    return found


def _classes_without_objects(sides: Mapping[str, SideCounts]) -> Iterator[Problem]:
    nowhere = [name for name, item in sides.items() if item.train_objects == item.val_objects == 0]
    no_train = [name for name, item in sides.items() if item.train_objects == 0 < item.val_objects]
    no_val = [name for name, item in sides.items() if item.val_objects == 0 < item.train_objects]
    for missing, where, effect in (
        (nowhere, "on either side", "All of them are on images that are not used"),
        (no_train, "for training", "The model cannot learn"),
        (no_val, "for validation", "Nothing will tell how well it learns"),
    ):
        if missing:
            one = len(missing) == 1
            message = f"{_some(missing)} {'has' if one else 'have'} no objects {where}."
            what = "" if missing is nowhere else " this class" if one else " these classes"
            hint = f"{effect}{what}; change the split or leave {'it' if one else 'them'} out."
            yield _problem("warning", message, hint)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return f"{_quoted(names[:_SHOWN])}{more}"


def _problem(severity: Severity, message: str, hint: str) -> Problem:
    return Problem(severity=severity, step="split", message=message, hint=hint)


def _quoted(names: list[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)


def _its(names: list[str]) -> str:
    return "its" if len(names) == 1 else "their"
