"""Experiments as the comparison sees them: what is known of each, and why something is not."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from core.compare.common_set import CommonSet
from core.compare.curves import TrainingCurves
from core.compare.palette import SeriesStyle, style_of
from core.compare.speed import SpeedTest
from core.domain.experiment import ExperimentInfo
from core.evaluation import Evaluation, SizeSlice, size_slices


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Something that an experiment does not have.

    Attributes:
        reason: Why, as the end of the sentence "“name” …": ``was trained without the benchmark``.
        may_return: It was there and may be there again, so it is worth looking for at the next time.
    """

    reason: str
    may_return: bool = False


_T = TypeVar("_T")
Maybe: TypeAlias = _T | Missing

NOT_LOADED = Missing(reason="has no data of this kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedExperiment:
    """One experiment of a comparison.

    Attributes:
        key: Identifies it among the others; the task id as text where there is one.
        label: What people call it; unique within the comparison.
        style: How it is drawn.
        info: The experiment's record; ``None`` for a bare evaluation directory.
        evaluation: Matches and metrics, recomputed from the COCO files.
        speed: The speed test.
        training: Curves of the training.
        hyperparameters: As they were used.
        app_state: The ``guiState`` as it was used: model, options, split, classes.
        train_image_ids: Images it was trained on; ``None`` where the record does not say.
        checkpoint_bytes: Size of the best checkpoint.
        sizes: Figures of its evaluation by size of the objects; empty where nobody has measured them yet.
        version: Changes with what is known of the experiment; empty where nobody keeps anything made from it.
    """

    key: str
    label: str
    style: SeriesStyle = field(default_factory=lambda: style_of(0))
    info: ExperimentInfo | None = None
    evaluation: Maybe[Evaluation] = NOT_LOADED
    speed: Maybe[SpeedTest] = NOT_LOADED
    training: Maybe[TrainingCurves] = NOT_LOADED
    hyperparameters: Maybe[Mapping[str, object]] = NOT_LOADED
    app_state: Maybe[Mapping[str, object]] = NOT_LOADED
    train_image_ids: frozenset[int] | None = None
    checkpoint_bytes: int | None = None
    sizes: tuple[SizeSlice, ...] = ()
    version: str = ""

    def by_size(self) -> tuple[SizeSlice, ...]:
        """Return the figures of small, medium and large objects; empty without an evaluation."""
        if not isinstance(self.evaluation, Evaluation):
            return ()
        return self.sizes or size_slices(self.evaluation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Experiments side by side; none at all is allowed.

    Attributes:
        experiments: In the order in which they are shown.
        baseline: Position of the one that the others are measured against.
        common: What the evaluations were scored on again; ``None`` where they are as each was measured.
        decimals: Of metrics between 0 and 1 wherever they are written, 3 or 4.
    """

    experiments: tuple[ComparedExperiment, ...]
    baseline: int = 0
    common: CommonSet | None = None
    decimals: int = 3

    @property
    def fingerprint(self) -> str:
        """Equal for comparisons that look the same: the key under which things made from them are kept."""
        shown = (self.baseline, self.decimals, self.common is not None)
        return repr((shown, [(e.key, e.version, e.label, e.style) for e in self.experiments]))

    @property
    def labels(self) -> tuple[str, ...]:
        """Names in the order shown."""
        return tuple(experiment.label for experiment in self.experiments)

    @property
    def evaluated(self) -> tuple[tuple[ComparedExperiment, Evaluation], ...]:
        """The experiments that have an evaluation."""
        return tuple((e, e.evaluation) for e in self.experiments if isinstance(e.evaluation, Evaluation))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes of all evaluations together, alphabetical."""
        return tuple(sorted({name for _, evaluation in self.evaluated for name in evaluation.classes}))


def unique_labels(names: Sequence[str], keys: Sequence[str]) -> tuple[str, ...]:
    """Return names that are all different: a name used twice gets its key added.

    Args:
        names: Experiment names, possibly equal or empty.
        keys: Their keys, all different.
    """
    plain = [name.strip() or f"Experiment {key}" for name, key in zip(names, keys, strict=True)]
    uses = Counter(plain)
    return tuple(f"{name} ({key})" if uses[name] > 1 else name for name, key in zip(plain, keys, strict=True))


def explain_missing(things: Sequence[tuple[str, object]]) -> tuple[str, ...]:
    """Return a sentence for every experiment that lacks something, with its reason.

    Args:
        things: (label, the thing or :class:`Missing`) of each experiment.
    """
    return tuple(f"“{label}” {thing.reason}." for label, thing in things if isinstance(thing, Missing))
