"""Exports: ONNX, checked by running it; TensorRT where there is a GPU."""

import importlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ultralytics import YOLO

NO_GPU = "TensorRT export needs an NVIDIA GPU, and this agent has none. Export to ONNX instead."
TOLERANCE = 0.01
"""Largest difference between the exported and the original output, relative to the largest output value."""


class ExportError(Exception):
    """An export did not work; the text says why, for people."""


def export_onnx(checkpoint: Path, target: Path, *, image_size: int) -> float:
    """Export a checkpoint to ONNX and compare both on one input.

    Args:
        checkpoint: The ``.pt`` file.
        target: The ``.onnx`` file to write.
        image_size: Side of the square input in pixels.

    Returns:
        Largest relative difference between the two models' outputs.

    Raises:
        ExportError: The exported model is not valid or answers differently.
    """
    exported = Path(YOLO(str(checkpoint)).export(format="onnx", imgsz=image_size, device="cpu", simplify=True))
    onnx = importlib.import_module("onnx")
    try:
        onnx.checker.check_model(onnx.load(str(exported)))
    except onnx.checker.ValidationError as error:
        message = f"The exported ONNX model is not valid: {error}"
        raise ExportError(message) from error
    difference = _difference(checkpoint, exported, image_size)
    if difference > TOLERANCE:
        message = f"The exported ONNX model answers differently from the original (by {difference:.1%})."
        raise ExportError(message)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(exported, target)
    return difference


def export_tensorrt(checkpoint: Path, target: Path, *, image_size: int, device: str) -> Path:
    """Export a checkpoint to a TensorRT engine.

    Returns:
        The target.

    Raises:
        ExportError: There is no GPU.
    """
    if device == "cpu" or not torch.cuda.is_available():
        raise ExportError(NO_GPU)
    exported = YOLO(str(checkpoint)).export(format="engine", imgsz=image_size, device=device)
    target.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.move(exported, target))


def _difference(checkpoint: Path, exported: Path, image_size: int) -> float:
    pixels = np.random.default_rng(0).random((1, 3, image_size, image_size), dtype=np.float32)
    runtime = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    answer = session.run(None, {session.get_inputs()[0].name: pixels})[0]
    model = YOLO(str(checkpoint)).model.float().eval()
    with torch.no_grad():
        expected = _first_array(model.fuse()(torch.from_numpy(pixels)))
    return float(np.abs(answer - expected).max() / max(float(np.abs(expected).max()), 1e-9))


def _first_array(output: Any) -> Any:  # noqa: ANN401 - nested tuples of tensors, by task
    while isinstance(output, (list, tuple)):
        output = output[0]
    return output.numpy()
