"""The model card: what the model is, what it was measured on, how good it is, where it is weak. Markdown and HTML.

Sections follow Mitchell et al., “Model Cards for Model Reporting” (arxiv.org/abs/1810.03993). Every sentence is made
from the record and the numbers; what nobody has written down is said to be unknown.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import numpy as np
import yaml

from traindash import formatting
from traindash.comparison.decision import Requirements
from traindash.comparison.decision_words import requirements_words
from traindash.comparison.experiment import ComparedExperiment, Missing
from traindash.comparison.export_scores import score_words
from traindash.comparison.speed import SpeedTest
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.handover import ChosenModel, Need
from traindash.evaluation.coco_files import FloatArray
from traindash.evaluation.evaluation import Evaluation, restrict
from traindash.evaluation.matching import ratio
from traindash.evaluation.operating_points import BestF1, Goal, MissCosts, PrecisionAtLeast, RecallAtLeast
from traindash.evaluation.outcomes import count_per_image
from traindash.evaluation.resampling import RESAMPLES, MetricKey, Samples, bootstrap, interval, resample_weights
from traindash.frameworks.registry import framework_or_none

_FEW_OBJECTS = 30  # below it a class's figures say little
_FEW_IMAGES = 100
# figure → how the card calls it: those without a threshold, and those at the threshold, all objects counted alike
_RANKED: Mapping[str, str] = {
    "mAP": "mAP (IoU 0.50 to 0.95)",
    "AP50": "AP at IoU 0.50",
    "AP75": "AP at IoU 0.75",
}
_COUNTED: Mapping[str, str] = {
    "precision": "Precision at the threshold, IoU 0.50",
    "recall": "Recall at the threshold, IoU 0.50",
    "f1": "F1 at the threshold, IoU 0.50",
}
_UNKNOWN = "not written down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; the first column is the names of its rows."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the card."""

    title: str
    sentences: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    table: Table | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure with its interval; NaN where it is not defined."""

    name: str
    title: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """A card, to be written in any form."""

    title: str
    lead: str
    sections: tuple[Section, ...]
    licence: str  # of the engine and of what it made; empty where nobody wrote it down
    figures: tuple[Figure, ...]  # none without an evaluation


def _goal_of(need: Need) -> Goal:
    """Return the goal that a need names."""
    match need.goal:
        case "f1":
            return BestF1()
        case "recall":
            return RecallAtLeast(recall=need.number)
        case "precision":
            return PrecisionAtLeast(precision=need.number)
        case "miss":
            return MissCosts(false_alarms=need.number)


def need_words(need: Need) -> str:
    """Return a need as the end of a sentence."""
    return requirements_words(Requirements(goal=_goal_of(need), latency=need.latency, size=need.size))


def model_card(
    choice: ChosenModel,
    experiment: ComparedExperiment,
    info: ExperimentInfo,
    size: tuple[int, int] | None,
    keep: Path | None = None,
) -> ModelCard:
    """Return the card of a chosen model.

    ``size`` is width and height of the network's images, ``keep`` a folder that keeps resamples; draws them otherwise,
    which takes seconds for large evaluations.
    """
    measured = _at_threshold(experiment, choice)
    figures = () if measured is None else (*_ranked(bootstrap([measured], keep=keep)[0]), *_counted(measured))
    known = framework_or_none(info.framework_name)
    licence = "" if known is None else known.licence
    return ModelCard(
        title=choice.title,
        lead=f"{info.model_name} of {info.framework_name}, a model for {info.task_type}, "
        f"chosen by {choice.who} on {choice.chosen_at[:10]}.",
        sections=tuple(_sections(choice, experiment, info, (measured, figures), (size, licence))),
        licence=licence,
        figures=figures,
    )


def _at_threshold(experiment: ComparedExperiment, choice: ChosenModel) -> Evaluation | None:
    """Return the evaluation measured at the threshold of the choice; ``None`` without one that tells anything."""
    found = experiment.evaluation
    if not isinstance(found, Evaluation) or found.pair.gt.crowd.all():
        return None
    return restrict(found, settings=replace(found.settings, confidence_threshold=choice.thresholds.default))


def _ranked(samples: Samples) -> tuple[Figure, ...]:
    found = ((name, title, interval(samples, MetricKey(name=name))) for name, title in _RANKED.items())
    return tuple(
        Figure(name=name, title=title, value=one.value, low=one.low, high=one.high) for name, title, one in found
    )


def _counted(evaluation: Evaluation) -> tuple[Figure, ...]:
    """Return precision, recall and F1 of the counts at the threshold, with the same resamples as the others."""
    counts = count_per_image(evaluation.view, evaluation.confidence)
    outcomes = np.stack([counts.tp, counts.fp, counts.fn]).astype(np.float64)
    drawn = outcomes @ resample_weights(evaluation.table.image_count, RESAMPLES, 0)
    pairs = zip(_shares(outcomes.sum(axis=1)[:, None]), _shares(drawn), _COUNTED.items(), strict=True)
    figures = []
    for value, values, (name, title) in pairs:
        known = values[np.isfinite(values)]
        low, high = np.quantile(known, [0.025, 0.975]) if known.size else (math.nan, math.nan)
        figures.append(Figure(name=name, title=title, value=float(value[0]), low=float(low), high=float(high)))
    return tuple(figures)


def _shares(counts: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return precision, recall and F1 from (3, B) counts."""
    tp, fp, fn = counts
    return ratio(tp, tp + fp), ratio(tp, tp + fn), ratio(2 * tp, 2 * tp + fp + fn)


def _sections(
    choice: ChosenModel,
    experiment: ComparedExperiment,
    info: ExperimentInfo,
    measured: tuple[Evaluation | None, tuple[Figure, ...]],
    rest: tuple[tuple[int, int] | None, str],
) -> Iterable[Section]:
    evaluation, figures = measured
    size, licence = rest
    yield _choice(choice)
    yield _model(info, size)
    yield _data(info, experiment, evaluation)
    if evaluation is None:
        yield Section(title="Figures", sentences=("This model was never evaluated: nobody knows how good it is.",))
    else:
        yield _figures(evaluation, figures, choice)
        yield _classes(evaluation)
        yield _sizes(experiment)
    yield _speed(experiment, info)
    yield Section(title="Limits", points=tuple(_limits(info, experiment, evaluation)))
    yield _licence(info, licence)


def _choice(choice: ChosenModel) -> Section:
    own = ", ".join(f"{name} {value:.3f}" for name, value in choice.thresholds.classes.items())
    sentences = [
        f"Who: {choice.who}. Why: {choice.why}",
        f"Needed: {need_words(choice.need)}.",
        f"An object counts from a confidence of {choice.thresholds.default:.3f} on"
        f"{f'; of single classes: {own}' if own else ''}.",
    ]
    if choice.compared_with:
        sentences.append(
            f"Looked at beside {formatting.plural(len(choice.compared_with), 'other experiment', 'other experiments')}."
        )
    return Section(title="The choice", sentences=tuple(sentences))


def _model(info: ExperimentInfo, size: tuple[int, int] | None) -> Section:
    start = "random weights" if info.random_initialization else info.base_checkpoint or _UNKNOWN
    rows = [
        ("Experiment", f"{info.experiment_name} (task {info.task_id})"),
        ("Framework and model", f"{info.framework_name} {info.model_name}"),
        ("Task", info.task_type),
        ("Started from", start),
        ("Image size of the network", f"{size[0]} × {size[1]}" if size else _UNKNOWN),
        ("Trained", info.datetime or _UNKNOWN),
        ("Training took", formatting.duration(info.training_duration) if info.training_duration else _UNKNOWN),
        ("Trained on", info.device or _UNKNOWN),
    ]
    return Section(title="The model", table=Table(head=("What", "Value"), rows=tuple(rows)))


def _data(info: ExperimentInfo, experiment: ComparedExperiment, evaluation: Evaluation | None) -> Section:
    split = experiment.app_state.get("train_val_split") if not isinstance(experiment.app_state, Missing) else None
    method = str(split.get("method", _UNKNOWN)) if isinstance(split, dict) else _UNKNOWN
    version = (info.project_version or {}).get("version")
    rows = [
        ("Project", f"{info.project_id}, its version {version if version is not None else _UNKNOWN}"),
        ("Training images", formatting.count(info.train_size)),
        ("Validation images", formatting.count(info.val_size)),
        ("Split", method),
    ]
    if evaluation is not None:
        objects = int((~evaluation.table.gt_crowd).sum())
        rows.append(("Objects in the validation images", formatting.count(objects)))
        rows.append(("Classes", ", ".join(evaluation.classes)))
    return Section(title="Data", table=Table(head=("What", "Value"), rows=tuple(rows)))


def _figures(evaluation: Evaluation, figures: Sequence[Figure], choice: ChosenModel) -> Section:
    rows = []
    for one in figures:
        span = "" if math.isnan(one.low) else f"{one.low:.3f} to {one.high:.3f}"
        rows.append((one.title, formatting.metric(one.value), span))
    images = formatting.plural(evaluation.table.image_count, "validation image", "validation images")
    return Section(
        title="Figures",
        sentences=(
            f"Measured on {images}, at a confidence threshold of {choice.thresholds.default:.3f}. The intervals hold "
            "95 of 100 figures when the images are drawn again and again; another training would differ, too.",
        ),
        table=Table(head=("Figure", "Value", "95 % interval"), rows=tuple(rows)),
    )


def _classes(evaluation: Evaluation) -> Section:
    objects = evaluation.table.objects_per_class().tolist()
    rows = tuple(
        (
            one.name,
            formatting.count(number),
            *(formatting.metric(value) for value in (one.ap, one.ap50)),
            formatting.count(one.tp),
            formatting.count(one.fp),
            formatting.count(one.fn),
        )
        for one, number in zip(evaluation.per_class, objects, strict=True)
    )
    head = ("Class", "Objects", "AP", "AP50", "Found", "False alarms", "Missed")
    return Section(title="By class", table=Table(head=head, rows=rows))


def _sizes(experiment: ComparedExperiment) -> Section:
    rows = tuple(
        (one.name, formatting.count(one.objects), formatting.metric(one.ap), formatting.metric(one.ar))
        for one in experiment.by_size()
    )
    return Section(
        title="By size of the objects",
        sentences=("As COCO counts: small is up to 32 × 32 pixels, large above 96 × 96.",),
        table=Table(head=("Size", "Objects", "AP", "Average recall"), rows=rows),
    )


def _speed(experiment: ComparedExperiment, info: ExperimentInfo) -> Section:
    sentences = []
    if isinstance(experiment.speed, SpeedTest) and (row := experiment.speed.row(1)) is not None:
        spread = "" if row.total_std is None else f" ± {row.total_std:.1f}"
        sentences.append(f"The checkpoint takes {row.total:.1f}{spread} ms for an image on {experiment.speed.machine}.")
    else:
        sentences.append("Its speed was not measured.")
    sentences += [score_words(runtime, score) for runtime, score in info.export_scores.items()]
    return Section(title="Speed and exports", sentences=tuple(sentences))


def _limits(info: ExperimentInfo, experiment: ComparedExperiment, evaluation: Evaluation | None) -> Iterable[str]:
    yield (
        "It knows the classes above and images like those of the project; what it does on others, by other cameras, "
        "at other times or places, was not measured."
    )
    if evaluation is None:
        return
    yield (
        "The best checkpoint and, unless it was typed, the threshold were chosen on the validation images; on new "
        "images the figures are likely to be a little lower."
    )
    images = evaluation.table.image_count
    if images < _FEW_IMAGES:
        used = formatting.plural(images, "validation image", "validation images")
        yield f"{used} are few: the intervals above are wide for that reason."
    objects = dict(zip(evaluation.classes, evaluation.table.objects_per_class().tolist(), strict=True))
    if few := [f"{name} ({number})" for name, number in objects.items() if number < _FEW_OBJECTS]:
        yield f"Few objects were there to measure these classes on: {', '.join(few)}."
    if info.random_initialization:
        yield "It started from random weights; one that starts from published weights usually needs fewer images."
    known = [one for one in evaluation.per_class if not math.isnan(one.ap)]
    if len(known) > 1:
        weakest = min(known, key=lambda one: one.ap)
        missed = f"{weakest.fn} of {objects[weakest.name]} missed"
        yield f"Its weakest class is “{weakest.name}”: AP {weakest.ap:.3f}, {missed}."
    sizes = [one for one in experiment.by_size() if one.objects and not math.isnan(one.ap)]
    if len(sizes) > 1:
        weak = min(sizes, key=lambda one: one.ap)
        objects_of = formatting.plural(weak.objects, "object", "objects")
        yield f"It is weakest on {weak.name} objects: AP {weak.ap:.3f} of {objects_of}."


def _licence(info: ExperimentInfo, licence: str) -> Section:
    sentences = [
        f"Engine ({info.framework_name}): {licence or _UNKNOWN}. The files predict.py and check.py: Apache-2.0.",
        "The weights were made with that engine. "
        + (
            "Its authors hold that models trained with it fall under the AGPL-3.0, too, unless another licence was "
            "obtained from them (ultralytics.com/license). "
            if licence.startswith("AGPL")
            else ""
        )
        + "Published weights that the training started from have a licence of their own; so has the data.",
    ]
    return Section(title="Licence", sentences=tuple(sentences))


# The two ways to write a card.

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|])")


def markdown(card: ModelCard) -> str:
    """Write a card in Markdown."""
    parts = [f"# {_plain(card.title)}", _plain(card.lead)]
    for section in card.sections:
        parts.append(f"## {section.title}")
        parts += [_plain(sentence) for sentence in section.sentences]
        if section.points:
            parts.append("\n".join(f"- {_plain(point)}" for point in section.points))
        if section.table is not None:
            rows = [section.table.head, tuple("---" for _ in section.table.head), *section.table.rows]
            cells = (row if place == 1 else tuple(map(_plain, row)) for place, row in enumerate(rows))
            parts.append("\n".join(f"| {' | '.join(row)} |" for row in cells))
    return "\n\n".join(parts) + "\n"


def html(card: ModelCard) -> str:
    """Write a card as one HTML file that needs nothing else."""
    style = (Path(__file__).with_name("card.css")).read_text(encoding="utf-8")
    body = [f"<h1>{escape(card.title)}</h1>", f"<p>{escape(card.lead)}</p>"]
    for section in card.sections:
        body.append(f"<h2>{escape(section.title)}</h2>")
        body += [f"<p>{escape(sentence)}</p>" for sentence in section.sentences]
        if section.points:
            body.append("<ul>" + "".join(f"<li>{escape(point)}</li>" for point in section.points) + "</ul>")
        if section.table is not None:
            body.append(_html_table(section.table))
    head = f'<meta charset="utf-8"><title>{escape(card.title)}</title><style>{style}</style>'
    viewport = '<meta name="viewport" content="width=device-width">'
    return f'<!doctype html><html lang="en"><head>{head}{viewport}</head><body>{"".join(body)}</body></html>\n'


def _html_table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.head)
    rows = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in table.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def front_matter(card: ModelCard, info: ExperimentInfo, classes: Sequence[str]) -> str:
    """Return the YAML with which a card of Hugging Face begins.

    Keys as in huggingface.co/docs/hub/model-cards, “Model card metadata”, and its specification
    (github.com/huggingface/hub-docs, ``modelcard.md``).
    """
    metrics = [
        {"type": one.name.lower(), "name": one.title, "value": round(one.value, 4)}
        for one in card.figures
        if math.isfinite(one.value)
    ]
    task = {"type": "object-detection" if info.task_type == "object detection" else "image-segmentation"}
    dataset = {"name": f"project {info.project_id}", "type": "private"}
    content = {
        "license": card.licence.lower() or "unknown",
        "library_name": "onnx",
        "pipeline_tag": task["type"],
        "tags": [info.framework_name.lower(), info.model_name.lower(), *(f"class:{name}" for name in classes[:20])],
        "model-index": [{"name": card.title, "results": [{"task": task, "dataset": dataset, "metrics": metrics}]}],
    }
    return f"---\n{yaml.safe_dump(content, sort_keys=False, allow_unicode=True)}---\n"
