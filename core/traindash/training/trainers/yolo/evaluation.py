"""The trained model's predictions on the validation images, as the two COCO files of an evaluation."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import hotcoco
import numpy as np

from traindash.datasets.geometry import annotation_inside
from traindash.datasets.training_labels import CocoImage, coco_ground_truth
from traindash.evaluation import Evaluation, evaluate_files
from traindash.training.runs.spec import RunImage, TrainSpec
from traindash.training.trainers.yolo.data import PlacedImage

CONFIDENCE = 0.05
"""Predictions below are not recorded, as in Supervisely's Model Benchmark (``CONF_THRES`` in the SDK's benchmark)."""
NMS_IOU = 0.7
MAX_DETECTIONS = 300
BATCH_SIZE = 8


def inference_settings() -> dict[str, object]:
    """Return the settings of the predictions, for the record."""
    return {"conf": CONFIDENCE, "iou": NMS_IOU, "max_det": MAX_DETECTIONS, "agnostic_nms": False}


def evaluate_model(
    model: Any,  # noqa: ANN401 - ultralytics.YOLO
    spec: TrainSpec,
    images: Sequence[PlacedImage],
    folder: Path,
    *,
    image_size: int,
    report: Callable[[int, int], None],
) -> Evaluation:
    """Predict, write ``cocoGt.json`` and ``cocoDt.json``, and measure.

    Args:
        model: The trained model.
        spec: The run.
        images: Validation images.
        folder: Where the files go.
        image_size: Longer image side in pixels that the model gets.
        report: Called with (done, all) after each image.

    Raises:
        InputError: There is nothing to measure: no object in the images.
    """
    folder.mkdir(parents=True, exist_ok=True)
    truth = coco_ground_truth(
        sorted((coco_image(placed.image) for placed in images), key=lambda image: (image.dataset, image.name)),
        classes=spec.classes,
        task_type=spec.task_type,
    )
    truth_file, found_file = folder / "cocoGt.json", folder / "cocoDt.json"
    truth_file.write_text(json.dumps(truth), encoding="utf-8")
    results = model.predict(
        str(images[0].file.parent),
        stream=True,
        conf=CONFIDENCE,
        iou=NMS_IOU,
        max_det=MAX_DETECTIONS,
        imgsz=image_size,
        device=spec.device,
        batch=BATCH_SIZE,
        retina_masks=True,  # masks in the size of the image
        verbose=False,
    )
    found = prediction_file(truth, _counted(results, len(images), report), {p.file: p.image for p in images})
    found_file.write_text(json.dumps(found), encoding="utf-8")
    return evaluate_files(truth_file, found_file)


def coco_image(image: RunImage) -> CocoImage:
    """Return an image and its annotation as the export wants them."""
    return CocoImage(
        id=image.id,
        name=image.name,
        dataset=image.dataset_name,
        annotation=annotation_inside(image.annotation, where=image.name),
    )


def prediction_file(
    truth: Mapping[str, Any], results: Iterator[Any], images: Mapping[Path, RunImage]
) -> dict[str, object]:
    """Collect predictions in the form of ``cocoDt.json``.

    Args:
        truth: Content of ``cocoGt.json``; its ids of images and categories are used.
        results: Ultralytics results, one per image.
        images: File that was predicted on → image.

    Returns:
        The images and categories of the ground truth and one annotation per prediction, with ``score``.
    """
    image_ids = {entry["sly_id"]: entry["id"] for entry in truth["images"]}
    category_ids = {entry["name"]: entry["id"] for entry in truth["categories"]}
    annotations: list[dict[str, object]] = []
    for result in results:
        image_id = image_ids[int(images[Path(result.path)].id)]
        for prediction in _predictions(result, category_ids):
            number = len(annotations) + 1
            annotations.append({"id": number, "sly_id": number, "image_id": image_id, "iscrowd": 0, **prediction})
    return {"images": truth["images"], "annotations": annotations, "categories": truth["categories"]}


def _predictions(result: Any, category_ids: Mapping[str, int]) -> Iterator[dict[str, object]]:  # noqa: ANN401
    boxes = result.boxes.cpu().numpy()
    for row in range(len(boxes)):
        left, top, right, bottom = (float(value) for value in boxes.xyxy[row])
        width, height = right - left, bottom - top
        if width <= 0 or height <= 0:
            continue
        prediction: dict[str, object] = {
            "category_id": category_ids[result.names[int(boxes.cls[row])]],
            "bbox": [round(value, 3) for value in (left, top, width, height)],
            "area": round(width * height, 3),
            "score": round(float(boxes.conf[row]), 6),
        }
        if result.masks is not None:
            prediction |= _mask(result.masks.data[row].cpu().numpy())
        yield prediction


def _mask(mask: Any) -> dict[str, object]:  # noqa: ANN401 - (height, width) array
    """Return a mask as COCO writes it: run lengths in a text, and its area in pixels."""
    code = hotcoco.mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    counts = code["counts"]
    text = counts.decode("ascii") if isinstance(counts, bytes) else counts
    return {"segmentation": {"size": [int(side) for side in code["size"]], "counts": text}, "area": int(mask.sum())}


def _counted(results: Iterator[Any], total: int, report: Callable[[int, int], None]) -> Iterator[Any]:
    for done, result in enumerate(results, start=1):
        yield result
        report(done, total)
