"""The key metrics as bars and as a radar."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from traindash.comparison.charts.by_class import PRESENT, REPORTED, chosen_classes
from traindash.comparison.charts.drawing import (
    ADVICE,
    CHOOSE,
    Axis,
    Drawing,
    Line,
    Panel,
    View,
    finite,
    in_words,
    left_out_classes,
    metric_bars,
    no_evaluation,
    nothing,
    of_evaluations,
    radar_panel,
    without_evaluation,
)
from traindash.comparison.experiment import ComparedExperiment, Comparison, Missing
from traindash.comparison.image_query import CountedAs, ImageQuery, Outcome
from traindash.comparison.rows import may_stand_beside, read_metric
from traindash.evaluation.coco_files import FloatArray
from traindash.evaluation.evaluation import Evaluation
from traindash.formatting import metric, percent, quoted
from traindash.language import N_
from traindash.language import gettext as _

# keys are Supervisely's names of the metrics (docs/supervisely-api.md 7.2)
_NAMES = {
    "mAP": "mAP",
    "AP50": "AP50",
    "AP75": "AP75",
    "f1_all": "F1",
    "precision_all": N_("Precision"),
    "recall_all": N_("Recall"),
    "iou": N_("Mean IoU"),
}
# of semantic segmentations, by the names of their records
PIXELS = {
    "mIoU": "mIoU",
    "mBoundaryIoU": N_("Boundary IoU"),
    "PixelAcc": N_("Pixel accuracy"),
    "mPrecision": N_("Precision"),
    "mRecall": N_("Recall"),
    "mF1_score": "F1",
}
# the three that are averaged over all classes and IoU 0.50 to 0.95, as the table of key metrics has them
THREE = {"precision_all": N_("Precision"), "recall_all": N_("Recall"), "f1_all": "F1"}
# the spokes of Supervisely's radar
_SEVEN = {
    "mAP": "mAP",
    "f1_all": "F1",
    "precision_all": N_("Precision"),
    "recall_all": N_("Recall"),
    "iou": N_("Mean IoU"),
    "classification_accuracy": N_("Classification accuracy"),
    "calibration_score": N_("Calibration score"),
}


def draw_radar(comparison: Comparison, view: View) -> Drawing:
    """Draw Supervisely's seven base metrics around a centre."""
    del view
    known = _known(comparison, _SEVEN)
    notes = _left_out(comparison, [experiment for experiment, _values in known])
    if not known:
        return nothing(notes, ADVICE if comparison.experiments else CHOOSE)
    panel = radar_panel(_("Metric"), tuple(map(_, _SEVEN.values())), known, comparison.decimals)
    if panel is None:
        return Drawing(
            empty=_("Fewer than three of these metrics are known of every experiment. The table has the rest.")
        )
    missing = [name for name in map(_, _SEVEN.values()) if name not in panel.x.categories]
    if missing:
        notes = (
            *notes,
            _("Not known of every experiment, so not drawn: {metrics}.").format(metrics=", ".join(missing)),
        )
    return Drawing(panels=(panel,), notes=notes)


def draw_key_metrics(comparison: Comparison, view: View, names: Mapping[str, str] = _NAMES) -> Drawing:
    """Draw metrics as bars; ``names`` are Supervisely's → what they are called."""
    del view
    known = _known(comparison, names)
    missing = _left_out(comparison, [experiment for experiment, _values in known])
    if not known:
        return nothing(missing, ADVICE if comparison.experiments else CHOOSE)
    bars = [
        metric_bars(experiment, values, _queries(experiment, names), comparison.decimals)
        for experiment, values in known
    ]
    categories = tuple(map(_, names.values()))
    panel = Panel(
        title="",
        x=Axis(title=_("Metric"), categories=categories),
        y=Axis(title=_("Value, 0 to 1"), low=0, high=1, decimals=comparison.decimals),
        marks=tuple(bars),
        alt=in_words([experiment.label for experiment, _values in known], categories, bars),
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
        "precision_all": (N_("Everything reported by “{name}”"), REPORTED),
        "recall_all": (N_("All objects with “{name}”"), PRESENT),
        "iou": (N_("Found by “{name}”"), (Outcome.FOUND,)),
    }
    words = [regression.get(key, (N_("All outcomes of “{name}”"), ())) for key in names]
    return [
        ImageQuery(title=_(start).format(name=experiment.label), experiment=experiment.key, outcomes=outcomes)
        for start, outcomes in words
    ]


def _left_out(comparison: Comparison, drawn: list[ComparedExperiment]) -> tuple[str, ...]:
    labels = tuple(quoted(experiment.label) for experiment in drawn)
    return tuple(note for note in without_evaluation(comparison) if not note.startswith(labels))


# Precision over recall: the mean of the classes, and each class.

_MOST_PANELS = 12  # classes with a panel of their own; the choice of a class above shows the others


def draw_pr_curves(comparison: Comparison, view: View) -> Drawing:
    """Draw the mean curve, or the one of the chosen class."""
    if not comparison.evaluated:
        return no_evaluation(comparison)
    panel = _panel(comparison, view.class_name)
    if panel is None:
        return Drawing(
            empty=_("No experiment has objects of the class “{name}”. Choose another class.").format(
                name=view.class_name
            )
        )
    return Drawing(panels=(panel,), notes=without_evaluation(comparison))


@of_evaluations
def draw_pr_by_class(comparison: Comparison) -> Drawing:
    """Draw one panel for each class."""
    names = chosen_classes(comparison, lambda c: c.ap, _MOST_PANELS)
    panels = tuple(panel for name in names if (panel := _panel(comparison, name)) is not None)
    notes = left_out_classes(comparison, names, _("that differ most"))
    return Drawing(panels=panels, notes=tuple(notes))


def _panel(comparison: Comparison, class_name: str | None) -> Panel | None:
    lines = [line for e, evaluation in comparison.evaluated if (line := _line(e, evaluation, class_name)) is not None]
    if not lines:
        return None
    words = []
    for experiment, evaluation in comparison.evaluated:
        values = _column(evaluation, class_name)
        area = None if values is None or np.isnan(values).all() else float(np.nanmean(values))
        words.append(f"{experiment.label} {metric(area, comparison.decimals)}")
    return Panel(
        title=class_name or "",
        x=Axis(title=_("Recall"), low=0, high=1, decimals=2),
        y=Axis(title=_("Precision"), low=0, high=1, decimals=comparison.decimals),
        marks=tuple(lines),
        alt=_("Precision over recall. Area under the curve: {values}").format(values=", ".join(words)),
    )


def _line(experiment: ComparedExperiment, evaluation: Evaluation, class_name: str | None) -> Line | None:
    values = _column(evaluation, class_name)
    if values is None or np.isnan(values).all():
        return None
    recall = tuple(round(float(x), 2) for x in evaluation.pr_curve.recall)  # COCO's 101 points
    precision = tuple(map(finite, values.tolist()))
    thresholds = _confidences_for(evaluation, class_name, recall)
    return Line(
        name=experiment.label,
        x=recall,
        y=precision,
        style=experiment.style,
        queries=tuple(
            _query(experiment, class_name, share, confidence) if value or not math.isnan(confidence) else None
            for share, value, confidence in zip(recall, precision, thresholds, strict=True)
        ),
    )


def _confidences_for(evaluation: Evaluation, class_name: str | None, recall: Sequence[float]) -> list[float]:
    """Return the highest threshold with which each recall, 0 to 1, is reached at IoU 0.50; NaN where none does.

    Without a class the objects of all are counted together; at least one object is found for a recall of 0.
    """
    view, table = evaluation.view, evaluation.table
    right, objects = view.right, ~table.gt_crowd
    if class_name is not None:
        number = evaluation.classes.index(class_name)
        right, objects = right & (table.dt_class == number), objects & (table.gt_class == number)
    scores = -np.sort(-table.dt_score[right])
    # 1e-9: a recall of 0.07 of 100 objects is 7 of them, though 0.07 * 100 is a little more in floating point
    needed = np.maximum(np.ceil(np.asarray(recall) * objects.sum() - 1e-9), 1).astype(np.int64)
    found: list[float] = np.append(scores, np.nan)[np.minimum(needed - 1, scores.size)].tolist()
    return found


def _query(experiment: ComparedExperiment, class_name: str | None, recall: float, confidence: float) -> ImageQuery:
    what = _("all objects") if class_name is None else quoted(class_name)
    title = _("{share} of {what} found: confidence {confidence}, “{name}”")
    if math.isnan(confidence):  # single classes get there, which the mean of the curves is made of
        title, confidence = _("Fewer than {share} of {what} found, whatever the confidence, “{name}”"), 0.0
    return ImageQuery(
        title=title.format(share=percent(recall), what=what, confidence=metric(confidence), name=experiment.label),
        experiment=experiment.key,
        classes=None if class_name is None else CountedAs(class_name=class_name),
        confidence=confidence,
    )


def _column(evaluation: Evaluation, class_name: str | None) -> FloatArray | None:
    if class_name is None:
        return evaluation.pr_curve.precision
    if class_name not in evaluation.classes:
        return None
    return evaluation.pr_curve.per_class[:, evaluation.classes.index(class_name)]
