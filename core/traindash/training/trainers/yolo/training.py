"""The training itself."""

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from ultralytics import YOLO

from traindash.domain.task import ExitCause
from traindash.files import copy_whole
from traindash.training.runs.events import EventWriter
from traindash.training.runs.spec import RunLayout, TrainSpec
from traindash.training.trainers.entry import RunError, StopSwitch
from traindash.training.trainers.yolo.artifacts import epoch_checkpoints
from traindash.training.trainers.yolo.callbacks import TrainingReporter
from traindash.training.trainers.yolo.data import PreparedData
from traindash.training.trainers.yolo.exact_resume import STATE_FILE, continuing, save_at_once, save_state
from traindash.training.trainers.yolo.samples import SampleRecorder, choose_samples
from traindash.training.trainers.yolo.weights import is_checkpoint

TASKS: Mapping[str, str] = {"object detection": "detect", "instance segmentation": "segment"}
"""Supervisely's task types → Ultralytics' tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOutcome:
    """What a training left.

    Attributes:
        folder: Ultralytics' folder: ``results.csv``, ``args.yaml``, ``weights/``.
        best: Best checkpoint by the engine's fitness on the validation set.
        last: Checkpoint of the last epoch.
        image_size: Longer image side in pixels as used, after the engine rounded it to its strides.
        epochs: Number of finished epochs.
        seconds: Duration.
    """

    folder: Path
    best: Path
    last: Path
    image_size: int
    epochs: int
    seconds: float


def training_folder(layout: RunLayout) -> Path:
    """Return Ultralytics' folder within a run; a stopped run keeps its resumable ``weights/last.pt`` there."""
    return layout.work / "training"


def load_model(source: str, task_type: str) -> Any:  # noqa: ANN401 - ultralytics.YOLO; the engine has no types
    """Load a checkpoint or build an architecture.

    Raises:
        RunError: The file is no model, or one for another task.
    """
    try:
        model = YOLO(source)
    except (TypeError, KeyError, AttributeError, RuntimeError, FileNotFoundError) as error:
        message = f"{Path(source).name} is no YOLO model that this version of Ultralytics can load ({error})."
        raise RunError(ExitCause.BAD_INPUT, message, "Choose another checkpoint.") from error
    if model.task != TASKS[task_type]:
        message = f"{Path(source).name} is a model for “{model.task}”, but this training is for {task_type}."
        raise RunError(ExitCause.BAD_INPUT, message, "Choose a checkpoint of the same task type.")
    return model


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One training on prepared data.

    Attributes:
        layout: Run folder.
        spec: The run.
        events: Where progress goes.
        stop: Ends it.
        data: What to train and validate on.
        observe: Makes of the engine's trainer class one that is looked at; ``None`` leaves it alone.
    """

    layout: RunLayout
    spec: TrainSpec
    events: EventWriter
    stop: StopSwitch
    data: PreparedData
    observe: Callable[[type], type] | None = None

    def run(self, source: str, hyperparameters: Mapping[str, object]) -> TrainingOutcome:
        """Train from a checkpoint or an architecture.

        Raises:
            RunError: The model cannot be loaded.
            Stopped: The run was asked to stop; ``weights/last.pt`` can be resumed if an epoch was finished.
        """
        folder = training_folder(self.layout)
        arguments = {
            "plots": False,  # our own report has the charts; Ultralytics' cost seconds
            **hyperparameters,
            "project": str(folder.parent),
            "name": folder.name,
            "exist_ok": True,
            "save": True,
        }
        return self._train(load_model(source, self.spec.task_type), arguments)

    def resume(self, checkpoint: Path) -> TrainingOutcome:
        """Go on where an earlier run was stopped; its files are not touched.

        Raises:
            RunError: The checkpoint does not hold what is needed to go on.
            Stopped: As in :meth:`run`.
        """
        folder = training_folder(self.layout)
        weights = folder / "weights"
        weights.mkdir(parents=True, exist_ok=True)
        last = weights / "last.pt"
        try:
            shutil.copyfile(checkpoint, last)
        except OSError as error:
            message = f"The checkpoint {checkpoint} to continue from cannot be read."
            raise RunError(ExitCause.BAD_INPUT, message, "Start a new training.") from error
        state = checkpoint.with_name(STATE_FILE)
        if state.is_file():
            shutil.copyfile(state, weights / STATE_FILE)
        for kept in (checkpoint.with_name("best.pt"), *epoch_checkpoints(checkpoint.parent)):
            if is_checkpoint(kept):  # a kill may have torn it
                shutil.copyfile(kept, weights / kept.name)
        model = load_model(str(last), self.spec.task_type)
        if model.ckpt.get("epoch", -1) < 0 or model.ckpt.get("optimizer") is None:
            message = f"{checkpoint.name} is a finished checkpoint: there is nothing to continue."
            raise RunError(ExitCause.BAD_INPUT, message, "Start a new training from it as a custom checkpoint.")
        done = model.ckpt["epoch"] + 1
        _copy_results(checkpoint.parent.parent / "results.csv", folder / "results.csv", done)
        copy_whole(last, self.layout.resume_checkpoint)
        self.events.log(f"Continuing after epoch {done} of an earlier run.")
        return self._train(model, {"resume": str(last), "save_dir": str(folder), "plots": False})

    def _train(self, model: Any, arguments: Mapping[str, object]) -> TrainingOutcome:  # noqa: ANN401
        before = self.spec.resume_seconds
        reporter = TrainingReporter(self.layout, self.events, self.stop, seconds_before=before)
        reporter.attach(model)
        SampleRecorder(choose_samples(self.data.val, self.spec), self.events).attach(model)
        began = time.monotonic()
        trainer_class = _safe_trainer(model, self.stop, self.layout.resume_checkpoint)
        model.train(
            trainer=self.observe(trainer_class) if self.observe else trainer_class,
            data=str(self.data.config),
            device=self.spec.device,
            **arguments,
        )
        trainer = model.trainer
        last, best = Path(trainer.last), Path(trainer.best)
        size = trainer.args.imgsz
        return TrainingOutcome(
            folder=Path(trainer.save_dir),
            best=best if best.is_file() else last,
            last=last,
            image_size=max(size) if isinstance(size, (list, tuple)) else int(size),
            epochs=reporter.epochs_done,
            seconds=before + time.monotonic() - began,
        )


def _safe_trainer(model: Any, stop: StopSwitch, resumable: Path) -> type:  # noqa: ANN401
    """Return the engine's trainer class for a model, with checkpoints that no stop can tear and that lack nothing.

    Args:
        model: The model.
        stop: Held back while checkpoints are written.
        resumable: Gets a copy of ``last.pt`` after each epoch but the last, with what that lacks beside it: a kill can
            tear ``last.pt`` itself, and at the end the engine strips it of what a continued training needs.
    """
    base: Any = continuing(model.task_map[model.task]["trainer"])

    class SafeTrainer(base):  # type: ignore[misc, unused-ignore]
        """Writes a checkpoint completely or not at all."""

        def save_model(self) -> bool:
            """Write ``last.pt`` and ``best.pt``; a stop waits until both are there."""
            with stop.held():
                saved = bool(super().save_model())
                if self.stop:
                    resumable.unlink(missing_ok=True)
                else:
                    save_state(self, resumable.with_name(STATE_FILE))
                    copy_whole(Path(self.last), resumable)
                return saved

        def final_eval(self) -> None:
            """Evaluate the best checkpoint; no epoch is left to continue with."""
            resumable.unlink(missing_ok=True)
            super().final_eval()

    return SafeTrainer


def _copy_results(source: Path, target: Path, done: int) -> None:
    """Copy the rows of the epochs that are done; a kill can leave the row of one that is done again."""
    if source.is_file():
        head, *rows = source.read_text(encoding="utf-8").splitlines(keepends=True) or [""]
        target.write_text("".join([head, *rows[:done]]), encoding="utf-8")


def add_metadata(checkpoint: Path, extra: Mapping[str, object]) -> None:
    """Add keys to a checkpoint that this process has written, as Supervisely's training app does."""
    content = torch.load(checkpoint, map_location="cpu", weights_only=False)
    save_at_once({**content, **extra}, checkpoint)
