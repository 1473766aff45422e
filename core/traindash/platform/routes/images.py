"""Images: lists, infos, pixels."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from sqlite3 import Row
from typing import Annotated, Any
from uuid import uuid4

import msgspec
from starlette.responses import FileResponse, StreamingResponse

from traindash.platform.parts import Services
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.store.images import ContentFilter
from traindash.platform.store.listing import Listing
from traindash.platform.wire import Body, ById, Id, Ids

_BLOCK = 1 << 18


class _ImageList(Listing):
    project_id: Id | None = None
    dataset_id: Id | None = None
    recursive: bool | None = False
    filters: Annotated[tuple[ContentFilter, ...], msgspec.Meta(max_length=100)] | None = None


class _BulkIds(Body):
    image_ids: Ids
    dataset_id: Id | None = None


def image_json(services: Services, row: Row) -> dict[str, Any]:
    """Return an image."""
    path = services.blobs.url_path(row["hash"], row["mime"])
    return {
        "id": row["id"],
        "name": row["name"],
        "link": None,
        "hash": row["hash"],
        "mime": row["mime"],
        "ext": path.rsplit(".", 1)[-1],
        "size": row["size"],
        "width": row["width"],
        "height": row["height"],
        "labelsCount": row["labels_count"],
        "datasetId": row["dataset_id"],
        "projectId": row["project_id"],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "meta": msgspec.json.decode(row["meta"]),
        "pathOriginal": path,
        "fullStorageUrl": services.address + path,
        "tags": msgspec.json.decode(row["tags"]),
        "createdBy": 1,
    }


def _list(api: ApiContext, body: _ImageList) -> object:
    page, rows = api.services.images.page(
        body,
        project_id=body.project_id,
        dataset_id=body.dataset_id,
        recursive=bool(body.recursive),
        filters=body.filters or (),
    )
    return page.answer([image_json(api.services, row) for row in rows])


def _info(api: ApiContext, body: ById) -> object:
    return image_json(api.services, api.services.images.row(body.id))


def _download(api: ApiContext, body: ById) -> object:
    row = api.services.images.row(body.id)
    return FileResponse(api.services.blobs.path(row["hash"], row["mime"]), media_type=row["mime"])


def _bulk_download(api: ApiContext, body: _BulkIds) -> object:
    rows = api.services.images.rows(body.image_ids, body.dataset_id)
    boundary = uuid4().hex
    files = [(row["id"], row["mime"], api.services.blobs.path(row["hash"], row["mime"])) for row in rows]
    return StreamingResponse(_multipart(files, boundary), media_type=f"multipart/form-data; boundary={boundary}")


def _multipart(files: Sequence[tuple[int, str, Path]], boundary: str) -> Iterator[bytes]:
    for image_id, mime, path in files:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{image_id}"\r\nContent-Type: {mime}\r\n\r\n'
        yield head.encode()
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()


METHODS = (
    Method("images.list", _ImageList, _list),
    Method("images.info", ById, _info),
    Method("images.download", ById, _download),
    Method("images.bulk.download", _BulkIds, _bulk_download),
)
