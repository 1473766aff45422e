"""How many objects were found, missed, and how many false alarms there were."""

from core.compare.charts.drawing import Axis, Bars, Drawing, Panel, View
from core.compare.charts.evaluated import in_words, no_evaluation, without_evaluation
from core.compare.experiment import Comparison
from core.compare.formatting import count
from core.compare.image_query import ImageQuery, Outcome

OUTCOMES = {
    "Found (TP)": Outcome.FOUND,
    "Missed (FN)": Outcome.MISSED,
    "False alarms (FP)": Outcome.FALSE_ALARM,
}


def draw(comparison: Comparison, view: View) -> Drawing:
    """Draw the counts at IoU 0.50 and each model's F1-optimal confidence."""
    del view
    if not comparison.evaluated:
        return no_evaluation(comparison)
    bars = []
    for experiment, evaluation in comparison.evaluated:
        counts = evaluation.counts
        values = (counts.true_positives, counts.false_negatives, counts.false_positives)
        queries = tuple(
            ImageQuery(title=f"{name}, “{experiment.label}”", experiment=experiment.key, outcomes=(outcome,))
            for name, outcome in OUTCOMES.items()
        )
        texts = tuple(map(count, values))
        bars.append(Bars(name=experiment.label, values=values, texts=texts, style=experiment.style, queries=queries))
    panel = Panel(
        title="",
        x=Axis(title="Outcome at IoU 0.50 and F1-optimal confidence", categories=tuple(OUTCOMES)),
        y=Axis(title="Objects or predictions", low=0, decimals=None, whole=True),
        marks=tuple(bars),
        alt=in_words([e.label for e, _ in comparison.evaluated], tuple(OUTCOMES), bars),
    )
    return Drawing(panels=(panel,), notes=without_evaluation(comparison))
