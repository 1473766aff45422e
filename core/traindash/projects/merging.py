"""One class, or one tag, becomes another: everything that has the one gets the other, then the first is removed.

A server has no such call, so annotations are read, changed and written back, fifty images at a time. On images with
alpha masks single objects are changed instead, whose pixels no annotation has. Whoever is interrupted has both classes,
each with a part of the objects; doing it again finishes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from traindash.domain.annotation import Annotation, Tag, shape_name
from traindash.domain.ids import DatasetId, ImageId, ProjectId
from traindash.domain.project import Image, NameKind
from traindash.errors import StateError
from traindash.language import gettext as _
from traindash.projects.moving import AT_ONCE, Tell
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.images import Carries
from traindash.supervisely.project_writing import NameIds

_ALPHA = "alpha_mask"
_WALKS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class NameMerge:
    """A class or tag of a project, by id and name, that becomes another one."""

    project_id: ProjectId
    kind: NameKind
    source_id: int
    source: str
    target: str


def renamed_in(annotation: Annotation, kind: NameKind, source: str, target: str) -> Annotation:
    """Return what is drawn on an image with one class or tag in place of another; doubled tags stay one."""
    if kind == "class":
        labels = tuple(
            replace(label, class_name=target) if label.class_name == source else label for label in annotation.labels
        )
        return replace(annotation, labels=labels)
    tagged = tuple(replace(label, tags=_retagged(label.tags, source, target)) for label in annotation.labels)
    return replace(annotation, labels=tagged, tags=_retagged(annotation.tags, source, target))


def _retagged(tags: Sequence[Tag], source: str, target: str) -> tuple[Tag, ...]:
    found: dict[tuple[str, object], Tag] = {}
    for tag in tags:
        changed = Tag(name=target, value=tag.value) if tag.name == source else tag
        found.setdefault((changed.name, changed.value), changed)
    return tuple(found.values())


def merge_names(client: SuperviselyClient, order: NameMerge, tell: Tell = lambda _done: None) -> int:
    """Merge a class or tag into another one; return on how many images it was.

    Raises:
        StateError: Others went on using it meanwhile; it is still there.
    """
    ids = client.writing.name_ids(order.project_id)
    done = 0
    # Again until nothing has it: what others draw meanwhile must not go with the class.
    for _walk in range(_WALKS):
        images = _carrying(client, order)
        if not images:
            client.project_edits.remove_name(order.project_id, order.kind, order.source_id)
            return done
        for dataset in dict.fromkeys(image.dataset_id for image in images):
            own = [image.id for image in images if image.dataset_id == dataset]
            for start in range(0, len(own), AT_ONCE):
                drawn = client.annotations.get(dataset, own[start : start + AT_ONCE])
                _merge_on(client, order, dataset, drawn, ids)
                done += len(drawn)
                tell(done)
    msg = _("“{name}” is still being used while it is merged.").format(name=order.source)
    raise StateError(msg, _("Wait until nobody draws in the project, then merge again."))


def _merge_on(
    client: SuperviselyClient, order: NameMerge, dataset: DatasetId, drawn: Mapping[ImageId, Annotation], ids: NameIds
) -> None:
    """Merge on some images of a dataset."""
    masked = [image for image, item in drawn.items() if _has_alpha_mask(item)]
    whole = {
        image: renamed_in(item, order.kind, order.source, order.target)
        for image, item in drawn.items()
        if image not in masked
    }
    if whole:
        client.writing.put_annotations(dataset, whole, ids)
    if not masked:
        return
    figures = client.figures.on_images(dataset, masked)
    if order.kind == "class":
        own = [item for item in figures if item.class_id == order.source_id]
        client.figures.change_class(dataset, own, ids.classes[order.target])
        return
    target = ids.tags[order.target]
    for image in masked:
        for tag in drawn[image].tags:
            if tag.name == order.source:
                client.image_edits.add_tag(target, [image], tag.value)
    client.image_edits.remove_tag(order.source_id, masked)
    client.figures.change_tag(order.project_id, figures, order.source_id, target)


def _has_alpha_mask(annotation: Annotation) -> bool:
    return any(shape_name(label.geometry) == _ALPHA for label in annotation.labels)


def _carrying(client: SuperviselyClient, order: NameMerge) -> tuple[Image, ...]:
    if order.kind == "class":
        return client.images.carrying(order.project_id, Carries(kind="objects_class", id=order.source_id))
    on_images = client.images.carrying(order.project_id, Carries(kind="images_tag", id=order.source_id))
    on_objects = client.images.carrying(order.project_id, Carries(kind="objects_tag", id=order.source_id))
    return tuple({image.id: image for image in (*on_images, *on_objects)}.values())
