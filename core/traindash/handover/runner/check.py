"""Proves that this model answers here as it did when it was measured: `python check.py`; exit code 0 when it does."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent


def compare(model: Any, folder: Path) -> tuple[list[str], bool]:
    """Return a line for each object of the enclosed image and one for the whole, and whether all is as expected."""
    expected: dict[str, Any] = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    allowed, least = expected["tolerance"], expected["threshold"]
    found = model.predict(folder / expected["image"], max(least - allowed["score"], 0.0))
    lines, good, farthest, shift = [], True, 0.0, 0.0
    for one in expected["objects"]:
        mates = [other for other in found if other["class"] == one["class"]]
        mate = max(mates, key=lambda other: overlap(one["box"], other["box"]), default=None)
        if mate is not None and overlap(one["box"], mate["box"]) >= allowed["iou"]:
            found.remove(mate)
            apart = abs(one["score"] - mate["score"])
            farthest = max(farthest, apart)
            shift = max(shift, *(abs(a - b) for a, b in zip(one["box"], mate["box"], strict=True)))
            right = apart <= allowed["score"] and same_mask(one, mate, allowed["iou"])
        else:
            # What lies at the threshold may be on either side of it
            right = one["score"] < least + allowed["score"]
        good &= right
        lines.append(f"{'same' if right else 'DIFFERENT'}  {one['class']}  {one['score']:.3f}  {one['box']}")
    for other in found:
        if other["score"] >= least + allowed["score"]:
            good = False
            lines.append(f"NOT EXPECTED  {other['class']}  {other['score']:.3f}  {other['box']}")
    verdict = "The same objects" if good else "NOT the same objects"
    count = len(expected["objects"])
    return [
        *lines,
        f"{verdict}: {count} expected, scores at most {farthest:.6f} and corners at most {shift:.3f} pixels apart.",
    ], good


def overlap(first: list[float], second: list[float]) -> float:
    """Return the intersection over union of two boxes."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    common = max(width, 0) * max(height, 0)
    sizes = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return float(common / max(sum(sizes) - common, 1e-12))


def same_mask(expected: dict[str, Any], found: dict[str, Any], least: float) -> bool:
    """Return whether two masks overlap enough; the expected one is written as COCO's plain run lengths."""
    if "mask" not in expected:
        return True
    height, width = expected["mask"]["size"]
    runs = expected["mask"]["counts"]
    mask = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(width, height).T
    both = np.count_nonzero(mask & found["mask"])
    return bool(both >= least * np.count_nonzero(mask | found["mask"]))


if __name__ == "__main__":
    told, is_good = compare(importlib.import_module("predict").Model(HERE), HERE / "check")
    print("\n".join(told))
    sys.exit(0 if is_good else 1)
