"""pycocotools and hotcoco on the same files."""

import contextlib
import copy
import io
from typing import Any, Literal

import hotcoco
import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tests.unit.evaluation.coco_data import Coco


def pycocotools_run(gt: Coco, dt: Coco, *, kind: Literal["bbox", "segm"] = "bbox", use_classes: bool = True) -> Any:  # noqa: ANN401
    """Return a COCOeval that has evaluated, accumulated and summarised."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        content: Any = {"info": {}, **copy.deepcopy(gt)}
        truth.dataset = content
        truth.createIndex()
        run = COCOeval(truth, truth.loadRes(copy.deepcopy(dt["annotations"])), kind)
        run.params.useCats = int(use_classes)
        run.evaluate()
        run.accumulate()
        run.summarize()
    return run


def hotcoco_precision(gt: Coco, dt: Coco, *, kind: str = "bbox") -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the precision array (T, 101, K, areas, detections) of hotcoco."""
    truth = hotcoco.COCO(copy.deepcopy(gt))
    run = hotcoco.COCOeval(truth, truth.load_res(copy.deepcopy(dt["annotations"])), kind)
    run.evaluate()
    run.accumulate()
    results: Any = run.eval
    precision: np.ndarray[Any, np.dtype[np.float64]] = results["precision"]
    return precision
