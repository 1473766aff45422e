"""Gained and lost of the one-file report: what changed from the baseline, counted, and as pictures."""

from dataclasses import dataclass
from html import escape

import numpy as np

from traindash.comparison.image_query import FlowChange, Hits, flow_hits
from traindash.comparison.image_set import ImageSet
from traindash.comparison.pictures.crops import LoadImage, Subject, draw_crop, subjects
from traindash.comparison.report.embedding import data_uri
from traindash.comparison.report.tables import scrolling, swatch
from traindash.errors import InputError
from traindash.evaluation import Flow, FlowCounts, object_flow
from traindash.formatting import count, listing, plural

MOST_PICTURES = 180
"""Crops in a file; about 20 KB each."""
_MOST_IN_A_GROUP = 12
_KINDS = {
    FlowChange.GAINED: "Gained: objects that only this one finds",
    FlowChange.LOST: "Lost: objects that only the baseline finds",
    FlowChange.NEW_ALARM: "New false alarms",
    FlowChange.VANISHED_ALARM: "False alarms that are gone",
    FlowChange.SWAPPED: "Called differently",
    FlowChange.MOVED_BOX: "Found by both, at another place",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """What changed from the baseline to one experiment; positions are those of the image set."""

    images: ImageSet
    baseline: int
    other: int
    flow: Flow


def changes_html(images: ImageSet, load: LoadImage | None) -> str:
    """Return counts and crops for every experiment against the baseline.

    Args:
        images: Of the comparison.
        load: Gives the images; without them there are counts only.
    """
    if images.baseline is None:
        return "<p>The baseline has no evaluation, so nothing can be gained or lost against it.</p>"
    others = [position for position in range(len(images.keys)) if position != images.baseline]
    if not others:
        return "<p>No other experiment has an evaluation to compare with.</p>"
    room = max(2, min(_MOST_IN_A_GROUP, MOST_PICTURES // (len(others) * len(_KINDS))))
    return _reading(images) + "".join(_one(images, (images.baseline, other), load, room) for other in others)


def _reading(images: ImageSet) -> str:
    truth, found = ("a white outline is", "masks") if images.has_masks else ("white corners are", "boxes")
    return (
        f'<p class="rp-note">In the pictures, {truth} the object as annotated; {found} have the colour and the '
        "dashes of the experiment that reports them.</p>"
    )


def _one(images: ImageSet, pair: tuple[int, int], load: LoadImage | None, room: int) -> str:
    baseline, other = pair
    style, label = images.styles[other], images.labels[other]
    head = f"<h3>{swatch(style)} {escape(label)} against {escape(images.labels[baseline])}</h3>"
    try:
        flow = object_flow(images.evaluations[baseline], images.evaluations[other])
    except InputError as error:
        return f'<div class="rp-card">{head}<p>{escape(error.message)} {escape(error.hint)}</p></div>'
    change = _Change(images=images, baseline=baseline, other=other, flow=flow)
    groups = "".join(_group(change, kind, load, room) for kind in _KINDS) if load else ""
    total = flow.total()
    net = int(total.net[0])
    words = (
        f"{plural(int(total.gained[0]), 'object')} gained and {count(int(total.lost[0]))} lost: "
        f"{count(abs(net))} {'more' if net >= 0 else 'fewer'} found in all, each model at its own threshold."
    )
    return f'<div class="rp-card rp-changes">{head}<p>{words}</p>{_table(change)}{groups}</div>'


def _table(change: _Change) -> str:
    names = change.images.evaluations[change.baseline].classes
    heads = ("Gained", "Lost", "Net", "New false alarms", "Gone false alarms", "Called differently", "Shifted")
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Class", *heads))
    by_class = change.flow.by_class()
    rows = "".join(_row(name, by_class, place) for place, name in enumerate(names))
    return scrolling("cx-table cx-figures cx-sortable", f"<tr>{head}</tr>", rows)


def _row(name: str, counts: FlowCounts, place: int) -> str:
    found = (counts.gained, counts.lost, counts.net)
    others = (counts.new_alarms, counts.vanished_alarms, counts.swapped, counts.moved_box)
    cells = "".join(f"<td>{count(int(column[place]))}</td>" for column in (*found, *others))
    return f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>'


def _group(change: _Change, kind: FlowChange, load: LoadImage, room: int) -> str:
    hits = flow_hits(change.flow, kind, change.images, change.other)
    if not hits.count:
        return ""
    chosen = _spread(hits, room)
    shown = subjects(chosen, change.images, [change.baseline, change.other])
    pictures = [picture for subject in shown if (picture := _picture(change, subject, load))]
    words = plural(hits.count, "entry", "entries")
    if len(pictures) < hits.count:
        words += f", {count(len(pictures))} shown"
    if len(pictures) < len(shown):
        words += f"; the images of {count(len(shown) - len(pictures))} cannot be had"
    crops = f'<div class="rp-crops">{"".join(pictures)}</div>' if pictures else ""
    return f"<h4>{_KINDS[kind]} <small>{words}</small></h4>{crops}"


def _spread(hits: Hits, room: int) -> Hits:
    """Return some of the entries, evenly from all images, so that not one crowded image is all there is to see."""
    order = np.lexsort((hits.image,))
    turn = np.zeros(hits.count, dtype=np.int64)
    _, first, counts = np.unique(hits.image[order], return_index=True, return_counts=True)
    turn[order] = np.arange(hits.count) - np.repeat(first, counts)
    chosen = np.sort(np.lexsort((hits.image, turn))[:room])
    return Hits(experiment=hits.experiment[chosen], image=hits.image[chosen], dt=hits.dt[chosen], gt=hits.gt[chosen])


def _picture(change: _Change, subject: Subject, load: LoadImage) -> str:
    crop = draw_crop(subject, change.images, load)
    if not crop.has_image:
        return ""
    name = change.images.name(subject.image)
    words = listing(
        [f"{change.images.labels[one]}: {mark.words if mark else 'nothing here'}" for one, mark in subject.predictions]
    )
    return (
        f'<figure><img src="{data_uri(crop.jpeg)}" alt="{escape(crop.alt)}" title="{escape(words)}" loading="lazy">'
        f"<figcaption><b>{escape(subject.class_name)}</b> {escape(name)}</figcaption></figure>"
    )
