"""A YOLO checkpoint that predicts, is timed and is exported."""

import importlib
import itertools
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ultralytics import YOLO
from ultralytics.utils.patches import imread

from traindash.domain.task import ExitCause
from traindash.training.runs.spec import TrainSpec
from traindash.training.trainers.engine import (
    BATCH_SIZE,
    CONFIDENCE,
    MAX_DETECTIONS,
    NMS_IOU,
    ExportError,
    Prediction,
    Timing,
)
from traindash.training.trainers.entry import RunError

_TASKS: Mapping[str, str] = {"object detection": "detect", "instance segmentation": "segment"}
"""Supervisely's task types → Ultralytics' tasks."""
_NO_GPU = "TensorRT export needs an NVIDIA GPU, and this agent has none. Export to ONNX instead."
_TOLERANCE = 0.01
"""Largest difference between the exported and the original output, relative to the largest output value."""


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
    if model.task != _TASKS[task_type]:
        message = f"{Path(source).name} is a model for “{model.task}”, but this training is for {task_type}."
        raise RunError(ExitCause.BAD_INPUT, message, "Choose a checkpoint of the same task type.")
    return model


class YoloModel:
    """See :class:`traindash.training.trainers.engine.TrainedModel`.

    Args:
        checkpoint: The ``.pt`` file.
        spec: The run that trained it.
        image_size: Longer image side in pixels that the model gets.
    """

    def __init__(self, checkpoint: Path, spec: TrainSpec, image_size: int) -> None:
        self._checkpoint = checkpoint
        self._device = spec.device
        self._image_size = image_size
        self._model = load_model(str(checkpoint), spec.task_type)

    def predict(self, files: Sequence[Path]) -> Iterator[tuple[Path, Sequence[Prediction]]]:
        """Yield each image of one folder with what is found on it."""
        results = self._model.predict(
            str(files[0].parent),
            stream=True,
            conf=CONFIDENCE,
            iou=NMS_IOU,
            max_det=MAX_DETECTIONS,
            imgsz=self._image_size,
            device=self._device,
            batch=BATCH_SIZE,
            retina_masks=True,  # masks in the size of the image
            verbose=False,
        )
        for result in results:
            yield Path(result.path), tuple(predictions_of(result))

    def batch_runner(self, files: Sequence[Path]) -> Callable[[int], Timing]:
        """Read images; returns what runs a batch of a given size."""
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
        """Export to ONNX and compare both on one input.

        Raises:
            ExportError: The exported model is not valid or answers differently.
        """
        # simplify: onnxslim makes the graph smaller; without it installed Ultralytics would try to fetch it
        exported = Path(self._model.export(format="onnx", imgsz=self._image_size, device="cpu", simplify=True))
        onnx = importlib.import_module("onnx")
        try:
            onnx.checker.check_model(onnx.load(str(exported)))
        except onnx.checker.ValidationError as error:
            message = f"The exported ONNX model is not valid: {error}"
            raise ExportError(message) from error
        difference = self._difference(exported)
        if difference > _TOLERANCE:
            message = f"The exported ONNX model answers differently from the original (by {difference:.1%})."
            raise ExportError(message)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(exported, target)
        return difference

    def export_tensorrt(self, target: Path) -> Path:
        """Export to a TensorRT engine.

        Raises:
            ExportError: There is no GPU.
        """
        if self._device == "cpu" or not torch.cuda.is_available():
            raise ExportError(_NO_GPU)
        exported = self._model.export(format="engine", imgsz=self._image_size, device=self._device)
        target.parent.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(exported, target))

    def _difference(self, exported: Path) -> float:
        size = self._image_size
        pixels = np.random.default_rng(0).random((1, 3, size, size), dtype=np.float32)
        runtime = importlib.import_module("onnxruntime")
        session = runtime.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
        answer = session.run(None, {session.get_inputs()[0].name: pixels})[0]
        model = YOLO(str(self._checkpoint)).model.float().eval()
        with torch.no_grad():
            expected = _first_array(model.fuse()(torch.from_numpy(pixels)))
        return float(np.abs(answer - expected).max() / max(float(np.abs(expected).max()), 1e-9))


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
