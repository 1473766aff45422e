"""Losses and metrics over the epochs or iterations of the trainings."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from traindash.comparison.charts.drawing import CHOOSE, Axis, Drawing, Line, Panel, View, finite, nothing
from traindash.comparison.curve_names import CurveMeaning, meaning_of, of_boxes
from traindash.comparison.curves import MOST_POINTS, drawable, smoothed, thinned
from traindash.comparison.experiment import ComparedExperiment, Comparison, explain_missing
from traindash.comparison.palette import Theme
from traindash.comparison.rows import may_stand_beside, read_metric
from traindash.comparison.semantic import PIXEL_METRICS, unlike_pixels
from traindash.comparison.setup_differences import (
    ABSENT,
    SettingRow,
    compare_hyperparameters,
    differ_in_framework,
    in_telling_order,
)
from traindash.comparison.significance import Significance
from traindash.domain.curves import Curve, CurveAxis, TrainingCurves
from traindash.domain.experiment import MEAN_IOU
from traindash.formatting import alternatives, count, listing, metric, quoted, shortest
from traindash.language import N_
from traindash.language import gettext as _

MOST_PANELS = 16
_ADVICE = N_(
    "Curves are read from the files of a training: those of this machine, YOLO's results.csv, or the event files of "
    "TensorBoard."
)
_GROUPS = ("quality", "loss", "rate", "other")
_AXES: dict[CurveAxis, tuple[str, str]] = {
    "epoch": (N_("Epoch"), N_("{figure} over epochs. {values}")),
    "iteration": (N_("Iteration"), N_("{figure} over iterations. {values}")),
    "step": (N_("Step, as the app counts"), N_("{figure} over steps. {values}")),
}
_OVER_TIME = N_("{figure} over time. {values}")
_OVER: dict[CurveAxis, str] = {"epoch": N_("epoch"), "iteration": N_("iteration"), "step": N_("step")}
_BEST: dict[CurveAxis, str] = {
    "epoch": N_("{name} best {value} in epoch {number}"),
    "iteration": N_("{name} best {value} in iteration {number}"),
    "step": N_("{name} best {value} in step {number}"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """One curve of one experiment."""

    experiment: ComparedExperiment
    meaning: CurveMeaning
    curve: Curve


def draw_training_curves(comparison: Comparison, view: View) -> Drawing:
    """Draw a panel for each quantity that at least one experiment reports: figures, losses, the learning rate."""
    trained = [(e, e.training) for e in comparison.experiments if isinstance(e.training, TrainingCurves)]
    notes = list(explain_missing([(e.label, e.training) for e in comparison.experiments]))
    notes += [f"{quoted(e.label)}: {note}" for e, curves in trained for note in curves.notes]
    if not trained:
        return nothing(notes, _ADVICE if comparison.experiments else CHOOSE)
    found = [
        _Drawn(experiment=experiment, meaning=meaning, curve=curve)
        for experiment, curves in trained
        for name, curve in drawable(curves).items()
        if (meaning := meaning_of(name)) is not None
    ]
    if view.time_axis:
        without = listing(_different(quoted(one.experiment.label) for one in found if not one.curve.has_seconds))
        if without:
            no_times = _("{names} left no times, and is drawn over epochs or iterations only.")
            notes.append(no_times.format(names=without))
        found = [one for one in found if one.curve.has_seconds]
    if not found:
        return nothing(notes, N_("No curve has a number that can be drawn."))
    groups = _grouped(found)
    if len(groups) > MOST_PANELS:
        rest = listing(_different(one[0].meaning.title for one in groups[MOST_PANELS:]), limit=6)
        undrawn = _("Not drawn, since a page holds {number} of these charts: {charts}.")
        notes.append(undrawn.format(number=MOST_PANELS, charts=rest))
    if any(one.meaning.of_masks for one in found):
        groups = [[replace(one, meaning=of_boxes(one.meaning)) for one in group] for group in groups]
    panels = tuple(_panel(one, view, comparison.decimals) for one in groups[:MOST_PANELS])
    if any(len(one.curve.steps) > MOST_POINTS for one in found):
        notes.append(_("Long curves are thinned out to {number} points.").format(number=MOST_POINTS))
    return Drawing(panels=panels, notes=tuple(notes))


def _different(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def axis_name(comparison: Comparison) -> str:
    """Return what the curves are drawn over where not over time, e.g. ``Epoch``, ``Epoch or iteration``."""
    trained = (e.training for e in comparison.experiments if isinstance(e.training, TrainingCurves))
    counted = {curve.axis for curves in trained for curve in drawable(curves).values()}
    words = [one for one in _OVER if one in counted] or ["epoch"]
    name = alternatives([_(_OVER[one]) for one in words])
    return name[:1].upper() + name[1:]


def _grouped(found: Sequence[_Drawn]) -> list[list[_Drawn]]:
    """Return what stands in one panel each: the same quantity, counted alike; figures first, then losses."""
    groups: dict[tuple[str, str], list[_Drawn]] = {}
    for one in found:
        groups.setdefault((one.meaning.title, one.curve.axis), []).append(one)
    return sorted(groups.values(), key=lambda group: (_GROUPS.index(group[0].meaning.group), group[0].meaning.order))


def _panel(group: Sequence[_Drawn], view: View, decimals: int) -> Panel:
    meaning, kind = group[0].meaning, group[0].curve.axis
    lines = [_line(one, view, decimals) for one in group]
    bests = [(one, best) for one in group if meaning.bounded and (best := one.curve.best) is not None]
    title, over = _AXES[kind]
    words = [
        _(_BEST[kind]).format(name=one.experiment.label, value=metric(best[1], decimals), number=best[0])
        for one, best in bests
    ]
    return Panel(
        title=meaning.title,
        x=Axis(title=_("Training time (s)"), low=0, decimals=1)
        if view.time_axis
        else Axis(title=_(title), low=None if kind == "step" else 1, decimals=None, whole=True),
        y=Axis(
            title=meaning.quantity,
            low=None if meaning.group == "other" else 0,
            high=1 if meaning.bounded else None,
            decimals=6 if meaning.group == "rate" else decimals,
        ),
        marks=tuple(lines),
        alt=_(_OVER_TIME if view.time_axis else over).format(figure=meaning.title, values="; ".join(words)).strip(),
    )


def _line(one: _Drawn, view: View, decimals: int) -> Line:
    curve, best = one.curve, one.curve.best if one.meaning.bounded else None
    positions = curve.seconds if view.time_axis else tuple(map(float, curve.steps))
    drawn = smoothed(curve.values, view.smoothing) if view.smoothing else curve.values
    at = None if best is None else curve.steps.index(best[0])
    kept = sorted({*thinned(len(positions)), *(() if at is None else (at,))})
    return Line(
        name=one.experiment.label,
        x=tuple(positions[i] for i in kept),
        y=tuple(finite(drawn[i]) for i in kept),
        style=one.experiment.style,
        points=len(kept) == 1,  # a line of one point is invisible
        highlight=None if at is None else kept.index(at),
        highlight_text="" if best is None else metric(best[1], decimals),
    )


# Hyperparameters against mAP, a vertical axis for each and a line for each experiment: parallel coordinates.
#
# Drawn by plotly, whose axes can be brushed and moved; ECharts' cannot be moved. The figure is plain JSON, so nothing
# here imports plotly; Streamlit hands it to the browser's half.
FEWEST_LINES = 3  # with two experiments the table of differences says the same
MOST_AXES = 9
_SCORES = ("mAP", MEAN_IOU)
_LONGEST = 26
_MOST_TICKS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelAxis:
    """One axis."""

    title: str  # of the hyperparameter
    values: tuple[float, ...]  # one position for each experiment
    words: tuple[str, ...] = ()  # what stands at the positions 0, 1, 2, …; empty for numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel:
    """What is drawn, or why nothing is."""

    experiments: tuple[ComparedExperiment, ...] = ()  # one for each line
    axes: tuple[ParallelAxis, ...] = ()  # names first, mAP (or mIoU) last
    empty: str = ""  # why there is nothing to draw
    note: str = ""  # what is left out


def parallel(comparison: Comparison, significance: Significance) -> Parallel:
    """Return the axes of the hyperparameters that differ."""
    name = comparison.score
    if not significance.allows(name) or (name in PIXEL_METRICS and unlike_pixels(comparison)):
        return Parallel(
            empty=_("These experiments were not measured alike, so their {metric} cannot share an axis.").format(
                metric=name
            )
        )
    known = [
        (e, score)
        for e in comparison.experiments
        if e.known_hyperparameters is not None and may_stand_beside(comparison, e)
        if (score := finite(read_metric(e, name))) is not None
    ]
    known.sort(key=lambda pair: pair[1])  # the names then stand as high as their scores, and lines cross less
    if len(known) < FEWEST_LINES:
        return Parallel(
            empty=_("Three experiments with hyperparameters and a {metric} are needed; here are {count}.").format(
                metric=name, count=len(known)
            )
        )
    drawn = [experiment for experiment, _score in known]
    rows = [row for row in compare_hyperparameters(drawn) if row.differs]
    if differ_in_framework(drawn):  # a key that another framework does not have sets nothing apart
        rows = [row for row in rows if ABSENT not in row.values]
    rows = list(in_telling_order(rows, drawn))
    if not rows:
        return Parallel(empty=_("All hyperparameters are the same. Change one and train again to see what it does."))
    names = tuple(_short(experiment.label) for experiment, _score in known)
    axes = (
        ParallelAxis(title=_("Experiment"), values=tuple(map(float, range(len(names)))), words=names),
        *(_axis(row) for row in rows[:MOST_AXES]),
        ParallelAxis(title=name, values=tuple(score for _e, score in known)),
    )
    first = _("The first {number} of {total} differences have an axis.")
    note = "" if len(rows) <= MOST_AXES else first.format(number=MOST_AXES, total=count(len(rows)))
    return Parallel(experiments=tuple(experiment for experiment, _score in known), axes=axes, note=note)


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
    return "; ".join(
        f"{e.label}: {drawn.axes[-1].title} {metric(score)}" for e, score in zip(drawn.experiments, scores, strict=True)
    )


def _dimension(axis: ParallelAxis) -> dict[str, Any]:
    result: dict[str, Any] = {"label": escape(axis.title), "values": list(axis.values)}
    if axis.words:
        result["tickvals"] = list(range(len(axis.words)))
        result["ticktext"] = [escape(word) for word in axis.words]
    elif len(distinct := sorted(set(axis.values))) <= _MOST_TICKS:
        result["tickvals"] = distinct
        result["ticktext"] = [metric(value) if axis.title in _SCORES else shortest(value) for value in distinct]
    return result


def _axis(row: SettingRow) -> ParallelAxis:
    numbers = [
        float(value)
        for value in row.values
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    ]
    if len(numbers) == len(row.values):
        return ParallelAxis(title=_short(row.title), values=tuple(numbers))
    words = tuple(dict.fromkeys(row.texts))
    return ParallelAxis(
        title=_short(row.title),
        values=tuple(float(words.index(text)) for text in row.texts),
        words=tuple(map(_short, words)),
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
