"""A copy of a project with all its objects as boxes, or as masks, for training apps that pass over other shapes.

Made over the API of any server, and by nothing that only ours has. No pixels move: the server takes each image by its
id. A copy has a name of its own only when it is whole; one that could not be finished is put into the server's archive.
"""

import contextlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from traindash.datasets.geometry import encode_mask, fill, tight_bounds
from traindash.domain.annotation import Annotation, Bitmap, Geometry, Label, Polygon, Rectangle, shape_name
from traindash.domain.ids import CollectionId, DatasetId, ImageId, ProjectId
from traindash.domain.plan import CollectionsSplit, DatasetsSplit
from traindash.domain.project import Dataset, Image, ObjectClass, Project, ProjectMeta
from traindash.errors import AppError, InputError
from traindash.language import gettext as _
from traindash.plans.app_rules import CopyShape, can_become
from traindash.plans.draft import SplitDraft, WizardDraft
from traindash.plans.facts import ProjectFacts
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.project_writing import NameIds

_AT_ONCE = 50  # images and annotations in a request, as the official SDK sends them
_HALF = 0.5
_UNFINISHED = ", being made"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyOrder:
    """What to copy, and how."""

    project: ProjectFacts
    shape: CopyShape
    framework: str  # what it is for
    collections: tuple[CollectionId, ...] = ()  # those that a split uses; others stay with the original

    @property
    def name(self) -> str:
        """Name of the copy, e.g. ``Fruit (boxes for RT-DETRv2)``."""
        return f"{self.project.project.name} ({self.shape} for {self.framework})"


_ABOUT = "Copy of project {id} “{name}” with its objects as {shape}, made by Traindash"
_SAID = re.compile(r"Copy of project (?P<id>\d+) “(?P<name>.*)” with its objects as (?P<shape>boxes|masks), made by")


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyOrigin:
    """What a copy says of itself: the project that it was made from."""

    project_id: ProjectId
    name: str
    shape: str


def origin_of_copy(project: Project) -> CopyOrigin | None:
    """Return what a project was copied from, ``None`` for one that is no such copy."""
    said = _SAID.match(project.description)
    if said is None:
        return None
    return CopyOrigin(project_id=ProjectId(int(said["id"])), name=said["name"], shape=said["shape"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertedCopy:
    """A copy that is whole."""

    project_id: ProjectId
    name: str
    images: int
    left_out: int = 0  # objects that have no box, or no area
    datasets: Mapping[DatasetId, DatasetId] = field(default_factory=dict)  # of the original → of the copy
    collections: Mapping[CollectionId, CollectionId] = field(default_factory=dict)  # the same


def _converted_meta(meta: ProjectMeta, shape: CopyShape) -> ProjectMeta:
    """Return the classes and tags of a copy: every class that has objects of that kind, in the project's order."""
    classes = tuple(
        replace(item, shape=_class_shape(item, shape), extra={})
        for item in meta.classes
        if can_become(item.shape, shape)
    )
    return replace(meta, classes=classes, extra={})


def _converted_annotation(annotation: Annotation, meta: ProjectMeta, shape: CopyShape) -> Annotation:
    """Return what is drawn on an image with its objects converted; both measure on the plane (docs 3.4).

    ``meta`` is that of the copy. Objects that have no such shape are left out.
    """
    shapes = {item.name: item.shape for item in meta.classes}
    labels = [
        Label(class_name=label.class_name, geometry=found, tags=label.tags)
        for label in annotation.labels
        if label.class_name in shapes
        and (found := _converted(label.geometry, annotation, shapes[label.class_name], shape)) is not None
    ]
    return Annotation(width=annotation.width, height=annotation.height, labels=tuple(labels), tags=annotation.tags)


def find_copy(projects: Sequence[Project], order: CopyOrder) -> Project | None:
    """Return a copy that was made before and still has as many images as the original, the newest first."""
    wanted = order.project.project.items_count
    same = [item for item in projects if item.name == order.name and item.items_count == wanted]
    return max(same, key=lambda item: item.id, default=None)


def make_copy(
    client: SuperviselyClient, order: CopyOrder, tell: Callable[[int], None] = lambda _done: None
) -> ConvertedCopy:
    """Make the copy; ``tell`` gets the number of images that are done.

    Raises:
        InputError: No class of the project can be converted.
        ApiError: The server refuses; what was made of the copy is in its archive.
    """
    original = order.project.project
    meta = _converted_meta(order.project.meta, order.shape)
    if not meta.classes:
        message = (
            _("No class of “{name}” can become boxes.")
            if order.shape == "boxes"
            else _("No class of “{name}” can become masks.")
        )
        raise InputError(message.format(name=original.name), _("Choose another model."))
    name = _free_name(order.name, client.projects.list(original.workspace_id))
    about = (
        f"{_ABOUT.format(id=original.id, name=original.name, shape=order.shape)} because the training app of "
        f"{order.framework} takes nothing else. The images are those of the original."
    )
    made = client.writing.add_project(original.workspace_id, f"{name}{_UNFINISHED}", about)
    try:
        ids = client.writing.set_meta(made.id, meta)
        copy = _Filling(client=client, order=order, project_id=made.id, meta=meta, ids=ids).run(tell)
        client.writing.rename(made.id, name)
    except BaseException:
        # Half a copy would be trained on as if it were a whole one.
        with contextlib.suppress(AppError):
            client.writing.archive(made.id)
        raise
    return replace(copy, name=name)


def use_copy(draft: WizardDraft, copy: ConvertedCopy, meta: ProjectMeta) -> WizardDraft:
    """Return the draft on the copy, with the same classes and the same split as far as the copy has them."""
    known = {item.name for item in meta.classes}
    classes = None if draft.classes is None else tuple(name for name in draft.classes if name in known)
    return replace(draft, project_id=copy.project_id, classes=classes, split=_split(draft.split, copy))


def _split(split: SplitDraft, copy: ConvertedCopy) -> SplitDraft:
    def known_datasets(ids: Sequence[DatasetId]) -> tuple[DatasetId, ...]:
        return tuple(copy.datasets[item] for item in ids if item in copy.datasets)

    def known_collections(ids: Sequence[CollectionId]) -> tuple[CollectionId, ...]:
        return tuple(copy.collections[item] for item in ids if item in copy.collections)

    return replace(
        split,
        datasets=DatasetsSplit(
            train_datasets=known_datasets(split.datasets.train_datasets),
            val_datasets=known_datasets(split.datasets.val_datasets),
        ),
        collections=CollectionsSplit(
            train_collections=known_collections(split.collections.train_collections),
            val_collections=known_collections(split.collections.val_collections),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filling:
    """The copy, as long as it is being made."""

    client: SuperviselyClient
    order: CopyOrder
    project_id: ProjectId
    meta: ProjectMeta
    ids: NameIds
    datasets: dict[DatasetId, DatasetId] = field(default_factory=dict)
    images: dict[ImageId, ImageId] = field(default_factory=dict)

    def run(self, tell: Callable[[int], None]) -> ConvertedCopy:
        """Copy dataset by dataset, with a request for each fifty images."""
        left_out = 0
        for dataset in _parents_first(self.order.project.datasets):
            parent = None if dataset.parent_id is None else self.datasets.get(dataset.parent_id)
            made = self.client.writing.add_dataset(self.project_id, dataset.name, parent)
            self.datasets[dataset.id] = made.id
            images = self.client.images.list(dataset_id=dataset.id)
            for start in range(0, len(images), _AT_ONCE):
                left_out += self._take(dataset.id, images[start : start + _AT_ONCE])
                tell(len(self.images))
        return ConvertedCopy(
            project_id=self.project_id,
            name=self.order.name,
            images=len(self.images),
            left_out=left_out,
            datasets=self.datasets,
            collections=self._collections(),
        )

    def _take(self, dataset: DatasetId, images: Sequence[Image]) -> int:
        """Copy images of a dataset; return how many objects have no place in the copy."""
        drawn = self.client.annotations.get(dataset, [image.id for image in images])
        # With the JSON that people keep at images; one that went meanwhile has nothing to copy.
        wanted = self.client.image_edits.details(self.order.project.project.id, [image.id for image in images])
        if not wanted:
            return 0
        copies = self.client.image_edits.add_copies(self.datasets[dataset], wanted)
        converted = {
            copies[image.id]: _converted_annotation(
                drawn.get(image.id, Annotation(width=image.width, height=image.height)), self.meta, self.order.shape
            )
            for image in images
            if image.id in copies
        }
        self.client.writing.put_annotations(self.datasets[dataset], converted, self.ids)
        self.images.update(copies)
        before = sum(len(annotation.labels) for annotation in drawn.values())
        return before - sum(len(annotation.labels) for annotation in converted.values())

    def _collections(self) -> dict[CollectionId, CollectionId]:
        """Copy the collections that the split uses."""
        names, found = self.order.project.collection_names, dict[CollectionId, CollectionId]()
        original = self.order.project.project.id
        for collection in self.order.collections:
            if collection in names:
                made = self.client.collections.add(self.project_id, names[collection])
                members = self.client.images.list(project_id=original, collection_id=collection)
                known = [self.images[item.id] for item in members if item.id in self.images]
                self.client.collections.add_images(made.id, known)
                found[collection] = made.id
        return found


def _parents_first(datasets: Sequence[Dataset]) -> list[Dataset]:
    """Return datasets so that each comes after the one it is in; one that is in itself counts as one at the top."""
    known, found = {item.id: item for item in datasets}, dict[DatasetId, Dataset]()
    for item in datasets:
        path = [item]
        while (parent := known.get(path[-1].parent_id or DatasetId(0))) is not None and parent not in path:
            path.append(parent)
        found.update((step.id, step) for step in reversed(path))
    return list(found.values())


def _free_name(wanted: str, projects: Sequence[Project]) -> str:
    taken, number, name = {item.name for item in projects}, 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted} {number}"
    return name


def _class_shape(item: ObjectClass, shape: CopyShape) -> str:
    if shape == "boxes":
        return "rectangle"
    return item.shape if item.shape in {"polygon", "bitmap"} else "bitmap"


def _converted(geometry: Geometry, image: Annotation, class_shape: str, shape: CopyShape) -> Geometry | None:
    try:
        match geometry:
            case _ if shape == "boxes":
                return _box(geometry)
            case Polygon() | Bitmap() if shape_name(geometry) == class_shape:
                return geometry
            case Polygon():
                return _mask(geometry, image)
            case Rectangle():
                return _filled(geometry)
            case _:
                return None
    except InputError:  # a damaged mask
        return None


def _box(geometry: Geometry) -> Rectangle | None:
    """Return the box around a shape, on the plane: from its first pixel to behind its last one."""
    if isinstance(geometry, Rectangle):
        return geometry
    found = tight_bounds(geometry)
    if found is None:
        return None
    left, top = math.floor(found.left), math.floor(found.top)
    # The corner of an outline lies inside of its pixel, so that pixel belongs to the box.
    return Rectangle(left=left, top=top, right=math.floor(found.right) + 1, bottom=math.floor(found.bottom) + 1)


def _filled(box: Rectangle) -> Bitmap | None:
    left, top = math.floor(box.left), math.floor(box.top)
    width, height = math.ceil(box.right) - left, math.ceil(box.bottom) - top
    return encode_mask(np.ones((height, width), dtype=bool), (left, top)) if width > 0 and height > 0 else None


def _mask(polygon: Polygon, image: Annotation) -> Bitmap | None:
    def pixels(ring: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
        return tuple((x - _HALF, y - _HALF) for x, y in ring)

    inside = Polygon(exterior=pixels(polygon.exterior), interior=tuple(map(pixels, polygon.interior)))
    mask = fill(inside, image.width, image.height)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    part = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return encode_mask(part, (int(columns[0]), int(rows[0])))
