"""All charts of the comparison, in the order of the page. A new chart is one module and one line here."""

from collections.abc import Callable
from dataclasses import dataclass

from core.compare.charts import (
    by_class,
    confidence_profile,
    confusion_matrix,
    inference_speed,
    iou_histogram,
    key_metrics,
    outcome_counts,
    pr_curves,
    reliability,
    training_curves,
)
from core.compare.charts.drawing import Drawing, View
from core.compare.experiment import Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart that can be drawn for any comparison.

    Attributes:
        key: Stable name; used in links.
        section: Part of the page it belongs to.
        title: What it shows.
        reading: How to read it, one sentence.
        draw: From zero, one or many experiments with whatever is missing.
    """

    key: str
    section: str
    title: str
    reading: str
    draw: Callable[[Comparison, View], Drawing]


CHARTS: tuple[Chart, ...] = (
    Chart(
        key="key_metrics",
        section="Quality",
        title="Key metrics",
        reading="Higher is better in every group.",
        draw=key_metrics.draw,
    ),
    Chart(
        key="precision_recall_f1",
        section="Quality",
        title="Precision, recall and F1",
        reading="How much of what is reported is right, how much is found, and the balance of both.",
        draw=key_metrics.draw_three,
    ),
    Chart(
        key="outcome_counts",
        section="Quality",
        title="Found, missed and false alarms",
        reading="More found is better; fewer missed and fewer false alarms are better.",
        draw=outcome_counts.draw,
    ),
    Chart(
        key="pr_curves",
        section="Quality",
        title="Precision over recall",
        reading="The closer to the top right corner, the better.",
        draw=pr_curves.draw,
    ),
    Chart(
        key="ap_by_class",
        section="By class",
        title="Average precision of each class",
        reading="Shows which objects each model is good at.",
        draw=by_class.draw_ap,
    ),
    Chart(
        key="prf_by_class",
        section="By class",
        title="Precision, recall and F1 of each class",
        reading="At each model's F1-optimal confidence.",
        draw=by_class.draw_precision_recall,
    ),
    Chart(
        key="pr_by_class",
        section="By class",
        title="Precision over recall of each class",
        reading="The closer to the top right corner, the better.",
        draw=pr_curves.draw_by_class,
    ),
    Chart(
        key="confusion_matrix",
        section="Mistakes",
        title="Confusion matrix",
        reading="Columns are true classes; the diagonal is right, “(none)” means missed or false alarm.",
        draw=confusion_matrix.draw,
    ),
    Chart(
        key="iou_histogram",
        section="Mistakes",
        title="How well boxes fit",
        reading="More on the right is better.",
        draw=iou_histogram.draw,
    ),
    Chart(
        key="confidence_profile",
        section="Confidence",
        title="F1 over the confidence threshold",
        reading="The mark is the threshold with the best F1; a flat top forgives a badly chosen threshold.",
        draw=confidence_profile.draw,
    ),
    Chart(
        key="reliability",
        section="Confidence",
        title="Reliability of the confidence",
        reading="On the diagonal, a confidence of 0.8 means that 80 % are right; below it, the model is too sure.",
        draw=reliability.draw,
    ),
    Chart(
        key="inference_speed",
        section="Speed",
        title="Inference speed",
        reading="Shorter time and higher throughput are better.",
        draw=inference_speed.draw,
    ),
    Chart(
        key="training_curves",
        section="Training",
        title="Training curves",
        reading="The mark is the best epoch, whose checkpoint is kept.",
        draw=training_curves.draw,
    ),
)


def chart(key: str) -> Chart:
    """Return a chart by its key.

    Raises:
        KeyError: There is none.
    """
    return {item.key: item for item in CHARTS}[key]
