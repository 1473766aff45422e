"""What an experiment is, in a few lines: model, checkpoint, data, date and its mAP."""

from dataclasses import dataclass

from core.compare.experiment import ComparedExperiment, Comparison
from core.compare.formatting import MISSING, count, duration, metric, plural, size
from core.compare.palette import SeriesStyle
from core.compare.rows import may_stand_beside, read_metric
from core.compare.training_setup import project_name, start_of
from core.domain.experiment import ExperimentInfo
from core.evaluation import Evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The overview of one experiment.

    Attributes:
        label: Its name.
        style: Its look.
        is_baseline: The others are measured against it.
        score: Its mAP as it is written.
        score_title: What the score is of.
        facts: Name and value, in the order of the card; what is not known is left out.
    """

    label: str
    style: SeriesStyle
    is_baseline: bool
    score: str
    score_title: str
    facts: tuple[tuple[str, str], ...]


def overview_of(comparison: Comparison) -> tuple[Card, ...]:
    """Return a card for each experiment."""
    several = len(comparison.experiments) > 1
    return tuple(
        Card(
            label=experiment.label,
            style=experiment.style,
            is_baseline=several and place == comparison.baseline,
            score=metric(read_metric(experiment, "mAP"), comparison.decimals),
            score_title=_score_title(comparison, experiment),
            facts=tuple((name, text) for name, text in _facts(experiment) if text and text != MISSING),
        )
        for place, experiment in enumerate(comparison.experiments)
    )


def _score_title(comparison: Comparison, experiment: ComparedExperiment) -> str:
    if not isinstance(experiment.evaluation, Evaluation):
        if read_metric(experiment, "mAP") is None:
            return "no mAP: not evaluated"
        return "mAP, as recorded" if may_stand_beside(comparison, experiment) else "mAP, as recorded; not ranked"
    images = plural(experiment.evaluation.table.image_count, "common image" if comparison.common else "image")
    return f"mAP on {images}"


def _facts(experiment: ComparedExperiment) -> tuple[tuple[str, str], ...]:
    info = experiment.info
    evaluated = experiment.evaluation
    classes = plural(len(evaluated.classes), "class", "classes") if isinstance(evaluated, Evaluation) else ""
    if info is None:
        return (("Classes", classes),)
    trained = f"{count(info.train_size)} + {count(info.val_size)} images" if info.train_size and info.val_size else ""
    checkpoint = f"{info.best_checkpoint}, {size(experiment.checkpoint_bytes)}"
    return (
        ("Model", f"{info.model_name} ({info.framework_name})"),
        ("Started from", start_of(info)),
        ("Checkpoint", checkpoint if experiment.checkpoint_bytes is not None else info.best_checkpoint),
        ("Data", ", ".join(part for part in (project_name(info), _version(info), trained, classes) if part)),
        ("Trained on", f"{info.device} in {duration(info.training_duration)}" if info.device else ""),
        ("Date", (info.datetime or "")[:16]),
    )


def _version(info: ExperimentInfo) -> str:
    number = (info.project_version or {}).get("version")
    return "" if number is None else f"version {number}"
