"""Predictions that go into a project: what ``upload_mode`` and ``output_project_id`` of a request ask for.

As ``Inference.upload_predictions`` of the SDK does it (docs/supervisely-api.md 13.5), with the stores of this server.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from traindash.datasets.annotation_json import annotation_from_json, annotation_to_json, meta_from_json, meta_to_json
from traindash.datasets.geometry import bounds
from traindash.domain.annotation import Annotation, Label, shape_name
from traindash.domain.ids import ProjectId, TaskId
from traindash.domain.prediction import CONFIDENCE_TAG, ImagePrediction
from traindash.domain.project import ObjectClass, TagMeta
from traindash.errors import InputError
from traindash.platform.services import Services
from traindash.platform.serving.answers import AskedImage, annotation_of
from traindash.platform.store.image_writes import ById, NewImage
from traindash.platform.store.images import annotation_of as annotation_of_row
from traindash.platform.store.project_edits import free_name, numbered

UploadMode: TypeAlias = Literal["create", "append", "replace", "iou_merge"]
SAME_OBJECT = 0.9  # IoU from which on `iou_merge` takes two for one, `DEFAULT_IOU_MERGE_THRESHOLD` of the SDK
SUFFIX = "_nn"  # of a class whose name the project has with another shape
_ANY = "any"


@dataclass(slots=True, kw_only=True)
class Upload:
    """Where the predictions of one request go. Used by one thread."""

    services: Services
    task_id: TaskId
    mode: UploadMode
    into: ProjectId | None = None  # images are copied there; `None` leaves them where they are
    same_object: float | None = None  # predictions that overlap with an object of their class so much are left out
    suffix: str = SUFFIX
    _datasets: dict[int, int] = field(default_factory=dict)  # of the source → made in the project
    _names: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))  # of the images in those

    def write(self, found: Sequence[tuple[AskedImage, ImagePrediction]]) -> None:
        """Write the predictions on some images of projects.

        Raises:
            NotFoundError: An image or the project is gone meanwhile.
            InputError: The project cannot take a class.
        """
        by_dataset: dict[int, list[tuple[AskedImage, ImagePrediction]]] = defaultdict(list)
        for asked, prediction in found:
            by_dataset[asked.dataset_id or 0].append((asked, prediction))
        for dataset_id, group in by_dataset.items():
            self._write(dataset_id, group)

    def _write(self, dataset_id: int, group: Sequence[tuple[AskedImage, ImagePrediction]]) -> None:
        before = self._drawn([asked.image_id or 0 for asked, _ in group])
        wanted = [self._without_known(annotation_of(one), before[asked.image_id or 0]) for asked, one in group]
        source = self.services.projects.dataset_row(dataset_id)["project_id"]
        project = source if self.into is None else self.into
        fitted = self._fit(ProjectId(project), wanted)
        if self.into is not None and self.into != source:
            target = self._dataset(dataset_id, self.into)
            taken, images = self._names[target], []
            for asked, _ in group:
                name = numbered(asked.name or str(asked.image_id), taken)
                taken.add(name)
                images.append(NewImage(name=name, origin=ById(asked.image_id or 0), meta={}))
            ids = self.services.image_writes.add(target, images)
        else:
            ids = [asked.image_id or 0 for asked, _ in group]
            if self.mode != "replace":
                fitted = [
                    replace(before[image_id], labels=(*before[image_id].labels, *one.labels))
                    for image_id, one in zip(ids, fitted, strict=True)
                ]
        sent = [(image_id, annotation_to_json(one)) for image_id, one in zip(ids, fitted, strict=True)]
        self.services.annotation_writes.replace(sent, checks_bounds=False)

    def _drawn(self, image_ids: Sequence[int]) -> dict[int, Annotation]:
        rows = self.services.images.rows(image_ids)
        texts = self.services.images.annotations(image_ids)
        return {row["id"]: annotation_from_json(annotation_of_row(row, texts.get(row["id"]))) for row in rows}

    def _without_known(self, found: Annotation, drawn: Annotation) -> Annotation:
        if self.same_object is None:
            return found
        least = self.same_object
        labels = (one for one in found.labels if all(_overlap(one, known) < least for known in drawn.labels))
        return replace(found, labels=tuple(labels))

    def _fit(self, project_id: ProjectId, wanted: Iterable[Annotation]) -> list[Annotation]:
        """Give the project the classes and the tag that it lacks; a class of another shape gets a suffix.

        Raises:
            InputError: The name with the suffix has another shape, too.
        """
        meta = meta_from_json(self.services.projects.meta_json(project_id))
        classes = {item.name: item for item in meta.classes}
        fitted = [
            replace(one, labels=tuple(replace(label, class_name=self._class(label, classes)) for label in one.labels))
            for one in wanted
        ]
        has_tag = any(tag.name == CONFIDENCE_TAG for tag in meta.tags)
        needs_tag = not has_tag and any(one.labels for one in fitted)
        if needs_tag or len(classes) > len(meta.classes):
            tag = TagMeta(name=CONFIDENCE_TAG, value_type="any_number")
            tags = (*meta.tags, tag) if needs_tag else meta.tags
            added = replace(meta, classes=tuple(classes.values()), tags=tags)
            self.services.project_metas.replace(project_id, meta_to_json(added))
        return fitted

    def _class(self, label: Label, classes: dict[str, ObjectClass]) -> str:
        shape = shape_name(label.geometry)
        for name in (label.class_name, label.class_name + self.suffix):
            known = classes.get(name)
            if known is None:
                classes[name] = ObjectClass(name=name, shape=shape)
            if known is None or known.shape in {shape, _ANY}:
                return name
        names = f"{label.class_name!r} and {label.class_name + self.suffix!r}"
        msg = f"The project has {names} with other shapes than {shape}."
        raise InputError(msg, "Name another model_prediction_suffix.")

    def _dataset(self, source_id: int, project_id: ProjectId) -> int:
        """Return the dataset of the target that stands for one of the source; made with those around it."""
        if (known := self._datasets.get(source_id)) is not None:
            return known
        source = self.services.projects.dataset_row(source_id)
        parent = source["parent_id"]
        above = None if parent is None else self._dataset(parent, project_id)
        beside = {item.name for item in self.services.projects.datasets(project_id) if item.parent_id == above}
        said = f"Made for predictions of task {self.task_id}"
        row = self.services.project_edits.add_dataset(
            project_id, numbered(source["name"], beside), above, {"description": said}
        )
        self._datasets[source_id] = row["id"]
        return int(row["id"])


def new_project(services: Services, task_id: TaskId, source: ProjectId) -> ProjectId:
    """Make the project that ``upload_mode`` ``create`` asks for, in the workspace of the source."""
    workspace = services.projects.get(source).workspace_id
    with services.database.read() as connection:
        name = free_name(connection, workspace, f"Predictions from task #{task_id}")
    columns = {"description": f"What the model of task {task_id} finds"}
    return ProjectId(services.project_edits.add(workspace, name, columns)["id"])


def _overlap(found: Label, known: Label) -> float:
    """Return the IoU of the boxes of two objects of one class and shape, 0 for others."""
    if found.class_name != known.class_name or shape_name(found.geometry) != shape_name(known.geometry):
        return 0.0
    a, b = bounds(found.geometry), bounds(known.geometry)
    if a is None or b is None:
        return 0.0
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    if width <= 0 or height <= 0:
        return 0.0
    inside = width * height
    both = (a.right - a.left) * (a.bottom - a.top) + (b.right - b.left) * (b.bottom - b.top) - inside
    return inside / both if both > 0 else 0.0
