"""The seam between what all trainings share and a training engine: what an engine supplies, in which types it answers.

The pipeline, the Model Benchmark, sample predictions, dry runs, stop and resume are shared. A package such as ``yolo``
supplies an :class:`Engine`, which trains, and a :class:`TrainedModel`, which predicts and is exported.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from traindash.domain.annotation import Annotation
from traindash.domain.jobs import Schedule
from traindash.domain.plan import Side
from traindash.domain.prediction import LEAST_CONFIDENCE, Timing
from traindash.training.runs.events import EventWriter
from traindash.training.runs.spec import MOST_FOUND, RunImage, RunLayout, TrainSpec
from traindash.training.trainers.checkpoint_files import CheckpointFormat
from traindash.training.trainers.entry import StopSwitch
from traindash.training.trainers.reporting import Observations
from traindash.training.trainers.weights import StartingPoint

# Predictions below are not recorded, see there
CONFIDENCE = LEAST_CONFIDENCE
# Ultralytics' own defaults for prediction, written down so that every engine measures alike
NMS_IOU = 0.7
MAX_DETECTIONS = MOST_FOUND
BATCH_SIZE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A training under way."""

    layout: RunLayout  # its folder
    spec: TrainSpec  # what to do
    events: EventWriter  # where it is told what happens
    stop: StopSwitch  # ends it
    offline: bool  # never try the network


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedImage:
    """A validation image as the engine sees it."""

    file: Path  # its path in the data set folder
    image: RunImage  # the run's record of it
    annotation: Annotation  # what is drawn on it


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedData:
    """A data set ready for the engine."""

    config: Path  # what :meth:`LabelWriter.finish` gave
    train_size: int  # number of images to train on
    val: tuple[PlacedImage, ...]  # validation images, in the order of the run's list
    problems: tuple[str, ...]  # one sentence for the record, empty if every image could be used


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOutcome:
    """What a training left."""

    folder: Path  # the engine's folder: `results.csv` and whatever else is worth keeping, `weights/`
    best: Path  # best checkpoint by the engine's fitness on the validation set
    last: Path  # checkpoint of the last epoch
    image_size: int  # longer image side in pixels as used, after the engine rounded it to its strides
    seconds: float  # duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """An object that a model finds."""

    class_name: str  # its object class
    corners: tuple[float, float, float, float]  # left, top, right and bottom in pixels of the image
    score: float  # confidence 0 to 1
    # (height, width) of the image, true where the object is; `None` for a detector
    mask: npt.NDArray[np.bool_] | None = None


class ExportError(Exception):
    """An export did not work; the text says why, for people."""


class LabelWriter(Protocol):
    """Writes what is drawn on images in the form in which the engine reads it, one image after the other."""

    def describe(self, annotation: Annotation) -> Sequence[Any]:
        """Return the objects to learn in the engine's own form.

        Raises:
            InputError: Something of the annotation cannot be used.
        """

    def add(self, side: Side, file: Path, objects: Sequence[Any]) -> None:
        """Take an image, which lies in ``images/<side>`` of the data set folder, and what :meth:`describe` gave."""

    def finish(self) -> Path:
        """Return what :attr:`PreparedData.config` shall be, after the last image."""


class Predictor(Protocol):
    """A model that predicts, with the engine's own pre- and postprocessing.

    What it finds on an image does not depend on the other images, so that one alone has the same objects.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """What it finds, by number."""

    # A stream: masks of all images at once would not fit into memory
    def predict(self, files: Sequence[Path]) -> Iterator[tuple[Path, Sequence[Prediction]]]:
        """Yield each of the files, in any order, with what is found on it.

        All lie in one folder, which may hold more. The settings are those at the top of this module.
        """

    def batch_runner(self, files: Sequence[Path]) -> Callable[[int], Timing]:
        """Read images; returns what runs a batch of a given size, the images again and again where they are fewer."""


class TrainedModel(Predictor, Protocol):
    """A checkpoint that predicts."""

    def export_onnx(self, target: Path) -> float:
        """Write an ONNX model; returns the largest relative difference between its and the checkpoint's outputs.

        Raises:
            ExportError: The exported model is not valid or answers differently.
        """

    def export_tensorrt(self, target: Path) -> Path:
        """Write a TensorRT engine; returns the target.

        Raises:
            ExportError: There is no GPU.
        """


class Engine(Protocol):
    """Trains the models of a framework. One object serves one run."""

    name: str  # of the folder in the artifacts that keeps the engine's own files
    checkpoints: CheckpointFormat  # of its checkpoints, which lie in `weights/` of :attr:`TrainingOutcome.folder`

    def check(self, values: Mapping[str, object]) -> None:
        """Check hyperparameters before anything is done.

        Raises:
            RunError: One is unknown or impossible; names it.
        """

    def schedule(self, values: Mapping[str, object]) -> Schedule:
        """Read from checked hyperparameters how long the training goes on."""

    def shortened(self, values: Mapping[str, object], epochs: int) -> Mapping[str, object]:
        """Return hyperparameters of a trial over a few epochs, each of which works as most of the whole training do."""

    def labels(self, root: Path) -> LabelWriter:
        """Return what writes the labels into a data set folder."""

    def train(self, data: PreparedData, start: StartingPoint, values: Mapping[str, object]) -> TrainingOutcome:
        """Train.

        Raises:
            RunError: The model cannot be loaded, or the training cannot go on.
            Stopped: The run was asked to stop; :attr:`RunLayout.resume_checkpoint` is there if an epoch was finished.
        """

    def resume(self, data: PreparedData, checkpoint: Path) -> TrainingOutcome:
        """Go on where an earlier run was stopped, to the same numbers; that run's files are not touched.

        Raises:
            RunError: The checkpoint does not hold what is needed to go on.
            Stopped: As in :meth:`train`.
        """

    def finish_checkpoint(self, checkpoint: Path, facts: Mapping[str, object]) -> None:
        """Take out of a kept checkpoint what only a resumed training needs, and add keys that explain it."""

    def open(self, checkpoint: Path, image_size: int) -> TrainedModel:
        """Load a checkpoint that this run has trained, for images of a size in pixels."""

    def open_onnx(self, file: Path, image_size: int) -> Predictor:
        """Load what :meth:`TrainedModel.export_onnx` of this run has written, to run on the processor.

        The size is that of the checkpoint it was exported from.
        """


# Makes the engine of a run; observations are filled by one that is looked at (a dry run).
MakeEngine: TypeAlias = Callable[[Run, Observations | None], Engine]


class OpenModel(Protocol):
    """Loads a checkpoint of any run, for a device and for images of a size in pixels.

    Without a size it is that of the checkpoint's training. Nothing of the file is run: it holds weights and layers that
    the engine knows, or it is refused.
    """

    def __call__(self, checkpoint: Path, *, task_type: str, device: str, image_size: int | None) -> TrainedModel:
        """Return the model.

        Raises:
            RunError: The file is no model of this engine, or one for another task.
        """


class OpenExported(Protocol):
    """Loads an ONNX export of any run, to be run on some threads of the processor.

    ``classes`` are those of its checkpoint by number. Its images have the size that the file names, where it names one.
    """

    def __call__(
        self, file: Path, *, task_type: str, classes: Sequence[str], image_size: int | None, threads: int
    ) -> Predictor:
        """Return the model.

        Raises:
            RunError: The file is no export of this engine.
        """
