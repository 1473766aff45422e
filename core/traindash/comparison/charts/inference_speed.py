"""Time and throughput over the batch size."""

from collections.abc import Callable

from traindash.comparison.charts.drawing import CHOOSE, Axis, Bars, Drawing, Line, Panel, Table, TableRow, View, nothing
from traindash.comparison.experiment import ComparedExperiment, Comparison, explain_missing
from traindash.comparison.speed import SpeedRow, SpeedTest
from traindash.formatting import MISSING, listing, quantity
from traindash.language import N_
from traindash.language import gettext as _

_MACHINE = (N_("Model"), N_("Device"), N_("Hardware"), N_("Runtime"))
Measured = tuple[ComparedExperiment, SpeedTest]

_ADVICE = N_(
    "Switch the speed test on in the benchmark step to measure it, or make the report on the server: the platform of"
    " this machine measures it for that."
)


def draw_inference_speed(comparison: Comparison, view: View) -> Drawing:
    """Draw latency and throughput."""
    del view
    measured = [(e, e.speed) for e in comparison.experiments if isinstance(e.speed, SpeedTest) and e.speed.rows]
    missing = list(explain_missing([(e.label, e.speed) for e in comparison.experiments]))
    missing += [
        _("The speed test of “{name}” measured no batch size.").format(name=e.label)
        for e in comparison.experiments
        if isinstance(e.speed, SpeedTest) and not e.speed.rows
    ]
    if not measured:
        return nothing(missing, _ADVICE if comparison.experiments else CHOOSE)
    sizes = sorted({row.batch_size for _e, test in measured for row in test.rows})
    machines = sorted({test.machine for _e, test in measured})
    if len(machines) > 1:  # drawn all the same: people know their machines; nobody is called faster
        missing.append(
            _("The speed tests ran on different machines or runtimes ({machines}): compare with care.").format(
                machines=listing(machines)
            )
        )
    panels = (
        _panel(_("Latency"), _("Time for one batch (ms)"), sizes, measured, lambda row: row.total),
        _panel(_("Throughput"), _("Images per second (img/s)"), sizes, measured, lambda row: row.images_per_second),
    )
    how = dict.fromkeys(test.how for _e, test in measured if test.how)
    return Drawing(panels=panels, tables=_tables(sizes, measured), notes=(*how, *missing))


def _tables(sizes: list[int], measured: list[Measured]) -> tuple[Table, ...]:
    batches = tuple(_("Batch {size}").format(size=size) for size in sizes)
    machines = []
    for e, test in measured:
        texts = (e.info.model_name if e.info else "", test.device, test.hardware, test.runtime)
        machines.append(TableRow(name=e.label, style=e.style, texts=tuple(text or MISSING for text in texts)))

    def rows(write: Callable[[SpeedRow], str]) -> tuple[TableRow, ...]:
        found = ((e, [test.row(size) for size in sizes]) for e, test in measured)
        return tuple(
            TableRow(name=e.label, style=e.style, texts=tuple(MISSING if row is None else write(row) for row in batch))
            for e, batch in found
        )

    return (
        Table(
            title=_("Time for one batch (ms)"),
            columns=batches,
            rows=rows(lambda row: _with_spread(row.total, row.total_std)),
        ),
        Table(
            title=_("Images per second (img/s)"),
            columns=batches,
            rows=rows(lambda row: _with_spread(row.images_per_second, row.images_per_second_std)),
        ),
        Table(title=_("Measured on"), columns=tuple(map(_, _MACHINE)), rows=tuple(machines)),
    )


def _with_spread(value: float, spread: float | None) -> str:
    return quantity(value) if spread is None else f"{quantity(value)} ± {quantity(spread)}"


def _panel(
    title: str,
    axis: str,
    sizes: list[int],
    measured: list[Measured],
    read: Callable[[SpeedRow], float],
) -> Panel:
    marks: list[Line | Bars] = []
    words = []
    for experiment, test in measured:
        values = [None if (row := test.row(size)) is None else round(read(row), 3) for size in sizes]
        words.append(f"{experiment.label} {', '.join(map(quantity, values))}")
        if len(sizes) == 1:  # a line of one point shows nothing
            texts = tuple(map(quantity, values))
            marks.append(Bars(name=experiment.label, values=tuple(values), texts=texts, style=experiment.style))
        else:
            # batch sizes double, so they stand as categories at even distances
            x = tuple(float(i) for i in range(len(sizes)))
            marks.append(Line(name=experiment.label, x=x, y=tuple(values), style=experiment.style, points=True))
    return Panel(
        title=title,
        x=Axis(title=_("Batch size (images)"), categories=tuple(map(str, sizes))),
        y=Axis(title=axis, low=0, decimals=1),
        marks=tuple(marks),
        alt=_("{figure} for batch sizes {sizes}: {values}").format(
            figure=axis, sizes=", ".join(map(str, sizes)), values="; ".join(words)
        ),
    )
