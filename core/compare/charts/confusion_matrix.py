"""Which class was taken for which."""

import numpy as np

from core.compare.charts.drawing import Axis, Cells, Drawing, Panel, View
from core.compare.charts.evaluated import no_evaluation, without_evaluation
from core.compare.experiment import ComparedExperiment, Comparison
from core.compare.formatting import count
from core.evaluation import Evaluation

MOST_PANELS = 6
NOTHING = "(none)"
MOST_TEXTS = 16


def draw(comparison: Comparison, view: View) -> Drawing:
    """Draw a matrix for each experiment; a cell's shade is its share of the true class."""
    del view
    if not comparison.evaluated:
        return no_evaluation(comparison)
    notes = list(without_evaluation(comparison))
    if len(comparison.evaluated) > MOST_PANELS:
        notes.append(f"The first {MOST_PANELS} of {len(comparison.evaluated)} experiments are drawn.")
    panels = tuple(_panel(experiment, evaluation) for experiment, evaluation in comparison.evaluated[:MOST_PANELS])
    return Drawing(panels=panels, notes=tuple(notes))


def _panel(experiment: ComparedExperiment, evaluation: Evaluation) -> Panel:
    matrix = evaluation.confusion.matrix
    names = (*evaluation.classes, NOTHING)
    totals = matrix.sum(axis=0, keepdims=True)
    shades = np.divide(matrix, totals, out=np.zeros(matrix.shape), where=totals > 0)
    written = len(names) <= MOST_TEXTS
    right = int(np.trace(matrix[:-1, :-1]))
    objects = int(matrix[:, :-1].sum())
    return Panel(
        title=experiment.label,
        x=Axis(title="True class", categories=names),
        y=Axis(title="Predicted class", categories=names),
        marks=(
            Cells(
                shades=tuple(tuple(round(float(v), 3) for v in row) for row in shades),
                texts=tuple(tuple(count(v) if v and written else "" for v in row) for row in matrix.tolist()),
            ),
        ),
        alt=f"Confusion matrix of {experiment.label}: {count(right)} of {count(objects)} objects got their own class.",
        size="square",
    )
