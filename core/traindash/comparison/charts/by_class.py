"""Figures of each class: average precision as bars and as a radar, precision, recall and F1 as bars."""

from collections.abc import Callable, Mapping, Sequence

from traindash.comparison.charts.drawing import (
    Axis,
    Drawing,
    Panel,
    Table,
    TableRow,
    bars_that_fit,
    finite,
    in_words,
    left_out_classes,
    metric_bars,
    of_evaluations,
    radar_panel,
)
from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.image_query import CountedAs, ImageQuery, Outcome
from traindash.evaluation.evaluation import SIZES, Evaluation, SizeSlice
from traindash.evaluation.metrics import ClassMetrics
from traindash.formatting import alternatives, count, metric, size_word
from traindash.language import N_
from traindash.language import gettext as _

MOST_CLASSES = 24  # classes that fit beside each other; with more, those that differ most are drawn
_RADAR_CLASSES = range(5, 13)  # with fewer classes a radar says less than bars, with more it cannot be read

Read = Callable[[ClassMetrics], float]
# what precision and recall are shares of
PRECISION, RECALL = N_("Precision"), N_("Recall")
REPORTED, PRESENT = (Outcome.FOUND, Outcome.FALSE_ALARM), (Outcome.FOUND, Outcome.MISSED)


@of_evaluations
def draw_ap(comparison: Comparison) -> Drawing:
    """Draw the average precision of each class; with 5 to 12 classes as a radar too."""
    drawing = _draw(comparison, (("", _("AP, IoU 0.50 to 0.95"), lambda item: item.ap),))
    if len(comparison.classes) not in _RADAR_CLASSES:
        return drawing
    rows = [
        (experiment, _values(one, comparison.classes, lambda item: item.ap)) for experiment, one in comparison.evaluated
    ]
    radar = radar_panel(_("Class"), comparison.classes, rows, comparison.decimals)
    return Drawing(panels=(*drawing.panels, *([radar] if radar else [])), notes=drawing.notes)


@of_evaluations
def draw_precision_recall(comparison: Comparison) -> Drawing:
    """Draw precision, recall and F1 of each class."""
    return _draw(
        comparison,
        (
            (PRECISION, _(PRECISION), lambda c: c.precision),
            (RECALL, _(RECALL), lambda c: c.recall),
            ("F1", "F1", lambda c: c.f1),
        ),
    )


def _draw(comparison: Comparison, figures: Sequence[tuple[str, str, Read]]) -> Drawing:
    names = chosen_classes(comparison, figures[0][2], bars_that_fit(len(comparison.evaluated), MOST_CLASSES))
    panels = []
    for title, axis, read in figures:
        bars = [
            metric_bars(
                experiment,
                _values(evaluation, names, read),
                _queries(experiment, evaluation, names, title),
                comparison.decimals,
            )
            for experiment, evaluation in comparison.evaluated
        ]
        panels.append(
            Panel(
                title=_(title) if title else "",
                x=Axis(title=_("Class"), categories=names),
                y=Axis(title=axis, low=0, high=1, decimals=comparison.decimals),
                marks=tuple(bars),
                alt=in_words([e.label for e, _one in comparison.evaluated], names, bars),
            )
        )
    notes = left_out_classes(comparison, names, _("that differ most. The table has all"))
    return Drawing(panels=tuple(panels), notes=tuple(notes))


def chosen_classes(comparison: Comparison, read: Read, most: int = MOST_CLASSES) -> tuple[str, ...]:
    """Return the classes to draw, alphabetical: all, or those whose figure differs most between the experiments."""
    values = [
        {item.name: finite(read(item)) for item in evaluation.per_class} for _e, evaluation in comparison.evaluated
    ]
    return most_apart(comparison.classes, values, most)


def most_apart(names: tuple[str, ...], values: Sequence[Mapping[str, float | None]], most: int) -> tuple[str, ...]:
    """Return the names to draw, alphabetical: all, or those whose values (one mapping for each experiment) differ most.

    With a single experiment nothing is apart, and the lowest values are taken: that is where work is waiting.
    """
    if len(names) <= most:
        return names

    def importance(name: str) -> tuple[float, float, str]:
        found = [value for one in values if (value := one.get(name)) is not None]
        spread = max(found) - min(found) if found else 0.0
        return (-spread, min(found, default=1.0), name)

    return tuple(sorted(sorted(names, key=importance)[:most]))


def class_queries(
    experiment: ComparedExperiment,
    evaluation: Evaluation,
    names: Sequence[str],
    what: tuple[str, tuple[Outcome, ...]],
) -> list[ImageQuery | None]:
    """Return what is behind a bar of each class: its title, a message, and which outcomes it has are ``what``."""
    words, outcomes = what
    return [
        ImageQuery(
            title=_(words).format(class_name=name, name=experiment.label),
            experiment=experiment.key,
            classes=CountedAs(class_name=name),
            outcomes=outcomes,
        )
        if name in evaluation.classes
        else None
        for name in names
    ]


def _queries(
    experiment: ComparedExperiment, evaluation: Evaluation, names: Sequence[str], figure: str
) -> list[ImageQuery | None]:
    regression: dict[str, tuple[str, tuple[Outcome, ...]]] = {
        # precision is a share of what is reported, recall of what is there; F1 and AP need both
        PRECISION: (N_("Everything reported as “{class_name}”, “{name}”"), REPORTED),
        RECALL: (N_("All objects of “{class_name}”, “{name}”"), PRESENT),
    }
    every: tuple[str, tuple[Outcome, ...]] = (N_("All outcomes of “{class_name}”, “{name}”"), ())
    return class_queries(experiment, evaluation, names, regression.get(figure, every))


def _values(evaluation: Evaluation, names: Sequence[str], read: Read) -> list[float | None]:
    by_name = {item.name: read(item) for item in evaluation.per_class}
    return [by_name.get(name) for name in names]


# in the order of ``traindash.evaluation.evaluation``; COCO's borders
# short, or they run into each other under the bars
_NAMES = (N_("Small, < 32²"), N_("Medium"), N_("Large, > 96²"))
_SHORT_NAMES = (N_("Small"), N_("Medium"), N_("Large"))


def _ap(one: SizeSlice) -> float:
    return one.ap


def _ar(one: SizeSlice) -> float:
    return one.ar


# title of the panel, the message that titles what is behind its bars, and the outcomes that are behind them
_Figure = tuple[str, str, tuple[Outcome, ...]]


@of_evaluations
def draw_sizes(comparison: Comparison) -> Drawing:
    """Draw average precision and average recall of objects of each size."""
    measured = [experiment.by_size() for experiment, _evaluation in comparison.evaluated]
    panels = (
        _panel(comparison, measured, (_("Average precision"), N_("All outcomes, {size} objects, “{name}”"), ()), _ap),
        _panel(comparison, measured, (_("Average recall"), N_("All {size} objects, “{name}”"), PRESENT), _ar),
    )
    notes = []
    empty = [name for name, *slices in zip(SIZES, *measured, strict=True) if not any(one.objects for one in slices)]
    if empty:
        notes.append(_("No object is {sizes}.").format(sizes=alternatives([size_word(name) for name in empty])))
    return Drawing(panels=panels, tables=(_table(comparison, measured),), notes=tuple(notes))


def _panel(
    comparison: Comparison, measured: list[tuple[SizeSlice, ...]], figure: _Figure, read: Callable[[SizeSlice], float]
) -> Panel:
    title, words, outcomes = figure
    bars = []
    for (experiment, _one), slices in zip(comparison.evaluated, measured, strict=True):
        queries = [
            ImageQuery(
                title=_(words).format(size=size_word(size), name=experiment.label),
                experiment=experiment.key,
                size=size,
                outcomes=outcomes,
            )
            for size in SIZES
        ]
        bars.append(metric_bars(experiment, [read(one) for one in slices], queries, comparison.decimals))
    names = tuple(map(_, _NAMES))
    return Panel(
        title=title,
        x=Axis(title=_("Area of the object in pixels (medium: between)"), categories=names),
        y=Axis(title=_("{figure}, IoU 0.50 to 0.95").format(figure=title), low=0, high=1, decimals=comparison.decimals),
        marks=tuple(bars),
        alt=in_words([e.label for e, _one in comparison.evaluated], names, bars),
    )


def _table(comparison: Comparison, measured: list[tuple[SizeSlice, ...]]) -> Table:
    present = [i for i in range(len(_NAMES)) if any(slices[i].objects for slices in measured)]
    names = [_(_SHORT_NAMES[i]) for i in present]
    columns = [f"{name}: {figure}" for name in names for figure in (_("objects"), "AP", "AP50", "AP75")]
    rows = [
        TableRow(
            name=experiment.label,
            style=experiment.style,
            texts=tuple(
                text
                for one in (slices[i] for i in present)
                for text in (
                    count(one.objects),
                    *(metric(ap, comparison.decimals) for ap in (one.ap, one.ap50, one.ap75)),
                )
            ),
        )
        for (experiment, _one), slices in zip(comparison.evaluated, measured, strict=True)
    ]
    return Table(title=_("Figures by size"), columns=tuple(columns), rows=tuple(rows))
