"""A model that is kept ready: ``python -m traindash.training.trainers.predict FOLDER TRAINER THREADS``.

The folder is scratch space of this process. The engine of the trainer is imported at once, so that a process may wait
for its model with most of the work done. What it is asked and answers is in
:mod:`traindash.training.runs.predicting`. The model predicts with
:class:`traindash.training.trainers.engine.Predictor`, as the evaluation of its training did, and the images come to it
the same way.
"""

import contextlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from PIL import Image

from traindash.datasets.pixels import opened
from traindash.domain.prediction import LEAST_CONFIDENCE, ImagePrediction, Timing
from traindash.domain.task import ExitCause
from traindash.errors import AppError, InputError
from traindash.training.runs.predicting import (
    GivenImage,
    PredictAnswer,
    PredictorSpec,
    PredictRequest,
    read_frame,
    write_frame,
)
from traindash.training.trainers.data import place_image
from traindash.training.trainers.engine import Predictor
from traindash.training.trainers.entry import RunError, explain
from traindash.training.trainers.evaluated_images import found_object, usable
from traindash.training.trainers.start import import_engine
from traindash.training.trainers.video import FrameReader

_ONNX = ".onnx"
_SPEC = msgspec.msgpack.Decoder(PredictorSpec)
_REQUEST = msgspec.msgpack.Decoder(PredictRequest)
_WARM_UP = (640, 480)


def open_predictor(spec: PredictorSpec, folder: Path) -> Predictor:
    """Load a model; the folder is for the engine's settings.

    Raises:
        RunError: The file is no model of the engine; says why.
        ImportError: The engine is not installed.
    """
    engine, file = import_engine(spec.trainer, folder, threads=spec.threads), Path(spec.file)
    predictor: Predictor
    if file.suffix == _ONNX:
        predictor = engine.open_exported(
            file,
            task_type=spec.task_type,
            classes=spec.classes,
            image_size=spec.image_size,
            threads=spec.threads,
        )
    else:
        predictor = engine.open_model(file, task_type=spec.task_type, device=spec.device, image_size=spec.image_size)
    return predictor


def main(arguments: Sequence[str]) -> int:
    """Load the model that the first frame names, then answer until the input ends; returns the exit code."""
    folder, trainer, threads = Path(arguments[0]), arguments[1], int(arguments[2])
    questions = sys.stdin.buffer
    # Engines print; only this copy of standard output is for answers
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with contextlib.suppress(ImportError, OSError):  # told when a model is to be loaded
        import_engine(trainer, folder / "engine", threads=threads)
    if (frame := read_frame(questions)) is None:
        return 0
    try:
        predictor = open_predictor(_SPEC.decode(frame), folder / "engine")
        _warm_up(predictor, folder)
        write_frame(answers, PredictAnswer(classes=predictor.classes))
    except Exception as error:  # noqa: BLE001 - edge of the process: whatever an engine throws gets a name
        write_frame(answers, _refusal(error))
        return 1
    timed = TimedBatches(predictor)
    with contextlib.suppress(BrokenPipeError), FrameReader() as frames:  # whoever asked may be gone
        while (frame := read_frame(questions)) is not None:
            write_frame(answers, _answer((predictor, timed), _REQUEST.decode(frame), folder, frames))
    return 0


def _warm_up(predictor: Predictor, folder: Path) -> None:
    """Predict once: engines do much of their work at the first image, and a file that loads may still not run."""
    with TemporaryDirectory(dir=folder) as scratch:
        file = Path(scratch) / "gray.png"
        Image.new("RGB", _WARM_UP, (114, 114, 114)).save(file)
        for _ in predictor.predict([file]):
            pass


def _answer(
    model: tuple[Predictor, "TimedBatches"], request: PredictRequest, folder: Path, frames: FrameReader
) -> PredictAnswer:
    predictor, timed = model
    try:
        if request.video:
            return PredictAnswer(video=frames.facts(Path(request.video)))
        with TemporaryDirectory(dir=folder) as scratch:
            if request.timed_batch is not None:
                return PredictAnswer(timing=timed.run(request.images, request.timed_batch, Path(scratch), frames))
            return PredictAnswer(images=tuple(found_on(predictor, request, Path(scratch), frames)))
    except Exception as error:  # noqa: BLE001 - edge of the process, as above
        return _refusal(error)


def _refusal(error: Exception) -> PredictAnswer:
    if isinstance(error, ImportError):
        return PredictAnswer(message=f"The engine of this model is not installed ({error}).", hint="Install it.")
    if not isinstance(error, (AppError, RunError)):
        with contextlib.suppress(OSError):  # a full disk takes no log, and shall be told all the same
            traceback.print_exc()  # for the log; the answer is for people
    said = explain(error)
    return PredictAnswer(message=said.message, hint=said.hint, is_lasting=said.cause is ExitCause.BAD_INPUT)


def found_on(
    predictor: Predictor, request: PredictRequest, scratch: Path, frames: FrameReader
) -> list[ImagePrediction]:
    """Return what a model finds on images, in their order; the folder is scratch space."""
    answers: list[ImagePrediction] = []
    places: dict[Path, int] = {}
    began = time.perf_counter()
    for number, given in enumerate(request.images):
        try:
            file, (width, height) = _placed(given, scratch / f"{number:06d}", frames)
            places[file] = number
            answers.append(ImagePrediction(width=width, height=height))
        except InputError as error:
            answers.append(ImagePrediction(problem=error.message))
    least = max(request.confidence, LEAST_CONFIDENCE)
    for file, predictions in usable(predictor.predict(list(places))):
        objects = tuple(found_object(one) for one in predictions if one.score >= least)
        answers[places[file]] = replace(answers[places[file]], objects=objects)
    each = (time.perf_counter() - began) * 1000 / max(len(places), 1)
    return [answer if answer.problem else replace(answer, milliseconds=each) for answer in answers]


class TimedBatches:
    """Times batches; images are read once as long as the same ones are given."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._images: Sequence[GivenImage] = ()
        self._run_batch: Callable[[int], Timing] | None = None

    def run(self, images: Sequence[GivenImage], size: int, scratch: Path, frames: FrameReader) -> Timing:
        """Run a batch of a size; images that cannot be used are left out. The folder is scratch space.

        Raises:
            InputError: None of the images can be used.
        """
        if self._run_batch is None or images != self._images:
            self._run_batch = None  # two sets of images need not fit into memory
            self._run_batch = self._predictor.batch_runner(_readable(images, scratch, frames))
            self._images = images
        return self._run_batch(size)


def _readable(images: Sequence[GivenImage], scratch: Path, frames: FrameReader) -> list[Path]:
    files: list[Path] = []
    problem: InputError | None = None
    for number, given in enumerate(images):
        try:
            files.append(_placed(given, scratch / f"{number:06d}", frames)[0])
        except InputError as error:
            problem = error
    if not files:
        raise problem or InputError("There is no image to time the model with.", "Name images.")
    return files


def _placed(given: GivenImage, target: Path, frames: FrameReader) -> tuple[Path, tuple[int, int]]:
    """Put an image where the engine reads it, as those of a training are; returns the file, and width and height."""
    source = Path(given.path)
    if given.frame is not None:
        return frames.write(source, given.frame, target)
    if not given.path:  # empty content, too, is what was sent
        source = target.with_name(f"given-{target.name}")
        source.write_bytes(given.content)
    with opened(source) as image:
        size = given.drawn_on or image.seen_size
    return place_image(source, target, size), size


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
