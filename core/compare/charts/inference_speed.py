"""Time and throughput over the batch size."""

from collections.abc import Callable

from core.compare.charts.drawing import Axis, Bars, Drawing, Line, Panel, View, nothing
from core.compare.charts.evaluated import CHOOSE
from core.compare.experiment import ComparedExperiment, Comparison, explain_missing
from core.compare.formatting import listing, quantity
from core.compare.speed import SpeedRow, SpeedTest

ADVICE = "Switch the speed test on in the benchmark step to measure it."


def draw(comparison: Comparison, view: View) -> Drawing:
    """Draw latency and throughput."""
    del view
    measured = [(e, e.speed) for e in comparison.experiments if isinstance(e.speed, SpeedTest) and e.speed.rows]
    missing = list(explain_missing([(e.label, e.speed) for e in comparison.experiments]))
    missing += [
        f"The speed test of “{e.label}” measured no batch size."
        for e in comparison.experiments
        if isinstance(e.speed, SpeedTest) and not e.speed.rows
    ]
    if not measured:
        return nothing(missing, ADVICE if comparison.experiments else CHOOSE)
    sizes = sorted({row.batch_size for _, test in measured for row in test.rows})
    machines = sorted({test.machine for _, test in measured})
    if len(machines) > 1:
        missing.append(
            f"The speed tests ran on different machines or runtimes ({listing(machines)}): compare with care."
        )
    panels = (
        _panel("Latency", "Time for one batch (ms)", sizes, measured, lambda row: row.total),
        _panel("Throughput", "Images per second (img/s)", sizes, measured, lambda row: row.images_per_second),
    )
    return Drawing(panels=panels, notes=tuple(missing))


def _panel(
    title: str,
    axis: str,
    sizes: list[int],
    measured: list[tuple[ComparedExperiment, SpeedTest]],
    read: Callable[[SpeedRow], float],
) -> Panel:
    marks: list[Line | Bars] = []
    words = []
    for experiment, test in measured:
        values = [None if (row := test.row(size)) is None else round(read(row), 3) for size in sizes]
        words.append(f"{experiment.label} {', '.join(map(quantity, values))}")
        if len(sizes) == 1:
            texts = tuple(map(quantity, values))
            marks.append(Bars(name=experiment.label, values=tuple(values), texts=texts, style=experiment.style))
        else:
            x = tuple(float(i) for i in range(len(sizes)))
            marks.append(Line(name=experiment.label, x=x, y=tuple(values), style=experiment.style, points=True))
    return Panel(
        title=title,
        x=Axis(title="Batch size (images)", categories=tuple(map(str, sizes))),
        y=Axis(title=axis, low=0, decimals=1),
        marks=tuple(marks),
        alt=f"{axis} for batch sizes {', '.join(map(str, sizes))}: {'; '.join(words)}",
    )
