"""The models that an experiment has left: files that can look at images, and how addresses name them."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import TaskId, TeamId
from traindash.domain.prediction import LEAST_CONFIDENCE, ModelFile
from traindash.errors import InputError
from traindash.language import gettext as _

ONNX = "ONNXRuntime"  # key of an export in a record
USUAL_CONFIDENCE = 0.25  # where no evaluation says a better one; what Ultralytics shows by default


# Signs in an address: `12,13:export/best.onnx@0.4` is the best checkpoint of one experiment and the export of another
_NEXT, _FILE, _FROM = ",", ":", "@"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentModel:
    """A file of an experiment that can look at images."""

    task_id: TaskId
    relative: str  # path below the artifacts, e.g. `checkpoints/best.pt`
    model: ModelFile
    is_best: bool = False  # the checkpoint that the evaluation measured

    @property
    def key(self) -> str:
        """What names it in an address: the task, and the file where it is not the best checkpoint."""
        return str(self.task_id) if self.is_best else f"{self.task_id}{_FILE}{self.relative}"

    @property
    def kind(self) -> str:
        """What tells it from the other models of its experiment; empty for the best checkpoint."""
        path = PurePosixPath(self.relative)
        return "" if self.is_best else "ONNX" if path.suffix == ".onnx" else path.stem


def models_of(info: ExperimentInfo, team: TeamId) -> tuple[ExperimentModel, ...]:
    """Return the models of an experiment, the best checkpoint first, then its export to ONNX."""
    folder = PurePosixPath(info.artifacts_dir)

    def made(relative: str) -> ExperimentModel:
        path = PurePosixPath(relative)
        best = path.name == info.best_checkpoint and path.parent.name == "checkpoints"
        model = ModelFile(team_id=team, path=str(folder / relative))
        return ExperimentModel(task_id=info.task_id, relative=relative, model=model, is_best=best)

    found = [made(relative) for relative in dict.fromkeys(_paths(info))]
    return tuple(sorted(found, key=lambda one: (not one.is_best, one.kind != "ONNX")))


def _paths(info: ExperimentInfo) -> Iterator[str]:
    # Records of other programs name checkpoints without their folder
    for path in (*info.checkpoints, info.best_checkpoint):
        if path:
            yield path if "/" in path else f"checkpoints/{path}"
    if ONNX in info.export:
        yield info.export[ONNX]


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedModel:
    """A model as an address names it."""

    task_id: TaskId
    relative: str = ""  # path below the artifacts; empty for the best checkpoint
    confidence: float | None = None  # from which on its objects are shown; `None` for the usual one

    @property
    def key(self) -> str:
        """The same as :attr:`ExperimentModel.key` of the model."""
        return f"{self.task_id}{_FILE}{self.relative}" if self.relative else str(self.task_id)


def read_wanted(text: str | None) -> tuple[WantedModel, ...]:
    """Read the models that an address names, each once.

    Raises:
        InputError: Something else is among them.
    """
    found: dict[str, WantedModel] = {}
    for word in filter(None, (part.strip() for part in (text or "").split(_NEXT))):
        named, _from, number = word.partition(_FROM)
        task, _file, relative = named.partition(_FILE)
        if not (task.isascii() and task.isdigit()):
            raise InputError(
                _("“{word}” names no model of an experiment.").format(word=word), _("Choose models on this page.")
            )
        one = WantedModel(task_id=TaskId(int(task)), relative=relative, confidence=_confidence(number))
        found.setdefault(one.key, one)
    return tuple(found.values())


def write_wanted(models: Iterable[tuple[str, float | None]]) -> str:
    """Write keys of models, each with the confidence that is not the usual one, into an address."""
    return _NEXT.join(key if least is None else f"{key}{_FROM}{least:g}" for key, least in models)


def _confidence(text: str) -> float | None:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return None
    return min(value, 1.0) if value >= LEAST_CONFIDENCE else None
