"""What an evaluation compared, image by image, as annotations that a project can hold.

The platform makes two projects of it, the ground truth and the predictions, for Supervisely's comparison opens both. It
is written here, beside the predictions, since packing masks takes as long as all the rest of it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt

from traindash.datasets.annotation_json import annotation_to_json
from traindash.datasets.geometry import encode_mask, set_extent
from traindash.datasets.training_labels import convert_label
from traindash.domain.annotation import Annotation, Bitmap
from traindash.domain.prediction import FoundObject, as_annotation
from traindash.training.runs.spec import EvaluatedImage, TrainSpec
from traindash.training.trainers.engine import PlacedImage, Prediction

_Results = Iterable[tuple[Path, Sequence[Prediction]]]


def usable(results: _Results) -> Iterator[tuple[Path, Sequence[Prediction]]]:
    """Leave out predictions without an area: COCO's IoU is 0/0 there."""
    for file, predictions in results:
        yield file, [one for one in predictions if one.corners[2] > one.corners[0] and one.corners[3] > one.corners[1]]


def keep_drawn(
    target: BinaryIO, spec: TrainSpec, results: _Results, images: Mapping[Path, PlacedImage]
) -> Iterator[tuple[Path, Sequence[Prediction]]]:
    """Pass predictions on, and write a line for each image on the way; ``images`` are by file.

    Raises:
        InputError: A mask of the ground truth is damaged.
    """
    encoder = msgspec.json.Encoder()
    for file, predictions in results:
        placed = images[file]
        line = EvaluatedImage(
            dataset_id=placed.image.dataset_id,
            dataset_name=placed.image.dataset_name,
            name=placed.image.name,
            hash=placed.image.hash,
            truth=msgspec.Raw(encoder.encode(annotation_to_json(_evaluated_truth(placed.annotation, spec)))),
            found=msgspec.Raw(encoder.encode(annotation_to_json(found_on(placed.annotation, predictions)))),
        )
        target.write(encoder.encode(line) + b"\n")
        yield file, predictions


def _evaluated_truth(annotation: Annotation, spec: TrainSpec) -> Annotation:
    """Return the objects of the chosen classes in the shapes that the task compares.

    Raises:
        InputError: A mask is damaged.
    """
    chosen = (label for label in annotation.labels if label.class_name in spec.classes)
    labels = tuple(
        replace(part, id=None, tags=(), extra={}) for label in chosen for part in convert_label(label, spec.task_type)
    )
    return Annotation(width=annotation.width, height=annotation.height, labels=labels)


def found_on(annotation: Annotation, predictions: Sequence[Prediction]) -> Annotation:
    """Return the predictions on an image: rectangles in whole pixels, or masks; all with their confidence."""
    return as_annotation([found_object(one) for one in predictions], annotation.width, annotation.height)


def found_object(prediction: Prediction) -> FoundObject:
    """Return a prediction with its mask packed."""
    mask = None if prediction.mask is None else _packed(prediction.mask, prediction.corners)
    return FoundObject(class_name=prediction.class_name, corners=prediction.corners, score=prediction.score, mask=mask)


def _packed(mask: npt.NDArray[np.bool_], corners: tuple[float, float, float, float]) -> Bitmap:
    left, top, right, bottom = (round(value) for value in corners)
    left, top = min(max(left, 0), mask.shape[1] - 1), min(max(top, 0), mask.shape[0] - 1)
    # Engines cut masks off at their boxes; the whole picture is ten times as much to look at
    x, y = max(left - 1, 0), max(top - 1, 0)
    inside = mask[y : bottom + 2, x : right + 2]
    if np.count_nonzero(inside) != np.count_nonzero(mask):
        inside, x, y = mask, 0, 0
    extent = set_extent(inside)
    if extent is None:  # a box whose mask is empty counts as a prediction all the same
        return encode_mask(np.ones((1, 1), dtype=np.bool_), (left, top))
    rows, columns = extent
    return encode_mask(inside[extent], (x + columns.start, y + rows.start))
