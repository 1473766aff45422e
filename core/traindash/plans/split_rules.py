"""What speaks against a split. Thresholds and cases are those of Supervisely's split step."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar, assert_never

from traindash import formatting
from traindash.domain.ids import DatasetId
from traindash.domain.plan import (
    CollectionsSplit,
    DatasetsSplit,
    PartialPlan,
    RandomSplit,
    SideCounts,
    SplitMethod,
    TagsSplit,
    TrainValSplit,
    method_of,
)
from traindash.language import N_, ngettext, pgettext
from traindash.language import gettext as _
from traindash.plans.facts import Facts, ProjectFacts, SplitCounts
from traindash.plans.problems import Problem, error, listed, quoted, warning
from traindash.plans.splits import MOST_IMAGES

_WHOLE = 100
_FEW, _MANY = 0.7, 0.9  # Supervisely's split step advises 70 to 90 % for training
_SHOWN = 4
_NEAR_EMPTY = 4
_SIDES = (N_("training"), N_("validation"))
_Id = TypeVar("_Id", bound=int)


def check_split(choices: PartialPlan, facts: Facts) -> tuple[Problem, ...]:
    """Check the split: complete, made of things that exist, both sides with images, sensible shares."""
    if facts.project is None or facts.project.project.items_count == 0:
        return ()  # a problem of the project
    found = [*_method(choices.train_val_split, facts), *_setting_problems(choices.train_val_split, facts.project)]
    if any(item.severity == "error" for item in found):
        return tuple(found)
    sides = [] if facts.split is None else _sides(facts.split)
    return (*found, *sides, *_content(choices, facts))


def _word(method: SplitMethod) -> str:
    words: Mapping[SplitMethod, str] = {
        "random": pgettext("way to split", "random"),
        "datasets": _("datasets"),
        "tags": _("tags"),
        "collections": _("collections"),
    }
    return words[method]


def _method(split: TrainValSplit | None, facts: Facts) -> list[Problem]:
    """Check that the training app offers the way of splitting; a random split that is frozen becomes collections."""
    if split is None or facts.model is None:
        return []
    is_frozen = isinstance(split, RandomSplit) and split.seed is not None
    method: SplitMethod = "collections" if is_frozen else method_of(split)
    offered = facts.app.split_methods
    if method in offered:
        return []
    message = _("The training app of {framework} offers no split by {method}.")
    message = message.format(framework=facts.model.framework, method=_word(method))
    others = listed([_word(other) for other in sorted(offered)])
    return [error("split", message, _("Choose another one: {methods}.").format(methods=others))]


def _setting_problems(split: TrainValSplit | None, project: ProjectFacts) -> list[Problem]:
    match split:
        case None:
            return [error("split", _("A tag is missing."), _("Choose a tag for training and one for validation."))]
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
        message = _("{percent} % leaves nothing for one side.").format(percent=split.percent)
        return [error("split", message, _("Use a share from 1 to 99 %."))]
    if split.seed is not None and project.project.items_count > MOST_IMAGES:
        message = _("A split of more than {count} images cannot be frozen.").format(count=formatting.count(MOST_IMAGES))
        return [error("split", message, _("Switch “Freeze this split” off, or split by datasets."))]
    return []


def _datasets(split: DatasetsSplit, project: ProjectFacts) -> list[Problem]:
    sizes = {dataset.id: dataset.items_count for dataset in project.datasets}
    names = project.dataset_names
    found = _list_problems(_dataset_words(), (split.train_datasets, split.val_datasets), names, sizes)
    used = {*split.train_datasets, *split.val_datasets}
    empty = [names[item] for item in names if item in used and sizes[item] == 0]
    if empty and not any(item.severity == "error" for item in found):
        message = ngettext("{names} has no images of its own.", "{names} have no images of their own.", len(empty))
        hint = _("Nested datasets are not implied; choose them, too.")
        found.append(warning("split", message.format(names=_quoted(empty)), hint))
    inside = _left_out_inside(split, project)
    if inside and not any(item.severity == "error" for item in found):
        message = ngettext("{names} is on neither side.", "{names} are on neither side.", len(inside))
        message = message.format(names=quoted([names[item] for item in inside], _SHOWN))
        found.append(warning("split", message, _("Datasets inside a chosen one are not implied; choose them, too.")))
    return found


def _left_out_inside(split: DatasetsSplit, project: ProjectFacts) -> list[DatasetId]:
    """Return the datasets with images that are on neither side, but inside one that is."""
    parents = {item.id: item.parent_id for item in project.datasets}
    used = {*split.train_datasets, *split.val_datasets}

    def is_inside(dataset: DatasetId) -> bool:
        parent, steps = parents.get(dataset), 0
        while parent is not None and steps < len(parents):  # a damaged tree may go in circles
            if parent in used:
                return True
            parent, steps = parents.get(parent), steps + 1
        return False

    return [item.id for item in project.datasets if item.items_count and item.id not in used and is_inside(item.id)]


def _collections(split: CollectionsSplit, project: ProjectFacts) -> list[Problem]:
    # Training apps take no other type (docs/supervisely-api.md 4).
    ordinary = [item for item in project.collections if item.type == "default"]
    names = {item.id: item.name for item in ordinary}
    sizes = {item.id: item.items_count for item in ordinary}
    return _list_problems(_collection_words(), (split.train_collections, split.val_collections), names, sizes)


class _Words(NamedTuple):
    """How a list of datasets or of collections is spoken of."""

    none: str
    choose: str
    gone: str
    choose_again: str
    choose_filled: str
    nameless: str


def _dataset_words() -> _Words:
    return _Words(
        none=_("No dataset is chosen for {side}."),
        choose=_("Choose at least one dataset."),
        gone=_("The project does not have dataset {ids}, or not any more."),
        choose_again=_("Choose the datasets again."),
        choose_filled=_("Choose a dataset with images; nested datasets are not implied."),
        nameless=_("dataset {id}"),
    )


def _collection_words() -> _Words:
    return _Words(
        none=_("No collection is chosen for {side}."),
        choose=_("Choose at least one collection."),
        gone=_("The project does not have collection {ids}, or not any more."),
        choose_again=_("Choose the collections again."),
        choose_filled=_("Choose a collection with images; nested datasets are not implied."),
        nameless=_("collection {id}"),
    )


def _list_problems(
    words: _Words, sides: tuple[Sequence[_Id], Sequence[_Id]], names: Mapping[_Id, str], sizes: Mapping[_Id, int | None]
) -> list[Problem]:
    found: list[Problem] = []
    for side, chosen in zip(_SIDES, sides, strict=True):
        missing = [str(item) for item in chosen if item not in names]
        if not chosen:
            found.append(error("split", words.none.format(side=_(side)), words.choose))
        elif missing:
            found.append(error("split", words.gone.format(ids=", ".join(missing)), words.choose_again))
        elif all(sizes[item] == 0 for item in chosen):
            found.append(error("split", _no_images(side), words.choose_filled))
    twice = [item for item in sides[0] if item in set(sides[1]) and item in names]
    if twice:
        shared = _quoted([names[item] or words.nameless.format(id=item) for item in twice])
        message = ngettext("{names} is on both sides.", "{names} are on both sides.", len(twice)).format(names=shared)
        hint = _("Images that were trained on make the validation look too good; take them off one side.")
        found.append(warning("split", message, hint))
    return found


def _no_images(side: str) -> str:
    return _("There are no images for {side}.").format(side=_(side))


def _tags(split: TagsSplit, project: ProjectFacts) -> list[Problem]:
    known = {tag.name for tag in project.meta.tags}
    uses = project.statistics.image_tags
    found: list[Problem] = []
    for side, tag in zip(_SIDES, (split.train_tag, split.val_tag), strict=True):
        # An app that finds a tag on no image starts nothing and waits for ever (docs/supervisely-api.md 8).
        if tag not in known:
            now = project.former.tags.get(tag)
            called = _("It is called “{name}” now. Choose that.").format(name=now)
            hint = called if now else _("Choose a tag for {side}.").format(side=_(side))
            found.append(error("split", _("The project has no tag “{name}”.").format(name=tag), hint))
        elif not uses.get(tag):
            hint = _("Choose a tag that images have for {side}.").format(side=_(side))
            found.append(error("split", _("No image has the tag “{name}”.").format(name=tag), hint))
    if split.train_tag == split.val_tag and not found:
        message = _("Tag “{name}” is chosen for both sides.").format(name=split.train_tag)
        found.append(warning("split", message, _("The validation would show images that were trained on.")))
    return found


def _sides(counts: SplitCounts) -> list[Problem]:
    for number, side in zip((counts.train, counts.val), _SIDES, strict=True):
        if number == 0:
            return [error("split", _no_images(side), _("Change the split so that both sides have some."))]
    found: list[Problem] = []
    if counts.both and counts.both < max(counts.train, counts.val):
        message = ngettext("{count} image is on both sides.", "{count} images are on both sides.", counts.both)
        message = message.format(count=formatting.count(counts.both))
        found.append(warning("split", message, _("They make the validation look better than it is.")))
    effects = (
        _("The model has next to nothing to learn from."),
        _("The numbers will change a lot with every single image."),
    )
    for number, side, effect in zip((counts.train, counts.val), _SIDES, effects, strict=True):
        if number < _NEAR_EMPTY:
            message = ngettext(
                "Only {count} image is left for {side}.", "Only {count} images are left for {side}.", number
            )
            found.append(warning("split", message.format(count=number, side=_(side)), effect))
    return found + _shares(counts)


def _shares(counts: SplitCounts) -> list[Problem]:
    usual, share = _("Training usually gets 70 to 90 %."), counts.train_share
    train, val = formatting.count(counts.train), formatting.count(counts.val)
    if counts.val > counts.train:
        message = _("Validation has more images ({val}) than training ({train}).").format(val=val, train=train)
        return [warning("split", message, _("Were the sides mixed up?"))]
    if counts.val == counts.train:
        return [warning("split", _("Half of the images are held back for validation."), usual)]
    if share < _FEW:
        message = _("Only {percent} of the images are used for training.")
        return [warning("split", message.format(percent=formatting.percent(share)), usual)]
    if share > _MANY:
        message = _("{percent} of the images are used for training; {count} are left to judge the model by.")
        return [warning("split", message.format(percent=formatting.percent(share), count=val), usual)]
    return []


def _content(choices: PartialPlan, facts: Facts) -> list[Problem]:
    """Check what the sides hold, as far as the server counts it."""
    content = facts.split_content
    if content is None or facts.project is None:
        return []
    # Classes without any object are a matter of the class step.
    filled = frozenset(item.name for item in facts.project.statistics.classes if item.objects)
    wanted = facts.project.default_classes if choices.classes is None else choices.classes
    counts = content.classes
    sides = {} if counts is None else {name: counts.get(name, SideCounts()) for name in wanted if name in filled}
    found = [*_classes_without_objects(sides)]
    if content.shared_contents:
        hint = _("They make the validation look better than it is; a frozen random split keeps copies together.")
        found.append(warning("split", _copies_text(content.shared_contents, content.shared_examples), hint))
    return found


def _copies_text(number: int, examples: Sequence[tuple[str, str]]) -> str:
    amount = formatting.count(number)
    if not examples:
        message = ngettext(
            "{count} image is on both sides as identical copies.",
            "{count} images are on both sides as identical copies.",
            number,
        )
        return message.format(count=amount)
    first, second = examples[0]
    message = ngettext(
        "{count} image is on both sides as identical copies, e.g. {first} and {second}.",
        "{count} images are on both sides as identical copies, e.g. {first} and {second}.",
        number,
    )
    return message.format(count=amount, first=first, second=second)


def _classes_without_objects(sides: Mapping[str, SideCounts]) -> Iterator[Problem]:
    trained, judged = (any(getattr(item, side) for item in sides.values()) for side in ("train_objects", "val_objects"))
    if sides and not trained:
        message = _("No training image has an object of the chosen classes.")
        yield error("split", message, _("Change the split: there is nothing to learn from."))
        return
    if sides and not judged:
        message = _("No validation image has an object of the chosen classes.")
        hint = _("The training will run, but nothing can say how good the model is; change the split.")
        yield warning("split", message, hint)
        sides = {name: item for name, item in sides.items() if item.train_objects == 0}
    nowhere = [name for name, item in sides.items() if item.train_objects == item.val_objects == 0]
    no_train = [name for name, item in sides.items() if item.train_objects == 0 < item.val_objects]
    no_val = [name for name, item in sides.items() if item.val_objects == 0 < item.train_objects]
    for missing, words in ((nowhere, _nowhere), (no_train, _not_learned), (no_val, _not_judged)):
        if missing:
            message, hint = words(len(missing))
            yield warning("split", message.format(names=quoted(missing, _SHOWN)), hint)


def _nowhere(number: int) -> tuple[str, str]:
    return ngettext(
        "{names} has no objects on either side.", "{names} have no objects on either side.", number
    ), ngettext(
        "All of them are on images that are not used; change the split or leave it out.",
        "All of them are on images that are not used; change the split or leave them out.",
        number,
    )


def _not_learned(number: int) -> tuple[str, str]:
    return ngettext("{names} has no objects for training.", "{names} have no objects for training.", number), ngettext(
        "The model cannot learn this class; change the split or leave it out.",
        "The model cannot learn these classes; change the split or leave them out.",
        number,
    )


def _not_judged(number: int) -> tuple[str, str]:
    return ngettext(
        "{names} has no objects for validation.", "{names} have no objects for validation.", number
    ), ngettext(
        "Nothing will tell how well it learns this class; change the split or leave it out.",
        "Nothing will tell how well it learns these classes; change the split or leave them out.",
        number,
    )


def _quoted(names: list[str]) -> str:
    return ", ".join(formatting.quoted(name) for name in names)
