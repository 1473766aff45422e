"""The first sentences of a comparison, made from the numbers by rules; they never say more than the numbers do."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.rows import may_stand_beside, read_metric
from traindash.comparison.semantic import unlike_pixels
from traindash.comparison.setup_differences import telling_differences
from traindash.comparison.significance import Interval, Significance, significance_of
from traindash.comparison.speed import SpeedTest, times_differ
from traindash.domain.experiment import MEAN_IOU
from traindash.evaluation.comparability import ReasonKind
from traindash.evaluation.evaluation import Evaluation
from traindash.formatting import count, in_points, listing, metric, plural, points, quantity, quoted, size_word
from traindash.language import N_, ngettext
from traindash.language import gettext as _

NOTICEABLE = 0.005  # half a point of average precision; less is not worth a word
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """A class or a size on which one model is behind."""

    name: str  # of the class or size
    gap: float  # difference of average precision, below zero
    certain: bool | None = None  # whether the images tell it from zero; `None` where that is not known


def _class_regressions(
    winner: ComparedExperiment, other: ComparedExperiment, significance: Significance
) -> tuple[Regression, ...] | None:
    """Return the classes on which the winner's average precision is lower, the worst first.

    ``None`` where one of the two has no evaluation.
    """
    if not isinstance(winner.evaluation, Evaluation) or not isinstance(other.evaluation, Evaluation):
        return None
    before = {item.name: item.ap for item in other.evaluation.per_class}
    found = []
    for item in winner.evaluation.per_class:
        if item.name in before and before[item.name] - item.ap >= NOTICEABLE:
            interval = significance.interval(other.key, winner.key, "ap", item.name)
            certain = None if interval is None else interval.tells_apart
            found.append(Regression(name=item.name, gap=item.ap - before[item.name], certain=certain))
    return tuple(sorted(found, key=lambda regression: (regression.gap, regression.name)))


def _size_regressions(winner: ComparedExperiment, other: ComparedExperiment) -> tuple[Regression, ...]:
    """Return the sizes of objects on which the winner's average precision is lower, the worst first."""
    pairs = zip(winner.by_size(), other.by_size(), strict=True)
    found = [
        Regression(name=mine.name, gap=mine.ap - theirs.ap)
        for mine, theirs in pairs
        if theirs.ap - mine.ap >= NOTICEABLE
    ]
    return tuple(sorted(found, key=lambda regression: regression.gap))


def _weak_sides(
    winner: ComparedExperiment, other: ComparedExperiment, significance: Significance, decimals: int
) -> tuple[str, ...]:
    """Return sentences on where the winner is worse than the other one."""
    classes = _class_regressions(winner, other, significance)
    if classes is None:
        return ()
    sizes = _size_regressions(winner, other)
    both = {"winner": winner.label, "other": other.label}
    if not classes and not sizes:
        return (
            _("Against “{other}”, “{winner}” is not clearly behind on any class or size of objects.").format(**both),
        )
    sentences = []
    if classes:
        total = len(winner.evaluation.classes) if isinstance(winner.evaluation, Evaluation) else len(classes)
        names = listing([f"{quoted(b.name)} ({in_points(b.gap, decimals)})" for b in classes], limit=_MOST_NAMED)
        behind = ngettext(
            "Against “{other}”, “{winner}” is behind on {number} of {total} class: {classes}{certain}.",
            "Against “{other}”, “{winner}” is behind on {number} of {total} classes: {classes}{certain}.",
            total,
        )
        numbers = {"number": count(len(classes)), "total": count(total)}
        sentences.append(behind.format(**both, **numbers, classes=names, certain=_certain(classes)))
    if sizes:
        names = listing([f"{size_word(b.name)} ({in_points(b.gap, decimals)})" for b in sizes])
        behind = (
            _("It is behind on {sizes} objects.")
            if classes
            else _("Against “{other}”, “{winner}” is behind on {sizes} objects.")
        )
        sentences.append(behind.format(**both, sizes=names))
    return tuple(sentences)


def _certain(classes: tuple[Regression, ...]) -> str:
    """Return which of them are sure, as the end of a sentence; empty where that is not known."""
    known = [regression for regression in classes if regression.certain is not None]
    if not known:
        return ""
    sure = [quoted(regression.name) for regression in known if regression.certain]
    if not sure:
        return _("; with these images none of that is sure")
    if len(sure) == len(classes):
        return _("; with these images that is sure")
    return _("; only {classes} for sure").format(classes=listing(sure, limit=_MOST_NAMED))


_FEWEST = 2
_MOST_SETTINGS = 3
_OPEN = N_("How sure that is, is still being measured on these images.")
_UNLIKE = N_("These experiments cannot be ranked: they were not measured alike.")
# what speaks against a ranking, the most telling first → the headline
_WHY_UNLIKE = {
    ReasonKind.PROJECT: N_("These experiments cannot be ranked: they belong to different projects."),
    ReasonKind.TASK: N_("These experiments cannot be ranked: some were scored by boxes, others by masks."),
    ReasonKind.IMAGES: N_("These experiments cannot be ranked: they were measured on different images."),
    ReasonKind.ANNOTATIONS: N_("These experiments cannot be ranked: the annotations have changed in between."),
    ReasonKind.CLASSES: N_("These experiments cannot be ranked: they do not know the same classes."),
}

Ranking = list[tuple[ComparedExperiment, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a comparison says, or a decision for some requirements."""

    # `winner`: one is ahead, or named. `tie`: none can be told from the best. `open`: whether the lead is more than
    # luck is still being measured. `unlike`: the numbers must not be put side by side. `none`: nobody fulfils the
    # requirements. `nothing`: there is nothing to judge
    kind: Literal["winner", "tie", "open", "unlike", "none", "nothing"]
    headline: str  # one sentence
    sentences: tuple[str, ...] = ()  # what supports or limits it
    details: tuple[str, ...] = ()  # what else is to be known; shown on demand where room is short
    winner: str | None = None  # Key of the experiment that is ahead; `None` without one
    warnings: tuple[str, ...] = ()  # what is not known or not quite equal, though the numbers may stand side by side


def judge(comparison: Comparison, significance: Significance | None = None) -> Verdict:
    """Return the verdict on any number of experiments: on the mAP, or on the mIoU of semantic segmentations.

    Significance is computed where it is not given.
    """
    if any(experiment.is_semantic for experiment in comparison.experiments):
        return _by_pixels(comparison)
    known = significance_of(comparison) if significance is None else significance
    ranked = ranking(comparison)
    if len(ranked) < _FEWEST:
        return Verdict(kind="nothing", headline=_too_few(comparison, len(ranked)), warnings=_recorded(comparison))
    if not known.are_comparable:
        kinds = {reason.kind for reason in known.reasons}
        why = next((kind for kind in _WHY_UNLIKE if kind in kinds), None)
        said = why if why in {ReasonKind.PROJECT, ReasonKind.TASK} else None  # the headline says all of it
        return Verdict(
            kind="unlike",
            headline=_(_WHY_UNLIKE[why] if why else _UNLIKE),
            sentences=tuple(one.text for one in known.reasons if not one.only_a_warning and one.kind is not said),
            warnings=tuple(reason.text for reason in known.reasons if reason.only_a_warning),
        )
    verdict = _tie(ranked, comparison.decimals) or _lead(ranked, known, comparison)
    return replace(
        verdict,
        sentences=(*of_common(comparison), *verdict.sentences, *_setup(ranked)),
        warnings=(*(reason.text for reason in known.reasons), *_recorded(comparison)),
    )


def of_common(comparison: Comparison) -> tuple[str, ...]:
    """Return of what all figures are, where the experiments were scored again on what they have in common."""
    if comparison.common is None:
        return ()
    shared = {
        "images": plural(comparison.common.images, "image", "images"),
        "classes": plural(len(comparison.common.classes), "class", "classes"),
    }
    all_of = _("All figures here are of the {images} and {classes} that they have in common, scored again for each.")
    return (all_of.format(**shared),)


def ranking(comparison: Comparison) -> Ranking:
    """Return the experiments whose mAP (or mIoU) may be ranked, best first; equal ones keep their order."""
    read = ((experiment, read_metric(experiment, comparison.score)) for experiment in comparison.experiments)
    known = [
        (experiment, value)
        for experiment, value in read
        if value is not None and math.isfinite(value) and may_stand_beside(comparison, experiment)
    ]
    return sorted(known, key=lambda item: -item[1])


def _by_pixels(comparison: Comparison) -> Verdict:
    """Return the verdict where pixels are labelled: such models are ranked among themselves only."""
    labels = [experiment.label for experiment in comparison.experiments if experiment.is_semantic]
    finds = [experiment.label for experiment in comparison.experiments if not experiment.is_semantic]
    if finds:
        return Verdict(
            kind="unlike",
            headline=_("These models do different work and cannot be ranked."),
            sentences=(
                _(
                    "Semantic segmentation gives every pixel a class and is measured by mIoU: {pixels}. Detection and "
                    "instance segmentation find single objects and are measured by mAP: {objects}."
                ).format(pixels=_quoted(labels), objects=_quoted(finds)),
                _("No number of one says anything about the other."),
            ),
        )
    ranked = ranking(comparison)
    if len(ranked) < _FEWEST:
        return Verdict(kind="nothing", headline=_too_few(comparison, len(ranked)))
    if unlike := unlike_pixels(comparison):
        return Verdict(
            kind="unlike",
            headline=_(_UNLIKE),
            sentences=unlike,
        )
    (first, top), (second, below) = ranked[:2]
    tie = _tie(ranked, comparison.decimals, MEAN_IOU)
    lead = in_points(top - below, comparison.decimals).lstrip("+")
    verdict = tie or Verdict(
        kind="winner",
        headline=_highest(MEAN_IOU, (first, metric(top, comparison.decimals)), lead, second),
        winner=first.key,
    )
    unsure = _("How sure the difference is, is not measured for semantic segmentations.")
    unknown = () if len(comparison.semantic) == len(ranked) else (_(_UNKNOWN_IMAGES),)
    return replace(verdict, sentences=_setup(ranked), warnings=(*unknown, *(() if tie else (unsure,))))


_UNKNOWN_IMAGES = N_(
    "Some have only the figures of their record; whether they come from the same images and classes is not known."
)


def _tie(ranked: Ranking, decimals: int, name: str = "mAP") -> Verdict | None:
    """Return the verdict where the best ones are equal as shown, or differ by less than is shown; else ``None``."""
    top = ranked[0][1]
    best = metric(top, decimals)
    level = [experiment.label for experiment, value in ranked if metric(value, decimals) == best]
    if len(level) > 1:
        same = _("{names} have the same {metric} of {value}.").format(names=_quoted(level), metric=name, value=best)
        return Verdict(kind="tie", headline=same)
    near = [experiment.label for experiment, value in ranked if points(top - value, decimals) == points(0, decimals)]
    if len(near) > 1:
        least = quantity(10.0 ** (2 - decimals))
        close = _("{names} are less than {points} points of {metric} apart, at {value}.")
        return Verdict(kind="tie", headline=close.format(names=_quoted(near), points=least, metric=name, value=best))
    return None


def _lead(ranked: Ranking, significance: Significance, comparison: Comparison) -> Verdict:
    first, top = ranked[0]
    decimals = comparison.decimals
    intervals = {
        experiment.key: significance.interval(experiment.key, first.key, "mAP") for experiment, _value in ranked[1:]
    }
    level = [pair for pair in ranked[1:] if (one := intervals[pair[0].key]) is not None and not one.tells_apart]
    second, next_value = (level or ranked[1:])[0]
    lead = in_points(top - next_value, decimals).lstrip("+")
    if level:
        names = _quoted([first.label, *(experiment.label for experiment, _value in level)])
        headline = _("{names} cannot be told apart.").format(names=names)
    else:
        headline = _highest("mAP", (first, metric(top, decimals)), lead, second)
    is_open = significance.pending and second.key in significance.aligned
    return Verdict(
        kind="tie" if level else "open" if is_open else "winner",
        headline=headline,
        sentences=(
            *((_(_OPEN),) if is_open else _significance((first, second), lead, intervals[second.key], comparison)),
            *_weak_sides(first, second, significance, decimals),
            *_speed(first, second),
        ),
        winner=None if level or is_open else first.key,
    )


def _highest(name: str, first: tuple[ComparedExperiment, str], lead: str, second: ComparedExperiment) -> str:
    """Return who has the highest figure, which is written already, and by how much it leads."""
    highest = _("“{winner}” has the highest {metric}, {value}: {lead} more than “{other}”.")
    return highest.format(winner=first[0].label, metric=name, value=first[1], lead=lead, other=second.label)


def _too_few(comparison: Comparison, ranked: int) -> str:
    total = len(comparison.experiments)
    if total == 0:
        return _("No experiment is chosen.")
    if total == 1:
        return _("One experiment is chosen; choose another to compare it with.")
    if ranked:
        one = _("{number} of {total} experiments has metrics that can be ranked, so there is no winner.")
        return one.format(number=ranked, total=total)
    return _("None of {total} experiments has metrics that can be ranked, so there is no winner.").format(total=total)


def _recorded(comparison: Comparison) -> tuple[str, ...]:
    """Return what is to be said about metrics that nobody can check against images."""
    known = [e for e in comparison.experiments if read_metric(e, "mAP") is not None]
    recorded = [e.label for e in known if not isinstance(e.evaluation, Evaluation)]
    if not recorded or len(known) < _FEWEST:
        return ()
    if len(recorded) == len(known):
        return (
            _(
                "The metrics are those of the experiments' records; whether they come from the same images is not "
                "known."
            ),
        )
    only = ngettext(
        "{names} has only recorded metrics, of images that are not known, and is not ranked.",
        "{names} have only recorded metrics, of images that are not known, and are not ranked.",
        len(recorded),
    )
    return (only.format(names=_quoted(recorded)),)


def _significance(
    pair: tuple[ComparedExperiment, ComparedExperiment], lead: str, interval: Interval | None, comparison: Comparison
) -> tuple[str, ...]:
    first, second = pair
    if interval is None:
        images = first.evaluation.table.image_count if isinstance(first.evaluation, Evaluation) else 0
        if not images:
            return ()
        same = (
            ngettext(
                "All were measured on the same {images} image.",
                "All were measured on the same {images} images.",
                images,
            )
            if len(comparison.evaluated) > _FEWEST
            else ngettext(
                "Both were measured on the same {images} image.",
                "Both were measured on the same {images} images.",
                images,
            )
        )
        return (same.format(images=count(images)),)
    span = interval.in_words(comparison.decimals)
    if interval.tells_apart:
        apart = _(
            "The difference to “{other}” lies {span}; another training of the same models may still turn out otherwise."
        )
        return (apart.format(other=second.label, span=span),)
    names = {"winner": first.label, "other": second.label, "lead": lead}
    if not interval.has_enough_images:
        return (_("“{winner}” is ahead of “{other}” by {lead}.").format(**names), interval.too_few)
    unsure = _("“{winner}” is ahead of “{other}” by {lead}, but the difference lies anywhere {span}.")
    return (unsure.format(**names, span=span),)


def _speed(first: ComparedExperiment, second: ComparedExperiment) -> tuple[str, ...]:
    if not isinstance(first.speed, SpeedTest) or not isinstance(second.speed, SpeedTest):
        return ()
    mine, theirs = first.speed.row(1), second.speed.row(1)
    if mine is None or theirs is None:
        return ()
    if first.speed.machine != second.speed.machine:
        return (_("Their speed was measured on different machines or runtimes, so it is not compared."),)
    both = {"mine": quantity(mine.total), "theirs": quantity(theirs.total)}
    if not times_differ(mine, theirs):
        return (_("Their speeds cannot be told apart ({mine} ms against {theirs} ms).").format(**both),)
    share = f"{abs(mine.total / theirs.total - 1) * 100:.0f}"
    needs = (
        _("“{name}” needs {share} % more time for an image ({mine} ms against {theirs} ms).")
        if mine.total > theirs.total
        else _("“{name}” needs {share} % less time for an image ({mine} ms against {theirs} ms).")
    )
    return (needs.format(name=first.label, share=share, **both),)


def _setup(ranked: Ranking) -> tuple[str, ...]:
    """Return what the two best were set up differently in."""
    (first, _top), (second, _next) = ranked[:2]
    rows = telling_differences(first, second)
    if not rows:
        return ()
    shown = [
        _("{setting} {value} against {other}").format(setting=row.title, value=_short(value), other=_short(other))
        for row in rows
        for value, other in [row.texts]
    ]
    differs = _("What differs in the set-up of “{first}” and “{second}”: {settings}.")
    settings = listing(shown, limit=_MOST_SETTINGS)
    return (differs.format(first=first.label, second=second.label, settings=settings),)


def _short(text: str, most: int = 40) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _quoted(labels: Sequence[str]) -> str:
    return listing([quoted(label) for label in labels])
