"""Images with annotations → the ground truth of an evaluation in COCO format.

Form as Supervisely's Model Benchmark writes ``cocoGt.json`` (``sly2coco`` of the official SDK): categories 1..K in
alphabetical order, boxes that count border pixels, ``sly_id`` and ``dataset`` beside COCO's own keys.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.datasets.conversion import convert_label, outlines
from core.datasets.geometry import bounds, polygon_area, tight_bounds
from core.datasets.shape_fit import SEGMENTATION
from core.datasets.yolo_labels import join_outlines
from core.domain.annotation import Annotation, Bitmap, Geometry, Polygon
from core.domain.ids import ImageId


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoImage:
    """An image to export.

    Attributes:
        id: Its id on the server, ``sly_id`` in the file.
        name: File name.
        dataset: Name of its dataset.
    """

    id: ImageId
    name: str
    dataset: str
    annotation: Annotation


def coco_ground_truth(images: Iterable[CocoImage], classes: Sequence[str], task_type: str) -> dict[str, object]:
    """Return the ground truth of images as a COCO object.

    Args:
        images: Image ids of the file are 1, 2, … in this order.
        classes: Classes that were trained; objects of others are left out.
        task_type: ``object detection`` or ``instance segmentation``; shapes are converted as for training.

    Raises:
        InputError: The task type is unknown, or a mask is damaged.
    """
    categories = {name: number for number, name in enumerate(sorted(classes), start=1)}
    image_rows: list[dict[str, object]] = []
    rows: list[dict[str, object]] = []
    for number, image in enumerate(images, start=1):
        image_rows.append(_image_row(number, image))
        for label in image.annotation.labels:
            if label.class_name not in categories:
                continue
            for part in convert_label(label, task_type):
                if (shape := _shape(part.geometry, label.geometry, task_type)) is None:
                    continue
                row = {"id": len(rows) + 1, "image_id": number, "category_id": categories[label.class_name]}
                sly_id = len(rows) + 1 if label.id is None else label.id
                rows.append(row | shape | {"iscrowd": 0, "ignore": 0, "sly_id": sly_id})
    named = [{"id": number, "name": name} for name, number in categories.items()]
    return {"images": image_rows, "annotations": rows, "categories": named}


def _image_row(number: int, image: CocoImage) -> dict[str, object]:
    return {
        "id": number,
        "file_name": image.name,
        "width": image.annotation.width,
        "height": image.annotation.height,
        "sly_id": image.id,
        "dataset": image.dataset,
    }


def _shape(converted: Geometry, drawn: Geometry, task_type: str) -> dict[str, object] | None:
    box = tight_bounds(converted) if isinstance(converted, Bitmap) else bounds(converted)
    if box is None:
        return None
    width, height = box.right - box.left + 1, box.bottom - box.top + 1
    shape: dict[str, object] = {"bbox": [box.left, box.top, width, height], "area": float(width * height)}
    if task_type == SEGMENTATION:
        parts = outlines(drawn)
        shape["segmentation"] = [_ring(part) for part in parts]
        shape["area"] = sum(polygon_area(part) for part in parts)
    return shape


def _ring(part: Polygon) -> list[float]:
    """A COCO polygon ``x, y, x, y, …``, holes joined by bridges."""
    return [value for point in join_outlines([part]) for value in point]
