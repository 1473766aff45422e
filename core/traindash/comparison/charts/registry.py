"""All charts of the comparison in the order of the page. A new chart: a function beside its like and an entry here."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, assert_never

from traindash.comparison.charts.by_class import draw_ap, draw_precision_recall, draw_sizes
from traindash.comparison.charts.confidence import (
    draw_confidence_by_iou,
    draw_confidence_precision_recall,
    draw_confidence_profile,
    draw_confidence_spread,
    draw_reliability,
)
from traindash.comparison.charts.confusion import (
    draw_classification,
    draw_confused_pairs,
    draw_confusion,
    draw_confusion_difference,
)
from traindash.comparison.charts.drawing import Drawing, View
from traindash.comparison.charts.inference_speed import draw_inference_speed
from traindash.comparison.charts.key_metrics import (
    PIXELS,
    THREE,
    draw_key_metrics,
    draw_pr_by_class,
    draw_pr_curves,
    draw_radar,
)
from traindash.comparison.charts.outcomes import (
    draw_iou_histogram,
    draw_outcome_differences,
    draw_outcomes,
    draw_outcomes_by_class,
)
from traindash.comparison.charts.semantic import draw_overlap
from traindash.comparison.charts.training import draw_training_curves
from traindash.comparison.experiment import Comparison
from traindash.language import N_


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart that can be drawn for any comparison."""

    key: str  # stable name; used in links
    section: str  # part of the page it belongs to
    title: str  # what it shows, as a message like the other texts here
    reading: str  # how to read it, one sentence
    draw: Callable[[Comparison, View], Drawing]  # from zero, one or many experiments with whatever is missing
    narrow: bool = False  # it fits beside another one
    # what models it is of: those that find objects, those that give pixels a class, or all
    models: Literal["objects", "pixels", "all"] = "objects"
    one_at_a_time: str = ""  # what its panels are choices of, where only one is seen at a time; empty for all at once


CHARTS: tuple[Chart, ...] = (
    Chart(
        key="key_metrics",
        section=N_("Key metrics"),
        title=N_("Key metrics"),
        reading=N_("Higher is better in every group."),
        draw=draw_key_metrics,
        narrow=True,
    ),
    Chart(
        key="key_metrics_radar",
        section=N_("Key metrics"),
        title=N_("Strengths at a glance"),
        reading=N_("A line farther out is better; where two lines cross, each model has its strength."),
        draw=draw_radar,
        narrow=True,
    ),
    Chart(
        key="pixel_metrics",
        section=N_("Key metrics"),
        title=N_("Key metrics of pixels"),
        reading=N_("Higher is better in every group."),
        draw=partial(draw_key_metrics, names=PIXELS),
        models="pixels",
    ),
    Chart(
        key="precision_recall_f1",
        section=N_("Quality"),
        title=N_("Precision, recall and F1"),
        reading=N_("How much of what is reported is right, how much is found, and the balance of both."),
        draw=partial(draw_key_metrics, names=THREE),
        narrow=True,
    ),
    Chart(
        key="outcome_counts",
        section=N_("Quality"),
        title=N_("Found, missed and false alarms"),
        reading=N_("More found is better; fewer missed and fewer false alarms are better."),
        draw=draw_outcomes,
        narrow=True,
    ),
    Chart(
        key="outcome_differences",
        section=N_("Quality"),
        title=N_("What only one model does"),
        reading=N_("Grey is common to all; the colours are what only that model finds, misses or wrongly reports."),
        draw=draw_outcome_differences,
    ),
    Chart(
        key="pr_curves",
        section=N_("Quality"),
        title=N_("Precision over recall"),
        reading=N_("The closer to the top right corner, the better."),
        draw=draw_pr_curves,
    ),
    Chart(
        key="ap_by_class",
        section=N_("By class"),
        title=N_("Average precision of each class"),
        reading=N_("Shows which objects each model is good at."),
        draw=draw_ap,
    ),
    Chart(
        key="iou_by_class",
        section=N_("By class"),
        title=N_("IoU of each class"),
        reading=N_("Share of the pixels of a class, annotated or predicted, that are both; higher is better."),
        draw=draw_overlap,
        models="pixels",
    ),
    Chart(
        key="prf_by_class",
        section=N_("By class"),
        title=N_("Precision, recall and F1 of each class"),
        reading=N_("At each model's F1-optimal confidence."),
        draw=draw_precision_recall,
        one_at_a_time=N_("Metric"),
    ),
    Chart(
        key="outcomes_by_class",
        section=N_("By class"),
        title=N_("Found, missed and false alarms of each class"),
        reading=N_("Counts depend on how often a class occurs; the shares do not."),
        draw=draw_outcomes_by_class,
        one_at_a_time=N_("Outcome"),
    ),
    Chart(
        key="pr_by_class",
        section=N_("By class"),
        title=N_("Precision over recall of each class"),
        reading=N_("The closer to the top right corner, the better."),
        draw=draw_pr_by_class,
    ),
    Chart(
        key="sizes",
        section=N_("By size"),
        title=N_("Small, medium and large objects"),
        reading=N_("By area, with COCO's borders; a class without objects of a size does not count there."),
        draw=draw_sizes,
    ),
    Chart(
        key="confusion_matrix",
        section=N_("Mistakes"),
        title=N_("Confusion matrix"),
        reading=N_("Columns are true classes; the diagonal is right, “(none)” means missed or false alarm."),
        draw=draw_confusion,
    ),
    Chart(
        key="confusion_difference",
        section=N_("Mistakes"),
        title=N_("Confusion matrix, difference to the baseline"),
        reading=N_("Blue is more than the baseline, orange is fewer: blue is good on the diagonal, orange elsewhere."),
        draw=draw_confusion_difference,
    ),
    Chart(
        key="confused_pairs",
        section=N_("Mistakes"),
        title=N_("Classes taken for each other"),
        reading=N_("Shorter bars are better."),
        draw=draw_confused_pairs,
        one_at_a_time=N_("Measure"),
    ),
    Chart(
        key="classification",
        section=N_("Mistakes"),
        title=N_("Classification accuracy"),
        reading=N_("Share of the objects covered by a prediction that got their own class."),
        draw=draw_classification,
    ),
    Chart(
        key="iou_histogram",
        section=N_("Mistakes"),
        title=N_("How well predictions fit"),
        reading=N_("More on the right is better."),
        draw=draw_iou_histogram,
    ),
    Chart(
        key="confidence_profile",
        section=N_("Confidence"),
        title=N_("F1 over the confidence threshold"),
        reading=N_("The mark is the threshold with the best F1; a flat top forgives a badly chosen threshold."),
        draw=draw_confidence_profile,
    ),
    Chart(
        key="reliability",
        section=N_("Confidence"),
        title=N_("Reliability of the confidence"),
        reading=N_("On the diagonal, a confidence of 0.8 means that 80 % are right; below it, the model is too sure."),
        draw=draw_reliability,
    ),
    Chart(
        key="confidence_precision_recall",
        section=N_("Confidence"),
        title=N_("Precision and recall over the confidence threshold"),
        reading=N_("A higher threshold usually gains precision and costs recall."),
        draw=draw_confidence_precision_recall,
    ),
    Chart(
        key="confidence_by_iou",
        section=N_("Confidence"),
        title=N_("F1 over the confidence threshold at single IoU thresholds"),
        reading=N_("The stricter the overlap that is asked for, the lower F1; the marks are the best thresholds."),
        draw=draw_confidence_by_iou,
    ),
    Chart(
        key="confidence_spread",
        section=N_("Confidence"),
        title=N_("Confidence of right and wrong predictions"),
        reading=N_("The farther apart the two panels peak, the easier it is to set a threshold."),
        draw=draw_confidence_spread,
    ),
    Chart(
        key="inference_speed",
        section=N_("Speed"),
        title=N_("Inference speed"),
        reading=N_("Shorter time and higher throughput are better."),
        draw=draw_inference_speed,
        models="all",
    ),
    Chart(
        key="training_curves",
        section=N_("Training"),
        title=N_("Training curves"),
        reading=N_("The mark is the best point, whose checkpoint is usually the one that is kept."),
        draw=draw_training_curves,
        models="all",
    ),
)


SECTIONS = tuple(dict.fromkeys(item.section for item in CHARTS))  # parts of the page that have charts, in its order
_PER_ROW = 2


def suits(item: Chart, comparison: Comparison) -> bool:
    """Return whether a chart is of the models of a comparison: none of objects where all of them label pixels."""
    pixels = [experiment.is_semantic for experiment in comparison.experiments]
    match item.models:
        case "objects":
            return not (pixels and all(pixels))
        case "pixels":
            return any(pixels)
        case "all":
            return True
    assert_never(item.models)


def rows_of(section: str, comparison: Comparison) -> tuple[tuple[Chart, ...], ...]:
    """Return the charts of a section as they stand beside each other: narrow ones in pairs."""
    rows: list[tuple[Chart, ...]] = []
    for item in (chart for chart in CHARTS if chart.section == section and suits(chart, comparison)):
        if rows and item.narrow and rows[-1][-1].narrow and len(rows[-1]) < _PER_ROW:
            rows[-1] = (*rows[-1], item)
        else:
            rows.append((item,))
    return tuple(rows)


def chart(key: str) -> Chart:
    """Return a chart by its key.

    Raises:
        KeyError: There is none.
    """
    return {item.key: item for item in CHARTS}[key]
