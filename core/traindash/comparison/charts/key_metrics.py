"""The key metrics as bars and as a radar."""

from collections.abc import Mapping

from traindash.comparison.charts.by_class import PRESENT, REPORTED
from traindash.comparison.charts.drawing import Axis, Drawing, Panel, View, nothing
from traindash.comparison.charts.evaluated import ADVICE, CHOOSE, in_words, metric_bars, without_evaluation
from traindash.comparison.charts.radar import radar_panel
from traindash.comparison.experiment import ComparedExperiment, Comparison, Missing
from traindash.comparison.image_query import ImageQuery, Outcome
from traindash.comparison.rows import may_stand_beside, read_metric

_NAMES = {
    "mAP": "mAP",
    "AP50": "AP50",
    "AP75": "AP75",
    "f1": "F1",
    "precision": "Precision",
    "recall": "Recall",
    "iou": "Mean IoU",
}
_THREE = {"precision": "Precision", "recall": "Recall", "f1": "F1"}
_SEVEN = {
    "mAP": "mAP",
    "f1": "F1",
    "precision": "Precision",
    "recall": "Recall",
    "iou": "Mean IoU",
    "classification_accuracy": "Classification accuracy",
    "calibration_score": "Calibration score",
}
"""The spokes of Supervisely's radar."""


def draw_key_metrics(comparison: Comparison, view: View) -> Drawing:
    """Draw seven metrics as bars."""
    del view
    return _bars(comparison, _NAMES)


def draw_three(comparison: Comparison, view: View) -> Drawing:
    """Draw precision, recall and F1."""
    del view
    return _bars(comparison, _THREE)


def draw_radar(comparison: Comparison, view: View) -> Drawing:
    """Draw Supervisely's seven base metrics around a centre."""
    del view
    known = _known(comparison, _SEVEN)
    notes = _left_out(comparison, [experiment for experiment, _ in known])
    if not known:
        return nothing(notes, ADVICE if comparison.experiments else CHOOSE)
    panel = radar_panel("Metric", tuple(_SEVEN.values()), known, comparison.decimals)
    if panel is None:
        return Drawing(empty="Fewer than three of these metrics are known of every experiment. The table has the rest.")
    missing = [name for name in _SEVEN.values() if name not in panel.x.categories]
    if missing:
        notes = (*notes, f"Not known of every experiment, so not drawn: {', '.join(missing)}.")
    return Drawing(panels=(panel,), notes=notes)


def _bars(comparison: Comparison, names: Mapping[str, str]) -> Drawing:
    known = _known(comparison, names)
    missing = _left_out(comparison, [experiment for experiment, _ in known])
    if not known:
        return nothing(missing, ADVICE if comparison.experiments else CHOOSE)
    bars = [
        metric_bars(experiment, values, _queries(experiment, names), comparison.decimals)
        for experiment, values in known
    ]
    categories = tuple(names.values())
    panel = Panel(
        title="",
        x=Axis(title="Metric", categories=categories),
        y=Axis(title="Value, 0 to 1", low=0, high=1, decimals=comparison.decimals),
        marks=tuple(bars),
        alt=in_words([experiment.label for experiment, _ in known], categories, bars),
    )
    return Drawing(panels=(panel,), notes=missing)


def _known(comparison: Comparison, names: Mapping[str, str]) -> list[tuple[ComparedExperiment, list[float | None]]]:
    """Return the experiments that have any of the metrics and whose metrics may stand beside the others."""
    found = []
    for experiment in comparison.experiments:
        values = [read_metric(experiment, key) for key in names]
        if may_stand_beside(comparison, experiment) and any(value is not None for value in values):
            found.append((experiment, values))
    return found


def _queries(experiment: ComparedExperiment, names: Mapping[str, str]) -> list[ImageQuery]:
    """Return what is behind the bars; nothing where only the record has the metrics."""
    if isinstance(experiment.evaluation, Missing):
        return []
    regression: dict[str, tuple[str, tuple[Outcome, ...]]] = {
        "precision": ("Everything reported by", REPORTED),
        "recall": ("All objects with", PRESENT),
        "iou": ("Found by", (Outcome.FOUND,)),
    }
    words = [regression.get(key, ("All outcomes of", ())) for key in names]
    return [
        ImageQuery(title=f"{start} “{experiment.label}”", experiment=experiment.key, outcomes=outcomes)
        for start, outcomes in words
    ]


def _left_out(comparison: Comparison, drawn: list[ComparedExperiment]) -> tuple[str, ...]:
    labels = tuple(f"“{experiment.label}”" for experiment in drawn)
    return tuple(note for note in without_evaluation(comparison) if not note.startswith(labels))
