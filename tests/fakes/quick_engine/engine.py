"""Models as JSON, such as ``{"class_name": "box", "score": 0.9}``: each finds the bright part of a picture."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from traindash.domain.prediction import Timing
from traindash.domain.task import ExitCause
from traindash.training.trainers.engine import Prediction
from traindash.training.trainers.entry import RunError

_BRIGHT = 200


class QuickModel:
    """See :class:`traindash.training.trainers.engine.Predictor`."""

    def __init__(self, file: Path) -> None:
        try:
            said = json.loads(file.read_bytes())
        except ValueError as error:
            raise RunError(ExitCause.BAD_INPUT, f"{file.name} is no model.", "Choose another one.") from error
        self._file = file
        self.classes = (said["class_name"],)
        self._score = float(said.get("score", 0.9))
        self._dies = bool(said.get("dies", False))
        self._has_masks = bool(said.get("masks", False))

    def predict(self, files: Sequence[Path]) -> Iterator[tuple[Path, Sequence[Prediction]]]:
        for file in files:
            bright = _bright(file)
            rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
            if self._dies and rows.size:
                os.kill(os.getpid(), signal.SIGKILL)
            if not rows.size:
                yield file, ()
                continue
            corners = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
            mask = bright if self._has_masks else None
            yield file, (Prediction(class_name=self.classes[0], corners=corners, score=self._score, mask=mask),)

    def batch_runner(self, files: Sequence[Path]) -> Callable[[int], Timing]:
        images = [_bright(file) for file in files]

        def run_batch(size: int) -> Timing:
            began = time.perf_counter()
            found = sum(int(image.sum()) for image in islice(cycle(images), size))
            if self._dies and found:
                os.kill(os.getpid(), signal.SIGKILL)
            return Timing(preprocess=0, inference=(time.perf_counter() - began) * 1000, postprocess=0)

        return run_batch

    def export_onnx(self, target: Path) -> float:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self._file.read_bytes())
        return 0.0


def _bright(file: Path) -> npt.NDArray[np.bool_]:
    with Image.open(file) as image:
        # In any colour: a browser's camera that is none shows green
        bright: npt.NDArray[np.bool_] = np.array(image.convert("RGB")).max(axis=2) > _BRIGHT
    return bright


def open_model(checkpoint: Path, *, task_type: str, device: str, image_size: int | None) -> QuickModel:  # noqa: ARG001
    """Return the model of a file."""
    return QuickModel(checkpoint)


def open_exported(
    file: Path,
    *,
    task_type: str,  # noqa: ARG001
    classes: Sequence[str],  # noqa: ARG001
    image_size: int | None,  # noqa: ARG001
    threads: int,  # noqa: ARG001
) -> QuickModel:
    """Return the same of an export."""
    return QuickModel(file)
