"""What a model finds: from its outputs to objects in pixels, a batch after the other, and as an ONNX file."""

import importlib
import itertools
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from traindash.datasets.shape_fit import DETECTION
from traindash.domain.prediction import Timing
from traindash.domain.task import ExitCause
from traindash.training.trainers.detr import networks
from traindash.training.trainers.detr.images import read_image, stretched
from traindash.training.trainers.engine import BATCH_SIZE, CONFIDENCE, ExportError, Prediction
from traindash.training.trainers.entry import RunError
from traindash.training.trainers.exported import open_session

_NO_GPU = "TensorRT export needs an NVIDIA GPU, and this agent has none. Export to ONNX instead."
_NO_TENSORRT = (
    "TensorRT engines are not written for this framework here. Export to ONNX; TensorRT's own trtexec reads it."
)
# Largest difference between scores of the exported and the original model, as a part of the highest score. Which
# queries are decoded is a near tie in a model that has learned little, and one other query moves the scores by some
# percent; what is smaller than this is judged by the mAP of the exported file.
_TOLERANCE = 0.1
_OPSET = 17
_COMPARED = 20  # best scores
_OUTPUTS = ("scores", "labels", "boxes")  # of an exported model, in this order


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """N objects on an image, best first."""

    scores: torch.Tensor  # (N,), 0 to 1
    labels: torch.Tensor  # (N,) class numbers
    corners: torch.Tensor  # (N, 4) left, top, right, bottom in pixels of the image; they may lie outside


def found_on(
    logits: torch.Tensor, boxes: torch.Tensor, sizes: Sequence[tuple[int, int]], threshold: float
) -> list[Found]:
    """Return what was found on each image of a batch.

    Logits are (B, queries, classes), boxes (B, queries, 4) of centre and size in parts of the sides, sizes the heights
    and widths of the images in pixels. As transformers' ``post_process_object_detection``, to which a test compares it.
    """
    scores, labels, corners = _best_first(logits, boxes)
    scale = torch.tensor([[width, height, width, height] for height, width in sizes], dtype=corners.dtype)
    corners = corners * scale.to(corners.device)[:, None]
    return [
        Found(scores=own[keep], labels=numbers[keep], corners=places[keep])
        for own, numbers, places in zip(scores, labels, corners, strict=True)
        for keep in (own > threshold,)
    ]


def _best_first(logits: torch.Tensor, boxes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return scores, class numbers and corners (in parts of the sides) of as many objects as there are queries.

    A query may count for several classes, for every pair of a query and a class has a score of its own.
    """
    queries, classes = logits.shape[1:]
    scores, places = torch.topk(logits.sigmoid().flatten(1), queries, dim=1)
    center, size = boxes.split(2, dim=2)
    corners = torch.cat([center - size / 2, center + size / 2], dim=2)
    return scores, places % classes, corners.gather(1, (places // classes)[..., None].expand(-1, -1, 4))


class DetrModel:
    """See :class:`traindash.training.trainers.engine.TrainedModel`; images have the size that the checkpoint names."""

    def __init__(self, checkpoint: Path, *, task_type: str, device: str, image_size: int | None) -> None:  # noqa: ARG002
        if task_type != DETECTION:
            message = f"{checkpoint.name} is a model for {DETECTION}, but this run is for {task_type}."
            raise RunError(ExitCause.BAD_INPUT, message, "Choose a checkpoint of the same task type.")
        self._model, self._card = networks.load(checkpoint)
        self._device = torch_device(device)
        self._model.to(self._device)

    @property
    def classes(self) -> tuple[str, ...]:
        """Return those of the checkpoint."""
        return self._card.classes

    def predict(self, files: Sequence[Path]) -> Iterator[tuple[Path, Sequence[Prediction]]]:
        """Predict a batch after the other."""
        for start in range(0, len(files), BATCH_SIZE):
            some = files[start : start + BATCH_SIZE]
            for file, found in zip(some, self._found([read_image(file) for file in some]), strict=True):
                yield file, tuple(_predictions_of(found, self._card.classes))

    def batch_runner(self, files: Sequence[Path]) -> Callable[[int], Timing]:
        """Read the images, which is not timed."""
        images = [read_image(file) for file in files]

        def run_batch(size: int) -> Timing:
            batch = list(itertools.islice(itertools.cycle(images), size))
            sizes = [(image.shape[1], image.shape[2]) for image in batch]
            began = self._now()
            pixels = self._pixels(batch)
            ready = self._now()
            with torch.inference_mode():
                outputs = self._model(pixel_values=pixels)
            answered = self._now()
            found_on(outputs.logits, outputs.pred_boxes, sizes, CONFIDENCE)
            return _timing(began, ready, answered, self._now())

        return run_batch

    def export_onnx(self, target: Path) -> float:
        """Export with the inputs and outputs of the frameworks' own exports, and give both models one image.

        Inputs are ``images`` (N, 3, height, width; 0 to 1) and ``orig_target_sizes`` (N, 2; width and height), outputs
        ``labels``, ``boxes`` (corners in pixels) and ``scores``, all of them the best first.
        """
        onnx = importlib.import_module("onnx")
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_onnx(self._model.to("cpu"), self._card.size, target)
        try:
            onnx.checker.check_model(onnx.load(str(target)))
        except onnx.checker.ValidationError as error:
            target.unlink()  # nobody shall take it for a good one
            raise ExportError(f"The exported ONNX model is not valid: {error}") from error
        difference = self._difference(target)
        if difference > _TOLERANCE:
            target.unlink()
            raise ExportError(f"The exported ONNX model answers differently from the original (by {difference:.1%}).")
        return difference

    def export_tensorrt(self, target: Path) -> Path:  # noqa: ARG002
        """Say why not."""
        raise ExportError(_NO_GPU if self._device.type == "cpu" else _NO_TENSORRT)

    def _found(self, images: Sequence[torch.Tensor]) -> list[Found]:
        sizes = [(image.shape[1], image.shape[2]) for image in images]
        with torch.inference_mode():
            outputs = self._model(pixel_values=self._pixels(images))
        return found_on(outputs.logits.float(), outputs.pred_boxes.float(), sizes, CONFIDENCE)

    def _pixels(self, images: Sequence[torch.Tensor]) -> torch.Tensor:
        return torch.stack([stretched(image, self._card.size) for image in images]).to(self._device)

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()

    def _difference(self, exported: Path) -> float:
        pixels = _sample_pixels(self._card.size)
        with torch.inference_mode():
            outputs = self._model(pixel_values=pixels)
        expected = _best_first(outputs.logits, outputs.pred_boxes)[0][0, :_COMPARED]
        session = open_session(exported, threads=torch.get_num_threads())
        height, width = self._card.size
        given = {"images": pixels.numpy(), "orig_target_sizes": torch.tensor([[width, height]]).numpy()}
        # Scores only: where two are nearly the same their order, and with it boxes, may be another one
        answer = torch.from_numpy(session.run(["scores"], given)[0])[0, :_COMPARED]
        return float((answer - expected).abs().max() / expected.max().clamp(min=1e-9))


def _sample_pixels(size: tuple[int, int]) -> torch.Tensor:
    """Return (1, 3, height, width) of coloured patches, the same ones every time."""
    dice = torch.Generator().manual_seed(0)
    coarse = torch.rand((1, 3, 6, 6), generator=dice)
    return torch.nn.functional.interpolate(coarse, size=size, mode="bilinear", align_corners=False)


class _WithAnswers(torch.nn.Module):  # type: ignore[misc, unused-ignore]
    """A model that answers with objects instead of raw outputs."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, images: torch.Tensor, orig_target_sizes: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return labels, boxes and scores."""
        outputs = self.model(pixel_values=images)
        scores, labels, corners = _best_first(outputs.logits, outputs.pred_boxes)
        return labels, corners * orig_target_sizes.to(corners.dtype).repeat(1, 2)[:, None], scores


def _write_onnx(model: torch.nn.Module, size: tuple[int, int], target: Path) -> None:
    """Write an ONNX file; its images have the size, any number of them goes at once."""
    height, width = size
    # Two images: what is computed from their number must not become that number
    example = (torch.rand(2, 3, height, width), torch.tensor([[width, height]] * 2))
    names = ["images", "orig_target_sizes", "labels", "boxes", "scores"]
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # the exporter tells of every Python number that it takes for a constant
        torch.onnx.export(
            _WithAnswers(model).eval(),
            example,
            str(target),
            input_names=names[:2],
            output_names=names[2:],
            dynamic_axes={name: {0: "N"} for name in names},
            opset_version=_OPSET,
            dynamo=False,  # the newer exporter does not translate these models (onnxscript 0.7)
        )


class ExportedModel:
    """Predicts with what :func:`_write_onnx` has written, on the processor.

    Its images have the size that it names itself; classes are by number, threads those of the processor that it may
    use.
    """

    def __init__(
        self,
        file: Path,
        *,
        classes: Sequence[str],
        threads: int,
        task_type: str = DETECTION,  # noqa: ARG002
        image_size: int | None = None,  # noqa: ARG002
    ) -> None:
        self._session = open_session(file, threads=threads)
        height, width = self._session.get_inputs()[0].shape[2:]
        self._size = (height, width)
        self.classes = tuple(classes)

    def predict(self, files: Sequence[Path]) -> Iterator[tuple[Path, Sequence[Prediction]]]:
        """Predict a batch after the other."""
        for start in range(0, len(files), BATCH_SIZE):
            some = files[start : start + BATCH_SIZE]
            answer = self._session.run(_OUTPUTS, self._given([read_image(file) for file in some]))
            for file, found in zip(some, _kept(answer), strict=True):
                yield file, tuple(_predictions_of(found, self.classes))

    def batch_runner(self, files: Sequence[Path]) -> Callable[[int], Timing]:
        """Read the images, which is not timed."""
        images = [read_image(file) for file in files]

        def run_batch(size: int) -> Timing:
            batch = list(itertools.islice(itertools.cycle(images), size))
            began = time.perf_counter()
            given = self._given(batch)
            ready = time.perf_counter()
            answer = self._session.run(_OUTPUTS, given)
            answered = time.perf_counter()
            _kept(answer)
            return _timing(began, ready, answered, time.perf_counter())

        return run_batch

    def _given(self, images: Sequence[torch.Tensor]) -> dict[str, npt.NDArray[np.generic]]:
        return {
            "images": torch.stack([stretched(image, self._size) for image in images]).numpy(),
            "orig_target_sizes": torch.tensor([[image.shape[2], image.shape[1]] for image in images]).numpy(),
        }


def _kept(answer: Sequence[npt.NDArray[np.generic]]) -> list[Found]:
    """Return what is found on each image of a batch; the answer is that of :data:`_OUTPUTS`."""
    rows = zip(*(torch.from_numpy(values) for values in answer), strict=True)
    return [
        Found(scores=scores[keep], labels=labels[keep], corners=corners[keep])
        for scores, labels, corners in rows
        for keep in [scores > CONFIDENCE]
    ]


def _timing(began: float, ready: float, answered: float, ended: float) -> Timing:
    """Return the parts of a batch from the moments, in seconds, at which they began and ended."""
    return Timing(
        preprocess=(ready - began) * 1000,
        inference=(answered - ready) * 1000,
        postprocess=(ended - answered) * 1000,
    )


def _predictions_of(found: Found, classes: Sequence[str]) -> Iterator[Prediction]:
    """Read what was found on an image."""
    rows = zip(found.scores.tolist(), found.labels.tolist(), found.corners.tolist(), strict=True)
    for score, number, (left, top, right, bottom) in rows:
        yield Prediction(class_name=classes[number], corners=(left, top, right, bottom), score=score)


def torch_device(device: str) -> torch.device:
    """Return the device that a spec names: ``cpu``, or the number of a GPU."""
    return torch.device("cpu" if device == "cpu" else f"cuda:{device}")
