"""Images as people move, copy, tag and remove them, as the official SDK asks (docs/supervisely-api.md 3.6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from traindash.domain.ids import DatasetId, ImageId, ProjectId
from traindash.language import gettext as _
from traindash.supervisely.errors import ContractError
from traindash.supervisely.resources import JsonRow, Resource, Shape, read, read_page


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageCopy:
    """An image that is put into a dataset once more: its file is not moved."""

    id: ImageId  # the one whose content it has
    name: str  # name of the copy
    meta: JsonRow | None = None  # free JSON of the copy; none is sent for `None`


@dataclass(frozen=True, slots=True, kw_only=True)
class TagOnImage:
    """A tag that is on an image."""

    id: int  # its own
    tag_id: int
    image_id: ImageId
    value: object = None


class _Row(Shape):
    id: ImageId
    name: str
    meta: dict[str, Any] | None = None


class _Made(Shape):
    id: ImageId
    name: str


class ImageEdits(Resource):
    """Changes of images. Each is sent exactly once."""

    def details(self, project_id: ProjectId, image_ids: Sequence[ImageId]) -> tuple[ImageCopy, ...]:
        """Return what a copy of each image needs, in that order; those that are gone are left out."""
        wanted = {"field": "id", "operator": "in", "value": list(image_ids)}
        body = {"projectId": project_id, "recursive": True, "forceMetadataForLinks": True, "filter": [wanted]}
        page = read_page(self.transport, "images.list", body, page=1, per_page=max(1, len(image_ids)))
        rows = [read("images.list", _Row, row) for row in page.entities]
        found = {row.id: ImageCopy(id=row.id, name=row.name, meta=row.meta or {}) for row in rows}
        return tuple(found[item] for item in image_ids if item in found)

    def add_copies(self, dataset_id: DatasetId, copies: Sequence[ImageCopy]) -> Mapping[ImageId, ImageId]:
        """Put images into a dataset, without what is drawn on them.

        Returns:
            Id of each image → id of its copy.

        Raises:
            RejectedError: The dataset has an image of one of the names.
        """
        method = "images.bulk.add"
        body = {
            "datasetId": dataset_id,
            "images": [
                {"title": item.name, "imageId": item.id} | ({} if item.meta is None else {"meta": dict(item.meta)})
                for item in copies
            ],
            "forceMetadataForLinks": True,
            "skipValidation": False,
        }
        made = {row.name: row.id for row in self._send(method, tuple[_Made, ...], body)}
        if missing := [item.name for item in copies if item.name not in made]:
            msg = _("The server's answer to {method} does not name the copy of {missing}.").format(
                method=method, missing=missing[0]
            )
            raise ContractError(msg, _("Look at the dataset before you try again."), method=method, field="name")
        return {item.id: made[item.name] for item in copies}

    def copy_drawn(self, pairs: Mapping[ImageId, ImageId]) -> None:
        """Give images what is drawn on others, and their tags: from → to."""
        body = {"srcImageIds": list(pairs), "destImageIds": list(pairs.values()), "preserveSourceDate": True}
        self.transport.write("annotations.bulk.copy", body)

    def remove(self, image_ids: Sequence[ImageId]) -> None:
        """Remove images for good; those that are gone already are passed over."""
        self.transport.write("images.bulk.remove", {"imageIds": list(image_ids)})

    def add_tag(self, tag_id: int, image_ids: Sequence[ImageId], value: str | float | None = None) -> None:
        """Put a tag on images."""
        body: dict[str, object] = {"tagId": tag_id, "ids": list(image_ids)}
        self.transport.write("image-tags.bulk.add-to-image", body | ({} if value is None else {"value": value}))

    def tags_on(self, project_id: ProjectId, image_ids: Sequence[ImageId]) -> tuple[TagOnImage, ...]:
        """Return the tags of images, with ids of their own."""
        wanted = {"field": "id", "operator": "in", "value": list(image_ids)}
        body = {"projectId": project_id, "recursive": True, "forceMetadataForLinks": True, "filter": [wanted]}
        page = read_page(self.transport, "images.list", body, page=1, per_page=max(1, len(image_ids)))
        return tuple(
            TagOnImage(id=tag["id"], tag_id=tag["tagId"], image_id=row["id"], value=tag.get("value"))
            for row in page.entities
            for tag in row.get("tags") or ()
            if tag.get("id") is not None
        )

    def set_tag_value(self, tag: TagOnImage, value: str | float) -> None:
        """Change the value of a tag that is on an image."""
        self.transport.write("image-tags.update-tag-value", {"id": tag.id, "value": value})

    def remove_tag(self, tag_id: int, image_ids: Sequence[ImageId]) -> None:
        """Take a tag off images."""
        self.transport.write("image-tags.bulk.remove-from-images", {"tagIds": [tag_id], "ids": list(image_ids)})
