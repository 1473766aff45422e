"""Teams, workspaces, projects, datasets, collections, metas and statistics (contract section 3.4)."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import field

from core.api.wire.reading import Shape, Unvalidated, free_object, moment
from core.domain.ids import CollectionId, DatasetId, ProjectId, TeamId, WorkspaceId
from core.domain.project import (
    ClassStatistics,
    Collection,
    Dataset,
    ObjectClass,
    Project,
    ProjectMeta,
    ProjectStatistics,
    TagMeta,
    Team,
    Workspace,
)

_NO_COLOR = "#7B7F85"


class TeamShape(Shape):
    """An entity of ``teams.list``."""

    id: int
    name: str | None = None

    def team(self) -> Team:
        """Return the domain value."""
        return Team(id=TeamId(self.id), name=self.name or f"Team {self.id}")


class WorkspaceShape(Shape):
    """An entity of ``workspaces.list``."""

    id: int
    name: str | None = None
    team_id: int | None = None

    def workspace(self, team_id: TeamId) -> Workspace:
        """Return the domain value; the team that was asked for stands in where the row names none."""
        name = self.name or f"Workspace {self.id}"
        return Workspace(id=WorkspaceId(self.id), name=name, team_id=TeamId(self.team_id or team_id))


class _Version(Shape):
    version: int | None = None


class ProjectShape(Shape):
    """The answer of ``projects.info`` and an entity of ``projects.list``."""

    id: int
    workspace_id: int
    team_id: int
    name: str | None = None
    title: str | None = None
    description: str | None = None
    type: str | None = None
    items_count: int | None = None
    images_count: int | None = None
    datasets_count: int | None = None
    size: int | None = None
    created_at: Unvalidated = None
    updated_at: Unvalidated = None
    version: _Version | int | None = None
    reference_image_url: str | None = None
    custom_data: Unvalidated = None

    def project(self) -> Project:
        """Return the domain value."""
        version = self.version.version if isinstance(self.version, _Version) else self.version
        return Project(
            id=ProjectId(self.id),
            name=self.name or self.title or f"Project {self.id}",
            workspace_id=WorkspaceId(self.workspace_id),
            team_id=TeamId(self.team_id),
            description=self.description or "",
            type=self.type or "images",
            items_count=_first(self.items_count, self.images_count),
            datasets_count=self.datasets_count or 0,
            size_bytes=self.size or 0,
            created_at=moment(self.created_at),
            updated_at=moment(self.updated_at),
            version=version,
            reference_image_url=self.reference_image_url,
            custom_data=free_object(self.custom_data),
        )


class DatasetShape(Shape):
    """An entity of ``datasets.list``."""

    id: int
    name: str | None = None
    project_id: int | None = None
    items_count: int | None = None
    images_count: int | None = None
    parent_id: int | None = None

    def dataset(self, project_id: ProjectId) -> Dataset:
        """Return the domain value; the project that was asked for stands in where the row names none."""
        return Dataset(
            id=DatasetId(self.id),
            name=self.name or f"Dataset {self.id}",
            project_id=ProjectId(self.project_id or project_id),
            items_count=_first(self.items_count, self.images_count),
            parent_id=None if self.parent_id is None else DatasetId(self.parent_id),
        )


class CollectionShape(Shape):
    """An entity of ``entities-collections.list``."""

    id: int
    project_id: int
    name: str | None = None
    type: str | None = None
    items_count: int | None = None
    entities_count: int | None = None

    def collection(self) -> Collection:
        """Return the domain value."""
        return Collection(
            id=CollectionId(self.id),
            name=self.name or f"Collection {self.id}",
            project_id=ProjectId(self.project_id),
            type=self.type or "default",
            items_count=self.items_count if self.items_count is not None else self.entities_count,
        )


class _ClassShape(Shape):
    title: str
    shape: str
    color: str | None = None


class _TagShape(Shape):
    # The keys of a project meta are snake_case, unlike the rest of the API.
    name: str
    value_type: str = field(name="value_type", default="none")
    values: tuple[str, ...] | None = None
    color: str | None = None
    applicable_type: str | None = field(name="applicable_type", default=None)


class MetaShape(Shape):
    """The answer of ``projects.meta``."""

    classes: tuple[_ClassShape, ...]
    tags: tuple[_TagShape, ...] | None = None

    def meta(self) -> ProjectMeta:
        """Return the domain value."""
        return ProjectMeta(
            classes=tuple(
                ObjectClass(name=row.title, shape=row.shape, color=row.color or _NO_COLOR) for row in self.classes
            ),
            tags=tuple(
                TagMeta(
                    name=row.name,
                    value_type=row.value_type,
                    values=row.values or (),
                    color=row.color or _NO_COLOR,
                    applicable_type=row.applicable_type or "all",
                )
                for row in self.tags or ()
            ),
        )


class _Named(Shape):
    name: str
    id: int | None = None


class _DatasetCount(Shape):
    id: int
    count: int = 0


class _ClassCount(Shape):
    object_class: _Named
    total: int = 0
    datasets: tuple[_DatasetCount, ...] = ()

    def by_dataset(self) -> Mapping[DatasetId, int]:
        return {DatasetId(row.id): row.count for row in self.datasets}


class _ImageCounts(Shape):
    object_classes: tuple[_ClassCount, ...] = ()
    total: Any = None


class _ObjectCounts(Shape):
    items: tuple[_ClassCount, ...] = ()


class _TagCount(Shape):
    tag_meta: _Named
    total: int = 0


class _TagCounts(Shape):
    items: tuple[_TagCount, ...] = ()


class StatisticsShape(Shape):
    """The answer of ``projects.stats``."""

    images: _ImageCounts = field(default_factory=_ImageCounts)
    objects: _ObjectCounts = field(default_factory=_ObjectCounts)
    image_tags: _TagCounts = field(default_factory=_TagCounts)

    def statistics(self, meta: ProjectMeta, images: int) -> ProjectStatistics:
        """Return the domain value with one entry per class of the meta, in its order."""
        by_image = _by_name(self.images.object_classes)
        by_object = _by_name(self.objects.items)
        return ProjectStatistics(
            classes=tuple(_class_statistics(c.name, by_image.get(c.name), by_object.get(c.name)) for c in meta.classes),
            image_tags={row.tag_meta.name: row.total for row in self.image_tags.items},
            images=images,
        )


def _by_name(rows: Iterable[_ClassCount]) -> dict[str, _ClassCount]:
    return {row.object_class.name: row for row in rows}


def _class_statistics(name: str, images: _ClassCount | None, objects: _ClassCount | None) -> ClassStatistics:
    return ClassStatistics(
        name=name,
        images=images.total if images else 0,
        objects=objects.total if objects else 0,
        images_by_dataset=images.by_dataset() if images else {},
        objects_by_dataset=objects.by_dataset() if objects else {},
    )


def _first(*counts: int | None) -> int:
    return next((count for count in counts if count is not None), 0)
