"""The images and classes that unlike experiments are re-scored on, and what that leaves out."""

from dataclasses import dataclass

from core.compare.formatting import count, listing, plural


@dataclass(frozen=True, slots=True, kw_only=True)
class OmittedImage:
    """An evaluated image that is not in the common set.

    Attributes:
        name: File name.
        dataset: Where it belongs.
        reason: Why it is left out, e.g. ``not in all experiments``.
    """

    name: str
    dataset: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What of one evaluation is not in the common set.

    Attributes:
        key: Of the experiment.
        label: Its name.
        evaluated: Images it was measured on.
        images: Those of them that are left out.
        classes: Its classes that are left out.
    """

    key: str
    label: str
    evaluated: int
    images: tuple[OmittedImage, ...]
    classes: tuple[str, ...]

    @property
    def words(self) -> str:
        """What is left out, as a sentence; class names up to eight."""
        parts = [f"{count(len(self.images))} of {plural(self.evaluated, 'image')}"] if self.images else []
        if self.classes:
            names = listing([f"“{name}”" for name in self.classes], limit=8)
            parts.append(f"{plural(len(self.classes), 'class', 'classes')}: {names}")
        return f"“{self.label}”: {'; '.join(parts) or 'nothing'}."


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonSet:
    """What all experiments were scored on again.

    Attributes:
        images: Number of images; annotated alike, and no experiment is known to have been trained on them.
        classes: Names.
        reasons: Why the figures as each was measured must not stand side by side.
        left_out: One entry for each experiment that has an evaluation.
    """

    images: int
    classes: tuple[str, ...]
    reasons: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
