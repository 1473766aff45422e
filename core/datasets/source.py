"""What every reader of a data layout gives: a project as it lies on disk, images one at a time."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from core.datasets.image_check import CheckedImage
from core.domain.project import ProjectMeta


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceImage:
    """An image file and what is drawn on it.

    Attributes:
        name: Name within its dataset, with extension.
        path: The image file; readers never write to it.
        annotation: Annotation in Supervisely JSON format.
        checked: What a look at the whole file found; ``None`` while nobody took one.
    """

    name: str
    path: Path
    annotation: Mapping[str, object]
    checked: CheckedImage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LazyImages:
    """Images that are read while they are walked over; each walk starts again from the first.

    Attributes:
        read: Opens a new walk.
    """

    read: Callable[[], Iterator[SourceImage]]

    def __iter__(self) -> Iterator[SourceImage]:
        """Start a walk."""
        return self.read()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDataset:
    """A dataset.

    Attributes:
        name: Name without its parents.
        parent: :attr:`path` of the dataset that contains it, ``None`` at the top.
        images: Its own images, not those of nested datasets. Walking may raise
            :class:`~core.errors.InputError` at the image that is not usable.
    """

    name: str
    parent: str | None
    images: Iterable[SourceImage]

    @property
    def path(self) -> str:
        """Names from the top joined by ``/``; unique within the project."""
        return self.name if self.parent is None else f"{self.parent}/{self.name}"


ImageKey: TypeAlias = tuple[str, str]
"""(path of the dataset, name of the image)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCollection:
    """A named set of images over all datasets.

    Attributes:
        images: To be read after the images of the datasets.
    """

    name: str
    images: Iterable[ImageKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSource:
    """A project.

    Attributes:
        datasets: Parents before their children.
        description: Text for people.
    """

    name: str
    meta: ProjectMeta
    datasets: tuple[SourceDataset, ...]
    collections: tuple[SourceCollection, ...] = ()
    description: str = ""
