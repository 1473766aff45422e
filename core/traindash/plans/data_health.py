"""What strikes in the data of a project before anybody trains on it, in sentences. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from traindash.domain.project import Image
from traindash.formatting import count, listing, percent, plural
from traindash.plans.facts import ProjectFacts
from traindash.plans.lookups import OBJECT_SIZES, DataProfile

# Judgements: what people are told of, not what training needs
_UNEVEN = 5.0  # times as many objects in the most frequent class as in the rarest
_MANY_TINY = 0.25  # share of the objects
_FEW = 20  # objects of a class that are hardly enough to learn it
_APART = 4.0  # times larger or smaller than the usual image, or longer than it is wide
_MANY_EMPTY = 0.5
_NAMED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A sentence about the data."""

    text: str
    is_notice: bool  # it may spoil a training; otherwise it only says that there is nothing to mend


def remarks(facts: ProjectFacts, images: Sequence[Image], profile: DataProfile) -> tuple[Remark, ...]:
    """Return what is said of classes, small objects, images that stand out, and copies.

    Args:
        facts: The project; its statistics count every object.
        images: All images of the project, or those that were looked at.
        profile: Sizes of the objects on some of them.
    """
    found = (_balance(facts), _tiny(profile), _sizes(images), _empty(images), _copies(images))
    return tuple(remark for remark in found if remark is not None)


def _balance(facts: ProjectFacts) -> Remark | None:
    ranked = sorted(facts.statistics.classes, key=lambda item: -item.objects)
    filled = [item for item in ranked if item.objects]
    if not filled:
        return Remark(text="No object is drawn yet, so there is nothing to learn.", is_notice=True)
    empty = [f"“{item.name}”" for item in ranked if not item.objects]
    without = f" Without any object: {listing(empty)}." if empty else ""
    most, rarest = filled[0], filled[-1]
    if most is rarest:
        text = f"All {plural(most.objects, 'object', 'objects')} are of one class, “{most.name}”."
        return Remark(text=f"{text}{without}", is_notice=bool(empty) or most.objects < _FEW)
    ratio = most.objects / rarest.objects
    pair = f"“{most.name}” has {plural(most.objects, 'object', 'objects')}, “{rarest.name}” {count(rarest.objects)}"
    if ratio >= _UNEVEN or rarest.objects < _FEW:
        text = f"Classes are uneven: {pair}. The rare ones are found worst; more images of them help most."
        return Remark(text=f"{text}{without}", is_notice=True)
    return Remark(text=f"Classes are even: {pair}.{without}", is_notice=bool(empty))


def _tiny(profile: DataProfile) -> Remark | None:
    if not profile.objects:
        return None
    share = profile.object_sizes[OBJECT_SIZES[0]] / profile.objects
    limit = OBJECT_SIZES[0].removeprefix("up to ")
    if share >= _MANY_TINY:
        text = (
            f"{percent(share)} of the objects are tiny, up to {limit} a side: a larger image size finds more of them."
        )
        return Remark(text=text, is_notice=True)
    some = f"{percent(share)} of the objects are" if share else "No object is"
    return Remark(text=f"{some} tiny (up to {limit} a side).", is_notice=False)


def _sizes(images: Sequence[Image]) -> Remark | None:
    known = [image for image in images if image.width > 0 and image.height > 0]
    if not known:
        return None
    usual = statistics.median(_longer(image) for image in known)
    odd = [
        image
        for image in known
        if not usual / _APART <= _longer(image) <= usual * _APART
        or _longer(image) > _APART * min(image.width, image.height)
    ]
    if odd:
        shown = listing([f"“{image.name}” ({count(image.width)} × {count(image.height)} px)" for image in odd], limit=2)
        verb = "stands" if len(odd) == 1 else "stand"
        text = f"{plural(len(odd), 'image', 'images')} {verb} out by size or shape: {shown}; "
        text += f"usual are {count(round(usual))} px."
        return Remark(text=text, is_notice=True)
    sizes = {(image.width, image.height) for image in known}
    if len(sizes) == 1:
        ((width, height),) = sizes
        return Remark(text=f"All images have {count(width)} × {count(height)} px.", is_notice=False)
    low, high = min(map(_longer, known)), max(map(_longer, known))
    return Remark(
        text=f"No image stands out by size: longer sides have {count(low)} to {count(high)} px.", is_notice=False
    )


def _longer(image: Image) -> int:
    return max(image.width, image.height)


def _empty(images: Sequence[Image]) -> Remark | None:
    empty = sum(not image.labels_count for image in images)
    if not empty:
        return None
    verb = "has" if empty == 1 else "have"
    many = empty / len(images) >= _MANY_EMPTY
    hint = "Are they labelled yet?" if many else "They teach what is no object."
    return Remark(text=f"{plural(empty, 'image', 'images')} {verb} no object. {hint}", is_notice=many)


def _copies(images: Sequence[Image]) -> Remark | None:
    known = [image for image in images if image.hash]
    if not known:
        return None
    first: dict[str, Image] = {}
    copies: list[tuple[Image, Image]] = []
    for image in known:
        original = first.setdefault(image.hash, image)
        if original is not image:
            copies.append((original, image))
    if not copies:
        return Remark(text="No image is there twice.", is_notice=False)
    shown = listing([f"“{copy.name}” of “{original.name}”" for original, copy in copies], limit=_NAMED)
    verb, what = ("is a copy", "it flatters") if len(copies) == 1 else ("are copies", "they flatter")
    text = f"{plural(len(copies), 'image', 'images')} {verb}: {shown}. On both sides of a split {what} the result."
    return Remark(text=text, is_notice=True)
