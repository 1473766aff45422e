"""Supervisely's JSON of project metas and annotations ↔ domain types; light, for clients and launches use it too.

Format: https://docs.supervisely.com/data-organization/00_ann_format_navi. Coordinates are those of pixels: a rectangle
from 3 to 5 covers the pixels 3, 4 and 5 (``Rectangle.width`` of the official SDK is ``right - left + 1``).
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
from traindash.domain.project import ObjectClass, ProjectMeta, TagMeta
from traindash.errors import InputError, issue_of

MAX_SIDE = 200_000  # longest image side that is believed, in pixels. JPEG ends at 65,535; whole-slide scans are larger

# A bound on both sides keeps NaN and infinity out as well: Python's JSON has them, and no comparison with NaN is true.
_Number: TypeAlias = Annotated[float, Meta(ge=-10 * MAX_SIDE, le=10 * MAX_SIDE)]
_Side: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_SIDE)]
_Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1024)]
_Color: TypeAlias = Annotated[str, Meta(pattern=r"^#[0-9A-Fa-f]{6}$")]
_Point: TypeAlias = tuple[_Number, _Number]
_Outline: TypeAlias = Annotated[tuple[_Point, ...], Meta(min_length=3)]
_T = TypeVar("_T")


# These hold how Supervisely's form differs from the domain's, and what is believed of somebody's file.


class _Class(Struct):
    title: _Text
    shape: _Text
    color: _Color = "#7B7F85"


class _Meta(Struct):
    classes: tuple[_Class, ...]
    tags: tuple[TagMeta, ...] = ()


class _Corners(Struct):
    exterior: tuple[_Point, _Point]


class _Outlines(Struct):
    exterior: _Outline
    interior: tuple[_Outline, ...] = ()


class _Object(Struct, rename="camel"):
    class_title: _Text
    geometry_type: _Text
    id: int | None = None
    tags: tuple[Tag, ...] = ()


class _Size(Struct):
    width: _Side
    height: _Side


class _Image(Struct):
    """An annotation whose objects are still JSON, so that one damaged object does not cost the others."""

    size: _Size
    objects: tuple[dict[str, Any], ...] = ()
    tags: tuple[Tag, ...] = ()


# What an object says beside its geometry; of a geometry that we do not know, all the rest is kept word for word.
_LABEL_KEYS = frozenset({"id", "classId", "classTitle", "geometryType", "tags", "description", "labelerLogin"})
_HISTORY_KEYS = frozenset({"createdAt", "updatedAt", "entityId", "instance", "key", "meta", "priority", "customData"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerIds:
    """Ids that a server adds to the JSON of an annotation."""

    classes: Mapping[str, int]  # class name → id
    tags: Mapping[str, int]  # tag name → id
    objects: Iterator[int]  # gives ids for objects, one after another


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
        raise InputError(msg, "Correct the file or leave it out.") from error


def meta_from_json(obj: object, *, where: str = "meta") -> ProjectMeta:
    """Read a project meta.

    As in ``meta.json`` and the answer of ``projects.meta``; ``where`` names the file or answer for messages.

    Raises:
        InputError: A field is missing or wrong, or a name occurs twice; names the field.
    """
    meta = decoded(_Meta, _without_null_values(obj), where)
    classes = tuple(ObjectClass(name=item.title, shape=item.shape, color=item.color.upper()) for item in meta.classes)
    _refuse_twice([item.name for item in classes], f"{where}: the object class")
    _refuse_twice([item.name for item in meta.tags], f"{where}: the tag")
    return ProjectMeta(classes=classes, tags=tuple(replace(tag, color=tag.color.upper()) for tag in meta.tags))


def _without_null_values(obj: object) -> object:
    """Leave out ``"values": null``, which some servers write for tags that take any value."""
    if not isinstance(obj, dict) or not isinstance(obj.get("tags"), list):
        return obj
    given = [{k: v for k, v in tag.items() if v is not None} if isinstance(tag, dict) else tag for tag in obj["tags"]]
    return {**obj, "tags": given}


def meta_to_json(meta: ProjectMeta) -> dict[str, Any]:
    """Write a project meta the way ``meta.json`` holds it."""
    classes = [
        {"title": item.name, "shape": item.shape, "color": item.color, "geometry_config": {}, "hotkey": ""}
        for item in meta.classes
    ]
    tags = [
        {
            "name": tag.name,
            "value_type": tag.value_type,
            "color": tag.color,
            "applicable_type": tag.applicable_type,
            "classes": [],
            "hotkey": "",
            # The SDK takes the key as a promise of a list of choices, so it must be absent without them.
            **({"values": list(tag.values)} if tag.values else {}),
        }
        for tag in meta.tags
    ]
    return {"classes": classes, "tags": tags, "projectType": "images"}


def annotation_from_json(obj: object, *, where: str = "annotation") -> Annotation:
    """Read the annotation of an image.

    As in the files of ``ann/`` and ``annotation`` of ``annotations.bulk.info``; ``where`` names the file for messages.

    Raises:
        InputError: A field is missing or wrong; names the object and the field.
    """
    annotation, damaged = sound_part(obj, where=where)
    for number, message in damaged.items():
        raise InputError(f"{where}, object {number}, {message}", "Correct the file or leave it out.")
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
    annotation = Annotation(width=image.size.width, height=image.size.height, labels=tuple(labels), tags=image.tags)
    return annotation, damaged


def _label(obj: Mapping[str, object]) -> Label:
    item = decoded(_Object, obj, "")
    geometry = _geometry(item.geometry_type, obj)
    return Label(class_name=item.class_title, geometry=geometry, tags=item.tags, id=item.id)


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
            own = {key: value for key, value in obj.items() if key not in _LABEL_KEYS | _HISTORY_KEYS}
            return OtherGeometry(shape=shape, json=json.dumps(own, ensure_ascii=False))


def annotation_to_json(annotation: Annotation, ids: ServerIds | None = None) -> dict[str, Any]:
    """Write the annotation of an image in Supervisely's format.

    Ids to add are new ones for all objects; without them objects keep theirs.

    Raises:
        KeyError: ``ids`` has none for a class or tag.
    """
    return {
        "description": "",
        "tags": _tags_to_json(annotation.tags, ids),
        "size": {"height": annotation.height, "width": annotation.width},
        "objects": [_label_to_json(label, ids) for label in annotation.labels],
    }


def _label_to_json(label: Label, ids: ServerIds | None) -> dict[str, Any]:
    head: dict[str, Any] = {} if label.id is None else {"id": label.id}
    if ids is not None:
        head = {"id": next(ids.objects), "classId": ids.classes[label.class_name]}
    head |= {
        "classTitle": label.class_name,
        "geometryType": shape_name(label.geometry),
        "description": "",
        "tags": _tags_to_json(label.tags, ids),
    }
    return head | _geometry_to_json(label.geometry)


def _tags_to_json(tags: Sequence[Tag], ids: ServerIds | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"name": tag.name, "value": tag.value} for tag in tags]
    return rows if ids is None else [{**row, "tagId": ids.tags[row["name"]]} for row in rows]


def _geometry_to_json(geometry: Geometry) -> dict[str, Any]:
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
            raise InputError(f"{what} “{name}” is defined twice.", "Rename or remove one of them.")
