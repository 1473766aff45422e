"""What a split gives to each side."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.ids import ImageId


@dataclass(frozen=True, slots=True, kw_only=True)
class SideCounts:
    """Images and objects of one class on both sides."""

    train_images: int = 0
    train_objects: int = 0
    val_images: int = 0
    val_objects: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitContent:
    """What a split gives.

    Attributes:
        classes: Class → counts; classes without an object on either side are missing.
        shared_contents: Different files that are on both sides, as different images of the project; ``None`` where the
            server did not look, as in very large projects.
        shared_examples: Names of some, as (training, validation).
        train_sample: Some images of the training side, taken evenly.
        val_sample: Some images of the validation side, taken evenly.
    """

    classes: Mapping[str, SideCounts]
    shared_contents: int | None = 0
    shared_examples: tuple[tuple[str, str], ...] = ()
    train_sample: tuple[ImageId, ...] = ()
    val_sample: tuple[ImageId, ...] = ()
