"""Supervisely's JSON of project metas and annotations ↔ domain types; light, for clients and launches use it too.

Format: https://docs.supervisely.com/data-organization/00_ann_format_navi. Coordinates are those of pixels: a rectangle
from 3 to 5 covers the pixels 3, 4 and 5 (``Rectangle.width`` of the official SDK is ``right - left + 1``).

What has no field in the domain is carried in ``extra`` and written back, except ids: they are those of the server that
gave them, and the next one gives its own.
"""

import json
import sys
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct

from traindash.domain.annotation import (
    Annotation,
    Bitmap,
    Geometry,
    Label,
    OtherGeometry,
    Point,
    Polygon,
    Rectangle,
    Tag,
    shape_name,
)
from traindash.domain.project import NO_COLOR, ObjectClass, ProjectMeta, TagMeta
from traindash.errors import InputError, issue_of
from traindash.language import gettext as _

MAX_SIDE = 200_000  # longest image side that is believed, in pixels. JPEG ends at 65,535; whole-slide scans are larger

# A bound on both sides keeps NaN and infinity out as well: Python's JSON has them, and no comparison with NaN is true.
_Number: TypeAlias = Annotated[float, Meta(ge=-10 * MAX_SIDE, le=10 * MAX_SIDE)]
_Side: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_SIDE)]
_Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1024)]
_Finite: TypeAlias = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
_Color: TypeAlias = Annotated[str, Meta(pattern=r"^#[0-9A-Fa-f]{6}$")]
_Point: TypeAlias = tuple[_Number, _Number]
_Outline: TypeAlias = Annotated[tuple[_Point, ...], Meta(min_length=3)]
_T = TypeVar("_T")


# These hold how Supervisely's form differs from the domain's, and what is believed of somebody's file.


class _Class(Struct):
    title: _Text
    shape: _Text
    color: _Color = NO_COLOR


class _TagMeta(Struct):
    name: str
    value_type: str = "none"
    values: tuple[str, ...] = ()
    color: str = NO_COLOR
    applicable_type: str = "all"


class _Meta(Struct):
    """A meta whose classes and tags are still JSON, for all that they say beside what is checked."""

    classes: tuple[dict[str, Any], ...]
    tags: tuple[dict[str, Any] | str, ...] = ()
    # Projects of 2018 and before have their tags in two lists (``ProjectMeta.from_json`` of the SDK).
    tags_images: tuple[dict[str, Any] | str, ...] = ()
    tags_objects: tuple[dict[str, Any] | str, ...] = ()


class _Corners(Struct):
    exterior: tuple[_Point, _Point]


class _Outlines(Struct):
    exterior: _Outline
    interior: tuple[_Outline, ...] = ()


class _Tag(Struct):
    name: str
    value: str | int | _Finite | None = None


class _Object(Struct, rename="camel"):
    class_title: _Text
    geometry_type: _Text
    tags: tuple[_Tag | str, ...] = ()


class _Size(Struct):
    width: _Side
    height: _Side


class _Image(Struct):
    """An annotation whose objects are still JSON, so that one damaged object does not cost the others."""

    size: _Size
    objects: tuple[dict[str, Any], ...] = ()
    tags: tuple[_Tag | str, ...] = ()


# Keys that are read into fields, and ids, which are not carried from server to server.
_CLASS_KEYS = frozenset({"id", "title", "shape", "color"})
_TAG_META_KEYS = frozenset({"id", "name", "value_type", "values", "color", "applicable_type"})
_META_KEYS = frozenset({"classes", "tags", "tags_images", "tags_objects"})
_TAG_KEYS = frozenset({"id", "tagId", "entityId", "name", "value"})
_LABEL_KEYS = frozenset({"id", "classId", "entityId", "figureId", "classTitle", "geometryType", "tags"})
_IMAGE_KEYS = frozenset({"size", "objects", "tags", "imageId"})
# Written even where nothing was said, as Supervisely does; so there is nothing to carry where it says just this.
_OF_CLASS: Mapping[str, Any] = {"geometry_config": {}, "hotkey": ""}
_OF_TAG_META: Mapping[str, Any] = {"classes": [], "hotkey": ""}
_OF_META: Mapping[str, Any] = {"projectType": "images"}
_DESCRIBED: Mapping[str, Any] = {"description": ""}
# Shape → what is read of an object with it; the shapes that are not here are kept as they come.
_LABEL_KEYS_OF: Mapping[str, frozenset[str]] = {
    "rectangle": _LABEL_KEYS | {"points"},
    "polygon": _LABEL_KEYS | {"points"},
    "bitmap": _LABEL_KEYS | {"bitmap"},
}
# What an object says beside a geometry that we do not know; all the rest of it is the geometry's.
_BESIDE_GEOMETRY = frozenset(
    {"description", "labelerLogin", "createdAt", "updatedAt", "instance", "key", "meta", "priority", "customData"}
    | {"nnCreated", "nnUpdated", "smartToolInput", "shape"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerIds:
    """Ids that a server adds to the JSON of an annotation."""

    classes: Mapping[str, int]  # class name → id
    tags: Mapping[str, int]  # tag name → id
    objects: Iterator[int]  # gives ids for objects and for tags on them and on images, one after another


def decoded(kind: type[_T], content: object, where: str, *keys: str) -> _T:
    """Make a value of parsed JSON that somebody gave.

    For messages: ``keys`` lead to the content, ``where`` names the file; empty if whoever catches the error does.

    Raises:
        InputError: A field is missing or wrong; names the first.
    """
    try:
        # From parsed JSON and not from bytes: Python's JSON takes the NaN that some tools write, msgspec's does not,
        # and one such number would cost the whole file.
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        issue = issue_of(error)
        issue = replace(issue, path=(*keys, *issue.path))
        msg = f"{where}, {issue}." if where and issue.path else f"{where}: {issue.reason}." if where else f"{issue}."
        raise InputError(msg, _("Correct the file or leave it out.")) from error


def meta_from_json(obj: object, *, where: str = "meta") -> ProjectMeta:
    """Read a project meta.

    As in ``meta.json`` and the answer of ``projects.meta``; ``where`` names the file or answer for messages.

    Raises:
        InputError: A field is missing or wrong, or a name occurs twice; names the field.
    """
    meta = decoded(_Meta, obj, where)
    classes = tuple(_object_class(item, where, "classes", str(number)) for number, item in enumerate(meta.classes))
    tags = tuple(_tag_meta(item, where, "tags", str(number)) for number, item in enumerate(meta.tags))
    tags = tags or _merged(_old_tags(meta.tags_images, where, "images"), _old_tags(meta.tags_objects, where, "objects"))
    _refuse_twice([item.name for item in classes], f"{where}: {_('The object class “{name}” is defined twice.')}")
    _refuse_twice([item.name for item in tags], f"{where}: {_('The tag “{name}” is defined twice.')}")
    extra = _named_group_tag(_rest(_object(obj), _META_KEYS, _OF_META), meta.tags)
    return ProjectMeta(classes=classes, tags=tags, extra=extra)


def _object_class(row: Mapping[str, Any], where: str, *place: str) -> ObjectClass:
    item = decoded(_Class, _given(row), where, *place)
    extra = _rest(row, _CLASS_KEYS, _OF_CLASS)
    return ObjectClass(name=item.title, shape=item.shape, color=item.color.upper(), extra=extra)


def _tag_meta(row: Mapping[str, Any] | str, where: str, *place: str) -> TagMeta:
    if isinstance(row, str):  # as projects of 2018 have it (``TagMeta.from_json`` of the SDK)
        return TagMeta(name=row)
    item = decoded(_TagMeta, _given(row), where, *place)
    return TagMeta(
        name=item.name,
        value_type=item.value_type,
        values=item.values,
        color=item.color.upper(),
        applicable_type=item.applicable_type,
        extra=_rest(row, _TAG_META_KEYS, _OF_TAG_META),
    )


def _old_tags(rows: Sequence[Mapping[str, Any] | str], where: str, kind: str) -> list[TagMeta]:
    named = (_tag_meta(row, where, f"tags_{kind}", str(number)) for number, row in enumerate(rows))
    return [replace(item, applicable_type=f"{kind}Only") for item in named]


def _merged(of_images: Sequence[TagMeta], of_objects: Sequence[TagMeta]) -> tuple[TagMeta, ...]:
    """Join the two lists of tags; one that is in both is for both."""
    both = {item.name for item in of_images} & {item.name for item in of_objects}
    first = [replace(item, applicable_type="all") if item.name in both else item for item in of_images]
    return (*first, *(item for item in of_objects if item.name not in both))


def _named_group_tag(extra: Mapping[str, Any], tags: Sequence[Mapping[str, Any] | str]) -> Mapping[str, Any]:
    """Say by its name which tag groups the images of several views, for its id is another on every server."""
    match extra:
        case {"projectSettings": {"multiView": {"tagId": int(wanted), **view}, **settings}, **rest}:
            named = (str(row["name"]) for row in tags if isinstance(row, dict) and row.get("id") == wanted)
            grouped = {**view, "tagId": None, "tagName": view.get("tagName") or next(named, None)}
            return {**rest, "projectSettings": {**settings, "multiView": grouped}}
        case _:
            return extra


def _object(obj: object) -> Mapping[str, Any]:
    """Return JSON that was decoded as an object."""
    return obj if isinstance(obj, dict) else {}


def _given(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out what is null: some servers write ``"values": null`` for tags that take any value."""
    return {key: value for key, value in row.items() if value is not None}


def _rest(obj: Mapping[str, Any], known: Container[str], written: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what is carried: neither read into fields nor written anyway."""
    # A project has millions of objects and tags, so this looks at each key once and at the few written ones after.
    kept = {key: value for key, value in obj.items() if key not in known}
    for key, value in written.items():
        if key in kept and kept[key] == value:
            del kept[key]
    return kept


def meta_to_json(meta: ProjectMeta) -> dict[str, Any]:
    """Write a project meta the way ``meta.json`` holds it."""
    classes = [
        {**_OF_CLASS, **item.extra, "title": item.name, "shape": item.shape, "color": item.color}
        for item in meta.classes
    ]
    tags = [
        {
            **_OF_TAG_META,
            **tag.extra,
            "name": tag.name,
            "value_type": tag.value_type,
            "color": tag.color,
            "applicable_type": tag.applicable_type,
            # The SDK takes the key as a promise of a list of choices, so it must be absent without them.
            **({"values": list(tag.values)} if tag.values or tag.value_type == "oneof_string" else {}),
        }
        for tag in meta.tags
    ]
    return {**_OF_META, **meta.extra, "classes": classes, "tags": tags}


def annotation_from_json(obj: object, *, where: str = "annotation") -> Annotation:
    """Read the annotation of an image.

    As in the files of ``ann/`` and ``annotation`` of ``annotations.bulk.info``; ``where`` names the file for messages.

    Raises:
        InputError: A field is missing or wrong; names the object and the field.
    """
    annotation, damaged = sound_part(obj, where=where)
    for number, message in damaged.items():
        raise InputError(f"{where}, object {number}, {message}", _("Correct the file or leave it out."))
    return annotation


def sound_part(obj: object, *, where: str) -> tuple[Annotation, Mapping[int, str]]:
    """Read what can be read of an annotation.

    Returns:
        The annotation without objects that are damaged, and of those: number in the file from 1 → what is wrong.

    Raises:
        InputError: Something other than an object is wrong.
    """
    image = decoded(_Image, obj, where)
    labels: list[Label] = []
    damaged: dict[int, str] = {}
    for number, item in enumerate(image.objects, start=1):
        try:
            labels.append(_label(item))
        except InputError as error:
            damaged[number] = error.message
    annotation = Annotation(
        width=image.size.width,
        height=image.size.height,
        labels=tuple(labels),
        tags=_tags(image.tags, _object(obj).get("tags")),
        extra=_rest(_object(obj), _IMAGE_KEYS, _DESCRIBED),
    )
    return annotation, damaged


def _tags(tags: Sequence[_Tag | str], rows: Any) -> tuple[Tag, ...]:  # noqa: ANN401 - the JSON that the tags were read of
    if not tags:
        return ()
    read: list[Tag] = []
    for tag, row in zip(tags, rows, strict=True):
        if isinstance(tag, str):  # as projects of 2018 have it (``Tag.from_json`` of the SDK)
            read.append(Tag(name=tag))
        else:
            extra = {key: value for key, value in row.items() if key not in _TAG_KEYS}
            read.append(Tag(name=tag.name, value=tag.value, extra=extra))
    return tuple(read)


def _label(obj: Mapping[str, Any]) -> Label:
    if "geometryType" not in obj and "shape" in obj:  # the SDK takes either (``Label.from_json``)
        obj = {**obj, "geometryType": obj["shape"]}
    item = decoded(_Object, obj, "")
    shape, own_id = item.geometry_type, obj.get("id")
    geometry = _geometry(shape, obj)
    known, beside = _LABEL_KEYS_OF.get(shape), obj
    if known is None:
        known, beside = _LABEL_KEYS, {key: value for key, value in obj.items() if key in _BESIDE_GEOMETRY}
    return Label(
        class_name=item.class_title,
        geometry=geometry,
        tags=_tags(item.tags, obj.get("tags")),
        id=own_id if isinstance(own_id, int) else None,
        extra=_rest(beside, known, _DESCRIBED),
    )


def _geometry(shape: str, obj: Mapping[str, object]) -> Geometry:
    match shape:
        case "rectangle":
            # Any two opposite corners, in any order: people draw rectangles from all sides.
            (x1, y1), (x2, y2) = decoded(_Corners, obj.get("points"), "", "points").exterior
            return Rectangle(left=min(x1, x2), top=min(y1, y2), right=max(x1, x2), bottom=max(y1, y2))
        case "polygon":
            points = decoded(_Outlines, obj.get("points"), "", "points")
            return Polygon(exterior=points.exterior, interior=points.interior)
        case "bitmap":
            return decoded(Bitmap, obj.get("bitmap"), "", "bitmap")
        case _:
            # Without a schema: there are shapes that this version does not know, and nothing of them may be lost.
            own = {key: value for key, value in obj.items() if key not in _LABEL_KEYS | _BESIDE_GEOMETRY}
            return OtherGeometry(shape=shape, json=json.dumps(own, ensure_ascii=False))


def annotation_to_json(annotation: Annotation, ids: ServerIds | None = None) -> dict[str, Any]:
    """Write the annotation of an image in Supervisely's format.

    Ids to add are new ones for all objects and tags; without them objects keep theirs.

    Raises:
        KeyError: ``ids`` has none for a class or tag.
    """
    return {
        **_DESCRIBED,
        **annotation.extra,
        "tags": _tags_to_json(annotation.tags, ids),
        "size": {"height": annotation.height, "width": annotation.width},
        "objects": [_label_to_json(label, ids) for label in annotation.labels],
    }


def _label_to_json(label: Label, ids: ServerIds | None) -> dict[str, Any]:
    shape = shape_name(label.geometry)
    row: dict[str, Any] = {**_DESCRIBED, **label.extra}
    if "shape" in row:  # the SDK writes the type under two keys; a geometry may have been converted since
        row["shape"] = shape
    if ids is not None:
        row |= {"id": next(ids.objects), "classId": ids.classes[label.class_name]}
    elif label.id is not None:
        row["id"] = label.id
    row |= {"classTitle": label.class_name, "geometryType": shape, "tags": _tags_to_json(label.tags, ids)}
    return row | geometry_to_json(label.geometry)


def _tags_to_json(tags: Sequence[Tag], ids: ServerIds | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{**tag.extra, "name": tag.name, "value": tag.value} for tag in tags]
    if ids is None:
        return rows
    return [{**row, "id": next(ids.objects), "tagId": ids.tags[row["name"]]} for row in rows]


def geometry_to_json(geometry: Geometry) -> dict[str, Any]:
    """Return what an object says of its place, in Supervisely's format."""
    match geometry:
        case Rectangle(left=left, top=top, right=right, bottom=bottom):
            return {"points": {"exterior": _points_to_json(((left, top), (right, bottom))), "interior": []}}
        case Polygon(exterior=exterior, interior=interior):
            holes = [_points_to_json(hole) for hole in interior]
            return {"points": {"exterior": _points_to_json(exterior), "interior": holes}}
        case Bitmap(origin=origin, data=data):
            return {"bitmap": {"data": data, "origin": list(origin)}}
        case OtherGeometry(json=text):
            own: dict[str, Any] = json.loads(text)
            return own


def _points_to_json(points: Sequence[Point]) -> list[list[float]]:
    # Whole numbers are written without a fraction, as Supervisely does.
    return [[int(x) if x == int(x) else x, int(y) if y == int(y) else y] for x, y in points]


def _refuse_twice(names: Sequence[str], what: str) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise InputError(what.format(name=name), _("Rename or remove one of them."))
