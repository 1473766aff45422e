"""Why experiments may not stand side by side: one check per cause, each gives sentences for people."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.evaluation.identity import IdentityKind, ImageName, MeasuredModel

KINDS = {"bbox": "boxes", "segm": "masks"}


class ReasonKind(StrEnum):
    """What a reason is about."""

    TASK = "task"
    IMAGES = "images"
    ANNOTATIONS = "annotations"
    CLASSES = "classes"
    THRESHOLDS = "thresholds"
    VERSION = "project version"
    LEAKAGE = "leakage"
    UNKNOWN_TRAINING = "unknown training images"
    WEAK_IDENTITY = "images told apart by name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Something that differs or is not known.

    Attributes:
        kind: What it is about.
        text: For people; one sentence.
        names: The experiments it concerns.
        only_a_warning: The figures may stand side by side nevertheless.
    """

    kind: ReasonKind
    text: str
    names: tuple[str, ...]
    only_a_warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the checks look at; lists have one entry per candidate.

    Attributes:
        models: The experiments.
        identity: By what images are told apart.
        images: Names of the evaluated images.
        shared: Images that all of them have.
        classes: Classes that all of them have.
        changed: Shared images whose annotations differ.
        seen: Evaluated images it was trained on; ``None`` where that is not known.
    """

    models: Sequence[MeasuredModel]
    identity: IdentityKind
    images: Sequence[tuple[ImageName, ...]]
    shared: Sequence[ImageName]
    classes: tuple[str, ...]
    changed: int
    seen: Sequence[frozenset[ImageName] | None]


def all_reasons(found: Findings) -> tuple[Reason, ...]:
    """Return everything that differs or is not known."""
    checks = (
        _task,
        _images,
        _annotations,
        _classes,
        _thresholds,
        _version,
        _leakage,
        _unknown_training,
        _weak_identity,
    )
    return tuple(reason for check in checks for reason in check(found))


def _task(found: Findings) -> Iterator[Reason]:
    kinds = {model.evaluation.kind for model in found.models}
    if len(kinds) > 1:
        text = f"Some experiments were scored by {KINDS['bbox']}, others by {KINDS['segm']}."
        yield Reason(kind=ReasonKind.TASK, text=text, names=_names(found))


def _images(found: Findings) -> Iterator[Reason]:
    for model, images in zip(found.models, found.images, strict=True):
        own = len(images) - len(found.shared)
        if own:
            text = f"{own} of the {len(images)} images of {model.name} are not in all experiments."
            yield Reason(kind=ReasonKind.IMAGES, text=text, names=(model.name,))


def _annotations(found: Findings) -> Iterator[Reason]:
    if found.changed:
        text = f"The annotations of {found.changed} common images are not the same in all experiments."
        yield Reason(kind=ReasonKind.ANNOTATIONS, text=text, names=_names(found))


def _classes(found: Findings) -> Iterator[Reason]:
    for model in found.models:
        own = [name for name in model.evaluation.classes if name not in found.classes]
        if own:
            text = f"{model.name} has classes that not all experiments have: {', '.join(own)}."
            yield Reason(kind=ReasonKind.CLASSES, text=text, names=(model.name,))


def _thresholds(found: Findings) -> Iterator[Reason]:
    settings = [model.evaluation.settings for model in found.models]
    if any((s.iou_threshold, s.iou_threshold_per_class) != _ious(found) for s in settings):
        text = "The experiments were scored at different IoU thresholds."
        yield Reason(kind=ReasonKind.THRESHOLDS, text=text, names=_names(found))
    if len({s.confidence_threshold for s in settings}) > 1:
        text = "The confidence thresholds were not chosen in the same way."
        yield Reason(kind=ReasonKind.THRESHOLDS, text=text, names=_names(found))


def _version(found: Findings) -> Iterator[Reason]:
    known = {model.project_version for model in found.models if model.project_version is not None}
    if len(known) > 1:
        text = "The experiments were scored on different versions of the project."
        yield Reason(kind=ReasonKind.VERSION, text=text, names=_names(found), only_a_warning=found.changed == 0)


def _leakage(found: Findings) -> Iterator[Reason]:
    for model, images, seen in zip(found.models, found.images, found.seen, strict=True):
        if seen:
            text = f"{model.name} was trained on {len(seen)} of the {len(images)} images it was scored on."
            yield Reason(kind=ReasonKind.LEAKAGE, text=text, names=(model.name,))


def _unknown_training(found: Findings) -> Iterator[Reason]:
    unknown = tuple(c.name for c, seen in zip(found.models, found.seen, strict=True) if seen is None)
    if unknown:
        text = f"It is not known on which images {', '.join(unknown)} was trained."
        yield Reason(kind=ReasonKind.UNKNOWN_TRAINING, text=text, names=unknown, only_a_warning=True)


def _weak_identity(found: Findings) -> Iterator[Reason]:
    if found.identity is IdentityKind.NAME and len(found.models) > 1:
        text = "Images were told apart by dataset, name and size, because neither content nor ids agree."
        yield Reason(kind=ReasonKind.WEAK_IDENTITY, text=text, names=_names(found), only_a_warning=True)


def _names(found: Findings) -> tuple[str, ...]:
    return tuple(model.name for model in found.models)


def _ious(found: Findings) -> tuple[float, object]:
    first = found.models[0].evaluation.settings
    return first.iou_threshold, first.iou_threshold_per_class
