"""The comparability badge: in two or three words whether figures may stand side by side, with the reasons."""

from dataclasses import dataclass
from typing import Literal

from core.compare.certainty import Significance
from core.compare.experiment import Comparison
from core.compare.formatting import plural


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How comparable the experiments are.

    Attributes:
        kind: ``alike``: same images, classes and thresholds. ``reserved``: the same as far as is known. ``rescored``:
            made alike by scoring again. ``unlike``: shown as each was measured. ``unknown``: nothing to judge.
        words: For the badge.
        reasons: Why; sentences.
    """

    kind: Literal["alike", "reserved", "rescored", "unlike", "unknown"]
    words: str
    reasons: tuple[str, ...]


def standing_of(comparison: Comparison, significance: Significance) -> Standing:
    """Return the badge of a comparison on the basis it is shown on."""
    warnings = tuple(reason.text for reason in significance.reasons if reason.only_a_warning)
    if comparison.common is not None:
        words = f"Scored again on {plural(comparison.common.images, 'common image')}"
        return Standing(kind="rescored", words=words, reasons=(*comparison.common.reasons, *warnings))
    if significance.judgement is None:
        reason = "Fewer than two experiments have an evaluation, so there is nothing to hold against each other."
        return Standing(kind="unknown", words="Not checked", reasons=(reason,))
    reasons = tuple(reason.text for reason in significance.reasons)
    if not significance.are_comparable:
        return Standing(kind="unlike", words="Not measured alike", reasons=reasons)
    if warnings:
        return Standing(kind="reserved", words="Comparable as far as is known", reasons=reasons)
    images = plural(len(significance.judgement.images), "image")
    classes = plural(len(significance.judgement.classes), "class", "classes")
    same = f"All were measured on the same {images} and {classes} at the same thresholds, and none was trained on them."
    return Standing(kind="alike", words="Comparable", reasons=(same,))
