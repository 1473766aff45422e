"""Single objects on images ("figures"), as the official SDK changes them (docs/supervisely-api.md 3.6).

For images with alpha masks: their pixels are no part of an annotation, so writing that anew would lose them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from traindash.domain.ids import DatasetId, ImageId, ProjectId
from traindash.language import gettext as _
from traindash.supervisely.errors import ContractError
from traindash.supervisely.resources import JsonRow, Resource, Shape

_ANNOTATIONS = "annotations.bulk.info"
_GEOMETRIES = "figures.bulk.download.geometry"
_ALPHA = "alpha_mask"
_ItemT = TypeVar("_ItemT")
_AT_ONCE = 100  # objects in a request, as the SDK sends them
# Keys of an object in an annotation that say nothing of where it is: those that go with it, and those that do not.
_KEPT = frozenset({"description", "customData", "meta", "priority", "nnCreated", "nnUpdated"})
_OWN = frozenset(
    {"id", "classId", "classTitle", "geometryType", "shape", "tags", "labelerLogin", "createdAt", "updatedAt"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureTag:
    """A tag of an object, by ids."""

    id: int  # its own
    tag_id: int
    value: str | float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """An object on an image as a server says it, in pixels."""

    id: int
    image_id: ImageId
    class_id: int
    shape: str
    content: JsonRow
    tags: tuple[FigureTag, ...] = ()


class _AnnotationRow(Shape):
    image_id: ImageId
    annotation: dict[str, Any]


class _Made(Shape):
    id: int


class Figures(Resource):
    """Objects on images. Each change is sent exactly once."""

    def on_images(self, dataset_id: DatasetId, image_ids: Sequence[ImageId]) -> tuple[Figure, ...]:
        """Return the objects on images of a dataset."""
        body = {"datasetId": dataset_id, "imageIds": list(image_ids), "integerCoords": True}
        rows = self._fetch(_ANNOTATIONS, tuple[_AnnotationRow, ...], body)
        return tuple(_figure(row.image_id, item) for row in rows for item in row.annotation.get("objects") or ())

    def change_class(self, dataset_id: DatasetId, figures: Sequence[Figure], class_id: int) -> None:
        """Give objects another class. Each is made anew with its pixels and tags, at the end; then the old one goes.

        No server changes the class of an object. Whoever is interrupted has some of them twice, and none less.
        """
        for some in _in_batches(figures):
            bodies = [_as_new(item, class_id) for item in some]
            made = self._send("figures.bulk.add", tuple[_Made, ...], {"datasetId": dataset_id, "figures": bodies})
            masks = {new.id: old.id for new, old in zip(made, some, strict=True) if old.shape == _ALPHA}
            if masks:
                pixels = self._pixels(list(masks.values()))
                parts = [part for new, old in masks.items() for part in _parts_of(new, pixels[old])]
                self.transport.send_parts("figures.bulk.upload.geometry", parts)
            self.transport.write("figures.bulk.remove", {"figureIds": [item.id for item in some]})

    def change_tag(self, project_id: ProjectId, figures: Sequence[Figure], before: int, after: int) -> None:
        """Give objects another tag in place of one, with its values."""
        tagged = [(item, tag) for item in figures for tag in item.tags if tag.tag_id == before]
        for some in _in_batches(tagged):
            new = [{"tagId": after, "figureId": item.id, "value": tag.value} for item, tag in some]
            self.transport.write("figures.tags.bulk.add", {"projectId": project_id, "tags": new})
        for item, tag in tagged:
            body = {"tagId": before, "figureId": item.id, "id": tag.id}
            self.transport.write("object-tags.remove-from-figure", body)

    def add(self, image_id: ImageId, content: JsonRow) -> int:
        """Draw an object on an image, and return its id; ``content`` has class, shape, geometry and tags by ids."""
        body = {"figures": [{**content, "entityId": image_id}]}
        return self._send("figures.bulk.add", tuple[_Made, ...], body)[0].id

    def edit(self, figure_id: int, changes: JsonRow) -> None:
        """Change an object: its ``geometry``, its ``tags`` as a whole, ``nnUpdated``. Its class stays."""
        self.transport.write("figures.editInfo", {**changes, "id": figure_id})

    def remove(self, figure_ids: Sequence[int]) -> None:
        """Take objects off their images; :meth:`restore` brings them back."""
        for some in _in_batches(figure_ids):
            self.transport.write("figures.bulk.remove", {"figureIds": list(some)})

    def restore(self, figure_ids: Sequence[int]) -> None:
        """Bring removed objects back, under their ids."""
        for some in _in_batches(figure_ids):
            self.transport.write("figures.bulk.restore", {"figureIds": list(some)})

    def _pixels(self, figure_ids: Sequence[int]) -> Mapping[int, bytes]:
        """Return id of an alpha mask → JSON of its pixels."""
        found = dict(_named_parts(self.transport.read_bytes(_GEOMETRIES, {"ids": list(figure_ids)})))
        if missing := [number for number in figure_ids if number not in found]:
            msg = _("The server does not give the pixels of the alpha mask {missing}.").format(missing=missing[0])
            raise ContractError(msg, _("Look at its image on the server."), method=_GEOMETRIES, field="geometry")
        return found


def _in_batches(items: Sequence[_ItemT]) -> Iterator[Sequence[_ItemT]]:
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]


def _figure(image_id: ImageId, item: Mapping[str, Any]) -> Figure:
    return Figure(
        id=item["id"],
        image_id=image_id,
        class_id=item["classId"],
        shape=item["geometryType"],
        content=item,
        tags=tuple(
            FigureTag(id=tag["id"], tag_id=tag["tagId"], value=tag.get("value")) for tag in item.get("tags") or ()
        ),
    )


def _as_new(figure: Figure, class_id: int) -> JsonRow:
    body: dict[str, Any] = {key: figure.content[key] for key in _KEPT & figure.content.keys()} | {
        "entityId": figure.image_id,
        "classId": class_id,
        "geometryType": figure.shape,
        "tags": [{"tagId": tag.tag_id, "value": tag.value} for tag in figure.tags],
    }
    if figure.shape != _ALPHA:
        body["geometry"] = {key: value for key, value in figure.content.items() if key not in _KEPT | _OWN}
    return body


def _parts_of(figure_id: int, pixels: bytes) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    return ("figureId", str(figure_id).encode()), ("geometry", pixels)


def _named_parts(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield id and content of each part of a multipart body. Its first line is what separates parts."""
    line, _break, rest = body.partition(b"\r\n")
    for part in rest.split(b"\r\n" + line):
        head, blank, content = part.partition(b"\r\n\r\n")
        name = head.rpartition(b'name="')[2].partition(b'"')[0]
        if blank and name.isdigit():
            yield int(name), content
