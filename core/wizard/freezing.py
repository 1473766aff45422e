"""A random split that is drawn once and kept: dealt from a seed, stored as two collections of the project."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from core.api.client import SuperviselyClient
from core.domain.ids import CollectionId, ImageId
from core.domain.plan import CollectionsSplit, RandomSplit
from core.domain.project import Image
from core.errors import AppError, InputError
from core.launch.project_facts import ProjectFacts

SEED = 0
MOST_IMAGES = 200_000
"""Every image is listed and sent back; beyond this a person would wait for minutes."""

_WHOLE = 100
_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """Both sides of a split, sorted."""

    train: tuple[ImageId, ...]
    val: tuple[ImageId, ...]


def deal(images: Sequence[Image], split: RandomSplit, seed: int = SEED) -> Deal:
    """Deal images to the two sides, the same way for the same images, shares and seed.

    Images with the same content stay together: one that was trained on must not validate under another name. So a side
    may differ from its share by as many images as there are copies. Each side gets an image if there are two contents.

    Args:
        images: All images of the project, in any order.
        split: The shares.
        seed: Another number deals another way.
    """
    groups: defaultdict[str, list[ImageId]] = defaultdict(list)
    for image in images:
        groups[image.hash or f"id {image.id}"].append(image.id)
    order = sorted(groups, key=lambda content: hashlib.sha256(f"{seed} {content}".encode()).digest())
    wanted = len(images) * split.percent // _WHOLE
    chosen: list[ImageId] = []
    rest: list[ImageId] = []
    for position, content in enumerate(order):
        is_last_chance = position == len(order) - 1 and not rest
        goes_first = position == 0 or (len(chosen) + len(groups[content]) <= wanted and not is_last_chance)
        (chosen if goes_first else rest).extend(groups[content])
    first, second = tuple(sorted(chosen)), tuple(sorted(rest))
    return Deal(train=first, val=second) if split.split == "train" else Deal(train=second, val=first)


def freeze(client: SuperviselyClient, project: ProjectFacts, split: RandomSplit, seed: int = SEED) -> CollectionsSplit:
    """Draw a random split and store it as two collections, so that later trainings share it.

    Args:
        client: The server.
        project: The project as it is now.
        split: The shares.
        seed: Another number deals another way.

    Raises:
        InputError: The project has too few or too many images.
        ApiError: The server refuses; no collection is left behind.
    """
    total = project.project.items_count
    if total > MOST_IMAGES:
        msg = f"Project “{project.project.name}” has {total:,} images; a split can be frozen for {MOST_IMAGES:,}."
        raise InputError(msg, "Split by datasets, tags or collections instead.")
    dealt = deal(client.images.list(project_id=project.project.id), split, seed)
    if not dealt.train or not dealt.val:
        msg = f"Project “{project.project.name}” has too few different images for two sides."
        raise InputError(msg, "Add images, or choose another project.")
    percent = split.percent if split.split == "train" else _WHOLE - split.percent
    suffix = _free_suffix(project, percent)
    made: list[CollectionId] = []
    try:
        for name, images in (
            (_name("train", percent) + suffix, dealt.train),
            (_name("val", percent) + suffix, dealt.val),
        ):
            made.append(_store(client, project, name, images, seed))
    except AppError:
        for collection in made:
            client.collections.remove(collection)
        raise
    return CollectionsSplit(train_collections=(made[0],), val_collections=(made[1],))


def _store(
    client: SuperviselyClient, project: ProjectFacts, name: str, images: Sequence[ImageId], seed: int
) -> CollectionId:
    about = f"{len(images):,} of {project.project.items_count:,} images, dealt by Traindash with seed {seed}."
    collection = client.collections.add(project.project.id, name, about)
    try:
        for start in range(0, len(images), _AT_ONCE):
            client.collections.add_images(collection.id, images[start : start + _AT_ONCE])
    except AppError:
        client.collections.remove(collection.id)
        raise
    return collection.id


def _name(side: str, percent: int) -> str:
    share = percent if side == "train" else _WHOLE - percent
    return f"{side} {share} % frozen"


def _free_suffix(project: ProjectFacts, percent: int) -> str:
    taken = set(project.collection_names.values())
    number = 1
    while True:
        suffix = "" if number == 1 else f" {number}"
        if not {_name("train", percent) + suffix, _name("val", percent) + suffix} & taken:
            return suffix
        number += 1
