"""Random splits: which image is on which side, and how such a split is frozen as two collections of the project."""

import hashlib
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from traindash import formatting
from traindash.domain.ids import CollectionId, ImageId
from traindash.domain.plan import CollectionsSplit, ImagesSplit, RandomSplit, TrainingPlan
from traindash.domain.project import Collection, Image, Project
from traindash.errors import AppError, InputError
from traindash.language import gettext as _
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
