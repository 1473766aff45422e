"""May these experiments be compared, and on which images would it be fair?"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from core.errors import InputError
from core.evaluation.comparability_reasons import Findings, Reason, ReasonKind, all_reasons
from core.evaluation.evaluation import Evaluation
from core.evaluation.identity import (
    IdentityKind,
    ImageName,
    MeasuredModel,
    identities,
    identity_kind,
    training_identities,
)
from core.evaluation.match_view import EvaluationSettings
from core.evaluation.records import BoolArray, IntArray
from core.evaluation.restriction import restrict


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
    alike = _annotated_alike([model.evaluation for model in models], rows, classes)
    trained = [training_identities(model, kind) for model in models]
    reasons = all_reasons(
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

    Args:
        models: The judged experiments.
        common: The verdict on them.
        settings: Thresholds; Supervisely's defaults where none are given.

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


def _annotated_alike(
    evaluations: Sequence[Evaluation], rows: Sequence[IntArray], classes: tuple[str, ...]
) -> BoolArray:
    """Return for each common image whether all experiments were scored against the same objects of common classes."""
    digests = [_digests(evaluation, one, classes) for evaluation, one in zip(evaluations, rows, strict=True)]
    return np.array([len(set(same)) == 1 for same in zip(*digests, strict=True)], dtype=np.bool_)


def _digests(evaluation: Evaluation, rows: IntArray, classes: tuple[str, ...]) -> list[bytes]:
    """Return for each image its objects as bytes that do not depend on the order in the file."""
    gt, own = evaluation.pair.gt, evaluation.classes
    number = np.array([classes.index(name) if name in classes else -1 for name in own], dtype=np.float64)
    columns = (number[gt.category], *gt.boxes.T, gt.crowd.astype(np.float64), gt.image.astype(np.float64))
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
