"""The key metrics table: a row for each metric, a column for each experiment, the best marked, deltas to a baseline."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Literal, TypeAlias

from traindash import formatting
from traindash.comparison.experiment import ComparedExperiment, Comparison, Missing
from traindash.comparison.export_scores import RUNTIMES
from traindash.comparison.palette import SeriesStyle
from traindash.comparison.semantic import PIXEL_METRICS, unlike_pixels
from traindash.comparison.setup_differences import project_name, start_of
from traindash.comparison.significance import ON_IMAGES, Significance
from traindash.comparison.speed import NOTICEABLE, SpeedTest
from traindash.evaluation.evaluation import Evaluation
from traindash.evaluation.semantic import SemanticEvaluation
from traindash.formatting import MISSING, count, duration, metric, plural, size
from traindash.language import N_, ngettext
from traindash.language import gettext as _

Trend: TypeAlias = Literal["better", "worse", "same", "unsure", "none"]
Better: TypeAlias = Literal["higher", "lower", "neither"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A number that experiments have."""

    key: str  # supervisely's name where it has one
    title: str  # with its unit
    better: Better  # which direction is good
    meaning: str  # one sentence for people who do not know it
    write: Callable[[float | None], str]  # how its value is written
    write_delta: Callable[[float, float], str]  # how a difference is written, from the new and the old value
    read: Callable[[ComparedExperiment], float | None]  # where it is taken from; `None` where the experiment has none


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One value of the table."""

    value: float | None  # `None` where the experiment has none
    text: str  # as it is shown
    best: bool = False  # it is the best of the row; never set where all are equal as shown, or only one is known
    delta: str = ""  # difference to the baseline as it is shown; empty for the baseline itself and where there is none
    # whether that difference is good; `same` where it is zero as shown, `unsure` where the images at hand cannot tell
    # it from zero
    change: Trend = "none"
    interval: str = ""  # where the difference lies, as the end of a sentence; empty where that is not known
    # the figure is that of the experiment's record, of images that cannot be checked, while others were measured here;
    # so it shows but does not rank
    recorded: bool = False
    note: str = ""  # what limits the figure, e.g. `1 of 3 classes not counted`; empty for most


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRow:
    """A metric of all experiments."""

    metric: Metric
    cells: tuple[Cell, ...]

    @property
    def known(self) -> bool:
        """Whether any experiment has it."""
        return any(cell.value is not None for cell in self.cells)


def key_metric_rows(comparison: Comparison, significance: Significance | None = None) -> tuple[MetricRow, ...]:
    """Return the rows of the metrics that at least one experiment has.

    Without what the images can tell of differences, none is called unsure.
    """
    rows = (metric_row(comparison, metric, significance) for metric in METRICS)
    # Supervisely's own means say something else than ours only where they leave a class out
    return tuple(
        row for row in rows if row.known and (row.metric.key not in _MEANS or any(cell.note for cell in row.cells))
    )


def metric_row(comparison: Comparison, metric: Metric, significance: Significance | None = None) -> MetricRow:
    """Return one row. Arguments as in :func:`key_metric_rows`."""
    metric = _with_decimals(metric, comparison.decimals)
    read = [metric.read(experiment) for experiment in comparison.experiments]
    values = [value if value is not None and math.isfinite(value) else None for value in read]
    ranked = [
        value if (metric.key not in ON_IMAGES or may_stand_beside(comparison, comparison.experiments[i])) else None
        for i, value in enumerate(values)
    ]
    if metric.key in PIXEL_METRICS and unlike_pixels(comparison):
        return MetricRow(metric=metric, cells=tuple(Cell(value=value, text=metric.write(value)) for value in values))
    left_out = [_left_out(experiment, metric.key) for experiment in comparison.experiments]
    # Means over different classes: the one that reports nothing for a hard class has the higher mean
    alike = len({one for one, value in zip(left_out, ranked, strict=True) if value is not None}) <= 1
    best = _best_text(ranked, metric) if alike else None
    cells = []
    for i, value in enumerate(values):
        text = metric.write(value)
        cell = Cell(value=value, text=text, best=ranked[i] is not None and text == best)
        if value is not None and ranked[i] is None:
            cell = replace(cell, recorded=True)
        elif significance is not None and not significance.allows(metric.key):
            cell = replace(cell, best=False)
        elif i != comparison.baseline:
            cell = _beside_baseline(cell, comparison, i, metric, (ranked[comparison.baseline], significance))
        if left_out[i]:
            total = len(comparison.experiments[i].evaluated_classes)
            of = ngettext("{number} of {total} class not counted", "{number} of {total} classes not counted", total)
            cell = replace(cell, note=of.format(number=count(len(left_out[i])), total=count(total)))
        cells.append(cell if alike else replace(cell, change="none"))
    return MetricRow(metric=metric, cells=tuple(cells))


def _beside_baseline(
    cell: Cell, comparison: Comparison, place: int, metric: Metric, known: tuple[float | None, Significance | None]
) -> Cell:
    """Return a cell with its difference to the baseline, whose value and what images can tell are ``known``."""
    base, significance = known
    if cell.value is None or base is None:
        return cell
    keys = (comparison.experiments[comparison.baseline].key, comparison.experiments[place].key)
    interval = significance.interval(*keys, metric.key) if significance else None
    delta = metric.write_delta(cell.value, base)
    change = _change(metric, cell.value, base, delta)
    if interval is not None and not interval.tells_apart and change in {"better", "worse"}:
        change = "unsure"
    words = interval.in_words(comparison.decimals) if interval else ""
    return replace(cell, delta=delta, change=change, interval=words)


def _left_out(experiment: ComparedExperiment, key: str) -> frozenset[str]:
    """Return the classes that are not in a mean of Supervisely's: those for which the model reports nothing at all.

    Precision and F1 need predictions, recall needs objects (``base_metrics`` of the SDK's ``MetricProvider``).
    """
    if key not in _MEANS or not isinstance(experiment.evaluation, Evaluation):
        return frozenset()
    return frozenset(
        one.name
        for one in experiment.evaluation.per_class
        if (key != "recall" and math.isnan(one.precision)) or (key != "precision" and math.isnan(one.recall))
    )


def may_stand_beside(comparison: Comparison, experiment: ComparedExperiment) -> bool:
    """Return whether the quality of an experiment was measured as that of the others.

    One without evaluation files has the metrics of its record only, and nobody can tell on which images. Beside
    others like it they are all there is. A semantic segmentation has figures that no other model has.
    """
    return experiment.is_semantic or isinstance(experiment.evaluation, Evaluation) or not comparison.evaluated


def read_metric(experiment: ComparedExperiment, key: str) -> float | None:
    """Return a metric by its name, Supervisely's or one of ``Evaluation.of_all_classes``.

    It is recomputed where the evaluation is there, else as recorded.
    """
    if isinstance(experiment.evaluation, Evaluation):
        known = experiment.evaluation.key_metrics.as_supervisely() | experiment.evaluation.of_all_classes
        return known.get(key)
    if isinstance(experiment.semantic, SemanticEvaluation) and key in experiment.semantic.figures:
        return experiment.semantic.figures[key]
    # a record has Supervisely's means only
    return experiment.info.evaluation_metrics.get(key.removesuffix("_all")) if experiment.info else None


def _with_decimals(metric: Metric, decimals: int) -> Metric:
    """Return a metric between 0 and 1 as it is written with these decimals; one with a unit stays as it is."""
    if metric.write is not formatting.metric:
        return metric
    return replace(
        metric,
        write=partial(formatting.metric, decimals=decimals),
        write_delta=lambda new, old: formatting.points(new - old, decimals),
    )


def _best_text(values: Sequence[float | None], metric: Metric) -> str | None:
    known = [value for value in values if value is not None]
    texts = {metric.write(value) for value in known}
    if metric.write_delta is formatting.ratio_change and known and _near(min(known), max(known)):
        return None
    if metric.better == "neither" or len(texts) < 2:  # noqa: PLR2004 - a best needs two
        return None
    return metric.write(max(known) if metric.better == "higher" else min(known))


def _change(metric: Metric, value: float, base: float, text: str) -> Trend:
    if not text.startswith(("+", formatting.MINUS)):
        return "same"
    if metric.better == "neither":
        return "none"
    if metric.write_delta is formatting.ratio_change and _near(value, base):
        return "same"
    return "better" if (value > base) == (metric.better == "higher") else "worse"


def _near(first: float, second: float) -> bool:
    """Return whether two quantities differ by less than anybody would choose by: 5 % of the smaller one."""
    return abs(first - second) <= NOTICEABLE * min(abs(first), abs(second))


def _points(new: float, old: float) -> str:
    return formatting.points(new - old)


def _quality(key: str, title: str, meaning: str, better: Better = "higher") -> Metric:
    return Metric(
        key=key,
        title=title,
        better=better,
        meaning=meaning,
        write=formatting.metric,
        write_delta=_points,
        read=lambda experiment: read_metric(experiment, key),
    )


def _latency(experiment: ComparedExperiment) -> float | None:
    row = experiment.speed.row(1) if isinstance(experiment.speed, SpeedTest) else None
    return row.total if row else None


def _throughput(experiment: ComparedExperiment) -> float | None:
    rows = experiment.speed.rows if isinstance(experiment.speed, SpeedTest) else ()
    return max((row.images_per_second for row in rows), default=None)


MAP = _quality(
    "mAP", "mAP", N_("Average precision over classes and IoU 0.50 to 0.95, the usual single number for a detector.")
)
MIOU = _quality(
    "mIoU", "mIoU", N_("Mean IoU over the classes, by pixels: the usual single number for a semantic segmentation.")
)


def _onnx(experiment: ComparedExperiment) -> float | None:
    score = experiment.info.export_scores.get("ONNXRuntime") if experiment.info else None
    return None if score is None else score.score


LATENCY = Metric(
    key="latency",
    title=N_("Latency, batch 1 (ms)"),
    better="lower",
    meaning=N_("Time from image to result when images come one by one."),
    write=formatting.quantity,
    write_delta=formatting.ratio_change,
    read=_latency,
)
_MEANS = frozenset({"f1", "precision", "recall"})  # of Supervisely, over the classes that a model reports
_THEIRS = N_(
    "Supervisely leaves a class out of this mean where a model reports nothing for it, which flatters the model."
)
METRICS: tuple[Metric, ...] = (
    MAP,
    Metric(
        key="box_mAP",
        title=N_("mAP of the boxes"),
        better="higher",
        meaning=N_("For models that draw masks: the mAP of the boxes around them, to set beside detectors."),
        write=formatting.metric,
        write_delta=_points,
        read=lambda experiment: experiment.info.evaluation_metrics.get("box_mAP") if experiment.info else None,
    ),
    MIOU,
    _quality(
        "mBoundaryIoU", N_("Mean boundary IoU"), N_("How well the borders of the classes fit, by pixels along them.")
    ),
    _quality(
        "PixelAcc", N_("Pixel accuracy"), N_("Share of all pixels that got the right class; large classes decide it.")
    ),
    _quality(
        "mPrecision",
        N_("Mean precision of pixels"),
        N_("Share of the predicted pixels that are right, mean of classes."),
    ),
    _quality(
        "mRecall", N_("Mean recall of pixels"), N_("Share of the annotated pixels that are found, mean of classes.")
    ),
    _quality("mF1_score", N_("Mean F1 of pixels"), N_("Balance of precision and recall of pixels, mean of classes.")),
    Metric(
        key="onnx_score",
        title=N_("mAP of the ONNX file"),
        better="neither",  # it is held against its own checkpoint, not against other experiments
        meaning=N_("The exported file, run over validation images: it should equal the checkpoint to half a point."),
        write=formatting.metric,
        write_delta=_points,
        read=_onnx,
    ),
    _quality("AP50", "AP50", N_("Average precision when half of the box has to overlap (IoU 0.50).")),
    _quality("AP75", "AP75", N_("Average precision when the box has to fit well (IoU 0.75).")),
    _quality(
        "f1_all",
        "F1",
        N_(
            "Balance of precision and recall at the confidence that suits each best. "
            "Mean of all classes with objects, IoU 0.50 to 0.95; a class for which nothing is reported counts 0."
        ),
    ),
    _quality(
        "precision_all",
        N_("Precision"),
        N_(
            "Share of the predictions that are right. "
            "Mean of all classes with objects, IoU 0.50 to 0.95; a class for which nothing is reported counts 0."
        ),
    ),
    _quality(
        "recall_all",
        N_("Recall"),
        N_(
            "Share of the objects that are found. "
            "Mean of all classes with objects, IoU 0.50 to 0.95; a class for which nothing is reported counts 0."
        ),
    ),
    _quality("f1", N_("F1 (Supervisely)"), _THEIRS),
    _quality("precision", N_("Precision (Supervisely)"), _THEIRS),
    _quality("recall", N_("Recall (Supervisely)"), _THEIRS),
    _quality("iou", N_("Mean IoU"), N_("How well the boxes of found objects fit.")),
    _quality(
        "classification_accuracy",
        N_("Classification accuracy"),
        N_("Share of the found objects that got the right class."),
    ),
    _quality(
        "calibration_score",
        N_("Calibration score"),
        N_("1 means that confidences are the true share of right predictions."),
    ),
    _quality(
        "f1_optimal_conf",
        N_("F1-optimal confidence"),
        N_(
            "The threshold with the best F1 as Supervisely counts it: the mean of IoU 0.50 to 0.95. The threshold to "
            "set, at IoU 0.50, stands in the verdict."
        ),
        "neither",
    ),
    LATENCY,
    Metric(
        key="throughput",
        title=N_("Best throughput (img/s)"),
        better="higher",
        meaning=N_("Images per second at the batch size that suits the model best."),
        write=formatting.quantity,
        write_delta=formatting.ratio_change,
        read=_throughput,
    ),
    Metric(
        key="checkpoint",
        title=N_("Checkpoint size"),
        better="lower",
        meaning=N_("Size of the best checkpoint's file."),
        write=formatting.size,
        write_delta=formatting.ratio_change,
        read=lambda experiment: experiment.checkpoint_bytes,
    ),
    Metric(
        key="duration",
        title=N_("Training time"),
        better="neither",
        meaning=N_("How long the training took on its agent."),
        write=formatting.duration,
        write_delta=formatting.ratio_change,
        read=lambda experiment: experiment.info.training_duration if experiment.info else None,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The overview of one experiment."""

    label: str
    name: str  # its whole name; empty where the label is all of it
    style: SeriesStyle
    is_baseline: bool  # the others are measured against it
    score: str  # its mAP as it is written
    score_title: str  # what the score is of
    facts: tuple[tuple[str, str], ...]  # name and value, in the order of the card; what is not known is left out


def overview_of(comparison: Comparison) -> tuple[Card, ...]:
    """Return a card for each experiment."""
    several = len(comparison.experiments) > 1
    return tuple(
        Card(
            label=experiment.label,
            name="" if experiment.full_name == experiment.label else experiment.full_name,
            style=experiment.style,
            is_baseline=several and place == comparison.baseline,
            score=metric(read_metric(experiment, _score_of(experiment)), comparison.decimals),
            score_title=_score_title(comparison, experiment),
            facts=tuple((name, text) for name, text in _facts(experiment) if text and text != MISSING),
        )
        for place, experiment in enumerate(comparison.experiments)
    )


def _score_of(experiment: ComparedExperiment) -> str:
    return MIOU.key if experiment.is_semantic else MAP.key


def _score_title(comparison: Comparison, experiment: ComparedExperiment) -> str:
    name = _score_of(experiment)
    if isinstance(experiment.semantic, SemanticEvaluation):
        listed = len(experiment.semantic.images)
        on = ngettext("{metric} on {count} image", "{metric} on {count} images", listed)
        return on.format(metric=name, count=count(listed)) if listed else name
    if not isinstance(experiment.evaluation, Evaluation):
        if read_metric(experiment, name) is None:
            return _("no {metric}: not evaluated").format(metric=name)
        recorded = (
            _("{metric}, as recorded")
            if may_stand_beside(comparison, experiment)
            else _("{metric}, as recorded; not ranked")
        )
        return recorded.format(metric=name)
    number = experiment.evaluation.table.image_count
    if comparison.common:
        on = ngettext("{metric} on {count} common image", "{metric} on {count} common images", number)
    else:
        on = ngettext("{metric} on {count} image", "{metric} on {count} images", number)
    return on.format(metric="mAP", count=count(number))


def _date(text: str) -> str:
    """Write the moment of a record, which is in the time of the machine that made it; any other text as it is."""
    try:
        return formatting.moment(datetime.fromisoformat(text)) if text else ""
    except ValueError:
        return text[:16]


def _facts(experiment: ComparedExperiment) -> tuple[tuple[str, str], ...]:
    info = experiment.info
    evaluated = experiment.evaluation
    known = evaluated if isinstance(evaluated, Evaluation) else experiment.semantic
    classes = "" if isinstance(known, Missing) else plural(len(known.classes), "class", "classes")
    if info is None:
        return ((_("Classes"), classes),)
    sides = _("{train} + {val} images").format(train=count(info.train_size), val=count(info.val_size))
    trained = sides if info.train_size and info.val_size else ""
    number = (info.project_version or {}).get("version")
    version = "" if number is None else _("version {number}").format(number=number)
    checkpoint = f"{info.best_checkpoint}, {size(experiment.checkpoint_bytes)}"
    return (
        (_("Model"), f"{info.model_name} ({info.framework_name})"),
        (_("Started from"), _(start_of(info))),
        (_("Checkpoint"), checkpoint if experiment.checkpoint_bytes is not None else info.best_checkpoint),
        (_("Data"), ", ".join(part for part in (project_name(info), version, trained, classes) if part)),
        (
            _("Trained on"),
            _("{device} in {time}").format(device=info.device, time=duration(info.training_duration))
            if info.device
            else "",
        ),
        *(
            (_("{format} file").format(format=RUNTIMES.get(runtime, runtime)), f"{score.metric} {metric(score.score)}")
            for runtime, score in info.export_scores.items()
        ),
        (_("Date"), _date(info.datetime or "")),
    )
