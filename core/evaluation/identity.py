"""Which image is which, across evaluations: by content, by the platform's id, or by dataset, name and size.

A bare file name is never enough: two datasets may both hold ``0001.jpg``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, assert_never

from core.evaluation.evaluation import Evaluation


class IdentityKind(StrEnum):
    """By what images are told apart; the first one that all evaluations have is taken."""

    CONTENT = "content"
    ID = "id"
    NAME = "name"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredModel:
    """An experiment that shall be compared.

    Attributes:
        name: For the reasons.
        evaluation: Its evaluation.
        content: Hash of the file by the platform's image id, for the evaluated and the training images.
        trained_on: Platform ids of the images it was trained on; ``None`` when nobody knows.
        project_version: Whatever names the state of the project's annotations; ``None`` when nobody knows.
    """

    name: str
    evaluation: Evaluation
    content: Mapping[int, str] = field(default_factory=dict)
    trained_on: frozenset[int] | None = None
    project_version: str | None = None


class ImageName(NamedTuple):
    """An image across evaluations.

    Attributes:
        text: Its content, id or name.
        copy: 1, or 2, 3, … for further images of the same evaluation with the same text.
    """

    text: str
    copy: int


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
