"""Sample images and predictions out of log rows. What does not fit is left out: a log is not worth an error."""

from collections.abc import Mapping, Sequence
from typing import Annotated, TypeAlias

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from core.domain.ids import ImageId
from core.domain.samples import SampleBox, SampleImage

_Side: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
_Score: TypeAlias = Annotated[float, Field(ge=0, le=1)]
_Outlines: TypeAlias = Annotated[list[Annotated[list[_Side], Field(min_length=6)]], Field(min_length=1)]
_Annotated: TypeAlias = tuple[str, _Side, _Side, _Side, _Side] | tuple[str, _Side, _Side, _Side, _Side, None, _Outlines]
_Found: TypeAlias = (
    tuple[str, _Side, _Side, _Side, _Side, _Score] | tuple[str, _Side, _Side, _Side, _Side, _Score, _Outlines]
)


class _Image(BaseModel):
    id: int
    name: str
    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]
    objects: tuple[_Annotated, ...] = ()


_IMAGES: TypeAdapter[tuple[_Image, ...]] = TypeAdapter(tuple[_Image, ...])
_FOUND: TypeAdapter[dict[int, tuple[_Found, ...]]] = TypeAdapter(dict[int, tuple[_Found, ...]])


def sample_images(fields: Mapping[str, object]) -> tuple[SampleImage, ...]:
    """Return the images of a row of type ``EventType.SAMPLES``."""
    try:
        images = _IMAGES.validate_python(fields.get("images"))
    except ValidationError:
        return ()
    return tuple(
        SampleImage(
            id=ImageId(image.id),
            name=image.name,
            width=image.width,
            height=image.height,
            objects=tuple(_box(*given) for given in image.objects),
        )
        for image in images
    )


def sample_predictions(fields: Mapping[str, object]) -> Mapping[ImageId, tuple[SampleBox, ...]]:
    """Return what a row of type ``EventType.PREDICTIONS`` says was found on each image."""
    try:
        found = _FOUND.validate_python(fields.get("found"))
    except ValidationError:
        return {}
    return {ImageId(image): tuple(_box(*given) for given in boxes) for image, boxes in found.items()}


def _box(  # noqa: PLR0913, PLR0917 - a row of the log
    class_name: str,
    left: float,
    top: float,
    width: float,
    height: float,
    score: float | None = None,
    outlines: Sequence[Sequence[float]] = (),
) -> SampleBox:
    return SampleBox(
        class_name=class_name,
        left=left,
        top=top,
        width=width,
        height=height,
        score=score,
        outlines=tuple(tuple(zip(flat[::2], flat[1::2], strict=False)) for flat in outlines),
    )
