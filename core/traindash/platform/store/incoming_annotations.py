"""What clients send as annotations, objects and tags, read with the names and ids of a project's classes and tags."""

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from typing import Any, TypeAlias

import msgspec
from PIL import Image

from traindash.datasets.annotation_json import (
    ServerIds,
    annotation_from_json,
    annotation_to_json,
    meta_from_json,
)
from traindash.datasets.geometry import inside
from traindash.domain.annotation import Annotation
from traindash.domain.project import ObjectClass, TagMeta
from traindash.errors import InputError
from traindash.platform.coordinates import object_to_pixels
from traindash.platform.store.inner_ids import InnerIds
from traindash.platform.store.projects import parse_object
from traindash.platform.wire import Json, shortened

Size: TypeAlias = tuple[int, int]  # width and height, pixels

ANY_SHAPE = "any"
_ANNOTATION = msgspec.json.Decoder(Json)
_ALPHA_MASK = "alpha_mask"
_NOT_KEPT = frozenset({"geometry", "entityId", "imageId", "objectId"})
_OTHER_NAMES: Mapping[str, str] = {"polyline": "line"}
_ADD_TO_META = "Add it to the project meta first."


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectNames:
    """The classes and tags of a project, by name and by id."""

    classes: Mapping[str, ObjectClass]
    tags: Mapping[str, TagMeta]
    class_ids: Mapping[str, int]
    tag_ids: Mapping[str, int]

    def class_of(self, sent: Mapping[str, Any]) -> ObjectClass:
        """Return the class that an object names by its title or its id.

        Raises:
            InputError: The project has none; names it.
        """
        title = sent.get("classTitle")
        found = self.classes.get(title) if isinstance(title, str) else None
        if found is None and (wanted := sent.get("classId")) is not None:
            found = next((self.classes[name] for name, number in self.class_ids.items() if number == wanted), None)
        if found is None:
            said = title if title is not None else sent.get("classId")
            raise InputError(f"the project has no object class {shortened(str(said))!r}.", _ADD_TO_META)
        return found

    def tag_of(self, sent: Mapping[str, Any]) -> TagMeta:
        """Return the tag that is named by its name or the id of its meta.

        Raises:
            InputError: The project has none; names it.
        """
        name = sent.get("name")
        found = self.tags.get(name) if isinstance(name, str) else None
        if found is None and (wanted := sent.get("tagId")) is not None:
            found = next((self.tags[name] for name, number in self.tag_ids.items() if number == wanted), None)
        if found is None:
            said = name if name is not None else sent.get("tagId")
            raise InputError(f"the project has no tag {shortened(str(said))!r}.", _ADD_TO_META)
        return found

    def server_ids(self, ids: Sequence[int]) -> ServerIds:
        """Return what adds ids to what is written; ``ids`` are those for objects and tags."""
        return ServerIds(classes=self.class_ids, tags=self.tag_ids, objects=iter(ids))


@lru_cache(maxsize=8)
def project_names(meta: str) -> ProjectNames:
    """Return the names in the meta of a project, which is given as it is stored."""
    parsed = parse_object(meta)
    read = meta_from_json(parsed)
    return ProjectNames(
        classes={item.name: item for item in read.classes},
        tags={item.name: item for item in read.tags},
        class_ids={item["title"]: item["id"] for item in parsed["classes"]},
        tag_ids={item["name"]: item["id"] for item in parsed["tags"]},
    )


def from_plane(image_id: int, content: msgspec.Raw) -> Json:
    """Return an annotation that measures on the plane as one that counts pixels (docs/supervisely-api.md 3.6).

    Raises:
        InputError: It is no JSON object; names the image.
    """
    try:
        drawn = _ANNOTATION.decode(content)
    except msgspec.MsgspecError as error:
        msg = f"The annotation of image {image_id} is no JSON object."
        raise InputError(msg, "Send annotations in Supervisely's format.") from error
    objects = [object_to_pixels(each) if isinstance(each, dict) else each for each in drawn.get("objects") or ()]
    return {**drawn, "objects": objects}


def read_annotation(
    sent: Mapping[str, Any], names: ProjectNames, size: Size, *, where: str, checks_bounds: bool
) -> Annotation:
    """Read an annotation that counts pixels, for an image of this size.

    Raises:
        InputError: A class, tag, field or value is not usable, or an object lies outside the image; names the object.
    """
    width, height = size
    objects = []
    for number, item in enumerate(sent.get("objects") or (), start=1):
        if not isinstance(item, dict):
            raise InputError(f"{where}, object {number}: it is no JSON object.", "Send objects.")
        objects.append(_placed(lambda item=item: _object(item, names), f"{where}, object {number}"))
    tags = [_placed(lambda tag=tag: read_tag(tag, names), where) for tag in sent.get("tags") or ()]
    whole = {**sent, "size": {"width": width, "height": height}, "objects": objects, "tags": tags}
    annotation = annotation_from_json({key: value for key, value in whole.items() if value is not None}, where=where)
    if not checks_bounds:
        return annotation
    labels = []
    for number, label in enumerate(annotation.labels, start=1):
        cut = _placed(lambda label=label: inside(label.geometry, width, height), f"{where}, object {number}")
        labels.append(label if cut is label.geometry else replace(label, geometry=cut))
    # Made anew only where something was cut: most annotations are whole, and there are many.
    is_cut = any(new is not old for new, old in zip(labels, annotation.labels, strict=True))
    return replace(annotation, labels=tuple(labels)) if is_cut else annotation


def _placed(read: Any, where: str) -> Any:  # noqa: ANN401 - whatever the function returns
    try:
        return read()
    except InputError as error:
        raise InputError(f"{where}: {error.message}", error.hint) from error


def _object(sent: Mapping[str, Any], names: ProjectNames) -> Json:
    """Return an object in Supervisely's form, with the name of its class, from either form that clients send."""
    geometry = sent.get("geometry")
    whole = {**sent, **geometry} if isinstance(geometry, dict) else sent
    item = {key: value for key, value in whole.items() if key not in _NOT_KEPT}
    shape = sent.get("geometryType") or sent.get("shape")
    shape = _OTHER_NAMES.get(str(shape), str(shape)) if shape is not None else ""
    found = names.class_of(sent)
    expected = _OTHER_NAMES.get(found.shape, found.shape)
    if shape and expected not in {ANY_SHAPE, shape}:
        msg = f"the class {found.name!r} is for the shape {expected}, and this object is a {shortened(shape)}."
        raise InputError(msg, "Use a class for this shape, or one for any shape.")
    item |= {"classTitle": found.name, "geometryType": shape or expected}
    item["tags"] = [read_tag(tag, names) for tag in sent.get("tags") or ()]
    if item["geometryType"] == _ALPHA_MASK and "bitmap" not in item:
        item["bitmap"] = _unseen_mask()
    return item


def read_tag(sent: object, names: ProjectNames) -> Json:
    """Return a tag with its name; its value is checked.

    Raises:
        InputError: The project has no such tag, or it does not take the value; names it.
    """
    tag = {"name": sent} if isinstance(sent, str) else sent
    if not isinstance(tag, dict):
        raise InputError("a tag is no JSON object.", "Send tags with their name or tagId.")
    meta = names.tag_of(tag)
    _check_value(meta, tag.get("value"))
    dropped = {"figureId", "entityId", "objectId", "id"}
    return {**{key: value for key, value in tag.items() if key not in dropped}, "name": meta.name}


def _check_value(meta: TagMeta, value: object) -> None:
    match meta.value_type:
        case "none":
            fits, wanted = value is None, "no value"
        case "any_number":
            fits, wanted = isinstance(value, int | float) and not isinstance(value, bool), "a number"
        case "oneof_string":
            fits, wanted = value in meta.values, f"one of {', '.join(meta.values)}"
        case "any_string":
            fits, wanted = isinstance(value, str), "a text"
        case _:  # types that are newer than this
            fits, wanted = True, ""
    if not fits:
        said = "none" if value is None else repr(shortened(str(value), 100))
        raise InputError(f"the tag {meta.name!r} takes {shortened(wanted)}, not {said}.", "Correct the value.")


@lru_cache(maxsize=1)
def _unseen() -> str:
    file = BytesIO()
    Image.new("L", (1, 1), 1).save(file, "PNG")
    return base64.b64encode(zlib.compress(file.getvalue())).decode()


def _unseen_mask() -> Json:
    """Return the mask of an alpha mask whose pixels have not come yet: one pixel that nobody sees.

    Clients make the object first and send its pixels in a second call. If that never comes, the annotation can still be
    read: a mask without any pixel is refused by the official SDK.
    """
    return {"origin": [0, 0], "data": _unseen()}


def numbered(annotation: Annotation, names: ProjectNames, ids: InnerIds) -> Json:
    """Return an annotation in Supervisely's JSON with new ids; not to be called inside a writing transaction."""
    count = len(annotation.tags) + sum(1 + len(label.tags) for label in annotation.labels)
    return annotation_to_json(annotation, names.server_ids(ids.several(count)))


def renumbered(text: str, names: ProjectNames, ids: InnerIds, *, where: str) -> str:
    """Return a stored annotation as one of another image, maybe of another project: with new ids.

    Not to be called inside a writing transaction.

    Raises:
        InputError: The other project lacks a class or a tag; names it.
    """
    drawn = parse_object(text)
    given = iter(ids.several(len(drawn["tags"]) + sum(1 + len(item.get("tags") or ()) for item in drawn["objects"])))

    def tag(row: Json) -> Json:
        meta = names.tag_of({"name": row["name"]})
        return {**row, "id": next(given), "tagId": names.tag_ids[meta.name]}

    def item(row: Json) -> Json:
        found = names.class_of({"classTitle": row["classTitle"]})
        own = {"id": next(given), "classId": names.class_ids[found.name]}
        return {**row, **own, "tags": [tag(each) for each in row.get("tags") or ()]}

    def whole() -> Json:
        return {
            **drawn,
            "tags": [tag(row) for row in drawn["tags"]],
            "objects": [item(row) for row in drawn["objects"]],
        }

    return msgspec.json.encode(_placed(whole, where)).decode()
