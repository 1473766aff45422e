"""Gallery of the one-file report: for some images the ground truth and what every experiment makes of it."""

from collections.abc import Sequence
from html import escape

from traindash.comparison.embedded_picture import embedded
from traindash.comparison.image_query import ImageQuery, Outcome, find
from traindash.comparison.image_set import ImageSet
from traindash.comparison.pictures.crops import LoadImage
from traindash.comparison.pictures.gallery import (
    MOST_COLUMNS,
    GalleryCell,
    GalleryRow,
    ImageOrder,
    gallery_row,
    ordered,
)
from traindash.comparison.pictures.marks import Mark, MarkKind, Shape, path_data
from traindash.comparison.report.tables import swatch
from traindash.errors import InputError
from traindash.formatting import plural

MOST_IMAGES = 12
_LONGEST = 560
"""Pixels of the longer side of an embedded image."""
_KINDS = {
    MarkKind.TRUTH: "rp-truth",
    MarkKind.FOUND: "rp-found",
    MarkKind.FALSE_ALARM: "rp-alarm",
    MarkKind.MISSED: "rp-missed",
}


def gallery_html(images: ImageSet, load: LoadImage) -> str:
    """Return the images with the most disagreement, or of a single experiment those with the most mistakes.

    Args:
        images: Of the comparison; at least one experiment.
        load: Gives the images; where it gives none, the marks stand on a plain ground.
    """
    several = len(images.keys) > 1
    mistakes = ImageQuery(title="", outcomes=(Outcome.MISSED, Outcome.FALSE_ALARM))
    order = ImageOrder.DISAGREEMENT if several else ImageOrder.ENTRIES
    chosen = ordered(find(mistakes, images), images, order)[:MOST_IMAGES].tolist()
    if not chosen:
        return "<p>There are no mistakes to show: everything was found and nothing else.</p>"
    columns = list(range(min(len(images.keys), MOST_COLUMNS)))
    rows = "".join(_row(images, image, columns, load) for image in chosen)
    first = "the most disagreement between the experiments" if several else "the most mistakes"
    hidden = len(images.keys) - len(columns)
    left_out = f" {plural(hidden, 'experiment')} more did not fit." if hidden else ""
    return (
        f'<p class="rp-note">{plural(len(chosen), "image")} with {first}, each model at its own threshold.'
        f"{left_out}</p>{_legend()}{rows}"
    )


def _legend() -> str:
    words = ("Annotated object", "Found", "False alarm", "Missed")
    items = "".join(
        '<li><svg viewBox="0 0 24 14" aria-hidden="true"><rect x="2" y="2" width="20" height="10" '
        f'class="{kind}"/></svg> {word}</li>'
        for kind, word in zip(_KINDS.values(), words, strict=True)
    )
    return f'<ul class="cx-legend rp-kinds">{items}</ul>'


def _row(images: ImageSet, image: int, columns: Sequence[int], load: LoadImage) -> str:
    row = gallery_row(images, image, columns, None)
    source = _source(images, image, load)
    cells = [_cell(row, row.cells[0], source, f"Ground truth: {plural(len(row.cells[0].marks), 'object')}", first=True)]
    for column, cell in zip(columns, row.cells[1:], strict=True):
        head = f"{swatch(images.styles[column])} {escape(images.labels[column])}: {_words(cell)}"
        cells.append(_cell(row, cell, source, head, first=False))
    missing = "" if source else " The image itself cannot be had here."
    return (
        f'<div class="rp-row-of-images"><h4>{escape(row.name)}<small>{missing}</small></h4>'
        f'<div class="rp-cells">{"".join(cells)}</div></div>'
    )


def _source(images: ImageSet, image: int, load: LoadImage) -> str:
    number = images.sly_id(image)
    content = None if number is None else load(number)
    if content is None:
        return ""
    try:
        return embedded(content, _LONGEST)
    except InputError:  # the row says that there is no image
        return ""


def _cell(row: GalleryRow, cell: GalleryCell, source: str, head: str, *, first: bool) -> str:
    """Return one column; the image itself stands in the first one, the others point to it."""
    width, height = row.size
    ground = f'<rect width="{width}" height="{height}" class="rp-ground"/>'
    if source:
        ground = f'<image id="image-{row.image}" href="{source}" width="{width}" height="{height}"/>'
    if source and not first:
        ground = f'<use href="#image-{row.image}"/>'
    marks = "".join(_mark(mark, shape) for mark, shape in zip(cell.marks, cell.shapes, strict=True))
    return (
        f'<figure><svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(row.name)}">{ground}{marks}</svg>'
        f"<figcaption>{head}</figcaption></figure>"
    )


def _words(cell: GalleryCell) -> str:
    if not cell.measured:
        return "not measured on this image"
    kinds = ((MarkKind.FOUND, "found"), (MarkKind.MISSED, "missed"))
    alarms = plural(cell.count(MarkKind.FALSE_ALARM), "false alarm")
    return f"{', '.join(f'{cell.count(kind)} {word}' for kind, word in kinds)}, {alarms}"


def _mark(mark: Mark, shape: Shape) -> str:
    """Return the mask of a mark, otherwise its box."""
    x, y, width, height = mark.box
    place = f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    kind = _KINDS[mark.kind]
    if shape:
        place, kind = f'<path d="{path_data(shape)}"', f"{kind} rp-mask"
    title = f"<title>{escape(mark.words)}</title>"
    return f'{place} class="rp-halo"/>{place} class="{kind}">{title}{"</path>" if shape else "</rect>"}'
