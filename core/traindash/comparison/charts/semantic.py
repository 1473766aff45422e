"""Figures of semantic segmentations: how well each class is told from the others, by its pixels."""

from traindash.comparison.charts.by_class import MOST_CLASSES, most_apart
from traindash.comparison.charts.drawing import (
    ADVICE,
    CHOOSE,
    Axis,
    Drawing,
    Panel,
    View,
    bars_that_fit,
    finite,
    in_words,
    metric_bars,
    nothing,
)
from traindash.comparison.experiment import Comparison, explain_missing
from traindash.formatting import count
from traindash.language import gettext as _
from traindash.language import ngettext


def draw_overlap(comparison: Comparison, view: View) -> Drawing:
    """Draw the IoU of each class; of very many those that differ most."""
    del view
    missing = explain_missing([(e.label, e.semantic) for e in comparison.experiments if e.is_semantic])
    measured = comparison.semantic
    if not measured:
        return nothing(missing, ADVICE if comparison.experiments else CHOOSE)
    values = [{one.name: finite(one.iou) for one in evaluation.classes} for _e, evaluation in measured]
    names = tuple(dict.fromkeys(name for one in values for name in one))
    shown = most_apart(names, values, bars_that_fit(len(measured), MOST_CLASSES))
    bars = [
        metric_bars(experiment, [one.get(name) for name in shown], decimals=comparison.decimals)
        for (experiment, _evaluation), one in zip(measured, values, strict=True)
    ]
    panel = Panel(
        title="",
        x=Axis(title=_("Class"), categories=shown),
        y=Axis(title=_("IoU, 0 to 1"), low=0, high=1, decimals=comparison.decimals),
        marks=tuple(bars),
        alt=in_words([experiment.label for experiment, _evaluation in measured], shown, bars),
    )
    notes = list(missing)
    if len(shown) < len(names):
        drawn = _("{number} of {total} classes are drawn: those {which}.")
        notes.append(drawn.format(number=len(shown), total=count(len(names)), which=_("that differ most")))
    for experiment, evaluation in measured:
        total = len(evaluation.classes)
        if evaluation.counted < total:
            absent = total - evaluation.counted
            uncounted = ngettext(
                "“{name}”: {number} class of {total} is neither annotated nor predicted on these images, and does not "
                "count in the mean.",
                "“{name}”: {number} classes of {total} are neither annotated nor predicted on these images, and do not "
                "count in the mean.",
                absent,
            )
            notes.append(uncounted.format(name=experiment.label, number=count(absent), total=count(total)))
    backgrounds = dict.fromkeys(evaluation.background for _e, evaluation in measured)
    notes += [
        _("“{name}” counts in the mean as any other class.").format(name=name)
        for name in backgrounds
        if name is not None
    ]
    return Drawing(panels=(panel,), notes=tuple(notes))
