"""Which class was taken for which."""

import numpy as np

from core.compare.charts.drawing import Axis, Cells, Drawing, Panel, View
from core.compare.charts.evaluated import no_evaluation, without_evaluation
from core.compare.experiment import ComparedExperiment, Comparison
from core.compare.formatting import count
from core.compare.image_query import ImageQuery, Outcome
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
                queries=tuple(
                    tuple(
                        _query(experiment, evaluation.classes, row, column) if value else None
                        for column, value in enumerate(values)
                    )
                    for row, values in enumerate(matrix.tolist())
                ),
            ),
        ),
        alt=f"Confusion matrix of {experiment.label}: {count(right)} of {count(objects)} objects got their own class.",
        size="square",
    )


def _query(experiment: ComparedExperiment, classes: tuple[str, ...], predicted: int, true: int) -> ImageQuery:
    """Return what is behind a cell; the last row and the last column stand for nothing."""
    nothing, where = len(classes), f"“{experiment.label}”"
    if predicted == nothing:
        title = f"Missed “{classes[true]}”, {where}"
        return ImageQuery(title=title, experiment=experiment.key, class_name=classes[true], outcomes=(Outcome.MISSED,))
    if true == nothing:
        title = f"“{classes[predicted]}” reported where there is nothing, {where}"
        return ImageQuery(
            title=title, experiment=experiment.key, class_name=classes[predicted], outcomes=(Outcome.ON_NOTHING,)
        )
    verb = "recognised as" if predicted == true else "taken for"
    return ImageQuery(
        title=f"“{classes[true]}” {verb} “{classes[predicted]}”, {where}",
        experiment=experiment.key,
        class_name=classes[true],
        predicted=classes[predicted],
    )
