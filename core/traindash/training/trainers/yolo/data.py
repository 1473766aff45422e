"""The run's images → a data set folder as Ultralytics reads it.

::

    dataset/data.yaml
    dataset/images/train/000001.jpg  → link to the original
    dataset/labels/train/000001.txt
    dataset/images/val/…, dataset/labels/val/…
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from traindash.datasets.geometry import annotation_inside
from traindash.datasets.shape_fit import unsuitable_shapes
from traindash.datasets.training_labels import yolo_lines
from traindash.domain.annotation import Annotation
from traindash.domain.plan import Side
from traindash.domain.task import ExitCause
from traindash.errors import InputError
from traindash.training.runs.events import EventWriter
from traindash.training.runs.spec import RunImage, RunLayout, TrainSpec, read_images
from traindash.training.trainers.entry import RunError
from traindash.training.trainers.reporting import Progress
from traindash.training.trainers.yolo.images import UnusableImageError, place_image

_SIDES: tuple[Side, ...] = ("train", "val")
_NAMED_PROBLEMS = 20
"""So many unusable images are named one by one in the log; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedImage:
    """A validation image as the engine sees it.

    Attributes:
        file: Its path in the data set folder.
        image: The run's record of it.
    """

    file: Path
    image: RunImage


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedData:
    """A data set ready for the engine.

    Attributes:
        config: ``data.yaml``.
        train_size: Number of images to train on.
        val: Validation images, in the order of the run's list.
        problems: One sentence for the record, empty if every image could be used.
    """

    config: Path
    train_size: int
    val: tuple[PlacedImage, ...]
    problems: tuple[str, ...]


def write_dataset(layout: RunLayout, spec: TrainSpec, events: EventWriter) -> PreparedData:
    """Write the data set folder into the run's work folder.

    Raises:
        RunError: One side has no usable image, or there is nothing to learn on the train side.
    """
    refuse_unsuitable(spec)
    root = layout.work / "dataset"
    for side in _SIDES:
        (root / "images" / side).mkdir(parents=True, exist_ok=True)
        (root / "labels" / side).mkdir(parents=True, exist_ok=True)
    writer = _Writer(root=root, spec=spec, events=events, progress=Progress(events))
    val = writer.write_all(layout)
    writer.refuse_useless()
    config = root / "data.yaml"
    names = dict(enumerate(spec.classes))
    content = {"path": str(root), "train": "images/train", "val": "images/val", "names": names}
    config.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return PreparedData(config=config, train_size=writer.images["train"], val=val, problems=writer.problems())


def refuse_unsuitable(spec: TrainSpec) -> None:
    """Refuse classes whose shape the task cannot use.

    Raises:
        RunError: There are such classes.
    """
    unsuitable = unsuitable_shapes(spec.meta, spec.classes, spec.task_type, convert=spec.convert_class_shapes)
    if unsuitable:
        names = ", ".join(f"{item.name} ({item.shape})" for item in unsuitable)
        message = f"A model for {spec.task_type} cannot use the shapes of these classes: {names}."
        hint = "Switch on “Convert class shapes” or leave the classes out."
        raise RunError(ExitCause.BAD_DATA, message, hint)


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


class _Writer:
    """Writes images and labels and counts them by side."""

    def __init__(self, *, root: Path, spec: TrainSpec, events: EventWriter, progress: Progress) -> None:
        self.images: Counter[Side] = Counter()
        self._objects: Counter[Side] = Counter()
        self._unusable = 0
        self._first_unusable = ""
        self._root = root
        self._spec = spec
        self._events = events
        self._progress = progress

    def write_all(self, layout: RunLayout) -> tuple[PlacedImage, ...]:
        """Write all images; returns those of the validation side."""
        total = _count_lines(layout.images)
        val: list[PlacedImage] = []
        for number, image in enumerate(read_images(layout.images), start=1):
            val.extend(self._write(number, image))
            self._progress.report("Preparing data for training...", number, total)
        counts = ", ".join(f"{self.images[side]} {side} images with {self._objects[side]} objects" for side in _SIDES)
        self._events.log(f"Data: {counts}.")
        return tuple(val)

    def _write(self, number: int, image: RunImage) -> Iterator[PlacedImage]:
        try:
            annotation = annotation_inside(image.annotation, where=image.name)
            lines = self._lines(annotation)
            size = (annotation.width, annotation.height)
            for side in image.sides:
                file = place_image(Path(image.path), self._root / "images" / side / f"{number:06d}", size)
                label = self._root / "labels" / side / f"{number:06d}.txt"
                label.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
                self.images[side] += 1
                self._objects[side] += len(lines)
                if side == "val":
                    yield PlacedImage(file=file, image=image)
        except (UnusableImageError, InputError) as error:
            self._unusable += 1
            if self._unusable <= _NAMED_PROBLEMS:
                reason = error.message.rstrip(".") if isinstance(error, InputError) else str(error)
                name = f"“{image.dataset_name}/{image.name}”"
                self._events.log(f"Image {name} is left out: {reason}.", "warning")
                self._first_unusable = self._first_unusable or f"{name}: {reason}"

    def _lines(self, annotation: Annotation) -> tuple[str, ...]:
        return yolo_lines(annotation, classes=self._spec.classes, task_type=self._spec.task_type)

    def problems(self) -> tuple[str, ...]:
        """Say how many images were left out."""
        if not self._unusable:
            return ()
        return (f"{self._unusable} images could not be used and were left out; the log names them.",)

    def refuse_useless(self) -> None:
        """Refuse data that nothing can be learned from or measured on."""
        unusable = (
            f" {self._unusable} images could not be used, the first one {self._first_unusable}. The log names them."
            if self._unusable
            else ""
        )
        for side in _SIDES:
            if not self.images[side]:
                message = f"The {side} set has no image that can be used.{unusable}"
                raise RunError(ExitCause.BAD_DATA, message, "Choose another train/val split or repair the images.")
        if not self._objects["train"]:
            names = ", ".join(self._spec.classes)
            message = f"No train image has an object of the chosen classes ({names})."
            raise RunError(ExitCause.BAD_DATA, message, "Choose other classes or another train/val split.")
