"""The validation after an epoch: average precision by COCO's rules, and what is found on the sample images."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import hotcoco
import numpy as np
import torch

from traindash.datasets.training_labels import learnt_objects
from traindash.domain.experiment import SampleBox
from traindash.training.runs.spec import TrainSpec
from traindash.training.trainers.detr.images import read_image, stretched
from traindash.training.trainers.detr.predicting import Found, found_on
from traindash.training.trainers.engine import BATCH_SIZE, PlacedImage
from traindash.training.trainers.samples import LEAST_SCORE, MOST_BOXES, SampleRecorder

# COCO counts the hundred best predictions of an image; lower scores change no figure in the fourth place
_LEAST_SCORE = 0.001
_FITNESS = "metrics/mAP50-95(B)"


class Validation:
    """Measures models on the validation images.

    Args:
        val: The images.
        spec: The run.
        size: Height and width that the model gets, in pixels.
        before_batch: Called before each batch; raises to stop.
    """

    def __init__(
        self, val: Sequence[PlacedImage], spec: TrainSpec, size: tuple[int, int], before_batch: Callable[[], None]
    ) -> None:
        self._val = val
        self._classes = spec.classes
        self._size = size
        self._before_batch = before_batch
        self._truth = _truth(val, spec)

    def measure(self, model: torch.nn.Module, device: torch.device, samples: SampleRecorder) -> dict[str, float]:
        """Return ``metrics/mAP50(B)``, ``metrics/mAP50-95(B)`` and ``per_class/<name>``; nothing without any object."""
        rows: list[dict[str, object]] = []
        for number, (placed, found) in enumerate(zip(self._val, self._found(model, device), strict=True), start=1):
            rows.extend(_coco_rows(number, found))
            if samples.wants(str(placed.file)):
                samples.take(str(placed.file), _sample_boxes(found, self._classes))
        return _average_precision(self._truth, rows, self._classes)

    def _found(self, model: torch.nn.Module, device: torch.device) -> Iterator[Found]:
        for start in range(0, len(self._val), BATCH_SIZE):
            self._before_batch()
            some = self._val[start : start + BATCH_SIZE]
            images = [read_image(placed.file) for placed in some]
            sizes = [(image.shape[1], image.shape[2]) for image in images]
            with torch.inference_mode():
                pixels = torch.stack([stretched(image, self._size) for image in images]).to(device)
                outputs = model(pixel_values=pixels)
            yield from found_on(outputs.logits.float(), outputs.pred_boxes.float(), sizes, _LEAST_SCORE)


def fitness(values: Mapping[str, float]) -> float:
    """Return by what the best epoch is chosen; below all others where nothing could be measured."""
    return values.get(_FITNESS, -1.0)


def _average_precision(
    truth: Mapping[str, Any], found: Sequence[Mapping[str, object]], classes: Sequence[str]
) -> dict[str, float]:
    """Return average precision at IoU 0.50 and over 0.50 to 0.95, the latter for each class, too."""
    if not truth["annotations"]:
        return {}
    if not found:
        learnt = {row["category_id"] for row in truth["annotations"]}
        named = {f"per_class/{name}": 0.0 for number, name in enumerate(classes, start=1) if number in learnt}
        return {"metrics/mAP50(B)": 0.0, _FITNESS: 0.0, **named}
    annotated = hotcoco.COCO(dict(truth))
    run = hotcoco.COCOeval(annotated, annotated.load_res([dict(row) for row in found]), "bbox")
    run.evaluate()
    run.accumulate()
    # (IoU, recall, class, area, detections): all areas, 100 detections
    precision = np.array((run.eval or {})["precision"])[:, :, :, 0, -1]
    precision = np.where(precision < 0, np.nan, precision)
    values = {"metrics/mAP50(B)": float(np.nanmean(precision[0])), _FITNESS: float(np.nanmean(precision))}
    for number, name in enumerate(classes):
        own = precision[:, :, number]
        if not np.isnan(own).all():
            values[f"per_class/{name}"] = float(np.nanmean(own))
    return values


def _truth(val: Sequence[PlacedImage], spec: TrainSpec) -> dict[str, Any]:
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number, placed in enumerate(val, start=1):
        width, height = placed.annotation.width, placed.annotation.height
        images.append({"id": number, "width": width, "height": height})
        for learnt in learnt_objects(placed.annotation, classes=spec.classes, task_type=spec.task_type):
            left, top, right, bottom = learnt.box
            box = [left * width, top * height, (right - left) * width, (bottom - top) * height]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": learnt.number + 1,
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": 0,
                }
            )
    categories = [{"id": number, "name": name} for number, name in enumerate(spec.classes, start=1)]
    return {"images": images, "annotations": annotations, "categories": categories}


def _coco_rows(image: int, found: Found) -> Iterator[dict[str, object]]:
    rows = zip(found.scores.tolist(), found.labels.tolist(), found.corners.tolist(), strict=True)
    for score, number, (left, top, right, bottom) in rows:
        box = [left, top, right - left, bottom - top]
        yield {"image_id": image, "category_id": number + 1, "bbox": box, "score": score}


def _sample_boxes(found: Found, classes: Sequence[str]) -> list[SampleBox]:
    """Return the best boxes of an image."""
    rows = zip(found.scores.tolist(), found.labels.tolist(), found.corners.tolist(), strict=True)
    return [
        SampleBox(
            class_name=classes[number],
            left=left,
            top=top,
            width=right - left,
            height=bottom - top,
            score=score,
        )
        for score, number, (left, top, right, bottom) in rows
        if score >= LEAST_SCORE
    ][:MOST_BOXES]
