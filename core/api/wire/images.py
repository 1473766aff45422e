"""Images and their annotations (contract section 3.4; Supervisely annotation format)."""

import json
from collections.abc import Mapping
from typing import Any

from msgspec import field

from core.api.wire.reading import Shape, read
from core.domain.annotation import Annotation, Bitmap, Geometry, Label, OtherGeometry, Point, Polygon, Rectangle, Tag
from core.domain.ids import DatasetId, ImageId
from core.domain.image import Image

_METHOD = "annotations.bulk.info"


class _TagShape(Shape):
    name: str | None = None
    tag_id: int | None = None
    value: Any = None

    def tag(self) -> Tag:
        value = self.value if isinstance(self.value, str | float | int) else None
        return Tag(name=self.name or str(self.tag_id), value=value)


class ImageShape(Shape):
    """An entity of ``images.list``."""

    id: int
    dataset_id: int
    name: str | None = None
    width: int | None = None
    height: int | None = None
    hash: str | None = None
    mime: str | None = None
    size: int | None = None
    labels_count: int | None = None
    tags: tuple[_TagShape, ...] | None = None
    full_storage_url: str | None = None

    def image(self) -> Image:
        """Return the domain value."""
        return Image(
            id=ImageId(self.id),
            name=self.name or str(self.id),
            dataset_id=DatasetId(self.dataset_id),
            width=self.width or 0,
            height=self.height or 0,
            hash=self.hash or "",
            mime=self.mime or "",
            size_bytes=self.size or 0,
            labels_count=self.labels_count or 0,
            tags=tuple(tag.tag() for tag in self.tags or ()),
            url=self.full_storage_url,
        )


class _Points(Shape):
    exterior: tuple[Point, ...]
    interior: tuple[tuple[Point, ...], ...] = ()


class _BitmapShape(Shape):
    origin: tuple[int, int]
    data: str


class _ObjectShape(Shape):
    class_title: str
    geometry_type: str
    id: int | None = None
    tags: tuple[_TagShape, ...] = ()
    points: _Points | None = None
    bitmap: _BitmapShape | None = None


class _SizeShape(Shape):
    width: int
    height: int


class _AnnotationShape(Shape):
    size: _SizeShape
    tags: tuple[_TagShape, ...] = ()
    objects: tuple[dict[str, Any], ...] = ()


class AnnotationRow(Shape):
    """An element of the answer of ``annotations.bulk.info``."""

    image_id: int
    annotation: dict[str, Any] = field(default_factory=dict)


def annotation_of(content: Mapping[str, object]) -> Annotation:
    """Read an annotation; geometries that no trainer here uses are kept as they are.

    Raises:
        ContractError: A field is missing or has the wrong type.
    """
    shape = read(_METHOD, _AnnotationShape, content)
    return Annotation(
        width=shape.size.width,
        height=shape.size.height,
        labels=tuple(_label(row) for row in shape.objects),
        tags=tuple(tag.tag() for tag in shape.tags),
    )


def _label(row: Mapping[str, Any]) -> Label:
    kept = {"rectangle", "polygon"}
    known = row if row.get("geometryType") in kept else {**row, "points": None}
    shape = read(_METHOD, _ObjectShape, known)
    return Label(
        class_name=shape.class_title,
        geometry=_geometry(shape, row),
        tags=tuple(tag.tag() for tag in shape.tags),
        id=shape.id,
    )


def _geometry(shape: _ObjectShape, row: Mapping[str, Any]) -> Geometry:
    match shape:
        case _ObjectShape(geometry_type="rectangle", points=_Points(exterior=corners)) if corners:
            xs, ys = [x for x, _ in corners], [y for _, y in corners]
            return Rectangle(left=min(xs), top=min(ys), right=max(xs), bottom=max(ys))
        case _ObjectShape(geometry_type="polygon", points=_Points() as points):
            return Polygon(exterior=points.exterior, interior=points.interior)
        case _ObjectShape(geometry_type="bitmap", bitmap=_BitmapShape() as bitmap):
            return Bitmap(origin=bitmap.origin, data=bitmap.data)
        case _:
            about = {"id", "classId", "classTitle", "tags", "labelerLogin", "createdAt", "updatedAt"}
            geometry = {key: value for key, value in row.items() if key not in about}
            return OtherGeometry(shape=shape.geometry_type, json=json.dumps(geometry, ensure_ascii=False))
