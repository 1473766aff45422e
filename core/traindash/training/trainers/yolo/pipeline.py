"""A training from its run folder to its result. Importing this module imports the engine."""

import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from ultralytics.cfg import DEFAULT_CFG_DICT, get_cfg
from ultralytics.utils.torch_utils import strip_optimizer

from traindash.domain.task import ExitCause
from traindash.errors import AppError
from traindash.evaluation import Evaluation
from traindash.frameworks.registry import framework
from traindash.training.runs.events import EventWriter, Phase
from traindash.training.runs.spec import RunLayout, TrainResult, TrainSpec
from traindash.training.trainers.entry import Stopped, StopSwitch, explain
from traindash.training.trainers.reporting import Progress
from traindash.training.trainers.yolo import artifacts
from traindash.training.trainers.yolo.benchmark import Benchmark
from traindash.training.trainers.yolo.data import PreparedData, write_dataset
from traindash.training.trainers.yolo.export import ExportError, export_onnx, export_tensorrt
from traindash.training.trainers.yolo.hyperparameters import Hyperparameters, check_values
from traindash.training.trainers.yolo.samples import keep_samples
from traindash.training.trainers.yolo.speed_test import hardware_name
from traindash.training.trainers.yolo.training import Training, TrainingOutcome, add_metadata, training_folder
from traindash.training.trainers.yolo.weights import StartingPoint, download, find_start

_T = TypeVar("_T")
_STEP_ERRORS = (
    *(AppError, ExportError, RuntimeError, ValueError, TypeError, LookupError),
    *(AttributeError, AssertionError, OSError, ImportError),
)
"""What an engine raises when an optional step does not work; the training counts all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One training run.

    Attributes:
        layout: Its folder.
        spec: What to do.
        events: What happens.
        stop: Ends it.
        offline: Never try the network.
        observe: Makes of the engine's trainer class one that is looked at; ``None`` leaves it alone.
        problems: Sentences for the result, filled on the way.
    """

    layout: RunLayout
    spec: TrainSpec
    events: EventWriter
    stop: StopSwitch
    offline: bool
    observe: Callable[[type], type] | None = None
    problems: list[str] = field(default_factory=list)

    def run(self, hyperparameters: Hyperparameters) -> TrainResult:
        """Do everything the spec asks for.

        Raises:
            RunError: There is no trained model; says why.
            Stopped: The run was asked to stop.
        """
        check_values(hyperparameters.values, DEFAULT_CFG_DICT.keys(), lambda values: get_cfg(overrides=dict(values)))
        for key, reason in hyperparameters.ignored.items():
            self.events.log(f"The hyperparameter “{key}” is not used: {reason}.", "warning")
        data = write_dataset(self.layout, self.spec, self.events)
        self.problems.extend(data.problems)
        start = self._start(hyperparameters)
        self.events.phase(Phase.TRAINING)
        outcome = self._train(hyperparameters, data, start)
        checkpoints = self._keep(outcome)
        benchmark = self._benchmark(checkpoints[0], outcome)
        evaluation = self._evaluate(benchmark, data) if self.spec.enable_benchmark else None
        export = self._export(checkpoints[0], outcome.image_size)
        facts: dict[str, object] = {
            "checkpoints": [f"checkpoints/{path.name}" for path in checkpoints],
            "best_checkpoint": checkpoints[0].name,
            "export": export,
            "evaluation_metrics": benchmark.metrics(evaluation) if evaluation else {},
            "primary_metric": "mAP" if evaluation else None,
            "device": hardware_name(self.spec.device),
            "training_duration": round(outcome.seconds, 3),
            "train_size": data.train_size,
            "val_size": len(data.val),
        }
        record = artifacts.experiment_record(self.spec, start, facts)
        has_evaluation = evaluation is not None and self._report(benchmark, evaluation, record, data)
        return TrainResult(experiment=record, has_evaluation=has_evaluation, problems=tuple(self.problems))

    def _start(self, hyperparameters: Hyperparameters) -> StartingPoint:
        wants_random = hyperparameters.values.get("pretrained") is False
        fetch = None if self.offline else download
        asked = framework(self.spec.framework)
        return find_start(self.spec, asked, self.events, fetch=fetch, wants_random=wants_random)

    def _train(self, hyperparameters: Hyperparameters, data: PreparedData, start: StartingPoint) -> TrainingOutcome:
        training = Training(
            layout=self.layout,
            spec=self.spec,
            events=self.events,
            stop=self.stop,
            data=data,
            observe=self.observe,
        )
        try:
            if self.spec.resume_from is not None:
                return training.resume(Path(self.spec.resume_from))
            return training.run(start.source, hyperparameters.values)
        except Stopped:
            weights = training_folder(self.layout) / "weights"
            kept = artifacts.keep_checkpoints(weights, self.layout.artifacts / "checkpoints")
            if kept:
                names = " and ".join(path.name for path in kept[:2])
                self.events.log(f"Stopped; {names} are kept, and the training can be continued from last.pt.")
            raise

    def _keep(self, outcome: TrainingOutcome) -> tuple[Path, ...]:
        kept = artifacts.keep_checkpoints(outcome.best.parent, self.layout.artifacts / "checkpoints")
        for path in artifacts.epoch_checkpoints(self.layout.artifacts / "checkpoints"):
            strip_optimizer(path)  # as the engine does with the two others
        for path in kept:
            add_metadata(path, artifacts.checkpoint_metadata(self.spec, path.name))
        artifacts.keep_engine_files(outcome.folder, self.layout.artifacts / "ultralytics")
        keep_samples(self.layout)
        return kept

    def _benchmark(self, checkpoint: Path, outcome: TrainingOutcome) -> Benchmark:
        return Benchmark(
            folder=self.layout.evaluation,
            spec=self.spec,
            checkpoint=checkpoint,
            outcome=outcome,
            progress=Progress(self.events),
        )

    def _evaluate(self, benchmark: Benchmark, data: PreparedData) -> Evaluation | None:
        self.events.phase(Phase.EVALUATION)
        evaluation = self._optional("The evaluation", lambda: benchmark.evaluate(data))
        if evaluation is not None and self.spec.enable_speedtest:
            self.events.phase(Phase.SPEED_TEST)
            self._optional("The speed test", lambda: benchmark.speed_test(data.val))
        return evaluation

    def _report(
        self, benchmark: Benchmark, evaluation: Evaluation, record: Mapping[str, object], data: PreparedData
    ) -> bool:
        return self._optional("The report", lambda: benchmark.write_report(evaluation, record, data.val)) is not None

    def _export(self, checkpoint: Path, image_size: int) -> dict[str, str]:
        folder = self.layout.artifacts / "export"
        exported: dict[str, str] = {}
        if self.spec.export_onnx or self.spec.export_tensorrt:
            self.events.phase(Phase.EXPORT)
        if self.spec.export_onnx:
            target = folder / f"{checkpoint.stem}.onnx"
            difference = self._optional(
                "The ONNX export", lambda: export_onnx(checkpoint, target, image_size=image_size)
            )
            if difference is not None:
                self.events.log(f"Exported to ONNX; its output differs from the original by {difference:.2g} at most.")
                exported["ONNXRuntime"] = f"export/{target.name}"
        if self.spec.export_tensorrt:
            engine = folder / f"{checkpoint.stem}.engine"
            written = self._optional(
                "The TensorRT export",
                lambda: export_tensorrt(checkpoint, engine, image_size=image_size, device=self.spec.device),
            )
            if written is not None:
                exported["TensorRT"] = f"export/{written.name}"
        return exported

    def _optional(self, what: str, step: Callable[[], _T]) -> _T | None:
        """Run a step that the training does not depend on; ``None`` and a problem if it does not work."""
        self.stop.check()
        try:
            return step()
        except _STEP_ERRORS as error:
            explained = explain(error)
            if explained.cause is ExitCause.DISK_FULL:
                raise
            if not isinstance(error, (AppError, ExportError)):
                traceback.print_exc(file=sys.stderr)
            text = str(error) if isinstance(error, ExportError) else explained.message
            problem = f"{what} did not work: {text}"
            self.problems.append(problem)
            self.events.log(problem, "warning")
            return None
