"""Supervisely's JSON of project metas and annotations ↔ domain types.

Format: https://docs.supervisely.com/data-organization/00_ann_format_navi. Coordinates are those of pixels: a rectangle
from 3 to 5 covers the pixels 3, 4 and 5 (``Rectangle.width`` of the official SDK is ``right - left + 1``).
"""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from traindash.datasets.geometry import bounds
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
from traindash.errors import InputError

MAX_SIDE = 200_000
"""Longest image side that is believed, in pixels. JPEG ends at 65,535; whole-slide scans are larger."""
TOLERANCE = 1.0
"""Pixels by which a coordinate may lie outside the image: annotation tools round to either side of the border."""

_Number: TypeAlias = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-10 * MAX_SIDE, le=10 * MAX_SIDE)]
_Side: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=MAX_SIDE)]
_Pixel: TypeAlias = Annotated[int, Field(strict=True, ge=-10 * MAX_SIDE, le=10 * MAX_SIDE)]
_Text: TypeAlias = Annotated[str, Field(strict=True, min_length=1, max_length=1024)]
_Color: TypeAlias = Annotated[str, Field(strict=True, pattern=r"^#[0-9A-Fa-f]{6}$")]
_Point: TypeAlias = tuple[_Number, _Number]
_Outline: TypeAlias = Annotated[list[_Point], Field(min_length=3)]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _ClassWire(_Wire):
    title: _Text
    shape: _Text
    color: _Color = "#7B7F85"


class _TagMetaWire(_Wire):
    name: _Text
    value_type: _Text = "none"
    values: list[str] | None = None
    color: _Color = "#7B7F85"
    applicable_type: _Text = "all"


class _MetaWire(_Wire):
    classes: list[_ClassWire]
    tags: list[_TagMetaWire] = []


class _TagWire(_Wire):
    name: _Text
    value: str | float | None = None


class _RectangleWire(_Wire):
    exterior: Annotated[list[_Point], Field(min_length=2, max_length=2)]


class _PolygonWire(_Wire):
    exterior: _Outline
    interior: list[_Outline] = []


class _BitmapWire(_Wire):
    data: Annotated[str, Field(strict=True, min_length=1)]
    origin: tuple[_Pixel, _Pixel]


class _RectangleObject(_Wire):
    points: _RectangleWire


class _PolygonObject(_Wire):
    points: _PolygonWire


class _BitmapObject(_Wire):
    bitmap: _BitmapWire


class _ObjectWire(_Wire):
    class_title: _Text = Field(alias="classTitle")
    geometry_type: _Text = Field(alias="geometryType")
    id: int | None = None
    tags: list[_TagWire] = []


class _SizeWire(_Wire):
    width: _Side
    height: _Side


class _AnnotationWire(_Wire):
    size: _SizeWire
    objects: list[Mapping[str, object]] = []
    tags: list[_TagWire] = []


_META = TypeAdapter(_MetaWire)
_OBJECT = TypeAdapter(_ObjectWire)
_RECTANGLE = TypeAdapter(_RectangleObject)
_POLYGON = TypeAdapter(_PolygonObject)
_BITMAP = TypeAdapter(_BitmapObject)
_ANNOTATION = TypeAdapter(_AnnotationWire)
_T = TypeVar("_T")

_LABEL_KEYS = frozenset({"id", "classId", "classTitle", "geometryType", "tags", "description", "labelerLogin"})
_HISTORY_KEYS = frozenset({"createdAt", "updatedAt", "entityId", "instance", "key", "meta", "priority", "customData"})


def meta_from_json(obj: object, *, where: str = "meta") -> ProjectMeta:
    """Read a project meta.

    Args:
        obj: Parsed JSON, as in ``meta.json`` and the answer of ``projects.meta``.
        where: Name of the file or answer, for messages.

    Raises:
        InputError: A field is missing or wrong, or a name occurs twice; names the field.
    """
    wire = _validated(_META, obj, where)
    classes = tuple(ObjectClass(name=item.title, shape=item.shape, color=item.color.upper()) for item in wire.classes)
    tags = tuple(
        TagMeta(
            name=item.name,
            value_type=item.value_type,
            values=tuple(item.values or ()),
            color=item.color.upper(),
            applicable_type=item.applicable_type,
        )
        for item in wire.tags
    )
    _refuse_twice([item.name for item in classes], f"{where}: the object class")
    _refuse_twice([item.name for item in tags], f"{where}: the tag")
    return ProjectMeta(classes=classes, tags=tags)


def meta_to_json(meta: ProjectMeta) -> dict[str, object]:
    """Write a project meta the way ``meta.json`` holds it."""
    classes = [
        {"title": item.name, "shape": item.shape, "color": item.color, "geometry_config": {}, "hotkey": ""}
        for item in meta.classes
    ]
    return {"classes": classes, "tags": [_tag_meta_to_json(tag) for tag in meta.tags], "projectType": "images"}


def annotation_from_json(obj: object, *, where: str = "annotation") -> Annotation:
    """Read the annotation of an image.

    Args:
        obj: Parsed JSON, as in the files of ``ann/`` and ``annotation`` of ``annotations.bulk.info``.
        where: Name of the file, for messages.

    Raises:
        InputError: A field is missing or wrong, or an object lies outside the image by more than
            :data:`TOLERANCE`; names the object and the field.
    """
    size, objects, tags = annotation_parts(obj, where=where)
    labels = []
    for number, item in enumerate(objects, start=1):
        place = f"{where}, object {number}"
        label = label_from_json(item, where=place)
        _refuse_outside(label.geometry, size, place)
        labels.append(label)
    return Annotation(width=size[0], height=size[1], labels=tuple(labels), tags=tags)


def annotation_parts(obj: object, *, where: str) -> tuple[tuple[int, int], list[Mapping[str, object]], tuple[Tag, ...]]:
    """Read an annotation without looking into its objects.

    Returns:
        (width, height) in pixels, the JSON of the objects, the tags of the image.

    Raises:
        InputError: Something other than an object is wrong.
    """
    wire = _validated(_ANNOTATION, obj, where)
    return (wire.size.width, wire.size.height), wire.objects, _tags(wire.tags)


def label_from_json(obj: Mapping[str, object], *, where: str) -> Label:
    """Read one object of an annotation; where it lies is not looked at.

    Raises:
        InputError: A field is missing or wrong.
    """
    wire = _validated(_OBJECT, obj, where)
    geometry = _geometry(wire.geometry_type, obj, where)
    return Label(class_name=wire.class_title, geometry=geometry, tags=_tags(wire.tags), id=wire.id)


def annotation_to_json(annotation: Annotation) -> dict[str, object]:
    """Write the annotation of an image in Supervisely's format."""
    return {
        "description": "",
        "tags": [_tag_to_json(tag) for tag in annotation.tags],
        "size": {"height": annotation.height, "width": annotation.width},
        "objects": [_label_to_json(label) for label in annotation.labels],
    }


def _geometry(shape: str, obj: Mapping[str, object], where: str) -> Geometry:
    match shape:
        case "rectangle":
            (x1, y1), (x2, y2) = _validated(_RECTANGLE, obj, where).points.exterior
            return Rectangle(left=min(x1, x2), top=min(y1, y2), right=max(x1, x2), bottom=max(y1, y2))
        case "polygon":
            points = _validated(_POLYGON, obj, where).points
            return Polygon(exterior=tuple(points.exterior), interior=tuple(tuple(hole) for hole in points.interior))
        case "bitmap":
            bitmap = _validated(_BITMAP, obj, where).bitmap
            return Bitmap(origin=bitmap.origin, data=bitmap.data)
        case _:
            own = {key: value for key, value in obj.items() if key not in _LABEL_KEYS | _HISTORY_KEYS}
            return OtherGeometry(shape=shape, json=json.dumps(own, ensure_ascii=False))


def _label_to_json(label: Label) -> dict[str, object]:
    head: dict[str, object] = {} if label.id is None else {"id": label.id}
    head |= {
        "classTitle": label.class_name,
        "geometryType": shape_name(label.geometry),
        "description": "",
        "tags": [_tag_to_json(tag) for tag in label.tags],
    }
    return head | _geometry_to_json(label.geometry)


def _geometry_to_json(geometry: Geometry) -> dict[str, object]:
    match geometry:
        case Rectangle(left=left, top=top, right=right, bottom=bottom):
            return {"points": {"exterior": _points_to_json(((left, top), (right, bottom))), "interior": []}}
        case Polygon(exterior=exterior, interior=interior):
            holes = [_points_to_json(hole) for hole in interior]
            return {"points": {"exterior": _points_to_json(exterior), "interior": holes}}
        case Bitmap(origin=origin, data=data):
            return {"bitmap": {"data": data, "origin": list(origin)}}
        case OtherGeometry(json=text):
            own: dict[str, object] = json.loads(text)
            return own


def _points_to_json(points: tuple[Point, ...]) -> list[list[float]]:
    return [[_short(x), _short(y)] for x, y in points]


def _short(value: float) -> float:
    """Whole numbers are written without a fraction, as Supervisely does."""
    return int(value) if value == int(value) else value


def _tag_to_json(tag: Tag) -> dict[str, object]:
    return {"name": tag.name, "value": tag.value}


def _tag_meta_to_json(tag: TagMeta) -> dict[str, object]:
    entry: dict[str, object] = {
        "name": tag.name,
        "value_type": tag.value_type,
        "color": tag.color,
        "applicable_type": tag.applicable_type,
        "classes": [],
        "hotkey": "",
    }
    return entry | ({"values": list(tag.values)} if tag.values else {})


def _tags(wires: list[_TagWire]) -> tuple[Tag, ...]:
    return tuple(Tag(name=wire.name, value=wire.value) for wire in wires)


def _refuse_twice(names: list[str], what: str) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            msg = f"{what} “{name}” is defined twice."
            raise InputError(msg, "Rename or remove one of them.")


def _refuse_outside(geometry: Geometry, size: tuple[int, int], where: str) -> None:
    try:
        box = bounds(geometry)
    except InputError as error:
        msg = f"{where}: {error.message}"
        raise InputError(msg, error.hint) from error
    if box is None:
        return
    width, height = size
    if min(box.left, box.top) < -TOLERANCE or box.right > width + TOLERANCE or box.bottom > height + TOLERANCE:
        msg = (
            f"{where}: the {shape_name(geometry)} from ({box.left:g}, {box.top:g}) to ({box.right:g}, {box.bottom:g}) "
            f"lies outside the image of {width} x {height} pixels."
        )
        raise InputError(msg, "Import the project; the import cuts such objects at the border and says so.")


def _validated(adapter: TypeAdapter[_T], obj: object, where: str) -> _T:
    try:
        return adapter.validate_python(obj)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        msg = f"{where}, {field}: {first['msg']}." if field else f"{where}: {first['msg']}."
        raise InputError(msg, "Correct the file or leave it out.") from error
