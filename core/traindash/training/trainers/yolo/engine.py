"""Ultralytics as an engine of the shared pipeline: hyperparameters, labels, training, resume."""

import re
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from ultralytics.cfg import DEFAULT_CFG_DICT, get_cfg
from ultralytics.utils.torch_utils import strip_optimizer

from traindash.datasets.training_labels import yolo_lines
from traindash.domain.annotation import Annotation
from traindash.domain.jobs import Schedule
from traindash.domain.plan import Side
from traindash.domain.task import ExitCause
from traindash.files import copy_whole
from traindash.frameworks.registry import framework
from traindash.training.runs.spec import TrainSpec
from traindash.training.trainers.checkpoint_files import TORCH
from traindash.training.trainers.engine import (
    LabelWriter,
    MakeEngine,
    OpenExported,
    OpenModel,
    PreparedData,
    Run,
    TrainingOutcome,
)
from traindash.training.trainers.entry import RunError
from traindash.training.trainers.hyperparameters import check_each, refuse
from traindash.training.trainers.reporting import Observations, TrainingReporter
from traindash.training.trainers.resume_state import STATE_FILE, save_at_once
from traindash.training.trainers.samples import SampleRecorder, choose_samples
from traindash.training.trainers.weights import StartingPoint
from traindash.training.trainers.yolo.engine_hooks import Callbacks, hooked_trainer
from traindash.training.trainers.yolo.models import ExportedYolo, YoloModel, load_model

_REFERENCE = framework("YOLO").reference
_OPTIMIZERS = _REFERENCE.keys["optimizer"].choices
# Smallest image side in pixels that the models' strides allow.
_SMALLEST_IMAGE = int(_REFERENCE.keys["imgsz"].limits[0] or 0)
_AUTO_BATCH = -1
_EPOCH_FILE = re.compile(r"epoch\d+")


class YoloEngine:
    """Trains YOLO models; see :class:`traindash.training.trainers.engine.Engine`.

    ``seen`` is filled by a training that is looked at; ``None`` leaves it alone.
    """

    name = "ultralytics"
    checkpoints = TORCH

    def __init__(self, run: Run, seen: Observations | None) -> None:
        self._run = run
        self._seen = seen

    def check(self, values: Mapping[str, object]) -> None:
        """Ask the engine's own check key by key, so that the message can name the key."""
        check_each(values, DEFAULT_CFG_DICT.keys(), lambda given: get_cfg(overrides=dict(given)), engine="Ultralytics")
        check_late_ones(values)

    def schedule(self, values: Mapping[str, object]) -> Schedule:
        """Put the values over the engine's defaults."""
        planned = {**DEFAULT_CFG_DICT, **values}
        hours = planned["time"]
        return Schedule(
            epochs=_whole(planned["epochs"]),
            patience=_whole(planned["patience"]),
            time_limit=float(hours) * 3600 if isinstance(hours, (int, float)) else None,
            fraction=float(str(planned["fraction"])),
            batch_size=_whole(planned["batch"]),
            validates=bool(planned["val"]),
            save_period=_whole(planned["save_period"]),
        )

    def shortened(self, values: Mapping[str, object], epochs: int) -> Mapping[str, object]:
        """Return hyperparameters of a trial; mosaics stay on, as in most epochs of the whole training."""
        short = {**values, "epochs": epochs, "close_mosaic": 0, "fraction": 1.0, "save_period": -1}
        return {key: value for key, value in short.items() if key != "time"}

    def labels(self, root: Path) -> LabelWriter:
        """Return the writer of text files."""
        return YoloLabels(root, self._run.spec)

    def train(self, data: PreparedData, start: StartingPoint, values: Mapping[str, object]) -> TrainingOutcome:
        """Train from a checkpoint or an architecture, in the run's own folder."""
        folder = self._folder
        arguments = {
            "plots": False,  # our own report has the charts; Ultralytics' cost seconds
            **values,
            "project": str(folder.parent),
            "name": folder.name,
            "exist_ok": True,
            "save": True,
        }
        return self._train(load_model(start.source, self._run.spec.task_type), data, arguments)

    def resume(self, data: PreparedData, checkpoint: Path) -> TrainingOutcome:
        """Copy what the earlier run left, then let the engine resume from the copy."""
        folder = self._folder
        weights = folder / "weights"
        weights.mkdir(parents=True, exist_ok=True)
        last = self.checkpoints.last(weights)
        try:
            shutil.copyfile(checkpoint, last)
        except OSError as error:
            message = f"The checkpoint {checkpoint} to continue from cannot be read."
            raise RunError(ExitCause.BAD_INPUT, message, "Start a new training.") from error
        state = checkpoint.with_name(STATE_FILE)
        if state.is_file():
            shutil.copyfile(state, weights / STATE_FILE)
        before = checkpoint.parent
        for kept in (self.checkpoints.best(before), *self.checkpoints.of_epochs(before)):
            if self.checkpoints.is_complete(kept):  # a kill may have torn it
                shutil.copyfile(kept, weights / kept.name)
        model = load_model(str(last), self._run.spec.task_type)
        # Any normal end strips the optimizer; from such a file Ultralytics would "resume" with its demo data set
        if model.ckpt.get("epoch", -1) < 0 or model.ckpt.get("optimizer") is None:
            message = f"{checkpoint.name} is a finished checkpoint: there is nothing to continue."
            raise RunError(ExitCause.BAD_INPUT, message, "Start a new training from it as a custom checkpoint.")
        done = model.ckpt["epoch"] + 1
        _copy_results(checkpoint.parent.parent / "results.csv", folder / "results.csv", done)
        copy_whole(last, self._run.layout.resume_checkpoint)
        self._run.events.log(f"Continuing after epoch {done} of an earlier run.")
        return self._train(model, data, {"resume": str(last), "save_dir": str(folder), "plots": False})

    def finish_checkpoint(self, checkpoint: Path, facts: Mapping[str, object]) -> None:
        """Take the optimizer out of a checkpoint of a single epoch, and add keys to any."""
        if _EPOCH_FILE.fullmatch(checkpoint.stem):
            strip_optimizer(checkpoint)  # as the engine does with the two others
        # Not "weights_only": the engine pickles the model itself; this process has written the file
        content = torch.load(checkpoint, map_location="cpu", weights_only=False)
        save_at_once({**content, **facts}, checkpoint)

    def open(self, checkpoint: Path, image_size: int) -> YoloModel:
        """Return the model with its first prediction still to come."""
        spec = self._run.spec
        return YoloModel(checkpoint, task_type=spec.task_type, device=spec.device, image_size=image_size)

    def open_onnx(self, file: Path, image_size: int) -> ExportedYolo:
        """Return the exported model with its first prediction still to come."""
        return ExportedYolo(file, task_type=self._run.spec.task_type, image_size=image_size)

    @property
    def _folder(self) -> Path:
        """The engine's own folder: the platform looks for the resumable checkpoint in ``weights/`` of it."""
        return self._run.layout.resume_checkpoint.parent.parent

    def _train(self, model: Any, data: PreparedData, arguments: Mapping[str, object]) -> TrainingOutcome:  # noqa: ANN401
        run, before = self._run, self._run.spec.resume_seconds
        reporter = TrainingReporter(run.layout, run.events, run.stop, seconds_before=before)
        samples = SampleRecorder(choose_samples(data.val, run.spec), run.events)
        Callbacks(reporter, samples).attach(model)
        began = time.monotonic()
        model.train(
            trainer=hooked_trainer(model, run.stop, run.layout.resume_checkpoint, self._seen),
            data=str(data.config),
            device=run.spec.device,
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
            seconds=before + time.monotonic() - began,
        )


make_engine: MakeEngine = YoloEngine  # mypy holds the classes to the seam here
open_model: OpenModel = YoloModel
open_exported: OpenExported = ExportedYolo


class YoloLabels:
    """Writes labels as Ultralytics reads them: a text file for each image, a YAML file for the data set.

    ::

        data.yaml
        labels/train/000001.txt, labels/val/…
    """

    def __init__(self, root: Path, spec: TrainSpec) -> None:
        self._root = root
        self._spec = spec

    def describe(self, annotation: Annotation) -> tuple[str, ...]:
        """Return a line for each object.

        Raises:
            InputError: Something of the annotation cannot be used.
        """
        return yolo_lines(annotation, classes=self._spec.classes, task_type=self._spec.task_type)

    def add(self, side: Side, file: Path, objects: Sequence[str]) -> None:
        """Write the labels of an image; the engine finds them by putting ``labels`` for ``images`` in its path."""
        label = self._root / "labels" / side / f"{file.stem}.txt"
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text("".join(f"{line}\n" for line in objects), encoding="utf-8")

    def finish(self) -> Path:
        """Write and return ``data.yaml``."""
        config = self._root / "data.yaml"
        names = dict(enumerate(self._spec.classes))
        content = {"path": str(self._root), "train": "images/train", "val": "images/val", "names": names}
        config.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return config


def check_late_ones(values: Mapping[str, object]) -> None:
    """Refuse values that the engine takes and then stumbles over, some of them after minutes.

    Raises:
        RunError: There is one; names it.
    """
    optimizer = values.get("optimizer", "auto")
    if str(optimizer).casefold() not in {name.casefold() for name in _OPTIMIZERS}:
        hint = "Use one of: " + ", ".join(_OPTIMIZERS) + "."
        refuse(f"The hyperparameter “optimizer” cannot be {optimizer!r}.", hint)
    sides = values.get("imgsz", 640)
    for side in sides if isinstance(sides, list) else [sides]:
        if not isinstance(side, int) or isinstance(side, bool) or side < _SMALLEST_IMAGE:
            hint = f"Use a whole number of pixels, {_SMALLEST_IMAGE} or more, e.g. 640."
            refuse(f"The hyperparameter “imgsz” cannot be {sides!r}.", hint)
    epochs, batch = values.get("epochs"), values.get("batch")
    if isinstance(epochs, int) and epochs < 1:
        refuse(f"The hyperparameter “epochs” cannot be {epochs!r}.", "Use a whole number, 1 or more.")
    if isinstance(batch, int | float) and batch != _AUTO_BATCH and not (0 < batch < 1 or batch == int(batch) >= 1):
        hint = "Use a whole number of images, 1 or more; on a GPU also −1 or a share of its memory such as 0.7."
        refuse(f"The hyperparameter “batch” cannot be {batch!r}.", hint)


def _whole(value: object) -> int:
    """Return a number of 1 and more; 0 for one that says "none" or "find out"."""
    return int(value) if isinstance(value, (int, float)) and value >= 1 else 0


def _copy_results(source: Path, target: Path, done: int) -> None:
    """Copy the rows of the epochs that are done; a kill can leave the row of one that is done again."""
    if source.is_file():
        head, *rows = source.read_text(encoding="utf-8").splitlines(keepends=True) or [""]
        target.write_text("".join([head, *rows[:done]]), encoding="utf-8")
