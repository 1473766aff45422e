"""Whether a confidence of 0.8 means that 80 % are right."""

from traindash.comparison.charts.drawing import Axis, Drawing, Line, Panel, Table, TableRow, View
from traindash.comparison.charts.evaluated import finite, no_evaluation, without_evaluation
from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.image_query import ImageQuery, Span, open_below
from traindash.evaluation.metrics import BIN_EDGES
from traindash.formatting import metric

_COLUMNS = ("Optimal threshold", "Expected error (ECE)", "Largest error (MCE)", "Calibration score")


def draw_reliability(comparison: Comparison, view: View) -> Drawing:
    """Draw the share of right predictions over their confidence; the diagonal is perfect."""
    del view
    if not comparison.evaluated:
        return no_evaluation(comparison)
    lines, words, notes = [], [], list(without_evaluation(comparison))
    for experiment, evaluation in comparison.evaluated:
        bins = evaluation.calibration
        points = [
            (x, y, _query(experiment, place))
            for place, (score, share) in enumerate(zip(bins.mean_score.tolist(), bins.accuracy.tolist(), strict=True))
            if (x := finite(score)) is not None and (y := finite(share)) is not None
        ]
        if not points:
            notes.append(f"“{experiment.label}” predicted nothing.")
            continue
        lines.append(
            Line(
                name=experiment.label,
                x=tuple(round(x, 4) for x, _, _ in points),
                y=tuple(round(y, 4) for _, y, _ in points),
                style=experiment.style,
                points=True,
                queries=tuple(query for _, _, query in points),
            )
        )
        words.append(f"{experiment.label} {metric(bins.expected_error, comparison.decimals)}")
    if not lines:
        return Drawing(empty=" ".join(notes))
    perfect = Line(name="Perfect", x=(0.0, 1.0), y=(0.0, 1.0), style=None)
    panel = Panel(
        title="",
        x=Axis(title="Mean confidence of the predictions", low=0, high=1, decimals=comparison.decimals),
        y=Axis(title="Share of right predictions", low=0, high=1, decimals=comparison.decimals),
        marks=(*lines, perfect),
        alt=f"Reliability diagram. Expected calibration error: {', '.join(words)}",
    )
    return Drawing(panels=(panel,), tables=(_table(comparison),), notes=tuple(notes))


def _query(experiment: ComparedExperiment, place: int) -> ImageQuery:
    low, high = BIN_EDGES[place : place + 2].tolist()
    return ImageQuery(
        title=f"Predictions with a confidence of {low:.1f} to {high:.1f}, “{experiment.label}”",
        experiment=experiment.key,
        confidence=0.0,
        score=open_below(low, high) if place else Span(low, high),
    )


def _table(comparison: Comparison) -> Table:
    rows = []
    for experiment, evaluation in comparison.evaluated:
        bins, best = evaluation.calibration, evaluation.key_metrics.f1_optimal_conf
        figures = (best, bins.expected_error, bins.maximum_error, 1 - bins.expected_error)
        texts = (metric(figure, comparison.decimals) for figure in figures)
        rows.append(TableRow(name=experiment.label, style=experiment.style, texts=tuple(texts)))
    return Table(title="Calibration", columns=_COLUMNS, rows=tuple(rows))
