"""Predictions as Supervisely's serving apps answer them (docs/supervisely-api.md 13.4)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from traindash.datasets.annotation_json import annotation_to_json
from traindash.domain.annotation import Annotation
from traindash.domain.prediction import FoundObject, ImagePrediction, as_annotation
from traindash.errors import InputError
from traindash.training.runs.predicting import GivenImage

BATCH = 16  # images that a model gets at once, as the SDK's `DEFAULT_BATCH_SIZE`; more are asked for in turns
# What Supervisely's apps start with (`inference_settings.yaml` of the YOLO app)
DEFAULT_CONFIDENCE = 0.25
MOST_OBJECTS = 300
SETTINGS: Mapping[str, Any] = {"conf": DEFAULT_CONFIDENCE, "max_det": MOST_OBJECTS}
# `LabelingStatus.AUTO` of the SDK: a model has made it, and nobody has touched it
MADE_BY_A_MODEL: Mapping[str, Any] = {"nnCreated": True, "nnUpdated": True}

_Confidence: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
_Name: TypeAlias = Annotated[str, Meta(max_length=1000)]


class Settings(msgspec.Struct):
    """The inference settings that are kept to; others, which other apps know, are passed over."""

    conf: _Confidence | None = None
    # other names of the same, as `set_conf_auto` of the SDK knows them
    confidence: _Confidence | None = None
    confidence_threshold: _Confidence | None = None
    confidence_thresh: _Confidence | None = None
    max_det: Annotated[int, Meta(ge=1, le=MOST_OBJECTS)] = MOST_OBJECTS
    classes: Annotated[tuple[_Name, ...], Meta(max_length=10_000)] | _Name | None = None
    inference_mode: _Name = "full_image"
    existing_objects_iou_thresh: _Confidence | None = None

    @property
    def least(self) -> float:
        """Confidence from which on objects are told."""
        given = (self.conf, self.confidence, self.confidence_threshold, self.confidence_thresh)
        return next((value for value in given if value is not None), DEFAULT_CONFIDENCE)

    @property
    def wanted(self) -> Collection[str] | None:
        """Names of the classes that are told, ``None`` for all."""
        if self.classes is None or self.classes == "all":
            return None
        return {self.classes} if isinstance(self.classes, str) else set(self.classes)

    def check(self) -> None:
        """Refuse what cannot be done.

        Raises:
            InputError: A sliding window is asked for.
        """
        if self.inference_mode != "full_image":
            msg = f"The inference mode {self.inference_mode[:80]!r} is not there."
            raise InputError(msg, "Use full_image; get_session_info says that there is no sliding window.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedImage:
    """An image that a client wants to be looked at."""

    given: GivenImage
    name: str | None = None
    image_id: int | None = None  # of an image of a project; so are the next two
    dataset_id: int | None = None
    project_id: int | None = None

    @property
    def words(self) -> str:
        """What it is called in messages."""
        if self.given.frame is not None:
            return f"Frame {self.given.frame} of the video"
        return f"The image {self.name!r}" if self.name else "The image"


def kept(found: ImagePrediction, settings: Settings) -> ImagePrediction:
    """Return what the settings want to be told of what was found."""
    wanted = settings.wanted
    objects = [
        one for one in found.objects if one.score >= settings.least and (wanted is None or one.class_name in wanted)
    ]
    objects.sort(key=lambda one: -one.score)
    return replace(found, objects=tuple(objects[: settings.max_det]))


def annotation_of(found: ImagePrediction) -> Annotation:
    """Return what was found as an annotation whose objects say that a model has made them."""
    annotation = as_annotation(found.objects, found.width, found.height)
    return replace(annotation, labels=tuple(replace(label, extra=MADE_BY_A_MODEL) for label in annotation.labels))


def result_json(asked: AskedImage, found: ImagePrediction, *, told: bool = True) -> dict[str, Any]:
    """Return a result; without what was ``told`` where it went into a project instead."""
    # Rectangles of Supervisely's annotations have whole pixels; what `cocoDt.json` says stands beside them
    boxes = {"boxes": [_coco_box(one) for one in found.objects]}
    return {
        "annotation": {**annotation_to_json(annotation_of(found)), "customBigData": {}} if told else None,
        "data": boxes if told else None,
        "source": None,
        "name": asked.name,
        "image_name": asked.name,
        "path": None,
        "url": None,
        "project_id": asked.project_id,
        "dataset_id": asked.dataset_id,
        "image_id": asked.image_id,
        "video_id": None,
        "frame_index": asked.given.frame,
    }


def _coco_box(found: FoundObject) -> list[float]:
    """Return left, top, width and height as ``cocoDt.json`` has them."""
    left, top, right, bottom = found.corners
    return [round(value, 3) for value in (left, top, right - left, bottom - top)]
