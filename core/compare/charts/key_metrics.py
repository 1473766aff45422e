"""The key metrics as bars."""

from core.compare.charts.by_class import PRESENT, REPORTED
from core.compare.charts.drawing import Axis, Drawing, Panel, View, nothing
from core.compare.charts.evaluated import ADVICE, CHOOSE, in_words, metric_bars, without_evaluation
from core.compare.experiment import ComparedExperiment, Comparison, Missing
from core.compare.image_query import ImageQuery, Outcome
from core.compare.rows import read_metric

NAMES = {
    "mAP": "mAP",
    "AP50": "AP50",
    "AP75": "AP75",
    "f1": "F1",
    "precision": "Precision",
    "recall": "Recall",
    "iou": "Mean IoU",
}
THREE = {"precision": "Precision", "recall": "Recall", "f1": "F1"}


def draw(comparison: Comparison, view: View) -> Drawing:
    """Draw seven metrics; experiments without evaluation files keep the metrics of their record."""
    del view
    return _bars(comparison, NAMES)


def draw_three(comparison: Comparison, view: View) -> Drawing:
    """Draw precision, recall and F1."""
    del view
    return _bars(comparison, THREE)


def _bars(comparison: Comparison, names: dict[str, str]) -> Drawing:
    bars, labels = [], []
    for experiment in comparison.experiments:
        values = [read_metric(experiment, key) for key in names]
        if any(value is not None for value in values):
            bars.append(metric_bars(experiment, values, _queries(experiment, names)))
            labels.append(experiment.label)
    missing = tuple(
        note for note in without_evaluation(comparison) if not note.startswith(tuple(f"“{n}”" for n in labels))
    )
    if not bars:
        return nothing(missing, ADVICE if comparison.experiments else CHOOSE)
    categories = tuple(names.values())
    panel = Panel(
        title="",
        x=Axis(title="Metric", categories=categories),
        y=Axis(title="Value, 0 to 1", low=0, high=1),
        marks=tuple(bars),
        alt=in_words(labels, categories, bars),
    )
    return Drawing(panels=(panel,), notes=missing)


def _queries(experiment: ComparedExperiment, names: dict[str, str]) -> list[ImageQuery]:
    """Return what is behind the bars; nothing where only the record has the metrics."""
    if isinstance(experiment.evaluation, Missing):
        return []
    behind: dict[str, tuple[str, tuple[Outcome, ...]]] = {
        "precision": ("Everything reported by", REPORTED),
        "recall": ("All objects with", PRESENT),
        "iou": ("Found by", (Outcome.FOUND,)),
    }
    words = [behind.get(key, ("All outcomes of", ())) for key in names]
    return [
        ImageQuery(title=f"{start} “{experiment.label}”", experiment=experiment.key, outcomes=outcomes)
        for start, outcomes in words
    ]
