"""``cocoGt.json`` and ``cocoDt.json`` become sorted columns; what does not fit together is refused with its place."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

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

    Args:
        runs: N dictionaries ``{"size": [height, width], "counts": bytes | str | list}``.
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

    Args:
        value: (M,) numbers of all masks.
        owner: (M,) mask of each, ascending.
        pixels: (N,) size of each mask.
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
# fill the image it takes without a word, so they are refused here.


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
    filled = runs_that_fill(runs)
    if not filled.all():
        place = int(np.argmin(filled))
        raise file.unusable(("annotations", place, "segmentation"), "the run lengths do not fill the image exactly")
    return Masks(
        runs=tuple(runs),
        boxes=np.asarray(coco_mask.toBbox(runs), dtype=np.float64).reshape(-1, 4),
        areas=np.asarray(coco_mask.area(runs), dtype=np.float64).reshape(-1),
    )


Rows = Sequence[Mapping[str, Any]]


class _Columns(NamedTuple):
    """What objects and detections have in common; rows as in the file."""

    image: IntArray
    category: IntArray
    boxes: FloatArray
    area: FloatArray
    sly_ids: IntArray
    masks: Masks | None


def read_coco_pair(
    truth_file: CocoFile[WireTruth], prediction_file: CocoFile[WirePredictions], *, only_boxes: bool = False
) -> CocoPair:
    """Check and sort the two files; with ``only_boxes`` masks are left aside.

    Raises:
        InputError: A file cannot be used; names the file and the place.
    """
    truth = truth_file.parsed(WireTruth)
    predictions = prediction_file.parsed(WirePredictions)
    for name, rows in truth.items():
        if not rows:
            raise truth_file.unusable((name,), "the list is empty, so nothing can be measured")
    if all(row.get("iscrowd") for row in truth["annotations"]):
        raise truth_file.unusable(("annotations",), "all objects are crowds, so nothing can be measured")
    images = _images(truth_file, truth["images"])
    category_ids, classes = _categories(truth_file, truth["categories"])
    _same_header(prediction_file, "categories", predictions.get("categories"), truth["categories"], "name")
    _same_header(prediction_file, "images", predictions.get("images"), truth["images"], "file_name")

    objects, detections = truth["annotations"], predictions["annotations"]
    by_mask = not only_boxes and _all_have("segmentation", objects) and _all_have("segmentation", detections)
    object_ids = _unique_ids(truth_file, "annotations", objects)
    if _all_have("id", detections):
        _unique_ids(prediction_file, "annotations", detections)
    g = _columns(truth_file, objects, images, category_ids, by_mask=by_mask)
    d = _columns(prediction_file, detections, images, category_ids, by_mask=by_mask)
    scores = np.fromiter(map(itemgetter("score"), detections), dtype=np.float64, count=len(detections))
    crowd = np.array([row.get("iscrowd", 0) for row in objects], dtype=np.bool_)
    said_area = np.array([row.get("area", np.nan) for row in objects], dtype=np.float64)
    g_order = np.lexsort((g.category, g.image))
    d_order = np.lexsort((-scores, d.category, d.image))
    return CocoPair(
        images=images,
        category_ids=category_ids,
        classes=classes,
        gt=GroundTruth(
            ids=object_ids[g_order],
            image=g.image[g_order],
            category=g.category[g_order],
            boxes=g.boxes[g_order],
            area=np.where(np.isnan(said_area), g.area, said_area)[g_order],
            crowd=crowd[g_order],
            sly_ids=g.sly_ids[g_order],
        ),
        dt=Detections(
            place=d_order,
            image=d.image[d_order],
            category=d.category[d_order],
            boxes=d.boxes[d_order],
            area=d.area[d_order],
            scores=scores[d_order],
            sly_ids=d.sly_ids[d_order],
        ),
        gt_masks=g.masks.taken(g_order) if g.masks else None,
        dt_masks=d.masks.taken(d_order) if d.masks else None,
    )


def _images(file: CocoFile[Any], rows: Rows) -> Images:
    ids = _unique_ids(file, "images", rows)
    order = np.argsort(ids)
    ordered = [rows[i] for i in order.tolist()]
    return Images(
        ids=ids[order],
        file_names=tuple(row["file_name"] for row in ordered),
        datasets=tuple(row.get("dataset") or "" for row in ordered),
        sly_ids=_optional_ids(ordered),
        sizes=np.array([(row.get("width") or 0, row.get("height") or 0) for row in ordered], dtype=np.int64),
    )


def _categories(file: CocoFile[Any], rows: Rows) -> tuple[IntArray, tuple[str, ...]]:
    ids = _unique_ids(file, "categories", rows)
    seen: set[str] = set()
    for place, row in enumerate(rows):
        if row["name"] in seen:
            raise file.unusable(("categories", place, "name"), f"the class name {row['name']!r} occurs twice")
        seen.add(row["name"])
    order = np.argsort(ids)
    return ids[order], tuple(rows[i]["name"] for i in order.tolist())


def _same_header(file: CocoFile[Any], name: str, given: Rows | None, wanted: Rows, label: str) -> None:
    """Refuse predictions for other images or classes than those of the ground truth."""
    if given is None:
        return
    _unique_ids(file, name, given)
    expected = {row["id"]: row[label] for row in wanted}
    for place, row in enumerate(given):
        if expected.get(row["id"]) != row[label]:
            reason = f"id {row['id']} is {row[label]!r} here and {expected.get(row['id'])!r} in the ground truth"
            raise file.unusable((name, place), reason)
    if len(given) < len(expected):
        missing = min(set(expected) - {row["id"] for row in given})
        raise file.unusable((name,), f"id {missing} ({expected[missing]!r}) of the ground truth is missing")


def _columns(file: CocoFile[Any], rows: Rows, images: Images, category_ids: IntArray, *, by_mask: bool) -> _Columns:
    image = _pointers(file, rows, "image_id", images.ids, "images")
    category = _pointers(file, rows, "category_id", category_ids, "categories")
    if by_mask:
        masks = masks_of(file, [row["segmentation"] for row in rows], images.sizes[image])
        return _Columns(image, category, masks.boxes, masks.areas, _optional_ids(rows), masks)
    boxes = _boxes(file, rows)
    return _Columns(image, category, boxes, boxes[:, 2] * boxes[:, 3], _optional_ids(rows), None)


def _boxes(file: CocoFile[Any], rows: Rows) -> FloatArray:
    for place, row in enumerate(rows):
        if "bbox" not in row:
            raise file.unusable(("annotations", place), "bbox is missing, and not all annotations have a segmentation")
    return np.array([row["bbox"] for row in rows], dtype=np.float64).reshape(-1, 4)


def _unique_ids(file: CocoFile[Any], name: str, rows: Rows) -> IntArray:
    ids = np.fromiter(map(itemgetter("id"), rows), dtype=np.int64, count=len(rows))
    if np.unique(ids).size < ids.size:
        order = np.argsort(ids, kind="stable")
        place = int(order[1:][np.diff(ids[order]) == 0].min())
        raise file.unusable((name, place, "id"), f"the id {ids[place]} occurs twice")
    return ids


def _pointers(file: CocoFile[Any], rows: Rows, key: str, ids: IntArray, target: str) -> IntArray:
    """Return where the ids of a column stand in sorted ids."""
    wanted = np.fromiter(map(itemgetter(key), rows), dtype=np.int64, count=len(rows))
    found: IntArray = np.minimum(np.searchsorted(ids, wanted), ids.size - 1)
    lost: BoolArray = ids[found] != wanted
    if lost.any():
        place = int(np.argmax(lost))
        raise file.unusable(("annotations", place, key), f"{wanted[place]} is not in {target} of the ground truth")
    return found


def _optional_ids(rows: Iterable[Mapping[str, Any]]) -> IntArray:
    ids = [row.get("sly_id") for row in rows]
    return np.array([-1 if one is None else one for one in ids], dtype=np.int64)


def _all_have(key: str, rows: Rows) -> bool:
    return all(key in row for row in rows)
