"""Which class was taken for which, and how that differs from the baseline."""

from collections.abc import Mapping, Sequence

import numpy as np

from traindash.comparison.charts.by_class import most_apart
from traindash.comparison.charts.drawing import (
    Axis,
    Cells,
    Drawing,
    Panel,
    bars_that_fit,
    count_bars,
    finite,
    in_words,
    left_out_classes,
    metric_bars,
    of_evaluations,
    share_bars,
    without_evaluation,
)
from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.image_query import CountedAs, Covering, ImageQuery, Outcome, TakenForEachOther
from traindash.evaluation.coco_files import FloatArray
from traindash.evaluation.evaluation import Evaluation
from traindash.evaluation.matching import ratio
from traindash.formatting import count, signed
from traindash.language import N_
from traindash.language import gettext as _

_MOST_PANELS = 6  # matrices below each other; who compares more looks at the difference to one of them
_MOST_CLASSES = 24  # names along an axis of 420 pixels that can still be read
_MOST_TEXTS = 16  # rows whose cells have room for a number; beyond, the tooltip says the share
_NOTHING = N_("(none)")  # row of missed objects, column of false alarms beside all objects
_FEWEST = 2

Evaluated = tuple[ComparedExperiment, Evaluation]


@of_evaluations
def draw_confusion(comparison: Comparison) -> Drawing:
    """Draw a matrix for each experiment; a cell's shade is its share of the true class."""
    names = confused_classes(comparison)
    shown = comparison.evaluated[:_MOST_PANELS]
    panels = tuple(_panel(experiment, evaluation, names) for experiment, evaluation in shown)
    return Drawing(panels=panels, notes=_notes(comparison, names, len(comparison.evaluated)))


@of_evaluations
def draw_confusion_difference(comparison: Comparison) -> Drawing:
    """Draw for each experiment what its matrix has more or less than the one of the baseline."""
    baseline = comparison.experiments[comparison.baseline]
    if not isinstance(baseline.evaluation, Evaluation):
        lacks = _("The baseline “{name}” has no evaluation. Choose another baseline.")
        return Drawing(empty=lacks.format(name=baseline.label))
    if len(comparison.evaluated) < _FEWEST:
        alone = _("Only “{name}” has an evaluation. Choose another experiment that has one.")
        return Drawing(empty=alone.format(name=baseline.label))
    names = confused_classes(comparison)
    others = [(e, evaluation) for e, evaluation in comparison.evaluated if e.key != baseline.key]
    alike = [(e, one) for e, one in others if _alike(one, baseline.evaluation)]
    notes = [
        _(
            "“{name}” was not measured on the same objects as the baseline, so their matrices have no difference."
        ).format(name=e.label)
        for e, one in others
        if not _alike(one, baseline.evaluation)
    ]
    if not alike:
        return Drawing(empty=" ".join(notes))
    before = (baseline, baseline.evaluation)
    panels = tuple(_change(before, pair, names) for pair in alike[:_MOST_PANELS])
    return Drawing(panels=panels, notes=(*_notes(comparison, names, len(alike)), *notes))


def confused_classes(comparison: Comparison, most: int = _MOST_CLASSES) -> tuple[str, ...]:
    """Return the classes to draw in the order of the first evaluation: all, or those with most confusions."""
    order = dict.fromkeys(name for _e, evaluation in comparison.evaluated for name in evaluation.classes)
    if len(order) <= most:
        return tuple(order)
    wrong = dict.fromkeys(order, 0)
    for _e, evaluation in comparison.evaluated:
        named = evaluation.confusion.matrix[:-1, :-1]  # without the row and the column of “none”
        mistakes = named.sum(axis=0) + named.sum(axis=1) - 2 * np.diagonal(named)
        for name, number in zip(evaluation.classes, mistakes.tolist(), strict=True):
            wrong[name] += number
    kept = set(sorted(wrong, key=lambda name: (-wrong[name], name))[:most])
    return tuple(name for name in order if name in kept)


def _notes(comparison: Comparison, names: Sequence[str], panels: int) -> tuple[str, ...]:
    notes = []
    if panels > _MOST_PANELS:
        notes.append(_("The first {number} of {total} are drawn.").format(number=_MOST_PANELS, total=panels))
    return *notes, *left_out_classes(comparison, names, _("with most confusions"))


def _alike(one: Evaluation, other: Evaluation) -> bool:
    """Return whether the matrices count the same objects, as far as their numbers tell."""
    return one.classes == other.classes and np.array_equal(
        one.table.objects_per_class(), other.table.objects_per_class()
    )


def _rows(evaluation: Evaluation, names: Sequence[str]) -> list[int]:
    """Return the rows of the named classes this evaluation has, then the one of "none"."""
    return [*(evaluation.classes.index(name) for name in names if name in evaluation.classes), len(evaluation.classes)]


def _panel(experiment: ComparedExperiment, evaluation: Evaluation, names: Sequence[str]) -> Panel:
    rows = _rows(evaluation, names)
    matrix = evaluation.confusion.matrix
    counts = matrix[np.ix_(rows, rows)]
    totals = matrix.sum(axis=0, keepdims=True)
    shares: FloatArray = np.divide(matrix, totals, out=np.zeros(matrix.shape), where=totals > 0)
    right, objects = int(np.trace(matrix[:-1, :-1])), int(matrix[:, :-1].sum())
    return _matrix(
        experiment.label,
        (*(name for name in names if name in evaluation.classes), _(_NOTHING)),
        Cells(
            shades=_floats(shares[np.ix_(rows, rows)]),
            texts=tuple(
                tuple(count(v) if v and len(rows) <= _MOST_TEXTS else "" for v in row) for row in counts.tolist()
            ),
            queries=_cell_queries(experiment, evaluation, rows),
        ),
        _("Confusion matrix of {name}: {number} of {total} objects got their own class.").format(
            name=experiment.label, number=count(right), total=count(objects)
        ),
    )


def _cell_queries(
    experiment: ComparedExperiment, evaluation: Evaluation, rows: list[int]
) -> tuple[tuple[ImageQuery | None, ...], ...]:
    """Return what is behind the cells of some rows and columns; nothing behind those that count nothing."""
    matrix, classes = evaluation.confusion.matrix, evaluation.classes
    return tuple(
        tuple(_query(experiment, classes, row, column) if matrix[row, column] else None for column in rows)
        for row in rows
    )


def _query(experiment: ComparedExperiment, classes: tuple[str, ...], predicted: int, true: int) -> ImageQuery:
    """Return what is behind a cell; the last row and the last column stand for nothing."""
    nothing, name = len(classes), experiment.label
    if predicted == nothing:
        return ImageQuery(
            title=_("Missed “{class_name}”, “{name}”").format(class_name=classes[true], name=name),
            experiment=experiment.key,
            classes=CountedAs(class_name=classes[true]),
            outcomes=(Outcome.MISSED,),
        )
    if true == nothing:
        return ImageQuery(
            title=_("“{class_name}” reported where there is nothing, “{name}”").format(
                class_name=classes[predicted], name=name
            ),
            experiment=experiment.key,
            classes=CountedAs(class_name=classes[predicted]),
            outcomes=(Outcome.ON_NOTHING,),
        )
    title = (
        _("“{true}” recognised as “{predicted}”, “{name}”")
        if predicted == true
        else _("“{true}” taken for “{predicted}”, “{name}”")
    )
    return ImageQuery(
        title=title.format(true=classes[true], predicted=classes[predicted], name=name),
        experiment=experiment.key,
        classes=Covering(true=classes[true], predicted=classes[predicted]),
    )


def _change(old: Evaluated, new: Evaluated, names: Sequence[str]) -> Panel:
    (baseline, before), (experiment, evaluation) = old, new
    rows = _rows(evaluation, names)
    counts = (evaluation.confusion.matrix - before.confusion.matrix)[np.ix_(rows, rows)]
    # both matrices count the same objects, but the column of “none” has as many as there are false alarms
    totals = np.maximum(evaluation.confusion.matrix.sum(axis=0), before.confusion.matrix.sum(axis=0))[rows]
    shades: FloatArray = counts / np.maximum(totals, 1)
    gained = int(np.trace(evaluation.confusion.matrix[:-1, :-1]) - np.trace(before.confusion.matrix[:-1, :-1]))
    return _matrix(
        experiment.label,
        (*(name for name in names if name in evaluation.classes), _(_NOTHING)),
        Cells(
            shades=_floats(shades),
            texts=tuple(
                tuple(signed(v, 0) if v and len(rows) <= _MOST_TEXTS else "" for v in row) for row in counts.tolist()
            ),
            change=True,
            queries=_cell_queries(experiment, evaluation, rows),
        ),
        _("Change from {baseline} to {name}: {number} objects got their own class.").format(
            baseline=baseline.label, name=experiment.label, number=signed(gained, 0)
        ),
    )


def _floats(values: FloatArray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(round(float(v), 3) for v in row) for row in values)


def _matrix(title: str, names: tuple[str, ...], cells: Cells, alt: str) -> Panel:
    return Panel(
        title=title,
        x=Axis(title=_("True class"), categories=names),
        y=Axis(title=_("Predicted class"), categories=names),
        marks=(cells,),
        alt=alt,
        size="square",
    )


_MOST_PAIRS = 20  # of two experiments; fewer where more bars stand beside each other
_COUNT, _PROBABILITY = N_("Count"), N_("Probability")

Pair = tuple[str, str]


@of_evaluations
def draw_confused_pairs(comparison: Comparison) -> Drawing:
    """Draw the pairs of classes that any of the models confuses most, as counts and as probabilities."""
    notes = []
    known = [_pairs(evaluation) for _e, evaluation in comparison.evaluated]
    # a pair is drawn for all experiments if any of them confuses it often
    pairs = {pair: max(one.get(pair, (0, 0.0))[0] for one in known) for one in known for pair in one}
    if not pairs:
        return Drawing(empty=" ".join([_("No class was taken for another one."), *without_evaluation(comparison)]))
    most = bars_that_fit(len(known), _MOST_PAIRS)
    names = sorted(pairs, key=lambda pair: (-pairs[pair], pair))[:most]
    if len(names) < len(pairs):
        most_frequent = _("The {number} most frequent of {total} pairs are drawn.")
        notes.append(most_frequent.format(number=len(names), total=len(pairs)))
    return Drawing(
        panels=tuple(_confused_pairs_panel(comparison, known, names, what) for what in (_COUNT, _PROBABILITY)),
        notes=tuple(notes),
    )


def _confused_pairs_panel(
    comparison: Comparison, known: Sequence[Mapping[Pair, tuple[int, float]]], names: list[Pair], title: str
) -> Panel:
    bars = []
    for (experiment, _one), found in zip(comparison.evaluated, known, strict=True):
        values = [found.get(pair, (0, 0.0)) for pair in names]
        queries = [
            ImageQuery(
                title=_("“{first}” and “{second}” taken for each other, “{name}”").format(
                    first=first, second=second, name=experiment.label
                ),
                experiment=experiment.key,
                classes=TakenForEachOther(first=first, second=second),
            )
            if (first, second) in found
            else None
            for first, second in names
        ]
        bars.append(
            count_bars(experiment, [value for value, _share in values], queries)
            if title == _COUNT
            else share_bars(experiment, [value for _number, value in values], queries)
        )
    categories = tuple(f"{first} ↔ {second}" for first, second in names)
    y = (
        Axis(title=_("Confused predictions"), low=0, decimals=None, whole=True)
        if title == _COUNT
        else Axis(title=_("Share of the predictions of both classes"), low=0, decimals=comparison.decimals)
    )
    return Panel(
        title=_(title),
        x=Axis(title=_("Pair of classes"), categories=categories),
        y=y,
        marks=tuple(bars),
        alt=f"{_(title)}. {in_words([e.label for e, _one in comparison.evaluated], categories, bars)}",
    )


def _pairs(evaluation: Evaluation) -> dict[Pair, tuple[int, float]]:
    """Return the confused pairs by name; the order of the two does not depend on the order of the classes."""
    names = evaluation.classes  # their order may differ between experiments, so pairs are sorted by name
    found = {}
    for pair in evaluation.confusion.pairs:
        first, second = sorted((names[pair.first], names[pair.second]))
        found[first, second] = (pair.count, pair.probability)
    return found


# Whether found objects got the right name.

_ALL = N_("All classes")


@of_evaluations
def draw_classification(comparison: Comparison) -> Drawing:
    """Draw the share of covered objects that got their own class: of all classes, and of each."""
    shares = [_classification_shares(evaluation) for _e, evaluation in comparison.evaluated]
    names = most_apart(comparison.classes, shares, bars_that_fit(len(shares), _MOST_CLASSES))
    notes = left_out_classes(comparison, names, _("that differ most"))
    categories = (_(_ALL), *names)
    bars = []
    for (experiment, evaluation), by_class in zip(comparison.evaluated, shares, strict=True):
        overall = finite(evaluation.key_metrics.classification_accuracy)
        values = [overall, *(by_class.get(name) for name in names)]
        bars.append(metric_bars(experiment, values, _queries(experiment, values, names), comparison.decimals))
    # an experiment that finds nothing has no accuracy, which is not the same as 0
    if all(value is None for bar in bars for value in bar.values):
        why = _("No experiment covered any object, so none was given a class.")
        return Drawing(empty=" ".join([why, *without_evaluation(comparison), *notes]))
    panel = Panel(
        title="",
        x=Axis(title=_("True class"), categories=categories),
        y=Axis(title=_("Share with the right class"), low=0, high=1, decimals=comparison.decimals),
        marks=tuple(bars),
        alt=in_words([e.label for e, _one in comparison.evaluated], categories, bars),
    )
    return Drawing(panels=(panel,), notes=tuple(notes))


def _queries(
    experiment: ComparedExperiment, values: list[float | None], names: tuple[str, ...]
) -> list[ImageQuery | None]:
    """Return what is behind the bars: the predictions that cover an object, whatever they call it."""
    return [
        None
        if value is None
        else ImageQuery(
            title=(
                _("Predictions on objects, “{name}”") if name is None else _("Predictions on “{class_name}”, “{name}”")
            ).format(class_name=name, name=experiment.label),
            experiment=experiment.key,
            classes=Covering(true=name),
        )
        for value, name in zip(values, (None, *names), strict=True)
    ]


def _classification_shares(evaluation: Evaluation) -> dict[str, float | None]:
    """Return for each class the share of its covered objects that were called by its name."""
    named = evaluation.confusion.matrix[:-1, :-1]
    shares = ratio(np.diagonal(named), named.sum(axis=0))
    return dict(zip(evaluation.classes, map(finite, shares.tolist()), strict=True))
