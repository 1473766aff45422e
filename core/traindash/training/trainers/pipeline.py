"""A training from its run folder to its result, whatever engine trains."""

import shutil
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TypeVar

from traindash.comparison.export_scores import score_problem, score_words
from traindash.datasets.annotation_json import meta_to_json
from traindash.datasets.shape_fit import converted_meta
from traindash.domain.experiment import ExportScore
from traindash.domain.task import ExitCause
from traindash.errors import AppError
from traindash.evaluation.evaluation import Evaluation
from traindash.frameworks.hyperparameter_text import leaves
from traindash.frameworks.registry import framework
from traindash.training.runs.events import Phase
from traindash.training.runs.spec import TrainResult, TrainSpec
from traindash.training.trainers.benchmark import Benchmark, hardware_name
from traindash.training.trainers.data import DATASET_FOLDER, write_dataset
from traindash.training.trainers.engine import ExportError, MakeEngine, PreparedData, Run, TrainedModel, TrainingOutcome
from traindash.training.trainers.entry import Stopped, explain
from traindash.training.trainers.exported import score_exported, scored_images
from traindash.training.trainers.hyperparameters import Hyperparameters
from traindash.training.trainers.reporting import Progress, keep_curves
from traindash.training.trainers.samples import keep_samples
from traindash.training.trainers.weights import StartingPoint, download, find_start

_ONNX = "ONNXRuntime"  # its key in a record
_T = TypeVar("_T")
# What an engine raises when an optional step does not work; the training counts all the same.
_STEP_ERRORS = (
    *(AppError, ExportError, RuntimeError, ValueError, TypeError, LookupError),
    *(AttributeError, AssertionError, OSError, ImportError),
)


def run(training: Run, make_engine: MakeEngine, hyperparameters: Hyperparameters) -> TrainResult:
    """Do everything the spec of a training asks for.

    Raises:
        RunError: There is no trained model; says why.
        Stopped: The run was asked to stop.
    """
    return _Pipeline(training, make_engine).run(hyperparameters)


class _Pipeline:
    """One training run.

    Attributes:
        problems: Sentences for the result, filled on the way.
    """

    def __init__(self, run: Run, make_engine: MakeEngine) -> None:
        self.problems: list[str] = []
        self._run = run
        self._spec, self._layout, self._events = run.spec, run.layout, run.events
        self._engine = make_engine(run, None)

    def run(self, hyperparameters: Hyperparameters) -> TrainResult:
        """See :func:`run`."""
        # First what costs nothing: a mistake in a hyperparameter shall not wait for the data
        self._engine.check(hyperparameters.values)
        for key, reason in hyperparameters.ignored.items():
            self._events.log(f"The hyperparameter “{key}” is not used: {reason}.", "warning")
        data = write_dataset(self._run, self._engine.labels(self._layout.work / DATASET_FOLDER))
        self.problems.extend(data.problems)
        start = self._start(hyperparameters)
        self._events.phase(Phase.TRAINING)
        outcome = self._train(hyperparameters, data, start)
        checkpoints = self._keep(outcome)
        open_model = partial(self._engine.open, checkpoints[0], outcome.image_size)
        benchmark = Benchmark(
            folder=self._layout.evaluation,
            drawn=self._layout.evaluated,
            spec=self._spec,
            open_model=open_model,
            checkpoint=checkpoints[0],
            outcome=outcome,
            curves=keep_curves(self._layout),
            progress=Progress(self._events),
        )
        evaluation = self._evaluate(benchmark, data) if self._spec.enable_benchmark else None
        export = self._export(checkpoints[0], open_model)
        scores = self._score(export, evaluation, data, outcome) if evaluation else {}
        facts: dict[str, object] = {
            "checkpoints": [f"checkpoints/{path.name}" for path in checkpoints],
            "best_checkpoint": checkpoints[0].name,
            "export": export,
            "export_scores": scores,
            "evaluation_metrics": benchmark.metrics(evaluation) if evaluation else {},
            "primary_metric": "mAP" if evaluation else None,
            "device": hardware_name(self._spec.device),
            "training_duration": round(outcome.seconds, 3),
            "train_size": data.train_size,
            "val_size": len(data.val),
        }
        record = _experiment_record(self._spec, start, facts)
        has_evaluation = evaluation is not None and self._report(benchmark, evaluation, record, data)
        return TrainResult(experiment=record, has_evaluation=has_evaluation, problems=tuple(self.problems))

    def _start(self, hyperparameters: Hyperparameters) -> StartingPoint:
        fetch = None if self._run.offline else download
        asked, reads = framework(self._spec.framework), self._engine.checkpoints
        wants_random = asked.roles.value(leaves(hyperparameters.values), "pretrained") is False
        return find_start(self._spec, asked, self._events, fetch=fetch, checkpoints=reads, wants_random=wants_random)

    def _train(self, hyperparameters: Hyperparameters, data: PreparedData, start: StartingPoint) -> TrainingOutcome:
        try:
            if self._spec.resume_from is not None:
                return self._engine.resume(data, Path(self._spec.resume_from))
            return self._engine.train(data, start, hyperparameters.values)
        except Stopped:
            # A person who stops a training wants to have what it has learned so far
            weights = self._layout.resume_checkpoint.parent
            kept = self._engine.checkpoints.keep(weights, self._layout.artifacts / "checkpoints")
            if kept:
                names = " and ".join(path.name for path in kept[:2])
                self._events.log(f"Stopped; {names} are kept, and the training can be continued.")
            raise

    def _keep(self, outcome: TrainingOutcome) -> tuple[Path, ...]:
        kept = self._engine.checkpoints.keep(outcome.best.parent, self._layout.artifacts / "checkpoints")
        for path in kept:
            self._engine.finish_checkpoint(path, _checkpoint_facts(self._spec, path.name))
        _keep_engine_files(outcome.folder, self._layout.artifacts / self._engine.name)
        keep_samples(self._layout)
        return kept

    def _evaluate(self, benchmark: Benchmark, data: PreparedData) -> Evaluation | None:
        self._events.phase(Phase.EVALUATION)
        evaluation = self._optional("The evaluation", lambda: benchmark.evaluate(data))
        if evaluation is not None and evaluation.pair.gt.crowd.all():
            message = "No validation image has an object of the chosen classes: nothing says how good the model is."
            self.problems.append(message)
            self._events.log(message, "warning")
        # A speed without an accuracy has no report to stand in
        if evaluation is not None and self._spec.enable_speedtest:
            self._events.phase(Phase.SPEED_TEST)
            self._optional("The speed test", lambda: benchmark.speed_test(data.val))
        return evaluation

    def _report(
        self, benchmark: Benchmark, evaluation: Evaluation, record: Mapping[str, object], data: PreparedData
    ) -> bool:
        return self._optional("The report", lambda: benchmark.write_report(evaluation, record, data.val)) is not None

    def _export(self, checkpoint: Path, open_model: Callable[[], TrainedModel]) -> dict[str, str]:
        folder = self._layout.artifacts / "export"
        exported: dict[str, str] = {}
        if self._spec.export_onnx or self._spec.export_tensorrt:
            self._events.phase(Phase.EXPORT)
        if self._spec.export_onnx:
            target = folder / f"{checkpoint.stem}.onnx"
            difference = self._optional("The ONNX export", lambda: open_model().export_onnx(target))
            if difference is not None:
                self._events.log(f"Exported to ONNX; its output differs from the original by {difference:.2g} at most.")
                exported[_ONNX] = f"export/{target.name}"
        if self._spec.export_tensorrt:
            engine = folder / f"{checkpoint.stem}.engine"
            written = self._optional("The TensorRT export", lambda: open_model().export_tensorrt(engine))
            if written is not None:
                exported["TensorRT"] = f"export/{written.name}"
        return exported

    def _score(
        self, export: Mapping[str, str], evaluation: Evaluation, data: PreparedData, outcome: TrainingOutcome
    ) -> dict[str, dict[str, object]]:
        """Score what was exported to ONNX; a TensorRT engine runs on the GPU that made it and nowhere else."""
        if (relative := export.get(_ONNX)) is None:
            return {}
        images, size = scored_images(data.val), outcome.image_size

        def score() -> ExportScore | None:
            exported = self._engine.open_onnx(self._layout.artifacts / relative, size)
            return score_exported(exported, evaluation, images, self._run)

        found = self._optional("Scoring the exported ONNX model", score)
        if found is None:
            return {}
        self._events.log(score_words(_ONNX, found))
        if problem := score_problem(_ONNX, found):
            self.problems.append(problem)
            self._events.log(problem, "warning")
        return {_ONNX: asdict(found)}

    def _optional(self, what: str, step: Callable[[], _T]) -> _T | None:
        """Run a step that the training does not depend on; ``None`` and a problem if it does not work."""
        self._run.stop.check()
        try:
            return step()
        except _STEP_ERRORS as error:
            explained = explain(error, self._run.layout.images, framework(self._spec.framework).roles)
            if explained.cause is ExitCause.DISK_FULL:
                raise  # nothing else would work either
            if not isinstance(error, (AppError, ExportError)):
                traceback.print_exc(file=sys.stderr)
            text = str(error) if isinstance(error, ExportError) else explained.message
            problem = f"{what} did not work: {text}"
            self.problems.append(problem)
            self._events.log(problem, "warning")
            return None


def _checkpoint_facts(spec: TrainSpec, name: str) -> dict[str, object]:
    """Return the keys that explain a checkpoint, as Supervisely's training app adds them."""
    info = {
        "task_id": int(spec.task_id),
        "model_name": spec.model_name,
        "framework": spec.framework,
        "checkpoint": name,
        "experiment": spec.experiment_name,
    }
    meta = meta_to_json(converted_meta(spec.meta, spec.classes, spec.task_type))
    return {"model_info": info, "model_meta": meta, "model_files": {}}


def _keep_engine_files(folder: Path, target: Path) -> None:
    """Copy what the engine wrote beside the weights: ``results.csv``, ``args.yaml``, charts."""
    target.mkdir(parents=True, exist_ok=True)
    for file in sorted(folder.iterdir()):
        if file.is_file():
            shutil.copyfile(file, target / file.name)


def _experiment_record(spec: TrainSpec, start: StartingPoint, facts: Mapping[str, object]) -> dict[str, object]:
    """Return the keys of ``experiment_info.json`` that are known here.

    ``facts`` is what came out, from the checkpoints to the sizes of both sides.
    """
    return {
        "experiment_name": spec.experiment_name,
        "framework_name": spec.framework,
        "model_name": spec.model_name,
        "base_checkpoint": start.base_checkpoint,
        "base_checkpoint_link": start.base_checkpoint_link,
        "random_initialization": start.is_random,
        "task_type": spec.task_type,
        "project_id": int(spec.project_id),
        "task_id": int(spec.task_id),
        "model_files": {},
        "model_meta": "model_meta.json",
        "hyperparameters": "hyperparameters.yaml",
        "artifacts_dir": spec.artifacts_dir,
        **facts,
    }
