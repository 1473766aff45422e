"""An image with what two experiments say about it, as two drawings of the same cut-out beside each other."""

from collections.abc import Sequence
from html import escape

from core.compare.report.tables import swatch
from core.compare.story_parts import Box, Scene, Side

_ASPECT = 4 / 3
_MARGIN = 0.6
"""Room around the objects, as a share of their size."""
_SMALLEST = 48.0
"""Pixels that a cut-out shows at least."""


def scene_html(scene: Scene, picture: str | None) -> str:
    """Return both sides.

    Args:
        scene: What to show.
        picture: Address of the image, ``data:…``; without it the boxes stand on a plain ground.
    """
    window = cut_out(scene)
    figures = "".join(_figure(scene, side, window, picture) for side in scene.sides)
    words = f"{scene.name}. Dashed: the object as annotated."
    if picture is None:
        words += " The image itself cannot be shown here."
    return f'<div class="sh-scene">{figures}</div><p class="sh-note">{escape(words)}</p>'


def cut_out(scene: Scene) -> tuple[float, float, float, float]:
    """Return left, top, width and height of the part of the image that is shown: around the objects, 4 to 3."""
    boxes = scene.truth or tuple(box for side in scene.sides for box in side.boxes)
    right, bottom = max(box.left + box.width for box in boxes), max(box.top + box.height for box in boxes)
    left, top = min(box.left for box in boxes), min(box.top for box in boxes)
    height = max((bottom - top) * (1 + 2 * _MARGIN), (right - left) * (1 + 2 * _MARGIN) / _ASPECT, _SMALLEST)
    if scene.width and scene.height:
        height = min(height, scene.height, scene.width / _ASPECT)
    width = height * _ASPECT
    x, y = (left + right - width) / 2, (top + bottom - height) / 2
    if scene.width and scene.height:
        x, y = min(max(0.0, x), scene.width - width), min(max(0.0, y), scene.height - height)
    return round(x, 1), round(y, 1), round(width, 1), round(height, 1)


def _figure(scene: Scene, side: Side, window: Sequence[float], picture: str | None) -> str:
    x, y, width, height = window
    frame = f'x="{x}" y="{y}" width="{width}" height="{height}"'
    image = f'<rect {frame} class="sh-ground"/>'
    if picture:
        size = f'width="{scene.width}" height="{scene.height}"' if scene.width and scene.height else ""
        image = f'<image href="{escape(picture)}" {size} preserveAspectRatio="none"/>'
    truth = "".join(_rect(box, "sh-truth") for box in scene.truth)
    found = "".join(_rect(box, "sh-right" if box.right else "sh-wrong") for box in side.boxes)
    words = f"“{side.name}” {side.caption}"
    return (
        f'<figure><svg viewBox="{x} {y} {width} {height}" role="img" aria-label="{escape(f"{words}: {scene.name}")}">'
        f'{image}{truth}<g class="cx-c{side.style.color}">{found}</g></svg>'
        f"<figcaption>{swatch(side.style)} {escape(side.name)} <b>{escape(side.caption)}</b></figcaption></figure>"
    )


def _rect(box: Box, kind: str) -> str:
    place = f'x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'
    return f'<rect {place} class="sh-halo"/><rect {place} class="{kind}"><title>{escape(box.label)}</title></rect>'
