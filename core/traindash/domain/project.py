"""Projects and what is in them: datasets, object classes, tags, collections, statistics.

``extra`` holds fields of Supervisely's JSON without a field of their own, as in :mod:`traindash.domain.annotation`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from traindash.domain.annotation import Tag
from traindash.domain.ids import CollectionId, DatasetId, ImageId, ProjectId, TeamId, WorkspaceId

# of a class or tag whose server names none
NO_COLOR = "#7B7F85"
_CLASS_COLORS = (
    "#E5484D", "#3E9BDC", "#34A470", "#F2C53D", "#8E4EC6", "#F2812D", "#00A2A7", "#D6409F", "#9B5C3E", "#5B7F2A",
    "#4C5BD4", "#C4A000",
)  # fmt: skip


def class_color(number: int) -> str:
    """Return ``#RRGGBB`` for the class at a position from 0 that has none; those a dozen apart differ in brightness."""
    base, round_ = _CLASS_COLORS[number % len(_CLASS_COLORS)], number // len(_CLASS_COLORS)
    factor = (1.0, 0.72, 1.28, 0.55)[round_ % 4]
    parts = (min(255, round(int(base[start : start + 2], 16) * factor)) for start in (1, 3, 5))
    return "#" + "".join(f"{part:02X}" for part in parts)


NameKind: TypeAlias = Literal["class", "tag"]  # what a project meta names: object classes, and tags


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectClass:
    """An object class of a project meta."""

    # unique within the project
    name: str = field(metadata={"json": "title"})  # the SDK, too, calls it name (``ObjClass``)
    shape: str  # Supervisely shape name: `rectangle`, `polygon`, `bitmap`, `any`, …
    color: str = NO_COLOR  # `#RRGGBB`
    # the server's own, which a rename keeps; `None` in files, and never a difference
    id: int | None = field(default=None, compare=False)
    # `geometry_config` (the skeleton of key points), `hotkey`, `description`, …
    extra: Mapping[str, object] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TagMeta:
    """A tag that a project defines."""

    name: str  # unique within the project
    # Inside a project meta, and only there, Supervisely's keys are in snake_case (docs/supervisely-api.md 3.4).
    # `none`, `any_string`, `any_number` or `oneof_string`
    value_type: str = field(default="none", metadata={"json": "value_type"})
    values: tuple[str, ...] = ()  # allowed values of a `oneof_string` tag
    color: str = NO_COLOR  # `#RRGGBB`
    # `all`, `imagesOnly` or `objectsOnly`
    applicable_type: str = field(default="all", metadata={"json": "applicable_type"})
    id: int | None = field(default=None, compare=False)  # as that of a class
    extra: Mapping[str, object] = field(default_factory=dict, hash=False)  # `hotkey`, `classes`, `target_type`, …


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectMeta:
    """Object classes and tags of a project, in the project's order."""

    classes: tuple[ObjectClass, ...]
    tags: tuple[TagMeta, ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict, hash=False)  # `projectType`, `projectSettings`, …


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A group of people who share Team Files, agents and workspaces."""

    id: TeamId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A folder of projects within a team."""

    id: WorkspaceId
    name: str
    team_id: TeamId
    # people do not work in it, for programs keep there what they need; `None` where the server does not say
    hidden: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project."""

    id: ProjectId
    name: str
    workspace_id: WorkspaceId
    team_id: TeamId
    description: str = ""
    type: str = "images"
    items_count: int = 0  # number of images over all datasets
    datasets_count: int = 0
    size_bytes: int = field(default=0, metadata={"json": "size"})
    created_at: datetime | None = None
    updated_at: datetime | None = None
    version: int | None = None  # version id and number of the data, `None` where the server keeps none
    custom_data: Mapping[str, object] | None = None  # free JSON that apps store with the project


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A dataset of a project."""

    id: DatasetId
    name: str
    project_id: ProjectId
    items_count: int = 0  # number of images directly in it
    parent_id: DatasetId | None = None  # the dataset that contains this one, `None` at the top
    is_favorite: bool = False  # somebody has pinned it


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A named set of images of a project, over all its datasets."""

    id: CollectionId
    name: str
    project_id: ProjectId
    type: str = "default"
    items_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassStatistics:
    """How often one object class occurs."""

    name: str
    images: int  # number of images with at least one object of the class
    objects: int  # number of objects
    images_by_dataset: Mapping[DatasetId, int]  # the same number of images per dataset
    objects_by_dataset: Mapping[DatasetId, int]  # the same number of objects per dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectStatistics:
    """Counts of a project."""

    # Empty classes stay in: a person who chooses classes has to see that there is nothing to learn from.
    # one entry per class of the meta, in the meta's order; empty classes have zeros
    classes: tuple[ClassStatistics, ...]
    image_tags: Mapping[str, int]  # number of images per image tag
    images: int  # number of images
    object_tags: Mapping[str, int] = field(default_factory=dict)  # number of objects per object tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image as the server lists it; its pixels are fetched apart."""

    id: ImageId
    name: str
    dataset_id: DatasetId
    width: int = 0
    height: int = 0
    hash: str = ""  # base64 of the SHA-256 of the file; identifies the content
    size_bytes: int = field(default=0, metadata={"json": "size"})  # file size
    labels_count: int = 0
    tags: tuple[Tag, ...] = ()
    updated_at: str = ""  # ISO 8601: when it or what is drawn on it changed last
