"""One class, or one tag, becomes another: everything that has the one gets the other, then the first is removed.

A server has no such call, so annotations are read, changed and written back, fifty images at a time. Whoever is
interrupted has both classes, each with a part of the objects; doing it again finishes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from traindash.domain.annotation import Annotation, Tag, shape_name
from traindash.domain.ids import ImageId, ProjectId
from traindash.domain.project import Image
from traindash.errors import InputError, StateError
from traindash.projects.moving import AT_ONCE, Tell
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.images import Carries

Kind: TypeAlias = Literal["class", "tag"]
_ALPHA = "alpha_mask"
_WALKS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class NameMerge:
    """A class or tag of a project, by id and name, that becomes another one."""

    project_id: ProjectId
    kind: Kind
    source_id: int
    source: str
    target: str


def renamed_in(annotation: Annotation, kind: Kind, source: str, target: str) -> Annotation:
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


def merge_names(client: SuperviselyClient, order: NameMerge, tell: Tell = lambda _: None) -> int:
    """Merge a class or tag into another one; return on how many images it was.

    Raises:
        InputError: Images that it is on have alpha masks, whose pixels cannot be written back this way.
        StateError: Others went on using it meanwhile; it is still there.
    """
    ids = client.writing.name_ids(order.project_id)
    done = 0
    # Again until nothing has it: what others draw meanwhile must not go with the class.
    for _ in range(_WALKS):
        images = _carrying(client, order)
        if not images:
            _remove(client, order)
            return done
        for dataset in dict.fromkeys(image.dataset_id for image in images):
            own = [image.id for image in images if image.dataset_id == dataset]
            for start in range(0, len(own), AT_ONCE):
                drawn = client.annotations.get(dataset, own[start : start + AT_ONCE])
                client.writing.put_annotations(dataset, _changed(order, drawn), ids)
                done += len(drawn)
                tell(done)
    msg = f"“{order.source}” is still being used while it is merged."
    raise StateError(msg, "Wait until nobody draws in the project, then merge again.")


def _changed(order: NameMerge, drawn: Mapping[ImageId, Annotation]) -> dict[ImageId, Annotation]:
    for annotation in drawn.values():
        # Their pixels are not part of what is read (docs/supervisely-api.md 3.6), so they would be lost.
        if any(shape_name(label.geometry) == _ALPHA for label in annotation.labels):
            msg = f"Some images with “{order.source}” have alpha masks, which a merge cannot carry over."
            raise InputError(msg, f"Rename “{order.source}” instead, or merge with Supervisely's own tools.")
    return {image: renamed_in(item, order.kind, order.source, order.target) for image, item in drawn.items()}


def _carrying(client: SuperviselyClient, order: NameMerge) -> tuple[Image, ...]:
    if order.kind == "class":
        return client.images.carrying(order.project_id, Carries(kind="objects_class", id=order.source_id))
    on_images = client.images.carrying(order.project_id, Carries(kind="images_tag", id=order.source_id))
    on_objects = client.images.carrying(order.project_id, Carries(kind="objects_tag", id=order.source_id))
    return tuple({image.id: image for image in (*on_images, *on_objects)}.values())


def _remove(client: SuperviselyClient, order: NameMerge) -> None:
    if order.kind == "class":
        client.project_edits.remove_class(order.project_id, order.source_id)
    else:
        client.project_edits.remove_tag(order.project_id, order.source_id)
