"""How well the boxes of found objects fit."""

import math

import numpy as np

from traindash.comparison.charts.drawing import Axis, Drawing, Line, Panel, Table, TableRow, View
from traindash.comparison.charts.evaluated import no_evaluation, without_evaluation
from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.image_query import ImageQuery, Outcome, Span, half_open
from traindash.evaluation import Evaluation
from traindash.evaluation.coco_files import FloatArray
from traindash.formatting import count, metric, percent

_EDGES = np.linspace(0.5, 1.0, 11)
_COLUMNS = ("Mean IoU", "Median IoU", "IoU 0.75 or more", "IoU 0.90 or more", "Found objects")
_MIDDLES = tuple(round(float(low) + 0.025, 3) for low in _EDGES[:-1])


def draw_iou_histogram(comparison: Comparison, view: View) -> Drawing:
    """Draw the share of found objects by IoU, at each model's F1-optimal confidence."""
    del view
    if not comparison.evaluated:
        return no_evaluation(comparison)
    lines, words, rows, notes = [], [], [], list(without_evaluation(comparison))
    for experiment, evaluation in comparison.evaluated:
        overlaps = found_overlaps(evaluation)
        if not overlaps.size:
            notes.append(f"“{experiment.label}” found no object.")
            continue
        shares = np.histogram(np.clip(overlaps, 0.5, 1.0), _EDGES)[0] / overlaps.size
        lines.append(
            Line(
                name=experiment.label,
                x=_MIDDLES,
                y=tuple(round(float(v), 4) for v in shares),
                style=experiment.style,
                points=True,
                queries=tuple(_query(experiment, place) if share else None for place, share in enumerate(shares)),
            )
        )
        words.append(f"{experiment.label} {metric(float(overlaps.mean()), comparison.decimals)}")
        rows.append(_row(experiment, overlaps, comparison.decimals))
    if not lines:
        return Drawing(empty=" ".join(notes))
    panel = Panel(
        title="",
        x=Axis(title="IoU of prediction and object (bins of 0.05)", low=0.5, high=1),
        y=Axis(title="Share of found objects", low=0, decimals=comparison.decimals),
        marks=tuple(lines),
        alt=f"Share of found objects by IoU. Mean IoU: {', '.join(words)}",
    )
    table = Table(title="Fit of what is found", columns=_COLUMNS, rows=tuple(rows))
    return Drawing(panels=(panel,), tables=(table,), notes=tuple(notes))


def _query(experiment: ComparedExperiment, place: int) -> ImageQuery:
    low, high, last = float(_EDGES[place]), float(_EDGES[place + 1]), place == len(_MIDDLES) - 1
    return ImageQuery(
        title=f"Found with an IoU of {low:.2f} to {high:.2f}, “{experiment.label}”",
        experiment=experiment.key,
        outcomes=(Outcome.FOUND,),
        iou=Span(low, math.inf) if last else half_open(low, high),
    )


def _row(experiment: ComparedExperiment, overlaps: FloatArray, decimals: int) -> TableRow:
    good = [float((overlaps >= level).mean()) for level in (0.75, 0.9)]
    mean, median = metric(float(overlaps.mean()), decimals), metric(float(np.median(overlaps)), decimals)
    texts = (mean, median, *map(percent, good), count(overlaps.size))
    return TableRow(name=experiment.label, style=experiment.style, texts=texts)


def found_overlaps(evaluation: Evaluation) -> FloatArray:
    """Return the IoU of every true positive at or above the F1-optimal confidence."""
    table = evaluation.table
    accepted = ~(table.dt_score < evaluation.counts.confidence)
    overlaps: FloatArray = table.dt_iou[0, accepted & (table.dt_gt[0] >= 0) & ~table.dt_ignored[0]]
    return overlaps
