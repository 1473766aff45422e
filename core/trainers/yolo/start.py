"""What happens before the engine is imported: reading the spec, preparing the environment."""

import importlib

from core.domain.task import ExitCause
from core.runs.events import EventWriter, Phase
from core.runs.layout import RunLayout
from core.runs.spec import TrainResult, TrainSpec, read_spec
from core.settings import load_settings
from core.trainers.failure import RunError
from core.trainers.stopping import StopSwitch
from core.trainers.yolo.environment import prepare_environment
from core.trainers.yolo.hyperparameters import parse_hyperparameters

ENGINE_HINT = 'Install it with: pip install "traindash[local]"'


def work(layout: RunLayout, events: EventWriter, stop: StopSwitch) -> TrainResult:
    """Run a training from its run folder to its result.

    Raises:
        RunError: It cannot go on; says why.
        Stopped: It was asked to stop.
    """
    spec = read_spec(layout.spec)
    if not isinstance(spec, TrainSpec):
        message = f"The YOLO trainer was given a run of kind “{spec.kind}”."
        raise RunError(ExitCause.BAD_INPUT, message, "Start a training.")
    hyperparameters = parse_hyperparameters(spec.hyperparameters)
    events.phase(Phase.PREPARING_DATA)  # importing the engine takes seconds: say that something happens
    try:
        prepare_environment(layout.work / "engine", threads=spec.threads)
        pipeline = importlib.import_module("core.trainers.yolo.pipeline")
    except ImportError as error:
        message = f"The training engine is not installed on this machine ({error})."
        raise RunError(ExitCause.ENGINE_MISSING, message, ENGINE_HINT) from error
    offline = spec.offline or load_settings().offline
    result: TrainResult = pipeline.Pipeline(layout=layout, spec=spec, events=events, stop=stop, offline=offline).run(
        hyperparameters
    )
    return result
