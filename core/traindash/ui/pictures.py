"""Images of experiments as they are shown on pages: fetched through the client when they are looked at, kept small."""

import html
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

import numpy as np
import streamlit as st
from PIL import Image as Picture
from PIL import ImageDraw, ImageOps

from traindash.comparison.pictures.crops import embedded
from traindash.datasets.geometry import decode_mask
from traindash.datasets.pixels import opened
from traindash.datasets.strokes import strokes
from traindash.domain.annotation import Annotation, Bitmap, OtherGeometry, Point, Polygon, Rectangle
from traindash.domain.ids import ImageId, ProjectId
from traindash.domain.project import NO_COLOR, Image, ObjectClass, class_color
from traindash.errors import AppError, InputError
from traindash.language import gettext as _
from traindash.ui import connection, lookups

LONGEST_SIDE = 1280
_SECONDS = 3600
_MOST_PREVIEWS, _MOST_SMALL, _MOST_FILES = 96, 480, 16
_FILL_ALPHA = 70
_OVERSAMPLING = 2
_LINE = 2 * _OVERSAMPLING
_DOT = 4 * _OVERSAMPLING  # radius
_DRAWN_SECONDS = 600
_MOST_IN_LEGEND = 24


def preview_source(sly_id: int | None, size: tuple[int, int], longest: int = LONGEST_SIDE) -> str:
    """Return a data URI of an image for a page; empty where the evaluation names none or it cannot be had.

    ``size`` is width and height that the evaluation counts in, ``longest`` the pixels of its longer side at most.
    """
    if sly_id is None:
        return ""
    try:
        return _preview(ImageId(sly_id), size) if longest == LONGEST_SIDE else _small(ImageId(sly_id), size, longest)
    except AppError:  # the gallery says so and draws the boxes alone
        return ""


def original(sly_id: int) -> bytes | None:
    """Return an image's file; ``None`` where it cannot be had."""
    try:
        return _file(ImageId(sly_id))
    except AppError:  # crops say so and draw the boxes alone
        return None


def class_colors(projects: Iterable[ProjectId], names: Iterable[str]) -> dict[str, str]:
    """Return class name → ``#RRGGBB`` as the projects have them, the first one's first.

    A name that no project has any more gets a colour of its own.
    """
    colors: dict[str, str] = {}
    for project in dict.fromkeys(projects):
        try:
            facts = lookups.project(project)
        except AppError:  # colours are worth no error
            continue
        for item in facts.meta.classes if facts else ():
            colors.setdefault(item.name, item.color)
    for number, name in enumerate(names):
        colors.setdefault(name, class_color(number))
    return colors


@connection.lookup(seconds=_SECONDS, most=_MOST_PREVIEWS)
def _preview(image: ImageId, size: tuple[int, int]) -> str:
    return embedded(_file(image), LONGEST_SIDE, size)


@connection.lookup(seconds=_SECONDS, most=_MOST_SMALL)
def _small(image: ImageId, size: tuple[int, int], longest: int) -> str:
    # Not by way of the kept files: a page of small ones would drop those that are looked at.
    return embedded(connection.client().images.download(image), longest, size)


@connection.lookup(seconds=_SECONDS, most=_MOST_FILES)
def _file(image: ImageId) -> bytes:
    """Return the file of an image; an id means the same content for ever."""
    return connection.client().images.download(image)


@connection.lookup(seconds=_DRAWN_SECONDS, most=400)
def thumbnail(project_id: ProjectId, image: Image, size: tuple[int, int]) -> bytes | None:
    """Return a JPEG of an image with its annotations; ``None`` if the file cannot be read as an image.

    The classes of the project give colours and skeletons. The picture is cut around its centre to the shape of
    ``size``, width and height in pixels.
    """
    facts = lookups.project(project_id)
    classes = {item.name: item for item in facts.meta.classes} if facts else {}
    annotation = lookups.annotations((image,)).get(image.id)
    drawn_on = None if annotation is None else (annotation.width, annotation.height)
    try:
        with opened(connection.client().images.download(image.id)) as file:
            own = file.size_for(drawn_on)
            # Drawn at twice the size and scaled down with what is on it: thin lines stay smooth.
            scale = min(1.0, _OVERSAMPLING * max(size[0] / own[0], size[1] / own[1]))
            drawn = max(1, round(own[0] * scale)), max(1, round(own[1] * scale))
            picture = file.pixels(least=drawn, drawn_on=drawn_on)
    except InputError:
        return None
    # Scaled before the objects are drawn: a photograph has a hundred times the pixels of its thumbnail.
    small = picture.convert("RGB").resize(drawn)
    if annotation is not None:
        small = draw_annotation(small, annotation, classes)
    buffer = io.BytesIO()
    ImageOps.fit(small, size, Picture.Resampling.LANCZOS).save(buffer, format="JPEG", quality=88)
    return buffer.getvalue()


def drawn(jpeg: bytes, annotation: Annotation, classes: Mapping[str, ObjectClass]) -> bytes:
    """Return a small JPEG with the objects drawn on it; see :func:`draw_annotation`."""
    buffer = io.BytesIO()
    with Picture.open(io.BytesIO(jpeg)) as opened:
        larger = opened.resize((opened.width * _OVERSAMPLING, opened.height * _OVERSAMPLING))
    draw_annotation(larger, annotation, classes).save(buffer, format="JPEG", quality=88)
    return buffer.getvalue()


def draw_annotation(
    picture: Picture.Image, annotation: Annotation, classes: Mapping[str, ObjectClass]
) -> Picture.Image:
    """Return a picture with the objects drawn on it, half-transparent with a solid outline.

    The picture is RGB and may be a scaled copy: the annotation has the pixels of the original image. ``classes`` are
    those of the project by their names.
    """
    across = picture.width / max(annotation.width, 1)
    down = picture.height / max(annotation.height, 1)
    layer = Picture.new("RGBA", picture.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)

    def scaled(points: Sequence[Point]) -> list[tuple[float, float]]:
        return [(x * across, y * down) for x, y in points]

    for label in annotation.labels:
        object_class = classes.get(label.class_name)
        color = object_class.color if object_class else NO_COLOR
        match label.geometry:
            case Rectangle(left=left, top=top, right=right, bottom=bottom):
                box = (left * across, top * down, right * across, bottom * down)
                pen.rectangle(box, fill=_with_alpha(color), outline=color, width=_LINE)
            case Polygon(exterior=exterior):
                outline = scaled(exterior)
                pen.polygon(outline, fill=_with_alpha(color))
                pen.line([*outline, outline[0]], fill=color, width=_LINE, joint="curve")
            case Bitmap():
                _paste_mask(layer, label.geometry, color, (across, down))
            case OtherGeometry():  # none of our models learns them, but people look for what they drew
                dots, lines = strokes(label.geometry, object_class)
                for line in lines:
                    pen.line(scaled(line), fill=color, width=_LINE, joint="curve")
                for x, y in scaled(dots):
                    _draw_dot(pen, x, y, color)
            case _:
                assert_never(label.geometry)
    return Picture.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


def _draw_dot(pen: ImageDraw.ImageDraw, x: float, y: float, color: str) -> None:
    """A dot with a rim, so that it is seen on its own lines and on an image of its colour."""
    box = (x - _DOT, y - _DOT, x + _DOT, y + _DOT)
    pen.ellipse(box, fill=color, outline="#FFFFFF", width=_OVERSAMPLING // 2)


def _paste_mask(layer: Picture.Image, bitmap: Bitmap, color: str, scale: tuple[float, float]) -> None:
    try:
        mask = decode_mask(bitmap)
    except InputError:
        return  # a damaged mask must not hide the image
    across, down = scale
    size = (max(1, round(mask.shape[1] * across)), max(1, round(mask.shape[0] * down)))
    # Masks are a little denser than boxes, which also have an outline.
    alpha = Picture.fromarray(mask.astype(np.uint8) * (_FILL_ALPHA + 50)).resize(size)
    filled = Picture.new("RGBA", size, color)
    filled.putalpha(alpha)
    layer.alpha_composite(filled, (max(0, round(bitmap.origin[0] * across)), max(0, round(bitmap.origin[1] * down))))


def _with_alpha(color: str) -> tuple[int, int, int, int]:
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return red, green, blue, _FILL_ALPHA


def draw_legend(classes: Sequence[ObjectClass], *, most: int = _MOST_IN_LEGEND) -> None:
    """Draw which colour means which class, for the first ones."""
    shown = classes[:most]
    items = "".join(
        f'<span class="td-class" role="listitem"><i style="background:{html.escape(item.color)}"></i>'
        f"{html.escape(item.name)}</span>"
        for item in shown
    )
    rest = len(classes) - len(shown)
    more = f'<span role="listitem">{_("and {count} more").format(count=rest)}</span>' if rest else ""
    st.html(f'<div class="td-legend" role="list" aria-label="{_("Classes and their colours")}">{items}{more}</div>')
