"""Making projects: what a copy of one takes, in the requests of the official SDK (docs/supervisely-api.md 3.3).

Each is sent exactly once: whoever calls decides what a failure means.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from traindash.datasets.annotation_json import annotation_to_json, meta_to_json
from traindash.domain.annotation import Annotation
from traindash.domain.ids import DatasetId, ImageId, ProjectId, WorkspaceId
from traindash.domain.project import Dataset, Project, ProjectMeta
from traindash.supervisely.projects import fit_project
from traindash.supervisely.resources import JsonRow, Resource, Shape, lacking, read


@dataclass(frozen=True, slots=True, kw_only=True)
class NameIds:
    """Ids that a server gave to the classes and tags of a project."""

    classes: Mapping[str, int]
    tags: Mapping[str, int]


class _NamedClass(Shape):
    id: int
    title: str


class _NamedTag(Shape):
    id: int
    name: str


class _Names(Shape):
    classes: tuple[_NamedClass, ...]
    tags: tuple[_NamedTag, ...] = ()


class ProjectWriting(Resource):
    """Projects, and what is in them, as they are made."""

    def add_project(self, workspace_id: WorkspaceId, name: str, description: str = "") -> Project:
        """Make an empty project of images.

        Raises:
            RejectedError: The workspace has one of that name.
        """
        body = {"name": name, "workspaceId": workspace_id, "description": description, "type": "images"}
        return self._send("projects.add", Project, body, fit_project)

    def set_meta(self, project_id: ProjectId, meta: ProjectMeta) -> NameIds:
        """Give a project its classes and tags, and return the ids that they got."""
        self.transport.write("projects.meta.update", {"id": project_id, "meta": meta_to_json(meta)})
        return self.name_ids(project_id)

    def name_ids(self, project_id: ProjectId) -> NameIds:
        """Return the ids of a project's classes and tags."""
        method = "projects.meta"
        names = read(method, _Names, self.transport.read(method, {"id": project_id}))
        return NameIds(
            classes={item.title: item.id for item in names.classes}, tags={item.name: item.id for item in names.tags}
        )

    def rename(self, project_id: ProjectId, name: str) -> None:
        """Give a project another name."""
        self.transport.write("projects.editInfo", {"id": project_id, "name": name})

    def archive(self, project_id: ProjectId) -> None:
        """Put a project away; the server keeps it for a while."""
        self.transport.write("projects.archive", {"id": project_id})

    def add_dataset(self, project_id: ProjectId, name: str, parent_id: DatasetId | None = None) -> Dataset:
        """Make an empty dataset, at the top or inside of another one."""
        body = {"projectId": project_id, "name": name, "description": "", "parentId": parent_id}
        return self._send("datasets.add", Dataset, body, lacking("Dataset", projectId=project_id))

    def put_annotations(self, dataset_id: DatasetId, annotations: Mapping[ImageId, Annotation], ids: NameIds) -> None:
        """Replace what is drawn on images of a dataset. Coordinates are those of the plane, as they are read."""
        rows = [{"imageId": image, "annotation": _written(drawn, ids)} for image, drawn in annotations.items()]
        body = {"datasetId": dataset_id, "annotations": rows, "skipBoundsValidation": False}
        self.transport.write("annotations.bulk.add", body)


def _written(annotation: Annotation, ids: NameIds) -> JsonRow:
    """Write an annotation with the ids of its classes and tags, and none of its objects: they get new ones."""
    fresh = replace(annotation, labels=tuple(replace(label, id=None) for label in annotation.labels))
    content = annotation_to_json(fresh)
    for row in content["objects"]:
        row |= {"classId": ids.classes[row["classTitle"]], "shape": row["geometryType"]}
        row["tags"] = _with_ids(row["tags"], ids)
    return {**content, "tags": _with_ids(content["tags"], ids)}


def _with_ids(tags: Sequence[dict[str, Any]], ids: NameIds) -> list[dict[str, Any]]:
    return [{**tag, "tagId": ids.tags[tag["name"]]} for tag in tags]
