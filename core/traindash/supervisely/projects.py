"""Teams, workspaces, projects, datasets and collections (docs/supervisely-api.md 3.4)."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import field

from traindash.domain.ids import CollectionId, DatasetId, ImageId, ProjectId, TeamId, WorkspaceId
from traindash.domain.project import (
    ClassStatistics,
    Collection,
    Dataset,
    Project,
    ProjectMeta,
    ProjectStatistics,
    Team,
    Workspace,
)
from traindash.supervisely.resources import JsonRow, Resource, Shape, lacking

# Names and counts are told under several keys, or left out (docs/supervisely-api.md 3.4).
_NAMED_PROJECT, _NAMED_COLLECTION = lacking("Project"), lacking("Collection")


class Teams(Resource):
    """Teams that the token's owner is in."""

    def list(self) -> tuple[Team, ...]:
        """Return all teams."""
        return self._fetch_all("teams.list", Team, {}, lacking("Team"))


class Workspaces(Resource):
    """Workspaces of a team."""

    def list(self, team_id: TeamId) -> tuple[Workspace, ...]:
        """Return a team's workspaces."""
        fit = lacking("Workspace", teamId=team_id)  # rows need not repeat what was asked for
        return self._fetch_all("workspaces.list", Workspace, {"teamId": team_id}, fit)


class Projects(Resource):
    """Projects of a workspace."""

    def list(self, workspace_id: WorkspaceId) -> tuple[Project, ...]:
        """Return a workspace's projects, of every type."""
        # With the SDK's own list of fields rows have ``title`` in place of ``name`` (docs/supervisely-api.md 3.3).
        return self._fetch_all("projects.list", Project, {"workspaceId": workspace_id, "fields": []}, fit_project)

    def get(self, project_id: ProjectId) -> Project:
        """Return a project.

        Raises:
            MissingError: There is none with this id.
        """
        return self._fetch("projects.info", Project, {"id": project_id}, fit_project)

    def meta(self, project_id: ProjectId) -> ProjectMeta:
        """Return a project's classes and tags."""
        return self._fetch("projects.meta", ProjectMeta, {"id": project_id})

    def statistics(
        self, project_id: ProjectId, *, meta: ProjectMeta | None = None, images: int | None = None
    ) -> ProjectStatistics:
        """Return how often each class and image tag of a project is used.

        Its meta and its number of images are asked for when not given.
        """
        answer = self._fetch("projects.stats", _Statistics, {"id": project_id})
        return answer.statistics(
            self.meta(project_id) if meta is None else meta,
            self.get(project_id).items_count if images is None else images,
        )


class Datasets(Resource):
    """Datasets of a project."""

    def list(self, project_id: ProjectId) -> tuple[Dataset, ...]:
        """Return a project's datasets, nested ones included."""
        fit = lacking("Dataset", projectId=project_id)
        return self._fetch_all("datasets.list", Dataset, {"projectId": project_id, "recursive": True}, fit)


class Collections(Resource):
    """Collections of a project: named sets of its images."""

    def list(self, project_id: ProjectId) -> tuple[Collection, ...]:
        """Return a project's ordinary collections (those that a split may use)."""
        # The other type holds results of the server's search by likeness (``CollectionType`` of the SDK).
        body = {"projectId": project_id, "type": "default"}
        return self._fetch_all("entities-collections.list", Collection, body, _NAMED_COLLECTION)

    def get(self, collection_id: CollectionId) -> Collection:
        """Return a collection.

        Raises:
            MissingError: There is none with this id.
        """
        return self._fetch("entities-collections.info", Collection, {"id": collection_id}, _NAMED_COLLECTION)

    def add(self, project_id: ProjectId, name: str, description: str = "") -> Collection:
        """Make an empty collection.

        Raises:
            RejectedError: The project has one of that name.
        """
        body = {"projectId": project_id, "name": name, "type": "default", "description": description}
        return self._send("entities-collections.add", Collection, body, _NAMED_COLLECTION)

    def add_images(self, collection_id: CollectionId, images: Sequence[ImageId]) -> None:
        """Add images to a collection; adding one again does nothing."""
        items = [{"entityId": image} for image in images]
        self.transport.write(
            "entities-collections.items.bulk.add", {"collectionId": collection_id, "entityItems": items}
        )

    def remove(self, collection_id: CollectionId) -> None:
        """Remove a collection; its images stay."""
        self.transport.write("entities-collections.remove", {"id": collection_id})


def fit_project(row: JsonRow) -> JsonRow:
    """Give a project its version's number; some servers send the number, others an object with id and number."""
    version = row.get("version")
    return {**_NAMED_PROJECT(row), "version": version.get("version") if isinstance(version, dict) else version}


# Of the answer of projects.stats only this is read; a person looks at counts, not at averages and areas.
class _Named(Shape):
    name: str


class _DatasetCount(Shape):
    id: DatasetId
    count: int = 0


class _ClassCount(Shape):
    object_class: _Named
    total: int = 0
    datasets: tuple[_DatasetCount, ...] = ()

    def by_dataset(self) -> Mapping[DatasetId, int]:
        return {row.id: row.count for row in self.datasets}


class _ImageCounts(Shape):
    object_classes: tuple[_ClassCount, ...] = ()


class _ObjectCounts(Shape):
    items: tuple[_ClassCount, ...] = ()


class _TagCount(Shape):
    tag_meta: _Named
    total: int = 0


class _TagCounts(Shape):
    items: tuple[_TagCount, ...] = ()


class _Statistics(Shape):
    """The answer of ``projects.stats``: lists that each name classes or tags in their own way."""

    images: _ImageCounts = field(default_factory=_ImageCounts)
    objects: _ObjectCounts = field(default_factory=_ObjectCounts)
    image_tags: _TagCounts = field(default_factory=_TagCounts)
    object_tags: _TagCounts = field(default_factory=_TagCounts)

    def statistics(self, meta: ProjectMeta, images: int) -> ProjectStatistics:
        """Return the domain value with one entry per class of the meta, in its order.

        Classes without objects are missing in the answer.
        """
        by_image, by_object = _by_name(self.images.object_classes), _by_name(self.objects.items)
        nothing = _ClassCount(object_class=_Named(name=""))
        counts = ((c.name, by_image.get(c.name, nothing), by_object.get(c.name, nothing)) for c in meta.classes)
        return ProjectStatistics(
            classes=tuple(
                ClassStatistics(
                    name=name,
                    images=on_images.total,
                    objects=of_objects.total,
                    images_by_dataset=on_images.by_dataset(),
                    objects_by_dataset=of_objects.by_dataset(),
                )
                for name, on_images, of_objects in counts
            ),
            image_tags={row.tag_meta.name: row.total for row in self.image_tags.items},
            images=images,
            object_tags={row.tag_meta.name: row.total for row in self.object_tags.items},
        )


def _by_name(rows: Iterable[_ClassCount]) -> dict[str, _ClassCount]:
    return {row.object_class.name: row for row in rows}
