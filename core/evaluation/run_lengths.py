"""Masks of COCO files as run lengths: compressed, uncompressed or polygons.

hotcoco.mask does the rasterising and the overlaps (equal to pycocotools, the tests compare); what it takes without a
word (run lengths that do not fill the image) is checked here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hotcoco import mask as coco_mask

from core.evaluation.records import BoolArray, IntArray, Masks
from core.evaluation.wire import CocoFile

# COCO's text form: six bits per character from "0" on: five of the number, one for "more follows" (maskApi.c)
FIRST_CHARACTER = 48
MORE_FOLLOWS = 32
NEGATIVE = 16
MOST_DIGITS = 8  # 40 bits; run lengths are below 2**32


def masks_of(file: CocoFile[Any], segmentations: Sequence[Any], image_sizes: IntArray) -> Masks:
    """Return the masks of the annotations of a file.

    Args:
        file: For the errors.
        segmentations: N values of ``segmentation``: run lengths or a list of polygons.
        image_sizes: (N, 2) width and height; 0 where unknown.

    Raises:
        InputError: A mask cannot be used.
    """
    runs: list[dict[str, Any]] = []
    for place, (segmentation, (width, height)) in enumerate(zip(segmentations, image_sizes.tolist(), strict=True)):
        where = ("annotations", place, "segmentation")
        if isinstance(segmentation, list):
            if not width or not height:
                raise file.unusable(where, "a polygon needs width and height of its image")
            if not segmentation or any(len(polygon) % 2 for polygon in segmentation):
                raise file.unusable(where, "a polygon is a list of x, y, x, y, …")
            runs.append(coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width)))
            continue
        if width and height and tuple(segmentation["size"]) != (height, width):
            raise file.unusable(where, f"size is {list(segmentation['size'])}, the image has {[height, width]}")
        runs.append(segmentation)
    filled = _filled(runs)
    if not filled.all():
        place = int(np.argmin(filled))
        raise file.unusable(("annotations", place, "segmentation"), "the run lengths do not fill the image exactly")
    return Masks(
        runs=tuple(runs),
        boxes=np.asarray(coco_mask.toBbox(runs), dtype=np.float64).reshape(-1, 4),
        areas=np.asarray(coco_mask.area(runs), dtype=np.float64).reshape(-1),
    )


def _filled(runs: Sequence[Mapping[str, Any]]) -> BoolArray:
    """Return (N,) whether the lengths of a mask add up to its size, without a negative length."""
    pixels = np.array([run["size"][0] * run["size"][1] for run in runs], dtype=np.int64)
    good = np.zeros(len(runs), dtype=np.bool_)
    is_list = np.array([isinstance(run["counts"], list) for run in runs], dtype=np.bool_)
    for row in np.flatnonzero(is_list).tolist():
        good[row] = sum(runs[row]["counts"]) == pixels[row]
    texts = [
        counts if isinstance(counts := runs[row]["counts"], bytes) else counts.encode()
        for row in np.flatnonzero(~is_list).tolist()
    ]
    good[~is_list] = _texts_filled(texts, pixels[~is_list])
    return good


def _texts_filled(texts: Sequence[bytes], pixels: IntArray) -> BoolArray:
    """Decode all texts at once; see ``rleFrString`` in maskApi.c for the form."""
    owner = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    if not owner.size:
        return np.zeros(len(texts), dtype=np.bool_)
    code = np.frombuffer(b"".join(texts), dtype=np.uint8).astype(np.int64) - FIRST_CHARACTER
    complete = (code & MORE_FOLLOWS) == 0
    ends_text = np.append(owner[1:] != owner[:-1], [True])
    closers = np.flatnonzero(complete | ends_text)
    number = np.searchsorted(closers, np.arange(code.size))
    starts = np.append([0], closers[:-1] + 1)
    digit = np.arange(code.size) - starts[number]
    bad = np.zeros(len(texts), dtype=np.bool_)
    bad[owner[(code < 0) | (code >= 2 * MORE_FOLLOWS) | (ends_text & ~complete) | (digit >= MOST_DIGITS)]] = True
    shift = 5 * np.minimum(digit, MOST_DIGITS)
    value = np.add.reduceat((code & (MORE_FOLLOWS - 1)) << shift, starts)
    value -= np.where(code[closers] & NEGATIVE, np.int64(32) << shift[closers], 0)
    return ~bad & _lengths_fill(value, owner[starts], pixels)


def _lengths_fill(value: IntArray, owner: IntArray, pixels: IntArray) -> BoolArray:
    """Undo the differences and add up: from the fourth number on, each is relative to the one two before."""
    texts = pixels.size
    position = np.arange(value.size) - np.searchsorted(owner, np.arange(texts))[owner]
    # numbers 1, 3, 5, … and 2, 4, … form two chains; number 0 stands alone
    chain = np.where(position == 0, 0, 1 + position % 2)
    order = np.lexsort((position, chain, owner))
    running = np.cumsum(value[order])
    is_first = np.append([True], np.diff(owner[order] * 3 + chain[order]) != 0)
    firsts = np.flatnonzero(is_first)
    before = (running - value[order])[firsts]
    lengths = running - before[np.cumsum(is_first) - 1]
    sums = np.bincount(owner[order], weights=lengths, minlength=texts)
    negative = np.bincount(owner[order], weights=lengths < 0, minlength=texts)
    result: BoolArray = (sums == pixels) & (negative == 0)
    return result
