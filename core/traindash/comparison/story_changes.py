"""Steps of the story about what changed from the baseline: the best improvement and the worst regression."""

import math
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import numpy as np

from traindash.comparison.certainty import Certainty
from traindash.comparison.experiment import ComparedExperiment
from traindash.comparison.image_query import FlowChange, flow_hits
from traindash.comparison.image_set import ImageSet
from traindash.comparison.palette import SeriesStyle
from traindash.comparison.pictures.crops import Subject, subjects
from traindash.comparison.pictures.marks import MarkKind
from traindash.comparison.significance import Interval, Significance
from traindash.errors import InputError
from traindash.evaluation.evaluation import Evaluation
from traindash.evaluation.flow import Flow, object_flow
from traindash.formatting import count, in_points, metric, plural, points
from traindash.language import gettext as _

# What a step of the story consists of; how it is drawn is another matter.


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A number with what it counts."""

    value: str  # as it is written
    label: str  # what it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One row of a bar chart."""

    name: str
    share: float  # length, 0 to 1 of the room there is
    text: str  # the value as it is written
    style: SeriesStyle | None = None  # look of the experiment; `None` for what belongs to no experiment
    best: bool = False  # it is the one to look at


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What an experiment makes of an object."""

    name: str
    style: SeriesStyle
    words: str  # what it reports there


@dataclass(frozen=True, slots=True, kw_only=True)
class Slide:
    """One step."""

    key: str  # stable name
    step: str  # what this step is about, two or three words
    title: str  # what it says, one sentence
    sentences: tuple[str, ...] = ()  # what supports or limits it
    facts: tuple[Fact, ...] = ()  # numbers to show large
    bars: tuple[Bar, ...] = ()  # rows of a bar chart
    bars_title: str = ""  # what the bars are, with the unit
    subject: Subject | None = None  # an object to show on its image; `None` for none
    seen: tuple[Seen, ...] = ()  # what each of the two experiments makes of it
    caption: str = ""
    tone: str = "plain"  # `good`, `bad` or `plain`
    certainty: Certainty | None = None  # how sure it is, as a picture
    notes: tuple[str, ...] = ()  # what the person who presents may say beside it


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The steps, and the images that their subjects are on."""

    slides: tuple[Slide, ...]
    images: ImageSet


def opens_elsewhere(link: str) -> bool:
    """Return whether an address of the live comparison may open on another computer or a phone."""
    host = urlsplit(link).hostname or ""
    return not (host in {"", "localhost", "::1"} or host.startswith("127."))


def link_words(link: str) -> str:
    """Return what an address of the live comparison is called; one of this machine opens nowhere else, and says so."""
    return _("Live comparison") if opens_elsewhere(link) else _("Live comparison, on the computer this was made on")


Direction = Literal["better", "worse"]
_MOST_BARS, _FEW_BARS = 6, 3
_LOOKED_AT = 20  # largest objects of which one is shown: one on which the drawn boxes say what happened
_SMALLEST = 0.0005  # smaller differences are written as 0.0 pt


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassChange:
    """How the AP of one class changed from the baseline to the other experiment."""

    name: str
    before: float  # AP of the baseline, 0 to 1
    after: float  # AP of the other one
    interval: Interval | None  # where the difference lies; `None` where that is not known

    @property
    def difference(self) -> float:
        """After minus before."""
        return self.after - self.before

    @property
    def sure(self) -> bool:
        """Whether the images tell it from zero."""
        return self.interval is not None and self.interval.tells_apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The baseline and the experiment that it is compared with."""

    baseline: ComparedExperiment
    other: ComparedExperiment
    before: Evaluation
    after: Evaluation


def _class_changes(pair: Pair, significance: Significance) -> tuple[ClassChange, ...]:
    """Return the changes of the classes that both know, the largest gain first."""
    known = {item.name: item.ap for item in pair.before.per_class if math.isfinite(item.ap)}
    changes = [
        ClassChange(
            name=item.name,
            before=known[item.name],
            after=item.ap,
            interval=significance.interval(pair.baseline.key, pair.other.key, "ap", item.name),
        )
        for item in pair.after.per_class
        if item.name in known and math.isfinite(item.ap)
    ]
    return tuple(sorted(changes, key=lambda change: (-change.difference, change.name)))


def change_slide(pair: Pair, significance: Significance, images: ImageSet, direction: Direction) -> Slide | None:
    """Return the step about the class that improved, or got worse, most; ``None`` where none did."""
    changes = _class_changes(pair, significance)
    sign = 1 if direction == "better" else -1
    moved = [change for change in changes if sign * change.difference >= _SMALLEST]
    best = max(moved, key=lambda change: (change.sure, sign * change.difference), default=None)
    try:
        flow = object_flow(pair.before, pair.after)
    except InputError:  # the two do not have the same objects
        flow = None
    key, step = (
        ("improvement", _("Best improvement")) if direction == "better" else ("regression", _("Worst regression"))
    )
    if best is None:  # nothing to show: a step without a point is left out
        return None
    subject = _subject(pair, images, flow, best.name, direction)
    said = _("From {before} to {after}.")
    if best.interval is not None and best.sure:
        said = _("From {before} to {after}; the difference lies {span}.")
    elif best.interval is not None:
        said = _("From {before} to {after}, but the difference lies {span}: this may be luck.")
    span = "" if best.interval is None else best.interval.in_words()
    return Slide(
        key=key,
        step=step,
        title=_title(pair, best, direction),
        sentences=(
            said.format(before=metric(best.before), after=metric(best.after), span=span),
            *_objects(pair, flow, best.name, direction),
        ),
        bars=_bars(changes, sign, _FEW_BARS if subject else _MOST_BARS, best),
        bars_title=_("AP of each class against “{name}” (points)").format(name=pair.baseline.label),
        subject=subject,
        seen=_seen(pair, subject),
        caption=_caption(images, subject),
        tone="good" if direction == "better" else "bad",
    )


def class_slide(experiment: ComparedExperiment, evaluation: Evaluation, kind: Literal["strong", "weak"]) -> Slide:
    """Return the step about the classes that a single experiment is best, or worst, at."""
    known = [(item.ap, item.name) for item in evaluation.per_class if math.isfinite(item.ap)]
    ordered = sorted(known, key=lambda item: (-item[0] if kind == "strong" else item[0], item[1]))
    value, name = ordered[0]
    title = _("It is best at “{name}”: AP {value}") if kind == "strong" else _("It is worst at “{name}”: AP {value}")
    seen = _("{found} of {objects} found, {alarms}.")
    place = evaluation.classes.index(name)
    counts = evaluation.counts
    found, missed = int(counts.at_levels(counts.tp)[place]), int(counts.at_levels(counts.fn)[place])
    alarms = int(counts.at_levels(counts.fp)[place])
    return Slide(
        key="improvement" if kind == "strong" else "regression",
        step=_("What it is good at") if kind == "strong" else _("What it is bad at"),
        title=title.format(name=name, value=metric(value)),
        sentences=(
            seen.format(
                found=count(found),
                objects=plural(found + missed, "object", "objects"),
                alarms=plural(alarms, "false alarm", "false alarms"),
            ),
        ),
        bars=tuple(
            Bar(name=other, share=max(0.0, ap), text=metric(ap), style=experiment.style, best=other == name)
            for ap, other in ordered[:_MOST_BARS]
        ),
        bars_title=_("AP of each class, 0 to 1"),
        tone="good" if kind == "strong" else "bad",
    )


def _title(pair: Pair, best: ClassChange, direction: Direction) -> str:
    words = {
        "class_name": best.name,
        "name": pair.other.label,
        "amount": in_points(abs(best.difference)).lstrip("+"),
    }
    if not best.sure and best.interval is not None:
        unsure = (
            _("No class is surely better; “{class_name}” gains {amount} of AP")
            if direction == "better"
            else _("No class is surely worse; “{class_name}” loses {amount} of AP")
        )
        return unsure.format(**words)
    changed = (
        _("“{name}” gains {amount} of AP on “{class_name}”")
        if direction == "better"
        else _("“{name}” loses {amount} of AP on “{class_name}”")
    )
    return changed.format(**words)


def _objects(pair: Pair, flow: Flow | None, class_name: str, direction: Direction) -> tuple[str, ...]:
    if flow is None:
        return ()
    counts = flow.by_class()[pair.before.classes.index(class_name)]
    gained, lost, new, gone = counts.gained, counts.lost, counts.new_alarms, counts.vanished_alarms
    found = _("{gained} newly found, {lost} lost")
    if not gained and not lost:
        found = (
            _("nothing is newly found or lost; the boxes fit better")
            if direction == "better"
            else _("nothing is newly found or lost; the boxes fit worse")
        )
    elif direction == "worse":
        found = _("{lost} lost, {gained} newly found")
    objects = {"gained": plural(gained, "object", "objects"), "lost": plural(lost, "object", "objects")}
    alarms = _("{new} new, {gone} gone").format(new=plural(new, "false alarm", "false alarms"), gone=count(gone))
    of_class = _("Of “{class_name}”: {found}; {alarms}.")
    return (of_class.format(class_name=class_name, found=found.format(**objects), alarms=alarms),)


def _bars(changes: tuple[ClassChange, ...], sign: int, most: int, told: ClassChange) -> tuple[Bar, ...]:
    ordered = changes if sign > 0 else changes[::-1]
    shown = ordered[:most]
    longest = max((abs(change.difference) for change in shown), default=0.0) or 1.0
    return tuple(
        Bar(
            name=change.name,
            share=abs(change.difference) / longest,
            text=points(change.difference),
            best=change is told,
        )
        for change in shown
        if sign * change.difference >= _SMALLEST
    )


def _subject(
    pair: Pair, images: ImageSet, flow: Flow | None, class_name: str | None, direction: Direction
) -> Subject | None:
    """Return the largest object of a class (``None``: of any) that was gained, or lost; ``None`` if there is none."""
    if flow is None:
        return None
    baseline, other = images.keys.index(pair.baseline.key), images.keys.index(pair.other.key)
    hits = flow_hits(flow, FlowChange.GAINED if direction == "better" else FlowChange.LOST, images, other)
    evaluation = images.evaluations[other]
    number = evaluation.table.gt_class[hits.gt] if class_name is None else evaluation.classes.index(class_name)
    of_class = np.flatnonzero(evaluation.table.gt_class[hits.gt] == number)
    largest = of_class[np.argsort(-evaluation.table.gt_area[hits.gt[of_class]], kind="stable")][:_LOOKED_AT]
    found = (direction == "worse", direction == "better")
    # what is drawn of each finds the object, or does not
    return next(
        (
            one
            for one in subjects(hits.taken(largest), images, [baseline, other])
            if tuple(mark is not None and mark.kind is MarkKind.FOUND for _one, mark in one.predictions) == found
        ),
        None,
    )


def _caption(images: ImageSet, subject: Subject | None) -> str:
    if subject is None:
        return ""
    return f"{reading_of(images)} {images.name(subject.image)}"


def reading_of(images: ImageSet) -> str:
    """Return what marks the annotations in pictures of objects."""
    return _("White outline: as annotated.") if images.has_masks else _("White corners: as annotated.")


def _seen(pair: Pair, subject: Subject | None) -> tuple[Seen, ...]:
    """Return what both make of the object, in the order of their predictions: the baseline first."""
    if subject is None:
        return ()
    return tuple(
        Seen(name=experiment.label, style=experiment.style, words=mark.words if mark else _("Nothing reported here"))
        for experiment, (_one, mark) in zip((pair.baseline, pair.other), subject.predictions, strict=True)
    )
