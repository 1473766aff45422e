"""Images: lists, infos, pixels."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from sqlite3 import Row
from typing import Annotated, Any, TypeAlias
from uuid import uuid4

import msgspec
from starlette.responses import FileResponse

from traindash.platform.routes.endpoint import ApiContext, Method, Streamed
from traindash.platform.services import Services
from traindash.platform.store.images import ContentFilter, annotation_of
from traindash.platform.store.listing import IdPage, Listing
from traindash.platform.wire import Body, ById, Id, Ids, row_json, spelled

_BLOCK = 1 << 18
_STORED = ("id", "name", "hash", "mime", "size", "width", "height")
_IMAGE = spelled(*_STORED, "labels_count", "dataset_id", "project_id", "created_at", "updated_at")


class _ImageList(Listing):
    project_id: Id | None = None
    dataset_id: Id | None = None
    recursive: bool | None = False
    filters: Annotated[tuple[ContentFilter, ...], msgspec.Meta(max_length=100)] | None = None


class _ByIds(Body):
    ids: Ids


class _BulkIds(Body):
    image_ids: Ids
    dataset_id: Id | None = None


def image_json(services: Services, row: Row) -> dict[str, Any]:
    """Return an image."""
    path = services.blobs.url_path(row["hash"], row["mime"])
    return row_json(row, _IMAGE) | {
        "link": None,
        "ext": path.rsplit(".", 1)[-1],
        "meta": msgspec.Raw(row["meta"]),  # JSON already
        "pathOriginal": path,
        "fullStorageUrl": services.address + path,
        "tags": msgspec.Raw(row["tags"]),
        "createdBy": 1,  # this server has one user
    }


def _list(api: ApiContext, body: _ImageList) -> object:
    page, rows = api.services.images.page(
        body,
        project_id=body.project_id,
        dataset_id=body.dataset_id,
        recursive=bool(body.recursive),
        filters=body.filters or (),
    )
    return page_of_blocks(page, rows, lambda some: [image_json(api.services, row) for row in some])


_AT_ONCE = 50  # rows of an answer that are made into JSON together; an annotation may have megabytes


def array_blocks(rows: Sequence[Row], make: Callable[[Sequence[Row]], list[dict[str, Any]]]) -> Iterator[bytes]:
    """Yield a JSON array of what is made of rows, some at a time."""
    yield b"["
    for start in range(0, len(rows), _AT_ONCE):
        some = msgspec.json.encode(make(rows[start : start + _AT_ONCE]))[1:-1]
        yield b"," + some if start else some
    yield b"]"


def page_of_blocks(
    page: IdPage, rows: Sequence[Row], make: Callable[[Sequence[Row]], list[dict[str, Any]]]
) -> Streamed:
    """Answer with a page whose entities are made of its rows while it is sent."""
    head = msgspec.json.encode(page.answer(())).removesuffix(b"[]}")  # the entities come last
    return Streamed(chain((head,), array_blocks(rows, make), (b"}",)))


def _download(api: ApiContext, body: ById) -> object:
    row = api.services.images.row(body.id)
    return FileResponse(api.services.blobs.path(row["hash"], row["mime"]), media_type=row["mime"])


def _bulk_download(api: ApiContext, body: _BulkIds) -> object:
    # One part per image, named by its id, made while it is sent: thousands of images fit no memory.
    rows = api.services.images.rows(body.image_ids, body.dataset_id)
    files = [(row["id"], row["mime"], api.services.blobs.path(row["hash"], row["mime"])) for row in rows]
    return _multipart((number, mime, _blocks(path)) for number, mime, path in files)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def _download_geometries(api: ApiContext, body: _ByIds) -> object:
    # The official SDK asks for the pixels of alpha masks apart from their annotations, however it got these.
    found = api.services.images.alpha_masks(body.ids)
    return _multipart((number, "application/json", (text.encode(),)) for number, text in found.items())


def _multipart(parts: Iterable[tuple[int, str, Iterable[bytes]]]) -> Streamed:
    """Answer with parts, each with its id as name, its type and its bytes."""
    boundary = uuid4().hex

    def lines() -> Iterator[bytes]:
        for number, mime, content in parts:
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{number}"\r\nContent-Type: {mime}\r\n\r\n'
            yield head.encode()
            yield from content
            yield b"\r\n"
        yield f"--{boundary}--\r\n".encode()

    return Streamed(lines(), media_type=f"multipart/form-data; boundary={boundary}")


# Two ways to write where something lies in an image.
#
# Files in Supervisely's format count pixels: a rectangle from 3 to 5 covers the pixels 3, 4 and 5. The API, asked with
# ``integerCoords: false`` (as the official SDK always asks), measures on a continuous plane in which pixel 3 reaches
# from 3.0 to 4.0: the same rectangle ends at 6, and a corner of a polygon lies in the middle of its pixel, at 3.5.
# Source: ``_to_subpixel_coordinate_system_json`` of ``Annotation``, ``Rectangle`` and ``Geometry`` in the SDK 6.74.51,
# which undoes exactly this after each download.


Json: TypeAlias = Any
_HALF = 0.5


def to_plane(annotation: Mapping[str, Json]) -> dict[str, Json]:
    """Return an annotation that counts pixels as one that measures on the plane."""
    return {**annotation, "objects": [_object_to_plane(item) for item in annotation["objects"]]}


def _object_to_plane(item: Mapping[str, Json]) -> dict[str, Json]:
    match item:
        case {"geometryType": "rectangle", "points": {"exterior": [[_, _], [_, _]] as corners, **rest}}:
            return {**item, "points": {**rest, "exterior": _box(corners)}}
        case {"geometryType": "oriented_bbox", "points": [[_, _], [_, _]] as corners}:
            return {**item, "points": _box(corners)}
        case {"points": {"exterior": list(), **_rest}}:
            return {**item, "points": _outline(item["points"])}
        case {"parts": [*parts]} if all(isinstance(part, dict) and "exterior" in part for part in parts):
            return {**item, "parts": [_outline(part) for part in parts]}
        case {"nodes": {**nodes}}:
            return {**item, "nodes": {key: _node(node) for key, node in nodes.items()}}
        case _:
            return dict(item)


def _box(corners: Json) -> Json:
    match corners:
        case [[int() | float() as x1, int() | float() as y1], [int() | float() as x2, int() | float() as y2]]:
            return [[min(x1, x2), min(y1, y2)], [max(x1, x2) + 1, max(y1, y2) + 1]]
        case _:
            return corners


def _outline(points: Mapping[str, Json]) -> dict[str, Json]:
    # The SDK wants both keys, also of a line.
    holes = given if isinstance(given := points.get("interior"), list) else []
    return {**points, "exterior": _middles(points["exterior"]), "interior": [_middles(hole) for hole in holes]}


def _node(node: Json) -> Json:
    match node:
        case {"loc": [int() | float() as x, int() | float() as y], **rest}:
            return {**rest, "loc": [math.floor(x) + _HALF, math.floor(y) + _HALF]}
        case _:
            return node


def _middles(points: Json) -> Json:
    try:
        return [[x + _HALF, y + _HALF] for x, y in points]
    except (TypeError, ValueError):  # of shapes that are kept as they came, nobody promised the form
        return points


# Annotations in Supervisely's JSON format.


class _ManyImages(_BulkIds):
    integer_coords: bool | None = True


class _OneImage(Body):
    image_id: Id
    integer_coords: bool | None = True


class _OfDataset(Listing, kw_only=True):
    dataset_id: Id
    integer_coords: bool | None = True


def _list_annotations(api: ApiContext, body: _OfDataset) -> object:
    page, rows = api.services.images.page(body, dataset_id=body.dataset_id)
    return page_of_blocks(page, rows, lambda some: _answers(api, some, body))


def _annotations(api: ApiContext, body: _ManyImages) -> object:
    rows = api.services.images.rows(body.image_ids, body.dataset_id)
    return Streamed(array_blocks(rows, lambda some: _answers(api, some, body)))


def _answers(
    api: ApiContext, rows: Sequence[Row], wanted: _ManyImages | _OneImage | _OfDataset
) -> list[dict[str, Any]]:
    on_plane = wanted.integer_coords is False
    texts = api.services.images.annotations([row["id"] for row in rows])
    answers = []
    for row in rows:
        text = texts.get(row["id"])
        # As it is stored, unless coordinates have to be moved: parsing is most of the work for large outlines.
        in_place: Any = msgspec.Raw(text) if text is not None and not on_plane else annotation_of(row, text)
        answers.append(
            {
                "imageId": row["id"],
                "imageName": row["name"],
                "annotation": to_plane(in_place) if on_plane else in_place,
                "createdAt": row["created_at"],
                "updatedAt": row["updated_at"],
                "datasetId": row["dataset_id"],
            }
        )
    return answers


METHODS: Sequence[Method[Any]] = (
    Method("images.list", _ImageList, _list, heavy=True),
    Method("images.info", ById, lambda api, body: image_json(api.services, api.services.images.row(body.id))),
    Method("images.download", ById, _download),
    Method("images.bulk.download", _BulkIds, _bulk_download, heavy=True),
    Method("figures.bulk.download.geometry", _ByIds, _download_geometries, heavy=True),
    Method("annotations.list", _OfDataset, _list_annotations, heavy=True),
    Method(
        "annotations.bulk.info",
        _ManyImages,
        _annotations,
        heavy=True,
    ),
    Method(
        "annotations.info",
        _OneImage,
        lambda api, body: _answers(api, [api.services.images.row(body.image_id)], body)[0],
    ),
)
