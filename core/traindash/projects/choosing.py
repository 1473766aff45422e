"""Names that are free, and images that a person means by a share, a tag or a collection. No server in here."""

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Literal, TypeAlias

from traindash.domain.ids import DatasetId, ImageId
from traindash.domain.project import Dataset, ObjectClass, TagMeta
from traindash.errors import InputError
from traindash.language import N_
from traindash.language import gettext as _

LONGEST_NAME = 255  # characters (docs/supervisely-api.md 3.5)
ANY_SHAPE = "any"
Named: TypeAlias = Literal["project", "dataset", "class", "tag"]
_NAMELESS: Mapping[Named, str] = {
    "project": N_("The project needs a name."),
    "dataset": N_("The dataset needs a name."),
    "class": N_("The class needs a name."),
    "tag": N_("The tag needs a name."),
}
_TAKEN: Mapping[Named, str] = {
    "project": N_("There is a project called “{name}” already."),
    "dataset": N_("There is a dataset called “{name}” already."),
    "class": N_("There is a class called “{name}” already."),
    "tag": N_("There is a tag called “{name}” already."),
}


def checked_name(given: str, taken: Collection[str], noun: Named, own: str = "") -> str:
    """Return a name as it can be sent.

    ``taken`` are those of the things beside it, of which ``own``, the name that it has now, does not count.

    Raises:
        InputError: It is empty, too long, or taken.
    """
    name = given.strip()
    if not name:
        raise InputError(_(_NAMELESS[noun]), _("Type one."))
    if len(name) > LONGEST_NAME:
        msg = _("The name has {number} characters.").format(number=len(name))
        raise InputError(msg, _("Use at most {number}.").format(number=LONGEST_NAME))
    if name != own and name in taken:
        raise InputError(_(_TAKEN[noun]).format(name=name), _("Choose another name."))
    return name


def free_name(wanted: str, taken: Collection[str]) -> str:
    """Return a name that nothing has: the wanted one, or that with a number."""
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted} {number}"
    return name


def free_file_names(wanted: Sequence[str], taken: Iterable[str]) -> tuple[str, ...]:
    """Return names for files in the order of ``wanted``; those that are taken get a number before their ending."""
    used, found = set(taken), list[str]()
    for name in wanted:
        path, number, free = PurePosixPath(name), 0, name
        while free in used:
            number += 1
            free = f"{path.stem}_{number}{path.suffix}"
        used.add(free)
        found.append(free)
    return tuple(found)


def share_of(images: Sequence[ImageId], percent: int, seed: int) -> tuple[ImageId, ...]:
    """Return so many per cent of the images, 1 to 99, drawn by a number; at least one, and never all of several."""
    wanted = max(1, min(len(images) - 1, round(len(images) * percent / 100))) if len(images) > 1 else len(images)
    drawn = set(random.Random(seed).sample(sorted(images), wanted))  # noqa: S311 - nothing secret
    return tuple(item for item in images if item in drawn)


def classes_to_merge_into(source: ObjectClass, classes: Sequence[ObjectClass]) -> tuple[ObjectClass, ...]:
    """Return the classes that can take the objects of one: those of the same shape or of any."""
    return tuple(item for item in classes if item.name != source.name and item.shape in {source.shape, ANY_SHAPE})


def tags_to_merge_into(source: TagMeta, tags: Sequence[TagMeta]) -> tuple[TagMeta, ...]:
    """Return the tags that can stand where one stood: of the same kind of value, and for all that it is for."""
    return tuple(
        item
        for item in tags
        if item.name != source.name
        and item.value_type == source.value_type
        and set(source.values) <= set(item.values)
        and item.applicable_type in {"all", source.applicable_type}
    )


def _below(dataset: DatasetId, datasets: Sequence[Dataset]) -> frozenset[DatasetId]:
    """Return a dataset and all that are inside it, at any depth."""
    found, grew = {dataset}, True
    while grew:
        inside = {item.id for item in datasets if item.parent_id in found} - found
        grew = bool(inside)
        found |= inside
    return frozenset(found)


def places_for(dataset: Dataset, datasets: Sequence[Dataset]) -> tuple[Dataset, ...]:
    """Return the datasets that one can be put into, or merged with: all but itself and those inside it."""
    own = _below(dataset.id, datasets)
    return tuple(item for item in datasets if item.id not in own)
