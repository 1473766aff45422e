"""Small, medium and large objects apart."""

from collections.abc import Callable

from traindash.comparison.charts.by_class import PRESENT
from traindash.comparison.charts.drawing import Axis, Drawing, Panel, Table, TableRow, View
from traindash.comparison.charts.evaluated import in_words, metric_bars, no_evaluation, without_evaluation
from traindash.comparison.experiment import Comparison
from traindash.comparison.image_query import ImageQuery, Outcome
from traindash.evaluation import SizeSlice
from traindash.evaluation.evaluation import SIZES
from traindash.formatting import count, metric

_NAMES = ("Small, below 32² px", "Medium, 32² to 96² px", "Large, above 96² px")
"""In the order of ``traindash.evaluation.evaluation``; COCO's borders."""

_Figure = tuple[str, str, tuple[Outcome, ...]]
"""Title of the panel, how the titles of what is behind its bars begin, and the outcomes that are behind them."""


def draw_sizes(comparison: Comparison, view: View) -> Drawing:
    """Draw average precision and average recall of objects of each size."""
    del view
    if not comparison.evaluated:
        return no_evaluation(comparison)
    measured = [experiment.by_size() for experiment, _ in comparison.evaluated]
    panels = (
        _panel(comparison, measured, ("Average precision", "All outcomes of", ()), lambda one: one.ap),
        _panel(comparison, measured, ("Average recall", "All", PRESENT), lambda one: one.ar),
    )
    notes = list(without_evaluation(comparison))
    empty = [name for name, *slices in zip(_NAMES, *measured, strict=True) if not any(one.objects for one in slices)]
    if empty:
        notes.append(f"No object is {' or '.join(name.split(',')[0].lower() for name in empty)}.")
    return Drawing(panels=panels, tables=(_table(comparison, measured),), notes=tuple(notes))


def _panel(
    comparison: Comparison, measured: list[tuple[SizeSlice, ...]], figure: _Figure, read: Callable[[SizeSlice], float]
) -> Panel:
    title, words, outcomes = figure
    bars = []
    for (experiment, _), slices in zip(comparison.evaluated, measured, strict=True):
        queries = [
            ImageQuery(
                title=f"{words} {size} objects, “{experiment.label}”",
                experiment=experiment.key,
                size=size,
                outcomes=outcomes,
            )
            for size in SIZES
        ]
        bars.append(metric_bars(experiment, [read(one) for one in slices], queries, comparison.decimals))
    return Panel(
        title=title,
        x=Axis(title="Area of the object", categories=_NAMES),
        y=Axis(title=f"{title}, IoU 0.50 to 0.95", low=0, high=1, decimals=comparison.decimals),
        marks=tuple(bars),
        alt=in_words([e.label for e, _ in comparison.evaluated], _NAMES, bars),
    )


def _table(comparison: Comparison, measured: list[tuple[SizeSlice, ...]]) -> Table:
    present = [i for i in range(len(_NAMES)) if any(slices[i].objects for slices in measured)]
    names = [_NAMES[i].split(",", maxsplit=1)[0] for i in present]
    columns = [f"{name}: {figure}" for name in names for figure in ("objects", "AP", "AP50", "AP75")]
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
        for (experiment, _), slices in zip(comparison.evaluated, measured, strict=True)
    ]
    return Table(title="Figures by size", columns=tuple(columns), rows=tuple(rows))
