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
from traindash.comparison.charts.pixels import draw_overlap
from traindash.comparison.charts.training import draw_training_curves
from traindash.comparison.experiment import Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart that can be drawn for any comparison."""

    key: str  # stable name; used in links
    section: str  # part of the page it belongs to
    title: str  # what it shows
    reading: str  # how to read it, one sentence
    draw: Callable[[Comparison, View], Drawing]  # from zero, one or many experiments with whatever is missing
    narrow: bool = False  # it fits beside another one
    # what models it is of: those that find objects, those that give pixels a class, or all
    models: Literal["objects", "pixels", "all"] = "objects"
    one_at_a_time: str = ""  # what its panels are choices of, where only one is seen at a time; empty for all at once


CHARTS: tuple[Chart, ...] = (
    Chart(
        key="key_metrics",
        section="Key metrics",
        title="Key metrics",
        reading="Higher is better in every group.",
        draw=draw_key_metrics,
        narrow=True,
    ),
    Chart(
        key="key_metrics_radar",
        section="Key metrics",
        title="Strengths at a glance",
        reading="A line farther out is better; where two lines cross, each model has its strength.",
        draw=draw_radar,
        narrow=True,
    ),
    Chart(
        key="pixel_metrics",
        section="Key metrics",
        title="Key metrics of pixels",
        reading="Higher is better in every group.",
        draw=partial(draw_key_metrics, names=PIXELS),
        models="pixels",
    ),
    Chart(
        key="precision_recall_f1",
        section="Quality",
        title="Precision, recall and F1",
        reading="How much of what is reported is right, how much is found, and the balance of both.",
        draw=partial(draw_key_metrics, names=THREE),
        narrow=True,
    ),
    Chart(
        key="outcome_counts",
        section="Quality",
        title="Found, missed and false alarms",
        reading="More found is better; fewer missed and fewer false alarms are better.",
        draw=draw_outcomes,
        narrow=True,
    ),
    Chart(
        key="outcome_differences",
        section="Quality",
        title="What only one model does",
        reading="Grey is common to all; the colours are what only that model finds, misses or wrongly reports.",
        draw=draw_outcome_differences,
    ),
    Chart(
        key="pr_curves",
        section="Quality",
        title="Precision over recall",
        reading="The closer to the top right corner, the better.",
        draw=draw_pr_curves,
    ),
    Chart(
        key="ap_by_class",
        section="By class",
        title="Average precision of each class",
        reading="Shows which objects each model is good at.",
        draw=draw_ap,
    ),
    Chart(
        key="iou_by_class",
        section="By class",
        title="IoU of each class",
        reading="Share of the pixels of a class, annotated or predicted, that are both; higher is better.",
        draw=draw_overlap,
        models="pixels",
    ),
    Chart(
        key="prf_by_class",
        section="By class",
        title="Precision, recall and F1 of each class",
        reading="At each model's F1-optimal confidence.",
        draw=draw_precision_recall,
        one_at_a_time="Metric",
    ),
    Chart(
        key="outcomes_by_class",
        section="By class",
        title="Found, missed and false alarms of each class",
        reading="Counts depend on how often a class occurs; the shares do not.",
        draw=draw_outcomes_by_class,
        one_at_a_time="Outcome",
    ),
    Chart(
        key="pr_by_class",
        section="By class",
        title="Precision over recall of each class",
        reading="The closer to the top right corner, the better.",
        draw=draw_pr_by_class,
    ),
    Chart(
        key="sizes",
        section="By size",
        title="Small, medium and large objects",
        reading="By area, with COCO's borders; a class without objects of a size does not count there.",
        draw=draw_sizes,
    ),
    Chart(
        key="confusion_matrix",
        section="Mistakes",
        title="Confusion matrix",
        reading="Columns are true classes; the diagonal is right, “(none)” means missed or false alarm.",
        draw=draw_confusion,
    ),
    Chart(
        key="confusion_difference",
        section="Mistakes",
        title="Confusion matrix, difference to the baseline",
        reading="Blue is more than the baseline, orange is fewer: blue is good on the diagonal, orange elsewhere.",
        draw=draw_confusion_difference,
    ),
    Chart(
        key="confused_pairs",
        section="Mistakes",
        title="Classes taken for each other",
        reading="Shorter bars are better.",
        draw=draw_confused_pairs,
        one_at_a_time="Measure",
    ),
    Chart(
        key="classification",
        section="Mistakes",
        title="Classification accuracy",
        reading="Share of the objects covered by a prediction that got their own class.",
        draw=draw_classification,
    ),
    Chart(
        key="iou_histogram",
        section="Mistakes",
        title="How well predictions fit",
        reading="More on the right is better.",
        draw=draw_iou_histogram,
    ),
    Chart(
        key="confidence_profile",
        section="Confidence",
        title="F1 over the confidence threshold",
        reading="The mark is the threshold with the best F1; a flat top forgives a badly chosen threshold.",
        draw=draw_confidence_profile,
    ),
    Chart(
        key="reliability",
        section="Confidence",
        title="Reliability of the confidence",
        reading="On the diagonal, a confidence of 0.8 means that 80 % are right; below it, the model is too sure.",
        draw=draw_reliability,
    ),
    Chart(
        key="confidence_precision_recall",
        section="Confidence",
        title="Precision and recall over the confidence threshold",
        reading="A higher threshold usually gains precision and costs recall.",
        draw=draw_confidence_precision_recall,
    ),
    Chart(
        key="confidence_by_iou",
        section="Confidence",
        title="F1 over the confidence threshold at single IoU thresholds",
        reading="The stricter the overlap that is asked for, the lower F1; the marks are the best thresholds.",
        draw=draw_confidence_by_iou,
    ),
    Chart(
        key="confidence_spread",
        section="Confidence",
        title="Confidence of right and wrong predictions",
        reading="The farther apart the two panels peak, the easier it is to set a threshold.",
        draw=draw_confidence_spread,
    ),
    Chart(
        key="inference_speed",
        section="Speed",
        title="Inference speed",
        reading="Shorter time and higher throughput are better.",
        draw=draw_inference_speed,
        models="all",
    ),
    Chart(
        key="training_curves",
        section="Training",
        title="Training curves",
        reading="The mark is the best point, whose checkpoint is usually the one that is kept.",
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
