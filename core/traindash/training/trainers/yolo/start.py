"""What happens before the engine is imported: reading the spec, preparing the environment."""

import importlib
from typing import Any

from traindash.domain.task import ExitCause
from traindash.settings import load_settings
from traindash.training.runs.events import EventWriter, Phase
from traindash.training.runs.spec import (
    CompareSpec,
    DryRunResult,
    DryRunSpec,
    RunLayout,
    TrainResult,
    TrainSpec,
    read_spec,
)
from traindash.training.trainers.entry import RunError, StopSwitch
from traindash.training.trainers.yolo.environment import prepare_environment
from traindash.training.trainers.yolo.hyperparameters import parse_hyperparameters

ENGINE_HINT = 'Install it with: pip install "traindash[local]"'


def work(layout: RunLayout, events: EventWriter, stop: StopSwitch) -> TrainResult | DryRunResult:
    """Run a training, or a dry run of one, from its run folder to its result.

    Raises:
        RunError: It cannot go on; says why.
        Stopped: It was asked to stop.
    """
    spec = read_spec(layout.spec)
    if isinstance(spec, CompareSpec):
        message = f"The YOLO trainer was given a run of kind “{spec.kind}”."
        raise RunError(ExitCause.BAD_INPUT, message, "Start a training.")
    training = spec.training if isinstance(spec, DryRunSpec) else spec
    hyperparameters = parse_hyperparameters(training.hyperparameters)
    events.phase(Phase.PREPARING_DATA)  # importing the engine takes seconds: say that something happens
    module = _engine_module("dry_run" if isinstance(spec, DryRunSpec) else "pipeline", layout, training)
    offline = training.offline or load_settings().offline
    run = module.DryRun if isinstance(spec, DryRunSpec) else module.Pipeline
    result: TrainResult | DryRunResult = run(
        layout=layout, spec=training, events=events, stop=stop, offline=offline
    ).run(hyperparameters)
    return result


def _engine_module(name: str, layout: RunLayout, spec: TrainSpec) -> Any:  # noqa: ANN401 - a module
    """Prepare the environment and import a module that imports the engine.

    Raises:
        RunError: The engine is not installed.
    """
    try:
        prepare_environment(layout.work / "engine", threads=spec.threads)
        return importlib.import_module(f"traindash.training.trainers.yolo.{name}")
    except ImportError as error:
        message = f"The training engine is not installed on this machine ({error})."
        raise RunError(ExitCause.ENGINE_MISSING, message, ENGINE_HINT) from error
