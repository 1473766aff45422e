"""What the one-file report shows of images: crops of what changed from the baseline, and a gallery of whole images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from traindash.comparison.image_query import FlowChange, ImageQuery, Outcome, find, flow_hits
from traindash.comparison.image_set import ImageSet
from traindash.comparison.palette import SeriesStyle
from traindash.comparison.pictures.crops import Crop, LoadImage, Subject, draw_crop, embedded, subjects
from traindash.comparison.pictures.gallery import (
    MOST_COLUMNS,
    GalleryCell,
    GalleryRow,
    ImageOrder,
    gallery_row,
    ordered,
)
from traindash.comparison.pictures.marks import MarkKind
from traindash.errors import InputError
from traindash.evaluation.flow import Flow, FlowCounts, object_flow
from traindash.formatting import count, listing, plural
from traindash.language import N_, ngettext
from traindash.language import gettext as _

MOST_PICTURES = 180  # crops in a file; about 20 KB each
MOST_IMAGES = 12
# how a mark of the gallery looks, as a class of the style sheet; in the order of its legend
MARK_KINDS = {
    MarkKind.TRUTH: "rp-truth",
    MarkKind.FOUND: "rp-found",
    MarkKind.FALSE_ALARM: "rp-alarm",
    MarkKind.MISSED: "rp-missed",
}

_MOST_IN_A_GROUP = 12
_LONGEST = 560  # pixels of the longer side of an embedded image
_TITLES = {
    FlowChange.GAINED: N_("Gained: objects that only this one finds"),
    FlowChange.LOST: N_("Lost: objects that only the baseline finds"),
    FlowChange.NEW_ALARM: N_("New false alarms"),
    FlowChange.VANISHED_ALARM: N_("False alarms that are gone"),
    FlowChange.SWAPPED: N_("Called differently"),
    FlowChange.MOVED_BOX: N_("Found by both, at another place"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCrop:
    """One entry that changed: its picture, and what both experiments make of it."""

    crop: Crop
    image: str
    class_name: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeGroup:
    """The entries that changed in one way; ``words`` say how many there are and how many are shown."""

    title: str
    words: str
    pictures: tuple[ShownCrop, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFlow:
    """What changed from the baseline to one experiment."""

    style: SeriesStyle  # look of the experiment
    label: str
    problem: str = ""  # why the two cannot be compared object by object; then there is nothing else
    words: str = ""  # the sum in a sentence
    by_class: tuple[tuple[str, FlowCounts], ...] = ()  # class name and its counts, in the order of the file
    groups: tuple[ChangeGroup, ...] = ()  # crops of what changed; empty without images


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesSection:
    """Gained and lost against the baseline, or why there is nothing."""

    empty: str = ""
    reading: str = ""
    baseline: str = ""
    flows: tuple[ShownFlow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownImage:
    """An image of the gallery: its columns, the image itself (empty where it cannot be had), words for each model."""

    row: GalleryRow
    source: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GallerySection:
    """Whole images with what every experiment makes of them, or why there are none."""

    empty: str = ""
    words: str = ""
    labels: tuple[str, ...] = ()
    styles: tuple[SeriesStyle, ...] = ()
    images: tuple[ShownImage, ...] = ()


def changes_section(images: ImageSet, load: LoadImage | None) -> ChangesSection:
    """Return counts and crops for every experiment against the baseline; without images there are counts only."""
    if images.baseline is None:
        return ChangesSection(empty=_("The baseline has no evaluation, so nothing can be gained or lost against it."))
    others = [position for position in range(len(images.keys)) if position != images.baseline]
    if not others:
        return ChangesSection(empty=_("No other experiment has an evaluation to compare with."))
    room = max(2, min(_MOST_IN_A_GROUP, MOST_PICTURES // (len(others) * len(_TITLES))))
    outlines = _(
        "In the pictures, a white outline is the object as annotated; masks have the colour and the dashes of the "
        "experiment that reports them."
    )
    corners = _(
        "In the pictures, white corners are the object as annotated; boxes have the colour and the dashes of the "
        "experiment that reports them."
    )
    return ChangesSection(
        reading=outlines if images.has_masks else corners,
        baseline=images.labels[images.baseline],
        flows=tuple(_shown_flow(images, (images.baseline, other), load, room) for other in others),
    )


def _shown_flow(images: ImageSet, pair: tuple[int, int], load: LoadImage | None, room: int) -> ShownFlow:
    baseline, other = pair
    style, label = images.styles[other], images.labels[other]
    try:
        flow = object_flow(images.evaluations[baseline], images.evaluations[other])
    except InputError as error:
        return ShownFlow(style=style, label=label, problem=f"{error.message} {error.hint}")
    total = flow.total()
    words = (
        _("{gained} gained and {lost} lost: {net} more found in all, each model at its own threshold.")
        if total.net >= 0
        else _("{gained} gained and {lost} lost: {net} fewer found in all, each model at its own threshold.")
    ).format(gained=plural(total.gained, "object", "objects"), lost=count(total.lost), net=count(abs(total.net)))
    groups = [_group(flow, kind, images, pair, load, room) for kind in _TITLES] if load else []
    return ShownFlow(
        style=style,
        label=label,
        words=words,
        by_class=tuple(zip(images.evaluations[baseline].classes, flow.by_class(), strict=True)),
        groups=tuple(group for group in groups if group is not None),
    )


def _group(
    flow: Flow, kind: FlowChange, images: ImageSet, pair: tuple[int, int], load: LoadImage, room: int
) -> ChangeGroup | None:
    hits = flow_hits(flow, kind, images, pair[1])
    if not hits.count:
        return None
    # some of the entries, evenly from all images, so that not one crowded image is all there is to see
    order = np.lexsort((hits.image,))
    turn = np.zeros(hits.count, dtype=np.int64)
    _images, first, counts = np.unique(hits.image[order], return_index=True, return_counts=True)
    turn[order] = np.arange(hits.count) - np.repeat(first, counts)
    shown = subjects(hits.taken(np.sort(np.lexsort((hits.image, turn))[:room])), images, pair)
    pictures = [picture for subject in shown if (picture := _shown_crop(images, subject, load))]
    words = plural(hits.count, "entry", "entries")
    if len(pictures) < hits.count:
        words = _("{entries}, {count} shown").format(entries=words, count=count(len(pictures)))
    if len(pictures) < len(shown):
        lost = count(len(shown) - len(pictures))
        words = _("{entries}; the images of {count} cannot be had").format(entries=words, count=lost)
    return ChangeGroup(title=_(_TITLES[kind]), words=words, pictures=tuple(pictures))


def _shown_crop(images: ImageSet, subject: Subject, load: LoadImage) -> ShownCrop | None:
    crop = draw_crop(subject, images, load)
    if not crop.has_image:
        return None
    seen = [f"{images.labels[one]}: {mark.words if mark else _('nothing here')}" for one, mark in subject.predictions]
    return ShownCrop(crop=crop, image=images.name(subject.image), class_name=subject.class_name, words=listing(seen))


def gallery_section(images: ImageSet, load: LoadImage) -> GallerySection:
    """Return the images with the most disagreement, or of a single experiment those with the most mistakes.

    Where ``load`` gives no image, the marks stand on a plain ground.
    """
    several = len(images.keys) > 1
    mistakes = ImageQuery(title="", outcomes=(Outcome.MISSED, Outcome.FALSE_ALARM))
    order = ImageOrder.DISAGREEMENT if several else ImageOrder.ENTRIES
    chosen = ordered(find(mistakes, images), images, order)[:MOST_IMAGES].tolist()
    if not chosen:
        return GallerySection(empty=_("There are no mistakes to show: everything was found and nothing else."))
    columns = list(range(min(len(images.keys), MOST_COLUMNS)))
    words = (
        ngettext(
            "{count} image with the most disagreement between the experiments, each model at its own threshold.",
            "{count} images with the most disagreement between the experiments, each model at its own threshold.",
            len(chosen),
        )
        if several
        else ngettext(
            "{count} image with the most mistakes, the model at its own threshold.",
            "{count} images with the most mistakes, the model at its own threshold.",
            len(chosen),
        )
    ).format(count=count(len(chosen)))
    hidden = len(images.keys) - len(columns)
    if hidden:
        more = ngettext("{count} more experiment did not fit.", "{count} more experiments did not fit.", hidden)
        words = f"{words} {more.format(count=count(hidden))}"
    return GallerySection(
        words=words,
        labels=images.labels,
        styles=images.styles,
        images=tuple(_shown_image(images, image, columns, load) for image in chosen),
    )


def _shown_image(images: ImageSet, image: int, columns: Sequence[int], load: LoadImage) -> ShownImage:
    row = gallery_row(images, image, columns, None)
    number = images.sly_id(image)
    content = None if number is None else load(number)
    try:
        source = "" if content is None else embedded(content, _LONGEST, images.size(image))
    except InputError:  # the row says that there is no image
        source = ""
    return ShownImage(row=row, source=source, words=tuple(map(_words, row.cells[1:])))


def _words(cell: GalleryCell) -> str:
    if not cell.measured:
        return _("not measured on this image")
    alarms = plural(cell.count(MarkKind.FALSE_ALARM), "false alarm", "false alarms")
    seen = _("{found} found, {missed} missed, {alarms}")
    return seen.format(found=cell.count(MarkKind.FOUND), missed=cell.count(MarkKind.MISSED), alarms=alarms)
