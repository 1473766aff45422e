"""What all models find, miss and report wrongly, and what only one of them does."""

from dataclasses import dataclass

import numpy as np

from traindash.comparison.charts.drawing import Axis, Bars, Drawing, Panel, View
from traindash.comparison.charts.evaluated import count_bars, in_words, no_evaluation, without_evaluation
from traindash.comparison.charts.outcome_counts import KINDS
from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.image_query import Agreement, ImageQuery
from traindash.errors import InputError
from traindash.evaluation import Evaluation
from traindash.evaluation.coco_files import BoolArray, IntArray
from traindash.evaluation.flow import aligned_objects, unshared_alarms
from traindash.formatting import count

_FEWEST = 2
_OUTCOMES = tuple(KINDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Outcomes of N models on the same objects; the order of the counts is that of ``_OUTCOMES``.

    Attributes:
        common: Found by all, missed by all, wrongly reported by all.
        unique: For each model what only it finds, misses and wrongly reports.
    """

    common: tuple[int, int, int]
    unique: tuple[tuple[int, int, int], ...]


def shared_outcomes(evaluations: list[Evaluation]) -> Shared:
    """Count common and unique outcomes, each model at its own confidence threshold.

    Two false alarms are the same from IoU 0.75 on, within an image and a class.

    Raises:
        InputError: Images, classes or annotations are not the same.
    """
    found = _found(evaluations)
    finders = found.sum(axis=0)
    alone = [_alarms_alone(evaluations, place) for place in range(len(evaluations))]
    return Shared(
        common=(
            int((finders == len(evaluations)).sum()),
            int((finders == 0).sum()),
            _common_alarms(evaluations),
        ),
        unique=tuple(
            (int((one & (finders == 1)).sum()), int((~one & (finders == len(evaluations) - 1)).sum()), alone[i])
            for i, one in enumerate(found)
        ),
    )


def draw_outcome_differences(comparison: Comparison, view: View) -> Drawing:
    """Draw common and unique outcomes."""
    del view
    if not comparison.evaluated:
        return no_evaluation(comparison)
    if len(comparison.evaluated) < _FEWEST:
        alone = comparison.evaluated[0][0].label
        return Drawing(empty=f"Only “{alone}” has an evaluation. Choose another experiment that has one.")
    experiments = [experiment for experiment, _ in comparison.evaluated]
    try:
        shared = shared_outcomes([evaluation for _, evaluation in comparison.evaluated])
    except InputError as error:
        return Drawing(empty=f"Objects cannot be compared one by one: {error}")
    return Drawing(panels=(_panel(experiments, shared),), notes=without_evaluation(comparison))


def _panel(experiments: list[ComparedExperiment], shared: Shared) -> Panel:
    several = "all" if len(experiments) > _FEWEST else "both"
    common = Bars(
        name=f"Common to {several}",
        values=shared.common,
        texts=tuple(map(count, shared.common)),
        style=None,
        queries=_queries(experiments[0], f"common to {several}", Agreement.TOGETHER),
    )
    unique = [
        count_bars(experiment, values, _queries(experiment, f"only “{experiment.label}”", Agreement.ALONE))
        for experiment, values in zip(experiments, shared.unique, strict=True)
    ]
    names = [f"Common to {several}", *(f"Only {experiment.label}" for experiment in experiments)]
    return Panel(
        title="",
        x=Axis(title="Outcome at IoU 0.50; false alarms are the same from IoU 0.75 on", categories=_OUTCOMES),
        y=Axis(title="Objects or predictions", low=0, decimals=None, whole=True),
        marks=(common, *unique),
        alt=in_words(names, _OUTCOMES, [common, *unique]),
    )


def _queries(experiment: ComparedExperiment, whose: str, agreement: Agreement) -> tuple[ImageQuery, ...]:
    """Return what is behind the bars; what all have in common is shown by the entries of one of them."""
    return tuple(
        ImageQuery(title=f"{name}, {whose}", experiment=experiment.key, outcomes=(outcome,), agreement=agreement)
        for name, outcome in KINDS.items()
    )


def _found(evaluations: list[Evaluation]) -> BoolArray:
    """Return (N, G) whether each model finds each countable object of the first one."""
    first = evaluations[0]
    countable = ~first.table.gt_crowd
    rows = [evaluation.view.found(evaluation.confidence) for evaluation in evaluations]
    placed = [rows[0], *(row[aligned_objects(first, one)] for row, one in zip(rows[1:], evaluations[1:], strict=True))]
    return np.stack(placed)[:, countable]


def _alarms(evaluation: Evaluation) -> IntArray:
    return np.flatnonzero(evaluation.view.accepted(evaluation.confidence) & ~evaluation.view.right)


def _alarms_alone(evaluations: list[Evaluation], place: int) -> int:
    """Return how many false alarms of one model no other has."""
    alone = _alarms(evaluations[place])
    for other, evaluation in enumerate(evaluations):
        if other != place:
            alone = np.intersect1d(alone, unshared_alarms(evaluations[place], evaluation)[0].dt, assume_unique=True)
    return int(alone.size)


def _common_alarms(evaluations: list[Evaluation]) -> int:
    """Return how many false alarms of the first model every other has too."""
    common = _alarms(evaluations[0])
    for evaluation in evaluations[1:]:
        common = np.setdiff1d(common, unshared_alarms(evaluations[0], evaluation)[0].dt, assume_unique=True)
    return int(common.size)
