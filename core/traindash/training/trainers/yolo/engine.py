"""Ultralytics as an engine of the shared pipeline: hyperparameters, labels, training, resume."""

import ast
import importlib
import itertools
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import yaml
from ultralytics import YOLO
from ultralytics.cfg import DEFAULT_CFG_DICT, get_cfg
from ultralytics.utils.patches import imread
from ultralytics.utils.torch_utils import strip_optimizer

from traindash.datasets.pixels import opened
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
    BATCH_SIZE,
    CONFIDENCE,
    MAX_DETECTIONS,
    NMS_IOU,
    ExportError,
    LabelWriter,
    MakeEngine,
    OpenExported,
    OpenModel,
    Prediction,
    PreparedData,
    Run,
    Timing,
    TrainingOutcome,
)
from traindash.training.trainers.entry import RunError
from traindash.training.trainers.exported import open_session
from traindash.training.trainers.hyperparameters import check_each, refuse
from traindash.training.trainers.reporting import Observations, TrainingReporter
from traindash.training.trainers.resume_state import STATE_FILE, save_at_once
from traindash.training.trainers.samples import SampleRecorder, choose_samples
from traindash.training.trainers.weights import StartingPoint
from traindash.training.trainers.yolo.engine_hooks import Callbacks, hooked_trainer

# Supervisely's task types → Ultralytics' tasks.
_TASKS: Mapping[str, str] = {"object detection": "detect", "instance segmentation": "segment"}
_NO_GPU = "TensorRT export needs an NVIDIA GPU, and this agent has none. Export to ONNX instead."
# What Ultralytics 8.4.190 says of a checkpoint that names anything else than known layers (``torch_safe_load``)
_FOREIGN_TYPES = "references types outside the supported"
# Largest difference between the exported and the original output, relative to the largest output value.
_TOLERANCE = 0.01
# Sides of the images that checkpoints get are multiples of it, whatever stride they have (``PyTorchBackend`` of
# Ultralytics 8.4.190); an ONNX file says a number of its own (``stride`` in its metadata)
_MULTIPLE = 32


def load_model(source: str, task_type: str) -> Any:  # noqa: ANN401 - ultralytics.YOLO; the engine has no types
    """Load a checkpoint or build an architecture.

    Raises:
        RunError: The file is no model, or one for another task.
    """
    try:
        model = YOLO(source)
    except (TypeError, KeyError, AttributeError, RuntimeError, FileNotFoundError) as error:
        if _FOREIGN_TYPES in str(error):
            name = Path(source).name
            message = f"{name} holds more than weights and known layers. It was not opened, for it could run code."
            raise RunError(ExitCause.BAD_INPUT, message, "Choose a checkpoint of a training that you trust.") from error
        message = f"{Path(source).name} is no YOLO model that this version of Ultralytics can load ({error})."
        raise RunError(ExitCause.BAD_INPUT, message, "Choose another checkpoint.") from error
    if model.task != _TASKS[task_type]:
        message = f"{Path(source).name} is a model for “{model.task}”, but this training is for {task_type}."
        raise RunError(ExitCause.BAD_INPUT, message, "Choose a checkpoint of the same task type.")
    return model


class YoloModel:
    """See :class:`traindash.training.trainers.engine.TrainedModel`.

    ``image_size`` is the longer side that the model gets, in pixels.
    """

    def __init__(self, checkpoint: Path, *, task_type: str, device: str, image_size: int | None) -> None:
        self._checkpoint = checkpoint
        self._device = device
        self._model = load_model(str(checkpoint), task_type)
        self._image_size = image_size or _trained_size(self._model)

    @property
    def classes(self) -> tuple[str, ...]:
        """Return their names."""
        return _names_of(self._model)

    def predict(self, files: Sequence[Path]) -> Iterator[tuple[Path, Sequence[Prediction]]]:
        """Predict as a stream, so that not all results are in memory at once."""
        return _found_on(self._model, files, image_size=self._image_size, device=self._device, batch=BATCH_SIZE)

    def batch_runner(self, files: Sequence[Path]) -> Callable[[int], Timing]:
        """Read the images with the engine's own reader, which is not timed."""
        images = [imread(str(file)) for file in files]

        def run_batch(size: int) -> Timing:
            batch = list(itertools.islice(itertools.cycle(images), size))
            results = self._model.predict(batch, imgsz=self._image_size, device=self._device, batch=size, verbose=False)
            speed = results[0].speed  # milliseconds per image
            return Timing(
                preprocess=speed["preprocess"] * size,
                inference=speed["inference"] * size,
                postprocess=speed["postprocess"] * size,
            )

        return run_batch

    def export_onnx(self, target: Path) -> float:
        """Export, and give both models random inputs: an export that runs may still be wrong.

        The file takes images of any sides, as the checkpoint does. With fixed ones, as Supervisely's app exports it,
        images that are not square get a border up to a square, and what is found around it moves a little.
        """
        # simplify: onnxslim makes the graph smaller; without it installed Ultralytics would try to fetch it
        size = _rounded(self._image_size)
        exported = Path(self._model.export(format="onnx", imgsz=size, device="cpu", simplify=True, dynamic=True))
        _say_multiple(exported)
        difference = max(self._difference(exported, size, height) for height in (size, _rounded(size // 2)))
        if difference > _TOLERANCE:
            raise ExportError(f"The exported ONNX model answers differently from the original (by {difference:.1%}).")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(exported, target)
        return difference

    def export_tensorrt(self, target: Path) -> Path:
        """Export on the GPU that the engine will run on."""
        if self._device == "cpu" or not torch.cuda.is_available():
            raise ExportError(_NO_GPU)
        exported = self._model.export(format="engine", imgsz=self._image_size, device=self._device)
        target.parent.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(exported, target))

    def _difference(self, exported: Path, width: int, height: int) -> float:
        pixels = np.random.default_rng(0).random((1, 3, height, width), dtype=np.float32)
        session = open_session(exported, threads=torch.get_num_threads())
        answer = session.run(None, {session.get_inputs()[0].name: pixels})[0]
        model = YOLO(str(self._checkpoint)).model.float().eval()
        with torch.no_grad():
            expected = _first_array(model.fuse()(torch.from_numpy(pixels)))
        return float(np.abs(answer - expected).max() / max(float(np.abs(expected).max()), 1e-9))


class ExportedYolo:
    """See :class:`traindash.training.trainers.engine.Predictor`; an ONNX file with the engine around it."""

    def __init__(
        self,
        file: Path,
        *,
        task_type: str,
        classes: Sequence[str] = (),  # noqa: ARG002 - the file names them
        image_size: int | None = None,
        threads: int = 1,  # noqa: ARG002 - see `engine_hooks.limit_threads`
    ) -> None:
        # The engine cannot tell the task from a file that is called "best.onnx"
        self._model = YOLO(str(file), task=_TASKS[task_type])
        self._image_size = image_size or _exported_size(file)

    @property
    def classes(self) -> tuple[str, ...]:
        """Return their names."""
        return _names_of(self._model)

    def predict(self, files: Sequence[Path]) -> Iterator[tuple[Path, Sequence[Prediction]]]:
        """Predict one by one: a file with fixed sides, of an earlier version, takes a batch of one image."""
        return _found_on(self._model, files, image_size=self._image_size, device="cpu", batch=1)


def _found_on(
    model: YOLO, files: Sequence[Path], *, image_size: int, device: str, batch: int
) -> Iterator[tuple[Path, Sequence[Prediction]]]:
    for listed in _alike(files):
        results = model.predict(
            listed,
            stream=True,
            conf=CONFIDENCE,
            iou=NMS_IOU,
            max_det=MAX_DETECTIONS,
            device=device,
            batch=batch,
            rect=True,  # the engine's own default: no wider borders than the model needs
            retina_masks=True,  # masks in the size of the image
            verbose=False,
            imgsz=image_size,
        )
        for result in results:
            yield Path(result.path), tuple(predictions_of(result))


def _alike(files: Sequence[Path]) -> Iterator[str]:
    """Yield files that list images, those of one size together.

    The engine pads images to the smallest shape that they have in common, and to a square where a batch has several
    sizes (``BasePredictor.pre_transform``): a picture would have other objects beside others than alone.
    """
    by_size: dict[tuple[int, int], list[str]] = {}
    for file in files:
        with opened(file) as image:
            by_size.setdefault(image.stored_size, []).append(str(file.absolute()))
    for names in by_size.values():
        with TemporaryDirectory() as folder:
            # A list of files as a file: the engine reads images of a folder or of such a list one after the other, but
            # those of a list in memory all at once
            listed = Path(folder) / "images.txt"
            listed.write_text("\n".join(names), encoding="utf-8-sig")
            yield str(listed)


def _trained_size(model: YOLO) -> int:
    """Return the size of the images that a checkpoint was trained on, as the evaluation of the training takes it."""
    size = model.overrides["imgsz"]
    return int(max(size)) if isinstance(size, (list, tuple)) else int(size)


def _rounded(size: int) -> int:
    """Return the side that a checkpoint gets where this one is asked for (``check_imgsz`` of Ultralytics)."""
    return -(-size // _MULTIPLE) * _MULTIPLE


def _say_multiple(exported: Path) -> None:
    """Write into a valid file what its checkpoint is padded to, so that whoever loads it pads alike."""
    onnx = importlib.import_module("onnx")
    content = onnx.load(str(exported))
    notes = {note.key: note.value for note in content.metadata_props}
    onnx.helper.set_model_props(content, {**notes, "stride": str(max(int(notes["stride"]), _MULTIPLE))})
    onnx.save(content, str(exported))
    try:
        onnx.checker.check_model(content)
    except onnx.checker.ValidationError as error:
        raise ExportError(f"The exported ONNX model is not valid: {error}") from error


def _exported_size(file: Path) -> int:
    """Return the longer side of the images that a file was exported for; the engine's own default if it says none.

    Raises:
        RunError: The file is no ONNX model.
    """
    onnx, messages = (importlib.import_module(name) for name in ("onnx", "google.protobuf.message"))
    try:
        notes = {note.key: note.value for note in onnx.load(str(file), load_external_data=False).metadata_props}
    except messages.DecodeError as error:
        message = f"{file.name} is no complete ONNX file."
        raise RunError(ExitCause.BAD_INPUT, message, "Export the model again.") from error
    return int(max(ast.literal_eval(notes.get("imgsz", f"[{DEFAULT_CFG_DICT['imgsz']}]"))))


def _names_of(model: YOLO) -> tuple[str, ...]:
    return tuple(str(name) for _, name in sorted(model.names.items()))


def predictions_of(result: Any) -> Iterator[Prediction]:  # noqa: ANN401 - ultralytics Results
    """Read what was found on an image."""
    boxes = result.boxes.cpu().numpy()
    for row in range(len(boxes)):
        left, top, right, bottom = (float(value) for value in boxes.xyxy[row])
        yield Prediction(
            class_name=result.names[int(boxes.cls[row])],
            corners=(left, top, right, bottom),
            score=float(boxes.conf[row]),
            mask=None if result.masks is None else result.masks.data[row].cpu().numpy() > 0,
        )


def _first_array(output: Any) -> Any:  # noqa: ANN401 - nested tuples of tensors, by task
    while isinstance(output, (list, tuple)):
        output = output[0]
    return output.numpy()


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
