"""Experiments as the comparison sees them: what is known of each, and why something is not."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

import yaml
from msgspec import Struct, convert

from traindash.comparison.palette import SeriesStyle, style_of
from traindash.comparison.speed import SpeedTest
from traindash.domain.curves import TrainingCurves
from traindash.domain.experiment import MEAN_IOU, ExperimentInfo
from traindash.evaluation.evaluation import Evaluation, SizeSlice, size_slices
from traindash.evaluation.semantic import SemanticEvaluation
from traindash.formatting import count, listing, plural, quoted
from traindash.language import N_, ngettext
from traindash.language import gettext as _
from traindash.text_files import EncodingError, decode_text
from traindash.yaml_text import compose, values

# The images and classes that unlike experiments are re-scored on, and what that leaves out.


@dataclass(frozen=True, slots=True, kw_only=True)
class OmittedImage:
    """An evaluated image that is not in the common set."""

    name: str
    dataset: str  # where it belongs
    reason: str  # why it is left out, e.g. `not in all experiments`


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What of one evaluation is not in the common set."""

    key: str
    label: str
    evaluated: int  # images it was measured on
    images: tuple[OmittedImage, ...]  # those of them that are left out
    classes: tuple[str, ...]  # its classes that are left out

    @property
    def words(self) -> str:
        """What is left out, as a sentence; class names up to eight."""
        parts = []
        if self.images:
            of = ngettext("{number} of {total} image", "{number} of {total} images", self.evaluated)
            parts.append(of.format(number=count(len(self.images)), total=count(self.evaluated)))
        if self.classes:
            names = listing([quoted(name) for name in self.classes], limit=8)
            parts.append(f"{plural(len(self.classes), 'class', 'classes')}: {names}")
        return f"{quoted(self.label)}: {'; '.join(parts) or _('nothing')}."


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonSet:
    """What all experiments were scored on again."""

    images: int  # number of images; annotated alike, and no experiment is known to have been trained on them
    classes: tuple[str, ...]
    reasons: tuple[str, ...]  # why the figures as each was measured must not stand side by side
    left_out: tuple[LeftOut, ...]  # one entry for each experiment that has an evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Something that an experiment does not have."""

    # why, as a message that ends the sentence "“name” …": `was trained without the benchmark`; with `{about}` for that
    reason: str
    about: str = ""
    may_return: bool = False  # it was there and may be there again, so it is worth looking for at the next time

    @property
    def words(self) -> str:
        """Why, in the language of whoever reads it; as ``reason``."""
        return _(self.reason).format(about=self.about)


_T = TypeVar("_T")
Maybe: TypeAlias = _T | Missing

NO_CURVES = Missing(reason=N_("left no curves of its training: no table of them and no event files of TensorBoard"))
IS_SEMANTIC = Missing(
    reason=N_("gives every pixel a class and finds no single objects, so it has nothing of this kind")
)
NOT_LOADED = Missing(reason=N_("has no data of this kind"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedExperiment:
    """One experiment of a comparison."""

    key: str  # identifies it among the others; the task id as text where there is one
    label: str  # what it is called beside the others, short; unique within the comparison
    name: str = ""  # its whole name, shown once and on hover; empty where the label is all there is
    style: SeriesStyle = field(default_factory=lambda: style_of(0))  # how it is drawn
    info: ExperimentInfo | None = None  # the experiment's record; `None` for a bare evaluation directory
    evaluation: Maybe[Evaluation] = NOT_LOADED  # matches and metrics, recomputed from the COCO files
    # figures of each class of a semantic segmentation, which has no evaluation by matches
    semantic: Maybe[SemanticEvaluation] = NOT_LOADED
    speed: Maybe[SpeedTest] = NOT_LOADED
    training: Maybe[TrainingCurves] = NOT_LOADED  # curves of the training
    hyperparameters: Maybe[Mapping[str, object]] = NOT_LOADED  # as they were used
    app_state: Maybe[Mapping[str, object]] = NOT_LOADED  # the `guiState` as it was used: model, options, split, classes
    train_image_ids: frozenset[int] | None = None  # images it was trained on; `None` where the record does not say
    checkpoint_bytes: int | None = None  # size of the best checkpoint
    # figures of its evaluation by size of the objects; empty where nobody has measured them yet
    sizes: tuple[SizeSlice, ...] = ()
    version: str = ""  # changes with what is known of the experiment; empty where nobody keeps anything made from it

    @property
    def full_name(self) -> str:
        """Its whole name."""
        return self.name or self.label

    @property
    def known_hyperparameters(self) -> Mapping[str, object] | None:
        """The hyperparameters, ``None`` where they are missing."""
        return None if isinstance(self.hyperparameters, Missing) else self.hyperparameters

    @property
    def is_semantic(self) -> bool:
        """Whether its model gives every pixel a class, so that it has a mIoU and no mAP."""
        return isinstance(self.semantic, SemanticEvaluation) or (self.info is not None and self.info.is_semantic)

    @property
    def evaluated_classes(self) -> tuple[str, ...]:
        """Names of the classes it was measured on; empty without an evaluation."""
        if isinstance(self.semantic, SemanticEvaluation):
            return tuple(one.name for one in self.semantic.classes)
        return self.evaluation.classes if isinstance(self.evaluation, Evaluation) else ()

    def by_size(self) -> tuple[SizeSlice, ...]:
        """Return the figures of small, medium and large objects; empty without an evaluation."""
        if not isinstance(self.evaluation, Evaluation):
            return ()
        return self.sizes or size_slices(self.evaluation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Experiments side by side; none at all is allowed."""

    experiments: tuple[ComparedExperiment, ...]  # in the order in which they are shown
    baseline: int = 0  # position of the one that the others are measured against
    # what the evaluations were scored on again; `None` where they are as each was measured
    common: CommonSet | None = None
    decimals: int = 3  # of metrics between 0 and 1 wherever they are written, 3 or 4

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
    def semantic(self) -> tuple[tuple[ComparedExperiment, SemanticEvaluation], ...]:
        """The experiments that have figures of every class of a semantic segmentation."""
        return tuple((e, e.semantic) for e in self.experiments if isinstance(e.semantic, SemanticEvaluation))

    @property
    def score(self) -> str:
        """Name of the figure that ranks these experiments: `mIoU` where all of them label pixels, else `mAP`."""
        return MEAN_IOU if self.experiments and all(e.is_semantic for e in self.experiments) else "mAP"

    @property
    def reading_notes(self) -> tuple[str, ...]:
        """What was left out of the files of the evaluations or read in another way; with several, whose files."""
        several = len(self.experiments) > 1
        return tuple(
            f"{experiment.label}: {note}" if several else note
            for experiment, evaluation in self.evaluated
            for note in evaluation.pair.notes
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes of all evaluations together, alphabetical."""
        return tuple(sorted({name for _e, evaluation in self.evaluated for name in evaluation.classes}))


def unique_labels(names: Sequence[str], keys: Sequence[str]) -> tuple[str, ...]:
    """Return names that are all different: an empty one is called by its key, one used twice gets its key added."""
    plain = [name.strip() or _("Experiment {number}").format(number=key) for name, key in zip(names, keys, strict=True)]
    uses = Counter(plain)
    return tuple(f"{name} ({key})" if uses[name] > 1 else name for name, key in zip(plain, keys, strict=True))


def explain_missing(things: Sequence[tuple[str, object]]) -> tuple[str, ...]:
    """Return a sentence for every thing, with the label of its experiment, that is missing, with its reason."""
    return tuple(
        _("“{name}” {does}.").format(name=label, does=thing.words)
        for label, thing in things
        if isinstance(thing, Missing)
    )


# The small files of an experiment, from their content to values; whoever gets the content is somebody else.


class _Split(Struct):
    train: tuple[int, ...] | None = None


def parse_hyperparameters(content: bytes) -> Maybe[Mapping[str, object]]:
    """Read ``hyperparameters.yaml``."""
    try:
        loaded = values(compose(decode_text(content, "hyperparameters.yaml"), takes_repeated=True))
    except EncodingError:
        return Missing(reason=N_("has hyperparameters that are not UTF-8"))
    except yaml.YAMLError:
        loaded = None
    if isinstance(loaded, dict) and all(isinstance(key, str) for key in loaded):
        return loaded
    return Missing(reason=N_("has hyperparameters that are not valid YAML"))


def parse_app_state(content: bytes) -> Maybe[Mapping[str, object]]:
    """Read ``app_state.json``."""
    try:
        loaded = json.loads(content)
    except (ValueError, RecursionError):
        loaded = None
    return loaded if isinstance(loaded, dict) else Missing(reason=N_("has settings that cannot be read"))


def parse_train_images(content: bytes) -> frozenset[int] | None:
    """Read the ids of the training images from ``train_val_split.json``; ``None`` where it does not say."""
    try:
        split = convert(json.loads(content), _Split, strict=False)
    except (ValueError, RecursionError):
        return None
    return None if split.train is None else frozenset(split.train)
