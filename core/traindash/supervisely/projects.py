"""Teams, workspaces, projects, datasets and collections."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import field

from traindash.domain.ids import CollectionId, DatasetId, ImageId, ProjectId, TeamId, WorkspaceId
from traindash.domain.project import (
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
from traindash.supervisely.resources import Resource, Shape, Unvalidated, free_object, moment, read, read_all

# Teams, workspaces, projects, datasets, collections, metas and statistics (contract section 3.4).


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


class Teams(Resource):
    """Teams that the token's owner is in."""

    def list(self) -> tuple[Team, ...]:
        """Return all teams."""
        rows = read_all(self.transport, "teams.list", {})
        return tuple(read("teams.list", TeamShape, row).team() for row in rows)


class Workspaces(Resource):
    """Workspaces of a team."""

    def list(self, team_id: TeamId) -> tuple[Workspace, ...]:
        """Return a team's workspaces."""
        rows = read_all(self.transport, "workspaces.list", {"teamId": team_id})
        return tuple(read("workspaces.list", WorkspaceShape, row).workspace(team_id) for row in rows)


class Projects(Resource):
    """Projects of a workspace."""

    def list(self, workspace_id: WorkspaceId) -> tuple[Project, ...]:
        """Return a workspace's projects, of every type."""
        rows = read_all(self.transport, "projects.list", {"workspaceId": workspace_id, "fields": []})
        return tuple(read("projects.list", ProjectShape, row).project() for row in rows)

    def get(self, project_id: ProjectId) -> Project:
        """Return a project.

        Raises:
            MissingError: There is none with this id.
        """
        return read("projects.info", ProjectShape, self.transport.read("projects.info", {"id": project_id})).project()

    def meta(self, project_id: ProjectId) -> ProjectMeta:
        """Return a project's classes and tags."""
        return read("projects.meta", MetaShape, self.transport.read("projects.meta", {"id": project_id})).meta()

    def statistics(
        self, project_id: ProjectId, *, meta: ProjectMeta | None = None, images: int | None = None
    ) -> ProjectStatistics:
        """Return how often each class and image tag of a project is used.

        Args:
            project_id: The project.
            meta: Its meta; asked for when not given.
            images: Its number of images; asked for when not given.
        """
        answer = read("projects.stats", StatisticsShape, self.transport.read("projects.stats", {"id": project_id}))
        return answer.statistics(
            self.meta(project_id) if meta is None else meta,
            self.get(project_id).items_count if images is None else images,
        )


class Datasets(Resource):
    """Datasets of a project."""

    def list(self, project_id: ProjectId) -> tuple[Dataset, ...]:
        """Return a project's datasets, nested ones included."""
        rows = read_all(self.transport, "datasets.list", {"projectId": project_id, "recursive": True})
        return tuple(read("datasets.list", DatasetShape, row).dataset(project_id) for row in rows)


class Collections(Resource):
    """Collections of a project: named sets of its images."""

    def list(self, project_id: ProjectId) -> tuple[Collection, ...]:
        """Return a project's ordinary collections (those that a split may use)."""
        method = "entities-collections.list"
        rows = read_all(self.transport, method, {"projectId": project_id, "type": "default"})
        return tuple(read(method, CollectionShape, row).collection() for row in rows)

    def get(self, collection_id: CollectionId) -> Collection:
        """Return a collection.

        Raises:
            MissingError: There is none with this id.
        """
        method = "entities-collections.info"
        return read(method, CollectionShape, self.transport.read(method, {"id": collection_id})).collection()

    def add(self, project_id: ProjectId, name: str, description: str = "") -> Collection:
        """Make an empty collection.

        Raises:
            RejectedError: The project has one of that name.
        """
        method = "entities-collections.add"
        body = {"projectId": project_id, "name": name, "type": "default", "description": description}
        return read(method, CollectionShape, self.transport.write(method, body)).collection()

    def add_images(self, collection_id: CollectionId, images: Sequence[ImageId]) -> None:
        """Add images to a collection; adding one again does nothing."""
        items = [{"entityId": image} for image in images]
        self.transport.write(
            "entities-collections.items.bulk.add", {"collectionId": collection_id, "entityItems": items}
        )

    def remove(self, collection_id: CollectionId) -> None:
        """Remove a collection; its images stay."""
        self.transport.write("entities-collections.remove", {"id": collection_id})
