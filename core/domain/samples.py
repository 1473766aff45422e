"""Sample predictions: what a model finds on the same few validation images while it learns."""

from dataclasses import dataclass

from core.domain.annotation import Point
from core.domain.ids import ImageId


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleBox:
    """An object on a sample image, annotated or found, as an upright box in pixels of the image.

    Attributes:
        class_name: Its object class.
        score: Confidence 0 to 1 of what was found; ``None`` for what was annotated.
        outlines: Borders of its mask, those of holes, too; empty where there is only the box.
    """

    class_name: str
    left: float
    top: float
    width: float
    height: float
    score: float | None = None
    outlines: tuple[tuple[Point, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleImage:
    """A validation image that is looked at again and again.

    Attributes:
        id: Image id on the server.
        name: File name.
        width: Pixels.
        height: Pixels.
        objects: What is annotated on it, of the classes that are trained.
    """

    id: ImageId
    name: str
    width: int
    height: int
    objects: tuple[SampleBox, ...] = ()
