"""How large images and objects of a project are, from a sample of its images."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.datasets.geometry import bounds
from core.domain.annotation import Annotation, Geometry
from core.domain.ids import ImageId
from core.domain.image import Image
from core.errors import InputError

_IMAGE_STEPS = (320, 640, 1280, 1920, 3840)
_SMALL, _MEDIUM = 32, 96
"""COCO's limits of small and medium objects: sides of a square, in pixels."""

OBJECT_SIZES = (f"up to {_SMALL} px", f"{_SMALL} to {_MEDIUM} px", f"over {_MEDIUM} px")
IMAGE_SIZES = (f"up to {_IMAGE_STEPS[0]} px", *(f"up to {step:,} px" for step in _IMAGE_STEPS[1:]), "larger")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataProfile:
    """Counts of a sample.

    Attributes:
        images: Images in the sample.
        objects: Objects on them whose extent is known.
        image_sizes: One of :data:`IMAGE_SIZES`, by the longer side → images.
        object_sizes: One of :data:`OBJECT_SIZES`, by the side of a square of the same area → objects.
    """

    images: int
    objects: int
    image_sizes: Mapping[str, int]
    object_sizes: Mapping[str, int]


def profile(images: Sequence[Image], annotations: Mapping[ImageId, Annotation]) -> DataProfile:
    """Count sizes of images and of the boxes around their objects."""
    image_sizes = Counter(_image_size(max(image.width, image.height)) for image in images)
    object_sizes: Counter[str] = Counter()
    for annotation in annotations.values():
        object_sizes.update(size for label in annotation.labels if (size := _object_size(label.geometry)) is not None)
    return DataProfile(
        images=len(images),
        objects=object_sizes.total(),
        image_sizes={name: image_sizes[name] for name in IMAGE_SIZES},
        object_sizes={name: object_sizes[name] for name in OBJECT_SIZES},
    )


def _image_size(side: int) -> str:
    position = next((index for index, step in enumerate(_IMAGE_STEPS) if side <= step), len(_IMAGE_STEPS))
    return IMAGE_SIZES[position]


def _object_size(geometry: Geometry) -> str | None:
    try:
        box = bounds(geometry)
    except InputError:  # a damaged mask
        return None
    if box is None:
        return None
    area = (box.right - box.left + 1) * (box.bottom - box.top + 1)
    return OBJECT_SIZES[0 if area <= _SMALL**2 else 1 if area <= _MEDIUM**2 else 2]
