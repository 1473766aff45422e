"""``cocoGt.json`` and ``cocoDt.json`` become sorted columns; what does not fit together is left out and told."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Generic, TypeVar

import numpy as np

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
    Segmentation,
    WireCategory,
    WireDetection,
    WireImage,
    WireObject,
)
from traindash.evaluation.coco_identity import IdTable, Keys, classes_meant, id_table, images_meant, keys_of, pointers
from traindash.evaluation.masks import SHORTEST_OUTLINE, is_mask, masks_of
from traindash.evaluation.matching import box_ious
from traindash.formatting import plural

_Row = TypeVar("_Row", WireObject, WireDetection)
_Entry = TypeVar("_Entry", WireImage, WireCategory)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Truth:
    """Images and classes of the ground truth; rows are in the order of their tables."""

    images: Sequence[WireImage]
    image_table: IdTable
    sizes: IntArray  # (I, 2) width and height, 0 where unknown
    categories: Sequence[WireCategory]
    category_table: IdTable


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed(Generic[_Row]):
    """The rows of a file that have an image and a class."""

    file: CocoFile
    noun: str  # what a row is
    rows: Sequence[_Row]
    places: IntArray  # (N,) where they stand in the file
    image: IntArray  # (N,) row of the image
    category: IntArray  # (N,) row of the class

    def shapes(self) -> list[Segmentation | None]:
        """Return the value of ``segmentation`` of each row."""
        return list(map(attrgetter("segmentation"), self.rows))


@dataclass(frozen=True, slots=True)
class _Notes:
    """Sentences on what was left out or read in another way."""

    sentences: list[str] = field(default_factory=list)

    def add(self, *sentences: str) -> None:
        """Add sentences that are not there yet."""
        self.sentences.extend(one for one in sentences if one not in self.sentences)


def read_coco_pair(truth_file: CocoFile, prediction_file: CocoFile, *, only_boxes: bool = False) -> CocoPair:
    """Check and sort the two files; with ``only_boxes`` masks are left aside.

    Raises:
        InputError: A file cannot be used; names the file and the place.
    """
    wire, predictions = truth_file.truth(), prediction_file.predictions()
    for name in ("images", "categories"):
        if not getattr(wire, name):
            raise truth_file.unusable(place=name, reason="the list is empty, so nothing can be measured")
    notes = _Notes()
    truth = _truth(truth_file, wire.images, wire.categories, notes)
    objects = _placed(
        truth_file,
        "object",
        wire.annotations,
        truth.image_table.rows(pointers(truth_file, wire.annotations, "image_id")),
        truth.category_table.rows(pointers(truth_file, wire.annotations, "category_id")),
        notes,
    )
    if wire.annotations and not objects.rows:
        raise truth_file.unusable(place="annotations", reason="no object has an image and a class of the file")
    image = images_meant(prediction_file, predictions, truth.images, truth.image_table)
    category = classes_meant(prediction_file, predictions, truth.categories, truth.category_table)
    notes.add(*image.notes, *category.notes)
    found = _placed(prediction_file, "detection", predictions.annotations, image.rows, category.rows, notes)
    if predictions.annotations and not found.rows:
        reason = "no detection has both an image and a class of the ground truth"
        raise prediction_file.unusable(place="annotations", reason=reason)
    by_mask = not only_boxes and _have_masks(objects, found, notes)
    gt, gt_masks = _ground_truth(objects, truth.sizes, notes, by_mask=by_mask)
    dt, dt_masks = _detections(found, truth.sizes, notes, by_mask=by_mask)
    gt_order = np.lexsort((gt.category, gt.image))
    # lexsort is stable: equal scores keep the order of the file, as pycocotools' mergesort does
    dt_order = np.lexsort((-dt.scores, dt.category, dt.image))
    gt, dt = gt.taken(gt_order), dt.taken(dt_order)
    if not by_mask:
        notes.add(*_odd_boxes(gt, dt))
    return CocoPair(
        images=_image_columns(truth),
        category_ids=truth.category_table.ids,
        classes=_class_names(truth, notes),
        gt=gt,
        dt=dt,
        gt_masks=gt_masks.taken(gt_order) if gt_masks else None,
        dt_masks=dt_masks.taken(dt_order) if dt_masks else None,
        notes=tuple(notes.sentences),
    )


def _truth(file: CocoFile, images: Sequence[WireImage], categories: Sequence[WireCategory], notes: _Notes) -> _Truth:
    images, image_table = _different(file, "images", images, notes)
    categories, category_table = _different(file, "categories", categories, notes)
    sizes = np.array([(row.width or 0, row.height or 0) for row in images], dtype=np.int64)
    return _Truth(
        images=images,
        image_table=image_table,
        sizes=sizes,
        categories=categories,
        category_table=category_table,
    )


def _different(file: CocoFile, where: str, rows: Sequence[_Entry], notes: _Notes) -> tuple[Sequence[_Entry], IdTable]:
    """Return the entries in the order of their table; the same entry a second time is left out.

    Raises:
        InputError: An id stands for two different entries.
    """
    keys = keys_of(file, f"{where}[{{}}].id", [row.id for row in rows])
    place = _second(keys)
    if place is not None:
        first: dict[int | str, int] = {}
        listed = keys.tolist() if isinstance(keys, np.ndarray) else keys
        for place, key in enumerate(listed):
            if rows[first.setdefault(key, place)] != rows[place]:
                raise file.unusable(place=f"{where}[{place}].id", reason=f"the id {key} occurs twice")
        kept = sorted(first.values())
        number = len(rows) - len(kept)
        notes.add(f"{plural(number, 'entry', 'entries')} of {where} {_s(number, 'stand')} twice in the ground truth.")
        rows, keys = [rows[i] for i in kept], keys_of(file, where, [rows[i].id for i in kept])
    table = id_table(keys)
    return [rows[i] for i in table.order.tolist()], table


def _second(keys: Keys) -> int | None:
    """Return a place whose id stands before it, too; ``None`` where all differ."""
    if not isinstance(keys, np.ndarray):
        return None if len(set(keys)) == len(keys) else 1
    return None if np.unique(keys).size == keys.size else 1


def _s(number: int, verb: str) -> str:
    return f"{verb}s" if number == 1 else verb


def _placed(
    file: CocoFile, noun: str, rows: Sequence[_Row], image: IntArray, category: IntArray, notes: _Notes
) -> _Placed[_Row]:
    """Leave out rows without an image or a class, and say how many."""
    places = np.arange(len(rows))
    kept: BoolArray = (image >= 0) & (category >= 0)
    if not kept.all():
        for lost, key, what in (
            (image < 0, "image_id", "image"),
            ((category < 0) & (image >= 0), "category_id", "class"),
        ):
            if lost.any():
                first = int(np.argmax(lost))
                number = int(lost.sum())
                verb = ("has", "is") if number == 1 else ("have", "are")
                lost_rows = plural(number, noun, f"{noun}s")
                notes.add(
                    f"{lost_rows} {verb[0]} no {what} in the ground truth and {verb[1]} left out, "
                    f"the first one with {key} {getattr(rows[first], key)}."
                )
        places = np.flatnonzero(kept)
        rows = [rows[i] for i in places.tolist()]
        image, category = image[kept], category[kept]
    return _Placed(file=file, noun=noun, rows=rows, places=places, image=image, category=category)


def _have_masks(objects: _Placed[WireObject], found: _Placed[WireDetection], notes: _Notes) -> bool:
    """Whether masks are compared: COCO compares either masks or boxes, and boxes are what all rows have."""
    sides = objects.shapes(), found.shapes()
    # Files of boxes, as most are, cost no look at each row
    if not any(sides) or any(shapes and shapes.count(None) == len(shapes) for shapes in sides):
        return False
    lacking = [sum(not is_mask(shape) for shape in shapes) for shapes in sides]
    if not any(lacking):
        if short := sum(_short_parts(shape) for shapes in sides for shape in shapes):
            notes.add(f"{plural(short, 'part', 'parts')} of outlines with less than three points cover nothing.")
        return True
    if all(number < len(shapes) for number, shapes in zip(lacking, sides, strict=True)):
        nouns = zip(lacking, sides, (objects.noun, found.noun), strict=True)
        told = " and ".join(
            f"{number} of {plural(len(shapes), noun, f'{noun}s')}" for number, shapes, noun in nouns if number
        )
        notes.add(f"Boxes were compared and not masks, since {told} have no mask.")
    return False


def _short_parts(segmentation: Segmentation | None) -> int:
    parts = segmentation if isinstance(segmentation, list) else ()
    return sum(len(polygon) < SHORTEST_OUTLINE for polygon in parts)


def _ground_truth(
    objects: _Placed[WireObject], sizes: IntArray, notes: _Notes, *, by_mask: bool
) -> tuple[GroundTruth, Masks | None]:
    """Return the objects and their masks in the order of the file."""
    rows = objects.rows
    boxes, area, masks = _shapes(objects, sizes, by_mask=by_mask)
    said_area = np.array([np.nan if row.area is None else row.area for row in rows], dtype=np.float64)
    if not by_mask and (number := int((boxes[:, 2:] < 0).any(axis=1).sum())):
        notes.add(f"{plural(number, 'object', 'objects')} with a negative width or height cannot be found, so missed.")
    truth = GroundTruth(
        ids=_object_ids(objects, notes),
        image=objects.image,
        category=objects.category,
        boxes=boxes,
        area=np.where(np.isnan(said_area), np.maximum(area, 0.0), said_area),
        crowd=np.array([row.iscrowd for row in rows], dtype=np.bool_),
        sly_ids=_optional_ids(rows),
    )
    if truth.crowd.all():
        notes.add("The ground truth has no object that counts, so average precision and recall are not defined.")
    return truth, masks


def _object_ids(objects: _Placed[WireObject], notes: _Notes) -> IntArray:
    """Return (G,) ids that differ: those of the file where they do, otherwise the place in the file from 1."""
    given = [row.id for row in objects.rows if row.id is not None]
    keys = keys_of(objects.file, "annotations[{}].id", given)
    if isinstance(keys, np.ndarray) and keys.size == len(objects.rows):
        if (alike := keys.size - np.unique(keys).size) == 0:
            return keys
        notes.add(
            f"{plural(alike, 'object', 'objects')} of the ground truth had the id of another; all were numbered anew."
        )
    return objects.places + 1


def _detections(
    found: _Placed[WireDetection], sizes: IntArray, notes: _Notes, *, by_mask: bool
) -> tuple[Detections, Masks | None]:
    """Return the predictions and their masks in the order of the file."""
    # COCO takes the area of a prediction from its shape, whatever the file says (``loadRes`` of pycocotools)
    boxes, area, masks = _shapes(found, sizes, by_mask=by_mask)
    if not by_mask and (number := int((boxes[:, 2:] < 0).any(axis=1).sum())):
        notes.add(
            f"{plural(number, 'detection', 'detections')} with a negative width or height can find nothing: "
            "false alarms."
        )
    detections = Detections(
        place=found.places,
        image=found.image,
        category=found.category,
        boxes=boxes,
        area=area,
        scores=np.fromiter(map(attrgetter("score"), found.rows), dtype=np.float64, count=len(found.rows)),
        sly_ids=_optional_ids(found.rows),
    )
    return detections, masks


def _image_columns(truth: _Truth) -> Images:
    return Images(
        ids=truth.image_table.ids,
        file_names=tuple(row.file_name or str(row.id) for row in truth.images),
        datasets=tuple(row.dataset or "" for row in truth.images),
        sly_ids=_optional_ids(truth.images),
        sizes=truth.sizes,
    )


def _class_names(truth: _Truth, notes: _Notes) -> tuple[str, ...]:
    """Return K names that differ: classes of one name are told apart by their ids."""
    names = [row.name or str(row.id) for row in truth.categories]
    alike = {name for name, number in Counter(names).items() if number > 1}
    if not alike:
        return tuple(names)
    names_of = f"{plural(len(alike), 'class name', 'class names')} {_s(len(alike), 'stand')}"
    notes.add(f"{names_of} for more than one class; their ids tell them apart.")
    ids = [row.id for row in truth.categories]
    return tuple(f"{name} (id {one})" if name in alike else name for name, one in zip(names, ids, strict=True))


def _shapes(side: _Placed[_Row], sizes: IntArray, *, by_mask: bool) -> tuple[FloatArray, FloatArray, Masks | None]:
    """Return (N, 4) boxes and (N,) areas, of the masks where masks are compared, and these."""
    if by_mask:
        masks = _masks(side, sizes, np.arange(len(side.rows)))
        return masks.boxes, masks.areas, masks
    given = [row.bbox for row in side.rows]
    lacking = [place for place, box in enumerate(given) if box is None]
    for place in lacking:
        if not is_mask(side.rows[place].segmentation):
            reason = "bbox is missing, and not all annotations have a segmentation"
            raise side.file.unusable(place=f"annotations[{side.places[place]}]", reason=reason)
    boxes = np.array([box or (0, 0, 0, 0) for box in given] if lacking else given, dtype=np.float64).reshape(-1, 4)
    if lacking:
        # As ``loadRes`` of pycocotools does
        boxes[lacking] = _masks(side, sizes, np.array(lacking)).boxes
    return boxes, boxes[:, 2] * boxes[:, 3], None


def _masks(side: _Placed[_Row], sizes: IntArray, rows: IntArray) -> Masks:
    shapes = [side.rows[i].segmentation for i in rows.tolist()]
    return masks_of(
        side.file,
        [shape for shape in shapes if shape is not None],
        sizes[side.image[rows]],
        side.places[rows].tolist(),
    )


def _optional_ids(rows: Sequence[WireObject] | Sequence[WireDetection] | Sequence[WireImage]) -> IntArray:
    return np.array([-1 if row.sly_id is None else row.sly_id for row in rows], dtype=np.int64)


# COCO has the left upper corner, width and height in pixels. Predictions as two corners, as centre and size, or in
# shares of the image find next to nothing, and an average precision of 0 does not say why: it is told, never turned
# into what they may have meant.
_LOOKED_AT = 300  # of the surest predictions
_OVERLAP = 0.5  # intersection over union from which on a prediction finds an object
_LARGEST_SHARE = 1.5  # boxes may reach over the border
_FEWEST = 3  # objects found in another way of counting, so that it is no chance
_LEAST_FOUND = 0.4  # share of predictions that the other way lets find something
_TIMES_MORE = 4
_CORNERS, _CENTRE = "two corners (x1, y1, x2, y2)", "centre, width and height"
_AS_COCO = "COCO has x and y of the left upper corner, width and height in pixels; they were compared as they stand."


def _odd_boxes(gt: GroundTruth, dt: Detections) -> Iterator[str]:
    """Yield a sentence where the boxes of one file look like another way of counting.

    Both sides are sorted by image.
    """
    if not len(gt.boxes) or not len(dt.boxes):
        return
    if _are_shares(dt.boxes) and not _are_shares(gt.boxes):
        yield f"All boxes of the predictions look like shares of the image (0 to 1). {_AS_COCO}"
    elif _are_shares(gt.boxes) and not _are_shares(dt.boxes):
        yield f"All boxes of the ground truth look like shares of the image (0 to 1). {_AS_COCO}"
    elif meant := _meant(gt, dt):
        yield f"The boxes of the predictions look like {meant}. {_AS_COCO}"


def _are_shares(boxes: FloatArray) -> bool:
    return bool(np.abs(boxes).max() <= _LARGEST_SHARE)


def _meant(gt: GroundTruth, dt: Detections) -> str:
    """The way of counting in which predictions find objects, if they find hardly any as they stand; else empty."""
    # Not more than there are objects: of a thousand guesses most find nothing, however they are counted
    rows = np.argsort(-dt.scores, kind="stable")[: min(_LOOKED_AT, len(gt.boxes))]
    boxes = dt.boxes[rows]
    # Each prediction beside each object of its image, whatever their classes are
    first, last = (np.searchsorted(gt.image, dt.image[rows], side=side) for side in ("left", "right"))
    which = np.repeat(np.arange(len(rows)), last - first)
    wanted = np.concatenate([np.arange(start, end) for start, end in zip(first, last, strict=True)])

    def found(boxes: FloatArray) -> int:
        meet = (box_ious(boxes[which], gt.boxes[wanted]) >= _OVERLAP) & (boxes[which, 2:] > 0).all(axis=1)
        return min(len(np.unique(which[meet])), len(np.unique(wanted[meet])))

    at, size = boxes[:, :2], boxes[:, 2:]
    readings = {_CORNERS: np.hstack((at, size - at)), _CENTRE: np.hstack((at - size / 2, size))}
    numbers = {name: found(turned) for name, turned in readings.items()}
    best = max(numbers, key=lambda name: numbers[name])
    least = max(_FEWEST, _LEAST_FOUND * len(rows), _TIMES_MORE * found(boxes))
    return best if numbers[best] >= least else ""
