"""What masks cost: ten evaluations of 100,000 masks, as they lie in the cache, and a page of pictures of each.

Run ``python -m tests.benchmarks.evaluation.masks``; times are of this process alone.
"""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import click
import numpy as np
import psutil
from hotcoco import mask as coco_mask

from traindash.comparison.pictures.marks import path_data, traced
from traindash.evaluation.cache import KeptMasks, open_masks, pack_masks, save_masks
from traindash.evaluation.coco_files import CocoPair, Detections, GroundTruth, Images, Masks

MASKS, EVALUATIONS, SHOWN = 100_000, 10, 40
"""Masks of an evaluation; evaluations; masks of each on a page of the gallery."""
_HEIGHT, _WIDTH, _SHAPES = 480, 640, 60
_Result = TypeVar("_Result")


def _pair() -> CocoPair:
    """Return objects and predictions with the masks of five-leaved shapes, 8 to 90 pixels wide."""
    world = np.random.default_rng(0)
    y, x = np.mgrid[:_HEIGHT, :_WIDTH]
    shapes = []
    for _ in range(_SHAPES):
        across, down, radius = world.uniform(60, 580), world.uniform(60, 420), world.uniform(8, 90)
        turn = np.arctan2(y - down, x - across)
        mask = np.hypot(y - down, x - across) < radius * (1 + 0.2 * np.sin(5 * turn))
        shapes.append(coco_mask.encode(np.asfortranarray(mask.astype(np.uint8))))
    masks = Masks(
        runs=tuple(shapes[row % _SHAPES] for row in range(MASKS)), boxes=np.zeros((MASKS, 4)), areas=np.zeros(MASKS)
    )
    numbers, boxes, values = np.arange(MASKS), np.zeros((MASKS, 4)), np.zeros(MASKS)
    one = np.zeros(1, dtype=np.int64)
    images = Images(ids=one, file_names=("a",), datasets=("",), sly_ids=one, sizes=np.zeros((1, 2), dtype=np.int64))
    gt = GroundTruth(
        ids=numbers,
        image=numbers,
        category=numbers,
        boxes=boxes,
        area=values,
        crowd=np.zeros(MASKS, dtype=np.bool_),
        sly_ids=numbers,
    )
    dt = Detections(
        place=numbers, image=numbers, category=numbers, boxes=boxes, area=values, scores=values, sly_ids=numbers
    )
    return CocoPair(images=images, category_ids=one, classes=("a",), gt=gt, dt=dt, gt_masks=masks, dt_masks=masks)


def _measured(words: str, work: Callable[[], _Result]) -> _Result:
    process = psutil.Process()
    memory, start = process.memory_info().rss, time.process_time()
    result = work()
    seconds, grown = time.process_time() - start, process.memory_info().rss - memory
    click.echo(f"{words}: {seconds * 1000:.0f} ms, {grown / 1e6:+.1f} MB")
    return result


def main() -> None:
    """Measure and print."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "one.masks"
        packed = _measured(f"Packing {2 * MASKS} masks", lambda: pack_masks(_pair()))
        assert packed is not None
        _measured("Writing them", lambda: save_masks(file, packed))
        click.echo(f"File: {file.stat().st_size / 1e6:.1f} MB")
        opened = _measured(f"Opening {EVALUATIONS} files", lambda: [open_masks(file) for _ in range(EVALUATIONS)])
        _measured(f"Outlines of {SHOWN} masks of each", lambda: [_page(masks) for masks in opened if masks])


def _page(masks: KeptMasks) -> int:
    """Return how many characters the outlines of some masks are."""
    found = (masks.dt.find(key * 17) for key in range(SHOWN))
    return sum(len(path_data(traced(mask))) for mask in found if mask is not None)


if __name__ == "__main__":
    main()
