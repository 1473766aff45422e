"""One evaluation: the match table of two COCO files and the figures seen from it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from traindash.errors import InputError
from traindash.evaluation.cache import EvaluationCache, Kept, KeptMasks, open_masks, pack_masks, save_masks
from traindash.evaluation.coco_files import LARGEST_AREA, BoolArray, CocoFile, CocoPair, FloatArray, IntArray, Kind
from traindash.evaluation.confusion import Confusion, confusion
from traindash.evaluation.matching import (
    IOU_THRESHOLDS,
    MatchTable,
    Overlaps,
    build_match_table,
    find_overlaps,
    greedy_matches,
    mean_defined,
    ratio,
    same_class_overlaps,
)
from traindash.evaluation.metrics import (
    LEVEL_50,
    LEVEL_75,
    Calibration,
    ClassMetrics,
    KeyMetrics,
    PrCurve,
    accumulate,
    calibration,
    class_metrics,
    key_metrics,
    pr_curve,
    precision_array,
    scores_of_all_classes,
)
from traindash.evaluation.outcomes import (
    EvaluationSettings,
    ImageOutcomes,
    MatchView,
    OutcomeCounts,
    ScoreProfile,
    count_outcomes,
    count_per_image,
    score_profile,
    view_at,
)
from traindash.evaluation.reading import read_coco_pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Everything known about one model on one set of images."""

    pair: CocoPair  # ground truth and predictions, without their masks
    kind: Kind  # what was compared: `bbox` (boxes) or `segm` (masks)
    overlaps: Overlaps  # pairs of detections and objects that a match can be made of
    settings: EvaluationSettings  # thresholds
    table: MatchTable  # the matches at all IoU thresholds
    view: MatchView  # the matches at the IoU thresholds of the settings
    precision: FloatArray  # (T, 101, K) interpolated precision; NaN for a class without objects
    pr_curve: PrCurve  # precision over recall
    profile: ScoreProfile  # precision, recall and F1 over the confidence
    calibration: Calibration  # reliability of the scores
    counts: OutcomeCounts  # outcomes at the confidence threshold: that of the settings, or the F1-optimal one
    confusion: Confusion  # confused classes at the same threshold
    key_metrics: KeyMetrics  # the figures Supervisely reports
    per_class: tuple[ClassMetrics, ...]  # the figures of the K classes
    masks: KeptMasks | None = None  # what was compared, for pictures of it; `None` where that were boxes

    @property
    def classes(self) -> tuple[str, ...]:
        """K class names, by id in the files."""
        return self.pair.classes

    @property
    def confidence(self) -> float:
        """The confidence threshold of the counts; NaN when nothing was right and none was chosen."""
        return self.counts.confidence

    @property
    def of_all_classes(self) -> dict[str, float]:
        """``precision_all``, ``recall_all`` and ``f1_all``: means over the same classes for every model."""
        return scores_of_all_classes(self.counts, averaged=self.settings.averaged)

    @property
    def per_image(self) -> ImageOutcomes:
        """Outcomes of each image at the confidence threshold."""
        return count_per_image(self.view, self.confidence)

    def at(self, confidence: float) -> "Evaluation":
        """Return the same evaluation at another confidence threshold; takes milliseconds."""
        settings = replace(self.settings, confidence_threshold=confidence)
        counts = count_outcomes(self.view, confidence)
        return replace(
            self,
            settings=settings,
            counts=counts,
            confusion=confusion(self.view, confidence),
            key_metrics=key_metrics(self.view, self.precision, counts, self.profile, averaged=settings.averaged),
            per_class=class_metrics(self.classes, self.precision, counts, averaged=settings.averaged),
        )


def evaluate_files(
    gt: Path, dt: Path, *, settings: EvaluationSettings | None = None, cache: Path | None = None
) -> Evaluation:
    """Evaluate ``cocoGt.json`` and ``cocoDt.json``.

    Supervisely's default thresholds where none are given; ``cache`` keeps what was read, by the content of the files.

    Raises:
        InputError: A file cannot be used (names the file and the place), or a setting does not exist.
    """
    truth, predictions = CocoFile(gt), CocoFile(dt)
    kept, masks = _read(truth, predictions, cache)
    return replace(evaluate(*kept, settings or EvaluationSettings()), masks=masks)


def _read(truth: CocoFile, predictions: CocoFile, cache: Path | None) -> tuple[Kept, KeptMasks | None]:
    """Return what figures and pictures are made of: from the cache, otherwise from the files."""
    # By content, not by name or time: the same files under another experiment need no second reading
    store = EvaluationCache(cache, truth.content, predictions.content) if cache else None
    if store is not None and (found := store.load()) is not None:
        _, _, kind = found
        # Masks lie in a file of their own, which is mapped: figures need none of them
        masks = open_masks(_masks_beside(store)) if kind == "segm" else None
        if kind == "bbox" or masks is not None:
            return found, masks
    full = read_coco_pair(truth, predictions)
    overlaps = find_overlaps(full, float(IOU_THRESHOLDS[0]))
    kept: Kept = replace(full, gt_masks=None, dt_masks=None), overlaps, "segm" if full.gt_masks else "bbox"
    masks = pack_masks(full)
    if store is not None:
        store.save(*kept)
        if masks is not None:
            save_masks(_masks_beside(store), masks)
            masks = open_masks(_masks_beside(store)) or masks
    return kept, masks


def _masks_beside(store: EvaluationCache) -> Path:
    return store.path.with_suffix(".masks")


def box_map(gt: Path, dt: Path) -> float | None:
    """Return the mAP of the boxes alone, for an evaluation by masks; ``None`` where it is not defined.

    Raises:
        InputError: A file cannot be used.
    """
    pair = read_coco_pair(CocoFile(gt), CocoFile(dt), only_boxes=True)
    table = build_match_table(pair, find_overlaps(pair, float(IOU_THRESHOLDS[0])))
    value = float(mean_defined(precision_array(table)))
    return None if math.isnan(value) else value


def evaluate(pair: CocoPair, overlaps: Overlaps, kind: Kind, settings: EvaluationSettings) -> Evaluation:
    """Match and measure."""
    table = build_match_table(pair, overlaps)
    view = view_at(table, settings.levels(pair.classes))
    precision = precision_array(table)
    profile = score_profile(view)
    chosen = settings.confidence_threshold
    # 0 is a threshold; only "none chosen" asks for the optimal one (docs/evaluation.md, confidence-zero)
    confidence = profile.f1_optimal_confidence if chosen is None else chosen
    counts = count_outcomes(view, confidence)
    return Evaluation(
        pair=pair,
        kind=kind,
        overlaps=overlaps,
        settings=settings,
        table=table,
        view=view,
        precision=precision,
        pr_curve=pr_curve(precision),
        profile=profile,
        calibration=calibration(profile),
        counts=counts,
        confusion=confusion(view, confidence),
        key_metrics=key_metrics(view, precision, counts, profile, averaged=settings.averaged),
        per_class=class_metrics(pair.classes, precision, counts, averaged=settings.averaged),
    )


# The same evaluation on fewer images or classes: matched and measured again, exactly.


def restrict(
    evaluation: Evaluation,
    *,
    images: IntArray | None = None,
    classes: Sequence[str] | None = None,
    settings: EvaluationSettings | None = None,
) -> Evaluation:
    """Return the evaluation of a part of the images and classes.

    Rows (none twice) and names are in the order they shall have; ``None`` keeps all, thresholds too.

    Raises:
        InputError: A class does not exist, or the images hold no object of the classes.
    """
    pair = evaluation.pair
    rows = np.arange(pair.images.ids.size) if images is None else images
    names = pair.classes if classes is None else tuple(classes)
    if unknown := set(names) - set(pair.classes):
        message = f"The evaluation has no class {sorted(unknown)[0]!r}."
        raise InputError(message, f"Its classes are {', '.join(pair.classes)}.")
    kept_classes = np.array([pair.classes.index(name) for name in names], dtype=np.int64)
    part, overlaps = _part(pair, evaluation.overlaps, rows, kept_classes)
    if not (~part.gt.crowd).any():
        message = f"The {rows.size} chosen images hold no object of the chosen classes."
        raise InputError(message, "Choose more images or classes.")
    chosen = settings or evaluation.settings
    per_class = {name: iou for name, iou in chosen.iou_threshold_per_class.items() if name in names}
    measured = evaluate(part, overlaps, evaluation.kind, replace(chosen, iou_threshold_per_class=per_class))
    return replace(measured, masks=evaluation.masks)  # found by ids and places in the files, which stay as they are


def _part(pair: CocoPair, overlaps: Overlaps, images: IntArray, classes: IntArray) -> tuple[CocoPair, Overlaps]:
    new_image = _new_numbers(pair.images.ids.size, images)
    new_class = _new_numbers(len(pair.classes), classes)
    gt = _rows(new_image[pair.gt.image], new_class[pair.gt.category])
    dt = _rows(new_image[pair.dt.image], new_class[pair.dt.category], -pair.dt.scores)
    part = CocoPair(
        images=pair.images.taken(images),
        category_ids=pair.category_ids[classes],
        classes=tuple(pair.classes[k] for k in classes.tolist()),
        notes=pair.notes,
        gt=replace(pair.gt.taken(gt), image=new_image[pair.gt.image[gt]], category=new_class[pair.gt.category[gt]]),
        dt=replace(pair.dt.taken(dt), image=new_image[pair.dt.image[dt]], category=new_class[pair.dt.category[dt]]),
    )
    new_dt = _new_numbers(pair.dt.scores.size, dt)[overlaps.dt]
    new_gt = _new_numbers(pair.gt.ids.size, gt)[overlaps.gt]
    kept: BoolArray = (new_dt >= 0) & (new_gt >= 0)
    return part, Overlaps(dt=new_dt[kept], gt=new_gt[kept], iou=overlaps.iou[kept])


def _new_numbers(size: int, kept: IntArray) -> IntArray:
    """Return (size,) the place of each old row in ``kept``, -1 where it is left out."""
    numbers = np.full(size, -1, dtype=np.int64)
    numbers[kept] = np.arange(kept.size)
    return numbers


def _rows(image: IntArray, category: IntArray, *more: FloatArray) -> IntArray:
    """Return the rows that stay, sorted by image, class and the rest."""
    stays = np.flatnonzero((image >= 0) & (category >= 0))
    order = np.lexsort((*(key[stays] for key in reversed(more)), category[stays], image[stays]))
    return stays[order]


# Small, medium and large objects apart: COCO's areas, COCO's rule of what is ignored.


SizeName: TypeAlias = Literal["small", "medium", "large"]
SIZES: tuple[SizeName, ...] = ("small", "medium", "large")
# least and largest area in pixels, both included, as pycocotools has them (cocodataset.org, "Metrics")
AREA_RANGES = ((0.0, 32.0**2), (32.0**2, 96.0**2), (96.0**2, LARGEST_AREA))


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeSlice:
    """The figures of objects of one size. NaN: there are none."""

    name: str  # `small`, `medium` or `large`
    least: float  # area in pixels from which on objects belong here
    most: float  # largest area, included
    objects: int  # countable objects
    ap: float  # average precision over IoU 0.50 to 0.95
    ap50: float  # at IoU 0.50
    ap75: float  # at IoU 0.75
    ar: float  # average recall over IoU 0.50 to 0.95, without a confidence threshold
    ap_per_class: FloatArray  # (K,) average precision of each class


def size_of(area: FloatArray) -> IntArray:
    """Return the index in ``SIZES``; an area on a border belongs to the smaller size."""
    size: IntArray = np.searchsorted([most for _, most in AREA_RANGES[:-1]], area, side="left")
    return size


def size_slices(evaluation: Evaluation) -> tuple[SizeSlice, ...]:
    """Return the figures of small, medium and large objects; does not depend on the confidence threshold."""
    within = same_class_overlaps(evaluation.pair, evaluation.overlaps, evaluation.table.dt_row)
    return tuple(_slice(evaluation, within, name, bounds) for name, bounds in zip(SIZES, AREA_RANGES, strict=True))


def _slice(evaluation: Evaluation, within: Overlaps, name: str, bounds: tuple[float, float]) -> SizeSlice:
    table, (least, most) = evaluation.table, bounds
    dt_area = evaluation.pair.dt.area[table.dt_row]
    foreign = table.gt_crowd | (table.gt_area < least) | (table.gt_area > most)
    matched = greedy_matches(within, table.dt_rank, foreign, table.gt_crowd, IOU_THRESHOLDS)
    gt = np.append(within.gt, -1)[matched]
    right = (gt >= 0) & ~np.append(foreign, [True])[gt]
    wrong = (gt < 0) & (dt_area >= least) & (dt_area <= most)
    objects = np.bincount(table.gt_class[~foreign], minlength=table.class_count)
    precision = accumulate(table, right, wrong, objects)
    found = np.stack([np.bincount(table.dt_class[row], minlength=table.class_count) for row in right])
    return SizeSlice(
        name=name,
        least=least,
        most=most,
        objects=int(objects.sum()),
        ap=float(mean_defined(precision)),
        ap50=float(mean_defined(precision[LEVEL_50])),
        ap75=float(mean_defined(precision[LEVEL_75])),
        ar=float(mean_defined(ratio(found, np.broadcast_to(objects, found.shape)))),
        ap_per_class=mean_defined(precision, axis=(0, 1)),
    )
