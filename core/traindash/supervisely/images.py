"""Images and their annotations (docs/supervisely-api.md 3.3 and 3.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from msgspec import field

from traindash.datasets.annotation_json import annotation_from_json
from traindash.domain.annotation import Annotation
from traindash.domain.ids import CollectionId, DatasetId, ImageId, ProjectId
from traindash.domain.project import Image
from traindash.errors import InputError
from traindash.language import gettext as _
from traindash.supervisely.errors import ContractError
from traindash.supervisely.projects import Collections
from traindash.supervisely.resources import JsonRow, Resource, Shape, read_page, read_rows

_ANNOTATIONS = "annotations.bulk.info"
_MOST_OBJECTS = 9999  # what the SDK sends as "no limit"
_ANNOTATIONS_AT_ONCE = 100  # a mask of a large image can have a megabyte


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePage:
    """A page of an image list."""

    images: tuple[Image, ...]
    total: int  # number of images in the whole list


@dataclass(frozen=True, slots=True, kw_only=True)
class Carries:
    """A condition on images: that they have objects of a class, a tag, or an object with a tag, by its id."""

    kind: Literal["objects_class", "images_tag", "objects_tag"]  # words of the API (docs/supervisely-api.md 3.3)
    id: int

    def to_json(self) -> dict[str, object]:
        """Return it as an entry of ``filters``."""
        data: dict[str, object] = {"tagId": self.id, "include": True}
        if self.kind == "objects_class":
            data = {"classId": self.id, "from": 1, "to": _MOST_OBJECTS, "include": True}
        return {"type": self.kind, "data": data}


ImageOrder: TypeAlias = Literal["id", "name", "labelsCount", "width"]  # fields of the API


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSearch:
    """Which images of a list are wanted, and in which order."""

    name: str = ""  # part of the file name, in any case; empty for all
    class_id: int | None = None  # with objects of this class
    labelled: bool | None = None  # with any object (`True`) or with none
    order: ImageOrder = "id"
    descending: bool = False

    def to_json(self) -> dict[str, object]:
        """Return it as keys of a request."""
        filters: list[dict[str, object]] = []
        if self.name:
            filters.append({"field": "name", "operator": "ilike", "value": f"%{self.name}%"})
        if self.labelled is not None:
            filters.append({"field": "labelsCount", "operator": ">" if self.labelled else "=", "value": 0})
        found: dict[str, object] = {"sort": self.order, "sort_order": "desc" if self.descending else "asc"}
        if filters:
            found["filter"] = filters
        if self.class_id is not None:
            found["filters"] = [Carries(kind="objects_class", id=self.class_id).to_json()]
        return found


class Images(Resource):
    """Images of a project, a dataset or a collection."""

    def carrying(self, project_id: ProjectId, condition: Carries) -> tuple[Image, ...]:
        """Return the images of a project that carry something."""
        body = {**self._body(project_id, None, None), "filters": [condition.to_json()]}
        return self._fetch_all("images.list", Image, body, _fit_image)

    def list(
        self,
        *,
        project_id: ProjectId | None = None,
        dataset_id: DatasetId | None = None,
        collection_id: CollectionId | None = None,
        limit: int | None = None,
    ) -> tuple[Image, ...]:
        """Return images, ordered by id; at most ``limit``, from the first, ``None`` for all.

        They are those of a project, nested datasets included, of one dataset alone, or the members of a collection.
        """
        if limit is not None:
            page = self.page(project_id=project_id, dataset_id=dataset_id, collection_id=collection_id, per_page=limit)
            return page.images[:limit]
        body = self._body(project_id, dataset_id, collection_id)
        return self._fetch_all("images.list", Image, body, _fit_image)

    def page(
        self,
        *,
        project_id: ProjectId | None = None,
        dataset_id: DatasetId | None = None,
        collection_id: CollectionId | None = None,
        page: int = 1,
        per_page: int = 48,
        search: ImageSearch | None = None,
    ) -> ImagePage:
        """Return one page, 1 for the first, of the list that :meth:`list` gives whole; of it what is searched for.

        A page has at most 500 images (larger ones are the server's to refuse). A collection cannot be searched.
        """
        body = self._body(project_id, dataset_id, collection_id)
        if search is not None and search != ImageSearch():
            body |= search.to_json()
        answer = read_page(self.transport, "images.list", body, page=page, per_page=per_page)
        images = read_rows("images.list", Image, answer.entities, _fit_image)
        return ImagePage(images=images, total=answer.total)

    def newest(self, project_id: ProjectId) -> ImageId | None:
        """Return the image with the largest id of a project, ``None`` where it has none."""
        body = {**self._body(project_id, None, None), "sort": "id", "sort_order": "desc"}
        page = read_page(self.transport, "images.list", body, page=1, per_page=1)
        return next((image.id for image in read_rows("images.list", Image, page.entities, _fit_image)), None)

    def count_after(self, project_id: ProjectId, image_id: ImageId) -> int:
        """Return how many images of a project have a larger id."""
        later = {"field": "id", "operator": ">", "value": image_id}
        body = {**self._body(project_id, None, None), "filter": [later]}
        return read_page(self.transport, "images.list", body, page=1, per_page=1).total

    def get(self, project_id: ProjectId, image_ids: Sequence[ImageId]) -> tuple[Image, ...]:
        """Return images by their ids, in that order; those that do not exist are left out."""
        if not image_ids:
            return ()
        wanted = {"field": "id", "operator": "in", "value": list(image_ids)}
        body = {**self._body(project_id, None, None), "filter": [wanted]}
        answer = read_page(self.transport, "images.list", body, page=1, per_page=len(image_ids))
        found = {image.id: image for image in read_rows("images.list", Image, answer.entities, _fit_image)}
        return tuple(found[item] for item in image_ids if item in found)

    def download(self, image_id: ImageId) -> bytes:
        """Return an image's file."""
        return self.transport.read_bytes("images.download", {"id": image_id})

    def _body(
        self, project_id: ProjectId | None, dataset_id: DatasetId | None, collection_id: CollectionId | None
    ) -> dict[str, object]:
        body: dict[str, object] = {"projectId": project_id, "datasetId": dataset_id, "forceMetadataForLinks": True}
        if collection_id is not None:
            if project_id is None:
                # As the SDK does: a filter by collection works within a project only.
                body["projectId"] = Collections(self.transport).get(collection_id).project_id
            about = {"collectionId": collection_id, "include": True}
            body["filters"] = [{"type": "entities_collection", "data": about}]
        # A dataset alone, but a project whole: that is what a split by datasets means.
        body["recursive"] = dataset_id is None
        return body


class Annotations(Resource):
    """What is drawn on images."""

    def get(self, dataset_id: DatasetId, image_ids: Sequence[ImageId]) -> Mapping[ImageId, Annotation]:
        """Return the annotations of images of one dataset."""
        found: dict[ImageId, Annotation] = {}
        for start in range(0, len(image_ids), _ANNOTATIONS_AT_ONCE):
            body = {
                "datasetId": dataset_id,
                "imageIds": list(image_ids[start : start + _ANNOTATIONS_AT_ONCE]),
                "withCustomBigData": False,
                "forceMetadataForLinks": True,
                "integerCoords": False,
            }
            for row in self._fetch(_ANNOTATIONS, tuple[_AnnotationRow, ...], body):
                found[row.image_id] = _annotation_of(row.annotation)
        return found


def _fit_image(row: JsonRow) -> JsonRow:
    """Give an image a name, and its tags names."""
    return {**_with_named_tags(row), "name": row.get("name") or str(row.get("id"))}


def _with_named_tags(row: JsonRow) -> dict[str, Any]:
    # Lists may have ids of tags only, and a value may be of a kind that no tag has.
    rows = row.get("tags")
    tags = [
        {
            "name": tag.get("name") or str(tag.get("tagId")),
            "value": value if isinstance(value := tag.get("value"), str | int | float) else None,
        }
        for tag in (rows if isinstance(rows, list) else ())
        if isinstance(tag, dict)
    ]
    return {**row, "tags": tags}


class _AnnotationRow(Shape):
    image_id: ImageId
    annotation: dict[str, Any] = field(default_factory=dict)


def _annotation_of(content: JsonRow) -> Annotation:
    """Read an annotation as the one in a file of a project, which has the same form."""
    fitted = _with_named_tags(content)
    if isinstance(objects := content.get("objects"), list):
        fitted["objects"] = [_with_named_tags(item) if isinstance(item, dict) else item for item in objects]
    try:
        return annotation_from_json(
            fitted, where=_("The server's answer to {method} does not fit").format(method=_ANNOTATIONS)
        )
    except InputError as error:
        hint = _("Open the image in Supervisely's labeling tool and save it again.")
        raise ContractError(error.message, hint, method=_ANNOTATIONS, field="annotation") from error
