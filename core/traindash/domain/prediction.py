"""What trained models find on images: the answer of every prediction, whoever asked for it.

Trying a model, serving it and labelling with it get these values from the function that the evaluation predicts with
(``core/traindash/training/trainers/predict.py``), so the same picture has the same objects everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from traindash.domain.annotation import Annotation, Bitmap, Label, Rectangle, Tag
from traindash.domain.ids import ImageId, TeamId

# Predictions below are not recorded, as in Supervisely's Model Benchmark (``CONF_THRES`` in the SDK's benchmark)
LEAST_CONFIDENCE = 0.05
# Name of the tag in which a predicted object has its score (``_extract_confidence`` of the SDK reads it)
CONFIDENCE_TAG = "confidence"
MOST_IMAGES = 50  # of one request


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A model that an experiment has left: a checkpoint, or its export to ONNX."""

    team_id: TeamId
    path: str  # in Team Files, e.g. `/experiments/3_Fruit/12_YOLO/checkpoints/best.pt`


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundObject:
    """An object that a model finds."""

    class_name: str
    # left, top, right and bottom in pixels of the image, positions between pixels as in COCO files; may lie outside
    corners: tuple[float, float, float, float]
    score: float  # confidence, 0 to 1
    mask: Bitmap | None = None  # where it is; `None` of a detector

    def as_label(self, width: int, height: int) -> Label:
        """Return it as an object of an annotation: a rectangle in whole pixels or its mask, with its confidence."""
        return Label(
            class_name=self.class_name,
            geometry=self.mask or self._rectangle(width, height),
            tags=(Tag(name=CONFIDENCE_TAG, value=round(self.score, 6)),),
        )

    def _rectangle(self, width: int, height: int) -> Rectangle:
        left, top, right, bottom = (round(value) for value in self.corners)
        left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
        # The last pixel belongs to a rectangle of Supervisely, and a position behind it to one of an engine
        return Rectangle(
            left=left,
            top=top,
            right=min(max(right - 1, left), width - 1),
            bottom=min(max(bottom - 1, top), height - 1),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePrediction:
    """What a model finds on one image."""

    # of the picture that the corners count in: as people see it, or as the annotation of a project's image counts
    width: int = 0
    height: int = 0
    objects: tuple[FoundObject, ...] = ()
    # what the model took for it, from the file to the objects; of several images at once each has its share
    milliseconds: float = 0.0
    image_id: ImageId | None = None  # of an image of a project
    problem: str = ""  # why this image could not be used, a sentence; empty otherwise

    def annotation(self, confidence: float = LEAST_CONFIDENCE) -> Annotation:
        """Return the objects from a confidence on as an annotation."""
        return as_annotation(self.objects, self.width, self.height, confidence)


def as_annotation(objects: Sequence[FoundObject], width: int, height: int, confidence: float = 0.0) -> Annotation:
    """Return what was found on an image as its annotation."""
    labels = tuple(one.as_label(width, height) for one in objects if one.score >= confidence)
    return Annotation(width=width, height=height, labels=labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFacts:
    """What is known of a video before models look at its frames."""

    frames: int
    per_second: float
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Milliseconds of one batch, by part and in total."""

    preprocess: float
    inference: float
    postprocess: float

    @property
    def total(self) -> float:
        """All three parts."""
        return self.preprocess + self.inference + self.postprocess


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyModel:
    """A model that is kept ready in a process of its own."""

    model: ModelFile
    classes: tuple[str, ...] = ()  # what it finds; empty while it is being loaded
    pid: int | None = None  # process id; `None` while it is being started
    memory: int = 0  # resident bytes of its process
    images: int = 0  # that it has looked at
    milliseconds: float | None = None  # median of the last images; `None` before the first
    is_busy: bool = False  # it is being loaded, or looks at images
    idle_seconds: float = 0.0  # since it was last asked
