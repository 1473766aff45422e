"""One evaluation: the match table of two COCO files and the figures seen from it."""

from dataclasses import dataclass
from pathlib import Path

from core.evaluation.calibration import Calibration, calibration
from core.evaluation.class_metrics import ClassMetrics, class_metrics
from core.evaluation.confusion import Confusion, confusion
from core.evaluation.key_metrics import KeyMetrics, key_metrics
from core.evaluation.match_table import MatchTable, build_match_table
from core.evaluation.outcome_counts import OutcomeCounts, count_outcomes
from core.evaluation.precision_recall import PrCurve, pr_curve, precision_array
from core.evaluation.reading import read_coco_pair
from core.evaluation.records import CocoPair, FloatArray
from core.evaluation.score_profile import ScoreProfile, score_profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Everything known about one model on one set of images.

    Attributes:
        pair: Ground truth and predictions.
        table: The matches.
        precision: (T, 101, K) interpolated precision; NaN for a class without objects.
        profile: Precision, recall and F1 over the confidence.
        calibration: Reliability of the scores.
        counts: Outcomes at the F1-optimal confidence.
        confusion: Confused classes at the F1-optimal confidence.
        key_metrics: The figures Supervisely reports.
        per_class: The figures of the K classes.
        pr_curve: Precision over recall.
    """

    pair: CocoPair
    table: MatchTable
    precision: FloatArray
    profile: ScoreProfile
    calibration: Calibration
    counts: OutcomeCounts
    confusion: Confusion
    key_metrics: KeyMetrics
    per_class: tuple[ClassMetrics, ...]
    pr_curve: PrCurve

    @property
    def classes(self) -> tuple[str, ...]:
        """K class names, by id in the files."""
        return self.pair.classes


def evaluate(pair: CocoPair) -> Evaluation:
    """Match and measure."""
    table = build_match_table(pair)
    precision = precision_array(table)
    profile = score_profile(table)
    confidence = profile.f1_optimal_confidence
    counts = count_outcomes(table, confidence)
    reliability = calibration(profile)
    return Evaluation(
        pair=pair,
        table=table,
        precision=precision,
        profile=profile,
        calibration=reliability,
        counts=counts,
        confusion=confusion(table, confidence),
        key_metrics=key_metrics(table, precision, counts, reliability, confidence),
        per_class=class_metrics(pair.classes, precision, counts),
        pr_curve=pr_curve(precision),
    )


def evaluate_files(gt: Path, dt: Path, *, cache: Path | None = None) -> Evaluation:
    """Evaluate ``cocoGt.json`` and ``cocoDt.json``.

    Args:
        gt: Ground truth.
        dt: Predictions.
        cache: Folder for results by content; none by default.

    Raises:
        InputError: A file cannot be used; names the file and the place.
    """
    del cache
    return evaluate(read_coco_pair(gt, dt))
