"""Crops around single objects, with the boxes or masks of the ground truth and of the compared experiments.

The page, the one-file report and the show mode embed these same JPEGs. Whoever has the images passes a function in.
"""

import io
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise
from math import hypot

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

from traindash.comparison.image_query import Hits
from traindash.comparison.image_set import ImageSet
from traindash.comparison.pictures.marks import Box, Mark, moved, object_mark, prediction_mark, shape_of
from traindash.datasets.pixels import opened, small_copy
from traindash.domain.annotation import Point, Polygon
from traindash.errors import InputError
from traindash.evaluation.matching import box_ious
from traindash.language import gettext as _

# Lines and masks on a picture: dashed like the experiment's lines in the charts, and readable on any background.


Corners = tuple[float, float, float, float]  # left, top, right, bottom in pixels of the picture

# name of a dash → lengths of strokes and gaps in turn, as in the charts
DASHES: Mapping[str, tuple[float, ...]] = {
    "solid": (),
    "dash": (8, 4),
    "dot": (2, 3),
    "dashdot": (8, 3, 2, 3),
    "longdash": (14, 4),
    "longdashdot": (14, 3, 2, 3),
}

HALO = "#101318"
FILL = 90  # of 255: how much a mask covers what is under it


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """How a line looks."""

    color: str  # `#RRGGBB`
    dash: str = "solid"  # name in :data:`DASHES`
    width: int = 3  # pixels, without the dark rim around it
    finer: float = 1.0  # pixels of the canvas for each of these


def _draw_outline(pen: ImageDraw.ImageDraw, corners: Corners, stroke: Stroke) -> None:
    """Draw a box."""
    left, top, right, bottom = corners
    _draw_closed(pen, [(left, top), (right, top), (right, bottom), (left, bottom)], stroke)


def _draw_contours(pen: ImageDraw.ImageDraw, parts: Sequence[Polygon], stroke: Stroke) -> None:
    """Draw the borders of a mask, those of its holes, too."""
    for part in parts:
        for outline in (part.exterior, *part.interior):
            _draw_closed(pen, outline, stroke)


def _draw_closed(pen: ImageDraw.ImageDraw, outline: Sequence[Point], stroke: Stroke) -> None:
    lengths = tuple(length * 1.2 * stroke.finer for length in DASHES[stroke.dash])
    _draw(pen, list(_dashed([*outline, outline[0]], lengths)), stroke)


def _fill_mask(canvas: Picture.Image, parts: Sequence[Polygon], color: str) -> None:
    """Lay a colour over a mask through which the picture (RGB, changed in place) is still seen; holes stay clear."""
    cover = Picture.new("L", canvas.size, 0)
    pen = ImageDraw.Draw(cover)
    for part in parts:
        pen.polygon(part.exterior, fill=FILL)
        for hole in part.interior:
            pen.polygon(hole, fill=0)
    canvas.paste(color, (0, 0, *canvas.size), cover)


def _draw_brackets(pen: ImageDraw.ImageDraw, corners: Corners, stroke: Stroke) -> None:
    """Draw the four corners of a box: the ground truth, which must not hide what it stands for."""
    left, top, right, bottom = corners
    across, down = (right - left) * 0.28, (bottom - top) * 0.28
    pieces = []
    for x, y, dx, dy in ((left, top, 1, 1), (right, top, -1, 1), (right, bottom, -1, -1), (left, bottom, 1, -1)):
        pieces += [((x + dx * across, y), (x, y)), ((x, y), (x, y + dy * down))]
    _draw(pen, pieces, stroke)


Piece = tuple[Point, Point]


def _draw(pen: ImageDraw.ImageDraw, pieces: list[Piece], stroke: Stroke) -> None:
    for piece in pieces:
        pen.line(piece, fill=HALO, width=round((stroke.width + 2) * stroke.finer))
    for piece in pieces:
        pen.line(piece, fill=stroke.color, width=round(stroke.width * stroke.finer))


def _dashed(path: list[Point], lengths: tuple[float, ...]) -> Iterator[Piece]:
    """Yield the strokes along a path."""
    if not lengths:
        yield from pairwise(path)
        return
    turns = cycle(enumerate(lengths))
    place, left = next(turns)
    for start, end in pairwise(path):
        whole = hypot(end[0] - start[0], end[1] - start[1])
        done = 0.0
        while done < whole:
            step = min(left, whole - done)
            if place % 2 == 0:
                yield _between(start, end, done / whole), _between(start, end, (done + step) / whole)
            done, left = done + step, left - step
            if left <= 0:
                place, left = next(turns)


def _between(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


# image id on the platform → the file's bytes; ``None`` where it cannot be had
LoadImage = Callable[[int], bytes | None]
SIZE = (320, 240)
QUALITY = 82
_MARGIN = 0.6
_SMALLEST = 48.0
_NEAR = 0.1
_EMPTY = "#3A404B"
_TRUTH = "#FFFFFF"
_PLAIN_WIDTH = 480  # pixels of a picture up to which lines have their usual width; on a projector they grow with it
_FINER = 2  # so much larger are pictures of masks drawn and then reduced, or their outlines would be stairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a crop shows."""

    image: int  # place in the image set
    box: Box  # what is looked at: the object, or the false alarm
    class_name: str  # class of the object; of the false alarm where it covers none
    experiment: int  # position of the one whose rows the object has
    truth: Mark | None  # the object, `None` beside all objects
    # (experiment, its prediction on this spot) of each experiment that is drawn; `None` where it reports nothing here
    predictions: tuple[tuple[int, Mark | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """A picture ready to be embedded."""

    jpeg: bytes
    alt: str  # what it shows, in words
    has_image: bool  # false where the boxes stand on an empty frame because the image could not be had


def subjects(hits: Hits, images: ImageSet, experiments: Sequence[int]) -> tuple[Subject, ...]:
    """Return what the crops of entries show, with the predictions of some experiments; each costs about 0.1 ms."""
    rows = zip(hits.experiment.tolist(), hits.image.tolist(), hits.dt.tolist(), hits.gt.tolist(), strict=True)
    return tuple(_subject(images, row, experiments) for row in rows)


def draw_crop(subject: Subject, images: ImageSet, load: LoadImage, size: tuple[int, int] = SIZE) -> Crop:
    """Draw a crop of a width and height in pixels."""
    sly_id = images.sly_id(subject.image)
    content = None if sly_id is None else load(sly_id)
    frame = _frame(subject, images.size(subject.image), size)
    finer = _FINER if images.has_masks else 1
    large = (size[0] * finer, size[1] * finer)
    background = None if content is None else _cut(content, frame, images.size(subject.image), large)
    canvas = background or Picture.new("RGB", large, _EMPTY)
    _draw_marks(canvas, subject, images, frame, finer * max(1.0, size[0] / _PLAIN_WIDTH))
    canvas = canvas.reduce(finer)
    buffer = io.BytesIO()
    canvas.save(buffer, format="JPEG", quality=QUALITY)
    alarm = _("No object, false alarm {class_name}").format(class_name=subject.class_name)
    what = subject.class_name if subject.truth else alarm
    said = [
        f"{images.labels[experiment]}: {mark.words if mark else _('reports nothing here')}"
        for experiment, mark in subject.predictions
    ]
    return Crop(
        jpeg=buffer.getvalue(),
        alt=". ".join([f"{what}, {images.name(subject.image)}", *said]),
        has_image=background is not None,
    )


def _draw_marks(canvas: Picture.Image, subject: Subject, images: ImageSet, frame: Box, finer: float) -> None:
    """Draw the predictions, then the ground truth over them: masks where there are any, otherwise boxes.

    ``frame`` is the part of the image that the canvas shows; lines are ``finer`` times as wide as usual.
    """
    scale = canvas.width / frame[2]

    def place(point: Point) -> Point:
        return (point[0] - frame[0]) * scale, (point[1] - frame[1]) * scale

    def corners(mark: Mark) -> Corners:
        left, top, width, height = mark.box
        return *place((left, top)), *place((left + width, top + height))

    drawn = [
        (mark, moved(shape_of(images.evaluations[one], mark), place), images.styles[one])
        for one, mark in subject.predictions
        if mark is not None
    ]
    for _value, mask, style in drawn:
        _fill_mask(canvas, mask, style.hex("light"))
    pen = ImageDraw.Draw(canvas)
    for mark, mask, style in drawn:
        if mask:
            _draw_contours(pen, mask, Stroke(color=style.hex("light"), dash=style.dash, width=2, finer=finer))
        else:
            _draw_outline(pen, corners(mark), Stroke(color=style.hex("light"), dash=style.dash, finer=finer))
    if subject.truth is None:
        return
    if mask := moved(shape_of(images.evaluations[subject.experiment], subject.truth), place):
        _draw_contours(pen, mask, Stroke(color=_TRUTH, width=1, finer=finer))
    else:
        _draw_brackets(pen, corners(subject.truth), Stroke(color=_TRUTH, finer=finer))


def _subject(images: ImageSet, entry: tuple[int, int, int, int], experiments: Sequence[int]) -> Subject:
    position, image, dt, gt = entry
    evaluation = images.evaluations[position]
    truth = object_mark(evaluation, gt) if gt >= 0 else None
    is_alarm = dt >= 0 and not evaluation.view.right[dt]
    focus = prediction_mark(evaluation, dt) if is_alarm or truth is None else truth
    number = -1 if is_alarm or truth is None else int(images.objects[position][gt])
    return Subject(
        image=image,
        box=focus.box,
        class_name=(truth or focus).class_name,
        experiment=position,
        truth=truth,
        predictions=tuple((one, _prediction_at(images, image, one, focus.box, number)) for one in experiments),
    )


def _prediction_at(images: ImageSet, image: int, experiment: int, box: Box, number: int) -> Mark | None:
    """Return what an experiment reports about an object or about the place of a false alarm; ``None`` for nothing.

    That is the prediction that finds the object, else the false alarm that overlaps the box most. Predictions that
    find another object say nothing about this one.
    """
    evaluation, row = images.evaluations[experiment], int(images.rows[experiment, image])
    if row < 0:
        return None
    table, view = evaluation.table, evaluation.view
    first, last = np.searchsorted(table.dt_image, [row, row + 1]).tolist()
    rows = np.arange(first, last)
    rows = rows[view.counted[first:last] & ~(table.dt_score[first:last] < evaluation.confidence)]
    right = view.right[rows]
    finding = rows[right & (images.objects[experiment][view.gt[rows]] == number)]
    if finding.size:
        return prediction_mark(evaluation, int(finding[0]))
    alarms = rows[~right]
    overlaps = box_ious(evaluation.pair.dt.boxes[table.dt_row[alarms]], np.tile(np.array(box), (alarms.size, 1)))
    if not (overlaps >= _NEAR).any():
        return None
    return prediction_mark(evaluation, int(alarms[np.argmax(overlaps)]))


def _frame(subject: Subject, image_size: tuple[int, int], size: tuple[int, int]) -> Box:
    """Return the part of the image that is shown: around all boxes, in the shape of the picture."""
    boxes = np.array([subject.box, *(mark.box for _one, mark in subject.predictions if mark)])
    low, high = boxes[:, :2].min(axis=0), (boxes[:, :2] + boxes[:, 2:]).max(axis=0)
    middle, sides = (low + high) / 2, np.maximum((high - low) * (1 + _MARGIN), _SMALLEST)
    shape = np.array(size) / size[0]
    # An image that is not shaped as the picture is shown without its surroundings rather than with empty edges
    least, whole = float(((high - low) / shape).max()), float((np.array(image_size) / shape).min())
    width = max(least, min(float((sides / shape).max()), whole or np.inf))
    extent = width * shape
    corner = middle - extent / 2
    limits = np.array(image_size) - extent
    inside = np.where(limits > 0, np.clip(corner, 0, np.maximum(limits, 0)), limits / 2)
    left, top = (inside if all(image_size) else corner).tolist()
    return left, top, float(extent[0]), float(extent[1])


def _cut(content: bytes, frame: Box, named_size: tuple[int, int], size: tuple[int, int]) -> Picture.Image | None:
    """Return the part of an image, enlarged to the size; ``None`` where the bytes are no image."""
    try:
        with opened(content) as image:
            picture = image.pixels(drawn_on=named_size)
    except InputError:
        return None
    across = picture.width / named_size[0] if named_size[0] else 1.0
    left, top, right, bottom = (
        value * across for value in (frame[0], frame[1], frame[0] + frame[2], frame[1] + frame[3])
    )
    right, bottom = max(round(right), round(left) + 1), max(round(bottom), round(top) + 1)
    part = Picture.new("RGB", (right - round(left), bottom - round(top)), _EMPTY)  # beyond the image there is nothing
    part.paste(picture.convert("RGB"), (-round(left), -round(top)))
    return part.resize(size, Picture.Resampling.LANCZOS)


# Image files as text that stands inside a page: nothing is fetched when it is opened.


def embedded(content: bytes, longest: int, drawn_on: tuple[int, int] | None) -> str:
    """Return an image file as ``data:image/jpeg;base64,…``; its longer side has at most ``longest`` pixels.

    ``drawn_on`` is the size that its annotation counts in, which says how the picture is to be turned.

    Raises:
        InputError: It cannot be read as an image.
    """
    picture = small_copy(content, (longest, longest), drawn_on)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{b64encode(buffer.getvalue()).decode('ascii')}"
