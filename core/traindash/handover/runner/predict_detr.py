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


class Model:
    """The model in a folder that has a `model.json`."""

    def __init__(self, folder: Path = HERE) -> None:
        self.about: dict[str, Any] = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        file = str(folder / self.about["files"]["onnx"])
        self._session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])

    def predict(self, image: "Image.Image | Path | str", threshold: float | None = None) -> list[dict[str, Any]]:
        """Return what is on an image, the surest first.

        Each object has its `class`, its `score` and its `box` (left, top, right and bottom in pixels of the upright
        image). Without a threshold, those of `model.json` hold.
        """
        picture = image if isinstance(image, Image.Image) else Image.open(image)
        upright = ImageOps.exif_transpose(picture).convert("RGB")
        wanted = self.about["preprocessing"]["resize"]
        # Stretched, not padded, and averaged where it gets smaller: as in training
        small = upright.resize((wanted["width"], wanted["height"]), Image.Resampling.BILINEAR)
        given = {
            "images": np.array(small).transpose(2, 0, 1)[None].astype(np.float32) / 255,
            "orig_target_sizes": np.array([upright.size], dtype=np.int64),
        }
        scores, labels, boxes = (values[0] for values in self._session.run(["scores", "labels", "boxes"], given))
        found = []
        for score, label, box in zip(scores.tolist(), labels.tolist(), boxes.tolist(), strict=True):
            name = self.about["classes"][label]
            if score > (self._threshold(name) if threshold is None else threshold):
                found.append({"class": name, "score": score, "box": box})
        return found[: self.about["postprocessing"]["max_detections"]]

    def _threshold(self, name: str) -> float:
        thresholds = self.about["thresholds"]
        return float(thresholds["classes"].get(name, thresholds["default"]))


if __name__ == "__main__":
    model = Model()
    for name in sys.argv[1:]:
        print(name)
        for one in model.predict(name):
            print(f"  {one['class']}  {one['score']:.3f}  {[round(side, 1) for side in one['box']]}")
