"""``cocoGt.json`` and ``cocoDt.json`` become sorted columns; what does not fit together is refused with its place."""

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

import numpy as np
from hotcoco import mask as coco_mask

from traindash.evaluation.coco_files import (
    BoolArray,
    CocoFile,
    CocoPair,
    Detections,
    FloatArray,
    GroundTruth,
    Images,
    IntArray,
    Masks,
    RunLengths,
    WireCategory,
    WireDetection,
    WireImage,
    WireObject,
    WirePredictions,
    WireTruth,
)

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


# Masks of COCO files as run lengths: compressed, uncompressed or polygons.
#
# hotcoco.mask does the rasterising and the overlaps (equal to pycocotools, the tests compare). Run lengths that do not
# fill the image it takes without a word (1.3 refuses negative ones only), so they are refused here.


def masks_of(file: CocoFile, segmentations: Sequence[RunLengths | list[list[float]]], image_sizes: IntArray) -> Masks:
    """Return the masks of the annotations of a file.

    N values of ``segmentation``, run lengths or a list of polygons; (N, 2) width and height, 0 where unknown.

    Raises:
        InputError: A mask cannot be used.
    """
    runs: list[dict[str, Any]] = []
    for place, (segmentation, (width, height)) in enumerate(zip(segmentations, image_sizes.tolist(), strict=True)):
        where = f"annotations[{place}].segmentation"
        if isinstance(segmentation, list):
            if not width or not height:
                raise file.unusable(place=where, reason="a polygon needs width and height of its image")
            if not segmentation or any(len(polygon) % 2 for polygon in segmentation):
                raise file.unusable(place=where, reason="a polygon is a list of x, y, x, y, …")
            # Parts of one object are one mask, as in pycocotools' ``annToRLE``
            runs.append(coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width)))
            continue
        if width and height and segmentation["size"] != [height, width]:
            raise file.unusable(place=where, reason=f"size is {segmentation['size']}, the image has {[height, width]}")
        runs.append({**segmentation})
    filled = runs_that_fill(runs)
    if not filled.all():
        place = int(np.argmin(filled))
        raise file.unusable(
            place=f"annotations[{place}].segmentation", reason="the run lengths do not fill the image exactly"
        )
    return Masks(
        runs=tuple(runs),
        boxes=np.asarray(coco_mask.toBbox(runs), dtype=np.float64).reshape(-1, 4),
        areas=np.asarray(coco_mask.area(runs), dtype=np.float64).reshape(-1),
    )


_Rows: TypeAlias = Sequence[WireObject] | Sequence[WireDetection]


def read_coco_pair(truth_file: CocoFile, prediction_file: CocoFile, *, only_boxes: bool = False) -> CocoPair:
    """Check and sort the two files; with ``only_boxes`` masks are left aside.

    Raises:
        InputError: A file cannot be used; names the file and the place.
    """
    truth = truth_file.parsed(WireTruth)
    predictions = prediction_file.parsed(WirePredictions)
    _refuse_immeasurable(truth_file, truth)
    images = _images(truth_file, truth.images)
    category_ids, classes = _categories(truth_file, truth.categories)
    if predictions.categories is not None:
        named = [(row.id, row.name) for row in predictions.categories]
        _refuse_others(prediction_file, "categories", named, {row.id: row.name for row in truth.categories})
    if predictions.images is not None:
        named = [(row.id, row.file_name) for row in predictions.images]
        _refuse_others(prediction_file, "images", named, {row.id: row.file_name for row in truth.images})
    # COCO compares either masks or boxes; as soon as one row has no mask, boxes are what all rows have
    by_mask = not only_boxes and all(
        row.segmentation is not None for rows in (truth.annotations, predictions.annotations) for row in rows
    )
    gt, gt_masks = _ground_truth(truth_file, truth.annotations, images, category_ids, by_mask=by_mask)
    dt, dt_masks = _detections(prediction_file, predictions.annotations, images, category_ids, by_mask=by_mask)
    gt_order = np.lexsort((gt.category, gt.image))
    # lexsort is stable: equal scores keep the order of the file, as pycocotools' mergesort does
    dt_order = np.lexsort((-dt.scores, dt.category, dt.image))
    return CocoPair(
        images=images,
        category_ids=category_ids,
        classes=classes,
        gt=gt.taken(gt_order),
        dt=dt.taken(dt_order),
        gt_masks=gt_masks.taken(gt_order) if gt_masks else None,
        dt_masks=dt_masks.taken(dt_order) if dt_masks else None,
    )


def _refuse_immeasurable(file: CocoFile, truth: WireTruth) -> None:
    for name in ("images", "categories", "annotations"):
        if not getattr(truth, name):
            raise file.unusable(place=name, reason="the list is empty, so nothing can be measured")
    if all(row.iscrowd for row in truth.annotations):
        raise file.unusable(place="annotations", reason="all objects are crowds, so nothing can be measured")


def _ground_truth(
    file: CocoFile, rows: Sequence[WireObject], images: Images, category_ids: IntArray, *, by_mask: bool
) -> tuple[GroundTruth, Masks | None]:
    """Return the objects and their masks in the order of the file."""
    ids = _unique_ids(file, "annotations", [row.id for row in rows])
    image = _pointers(file, rows, "image_id", images.ids, "images")
    category = _pointers(file, rows, "category_id", category_ids, "categories")
    boxes, area, masks = _shapes(file, rows, images.sizes[image], by_mask=by_mask)
    said_area = np.array([np.nan if row.area is None else row.area for row in rows], dtype=np.float64)
    objects = GroundTruth(
        ids=ids,
        image=image,
        category=category,
        boxes=boxes,
        area=np.where(np.isnan(said_area), area, said_area),
        crowd=np.array([row.iscrowd for row in rows], dtype=np.bool_),
        sly_ids=_optional_ids(rows),
    )
    return objects, masks


def _detections(
    file: CocoFile, rows: Sequence[WireDetection], images: Images, category_ids: IntArray, *, by_mask: bool
) -> tuple[Detections, Masks | None]:
    """Return the predictions and their masks in the order of the file."""
    ids = [row.id for row in rows if row.id is not None]
    if len(ids) == len(rows):  # a prediction needs none
        _unique_ids(file, "annotations", ids)
    image = _pointers(file, rows, "image_id", images.ids, "images")
    category = _pointers(file, rows, "category_id", category_ids, "categories")
    # COCO takes the area of a prediction from its shape, whatever the file says (``loadRes`` of pycocotools)
    boxes, area, masks = _shapes(file, rows, images.sizes[image], by_mask=by_mask)
    detections = Detections(
        place=np.arange(len(rows)),
        image=image,
        category=category,
        boxes=boxes,
        area=area,
        scores=np.fromiter(map(attrgetter("score"), rows), dtype=np.float64, count=len(rows)),
        sly_ids=_optional_ids(rows),
    )
    return detections, masks


def _images(file: CocoFile, rows: Sequence[WireImage]) -> Images:
    ids = _unique_ids(file, "images", [row.id for row in rows])
    order = np.argsort(ids)
    ordered = [rows[i] for i in order.tolist()]
    return Images(
        ids=ids[order],
        file_names=tuple(row.file_name for row in ordered),
        datasets=tuple(row.dataset or "" for row in ordered),
        sly_ids=_optional_ids(ordered),
        sizes=np.array([(row.width or 0, row.height or 0) for row in ordered], dtype=np.int64),
    )


def _categories(file: CocoFile, rows: Sequence[WireCategory]) -> tuple[IntArray, tuple[str, ...]]:
    ids = _unique_ids(file, "categories", [row.id for row in rows])
    seen: set[str] = set()
    for place, row in enumerate(rows):
        if row.name in seen:
            raise file.unusable(place=f"categories[{place}].name", reason=f"the class name {row.name!r} occurs twice")
        seen.add(row.name)
    order = np.argsort(ids)
    return ids[order], tuple(rows[i].name for i in order.tolist())


def _refuse_others(file: CocoFile, where: str, given: Sequence[tuple[int, str]], expected: Mapping[int, str]) -> None:
    """Refuse predictions for other images or classes than those of the ground truth."""
    _unique_ids(file, where, [number for number, _ in given])
    for place, (number, name) in enumerate(given):
        if expected.get(number) != name:
            reason = f"id {number} is {name!r} here and {expected.get(number)!r} in the ground truth"
            raise file.unusable(place=f"{where}[{place}]", reason=reason)
    if len(given) < len(expected):
        missing = min(set(expected) - {number for number, _ in given})
        raise file.unusable(place=where, reason=f"id {missing} ({expected[missing]!r}) of the ground truth is missing")


def _shapes(
    file: CocoFile, rows: _Rows, image_sizes: IntArray, *, by_mask: bool
) -> tuple[FloatArray, FloatArray, Masks | None]:
    """Return (N, 4) boxes and (N,) areas, of the masks where masks are compared, and these."""
    if by_mask:
        masks = masks_of(file, [row.segmentation for row in rows if row.segmentation is not None], image_sizes)
        return masks.boxes, masks.areas, masks
    for place, row in enumerate(rows):
        if row.bbox is None:
            reason = "bbox is missing, and not all annotations have a segmentation"
            raise file.unusable(place=f"annotations[{place}]", reason=reason)
    boxes = np.array([row.bbox for row in rows], dtype=np.float64).reshape(-1, 4)
    return boxes, boxes[:, 2] * boxes[:, 3], None


def _unique_ids(file: CocoFile, where: str, given: Sequence[int]) -> IntArray:
    ids = np.array(given, dtype=np.int64)
    if np.unique(ids).size < ids.size:
        order = np.argsort(ids, kind="stable")
        place = int(order[1:][np.diff(ids[order]) == 0].min())
        raise file.unusable(place=f"{where}[{place}].id", reason=f"the id {ids[place]} occurs twice")
    return ids


def _pointers(file: CocoFile, rows: _Rows, key: str, ids: IntArray, target: str) -> IntArray:
    """Return where the ids of a column stand in sorted ids."""
    wanted = np.fromiter(map(attrgetter(key), rows), dtype=np.int64, count=len(rows))
    found: IntArray = np.minimum(np.searchsorted(ids, wanted), ids.size - 1)
    lost: BoolArray = ids[found] != wanted
    if lost.any():
        place = int(np.argmax(lost))
        raise file.unusable(
            place=f"annotations[{place}].{key}", reason=f"{wanted[place]} is not in {target} of the ground truth"
        )
    return found


def _optional_ids(rows: _Rows | Sequence[WireImage]) -> IntArray:
    return np.array([-1 if row.sly_id is None else row.sly_id for row in rows], dtype=np.int64)
