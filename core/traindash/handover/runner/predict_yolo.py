"""Finds objects with this model: onnxruntime, numpy and Pillow are all it needs; `python predict.py photo.jpg`.

What is done to an image before and after the network stands in `model.json`, beside this file; here it is carried out.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

HERE = Path(__file__).resolve().parent
FIXED_POINT = 2048  # OpenCV counts weights of 8-bit images in these parts
MANY_PIXELS = 2  # sides shrunk by just this are averaged by OpenCV


class Model:
    """The model in a folder that has a `model.json`."""

    def __init__(self, folder: Path = HERE) -> None:
        self.about: dict[str, Any] = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        file = str(folder / self.about["files"]["onnx"])
        self._session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])

    def predict(self, image: "Image.Image | Path | str", threshold: float | None = None) -> list[dict[str, Any]]:
        """Return what is on an image, the surest first.

        Each object has its `class`, its `score`, its `box` (left, top, right and bottom in pixels of the upright image)
        and, where the model finds outlines, its `mask`, (height, width) of bool. Without a threshold, those of
        `model.json` hold.
        """
        picture = image if isinstance(image, Image.Image) else Image.open(image)
        pixels = np.array(ImageOps.exif_transpose(picture).convert("RGB"))
        given, scale, pad = self._letterboxed(pixels)
        outputs = self._session.run(None, {self._session.get_inputs()[0].name: given})
        after = self.about["postprocessing"]
        least = self._least() if threshold is None else threshold
        rows = _decoded(outputs[0][0], after, len(self.about["classes"]), least)
        height, width = pixels.shape[:2]
        rows[:, :4] = (rows[:, :4] - [*pad, *pad]) / [*scale, *scale]
        rows[:, :4] = rows[:, :4].clip(0, [width, height, width, height])
        masks = _masks(outputs[1][0], rows, (height, width)) if after["masks"] else None
        found = []
        for place, row in enumerate(rows.tolist()):
            name = self.about["classes"][int(row[5])]
            if threshold is None and row[4] < self._threshold(name):
                continue
            one: dict[str, Any] = {"class": name, "score": row[4], "box": row[:4]}
            if masks is not None:
                if not masks[place].any():
                    continue
                one["mask"] = masks[place]
            found.append(one)
        return found

    def _threshold(self, name: str) -> float:
        thresholds = self.about["thresholds"]
        return float(thresholds["classes"].get(name, thresholds["default"]))

    def _least(self) -> float:
        thresholds = self.about["thresholds"]
        return float(min([thresholds["default"], *thresholds["classes"].values()]))

    def _letterboxed(self, pixels: Any) -> tuple[Any, tuple[float, float], tuple[int, int]]:
        """Return (1, 3, height, width) for the network, and where the image lies in it: scale and padding, x and y."""
        wanted = self.about["preprocessing"]["resize"]
        height, width = pixels.shape[:2]
        ratio = min(wanted["height"] / height, wanted["width"] / width)
        size = max(round(width * ratio), 1), max(round(height * ratio), 1)
        inside = pixels if size == (width, height) else _resized(pixels, *size)
        border = wanted["width"] - size[0], wanted["height"] - size[1]
        if many := wanted.get("multiple_of"):  # the network takes images of any sides that are multiples
            border = border[0] % many, border[1] % many
        left, top = round(border[0] / 2 - 0.1), round(border[1] / 2 - 0.1)
        canvas = np.full((size[1] + border[1], size[0] + border[0], 3), wanted["fill"], dtype=np.uint8)
        canvas[top : top + size[1], left : left + size[0]] = inside
        scaled = canvas.transpose(2, 0, 1)[None].astype(np.float32) / 255
        return scaled, (size[0] / width, size[1] / height), (left, top)


def _resized(pixels: Any, width: int, height: int) -> Any:
    """Resize (H, W, 3) of uint8 as OpenCV does with `INTER_LINEAR`: the network has seen such images in training."""
    if pixels.shape[:2] == (height * MANY_PIXELS, width * MANY_PIXELS):
        parts = pixels.astype(np.int32).reshape(height, 2, width, 2, 3)
        return ((parts.sum(axis=(1, 3)) + 2) >> 2).astype(np.uint8)
    left, right, across = _weights(pixels.shape[1], width)
    upper, lower, down = _weights(pixels.shape[0], height)
    wide = pixels.astype(np.int32)
    rows = wide[:, left] * across[0][:, None] + wide[:, right] * across[1][:, None]
    high = ((down[0][:, None, None] * (rows[upper] >> 4)) >> 16) + ((down[1][:, None, None] * (rows[lower] >> 4)) >> 16)
    return ((high + 2) >> 2).clip(0, 255).astype(np.uint8)


def _weights(before: int, after: int) -> tuple[Any, Any, tuple[Any, Any]]:
    """Return the two old places that each new one is made of, and their weights."""
    places = (np.arange(after) + 0.5) * (before / after) - 0.5
    first = np.floor(places).astype(np.int64)
    rest = places - first
    outside = (first < 0) | (first >= before - 1)
    rest[outside] = 0
    first = first.clip(0, before - 1)
    second = (first + 1).clip(0, before - 1)
    return first, second, (_fixed(1 - rest), _fixed(rest))


def _fixed(parts: Any) -> Any:
    return np.rint(parts.astype(np.float32) * FIXED_POINT).astype(np.int32)


def _decoded(output: Any, after: dict[str, Any], classes: int, least: float) -> Any:
    """Return (N, 6 + …) rows of box, score and class, the surest first; what follows belongs to the mask."""
    if after["form"] == "end to end":  # the network itself has left out what overlaps
        rows = output[output[:, 4] > least]
        return rows[np.argsort(-rows[:, 4], kind="stable")][: after["max_detections"]].astype(np.float64)
    anchors = output.T
    scores = anchors[:, 4 : 4 + classes]
    anchors = anchors[scores.max(axis=1) > least]
    scores = anchors[:, 4 : 4 + classes]
    best = scores.argmax(axis=1)
    center, half = anchors[:, :2], anchors[:, 2:4] / 2
    columns = [center - half, center + half, scores.max(axis=1)[:, None], best[:, None], anchors[:, 4 + classes :]]
    rows = np.concatenate(columns, axis=1)
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    return rows[_kept(rows, after["nms_iou"])[: after["max_detections"]]].astype(np.float64)


def _kept(rows: Any, most: float) -> list[int]:
    """Return the rows, which are sorted, that overlap no surer one of their class by more than a share."""
    left, top, right, bottom = rows[:, :4].T
    areas = (right - left) * (bottom - top)
    waiting, kept = np.arange(len(rows)), []
    while waiting.size:
        first, waiting = waiting[0], waiting[1:]
        kept.append(int(first))
        width = np.minimum(right[waiting], right[first]) - np.maximum(left[waiting], left[first])
        height = np.minimum(bottom[waiting], bottom[first]) - np.maximum(top[waiting], top[first])
        common = width.clip(0) * height.clip(0)
        share = common / (areas[waiting] + areas[first] - common + 1e-12)
        waiting = waiting[(share <= most) | (rows[waiting, 5] != rows[first, 5])]
    return kept


def _masks(prototypes: Any, rows: Any, shape: tuple[int, int]) -> Any:
    """Return (N, height, width) of bool from (C, h, w) prototypes, which lie at a quarter of the network's size."""
    parts, high, wide = prototypes.shape
    height, width = shape
    gain = min(4 * high / height, 4 * wide / width)
    padding = (4 * high - max(round(height * gain), 1)) | (4 * wide - max(round(width * gain), 1))
    finer = 4 // int(np.gcd(4, padding | padding // 2))  # so that the padding ends at a whole pixel
    gain = min(finer * high / height, finer * wide / width)
    size = max(round(height * gain), 1), max(round(width * gain), 1)
    top, left = round((finer * high - size[0]) / 2 - 0.1), round((finer * wide - size[1]) / 2 - 0.1)
    masks = np.zeros((len(rows), height, width), dtype=bool)
    for place, row in enumerate(rows):
        drawn = (row[6 : 6 + parts].astype(np.float32) @ prototypes.reshape(parts, -1)).reshape(high, wide)
        drawn = _stretched(drawn, finer * high, finer * wide)[top : top + size[0], left : left + size[1]]
        inside = (np.arange(width) >= row[0]) & (np.arange(width) < row[2])
        beside = (np.arange(height) >= row[1]) & (np.arange(height) < row[3])
        masks[place] = (_stretched(drawn, height, width) > 0) & inside & beside[:, None]
    return masks


def _stretched(plane: Any, height: int, width: int) -> Any:
    """Resize (h, w) of float, linear between the centres of pixels."""
    if plane.shape == (height, width):
        return plane
    down = ((np.arange(height) + 0.5) * (plane.shape[0] / height) - 0.5).clip(0)
    across = ((np.arange(width) + 0.5) * (plane.shape[1] / width) - 0.5).clip(0)
    upper, left = down.astype(np.int64), across.astype(np.int64)
    lower, right = (upper + 1).clip(0, plane.shape[0] - 1), (left + 1).clip(0, plane.shape[1] - 1)
    down, across = (down - upper)[:, None], across - left
    rows = plane[upper] * (1 - down) + plane[lower] * down
    return rows[:, left] * (1 - across) + rows[:, right] * across


if __name__ == "__main__":
    model = Model()
    for name in sys.argv[1:]:
        print(name)
        for one in model.predict(name):
            print(f"  {one['class']}  {one['score']:.3f}  {[round(side, 1) for side in one['box']]}")
