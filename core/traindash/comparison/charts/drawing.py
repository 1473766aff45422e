"""What a chart is, before anything draws it.

A chart module turns a comparison into panels of lines, bars or cells. How they get onto the screen is another matter:
:mod:`traindash.comparison.charts.echarts` draws them on pages, :mod:`traindash.comparison.report` in the one-file
report. So both show
the same numbers, ranges and words.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from traindash.comparison.experiment import ComparedExperiment, Comparison, Missing, explain_missing
from traindash.comparison.image_query import ImageQuery
from traindash.comparison.palette import SeriesStyle
from traindash.formatting import count, metric, percent
from traindash.language import N_, ngettext
from traindash.language import gettext as _


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis of a panel."""

    title: str  # with its unit; what can be read without the text around it
    low: float | None = None  # fixed lower end; `None` follows the data
    high: float | None = None  # fixed upper end
    categories: tuple[str, ...] = ()  # names along the axis; empty for numbers
    decimals: int | None = 3  # of values on this axis when they are pointed at; `None` for whole numbers
    whole: bool = False  # ticks are whole numbers only


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line through points, from left to right."""

    name: str  # in the legend
    x: tuple[float, ...]  # positions; indexes of the categories on a category axis
    y: tuple[float | None, ...]  # as many values; `None` leaves a gap
    style: SeriesStyle | None  # `None` for a quiet reference line (the diagonal of a reliability diagram)
    points: bool = False  # mark every point
    point_size: float = 8.0  # diameter of these marks in pixels
    highlight: int | None = None  # index of one point to mark, with its text
    highlight_text: str = ""  # text at that point
    highlight_align: Literal["left", "center", "right"] = "center"  # which end of the text is above the point
    highlight_below: bool = False  # the text is below the point, because above it would cover another one
    # what is behind each point; `None` for nothing to show, empty where no point can be followed
    queries: tuple[ImageQuery | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Bars, one for each category of the x axis."""

    name: str  # in the legend
    values: tuple[float | None, ...]  # `None` for no bar
    texts: tuple[str, ...]  # the values as they are written
    style: SeriesStyle | None  # look of the experiment; `None` for what belongs to all of them
    # what is behind each bar; `None` for nothing to show, empty where no bar can be followed
    queries: tuple[ImageQuery | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Radar:
    """A closed line around a centre; the x axis' categories, three at least, are its spokes."""

    name: str  # in the legend
    values: tuple[float, ...]  # 0 in the centre to 1 at the rim
    texts: tuple[str, ...]  # the values as they are written
    style: SeriesStyle  # look of the experiment
    query: ImageQuery | None = None  # what is behind the line: a click on it does not tell one spoke from another


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """A matrix; rows belong to the y axis' categories, columns to those of the x axis."""

    # rows of shares of the true class that decide the colour: 0 to 1, for a change −1 to 1
    shades: tuple[tuple[float, ...], ...]
    texts: tuple[tuple[str, ...], ...]  # rows of what is written into the cells
    change: bool = False  # whether this is a difference of two matrices
    # rows of what is behind the cells; `None` for nothing to show, empty where no cell can be followed
    queries: tuple[tuple[ImageQuery | None, ...], ...] = ()


Mark: TypeAlias = Line | Bars | Cells | Radar


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One pair of axes."""

    title: str  # what this panel shows; empty where the chart's title says it all
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]  # what is drawn, in the order of the legend
    alt: str  # the content in words for people who do not see it
    size: Literal["normal", "square"] = "normal"  # `square` for a matrix
    has_legend: bool = True  # whether the panel names its marks itself

    @property
    def leads_to_images(self) -> bool:
        """Whether any bar, cell or point has a query."""
        return any(mark.query is not None if isinstance(mark, Radar) else bool(mark.queries) for mark in self.marks)

    def query(self, mark: int, place: int) -> ImageQuery | None:
        """Return what is behind a bar, cell or point; ``None`` for nothing.

        ``mark`` is the position among the marks; the lines of a radar are drawn as one. ``place`` is the position of
        the bar or point; of cells counted row by row, of a radar the line.
        """
        radars = [one for one in self.marks if isinstance(one, Radar)]
        if radars:
            return radars[place].query if 0 <= place < len(radars) else None
        chosen = self.marks[mark] if 0 <= mark < len(self.marks) else None
        rows = () if chosen is None or isinstance(chosen, Radar) else chosen.queries
        flat = [query for row in rows for query in (row if isinstance(row, tuple) else (row,))]
        return flat[place] if 0 <= place < len(flat) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """What a table says about one experiment."""

    name: str
    style: SeriesStyle
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The figures of a chart in numbers: a row for each experiment."""

    title: str  # what it holds, with the unit where all columns share one
    columns: tuple[str, ...]  # heads of the columns after the experiment's name
    rows: tuple[TableRow, ...]  # each has a text for every column


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A chart of a comparison."""

    panels: tuple[Panel, ...] = ()  # side by side; empty where there is nothing to draw
    tables: tuple[Table, ...] = ()  # the same in numbers, where people want to read them off
    empty: str = ""  # why there is nothing to draw and what to do about it; empty text where there is something
    notes: tuple[str, ...] = ()  # what is left out, and why


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the person chose to see."""

    class_name: str | None = None  # class of the charts that show one at a time; `None` for the mean
    time_axis: bool = False  # training curves over time instead of epochs
    smoothing: float = 0.0  # of training curves, 0 to below 1


def nothing(sentences: Sequence[str], advice: str) -> Drawing:
    """Return a drawing without panels: why (a sentence for each experiment), and what to do (a message)."""
    shown = list(sentences[:3])
    if len(sentences) > len(shown):
        more = len(sentences) - len(shown)
        shown.append(ngettext("{count} more is like that.", "{count} more are like that.", more).format(count=more))
    return Drawing(empty=" ".join([*shown, _(advice)]))


# What most charts begin with: the experiments that have an evaluation, and a word about those that have none.

_GONE = N_("It appears here when its files are back.")
ADVICE = N_("Train with the benchmark switched on to get this chart.")
CHOOSE = N_("Choose finished experiments on the experiments page to see them here.")


def without_evaluation(comparison: Comparison) -> tuple[str, ...]:
    """Return a sentence for each experiment that has no evaluation."""
    return explain_missing([(e.label, e.evaluation) for e in comparison.experiments])


def no_evaluation(comparison: Comparison) -> Drawing:
    """Return the drawing that says why there is no evaluation to draw."""
    if not comparison.experiments:
        return nothing([], CHOOSE)
    lost = any(isinstance(e.evaluation, Missing) and e.evaluation.may_return for e in comparison.experiments)
    return nothing(without_evaluation(comparison), _GONE if lost else ADVICE)


def of_evaluations(draw: Callable[[Comparison], Drawing]) -> Callable[[Comparison, View], Drawing]:
    """Make a chart of one that draws evaluations, at least one: it says whose is missing, and why."""

    def drawn(comparison: Comparison, view: View) -> Drawing:
        del view
        if not comparison.evaluated:
            return no_evaluation(comparison)
        drawing = draw(comparison)
        # what is empty says itself what it lacks
        notes = (*without_evaluation(comparison), *drawing.notes) if drawing.panels else drawing.notes
        return replace(drawing, notes=notes)

    return drawn


Queries = Sequence[ImageQuery | None]


def metric_bars(
    experiment: ComparedExperiment, values: Sequence[float | None], queries: Queries = (), decimals: int = 3
) -> Bars:
    """Return bars of metrics between 0 and 1, with what is behind each of them."""
    clean = tuple(finite(value) for value in values)
    texts = tuple(metric(value, decimals) for value in clean)
    return _bars(experiment, clean, texts, queries)


def finite(value: float | None) -> float | None:
    """Return the value, ``None`` for NaN and infinity."""
    return None if value is None or not math.isfinite(value) else float(value)


def in_words(names: Sequence[str], categories: Sequence[str], bars: Sequence[Bars]) -> str:
    """Return bars as text: ``A: mAP 0.684, F1 0.712; B: …``, the first twelve values of each."""
    parts = []
    for name, series in zip(names, bars, strict=True):
        values = ", ".join(f"{c} {t}" for c, t in list(zip(categories, series.texts, strict=True))[:12])
        parts.append(f"{name}: {values}")
    return "; ".join(parts)


def count_bars(experiment: ComparedExperiment, values: Sequence[int | None], queries: Queries = ()) -> Bars:
    """Return bars of whole numbers."""
    return _bars(experiment, values, tuple(map(count, values)), queries)


def share_bars(experiment: ComparedExperiment, values: Sequence[float | None], queries: Queries = ()) -> Bars:
    """Return bars of shares between 0 and 1, written in percent."""
    clean = tuple(finite(value) for value in values)
    return _bars(experiment, clean, tuple(map(percent, clean)), queries)


def _bars(
    experiment: ComparedExperiment, values: Sequence[float | None], texts: tuple[str, ...], queries: Queries
) -> Bars:
    return Bars(
        name=experiment.label, values=tuple(values), texts=texts, style=experiment.style, queries=tuple(queries)
    )


def left_out_classes(comparison: Comparison, names: Sequence[str], which: str) -> list[str]:
    """Return the note that only some classes are drawn, and which; none where all of them are."""
    total = len(comparison.classes)
    drawn = _("{number} of {total} classes are drawn: those {which}.")
    return [drawn.format(number=len(names), total=total, which=which)] if len(names) < total else []


def bars_that_fit(experiments: int, most: int, room: int = 120) -> int:
    """Return how many groups of bars, one bar for each experiment, are still told apart; six at least."""
    return max(6, min(most, room // max(1, experiments)))


# Several figures of each experiment around one centre.

_FEWEST_SPOKES = 3

Values = Sequence[float | None]


def radar_panel(
    title: str, spokes: Sequence[str], rows: Sequence[tuple[ComparedExperiment, Values]], decimals: int = 3
) -> Panel | None:
    """Return a radar of values from 0 to 1, or ``None`` where fewer than three spokes are known of every experiment.

    A spoke that one experiment lacks is left out for all: a gap would bend the shape into something that is not there.
    """
    columns = [[finite(values[i]) for _e, values in rows] for i in range(len(spokes))]
    known = [i for i, column in enumerate(columns) if None not in column]
    if len(known) < _FEWEST_SPOKES or not rows:
        return None
    marks = []
    for place, (experiment, _values) in enumerate(rows):
        values = tuple(float(columns[i][place] or 0.0) for i in known)
        texts = tuple(metric(value, decimals) for value in values)
        # nothing is behind the figures where only the record has them
        query = None
        if not isinstance(experiment.evaluation, Missing):
            query = ImageQuery(
                title=_("All outcomes of “{name}”").format(name=experiment.label), experiment=experiment.key
            )
        marks.append(Radar(name=experiment.label, values=values, texts=texts, style=experiment.style, query=query))
    names = tuple(spokes[i] for i in known)
    words = [f"{mark.name}: {', '.join(map(' '.join, zip(names, mark.texts, strict=True)))}" for mark in marks]
    return Panel(
        title="",
        x=Axis(title=title, categories=names),
        y=Axis(title=_("Value, 0 to 1"), low=0, high=1, decimals=decimals),
        marks=tuple(marks),
        alt="; ".join(words),
    )
