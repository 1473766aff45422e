"""What happens before an engine is imported: reading the spec and the hyperparameters, preparing the environment."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from traindash.domain.task import ExitCause
from traindash.frameworks.registry import framework
from traindash.frameworks.spec import trainer_module
from traindash.settings import load_settings
from traindash.training.runs.events import EventWriter, Phase
from traindash.training.runs.spec import (
    CompareSpec,
    DryRunResult,
    DryRunSpec,
    ExportSpec,
    LabelSpec,
    RunLayout,
    TrainResult,
    TrainSpec,
    read_spec,
)
from traindash.training.trainers.entry import RunError, StopSwitch
from traindash.training.trainers.hyperparameters import parse_hyperparameters

# Prepares the environment, then imports the engine; returns its :data:`traindash.training.trainers.engine.MakeEngine`,
# whose module is not imported here. An ``ImportError`` means that the engine is not installed.
LoadEngine: TypeAlias = Callable[[RunLayout, TrainSpec], Any]


def train(layout: RunLayout, events: EventWriter, stop: StopSwitch, *, load: LoadEngine) -> TrainResult | DryRunResult:
    """Run a training, or a dry run of one, from its run folder to its result.

    Raises:
        RunError: It cannot go on; says why.
        Stopped: It was asked to stop.
    """
    spec = read_spec(layout.spec)
    if isinstance(spec, CompareSpec | ExportSpec | LabelSpec):
        raise RunError(ExitCause.BAD_INPUT, f"A trainer was given a run of kind “{spec.kind}”.", "Start a training.")
    training = spec.training if isinstance(spec, DryRunSpec) else spec
    # Before the engine is imported, which takes seconds: a slip of the pen is told at once
    asked = framework(training.framework)
    hyperparameters = parse_hyperparameters(training.hyperparameters, asked.reference, asked.roles)
    events.phase(Phase.PREPARING_DATA)  # importing the engine takes seconds: say that something happens
    offline = training.offline or load_settings().offline
    try:
        make_engine = load(layout, training)
        # Only now: numpy and torch read the number of threads from the environment when they are imported
        shared = "dry_run" if isinstance(spec, DryRunSpec) else "pipeline"
        module: Any = importlib.import_module(f"traindash.training.trainers.{shared}")
    except ImportError as error:
        message = f"The training engine is not installed on this machine ({error})."
        raise RunError(ExitCause.ENGINE_MISSING, message, asked.install_hint) from error
    run = module.Run(layout=layout, spec=training, events=events, stop=stop, offline=offline)
    result: TrainResult | DryRunResult = module.run(run, make_engine, hyperparameters)
    return result


def import_engine(trainer: str, folder: Path, *, threads: int) -> Any:  # noqa: ANN401 - a module that is imported late
    """Prepare the environment of an engine and return its module, which has ``open_model`` and ``open_exported``.

    It is imported as late as this: it takes seconds and a lot of memory, and reads its settings then. The folder keeps
    them.

    Raises:
        ImportError: The engine is not installed.
    """
    package = trainer_module(trainer)
    importlib.import_module(f"{package}.__main__").prepare_environment(folder, threads=threads)
    return importlib.import_module(f"{package}.engine")
