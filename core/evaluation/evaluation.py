"""One evaluation: the match table of two COCO files and the figures seen from it."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

from core.evaluation.cache import EvaluationCache, Kept
from core.evaluation.calibration import Calibration, calibration
from core.evaluation.class_metrics import ClassMetrics, class_metrics
from core.evaluation.confusion import Confusion, confusion
from core.evaluation.kept_masks import KeptMasks, open_masks, pack_masks, save_masks
from core.evaluation.key_metrics import KeyMetrics, key_metrics
from core.evaluation.match_table import IOU_THRESHOLDS, MatchTable, build_match_table
from core.evaluation.match_view import EvaluationSettings, MatchView, view_at
from core.evaluation.outcome_counts import ImageOutcomes, OutcomeCounts, count_outcomes, count_per_image
from core.evaluation.overlaps import Overlaps, find_overlaps
from core.evaluation.precision_recall import PrCurve, pr_curve, precision_array
from core.evaluation.ratios import mean_defined
from core.evaluation.reading import read_coco_pair
from core.evaluation.records import CocoPair, FloatArray, Kind
from core.evaluation.score_profile import ScoreProfile, score_profile
from core.evaluation.wire import CocoFile, WirePredictions, WireTruth


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Everything known about one model on one set of images.

    Attributes:
        pair: Ground truth and predictions, without their masks.
        kind: What was compared: ``bbox`` (boxes) or ``segm`` (masks).
        overlaps: Pairs of detections and objects that a match can be made of.
        settings: Thresholds.
        table: The matches at all IoU thresholds.
        view: The matches at the IoU thresholds of the settings.
        precision: (T, 101, K) interpolated precision; NaN for a class without objects.
        pr_curve: Precision over recall.
        profile: Precision, recall and F1 over the confidence.
        calibration: Reliability of the scores.
        counts: Outcomes at the confidence threshold: that of the settings, or the F1-optimal one.
        confusion: Confused classes at the same threshold.
        key_metrics: The figures Supervisely reports.
        per_class: The figures of the K classes.
        masks: What was compared, for pictures of it; ``None`` where that were boxes.
    """

    pair: CocoPair
    kind: Kind
    overlaps: Overlaps
    settings: EvaluationSettings
    table: MatchTable
    view: MatchView
    precision: FloatArray
    pr_curve: PrCurve
    profile: ScoreProfile
    calibration: Calibration
    counts: OutcomeCounts
    confusion: Confusion
    key_metrics: KeyMetrics
    per_class: tuple[ClassMetrics, ...]
    masks: KeptMasks | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """K class names, by id in the files."""
        return self.pair.classes

    @property
    def confidence(self) -> float:
        """The confidence threshold of the counts; NaN when nothing was right and none was chosen."""
        return self.counts.confidence

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

    Args:
        gt: Ground truth.
        dt: Predictions.
        settings: Thresholds; Supervisely's defaults where none are given.
        cache: Folder that keeps what was read, by the content of the two files; ``None`` keeps nothing.

    Raises:
        InputError: A file cannot be used (names the file and the place), or a setting does not exist.
    """
    truth, predictions = CocoFile[WireTruth](gt), CocoFile[WirePredictions](dt)
    kept, masks = _read(truth, predictions, cache)
    return replace(evaluate(*kept, settings or EvaluationSettings()), masks=masks)


def _read(
    truth: CocoFile[WireTruth], predictions: CocoFile[WirePredictions], cache: Path | None
) -> tuple[Kept, KeptMasks | None]:
    """Return what figures and pictures are made of: from the cache, otherwise from the files."""
    store = EvaluationCache(cache, truth.content, predictions.content) if cache else None
    if store is not None and (found := store.load()) is not None:
        _, _, kind = found
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
    pair = read_coco_pair(CocoFile[WireTruth](gt), CocoFile[WirePredictions](dt), only_boxes=True)
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
