"""Trained models of YOLO, checkpoints and exported files: what they find, how fast they are, how they are exported."""

import ast
import importlib
import itertools
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from ultralytics import YOLO
from ultralytics.cfg import DEFAULT_CFG_DICT
from ultralytics.utils.patches import imread

from traindash.datasets.pixels import opened
from traindash.domain.prediction import Timing
from traindash.domain.task import ExitCause
from traindash.training.trainers.engine import (
    BATCH_SIZE,
    CONFIDENCE,
    MAX_DETECTIONS,
    NMS_IOU,
    ExportError,
    Prediction,
)
from traindash.training.trainers.entry import RunError
from traindash.training.trainers.exported import open_session

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
            return _timing(results)

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

    def batch_runner(self, files: Sequence[Path]) -> Callable[[int], Timing]:
        """Read the images, which is not timed; those of a batch are predicted one by one, as they are above."""
        images = [imread(str(file)) for file in files]

        def run_batch(size: int) -> Timing:
            batch = itertools.islice(itertools.cycle(images), size)
            return _timing(
                [
                    self._model.predict(image, imgsz=self._image_size, device="cpu", batch=1, verbose=False)[0]
                    for image in batch
                ]
            )

        return run_batch


def _timing(results: Sequence[Any]) -> Timing:
    """Add up what the images of a batch took; each result says its share."""
    parts = {part: sum(result.speed[part] for result in results) for part in ("preprocess", "inference", "postprocess")}
    return Timing(**parts)


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
