"""Teams, workspaces, projects, datasets and collections."""

from collections.abc import Sequence

from core.api.paging import read_all
from core.api.resources.base import Resource
from core.api.wire.projects import (
    CollectionShape,
    DatasetShape,
    MetaShape,
    ProjectShape,
    StatisticsShape,
    TeamShape,
    WorkspaceShape,
)
from core.api.wire.reading import read
from core.domain.ids import CollectionId, ImageId, ProjectId, TeamId, WorkspaceId
from core.domain.project import Collection, Dataset, Project, ProjectMeta, ProjectStatistics, Team, Workspace


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
