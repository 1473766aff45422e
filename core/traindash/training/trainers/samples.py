"""Sample predictions: what the model finds on a few fixed validation images after each epoch.

Nothing is predicted for it. The engine validates after each epoch anyway, so the boxes and masks of those few images
are taken from what its validator has just computed; that costs milliseconds per image.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from traindash.datasets.contours import simplify
from traindash.datasets.training_labels import LearntObject, learnt_objects
from traindash.domain.annotation import Point
from traindash.domain.experiment import SampleBox, SampleImage, flat_borders
from traindash.domain.ids import ImageId
from traindash.training.runs.events import EventWriter, parse_row
from traindash.training.runs.spec import RunLayout, TrainSpec
from traindash.training.trainers.engine import PlacedImage

MOST_IMAGES = 8
# Of one image; what is annotated and what is found alike.
MOST_BOXES = 30
# Of one image; what else is found is told as boxes.
MOST_MASKS = 12
# A longer training shows every second, third, … epoch, so that its log stays small.
MOST_EPOCHS = 100
LEAST_SCORE = 0.1
FILE_NAME = "sample_predictions.json"

# Pixels by which an outline may be simpler than the mask.
TOLERANCE = 0.75


def choose_samples(val: Sequence[PlacedImage], spec: TrainSpec) -> dict[str, SampleImage]:
    """Choose the images to look at: few that show many classes, the same ones for the same data.

    They are found by the file as the engine names it; at most :data:`MOST_IMAGES`.
    """
    # Two hundred images are enough to choose from
    described = [(str(placed.file), _sample_image(placed, spec)) for placed in val[:: math.ceil(len(val) / 200) or 1]]
    left = [entry for entry in described if entry[1].objects] or described
    chosen: list[tuple[str, SampleImage]] = []
    seen: set[str] = set()
    while left and len(chosen) < MOST_IMAGES:
        # Greedy: the image with most classes that are not shown yet
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
    image, annotation = placed.image, placed.annotation
    size = (annotation.width, annotation.height)
    learnt = learnt_objects(annotation, classes=spec.classes, task_type=spec.task_type)[:MOST_BOXES]
    boxes = tuple(_box_of(item, spec.classes, size) for item in learnt)
    return SampleImage(id=image.id, name=image.name, width=size[0], height=size[1], objects=boxes)


def _box_of(learnt: LearntObject, classes: Sequence[str], size: tuple[int, int]) -> SampleBox:
    """Return an object in pixels, its outline simplified."""
    outlines: list[tuple[Point, ...]] = []
    corners = np.array(learnt.box, dtype=np.float64).reshape(2, 2) * size
    if learnt.outline:
        points = simplify(np.array(learnt.outline, dtype=np.float64).reshape(-1, 2) * size, TOLERANCE)
        corners = np.array([points.min(axis=0), points.max(axis=0)])
        outlines.append(tuple((x, y) for x, y in points.tolist()))
    (left, top), (width, height) = corners[0].tolist(), (corners[1] - corners[0]).tolist()
    return SampleBox(
        class_name=classes[learnt.number],
        left=left,
        top=top,
        width=width,
        height=height,
        borders=flat_borders(outlines),
    )


class SampleRecorder:
    """Reports what the model finds on the sample images, as the engine's validation comes to it."""

    def __init__(self, samples: Mapping[str, SampleImage], events: EventWriter) -> None:
        self._samples = samples
        self._events = events
        self._found: dict[ImageId, list[SampleBox]] | None = None

    def announce(self) -> None:
        """Say which images they are."""
        if self._samples:
            self._events.samples(tuple(self._samples.values()))

    def epoch_started(self, epoch: int, epochs: int) -> None:
        """Before an epoch, 1 for the first: only some of very many are reported."""
        # The first and the last epoch always: the pair that shows what was learned
        every = math.ceil(epochs / MOST_EPOCHS)
        self._found = {} if epoch % every == 0 or epoch in {1, epochs} else None

    def wants(self, file: str) -> bool:
        """Return whether :meth:`take` shall be told of a validation image in this epoch."""
        return self._found is not None and file in self._samples

    def take(self, file: str, boxes: list[SampleBox]) -> None:
        """Keep what was found on a sample image, best first."""
        if self._found is not None:
            self._found[self._samples[file].id] = boxes

    def give_up(self, error: Exception) -> None:
        """Report no samples any more: another version of an engine answers in another form."""
        self._samples, self._found = {}, None
        self._events.log(f"There are no sample predictions: {type(error).__name__}: {error}", "warning")

    def epoch_done(self, epoch: int) -> None:
        """After the validation of an epoch; nothing where there was none."""
        if self._found:
            self._events.predictions(epoch, self._found)
        self._found = None


def keep_samples(layout: RunLayout) -> None:
    """Write all sample rows of the run, and of those that it continues, into its artifacts; nothing without any."""
    images: object = None
    epochs: dict[int, object] = {}
    # A continued run has the rows of the run before it among the platform's (tasks/resuming.py)
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
