"""What becomes of F1 when the confidence threshold moves."""

from core.compare.charts.drawing import Axis, Drawing, Line, Panel, View
from core.compare.charts.evaluated import finite, no_evaluation, without_evaluation
from core.compare.curves import thinned
from core.compare.experiment import ComparedExperiment, Comparison
from core.compare.formatting import metric
from core.compare.image_query import ImageQuery
from core.evaluation import Evaluation


def draw(comparison: Comparison, view: View) -> Drawing:
    """Draw F1 over the threshold, with the best threshold marked."""
    del view
    if not comparison.evaluated:
        return no_evaluation(comparison)
    lines, words, notes = [], [], list(without_evaluation(comparison))
    for experiment, evaluation in comparison.evaluated:
        line = _line(experiment, evaluation)
        if line is None:
            notes.append(f"“{experiment.label}” has no right prediction, so it has no F1 curve.")
            continue
        lines.append(line)
        words.append(f"{experiment.label} is best at {metric(evaluation.profile.f1_optimal_confidence)}")
    if not lines:
        return Drawing(empty=" ".join(notes))
    panel = Panel(
        title="",
        x=Axis(title="Confidence threshold", low=0, high=1),
        y=Axis(title="F1, mean over IoU 0.50 to 0.95", low=0, high=1),
        marks=tuple(lines),
        alt=f"F1 over the confidence threshold. {'; '.join(words)}",
    )
    return Drawing(panels=(panel,), notes=tuple(notes))


def _line(experiment: ComparedExperiment, evaluation: Evaluation) -> Line | None:
    profile = evaluation.profile
    pairs = [
        (float(profile.scores[i]), value)
        for i in reversed(thinned(profile.scores.size))
        if (value := finite(profile.f1[i])) is not None
    ]
    best = profile.f1_optimal_confidence
    if finite(best) is None:
        return None
    top = float(profile.f1[profile.scores == best].max())
    pairs = sorted({*pairs, (float(best), top)})
    at = pairs.index((float(best), top))
    return Line(
        name=experiment.label,
        x=tuple(round(x, 4) for x, _ in pairs),
        y=tuple(y for _, y in pairs),
        style=experiment.style,
        highlight=at,
        highlight_text=metric(best),
        queries=tuple(
            ImageQuery(
                title=f"All outcomes at a confidence of {metric(x)}, “{experiment.label}”",
                experiment=experiment.key,
                confidence=x,
            )
            for x, _ in pairs
        ),
    )
