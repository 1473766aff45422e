"""COCO JSON files → one match table → every figure, curve and interval of the dashboard; numpy and hotcoco only."""

from traindash.evaluation.comparability import (
    Comparability,
    ComparabilityKind,
    IdentityKind,
    MeasuredModel,
    Reason,
    ReasonKind,
    comparability,
    rescored,
)
from traindash.evaluation.confusion import Confusion
from traindash.evaluation.evaluation import Evaluation, SizeSlice, box_map, evaluate_files, restrict, size_slices
from traindash.evaluation.flow import Change, Flow, FlowCounts, are_aligned, object_flow
from traindash.evaluation.matching import MatchTable
from traindash.evaluation.metrics import ClassMetrics, KeyMetrics, PrCurve
from traindash.evaluation.operating_points import (
    BestF1,
    Goal,
    MissCosts,
    OperatingPoints,
    PrecisionAtLeast,
    RecallAtLeast,
    ThresholdChoice,
    choose_threshold,
    operating_points,
    operating_points_per_class,
)
from traindash.evaluation.outcomes import EvaluationSettings, ImageOutcomes, OperatingPoint, OutcomeCounts
from traindash.evaluation.report_json import evaluation_report, report_of
from traindash.evaluation.resampling import (
    Metric,
    MetricDifference,
    MetricInterval,
    Samples,
    bootstrap,
    difference,
    interval,
)

__all__ = [
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
    "OutcomeCounts",
    "PrCurve",
    "PrecisionAtLeast",
    "Reason",
    "ReasonKind",
    "RecallAtLeast",
    "Samples",
    "SizeSlice",
    "ThresholdChoice",
    "are_aligned",
    "bootstrap",
    "box_map",
    "choose_threshold",
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
