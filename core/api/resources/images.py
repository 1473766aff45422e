"""Images and annotations."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.api.paging import read_all, read_page
from core.api.resources.base import Resource
from core.api.wire.images import AnnotationRow, ImageShape, annotation_of
from core.api.wire.projects import CollectionShape
from core.api.wire.reading import read
from core.domain.annotation import Annotation
from core.domain.ids import CollectionId, DatasetId, ImageId, ProjectId
from core.domain.image import Image

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
