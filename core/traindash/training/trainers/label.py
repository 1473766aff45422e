"""Labels the images of a run with a trained model: ``python -m traindash.training.trainers.label RUN_DIR``."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from traindash.domain.prediction import FoundObject, ImagePrediction
from traindash.domain.task import ExitCause
from traindash.files import replacing
from traindash.training.runs.events import EventWriter, Phase
from traindash.training.runs.predicting import GivenImage, PredictRequest
from traindash.training.runs.spec import LabelResult, LabelSpec, RunImage, RunLayout, read_images, read_spec
from traindash.training.trainers.engine import BATCH_SIZE, Predictor
from traindash.training.trainers.entry import RunError, StopSwitch, run
from traindash.training.trainers.predict import found_on, open_predictor
from traindash.training.trainers.reporting import Progress
from traindash.training.trainers.video import FrameReader

_SUBTASK = "Labelling: Running inference"
_NAMED_PROBLEMS = 20


def work(layout: RunLayout, events: EventWriter, stop: StopSwitch) -> LabelResult:
    """Write what the model finds on the images of a run folder.

    Raises:
        RunError: The model cannot be loaded; says why.
        Stopped: The run was asked to stop.
    """
    spec = read_spec(layout.spec)
    if not isinstance(spec, LabelSpec):
        raise RunError(ExitCause.BAD_INPUT, f"A labelling was given a run of kind “{spec.kind}”.", "Start a labelling.")
    events.phase(Phase.LABELLING)
    layout.work.mkdir(parents=True, exist_ok=True)
    try:
        predictor = open_predictor(spec.model, layout.work / "engine")
    except ImportError as error:
        message = f"The engine of this model is not installed on this machine ({error})."
        raise RunError(ExitCause.ENGINE_MISSING, message, "Install it, then label again.") from error
    with layout.images.open("rb") as file:
        total = sum(1 for _ in file)
    images = objects = unusable = 0
    encoder = msgspec.json.Encoder()
    progress = Progress(events)
    with replacing(layout.found) as partial, partial.open("wb") as file:
        for image, found in _found(predictor, layout, stop):
            kept = replace(found, image_id=image.id, objects=tuple(one for one in found.objects if _counts(spec, one)))
            file.write(encoder.encode(kept) + b"\n")
            images, objects = images + 1, objects + len(kept.objects)
            progress.report(_SUBTASK, images, total)
            if found.problem:
                unusable += 1
                if unusable <= _NAMED_PROBLEMS:
                    name = f"“{image.dataset_name}/{image.name}”"
                    events.log(f"Image {name} is left out: {found.problem}", "warning")
    events.log(f"Found {objects} objects on {images - unusable} images.")
    problems = (f"{unusable} images could not be used; the log names them.",) if unusable else ()
    return LabelResult(classes=predictor.classes, images=images - unusable, objects=objects, problems=problems)


def _found(predictor: Predictor, layout: RunLayout, stop: StopSwitch) -> Iterator[tuple[RunImage, ImagePrediction]]:
    images = read_images(layout.images)
    while some := tuple(islice(images, BATCH_SIZE)):
        stop.check()
        given = tuple(GivenImage(path=image.path, drawn_on=(image.width, image.height)) for image in some)
        with TemporaryDirectory(dir=layout.work) as scratch, FrameReader() as frames:
            answers = found_on(predictor, PredictRequest(images=given), Path(scratch), frames)
        yield from zip(some, answers, strict=True)


def _counts(spec: LabelSpec, one: FoundObject) -> bool:
    return one.score >= spec.class_confidence.get(one.class_name, spec.confidence)


if __name__ == "__main__":
    sys.exit(run(sys.argv, work))
