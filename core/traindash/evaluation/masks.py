"""Masks of COCO files as run lengths: compressed, uncompressed or polygons."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from hotcoco import mask as coco_mask

from traindash.evaluation.coco_files import BoolArray, CocoFile, IntArray, Masks, Segmentation

# Do run lengths add up to the pixels of their image? COCO's compressed text is decoded here for many masks at once.

# COCO's text form: six bits per character from "0" on, five of the number and one for "more follows" (maskApi.c)
FIRST_CHARACTER = 48
MORE_FOLLOWS = 32
NEGATIVE = 16
MOST_DIGITS = 8  # 40 bits; run lengths are below 2**32
CHARACTERS_AT_ONCE = 100_000  # what is worked on stays in the processor's cache


def runs_that_fill(runs: Sequence[Mapping[str, Any]]) -> BoolArray:
    """Return (N,) whether the lengths of a mask are not negative and add up to its size.

    N dictionaries ``{"size": [height, width], "counts": bytes | str | list}``.
    """
    good = np.zeros(len(runs), dtype=np.bool_)
    texts: list[bytes] = []
    rows: list[int] = []
    pixels: list[int] = []
    for row, run in enumerate(runs):
        counts, size = run["counts"], run["size"][0] * run["size"][1]
        if isinstance(counts, list):
            good[row] = sum(counts) == size
        else:
            texts.append(counts if isinstance(counts, bytes) else counts.encode())
            rows.append(row)
            pixels.append(size)
    expected = np.array(pixels, dtype=np.int64)
    for part in _parts(texts):
        good[rows[part]] = _texts_fill(texts[part], expected[part])
    return good


def _parts(texts: Sequence[bytes]) -> Iterator[slice]:
    """Yield slices of about a hundred thousand characters."""
    ends = np.cumsum([len(text) for text in texts])
    first = 0
    while first < len(texts):
        before = int(ends[first]) - len(texts[first])
        last = max(first + 1, int(np.searchsorted(ends, before + CHARACTERS_AT_ONCE, side="right")))
        yield slice(first, last)
        first = last


def _texts_fill(texts: Sequence[bytes], pixels: IntArray) -> BoolArray:
    """Return (N,) the answer for compressed texts; see ``rleFrString`` in maskApi.c for the form."""
    owner = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    if not owner.size:
        return np.zeros(len(texts), dtype=np.bool_)
    code = np.frombuffer(b"".join(texts), dtype=np.uint8).astype(np.int64) - FIRST_CHARACTER
    complete = (code & MORE_FOLLOWS) == 0
    ends_text = np.append(owner[1:] != owner[:-1], [True])
    closers = np.flatnonzero(complete | ends_text)
    starts = np.append([0], closers[:-1] + 1)
    digit = np.arange(code.size) - np.repeat(starts, np.diff(np.append(starts, code.size)))
    bad = np.zeros(len(texts), dtype=np.bool_)
    bad[owner[(code < 0) | (code >= 2 * MORE_FOLLOWS) | (ends_text & ~complete) | (digit >= MOST_DIGITS)]] = True
    shift = 5 * np.minimum(digit, MOST_DIGITS)
    value = np.add.reduceat((code & (MORE_FOLLOWS - 1)) << shift, starts)
    value -= np.where(code[closers] & NEGATIVE, np.int64(MORE_FOLLOWS) << shift[closers], 0)
    return ~bad & _lengths_fill(value, owner[starts], pixels)


def _lengths_fill(value: IntArray, owner: IntArray, pixels: IntArray) -> BoolArray:
    """Return (N,) the answer for numbers; from the fourth one of a mask on, each is relative to the one two before.

    ``value`` (M,) are the numbers of all masks, ``owner`` (M,) the mask of each, ascending, ``pixels`` (N,) the masks'
    sizes.
    """
    position = np.arange(value.size) - np.searchsorted(owner, np.arange(pixels.size))[owner]
    lengths = value.copy()
    for chain in (np.flatnonzero(position % 2 == 1), np.flatnonzero((position % 2 == 0) & (position > 0))):
        running = np.cumsum(value[chain])
        firsts = np.flatnonzero(np.diff(owner[chain], prepend=-1))
        before = (running - value[chain])[firsts]
        lengths[chain] = running - np.repeat(before, np.diff(np.append(firsts, chain.size)))
    sums = np.bincount(owner, weights=lengths, minlength=pixels.size)
    negative = np.bincount(owner, weights=lengths < 0, minlength=pixels.size)
    result: BoolArray = (sums == pixels) & (negative == 0)
    return result


# hotcoco.mask does the rasterising and the overlaps (equal to pycocotools, the tests compare). Run lengths that do not
# fill the image it takes without a word (1.3 refuses negative ones only), so they are refused here.


SHORTEST_OUTLINE = 6  # numbers: three points


def is_mask(segmentation: Segmentation | None) -> bool:
    """Whether it says which pixels belong to the object: not where a converter left it empty, or a line."""
    if isinstance(segmentation, list):
        return any(len(polygon) >= SHORTEST_OUTLINE for polygon in segmentation)
    return segmentation is not None


def masks_of(
    file: CocoFile, segmentations: Sequence[Segmentation], image_sizes: IntArray, places: Sequence[int] | None = None
) -> Masks:
    """Return the masks of the annotations of a file.

    N values of ``segmentation``, run lengths or a list of polygons of which one at least has three points; (N, 2) width
    and height, 0 where unknown; N places in the file, in its order where they are not given.

    Raises:
        InputError: A mask cannot be used.
    """
    runs: list[dict[str, Any]] = []
    where = range(len(segmentations)) if places is None else places
    for place, segmentation, (width, height) in zip(where, segmentations, image_sizes.tolist(), strict=True):
        at = f"annotations[{place}].segmentation"
        if isinstance(segmentation, list):
            if not width or not height:
                raise file.unusable(place=at, reason="a polygon needs width and height of its image")
            # Points and lines cover nothing; pycocotools would take four numbers for a box
            outlines = [polygon for polygon in segmentation if len(polygon) >= SHORTEST_OUTLINE]
            if not outlines or any(len(polygon) % 2 for polygon in outlines):
                raise file.unusable(place=at, reason="a polygon is a list of x, y, x, y, …")
            # Parts of one object are one mask, as in pycocotools' ``annToRLE``
            runs.append(coco_mask.merge(coco_mask.frPyObjects(outlines, height, width)))
            continue
        if width and height and segmentation["size"] != [height, width]:
            raise file.unusable(place=at, reason=f"size is {segmentation['size']}, the image has {[height, width]}")
        runs.append({**segmentation})
    filled = runs_that_fill(runs)
    if not filled.all():
        place = where[int(np.argmin(filled))]
        raise file.unusable(
            place=f"annotations[{place}].segmentation", reason="the run lengths do not fill the image exactly"
        )
    return Masks(
        runs=tuple(runs),
        boxes=np.asarray(coco_mask.toBbox(runs), dtype=np.float64).reshape(-1, 4),
        areas=np.asarray(coco_mask.area(runs), dtype=np.float64).reshape(-1),
    )
