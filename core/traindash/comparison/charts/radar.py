"""Several figures of each experiment around one centre."""

from collections.abc import Sequence

from traindash.comparison.charts.drawing import Axis, Panel, Radar
from traindash.comparison.charts.evaluated import finite
from traindash.comparison.experiment import ComparedExperiment, Missing
from traindash.comparison.image_query import ImageQuery
from traindash.formatting import metric

_FEWEST_SPOKES = 3

Values = Sequence[float | None]


def radar_panel(
    title: str, spokes: Sequence[str], rows: Sequence[tuple[ComparedExperiment, Values]], decimals: int = 3
) -> Panel | None:
    """Return a radar, or ``None`` where fewer than three spokes are known of every experiment.

    A spoke that one experiment lacks is left out for all: a gap would bend the shape into something that is not there.

    Args:
        title: What the spokes are.
        spokes: Names around the circle.
        rows: One value between 0 and 1 for each spoke.
        decimals: Of the values as they are written.
    """
    columns = [[finite(values[i]) for _, values in rows] for i in range(len(spokes))]
    known = [i for i, column in enumerate(columns) if None not in column]
    if len(known) < _FEWEST_SPOKES or not rows:
        return None
    marks = []
    for place, (experiment, _) in enumerate(rows):
        values = tuple(float(columns[i][place] or 0.0) for i in known)
        texts = tuple(metric(value, decimals) for value in values)
        marks.append(
            Radar(
                name=experiment.label, values=values, texts=texts, style=experiment.style, query=_everything(experiment)
            )
        )
    names = tuple(spokes[i] for i in known)
    words = [f"{mark.name}: {', '.join(map(' '.join, zip(names, mark.texts, strict=True)))}" for mark in marks]
    return Panel(
        title="",
        x=Axis(title=title, categories=names),
        y=Axis(title="Value, 0 to 1", low=0, high=1, decimals=decimals),
        marks=tuple(marks),
        alt="; ".join(words),
    )


def _everything(experiment: ComparedExperiment) -> ImageQuery | None:
    """Return all outcomes of an experiment; nothing where only its record has the figures."""
    if isinstance(experiment.evaluation, Missing):
        return None
    return ImageQuery(title=f"All outcomes of “{experiment.label}”", experiment=experiment.key)
