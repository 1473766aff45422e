"""The comparison as a story of six to eight steps for people who decide; every sentence is made from the numbers."""

import math
from collections.abc import Sequence

from traindash.comparison.advice import advise, recommend
from traindash.comparison.certainty import certainty_of
from traindash.comparison.decision import Decision, Requirements, contenders_of, decide, less_is_better
from traindash.comparison.decision_words import (
    figure_name,
    figure_text,
    latency_text,
    requirements_words,
    threshold_text,
)
from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.image_set import ImageSet, image_set
from traindash.comparison.rows import METRICS, read_metric
from traindash.comparison.significance import Significance
from traindash.comparison.speed import SpeedRow, SpeedTest, times_differ
from traindash.comparison.story_changes import Bar, Fact, Pair, Slide, Story, change_slide, class_slide
from traindash.comparison.verdict import Verdict, judge, ranking
from traindash.domain.experiment import MEAN_IOU
from traindash.evaluation.evaluation import Evaluation
from traindash.formatting import count, listing, metric, percent, quantity, quoted, size
from traindash.language import N_, ngettext
from traindash.language import gettext as _

_MOST_BARS = 8  # rows that fit a projector of 1280 × 720
_MOST_FACTS = 4
_SHOWN_METRICS = ("mAP", "AP50", "precision_all", "recall_all")
_PIXEL_METRICS = (MEAN_IOU, "mBoundaryIoU", "PixelAcc", "mRecall")
_MEANINGS = {
    "mAP": N_("mAP averages precision over all classes, thresholds and how well boxes have to fit: 1 is perfect."),
    MEAN_IOU: N_("mIoU averages over the classes how well annotated and predicted pixels overlap: 1 is perfect."),
}


def build_slides(comparison: Comparison, significance: Significance, requirements: Requirements | None = None) -> Story:
    """Return the story of at least one experiment; it recommends for the best balance unless told otherwise."""
    comparable = significance.are_comparable
    verdict = judge(comparison, significance)
    decision = decide(requirements or Requirements(), contenders_of(comparison, significance), comparable=comparable)
    images = image_set(comparison)
    if comparison.score == MEAN_IOU:  # nothing is found, so there is no threshold to choose and no object to show
        whole = (
            _question(comparison, ""),
            _pixels(comparison),
            _winner(comparison, verdict, decision),
            _speed(comparison),
        )
        return Story(slides=tuple(slide for slide in whole if slide is not None), images=images)
    slides = (
        _question(comparison, _("Wanted: {need}.").format(need=requirements_words(decision.requirements))),
        _data(comparison, significance),
        _winner(comparison, recommend(comparison, significance, decision), decision),
        *_changes(comparison, significance, images, comparable=comparable),
        _speed(comparison),
        _recommendation(comparison, verdict, decision),
    )
    return Story(slides=tuple(slide for slide in slides if slide is not None), images=images)


def _question(comparison: Comparison, wanted: str) -> Slide:
    experiments = comparison.experiments
    several = len(experiments) > 1
    title = (
        _("Which of {count} models to use?").format(count=count(len(experiments)))
        if several
        else _("How good is “{name}”?").format(name=experiments[0].label)
    )
    baseline = experiments[comparison.baseline].label
    sentences = [wanted] if wanted else []
    if several:
        sentences.append(_("Differences are measured against “{name}”.").format(name=baseline))
    return Slide(
        key="question",
        step=_("The question"),
        title=title,
        sentences=tuple(sentences),
        bars=tuple(_bar(one, 0.0, _kind(one)) for one in experiments[:_MOST_BARS]),  # without lengths: a list of names
    )


def _bar(experiment: ComparedExperiment, share: float, text: str, *, best: bool = False) -> Bar:
    return Bar(name=experiment.label, share=share, text=text, style=experiment.style, best=best)


def _kind(experiment: ComparedExperiment) -> str:
    if experiment.info is None:
        return ""
    weight = "" if experiment.checkpoint_bytes is None else size(experiment.checkpoint_bytes)
    model = "" if experiment.info.model_name == experiment.label else experiment.info.model_name
    return ", ".join(part for part in (model, weight) if part)


def _data(comparison: Comparison, significance: Significance) -> Slide:
    evaluated = comparison.evaluated
    if not evaluated:
        return Slide(
            key="data",
            step=_("The data"),
            title=_("None of these experiments was evaluated"),
            sentences=(_("Train with the benchmark switched on to learn how good a model is."),),
        )
    first = evaluated[0][1]  # all have its images where they may be compared; else the title says that they have not
    objects = first.table.objects_per_class()
    largest = sorted(zip(objects.tolist(), first.classes, strict=True), key=lambda item: (-item[0], item[1]))
    most = max(largest[0][0], 1)
    images = first.table.image_count
    same = ngettext(
        "All were measured on the same {count} image", "All were measured on the same {count} images", images
    )
    title = same.format(count=count(images)) if significance.are_comparable else _("They were not measured alike")
    if len(evaluated) == 1:
        title = _measured_on(images)
    return Slide(
        key="data",
        step=_("The data"),
        title=title,
        sentences=_about_data(comparison, significance, first),
        facts=(
            Fact(value=count(first.table.image_count), label=_("validation images")),
            Fact(value=count(int(objects.sum())), label=_("objects to find")),
            Fact(value=count(len(first.classes)), label=ngettext("class", "classes", len(first.classes))),
        ),
        bars=tuple(Bar(name=name, share=number / most, text=count(number)) for number, name in largest[:_MOST_BARS]),
        bars_title=_("Objects of each class")
        if len(largest) <= _MOST_BARS
        else _("Objects of each class, the {number} largest of {total}").format(
            number=_MOST_BARS, total=count(len(largest))
        ),
    )


def _measured_on(images: int) -> str:
    return ngettext("Measured on {count} image", "Measured on {count} images", images).format(count=count(images))


def _pixels(comparison: Comparison) -> Slide:
    """Return what semantic segmentations were measured on: the classes of the first one, by their IoU."""
    measured = comparison.semantic
    if not measured:
        return Slide(key="data", step=_("The data"), title=_("On which images they were measured is not known here"))
    experiment, first = measured[0]
    known = sorted((one for one in first.classes if math.isfinite(one.iou)), key=lambda one: -one.iou)
    return Slide(
        key="data",
        step=_("The data"),
        title=_measured_on(len(first.images)) if first.images else _("Measured on images whose names are not known"),
        facts=(
            Fact(value=count(len(first.images)), label=_("validation images")),
            Fact(value=count(first.counted), label=ngettext("class", "classes", first.counted)),
        ),
        bars=tuple(Bar(name=one.name, share=one.iou, text=metric(one.iou)) for one in known[:_MOST_BARS]),
        bars_title=_("IoU of each class, “{name}”").format(name=experiment.label),
    )


def _about_data(comparison: Comparison, significance: Significance, first: Evaluation) -> tuple[str, ...]:
    smallest = min(zip(first.table.objects_per_class().tolist(), first.classes, strict=True))
    sentences = [reason.text for reason in significance.reasons[:3]]
    if len(first.classes) > 1:
        rarest = ngettext(
            "The rarest class is “{name}” with {count} object.",
            "The rarest class is “{name}” with {count} objects.",
            smallest[0],
        )
        sentences.append(rarest.format(name=smallest[1], count=count(smallest[0])))
    without = [e.label for e in comparison.experiments if not isinstance(e.evaluation, Evaluation)]
    if without:
        names = listing([quoted(label) for label in without])
        sentences.append(_("Without an evaluation: {names}.").format(names=names))
    return tuple(sentences)


def _winner(comparison: Comparison, verdict: Verdict, decision: Decision) -> Slide:
    if len(comparison.experiments) == 1:
        return _alone(comparison.experiments[0])
    # bars beside each other are a ranking: there are none where nothing may be ranked
    ranked = ranking(comparison) if verdict.kind in {"winner", "tie"} else []
    candidates = _candidates(decision)
    bars = tuple(_bar(e, value, metric(value), best=e.key == verdict.winner) for e, value in ranked[:_MOST_BARS])
    return Slide(
        key="winner",
        step=_("The answer, and how sure it is"),
        title=verdict.headline.rstrip("."),
        sentences=verdict.sentences[:3],
        bars=candidates or bars,
        bars_title=_figure_title(decision) if candidates else _bars_title(comparison),
        tone="good" if verdict.kind == "winner" else "plain",
        certainty=certainty_of(decision) if verdict.winner is not None else None,
        notes=verdict.details,
    )


def _figure_title(decision: Decision) -> str:
    goal = decision.requirements.goal
    title = _("{figure}, less is better") if less_is_better(goal) else _("{figure}, 0 to 1")
    return title.format(figure=figure_name(goal))


def _bars_title(comparison: Comparison) -> str:
    if comparison.score == MEAN_IOU:
        return _("mIoU, 0 to 1: mean over the classes of the overlap in pixels")
    return _("mAP, 0 to 1: average precision over classes and IoU 0.50 to 0.95")


def _alone(experiment: ComparedExperiment) -> Slide:
    name = MEAN_IOU if experiment.is_semantic else "mAP"
    value = read_metric(experiment, name)
    known = {item.key: item for item in METRICS}
    shown_metrics = _PIXEL_METRICS if experiment.is_semantic else _SHOWN_METRICS
    facts = [(_(known[key].title), known[key].read(experiment)) for key in shown_metrics]
    shown = [(name, number) for name, number in facts if number is not None and math.isfinite(number)]
    reaches = _("“{name}” reaches a {metric} of {value}")
    title = (
        _("It has no metrics")
        if value is None
        else reaches.format(name=experiment.label, metric=name, value=metric(value))
    )
    return Slide(
        key="winner",
        step=_("How good it is"),
        title=title,
        facts=tuple(Fact(value=metric(number), label=name) for name, number in shown[:_MOST_FACTS]),
        sentences=(_(_MEANINGS[name]),)
        if shown
        else (_("Train with the benchmark switched on to learn how good it is."),),
    )


def _changes(
    comparison: Comparison, significance: Significance, images: ImageSet, *, comparable: bool
) -> tuple[Slide | None, ...]:
    """Return the best improvement and the worst regression, or what stands for them."""
    evaluated = {e.key: (e, evaluation) for e, evaluation in comparison.evaluated}
    if len(comparison.experiments) == 1:
        return tuple(
            class_slide(e, evaluation, kind) for e, evaluation in evaluated.values() for kind in ("strong", "weak")
        )
    baseline = comparison.experiments[comparison.baseline].key
    # one pair tells a story: the baseline, and the best of the others
    others = [experiment.key for experiment, _value in ranking(comparison) if experiment.key != baseline]
    other = next((key for key in others if key in evaluated), None)
    if not comparable or baseline not in evaluated or other is None:
        return (_each(comparison, comparable=comparable),)
    pair = Pair(
        baseline=evaluated[baseline][0],
        other=evaluated[other][0],
        before=evaluated[baseline][1],
        after=evaluated[other][1],
    )
    return change_slide(pair, significance, images, "better"), change_slide(pair, significance, images, "worse")


def _each(comparison: Comparison, *, comparable: bool) -> Slide:
    """Return each experiment's own mAP (or mIoU) where differences cannot be told."""
    ranked = [(e, read_metric(e, comparison.score)) for e in comparison.experiments]
    known = [(e, value) for e, value in ranked if value is not None and math.isfinite(value)]
    why = (
        _("The baseline or all others have no evaluation, so differences cannot be shown.")
        if comparable
        else _("Numbers of different data say nothing about which model is better.")
    )
    return Slide(
        key="each",
        step=_("Each for itself"),
        title=_("What each one reaches on its own data") if known else _("None of them has metrics"),
        sentences=(why,),
        bars=tuple(_bar(e, value, metric(value)) for e, value in known[:_MOST_BARS]),
        bars_title=_("{figure}, 0 to 1").format(figure=comparison.score),
    )


def _speed(comparison: Comparison) -> Slide | None:
    tests = [(e, e.speed) for e in comparison.experiments if isinstance(e.speed, SpeedTest)]
    timed = [(e, test, row) for e, test in tests if (row := test.row(1)) is not None]
    if not timed:
        return None
    timed.sort(key=lambda item: item[2].total)
    slowest = timed[-1][2].total  # fills its row; shorter is better
    machines = sorted({test.machine for _e, test, _row in timed})
    missing = len(comparison.experiments) - len(timed)
    title, best = _fastest(
        [(e, row) for e, _test, row in timed], same_machine=len(machines) == 1, all_timed=not missing
    )
    return Slide(
        key="speed",
        step=_("Speed"),
        title=title,
        sentences=(
            (
                _("Measured on {machines}, images one by one.")
                if len(machines) == 1
                else _("Measured on different machines or runtimes, so times are not compared: {machines}.")
            ).format(machines=listing(machines)),
            *([_without_speed(missing)] if missing else []),
        ),
        bars=tuple(
            _bar(e, row.total / slowest, f"{latency_text(row)} ms", best=e.key == best)
            for e, _test, row in timed[:_MOST_BARS]
        ),
        bars_title=_("Time for one image (ms), with its measured spread; shorter is better"),
    )


def _without_speed(missing: int) -> str:
    without = ngettext("{count} experiment without a speed test.", "{count} experiments without a speed test.", missing)
    return without.format(count=count(missing))


def _fastest(
    timed: Sequence[tuple[ComparedExperiment, SpeedRow]], *, same_machine: bool, all_timed: bool
) -> tuple[str, str | None]:
    """Return the title of the step about speed, and the key of the fastest one; ``None`` where nobody is."""
    (first, row), *others = timed
    if not others:
        needs = _("“{name}” needs {time} ms for an image")
        return needs.format(name=first.label, time=quantity(row.total)), None
    if not same_machine:
        return _("Their times come from different machines"), None
    # within what measurements scatter, nobody is faster
    near = [e.label for e, other in others if not times_differ(row, other)]
    if len(near) == len(others) and all_timed:
        return _("Their speeds cannot be told apart"), None
    if near:
        alike = _("{names} cannot be told apart in speed") if len(near) == len(others) else _("{names} are the fastest")
        return alike.format(names=listing([quoted(label) for label in (first.label, *near)])), None
    less = percent(1 - row.total / others[0][1].total)
    faster = _("“{name}” needs {share} less time than “{other}”, the next one")
    return faster.format(name=first.label, share=less, other=others[0][0].label), first.key


def _recommendation(comparison: Comparison, verdict: Verdict, decision: Decision) -> Slide:
    advice = advise(decision)
    winner = decision.winner
    sentences = [*advice.details[:3]] if winner is not None else [*advice.sentences[:3]]
    if verdict.winner is not None and advice.winner is not None and verdict.winner != advice.winner:
        label = next(e.label for e in comparison.experiments if e.key == verdict.winner)
        highest = _("“{name}” has the highest mAP, which averages all thresholds; in use there is only one.")
        sentences.append(highest.format(name=label))
    facts = []
    title = advice.headline.rstrip(".")
    several = len(comparison.experiments) > 1
    is_clear = winner is not None and (advice.kind == "winner" or not several)
    if winner is not None:
        if is_clear:  # of equals the headline says more
            take = _("Take “{name}”") if several else _("Use “{name}” with this threshold")
            title = take.format(name=winner.label)
        facts = [
            Fact(value=threshold_text(winner), label=_("threshold to set")),
            Fact(value=percent(winner.point.recall), label=_("of the objects found")),
            Fact(value=percent(winner.point.precision), label=_("of its reports right")),
        ]
        if winner.contender.latency is not None:
            facts.append(Fact(value=f"{quantity(winner.contender.latency)} ms", label=_("for an image")))
    return Slide(
        key="recommendation",
        step=_("Recommendation"),
        title=title,
        sentences=tuple(sentences),
        facts=tuple(facts),
        bars=_candidates(decision),
        bars_title=_figure_title(decision),
        notes=advice.sentences,
        tone="good" if is_clear else "plain",
    )


def _candidates(decision: Decision) -> tuple[Bar, ...]:
    """Return the figure of each experiment that reaches the goal, the best first."""
    goal = decision.requirements.goal
    if not decision.comparable or len(decision.candidates) == 1:
        return ()
    known = [one for one in decision.candidates if one.answer.reached and math.isfinite(one.figure)]
    known.sort(key=lambda one: -one.rank)
    # shares fill their row at 1; a cost has no upper end, so the highest one does
    longest = (max((one.figure for one in known), default=0.0) if less_is_better(goal) else 1.0) or 1.0
    named = decision.winner.key if decision.winner else None
    return tuple(
        _bar(one.contender.experiment, one.figure / longest, figure_text(goal, one.figure), best=one.key == named)
        for one in known[:_MOST_BARS]
    )
