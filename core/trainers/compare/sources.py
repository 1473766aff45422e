"""Evaluation directories (contract section 7.2) → what is compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from core.compare.experiment import Maybe, Missing
from core.compare.speed import SpeedTest, parse_speed_test
from core.domain.task import ExitCause
from core.errors import InputError
from core.evaluation import Evaluation, evaluate_files
from core.runs.spec import EvaluationSource
from core.trainers.failure import RunError

_SHOWN_NAMES = 5


class _InferenceInfo(BaseModel):
    model_config = ConfigDict(extra="ignore", protected_namespaces=())

    task_type: str = "object detection"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedModel:
    """One evaluation that was read.

    Attributes:
        source: Where from.
        task_type: What the model does.
        evaluation: Matches and metrics.
        speed: The speed test.
    """

    source: EvaluationSource
    task_type: str
    evaluation: Evaluation
    speed: Maybe[SpeedTest]

    @property
    def images(self) -> frozenset[tuple[str, str]]:
        """(dataset, file name) of the images."""
        images = self.evaluation.pair.images
        return frozenset(zip(images.datasets, images.file_names, strict=True))


def read_model(source: EvaluationSource) -> EvaluatedModel:
    """Read an evaluation directory.

    Raises:
        RunError: It is not complete.
    """
    folder = Path(source.folder)
    evaluation = folder / "evaluation"
    try:
        info = _InferenceInfo.model_validate_json((evaluation / "inference_info.json").read_bytes())
        measured = evaluate_files(evaluation / "cocoGt.json", evaluation / "cocoDt.json")
    except (OSError, ValidationError, InputError) as error:
        reason = error.message if isinstance(error, InputError) else f"{type(error).__name__} ({error})"
        message = f"The evaluation {source.path} cannot be read: {reason}"
        raise RunError(ExitCause.BAD_INPUT, message, "Train the model again with the benchmark switched on.") from error
    return EvaluatedModel(source=source, task_type=info.task_type, evaluation=measured, speed=_speed(folder))


def refuse_unlike(models: Sequence[EvaluatedModel]) -> None:
    """Refuse what Supervisely's module refuses: other tasks, other images, other classes than the first one.

    Raises:
        RunError: The evaluations cannot be compared; says what differs.
    """
    first = models[0]
    for other in models[1:]:
        names = f"“{first.source.label}” and “{other.source.label}”"
        if first.task_type != other.task_type:
            message = f"{names} solve different tasks: {first.task_type} and {other.task_type}."
            _refuse(message, "Compare models of one task.")
        if uneven := first.images ^ other.images:
            examples = _some(sorted(f"{dataset}/{name}" for dataset, name in uneven))
            message = f"{names} were evaluated on different images: {examples} not in both."
            hint = "Train them with the same validation images: split by datasets or collections, not at random."
            _refuse(message, hint)
        if differing := set(first.evaluation.classes) ^ set(other.evaluation.classes):
            message = f"{names} have different classes: {_some(sorted(differing))} not in both."
            _refuse(message, "Train them on the same classes.")


def _speed(folder: Path) -> Maybe[SpeedTest]:
    file = folder / "speedtest" / "speedtest.json"
    if not file.is_file():
        return Missing(reason="was evaluated without the speed test")
    try:
        return parse_speed_test(file.read_bytes())
    except InputError as error:
        return Missing(reason=f"has a speed test that cannot be read ({error.message})")


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN_NAMES])
    more = len(names) - _SHOWN_NAMES
    return f"{shown} and {more} more are" if more > 0 else f"{shown} {'is' if len(names) == 1 else 'are'}"


def _refuse(message: str, hint: str) -> None:
    raise RunError(ExitCause.BAD_INPUT, message, hint)
