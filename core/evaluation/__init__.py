"""COCO JSON files → one match table → every figure, curve and interval of the dashboard; numpy and hotcoco only."""

from core.evaluation.alignment import are_aligned
from core.evaluation.class_metrics import ClassMetrics
from core.evaluation.comparability_reasons import Reason, ReasonKind
from core.evaluation.confusion import Confusion
from core.evaluation.evaluation import Evaluation, box_map, evaluate_files
from core.evaluation.fair_comparison import Comparability, ComparabilityKind, comparability, rescored
from core.evaluation.flow import Change, Flow, FlowCounts, object_flow
from core.evaluation.goals import Answer, BestF1, Goal, MissCosts, PrecisionAtLeast, RecallAtLeast, answer
from core.evaluation.identity import IdentityKind, MeasuredModel
from core.evaluation.key_metrics import KeyMetrics
from core.evaluation.match_table import MatchTable, Outcome
from core.evaluation.match_view import EvaluationSettings
from core.evaluation.operating_points import (
    OperatingPoint,
    OperatingPoints,
    operating_points,
    operating_points_per_class,
)
from core.evaluation.outcome_counts import ImageOutcomes, OutcomeCounts
from core.evaluation.precision_recall import PrCurve
from core.evaluation.report_json import evaluation_report, report_of
from core.evaluation.resampling import (
    Metric,
    MetricDifference,
    MetricInterval,
    Samples,
    bootstrap,
    difference,
    interval,
)
from core.evaluation.restriction import restrict
from core.evaluation.size_slices import SizeSlice, size_slices

__all__ = [
    "Answer",
    "BestF1",
    "Change",
    "ClassMetrics",
    "Comparability",
    "ComparabilityKind",
    "Confusion",
    "Evaluation",
    "EvaluationSettings",
    "Flow",
    "FlowCounts",
    "Goal",
    "IdentityKind",
    "ImageOutcomes",
    "KeyMetrics",
    "MatchTable",
    "MeasuredModel",
    "Metric",
    "MetricDifference",
    "MetricInterval",
    "MissCosts",
    "OperatingPoint",
    "OperatingPoints",
    "Outcome",
    "OutcomeCounts",
    "PrCurve",
    "PrecisionAtLeast",
    "Reason",
    "ReasonKind",
    "RecallAtLeast",
    "Samples",
    "SizeSlice",
    "answer",
    "are_aligned",
    "bootstrap",
    "box_map",
    "comparability",
    "difference",
    "evaluate_files",
    "evaluation_report",
    "interval",
    "object_flow",
    "operating_points",
    "operating_points_per_class",
    "report_of",
    "rescored",
    "restrict",
    "size_slices",
]
