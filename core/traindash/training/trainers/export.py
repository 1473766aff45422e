"""Makes an ONNX file of a checkpoint: ``python -m traindash.training.trainers.export RUN_DIR``."""

import shutil
import sys
import time
from pathlib import Path

from traindash.domain.task import ExitCause
from traindash.training.runs.events import EventWriter, Phase
from traindash.training.runs.spec import ExportResult, ExportSpec, RunLayout, read_spec
from traindash.training.trainers.engine import ExportError, OpenModel
from traindash.training.trainers.entry import RunError, StopSwitch, run
from traindash.training.trainers.start import import_engine


def work(layout: RunLayout, events: EventWriter, stop: StopSwitch) -> ExportResult:
    """Export the checkpoint of a run folder.

    Raises:
        RunError: It cannot be loaded or exported; says why.
        Stopped: The run was asked to stop.
    """
    spec = read_spec(layout.spec)
    if not isinstance(spec, ExportSpec):
        raise RunError(ExitCause.BAD_INPUT, f"An export was given a run of kind “{spec.kind}”.", "Start an export.")
    began = time.monotonic()
    events.phase(Phase.EXPORT)
    try:
        open_model: OpenModel = import_engine(spec.engine, layout.work / "engine", threads=spec.threads).open_model
    except ImportError as error:
        message = f"The engine of this model is not installed on this machine ({error})."
        raise RunError(ExitCause.ENGINE_MISSING, message, "Install it, then export again.") from error
    # A copy: engines write beside the checkpoint that they export
    checkpoint = layout.work / Path(spec.file).name
    shutil.copyfile(spec.file, checkpoint)
    target = layout.artifacts / f"{checkpoint.stem}.onnx"
    stop.check()
    try:
        model = open_model(checkpoint, task_type=spec.task_type, device="cpu", image_size=None)
        difference = model.export_onnx(target)
    except ExportError as error:
        raise RunError(ExitCause.BAD_INPUT, str(error), "Use the checkpoint itself.") from error
    return ExportResult(file=target.name, difference=difference, seconds=time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(run(sys.argv, work))
