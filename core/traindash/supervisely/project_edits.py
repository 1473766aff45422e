"""Projects, datasets, classes and tags as people change them, in the requests of the official SDK (docs 3.5).

Each is sent exactly once. What brings deleted things back is the embedded platform's own: another server answers that
it has no such method, and keeps what was deleted in an archive of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from msgspec import field

from traindash.domain.ids import DatasetId, ProjectId, TaskId, WorkspaceId
from traindash.domain.project import Dataset, NameKind, Project
from traindash.supervisely.errors import MissingError, RejectedError
from traindash.supervisely.projects import fit_project
from traindash.supervisely.resources import JsonRow, Resource, Shape, lacking, moment

ARCHIVED_PROJECTS = "traindash.projects.archived.list"
_METHODS: Mapping[NameKind, str] = {"class": "classes", "tag": "tags"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """A project or dataset that is deleted and can come back."""

    id: int
    name: str
    items_count: int  # images in it
    parent_id: int | None = None  # workspace of a project; dataset that a dataset was in, `None` at the top
    removed_after: datetime | None = None  # when the server removes it for good


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneParts:
    """What of a project a clone takes; images come with the datasets, objects and image tags with the images."""

    images: bool = True
    annotations: bool = True

    def to_json(self) -> dict[str, bool]:
        """Return the ``include`` of ``projects.clone``, a word for each part."""
        drawn = self.images and self.annotations
        return {
            "classes": True,
            "projectTags": True,
            "datasets": self.images,
            "images": self.images,
            "imagesTags": drawn,
            "annotationObjects": drawn,
            "annotationObjectsTags": drawn,
            "figures": drawn,
            "figuresTags": drawn,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedName:
    """A class or tag that is removed and can come back."""

    id: int
    name: str
    items_count: int  # objects of the class; how often the tag was there
    images_count: int  # images that these are on
    removed_after: datetime | None = None  # when the server removes it for good


class _RemovedRow(Shape):
    id: int
    name: str
    items_count: int = 0
    images_count: int = 0
    removed_after: str | None = None


class _Entry(Shape):
    title: str = ""  # name of a class
    name: str = ""  # name of a tag


class _DeletedRow(Shape):
    id: int
    name: str
    items_count: int = 0
    workspace_id: int | None = None
    parent_id: int | None = None
    removed_after: str | None = None


class _TaskOf(Shape):
    task_id: TaskId


class _Output(Shape):
    project: dict[str, object] | None = None


class _CloneMeta(Shape):
    output: _Output = field(default_factory=_Output)


class _CloneTask(Shape):
    status: str
    meta: _CloneMeta = field(default_factory=_CloneMeta)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneState:
    """How far a clone is."""

    status: str  # status of its task, a word of the server's
    project_id: ProjectId | None = None  # the clone, once it is there


class ProjectEdits(Resource):
    """Changes of projects and of what is in them."""

    def describe(self, project_id: ProjectId, name: str, description: str) -> None:
        """Give a project a name and a description.

        Raises:
            RejectedError: The workspace has another project of that name.
        """
        self.transport.write("projects.editInfo", {"id": project_id, "name": name, "description": description})

    def clone(self, project_id: ProjectId, workspace_id: WorkspaceId, name: str, parts: CloneParts) -> TaskId:
        """Begin to clone a project and return the task that does it."""
        body = {"id": project_id, "workspaceId": workspace_id, "name": name, "include": parts.to_json()}
        return self._send("projects.clone", _TaskOf, body).task_id

    def clone_state(self, task_id: TaskId) -> CloneState:
        """Return how far a clone is."""
        task = self._fetch("tasks.info", _CloneTask, {"id": task_id})
        number = (task.meta.output.project or {}).get("id")
        return CloneState(status=task.status, project_id=ProjectId(number) if isinstance(number, int) else None)

    def edit_class(self, class_id: int, name: str, color: str, shape: str | None = None) -> None:
        """Change an object class; its objects follow. Without a shape it keeps its own.

        Raises:
            RejectedError: The name is taken, or objects of the class do not fit the shape.
        """
        body: dict[str, object] = {"id": class_id, "name": name, "color": color}
        self.transport.write("advanced.object_classes.editInfo", body | ({} if shape is None else {"shape": shape}))

    def edit_tag(self, tag_id: int, name: str, color: str) -> None:
        """Change a tag; what has it keeps it."""
        self.transport.write("advanced.tags.editInfo", {"id": tag_id, "title": name, "color": color})

    def add_to_meta(self, project_id: ProjectId, new: JsonRow) -> None:
        """Add classes and tags (``classes``, ``tags`` as in a ``meta.json``) to those that a project has."""
        method = "projects.meta"
        found = self.transport.read(method, {"id": project_id})
        meta: Mapping[str, list[object]] = found if isinstance(found, dict) else {}
        joined = {key: [*meta.get(key, ()), *new.get(key, ())] for key in ("classes", "tags")}
        self.transport.write("projects.meta.update", {"id": project_id, "meta": {**meta, **joined}})

    def remove_name(self, project_id: ProjectId, kind: NameKind, own_id: int) -> None:
        """Remove an object class with all its objects, or a tag from everything that has it."""
        self.transport.write(f"projects.{_METHODS[kind]}.remove", {"id": own_id, "projectId": project_id})

    def removed_names(self, project_id: ProjectId, kind: NameKind) -> tuple[RemovedName, ...]:
        """Return classes or tags of a project that can come back, the latest first."""
        rows = self._fetch(
            f"traindash.{_METHODS[kind]}.removed.list", tuple[_RemovedRow, ...], {"projectId": project_id}
        )
        return tuple(
            RemovedName(
                id=row.id,
                name=row.name,
                items_count=row.items_count,
                images_count=row.images_count,
                removed_after=moment(row.removed_after),
            )
            for row in rows
        )

    def restore_name(self, project_id: ProjectId, kind: NameKind, own_id: int) -> str:
        """Bring a removed class or tag back with all that had it; return its name.

        It gets a number where the name is taken by now.
        """
        body = {"id": own_id, "projectId": project_id}
        entry = self._send(f"traindash.{_METHODS[kind]}.restore", _Entry, body)
        return entry.title or entry.name

    def rename_dataset(self, dataset_id: DatasetId, name: str) -> None:
        """Give a dataset another name.

        Raises:
            RejectedError: One beside it has that name.
        """
        self.transport.write("datasets.editInfo", {"id": dataset_id, "name": name})

    def move_dataset(self, dataset_id: DatasetId, parent_id: DatasetId | None) -> None:
        """Put a dataset with all that is inside into another one, or at the top."""
        self.transport.write("datasets.move", {"srcId": dataset_id, "destId": parent_id})

    def archive_dataset(self, dataset_id: DatasetId) -> None:
        """Put a dataset away with what is inside; the server keeps it for a while."""
        self.transport.write("datasets.archive", {"id": dataset_id})

    def can_restore(self) -> bool:
        """Return whether the server brings back what was deleted."""
        try:  # there is no method that lists methods
            self.transport.read(ARCHIVED_PROJECTS, {})
        except (MissingError, RejectedError):
            return False
        return True

    def deleted_projects(self) -> tuple[Deleted, ...]:
        """Return projects that can come back, the latest first."""
        return self._deleted(ARCHIVED_PROJECTS, {})

    def deleted_datasets(self, project_id: ProjectId) -> tuple[Deleted, ...]:
        """Return datasets of a project that can come back, the latest first."""
        return self._deleted("traindash.datasets.archived.list", {"projectId": project_id})

    def restore_project(self, project_id: ProjectId) -> Project:
        """Bring a deleted project back; it gets a number where its name is taken by now."""
        return self._send("traindash.projects.restore", Project, {"id": project_id}, fit_project)

    def restore_dataset(self, dataset_id: DatasetId) -> Dataset:
        """Bring a deleted dataset back; it gets a number where its name is taken by now."""
        return self._send("traindash.datasets.restore", Dataset, {"id": dataset_id}, lacking("Dataset"))

    def _deleted(self, method: str, body: JsonRow) -> tuple[Deleted, ...]:
        rows = self._fetch(method, tuple[_DeletedRow, ...], dict(body))
        return tuple(
            Deleted(
                id=row.id,
                name=row.name,
                items_count=row.items_count,
                parent_id=row.workspace_id or row.parent_id,
                removed_after=moment(row.removed_after),
            )
            for row in rows
        )
