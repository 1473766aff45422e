"""What was read from two COCO files, kept by their content: no parsing and no overlaps the second time.

The figures themselves are not kept: they take a fraction of a second, and what is not stored cannot be outdated.
"""

import hashlib
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluation.kept_columns import load_columns, save_columns
from core.evaluation.overlaps import Overlaps
from core.evaluation.records import CocoPair, Detections, GroundTruth, Images, Kind

FORMAT = 1  # raise it when the columns or their meaning change
Kept = tuple[CocoPair, Overlaps, Kind]


class EvaluationCache:
    """The entry of one pair of files.

    Args:
        folder: Made when it does not exist.
        truth: Content of the ground truth.
        predictions: Content of the predictions.
    """

    def __init__(self, folder: Path, truth: bytes, predictions: bytes) -> None:
        digests = [hashlib.sha256(content).hexdigest()[:32] for content in (truth, predictions)]
        self.path = folder / f"{FORMAT}-{'-'.join(digests)}.npz"

    def load(self) -> Kept | None:
        """Return the entry; ``None`` where there is none or it is damaged."""
        columns = load_columns(self.path)
        return None if columns is None else _unpacked(columns)

    def save(self, pair: CocoPair, overlaps: Overlaps, kind: Kind) -> None:
        """Write the entry; a folder that cannot be written costs time, not the result."""
        save_columns(self.path, _packed(pair, overlaps, kind))


def columns_of(pair: CocoPair, overlaps: Overlaps) -> dict[str, NDArray[Any]]:
    """Return all numbers of an evaluation's input by name."""
    parts: dict[str, Images | GroundTruth | Detections | Overlaps]
    parts = {"images": pair.images, "gt": pair.gt, "dt": pair.dt, "overlaps": overlaps}
    columns: dict[str, NDArray[Any]] = {"category_ids": pair.category_ids}
    for prefix, part in parts.items():
        for field in fields(part):
            value = getattr(part, field.name)
            if isinstance(value, np.ndarray):
                columns[f"{prefix}_{field.name}"] = value
    return columns


def _packed(pair: CocoPair, overlaps: Overlaps, kind: Kind) -> dict[str, NDArray[Any]]:
    texts = {
        "kind": kind,
        "classes": pair.classes,
        "file_names": pair.images.file_names,
        "datasets": pair.images.datasets,
    }
    encoded = np.frombuffer(json.dumps(texts).encode(), dtype=np.uint8)
    return {**columns_of(pair, overlaps), "texts": encoded}


def _unpacked(columns: dict[str, NDArray[Any]]) -> Kept:
    texts = json.loads(columns.pop("texts").tobytes())

    def part(prefix: str) -> dict[str, NDArray[Any]]:
        return {name.removeprefix(prefix): column for name, column in columns.items() if name.startswith(prefix)}

    pair = CocoPair(
        images=Images(file_names=tuple(texts["file_names"]), datasets=tuple(texts["datasets"]), **part("images_")),
        category_ids=columns["category_ids"],
        classes=tuple(texts["classes"]),
        gt=GroundTruth(**part("gt_")),
        dt=Detections(**part("dt_")),
    )
    return pair, Overlaps(**part("overlaps_")), texts["kind"]
