"""Objects on images ("figures"), one by one: list, add, change, remove, pixels of alpha masks."""

from collections.abc import Iterable, Mapping, Sequence
from sqlite3 import Row
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from traindash.datasets.annotation_json import annotation_from_json
from traindash.datasets.geometry import bounds, decode_mask, polygon_area
from traindash.domain.annotation import Bitmap, Geometry, Polygon, Rectangle
from traindash.errors import InputError
from traindash.platform.coordinates import object_to_plane
from traindash.platform.multipart import Form, Part, form_parts
from traindash.platform.routes.endpoint import AnyMethod, ApiContext, Method, UploadMethod
from traindash.platform.routes.images import multipart
from traindash.platform.store.images import ContentFilter
from traindash.platform.store.listing import Listing
from traindash.platform.wire import DRAWN, Body, ById, Count, Id, Ids, parse_json

_MOST_OBJECTS = 20_000  # in one call; the SDK sends 100 to 1000
_MOST_TAGS = 1000  # on one object
_OBJECT = msgspec.json.Decoder(dict[str, Any])
# Keys of an object beside its geometry, as it is stored
_BESIDE = frozenset(
    {"id", "classId", "classTitle", "geometryType", "shape", "tags", "description", "labelerLogin", "createdAt"}
    | {"updatedAt", "instance", "key", "meta", "priority", "customData", "nnCreated", "nnUpdated", "smartToolInput"}
)


class _ByIds(Body):
    ids: Ids


class _FigureIds(Body):
    figure_ids: Ids


class _List(Listing, kw_only=True):
    dataset_id: Id
    filters: Annotated[tuple[ContentFilter, ...], Meta(max_length=100)] | None = None
    integer_coords: bool | None = True


class _Add(Body):
    figures: Annotated[tuple[msgspec.Raw, ...], Meta(max_length=_MOST_OBJECTS)]
    entity_id: Id | None = None
    dataset_id: Id | None = None
    skip_bounds_validation: bool | None = False


class _Edit(Body):
    id: Id
    tags: Annotated[tuple[dict[str, Any], ...], Meta(max_length=_MOST_TAGS)] | None = None
    geometry: dict[str, Any] | None = None
    nn_created: bool | None = None
    nn_updated: bool | None = None


class _Priority(Body):
    id: Id
    priority: Count


def _figure_json(image: Row, item: Mapping[str, Any], *, on_plane: bool = False) -> dict[str, Any]:
    """Return an object of an image as clients read it; ``item`` is as it is stored."""
    drawn = object_to_plane(item) if on_plane else item
    box, area = _extent(item)
    return {
        "id": item.get("id"),
        "createdAt": item.get("createdAt", image["updated_at"]),
        "updatedAt": item.get("updatedAt", image["updated_at"]),
        "imageId": image["id"],
        "entityId": image["id"],
        "objectId": None,
        "classId": item.get("classId"),
        "projectId": image["project_id"],
        "datasetId": image["dataset_id"],
        "geometryType": item["geometryType"],
        "geometry": {key: value for key, value in drawn.items() if key not in _BESIDE},
        "geometryMeta": None if box is None else {"bbox": [box.top, box.left, box.bottom, box.right]},
        "area": area,
        "tags": item.get("tags", []),
        "meta": item.get("meta", {}),
        "description": item.get("description", ""),
        "priority": item.get("priority"),
        "customData": item.get("customData", {}),
        "nnCreated": item.get("nnCreated", False),
        "nnUpdated": item.get("nnUpdated", False),
    }


def _extent(item: Mapping[str, Any]) -> tuple[Rectangle | None, str | None]:
    """Return the box of an object and its area in square pixels, as the text that clients expect."""
    try:
        label = annotation_from_json({"size": {"width": 1, "height": 1}, "objects": [item]}).labels[0]
        box, area = bounds(label.geometry), _area(label.geometry)
    except InputError:  # damaged, which is told where it is used
        return None, None
    return box, None if area is None else f"{area:g}"


def _area(geometry: Geometry) -> float | None:
    match geometry:
        case Rectangle():
            return (geometry.right - geometry.left + 1) * (geometry.bottom - geometry.top + 1)
        case Polygon():
            return polygon_area(geometry)
        case Bitmap():
            return int(decode_mask(geometry).sum())
        case _:
            return None


def _list(api: ApiContext, body: _List) -> object:
    page, found = api.services.figures.page(body, body.dataset_id, body.filters or ())
    on_plane = body.integer_coords is False
    return page.answer([_figure_json(image, item, on_plane=on_plane) for image, item in found])


def _info(api: ApiContext, body: ById) -> object:
    image_id, item = api.services.annotation_writes.object_json(body.id)
    return _figure_json(api.services.images.row(image_id), item)


def _add(api: ApiContext, body: _Add) -> object:
    sent: list[tuple[int, Mapping[str, Any]]] = []
    for number, raw in enumerate(body.figures, start=1):
        try:
            item = _OBJECT.decode(raw)
        except msgspec.MsgspecError as error:
            raise InputError(f"Object {number} is no JSON object.", "Send objects.") from error
        image_id = item.get("entityId", item.get("imageId", body.entity_id))
        if not isinstance(image_id, int):
            raise InputError(f"Object {number} does not say which image it is on.", "Send its 'entityId'.")
        sent.append((image_id, _in_pixels(item)))
    ids = api.services.annotation_writes.append(
        sent, dataset_id=body.dataset_id, checks_bounds=not body.skip_bounds_validation
    )
    return [{"id": number} for number in ids]


def _in_pixels(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Objects come in pixels here, but the SDK's `_upload_batch` sends multipolygons in the middle of theirs."""
    match item:
        case {"geometryType": "multipolygon", "geometry": {"parts": [*parts], **rest}}:
            return {**item, "geometry": {**rest, "parts": [_floored(part) for part in parts]}}
        case _:
            return item


def _floored(part: Any) -> Any:  # noqa: ANN401 - JSON of a client
    match part:
        case float():
            return int(part) if part % 1 == 0.5 else part  # noqa: PLR2004 - the middle of a pixel
        case list():
            return [_floored(each) for each in part]
        case dict():
            return {key: _floored(value) for key, value in part.items()}
        case _:
            return part


def _edit(api: ApiContext, body: _Edit) -> object:
    given = {"nnCreated": body.nn_created, "nnUpdated": body.nn_updated}
    flags = {key: value for key, value in given.items() if value is not None}
    writes = api.services.annotation_writes
    new_tags = None if body.tags is None else writes.with_ids(body.id, body.tags)

    def change(item: dict[str, Any]) -> dict[str, Any]:
        kept = item if body.geometry is None else {key: value for key, value in item.items() if key in _BESIDE}
        return {
            **kept,
            **(body.geometry or {}),
            **flags,
            "tags": item.get("tags", []) if new_tags is None else new_tags,
        }

    writes.change_object(body.id, change)
    return {"success": True}


def _priority(api: ApiContext, body: _Priority) -> object:
    api.services.annotation_writes.change_object(body.id, lambda item: {**item, "priority": body.priority})
    return {"success": True}


def _remove(api: ApiContext, body: _FigureIds) -> object:
    api.services.annotation_writes.remove_objects(body.figure_ids)
    return {"success": True}


def _restore(api: ApiContext, body: _FigureIds) -> object:
    api.services.annotation_writes.restore_objects(body.figure_ids)
    return {"success": True}


def _download_geometries(api: ApiContext, body: _ByIds) -> object:
    # The official SDK asks for the pixels of alpha masks apart from their annotations, however it got these.
    found = api.services.images.alpha_masks(body.ids)
    return multipart((number, "application/json", (text.encode(),)) for number, text in found.items())


def _upload_geometries(api: ApiContext, form: Form) -> object:
    with form_parts(form) as parts:
        masks = _masks(parts)
    if not masks:
        raise InputError("The form has no geometry.", "Send the parts 'figureId' and 'geometry' for each object.")
    api.services.annotation_writes.set_masks(masks)
    return {"success": True}


def _masks(parts: Iterable[Part]) -> dict[int, Mapping[str, Any]]:
    """Read the pixels of alpha masks from parts ``figureId`` and ``geometry`` in turn."""
    masks: dict[int, Mapping[str, Any]] = {}
    figure_id: int | None = None
    for part in parts:
        if part.name == "figureId":
            text = part.content.decode("ascii", "replace").strip()
            figure_id = int(text) if text.isdecimal() and len(text) < 19 else None  # noqa: PLR2004 - digits of 2**63
        elif part.name == "geometry" and figure_id is not None:
            masks[figure_id] = _mask(figure_id, part.content)
    return masks


def _mask(figure_id: int, content: bytes) -> Mapping[str, Any]:
    try:
        sent = parse_json(content)
        mask = sent.get("bitmap", sent) if isinstance(sent, dict) else None
        bitmap = msgspec.convert(mask, Bitmap)
        bounds(bitmap)
    except (ValueError, InputError) as error:
        msg = f"The geometry of object {figure_id} is no mask."
        raise InputError(msg, "Send JSON with 'origin' and 'data', the base64 of a compressed PNG.") from error
    return {"origin": list(bitmap.origin), "data": bitmap.data}


METHODS: Sequence[AnyMethod] = (
    Method("figures.list", _List, _list, heavy=True),
    Method("figures.info", ById, _info),
    Method("figures.bulk.add", _Add, _add, bounds=DRAWN, heavy=True),
    Method("figures.editInfo", _Edit, _edit, bounds=DRAWN),
    Method("figures.priority.update", _Priority, _priority),
    Method("figures.bulk.remove", _FigureIds, _remove, heavy=True),
    Method("figures.bulk.restore", _FigureIds, _restore, heavy=True),
    Method("figures.bulk.download.geometry", _ByIds, _download_geometries, heavy=True),
    UploadMethod("figures.bulk.upload.geometry", _upload_geometries, heavy=True),
)
