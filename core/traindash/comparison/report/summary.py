"""The first page of a report: what to take, how sure that is and how it was measured; it can be handed out alone."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from traindash.comparison.advice import recommend
from traindash.comparison.comparison_basis import CHOSEN_ON_THEM, standing_of
from traindash.comparison.decision import Candidate, Decision
from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.image_set import image_set
from traindash.comparison.palette import SeriesStyle
from traindash.comparison.pictures.crops import Crop, LoadImage, draw_crop
from traindash.comparison.pictures.telling import against_runner_up, telling_objects
from traindash.comparison.rows import read_metric
from traindash.comparison.significance import Significance
from traindash.comparison.verdict import Verdict, ranking
from traindash.domain.experiment import MEAN_IOU
from traindash.evaluation.evaluation import Evaluation
from traindash.formatting import count, listing, metric, percent, plural
from traindash.language import gettext as _
from traindash.language import ngettext

MOST_PICTURES = 3
PICTURE = (420, 280)  # pixels of a picture on which two models differ
_MOST_ROWS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentFigures:
    """The figures of one experiment."""

    name: str
    style: SeriesStyle
    texts: tuple[str, ...]
    best: bool  # it is the one that is recommended


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What stands on the first page beside the chart of quality against time."""

    verdict: Verdict
    heads: tuple[str, ...]  # of the figures
    rows: tuple[ExperimentFigures, ...]
    more: str  # what of the rows is left out; empty for nothing
    pictures: tuple[tuple[Crop, str], ...]  # each with who finds the object, and who does not
    measured: tuple[str, ...]  # how it was measured, in sentences


def summary_of(
    comparison: Comparison, significance: Significance, decision: Decision, load: LoadImage | None
) -> Summary:
    """Return the first page. ``load`` gives the images; without it there are no pictures."""
    several = len(comparison.experiments) > 1
    verdict = recommend(comparison, significance, decision)
    columns = _columns(comparison, decision)
    # what may not be ranked keeps its order
    order = [experiment for experiment, _value in ranking(comparison)] if significance.are_comparable else []
    order += [experiment for experiment in comparison.experiments if experiment not in order]
    order.sort(key=lambda experiment: experiment.key != verdict.winner)  # stable: the recommended one first
    rows = tuple(
        ExperimentFigures(
            name=experiment.label,
            style=experiment.style,
            texts=tuple(read(experiment) for _head, read in columns),
            best=several and experiment.key == verdict.winner,
        )
        for experiment in order[:_MOST_ROWS]
    )
    left = len(order) - len(rows)
    return Summary(
        verdict=verdict,
        heads=tuple(head for head, _read in columns),
        rows=rows,
        more=ngettext("{count} more experiment below.", "{count} more experiments below.", left).format(
            count=count(left)
        )
        if left
        else "",
        pictures=() if load is None else _pictures(comparison, significance, decision, load),
        measured=_measured(comparison, significance, decision),
    )


def _columns(comparison: Comparison, decision: Decision) -> tuple[tuple[str, Callable[[ComparedExperiment], str]], ...]:
    """Return the three figures that say most to somebody who decides, each with its head."""

    def of_record(key: str) -> Callable[[ComparedExperiment], str]:
        return lambda experiment: metric(read_metric(experiment, key), comparison.decimals)

    if comparison.score == MEAN_IOU:
        keys = (("mIoU", MEAN_IOU), (_("Boundary IoU"), "mBoundaryIoU"), (_("Pixel accuracy"), "PixelAcc"))
        return tuple((head, of_record(key)) for head, key in keys)
    known = {one.key: one for one in decision.candidates}

    def of_threshold(read: Callable[[Candidate], float]) -> Callable[[ComparedExperiment], str]:
        def text(experiment: ComparedExperiment) -> str:
            share = read(known[experiment.key]) if experiment.key in known else math.nan
            return percent(share)

        return text

    return (
        ("mAP", of_record("mAP")),
        (_("Objects found"), of_threshold(lambda one: one.point.recall)),
        (_("Reports right"), of_threshold(lambda one: one.point.precision)),
    )


def _pictures(
    comparison: Comparison, significance: Significance, decision: Decision, load: LoadImage
) -> tuple[tuple[Crop, str], ...]:
    against = against_runner_up(comparison, significance, decision)
    if against is None or decision.winner is None:
        return ()
    images = image_set(against)
    told = telling_objects(images, images.keys.index(decision.winner.key), MOST_PICTURES)
    crops = [(draw_crop(one.subject, images, load, PICTURE), one.words) for one in told]
    return tuple((crop, words) for crop, words in crops if crop.has_image)


def _measured(comparison: Comparison, significance: Significance, decision: Decision) -> tuple[str, ...]:
    """Return on what, by which rules and how surely the figures were measured."""
    sentences: list[str] = []
    if len(comparison.experiments) > 1:
        sentences += standing_of(comparison, significance).reasons
    elif comparison.evaluated:
        sentences += [_images(comparison.evaluated[0][1]), _(CHOSEN_ON_THEM)]
    if comparison.score == MEAN_IOU:
        sentences.append(_("mIoU is the mean over the classes of the overlap of annotated and predicted pixels."))
    elif decision.candidates:
        sentences.append(
            _(
                "An object counts as found, and a report as right, where both overlap by half or more (IoU 0.50), at "
                "each model's own confidence threshold. mAP averages the precision of all classes, thresholds and "
                "overlaps from 0.50 to 0.95."
            )
        )
    if machines := sorted({one.contender.machine for one in decision.candidates if one.contender.machine}):
        sentences.append(_("Times are of single images, on {machines}.").format(machines=listing(machines)))
    if decision.leads:
        sentences.append(
            _(
                "How sure it is comes from making the same test again and again with images drawn from these. Another "
                "training of the same models may still turn out otherwise."
            )
        )
    return tuple(sentences)


def _images(evaluation: Evaluation) -> str:
    objects = plural(int(evaluation.table.objects_per_class().sum()), "object", "objects")
    classes = plural(len(evaluation.classes), "class", "classes")
    images = evaluation.table.image_count
    measured = ngettext(
        "Measured on {count} validation image with {objects} of {classes}.",
        "Measured on {count} validation images with {objects} of {classes}.",
        images,
    )
    return measured.format(count=count(images), objects=objects, classes=classes)
