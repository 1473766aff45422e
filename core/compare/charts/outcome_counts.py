"""How many objects were found, missed, and how many false alarms there were."""

from core.compare.charts.drawing import Axis, Bars, Drawing, Panel, View
from core.compare.charts.evaluated import in_words, no_evaluation, without_evaluation
from core.compare.experiment import Comparison
from core.compare.formatting import count

OUTCOMES = ("Found (TP)", "Missed (FN)", "False alarms (FP)")


def draw(comparison: Comparison, view: View) -> Drawing:
    """Draw the counts at IoU 0.50 and each model's F1-optimal confidence."""
    del view
    if not comparison.evaluated:
        return no_evaluation(comparison)
    bars = []
    for experiment, evaluation in comparison.evaluated:
        counts = evaluation.counts
        values = (counts.true_positives, counts.false_negatives, counts.false_positives)
        bars.append(Bars(name=experiment.label, values=values, texts=tuple(map(count, values)), style=experiment.style))
    panel = Panel(
        title="",
        x=Axis(title="Outcome at IoU 0.50 and F1-optimal confidence", categories=OUTCOMES),
        y=Axis(title="Objects or predictions", low=0, decimals=None, whole=True),
        marks=tuple(bars),
        alt=in_words([e.label for e, _ in comparison.evaluated], OUTCOMES, bars),
    )
    return Drawing(panels=(panel,), notes=without_evaluation(comparison))
