"""Semantic segmentations side by side: which of their figures are counted in pixels, and when they may be ranked."""

from traindash.comparison.experiment import Comparison
from traindash.evaluation.semantic import FIGURES
from traindash.formatting import count, listing, quoted
from traindash.language import gettext as _
from traindash.language import ngettext

PIXEL_METRICS = frozenset({*FIGURES, "PixelAcc"})


def unlike_pixels(comparison: Comparison) -> tuple[str, ...]:
    """Return why the mIoU of semantic segmentations must not be ranked; empty where nothing speaks against it."""
    measured = comparison.semantic
    reasons = []
    classes = {frozenset(one.name for one in evaluation.classes) for _e, evaluation in measured}
    if len(classes) > 1:
        own = sorted(frozenset().union(*classes) - frozenset.intersection(*classes))
        names = listing([quoted(name) for name in own])
        unlike = _("They were measured on different classes: not all of them have {names}.")
        reasons.append(unlike.format(names=names))
    images = {frozenset(evaluation.images) for _e, evaluation in measured if evaluation.images}
    if len(images) > 1:
        shared = len(frozenset.intersection(*images))
        unlike = ngettext(
            "They were measured on different images: {count} image in common.",
            "They were measured on different images: {count} images in common.",
            shared,
        )
        reasons.append(unlike.format(count=count(shared)))
    return tuple(reasons)
