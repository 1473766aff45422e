"""May these experiments be compared, and on which images would it be fair?"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, assert_never

import numpy as np

from traindash.errors import InputError
from traindash.evaluation.coco_files import IntArray
from traindash.evaluation.evaluation import Evaluation, restrict
from traindash.evaluation.outcomes import EvaluationSettings
from traindash.formatting import count, listing
from traindash.language import gettext as _
from traindash.language import ngettext

# Which image is which, across evaluations: by content, by the platform's id, or by dataset, name and size.
#
# A bare file name is never enough: two datasets may both hold ``0001.jpg``.


class IdentityKind(StrEnum):
    """By what images are told apart; the first one that all evaluations have is taken."""

    CONTENT = "content"
    ID = "id"
    NAME = "name"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredModel:
    """An experiment that shall be compared."""

    name: str  # for the reasons
    evaluation: Evaluation  # its evaluation
    # hash of the file by the platform's image id, for the evaluated and the training images
    content: Mapping[int, str] = field(default_factory=dict)
    trained_on: frozenset[int] | None = None  # platform ids of the images it was trained on; `None` when nobody knows
    # Whatever names the state of the project's annotations; `None` when nobody knows
    project_version: str | None = None
    project: str | None = None  # identifies the project; `None` where that is not known


class ImageName(NamedTuple):
    """An image across evaluations."""

    text: str  # its content, id or name
    copy: int  # 1, or 2, 3, … for further images of the same evaluation with the same text


def identity_kind(models: Sequence[MeasuredModel]) -> IdentityKind:
    """Return the strongest way to tell images apart that all candidates share.

    Ids of different projects never agree, even for copies of the same image: without any id in common, names are taken.
    """
    ids = [set(model.evaluation.pair.images.sly_ids.tolist()) for model in models]
    if all(one <= set(model.content) for one, model in zip(ids, models, strict=True)):
        return IdentityKind.CONTENT
    if all(-1 not in one for one in ids) and set.intersection(*ids):
        return IdentityKind.ID
    return IdentityKind.NAME


def identities(model: MeasuredModel, kind: IdentityKind) -> tuple[ImageName, ...]:
    """Return (I) names of the evaluated images."""
    seen: Counter[str] = Counter()
    names = []
    for text in _texts(model, kind):
        seen[text] += 1
        names.append(ImageName(text, seen[text]))
    return tuple(names)


def _texts(model: MeasuredModel, kind: IdentityKind) -> list[str]:
    images = model.evaluation.pair.images
    match kind:
        case IdentityKind.CONTENT:
            return [model.content[one] for one in images.sly_ids.tolist()]
        case IdentityKind.ID:
            return [str(one) for one in images.sly_ids.tolist()]
        case IdentityKind.NAME:
            columns = zip(images.datasets, images.file_names, images.sizes.tolist(), strict=True)
            return [f"{dataset}/{name} {width}x{height}" for dataset, name, (width, height) in columns]
        case _:
            assert_never(kind)


def training_identities(model: MeasuredModel, kind: IdentityKind) -> frozenset[str] | None:
    """Return the texts of the images it was trained on; ``None`` when they cannot be named that way."""
    if model.trained_on is None or kind is IdentityKind.NAME:
        return None
    if kind is IdentityKind.ID:
        return frozenset(str(one) for one in model.trained_on)
    if not model.trained_on <= set(model.content):
        return None
    return frozenset(model.content[one] for one in model.trained_on)


# Why experiments may not stand side by side: one check per cause, each gives sentences for people.


class ReasonKind(StrEnum):
    """What a reason is about."""

    TASK = "task"
    IMAGES = "images"
    ANNOTATIONS = "annotations"
    CLASSES = "classes"
    THRESHOLDS = "thresholds"
    PROJECT = "project"
    VERSION = "project version"
    LEAKAGE = "leakage"
    UNKNOWN_TRAINING = "unknown training images"
    WEAK_IDENTITY = "images told apart by name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Something that differs or is not known."""

    kind: ReasonKind  # what it is about
    text: str  # for people; one sentence
    names: tuple[str, ...]  # the experiments it concerns
    only_a_warning: bool = False  # the figures may stand side by side nevertheless


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the checks look at; lists have one entry per candidate."""

    models: Sequence[MeasuredModel]  # the experiments
    identity: IdentityKind  # by what images are told apart
    images: Sequence[tuple[ImageName, ...]]  # names of the evaluated images
    shared: Sequence[ImageName]  # images that all of them have
    classes: tuple[str, ...]  # classes that all of them have
    changed: int  # shared images whose annotations differ
    seen: Sequence[frozenset[ImageName] | None]  # evaluated images it was trained on; `None` where that is not known


def _all_reasons(found: Findings) -> tuple[Reason, ...]:
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
        text = _("Some experiments were scored by boxes, others by masks.")
        yield Reason(kind=ReasonKind.TASK, text=text, names=_names(found))


def _images(found: Findings) -> Iterator[Reason]:
    for model, images in zip(found.models, found.images, strict=True):
        own = len(images) - len(found.shared)
        if own:
            text = ngettext(
                "{number} of the {total} images of {name} is not in all experiments.",
                "{number} of the {total} images of {name} are not in all experiments.",
                own,
            ).format(number=count(own), total=count(len(images)), name=model.name)
            yield Reason(kind=ReasonKind.IMAGES, text=text, names=(model.name,))


def _annotations(found: Findings) -> Iterator[Reason]:
    if found.changed:
        text = ngettext(
            "The annotations of {count} common image are not the same in all experiments.",
            "The annotations of {count} common images are not the same in all experiments.",
            found.changed,
        ).format(count=count(found.changed))
        yield Reason(kind=ReasonKind.ANNOTATIONS, text=text, names=_names(found))


def _classes(found: Findings) -> Iterator[Reason]:
    for model in found.models:
        own = [name for name in model.evaluation.classes if name not in found.classes]
        if own:
            unlike = _("{name} has classes that not all experiments have: {classes}.")
            text = unlike.format(name=model.name, classes=", ".join(own))
            yield Reason(kind=ReasonKind.CLASSES, text=text, names=(model.name,))


def _thresholds(found: Findings) -> Iterator[Reason]:
    settings = [model.evaluation.settings for model in found.models]
    ious = [(s.iou_threshold, s.iou_threshold_per_class) for s in settings]
    if any(one != ious[0] for one in ious):
        text = _("The experiments were scored at different IoU thresholds.")
        yield Reason(kind=ReasonKind.THRESHOLDS, text=text, names=_names(found))
    if len({s.confidence_threshold for s in settings}) > 1:
        text = _("The confidence thresholds were not chosen in the same way.")
        yield Reason(kind=ReasonKind.THRESHOLDS, text=text, names=_names(found))


def _version(found: Findings) -> Iterator[Reason]:
    known = {model.project_version for model in found.models if model.project_version is not None}
    if len({model.project for model in found.models if model.project is not None}) > 1:
        text = _("The experiments were scored on different projects.")
        yield Reason(kind=ReasonKind.PROJECT, text=text, names=_names(found), only_a_warning=found.changed == 0)
    elif len(known) > 1:
        text = _("The experiments were scored on different versions of the project.")
        yield Reason(kind=ReasonKind.VERSION, text=text, names=_names(found), only_a_warning=found.changed == 0)


def _leakage(found: Findings) -> Iterator[Reason]:
    for model, images, seen in zip(found.models, found.images, found.seen, strict=True):
        if seen:
            trained = _("{name} was trained on {number} of the {total} images it was scored on.")
            text = trained.format(name=model.name, number=count(len(seen)), total=count(len(images)))
            yield Reason(kind=ReasonKind.LEAKAGE, text=text, names=(model.name,))


def _unknown_training(found: Findings) -> Iterator[Reason]:
    unknown = tuple(c.name for c, seen in zip(found.models, found.seen, strict=True) if seen is None)
    if unknown:
        text = ngettext(
            "It is not known on which images {names} was trained.",
            "It is not known on which images {names} were trained.",
            len(unknown),
        ).format(names=listing(unknown))
        yield Reason(kind=ReasonKind.UNKNOWN_TRAINING, text=text, names=unknown, only_a_warning=True)


def _weak_identity(found: Findings) -> Iterator[Reason]:
    if found.identity is IdentityKind.NAME and len(found.models) > 1:
        text = _("Images were told apart by dataset, name and size, because neither content nor ids agree.")
        yield Reason(kind=ReasonKind.WEAK_IDENTITY, text=text, names=_names(found), only_a_warning=True)


def _names(found: Findings) -> tuple[str, ...]:
    return tuple(model.name for model in found.models)


class ComparabilityKind(StrEnum):
    """What follows."""

    COMPARABLE = "comparable"  # the figures may stand side by side as they are
    RESCORE = "rescore"  # only on the common set
    NOT_COMPARABLE = "not comparable"  # there is no common set


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparability:
    """The verdict on n experiments.

    Attributes:
        verdict: What follows.
        reasons: Why; empty when everything is the same and known.
        identity: By what images were told apart.
        images: The common images, annotated alike and not trained on by any experiment whose training images are known.
        rows: For each experiment the rows of these images in its evaluation.
        classes: The common classes, in the order of the first experiment.
    """

    kind: ComparabilityKind
    reasons: tuple[Reason, ...]
    identity: IdentityKind
    images: tuple[ImageName, ...]
    rows: tuple[IntArray, ...]
    classes: tuple[str, ...]


def comparability(models: Sequence[MeasuredModel]) -> Comparability:
    """Judge experiments; at least one."""
    kind = identity_kind(models)
    names = [identities(model, kind) for model in models]
    places = [{name: row for row, name in enumerate(one)} for one in names]
    shared = [name for name in names[0] if all(name in place for place in places)]
    classes = tuple(
        name for name in models[0].evaluation.classes if all(name in one.evaluation.classes for one in models)
    )
    rows = [np.array([place[name] for name in shared], dtype=np.int64) for place in places]
    digests = [_digests(model.evaluation, one, classes) for model, one in zip(models, rows, strict=True)]
    # Whether all experiments were scored against the same objects of common classes, for each common image
    alike = np.array([len(set(same)) == 1 for same in zip(*digests, strict=True)], dtype=np.bool_)
    trained = [training_identities(model, kind) for model in models]
    reasons = _all_reasons(
        Findings(
            models=models,
            identity=kind,
            images=names,
            shared=shared,
            classes=classes,
            changed=int((~alike).sum()),
            seen=[
                None if known is None else frozenset(name for name in one if name.text in known)
                for one, known in zip(names, trained, strict=True)
            ],
        )
    )
    # An image that one model was trained on is unfair to all others
    leaked = frozenset[str]().union(*(known for known in trained if known is not None))
    fair = alike & np.array([name.text not in leaked for name in shared], dtype=np.bool_)
    kept = tuple(one[fair] for one in rows)
    return Comparability(
        kind=_kind_of(reasons, models[0].evaluation, kept[0], classes),
        reasons=reasons,
        identity=kind,
        images=tuple(name for name, good in zip(shared, fair.tolist(), strict=True) if good),
        rows=kept,
        classes=classes,
    )


def rescored(
    models: Sequence[MeasuredModel], common: Comparability, settings: EvaluationSettings | None = None
) -> tuple[Evaluation, ...]:
    """Return the evaluations on the common images and classes, with the same thresholds for all.

    Supervisely's default thresholds where none are given.

    Raises:
        InputError: There is no common set.
    """
    if common.kind is ComparabilityKind.NOT_COMPARABLE:
        message = "These experiments have no images and classes on which they can be compared."
        raise InputError(message, " ".join(reason.text for reason in common.reasons if not reason.only_a_warning))
    chosen = settings or EvaluationSettings()
    return tuple(
        restrict(model.evaluation, images=rows, classes=common.classes, settings=chosen)
        for model, rows in zip(models, common.rows, strict=True)
    )


def _digests(evaluation: Evaluation, rows: IntArray, classes: tuple[str, ...]) -> list[bytes]:
    """Return for each image its objects as bytes that do not depend on the order in the file."""
    gt, own = evaluation.pair.gt, evaluation.classes
    number = np.array([classes.index(name) if name in classes else -1 for name in own], dtype=np.float64)
    columns = (number[gt.category], *gt.boxes.T, gt.crowd.astype(np.float64), gt.image.astype(np.float64))
    # Boxes to the last bit: an annotation that was moved by a pixel is another one
    order = np.lexsort(columns)
    order = order[number[gt.category[order]] >= 0]
    table = np.stack(columns[:-1], axis=1)[order]
    image = gt.image[order]
    starts, ends = np.searchsorted(image, rows, side="left"), np.searchsorted(image, rows, side="right")
    return [table[start:end].tobytes() for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


def _kind_of(
    reasons: tuple[Reason, ...], first: Evaluation, rows: IntArray, classes: tuple[str, ...]
) -> ComparabilityKind:
    wanted = np.isin(first.pair.gt.image, rows) & ~first.pair.gt.crowd
    category = [first.classes.index(name) for name in classes]
    has_objects = bool((wanted & np.isin(first.pair.gt.category, category)).any())
    if not has_objects or any(reason.kind is ReasonKind.TASK for reason in reasons):
        return ComparabilityKind.NOT_COMPARABLE
    if any(not reason.only_a_warning for reason in reasons):
        return ComparabilityKind.RESCORE
    return ComparabilityKind.COMPARABLE
