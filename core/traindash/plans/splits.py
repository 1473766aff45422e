"""What speaks against a split. Thresholds and cases are those of Supervisely's split step."""

import hashlib
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar, assert_never

from traindash import formatting
from traindash.domain.ids import CollectionId, DatasetId, ImageId
from traindash.domain.plan import (
    CollectionsSplit,
    DatasetsSplit,
    ImagesSplit,
    PartialPlan,
    RandomSplit,
    SideCounts,
    SplitMethod,
    TagsSplit,
    TrainingPlan,
    TrainValSplit,
    method_of,
)
from traindash.domain.project import Collection, Image, Project
from traindash.errors import AppError, InputError
from traindash.language import N_, ngettext, pgettext
from traindash.language import gettext as _
from traindash.plans.facts import Facts, ProjectFacts, SplitCounts
from traindash.plans.problems import Problem, error, listed, quoted, warning
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import ForbiddenError, MissingError

MOST_IMAGES = 200_000  # every image is listed and sent back; beyond this a person would wait for minutes
_WHOLE = 100
_AT_ONCE = 5_000
_NAME = re.compile(r"(?P<side>train|val) (?P<share>\d+) % frozen(?P<suffix>( \d+)?)")


def assign_split(images: Sequence[Image], split: RandomSplit) -> ImagesSplit:
    """Assign images to the two sides, the same way for the same images, shares and seed.

    Images with the same content stay together: one that was trained on must not validate under another name. So a side
    may differ from its share by as many images as there are copies. Each side gets an image if there are two contents.

    All images of the project, in any order; the seed is 0 when there is none.
    """
    groups: defaultdict[str, list[ImageId]] = defaultdict(list)
    for image in images:
        # Servers give no hash for images that they only link to; such a one stands for itself.
        groups[image.hash or f"id {image.id}"].append(image.id)
    # By a hash of seed and content, not shuffled: an image that comes later moves no other one to the other side.
    order = sorted(groups, key=lambda content: hashlib.sha256(f"{split.seed or 0} {content}".encode()).digest())
    wanted = len(images) * split.percent // _WHOLE
    chosen: list[ImageId] = []
    rest: list[ImageId] = []
    for position, content in enumerate(order):
        is_last_chance = position == len(order) - 1 and not rest
        goes_first = position == 0 or (len(chosen) + len(groups[content]) <= wanted and not is_last_chance)
        (chosen if goes_first else rest).extend(groups[content])
    first, second = tuple(sorted(chosen)), tuple(sorted(rest))
    return ImagesSplit(train=first, val=second) if split.split == "train" else ImagesSplit(train=second, val=first)


def with_fixed_split(client: SuperviselyClient, plan: TrainingPlan) -> TrainingPlan:
    """Return the plan on a split that is fixed: a random one with a seed is frozen, any other stays as it is.

    Raises:
        InputError: As :func:`freeze`, and when the server does not let this user keep collections.
        ApiError: The project does not exist, or the server refuses for another reason.
    """
    split = plan.train_val_split
    if not isinstance(split, RandomSplit) or split.seed is None:
        return plan
    project = client.projects.get(plan.project_id)
    try:
        return replace(plan, train_val_split=freeze(client, project, split))
    except (ForbiddenError, MissingError) as refusal:
        # Not every user may add collections, and not every server has them.
        msg = _("The split cannot be frozen as collections of project “{name}”: {reason}")
        msg = msg.format(name=project.name, reason=refusal.message)
        hint = _("Switch “Freeze this split” off, or use a user who may add collections.")
        raise InputError(msg, hint) from refusal


def freeze(client: SuperviselyClient, project: Project, split: RandomSplit) -> CollectionsSplit:
    """Draw a random split and keep it as two collections; a pair that holds the very same images is used again.

    Raises:
        InputError: The project has too few or too many images.
        ApiError: The server refuses; no collection is left behind.
    """
    if project.items_count > MOST_IMAGES:
        msg = _("Project “{name}” has {count} images; a split can be frozen for {most}.").format(
            name=project.name, count=formatting.count(project.items_count), most=formatting.count(MOST_IMAGES)
        )
        raise InputError(msg, _("Split by datasets, tags or collections instead."))
    dealt = assign_split(client.images.list(project_id=project.id), split)
    if not dealt.train or not dealt.val:
        msg = _("Project “{name}” has too few different images for two sides.").format(name=project.name)
        raise InputError(msg, _("Add images, or choose another project."))
    known = client.collections.list(project.id)
    return _same(client, project, known, dealt) or _make(client, project, split, dealt, known)


def frozen_pairs(collections: Sequence[Collection]) -> tuple[CollectionsSplit, ...]:
    """Return the splits that were frozen in a project, the newest first."""
    by_name = {item.name: item.id for item in collections}
    found = [
        CollectionsSplit(train_collections=(by_name[train],), val_collections=(by_name[val],))
        for train in by_name
        if (val := _partner(train)) is not None and val in by_name
    ]
    return tuple(sorted(found, key=lambda pair: pair.train_collections, reverse=True))


def _same(
    client: SuperviselyClient, project: Project, known: Sequence[Collection], wanted: ImagesSplit
) -> CollectionsSplit | None:
    def holds(collection_id: CollectionId, images: Sequence[ImageId]) -> bool:
        if sizes[collection_id] not in {None, len(images)}:
            return False  # seen without listing its images; a server that gives no size is asked
        members = client.images.list(project_id=project.id, collection_id=collection_id)
        return sorted(image.id for image in members) == list(images)

    sizes = {item.id: item.items_count for item in known}
    for pair in frozen_pairs(known):
        if holds(pair.train_collections[0], wanted.train) and holds(pair.val_collections[0], wanted.val):
            return pair
    return None


def _make(
    client: SuperviselyClient, project: Project, split: RandomSplit, dealt: ImagesSplit, known: Sequence[Collection]
) -> CollectionsSplit:
    percent = split.percent if split.split == "train" else _WHOLE - split.percent
    # A pair with other images keeps its name: what an experiment was trained on must stay what it was.
    train, val = next(names for names in _names(percent) if not {*names} & {item.name for item in known})
    made: list[CollectionId] = []
    try:
        for name, images in ((train, dealt.train), (val, dealt.val)):
            share = f"{len(images):,} of {project.items_count:,} images"
            about = f"{share}, dealt by Traindash with seed {split.seed or 0}."
            collection = client.collections.add(project.id, name, about)
            made.append(collection.id)
            for start in range(0, len(images), _AT_ONCE):
                client.collections.add_images(collection.id, images[start : start + _AT_ONCE])
    except AppError:
        # Half a pair would look like a split that was kept.
        for collection_id in made:
            client.collections.remove(collection_id)
        raise
    return CollectionsSplit(train_collections=(made[0],), val_collections=(made[1],))


def _names(percent: int) -> Iterator[tuple[str, str]]:
    """Give names for a pair without end; the first ones have no number."""
    for number in itertools.count(1):
        suffix = "" if number == 1 else f" {number}"
        yield f"train {percent} % frozen{suffix}", f"val {_WHOLE - percent} % frozen{suffix}"


def _partner(train: str) -> str | None:
    """Return the name that the validation side of a frozen split has, ``None`` for any other name."""
    found = _NAME.fullmatch(train)
    if found is None or found["side"] != "train":
        return None
    return f"val {_WHOLE - int(found['share'])} % frozen{found['suffix']}"


# Thresholds of Supervisely's split step, whose advice is 70 to 90 % for training.
_FEW, _MANY = 0.7, 0.9
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
