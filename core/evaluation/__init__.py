"""COCO JSON files → one match table → every figure, curve and interval of the dashboard; numpy and hotcoco only."""

from core.evaluation.class_metrics import ClassMetrics
from core.evaluation.confusion import Confusion
from core.evaluation.evaluation import Evaluation, evaluate_files
from core.evaluation.key_metrics import KeyMetrics
from core.evaluation.match_table import MatchTable
from core.evaluation.match_view import EvaluationSettings
from core.evaluation.outcome_counts import OutcomeCounts
from core.evaluation.precision_recall import PrCurve

__all__ = [
    "ClassMetrics",
    "Confusion",
    "Evaluation",
    "EvaluationSettings",
    "KeyMetrics",
    "MatchTable",
    "OutcomeCounts",
    "PrCurve",
    "evaluate_files",
]
