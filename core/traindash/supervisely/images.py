"""Images and annotations."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import field

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
)
from traindash.domain.ids import CollectionId, DatasetId, ImageId, ProjectId
from traindash.domain.project import Image
from traindash.supervisely.projects import CollectionShape
from traindash.supervisely.resources import Resource, Shape, read, read_all, read_page

# Images and their annotations (contract section 3.4; Supervisely annotation format).


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


_ANNOTATIONS_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePage:
    """A page of an image list.

    Attributes:
        total: Number of images in the whole list.
    """

    images: tuple[Image, ...]
    total: int


class Images(Resource):
    """Images of a project, a dataset or a collection."""

    def list(
        self,
        *,
        project_id: ProjectId | None = None,
        dataset_id: DatasetId | None = None,
        collection_id: CollectionId | None = None,
        limit: int | None = None,
    ) -> tuple[Image, ...]:
        """Return images, ordered by id.

        Args:
            project_id: All datasets of this project, nested ones included.
            dataset_id: This dataset alone.
            collection_id: The members of this collection.
            limit: At most so many, from the first; ``None`` for all.
        """
        if limit is not None:
            page = self.page(project_id=project_id, dataset_id=dataset_id, collection_id=collection_id, per_page=limit)
            return page.images[:limit]
        rows = read_all(self.transport, "images.list", self._body(project_id, dataset_id, collection_id))
        return tuple(read("images.list", ImageShape, row).image() for row in rows)

    def page(
        self,
        *,
        project_id: ProjectId | None = None,
        dataset_id: DatasetId | None = None,
        collection_id: CollectionId | None = None,
        page: int = 1,
        per_page: int = 48,
    ) -> ImagePage:
        """Return one page of the list that :meth:`list` gives whole.

        Args:
            project_id: As in :meth:`list`.
            dataset_id: As in :meth:`list`.
            collection_id: As in :meth:`list`.
            page: 1 for the first.
            per_page: Images on a page, at most 500 (larger ones are the server's to refuse).
        """
        body = self._body(project_id, dataset_id, collection_id)
        answer = read_page(self.transport, "images.list", body, page=page, per_page=per_page)
        images = tuple(read("images.list", ImageShape, row).image() for row in answer.entities)
        return ImagePage(images=images, total=answer.total)

    def get(self, project_id: ProjectId, image_ids: Sequence[ImageId]) -> tuple[Image, ...]:
        """Return images by their ids, in that order; those that do not exist are left out."""
        if not image_ids:
            return ()
        wanted = {"field": "id", "operator": "in", "value": list(image_ids)}
        body = {**self._body(project_id, None, None), "filter": [wanted]}
        answer = read_page(self.transport, "images.list", body, page=1, per_page=len(image_ids))
        images = (read("images.list", ImageShape, row).image() for row in answer.entities)
        found = {image.id: image for image in images}
        return tuple(found[item] for item in image_ids if item in found)

    def download(self, image_id: ImageId) -> bytes:
        """Return an image's file."""
        return self.transport.read_bytes("images.download", {"id": image_id})

    def preview_url(self, image: Image, width: int, height: int) -> str | None:
        """Return the address of a small JPEG of an image, by Supervisely's rule (contract section 3.4).

        Args:
            image: The image.
            width: Largest width in pixels.
            height: Largest height in pixels.

        Returns:
            ``None`` if the server names no address for the image.
        """
        if not image.url:
            return None
        path = f"/previews/q/ext:jpeg/resize:fit:{width}:{height}:0/q:70/plain"
        return re.sub(r"^(https?://[^/]+)", rf"\g<1>{path}", image.url, count=1)

    def _body(
        self, project_id: ProjectId | None, dataset_id: DatasetId | None, collection_id: CollectionId | None
    ) -> dict[str, object]:
        body: dict[str, object] = {"projectId": project_id, "datasetId": dataset_id, "forceMetadataForLinks": True}
        if collection_id is not None:
            if project_id is None:
                method = "entities-collections.info"
                body["projectId"] = read(
                    method, CollectionShape, self.transport.read(method, {"id": collection_id})
                ).project_id
            about = {"collectionId": collection_id, "include": True}
            body["filters"] = [{"type": "entities_collection", "data": about}]
        body["recursive"] = dataset_id is None
        return body


class Annotations(Resource):
    """What is drawn on images."""

    def get(self, dataset_id: DatasetId, image_ids: Sequence[ImageId]) -> Mapping[ImageId, Annotation]:
        """Return the annotations of images of one dataset."""
        method = "annotations.bulk.info"
        found: dict[ImageId, Annotation] = {}
        for start in range(0, len(image_ids), _ANNOTATIONS_AT_ONCE):
            body = {
                "datasetId": dataset_id,
                "imageIds": list(image_ids[start : start + _ANNOTATIONS_AT_ONCE]),
                "withCustomBigData": False,
                "forceMetadataForLinks": True,
                "integerCoords": False,
            }
            for row in read(method, tuple[AnnotationRow, ...], self.transport.read(method, body)):
                found[ImageId(row.image_id)] = annotation_of(row.annotation)
        return found
