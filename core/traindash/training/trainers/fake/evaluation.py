"""A complete, tiny evaluation: real COCO files in which every prediction is right."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from traindash.training.runs.spec import RunImage

PERFECT_METRICS: Mapping[str, float] = {
    "mAP": 1.0,
    "AP50": 1.0,
    "AP75": 1.0,
    "f1": 1.0,
    "precision": 1.0,
    "recall": 1.0,
    "iou": 1.0,
    "classification_accuracy": 1.0,
    "calibration_score": 0.9,
    "f1_optimal_conf": 0.9,
    "expected_calibration_error": 0.1,
    "maximum_calibration_error": 0.1,
}
_SCORE = 0.9


class _Points(msgspec.Struct):
    exterior: list[tuple[float, float]] = []


class _Object(msgspec.Struct, rename="camel"):
    class_title: str
    points: _Points | None = None


class _Annotation(msgspec.Struct):
    """What a box is made of: this much costs nothing to import, and tests start this process hundreds of times."""

    objects: list[_Object] = []


def write_evaluation(folder: Path, images: Iterable[RunImage], *, classes: tuple[str, ...], model_name: str) -> None:
    """Write ``evaluation/`` and ``visualizations/`` of docs/supervisely-api.md 7.2.

    Args:
        folder: The run's evaluation folder.
        images: Validation images.
        classes: Trained classes.
        model_name: The model that pretends to have been trained.
    """
    categories = {name: number for number, name in enumerate(sorted(classes), start=1)}
    truth: dict[str, list[dict[str, object]]] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": number, "name": name, "supercategory": ""} for name, number in categories.items()],
    }
    predictions: list[dict[str, object]] = []
    for image in images:
        entry = {"id": int(image.id), "sly_id": int(image.id), "file_name": image.name, "dataset": image.dataset_name}
        truth["images"].append({**entry, "width": image.width, "height": image.height})
        for name, box in _boxes(image):
            if name not in categories:
                continue
            number = len(predictions) + 1
            base = {"image_id": int(image.id), "category_id": categories[name], "bbox": list(box)}
            area = box[2] * box[3]
            own = {"id": number, "sly_id": number, "area": area, "iscrowd": 0, "ignore": 0}
            truth["annotations"].append({**base, **own})
            predictions.append({**base, "id": number, "sly_id": number, "score": _SCORE})
    _write(folder / "evaluation" / "cocoGt.json", json.dumps(truth))
    _write(folder / "evaluation" / "cocoDt.json", json.dumps({**truth, "annotations": predictions}))
    info = {"task_type": "object detection", "model_name": model_name}
    _write(folder / "evaluation" / "inference_info.json", json.dumps(info))
    _write(folder / "visualizations" / "template.vue", "<template><p>Evaluation of a test run</p></template>\n")


def _boxes(image: RunImage) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
    for drawn in msgspec.convert(image.annotation, _Annotation).objects:
        if drawn.points is not None and drawn.points.exterior:
            xs, ys = zip(*drawn.points.exterior, strict=True)
            yield drawn.class_title, (min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
