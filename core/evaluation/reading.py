"""``cocoGt.json`` and ``cocoDt.json`` as Supervisely's Model Benchmark writes them."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import InputError
from core.evaluation.records import CocoPair, Detections, GroundTruth, Images


def read_coco_pair(gt: Path, dt: Path) -> CocoPair:
    """Read, check and sort the two files.

    Raises:
        InputError: A file cannot be used; names the file and the place.
    """
    truth, found = _load(gt), _load(dt)
    try:
        return _pair(truth, found)
    except (KeyError, TypeError, ValueError) as error:
        message = f"{gt.name} and {dt.name} do not fit together: {error!r}."
        raise InputError(message) from error


def _load(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        message = f"{path} is not a COCO JSON file: {error}."
        raise InputError(message) from error


def _rows(ids: Any, wanted: Any) -> Any:  # noqa: ANN401
    rows = np.searchsorted(ids, wanted)
    if np.any(ids[np.minimum(rows, ids.size - 1)] != wanted):
        message = "an id points nowhere"
        raise ValueError(message)
    return rows


def _pair(truth: dict[str, Any], found: dict[str, Any]) -> CocoPair:
    images = sorted(truth["images"], key=lambda x: x["id"])
    categories = sorted(truth["categories"], key=lambda x: x["id"])
    image_ids = np.array([x["id"] for x in images], dtype=np.int64)
    category_ids = np.array([x["id"] for x in categories], dtype=np.int64)
    g, d = truth["annotations"], found["annotations"]

    def columns(rows: list[dict[str, Any]]) -> tuple[Any, Any, Any, Any]:
        return (
            _rows(image_ids, np.array([x["image_id"] for x in rows], dtype=np.int64)),
            _rows(category_ids, np.array([x["category_id"] for x in rows], dtype=np.int64)),
            np.array([x["bbox"] for x in rows], dtype=np.float64).reshape(-1, 4),
            np.array([x.get("sly_id", -1) for x in rows], dtype=np.int64),
        )

    gi, gc, gb, gs = columns(g)
    di, dc, db, ds = columns(d)
    scores = np.array([x["score"] for x in d], dtype=np.float64)
    go = np.lexsort((gc, gi))
    do = np.lexsort((-scores, dc, di))
    return CocoPair(
        images=Images(
            ids=image_ids,
            file_names=tuple(str(x.get("file_name", "")) for x in images),
            datasets=tuple(str(x.get("dataset", "")) for x in images),
            sly_ids=np.array([x.get("sly_id", -1) for x in images], dtype=np.int64),
            sizes=np.array([[x.get("width", 0), x.get("height", 0)] for x in images], dtype=np.int64).reshape(-1, 2),
        ),
        category_ids=category_ids,
        classes=tuple(str(x["name"]) for x in categories),
        gt=GroundTruth(
            ids=np.array([x["id"] for x in g], dtype=np.int64)[go],
            image=gi[go],
            category=gc[go],
            boxes=gb[go],
            area=np.array([x.get("area", x["bbox"][2] * x["bbox"][3]) for x in g], dtype=np.float64)[go],
            crowd=np.array([x.get("iscrowd", 0) for x in g], dtype=np.bool_)[go],
            sly_ids=gs[go],
        ),
        dt=Detections(place=do, image=di[do], category=dc[do], boxes=db[do], scores=scores[do], sly_ids=ds[do]),
    )
