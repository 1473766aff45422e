"""Semantic segmentations side by side: which of their figures are counted in pixels, and when they may be ranked."""

from traindash.comparison.experiment import Comparison
from traindash.evaluation.semantic import FIGURES
from traindash.formatting import listing, plural

PIXEL_METRICS = frozenset({*FIGURES, "PixelAcc"})


def unlike_pixels(comparison: Comparison) -> tuple[str, ...]:
    """Return why the mIoU of semantic segmentations must not be ranked; empty where nothing speaks against it."""
    measured = comparison.semantic
    reasons = []
    classes = {frozenset(one.name for one in evaluation.classes) for _, evaluation in measured}
    if len(classes) > 1:
        own = sorted(frozenset().union(*classes) - frozenset.intersection(*classes))
        names = listing([f"“{name}”" for name in own])
        reasons.append(f"They were measured on different classes: not all of them have {names}.")
    images = {frozenset(evaluation.images) for _, evaluation in measured if evaluation.images}
    if len(images) > 1:
        shared = len(frozenset.intersection(*images))
        reasons.append(f"They were measured on different images: {plural(shared, 'image')} in common.")
    return tuple(reasons)
