"""Hyperparameters against mAP, a vertical axis for each and a line for each experiment: parallel coordinates.

Drawn by plotly, whose axes can be brushed and moved; ECharts' cannot be moved. The figure is plain JSON, so nothing
here imports plotly; Streamlit hands it to the browser's half.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from traindash.comparison.certainty import Significance
from traindash.comparison.experiment import ComparedExperiment, Comparison, Missing
from traindash.comparison.palette import Theme
from traindash.comparison.rows import may_stand_beside, read_metric
from traindash.comparison.setup_differences import ABSENT, FIRST, SettingRow, compare_settings
from traindash.formatting import count, metric

_FEWEST = 3
"""With two experiments the table of differences says the same."""

_MOST_AXES = 9
_SCORE = "mAP"
_LONGEST = 26
_MOST_TICKS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelAxis:
    """One axis.

    Attributes:
        title: Of the hyperparameter.
        values: One position for each experiment.
        words: What stands at the positions 0, 1, 2, …; empty for numbers.
    """

    title: str
    values: tuple[float, ...]
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel:
    """What is drawn, or why nothing is.

    Attributes:
        experiments: One for each line.
        axes: Names first, mAP last.
        empty: Why there is nothing to draw.
        note: What is left out.
    """

    experiments: tuple[ComparedExperiment, ...] = ()
    axes: tuple[ParallelAxis, ...] = ()
    empty: str = ""
    note: str = ""


def parallel(comparison: Comparison, significance: Significance) -> Parallel:
    """Return the axes of the hyperparameters that differ."""
    if not significance.allows("mAP"):
        return Parallel(empty="These experiments were not measured alike, so their mAP cannot share an axis.")
    known = [(e, score) for e in comparison.experiments if (score := _score(comparison, e)) is not None]
    known.sort(key=lambda pair: pair[1])  # the names then stand as high as their scores, and lines cross less
    if len(known) < _FEWEST:
        return Parallel(empty=f"Three experiments with hyperparameters and a mAP are needed; here are {len(known)}.")
    rows = _differing([experiment for experiment, _ in known])
    if not rows:
        return Parallel(empty="All hyperparameters are the same. Change one and train again to see what it does.")
    names = tuple(_short(experiment.label) for experiment, _ in known)
    axes = (
        ParallelAxis(title="Experiment", values=tuple(map(float, range(len(names)))), words=names),
        *(_axis(row) for row in rows[:_MOST_AXES]),
        ParallelAxis(title=_SCORE, values=tuple(score for _, score in known)),
    )
    note = "" if len(rows) <= _MOST_AXES else f"The first {_MOST_AXES} of {count(len(rows))} differences have an axis."
    return Parallel(experiments=tuple(experiment for experiment, _ in known), axes=axes, note=note)


def parallel_figure(drawn: Parallel, theme: Theme) -> dict[str, Any]:
    """Return plotly's figure as JSON; names are escaped, for plotly reads tags in them."""
    last = max(1, len(drawn.experiments) - 1)
    colors = [[place / last, experiment.style.hex(theme)] for place, experiment in enumerate(drawn.experiments)]
    return {
        "data": [
            {
                "type": "parcoords",
                "line": {"color": list(range(len(drawn.experiments))), "colorscale": colors, "cmin": 0, "cmax": last},
                "dimensions": [_dimension(axis) for axis in drawn.axes],
                "rangefont": {"size": 1, "color": "rgba(0,0,0,0)"},
            }
        ],
        "layout": {"height": 440, "margin": {"l": 160, "r": 40, "t": 48, "b": 24}, "font": {"size": 12}},
    }


def parallel_in_words(drawn: Parallel) -> str:
    """Return the content for people who do not see it."""
    scores = drawn.axes[-1].values
    return "; ".join(f"{e.label}: mAP {metric(score)}" for e, score in zip(drawn.experiments, scores, strict=True))


def _dimension(axis: ParallelAxis) -> dict[str, Any]:
    result: dict[str, Any] = {"label": escape(axis.title), "values": list(axis.values)}
    if axis.words:
        result["tickvals"] = list(range(len(axis.words)))
        result["ticktext"] = [escape(word) for word in axis.words]
    elif len(distinct := sorted(set(axis.values))) <= _MOST_TICKS:
        result["tickvals"] = distinct
        result["ticktext"] = [metric(value) if axis.title == _SCORE else f"{value:g}" for value in distinct]
    return result


def _score(comparison: Comparison, experiment: ComparedExperiment) -> float | None:
    if isinstance(experiment.hyperparameters, Missing) or not may_stand_beside(comparison, experiment):
        return None
    value = read_metric(experiment, "mAP")
    return value if value is not None and math.isfinite(value) else None


def _differing(experiments: Sequence[ComparedExperiment]) -> list[SettingRow]:
    known = [None if isinstance(e.hyperparameters, Missing) else e.hyperparameters for e in experiments]
    rows = [row for row in compare_settings(known) if row.differs]
    return sorted(rows, key=lambda row: FIRST.index(row.path) if row.path in FIRST else len(FIRST))


def _axis(row: SettingRow) -> ParallelAxis:
    numbers = [_number(value) for value in row.values]
    if None not in numbers:
        return ParallelAxis(title=_short(row.path), values=tuple(number for number in numbers if number is not None))
    words = tuple(dict.fromkeys(row.texts))
    return ParallelAxis(
        title=_short(row.path),
        values=tuple(float(words.index(text)) for text in row.texts),
        words=tuple(map(_short, words)),
    )


def _number(value: object) -> float | None:
    if value is ABSENT or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
