"""What strikes in the data of a project before anybody trains on it, in sentences. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from traindash.domain.project import Image
from traindash.formatting import count, listing, percent, plural, quoted
from traindash.language import gettext as _
from traindash.language import ngettext
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
        return Remark(text=_("No object is drawn yet, so there is nothing to learn."), is_notice=True)
    empty = [quoted(item.name) for item in ranked if not item.objects]
    without = " " + _("Without any object: {names}.").format(names=listing(empty)) if empty else ""
    most, rarest = filled[0], filled[-1]
    objects = plural(most.objects, "object", "objects")
    if most is rarest:
        text = _("All {objects} are of one class, “{name}”.").format(objects=objects, name=most.name)
        return Remark(text=f"{text}{without}", is_notice=bool(empty) or most.objects < _FEW)
    is_uneven = most.objects / rarest.objects >= _UNEVEN or rarest.objects < _FEW
    message = (
        _(
            "Classes are uneven: “{most}” has {objects}, “{rarest}” {count}. The rare ones are found worst; "
            "more images of them help most."
        )
        if is_uneven
        else _("Classes are even: “{most}” has {objects}, “{rarest}” {count}.")
    )
    text = message.format(most=most.name, objects=objects, rarest=rarest.name, count=count(rarest.objects))
    return Remark(text=f"{text}{without}", is_notice=is_uneven or bool(empty))


def _tiny(profile: DataProfile) -> Remark | None:
    if not profile.objects:
        return None
    share = profile.object_sizes[OBJECT_SIZES[0]] / profile.objects
    limit = OBJECT_SIZES[0].removeprefix("up to ")
    if share >= _MANY_TINY:
        text = _(
            "{percent} of the objects are tiny, up to {limit} a side: a larger image size finds more of them."
        ).format(percent=percent(share), limit=limit)
        return Remark(text=text, is_notice=True)
    if not share:
        return Remark(text=_("No object is tiny (up to {limit} a side).").format(limit=limit), is_notice=False)
    message = _("{percent} of the objects are tiny (up to {limit} a side).")
    return Remark(text=message.format(percent=percent(share), limit=limit), is_notice=False)


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
        shown = listing(
            [f"{quoted(image.name)} ({count(image.width)} × {count(image.height)} px)" for image in odd], limit=2
        )
        text = ngettext(
            "{count} image stands out by size or shape: {images}; usual are {usual} px.",
            "{count} images stand out by size or shape: {images}; usual are {usual} px.",
            len(odd),
        ).format(count=count(len(odd)), images=shown, usual=count(round(usual)))
        return Remark(text=text, is_notice=True)
    sizes = {(image.width, image.height) for image in known}
    if len(sizes) == 1:
        ((width, height),) = sizes
        text = _("All images have {width} × {height} px.").format(width=count(width), height=count(height))
        return Remark(text=text, is_notice=False)
    low, high = min(map(_longer, known)), max(map(_longer, known))
    text = _("No image stands out by size: longer sides have {low} to {high} px.")
    return Remark(text=text.format(low=count(low), high=count(high)), is_notice=False)


def _longer(image: Image) -> int:
    return max(image.width, image.height)


def _empty(images: Sequence[Image]) -> Remark | None:
    empty = sum(not image.labels_count for image in images)
    if not empty:
        return None
    text = ngettext("{count} image has no object.", "{count} images have no object.", empty).format(count=count(empty))
    many = empty / len(images) >= _MANY_EMPTY
    hint = _("Are they labelled yet?") if many else _("They teach what is no object.")
    return Remark(text=f"{text} {hint}", is_notice=many)


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
        return Remark(text=_("No image is there twice."), is_notice=False)
    pair = _("“{copy}” of “{original}”")
    shown = listing([pair.format(copy=copy.name, original=original.name) for original, copy in copies], limit=_NAMED)
    text = ngettext(
        "{count} image is a copy: {names}. On both sides of a split it flatters the result.",
        "{count} images are copies: {names}. On both sides of a split they flatter the result.",
        len(copies),
    ).format(count=count(len(copies)), names=shown)
    return Remark(text=text, is_notice=True)
