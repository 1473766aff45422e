"""Sample predictions: what the model finds on a few fixed validation images after each epoch.

Nothing is predicted for it. The engine validates after each epoch anyway, so the boxes and masks of those few images
are taken from what its validator has just computed; that costs milliseconds per image.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from traindash.datasets.contours import simplify, trace
from traindash.datasets.geometry import annotation_inside
from traindash.datasets.training_labels import yolo_lines
from traindash.domain.annotation import Point
from traindash.domain.experiment import SampleBox, SampleImage, flat_borders
from traindash.domain.ids import ImageId
from traindash.training.runs.events import EventWriter, parse_row
from traindash.training.runs.spec import RunLayout, TrainSpec
from traindash.training.trainers.yolo.data import PlacedImage

MOST_IMAGES = 8
MOST_BOXES = 30
"""Of one image; what is annotated and what is found alike."""
MOST_MASKS = 12
"""Of one image; what else is found is told as boxes."""
MOST_EPOCHS = 100
"""A longer training shows every second, third, … epoch, so that its log stays small."""
LEAST_SCORE = 0.1
FILE_NAME = "sample_predictions.json"

_SIDES = 4
_TOLERANCE = 0.75
"""Pixels by which an outline may be simpler than the mask."""
_ENGINE_ERRORS = (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError)
"""What another version of the engine may bring; samples are not worth a training."""


def choose_samples(val: Sequence[PlacedImage], spec: TrainSpec) -> dict[str, SampleImage]:
    """Choose the images to look at: few that show many classes, the same ones for the same data.

    Args:
        val: Validation images.
        spec: The run.

    Returns:
        File as the engine names it → image; at most :data:`MOST_IMAGES`.
    """
    described = [(str(placed.file), _sample_image(placed, spec)) for placed in val[:: math.ceil(len(val) / 200) or 1]]
    left = [entry for entry in described if entry[1].objects] or described
    chosen: list[tuple[str, SampleImage]] = []
    seen: set[str] = set()
    while left and len(chosen) < MOST_IMAGES:
        best = max(left, key=lambda entry: len(_classes(entry[1]) - seen))
        if not _classes(best[1]) - seen:  # all classes are shown: take the rest from all over the list
            step = max(1, len(left) // (MOST_IMAGES - len(chosen)))
            chosen.extend(left[::step][: MOST_IMAGES - len(chosen)])
            break
        chosen.append(best)
        seen |= _classes(best[1])
        left.remove(best)
    return dict(chosen)


def _classes(image: SampleImage) -> set[str]:
    return {box.class_name for box in image.objects}


def _sample_image(placed: PlacedImage, spec: TrainSpec) -> SampleImage:
    image = placed.image
    annotation = annotation_inside(image.annotation, where=image.name)
    size = (annotation.width, annotation.height)
    lines = yolo_lines(annotation, classes=spec.classes, task_type=spec.task_type)[:MOST_BOXES]
    boxes = tuple(_box_of(line, spec.classes, size) for line in lines)
    return SampleImage(id=image.id, name=image.name, width=size[0], height=size[1], objects=boxes)


def _box_of(line: str, classes: Sequence[str], size: tuple[int, int]) -> SampleBox:
    """Read a label line: class, and centre and size or an outline, in parts of the image's sides."""
    number, *rest = line.split()
    outlines: list[tuple[Point, ...]] = []
    values = np.array(rest, dtype=np.float64)
    if values.size == _SIDES:
        center, extent = values[:2] * size, values[2:] * size
        low = center - extent / 2
    else:
        points = simplify(values.reshape(-1, 2) * size, _TOLERANCE)
        low, extent = points.min(axis=0), np.ptp(points, axis=0)
        outlines.append(_outline(points))
    (left, top), (width, height) = low.tolist(), extent.tolist()
    return SampleBox(
        class_name=classes[int(number)],
        left=left,
        top=top,
        width=width,
        height=height,
        borders=flat_borders(outlines),
    )


def _outline(points: npt.NDArray[np.float64]) -> tuple[Point, ...]:
    return tuple((x, y) for x, y in points.tolist())


class SampleRecorder:
    """Takes the sample images' boxes out of the engine's validation and reports them.

    Args:
        samples: See :func:`choose_samples`.
        events: Where rows go.
    """

    def __init__(self, samples: Mapping[str, SampleImage], events: EventWriter) -> None:
        self._samples = samples
        self._events = events
        self._found: dict[ImageId, list[SampleBox]] | None = None

    def attach(self, model: Any) -> None:  # noqa: ANN401 - ultralytics.YOLO; the engine has no types
        """Register with a model before its ``train()`` is called."""
        if self._samples:
            for event in ("on_train_start", "on_train_epoch_start", "on_fit_epoch_end"):
                model.add_callback(event, getattr(self, event))

    def on_train_start(self, trainer: Any) -> None:  # noqa: ANN401
        """Before the first batch: say which images they are, and look over the validator's shoulder from now on."""
        self._events.samples(tuple(self._samples.values()))
        validator = trainer.validator
        measure = validator.update_metrics

        def look_and_measure(preds: Any, batch: Any) -> None:  # noqa: ANN401
            self.take(preds, batch, validator.names)
            measure(preds, batch)

        validator.update_metrics = look_and_measure

    def on_train_epoch_start(self, trainer: Any) -> None:  # noqa: ANN401
        """Before an epoch: only some of very many are reported."""
        epoch, epochs = trainer.epoch + 1, trainer.epochs
        every = math.ceil(epochs / MOST_EPOCHS)
        self._found = {} if epoch % every == 0 or epoch in {1, epochs} else None

    def on_fit_epoch_end(self, trainer: Any) -> None:  # noqa: ANN401
        """After the validation of an epoch; nothing where there was none, or in the call after the last epoch."""
        if self._found:
            self._events.predictions(trainer.epoch + 1, self._found)
        self._found = None

    def take(self, preds: Sequence[Mapping[str, Any]], batch: Mapping[str, Any], names: Mapping[int, str]) -> None:
        """Keep the boxes of the sample images in a batch of the validation."""
        if self._found is None:
            return
        try:
            for index, file in enumerate(batch["im_file"]):
                if (image := self._samples.get(str(file))) is not None:
                    self._found[image.id] = _boxes(preds[index], batch, index, names)
        except _ENGINE_ERRORS as error:
            self._samples, self._found = {}, None
            self._events.log(f"There are no sample predictions: {type(error).__name__}: {error}", "warning")


def _boxes(pred: Mapping[str, Any], batch: Mapping[str, Any], index: int, names: Mapping[int, str]) -> list[SampleBox]:
    """Return the best boxes of an image in pixels of the image itself; the engine's are in those of its input."""
    scores, numbers, boxes = pred["conf"].tolist(), pred["cls"].tolist(), pred["bboxes"].tolist()
    best = sorted((row for row, score in enumerate(scores) if score >= LEAST_SCORE), key=lambda row: -scores[row])
    height, width = batch["ori_shape"][index]
    (down, across), (pad_x, pad_y) = batch["ratio_pad"][index]

    def inside(x: float, y: float) -> Point:
        return min(max((x - pad_x) / across, 0.0), width), min(max((y - pad_y) / down, 0.0), height)

    found = []
    for place, row in enumerate(best[:MOST_BOXES]):
        (left, top), (right, bottom) = inside(*boxes[row][:2]), inside(*boxes[row][2:])
        parts = _mask_outlines(pred, row, batch["img"].shape[2:]) if "masks" in pred and place < MOST_MASKS else ()
        found.append(
            SampleBox(
                class_name=names[int(numbers[row])],
                left=left,
                top=top,
                width=right - left,
                height=bottom - top,
                score=scores[row],
                borders=flat_borders((inside(x, y) for x, y in outline) for outline in parts),
            )
        )
    return found


def _mask_outlines(pred: Mapping[str, Any], row: int, size: Sequence[int]) -> list[tuple[Point, ...]]:
    """Return the borders of a mask in pixels of the engine's input; it computes masks in a quarter of that size.

    Args:
        pred: With ``masks``, (N, height, width).
        row: Of the mask.
        size: Height and width of the input.
    """
    mask = pred["masks"][row].cpu().numpy() > 0
    down, across = size[0] / mask.shape[0], size[1] / mask.shape[1]
    parts = trace(mask, tolerance=_TOLERANCE, corners=True)
    return [
        tuple((x * across, y * down) for x, y in outline)
        for part in parts
        for outline in (part.exterior, *part.interior)
    ]


def keep_samples(layout: RunLayout) -> None:
    """Write all sample rows of the run, and of those that it continues, into its artifacts; nothing without any."""
    images: object = None
    epochs: dict[int, object] = {}
    for path in (layout.platform_events, layout.events):
        for line in _lines(path):
            match parse_row(line):
                case {"event_type": "EventType.SAMPLES", "images": given}:
                    images = given
                case {"event_type": "EventType.PREDICTIONS", "epoch": int(epoch), "found": found}:
                    epochs[epoch] = found
                case _:
                    pass
    if images is None or not epochs:
        return
    content = {"images": images, "epochs": [{"epoch": epoch, "found": epochs[epoch]} for epoch in sorted(epochs)]}
    layout.artifacts.mkdir(parents=True, exist_ok=True)
    (layout.artifacts / FILE_NAME).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _lines(path: Path) -> list[bytes]:
    if not path.is_file():
        return []
    with path.open("rb") as file:
        return [line for line in file if b"EventType.SAMPLES" in line or b"EventType.PREDICTIONS" in line]
