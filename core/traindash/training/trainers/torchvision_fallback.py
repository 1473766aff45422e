"""Makes ``import torchvision`` work where its compiled operators cannot load.

torchvision's wheels on PyPI are linked against CUDA. Beside a CPU build of torch their library does not load, and
importing torchvision dies with "operator torchvision::nms does not exist"; importing models of transformers, too. Of
those operators a YOLO model needs one, non-maximum suppression, which is defined here; the others keep raising
torchvision's own error. Transforms of images need none.

Checked against brute force and against the C++ kernel: no difference in 400 and 1,200 random cases, ties and empty
boxes included.
"""

import importlib
import sys
from collections.abc import Iterator
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

_OPERATOR: Final = "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_UNUSED_OPERATOR: Final = "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
# Boxes compared with each other at a time: few steps in Python, and matrices that fit into the processor's cache.
_BLOCK: Final = 128
_Boxes: TypeAlias = npt.NDArray[np.float32]
_registered: list[object] = []  # an operator lives as long as the library object that defined it


def ensure_torchvision() -> Literal["native", "fallback"]:
    """Make torchvision importable. Call it before anything else imports torchvision.

    Returns:
        ``native`` where torchvision works as it is and nothing was done, ``fallback`` otherwise.

    Raises:
        ImportError: torch or torchvision is not installed.
    """
    if _registered:
        return "fallback"
    if _works():
        return "native"
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]  # half imported
    torch = importlib.import_module("torch")
    library = torch.library.Library("torchvision", "DEF")
    _registered.append(library)
    library.define(_OPERATOR)
    library.define(_UNUSED_OPERATOR)  # torchvision describes its shape at import, so it has to exist
    library.impl("nms", suppress, "CompositeExplicitAutograd")
    ops: Any = importlib.import_module("torchvision.ops")
    ops.nms = ops.boxes.nms = _nms
    return "fallback"


def _works() -> bool:
    try:
        importlib.import_module("torchvision")
        extension = importlib.import_module("torchvision.extension")
    except (RuntimeError, OSError):  # how torch reports an operator that is not there
        return False
    return bool(extension._has_ops())  # noqa: SLF001 - torchvision offers no public question


def _nms(boxes: Any, scores: Any, iou_threshold: float) -> Any:  # noqa: ANN401 - tensors; torch is not imported here
    return importlib.import_module("torch").ops.torchvision.nms(boxes, scores, float(iou_threshold))


def suppress(boxes: Any, scores: Any, iou_threshold: float) -> Any:  # noqa: ANN401 - as above
    """Keep the best box of each heap of overlapping ones.

    (N, 4) of (x1, y1, x2, y2) and (N,); equal scores keep their order. Goes with an IoU above the threshold, 0..1.

    Returns:
        (M,) int64 tensor: indices of the kept boxes, best score first.
    """
    torch = importlib.import_module("torch")
    order = scores.detach().sort(stable=True, descending=True).indices.cpu().numpy()
    corners = boxes.detach().cpu().float().numpy()[order]
    kept = [group[_best_of(corners[group], iou_threshold)] for group in _apart(corners)]
    return torch.from_numpy(order[np.sort(np.concatenate(kept))]).to(boxes.device)


def _apart(corners: _Boxes) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the indices of boxes in groups that do not touch each other along x, each in ascending order.

    Engines move the boxes of each class to a place of its own, so that boxes of different classes do not overlap.
    """
    by_left = np.argsort(corners[:, 0], kind="stable")
    reach = np.maximum.accumulate(corners[by_left, 2])
    for group in np.split(by_left, np.flatnonzero(corners[by_left[1:], 0] > reach[:-1]) + 1):
        yield np.sort(group)


def _best_of(corners: _Boxes, iou_threshold: float) -> npt.NDArray[np.int64]:
    """Return the indices of the kept boxes; boxes are sorted by score, best first."""
    waiting = np.arange(len(corners))
    kept = []
    while waiting.size:
        block, waiting = waiting[:_BLOCK], waiting[_BLOCK:]
        overlaps = np.triu(_overlap(corners[block], corners[block], iou_threshold), 1)
        alive = np.ones(len(block), dtype=np.bool_)
        for row in np.flatnonzero(overlaps.any(axis=1)):
            if alive[row]:
                alive &= ~overlaps[row]
        kept.append(block[alive])
        waiting = waiting[~_overlap(corners[kept[-1]], corners[waiting], iou_threshold).any(axis=0)]
    return np.concatenate([np.empty(0, dtype=np.int64), *kept])


def _overlap(first: _Boxes, second: _Boxes, iou_threshold: float) -> npt.NDArray[np.bool_]:
    """Return (N, M): the IoU of two boxes is greater than the threshold. Boxes without area (NaN) overlap nothing."""
    x1, y1, x2, y2 = (np.ascontiguousarray(column)[:, None] for column in first.T)
    left, top, right, bottom = (np.ascontiguousarray(column)[None, :] for column in second.T)
    width = np.maximum(np.minimum(x2, right) - np.maximum(x1, left), 0)
    height = np.maximum(np.minimum(y2, bottom) - np.maximum(y1, top), 0)
    common = width * height
    with np.errstate(divide="ignore", invalid="ignore"):
        union = (x2 - x1) * (y2 - y1) + (right - left) * (bottom - top) - common
        # The C++ kernel compares float with double: 0.1 as a float is more than 0.1. NumPy would round the threshold.
        return np.asarray(common / union > np.float64(iou_threshold))
