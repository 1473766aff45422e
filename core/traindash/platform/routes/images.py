"""Images: lists, infos, pixels."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from sqlite3 import Row
from typing import Annotated, Any, TypeVar
from uuid import uuid4

import msgspec
from starlette.responses import FileResponse

from traindash.errors import NotFoundError
from traindash.platform.routes.endpoint import ApiContext, Method, Streamed
from traindash.platform.services import Services
from traindash.platform.store.images import ContentFilter
from traindash.platform.store.listing import IdPage, Listing
from traindash.platform.wire import Body, ById, Id, Ids, Names, row_json, shortened, spelled

_BLOCK = 1 << 18
_STORED = ("id", "name", "hash", "mime", "size", "width", "height")
_IMAGE = spelled(*_STORED, "labels_count", "dataset_id", "project_id", "created_at", "updated_at", "description")


class _ImageList(Listing):
    project_id: Id | None = None
    dataset_id: Id | None = None
    recursive: bool | None = False
    filters: Annotated[tuple[ContentFilter, ...], msgspec.Meta(max_length=100)] | None = None


class _ByHashes(Body):
    hashes: Names


class BulkIds(Body):
    """Names images, maybe of one dataset."""

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
_T = TypeVar("_T")


def array_blocks(rows: Sequence[_T], make: Callable[[Sequence[_T]], list[dict[str, Any]]]) -> Iterator[bytes]:
    """Yield a JSON array of what is made of rows, some at a time: other threads wait while JSON is written."""
    yield b"["
    for start in range(0, len(rows), _AT_ONCE):
        some = msgspec.json.encode(make(rows[start : start + _AT_ONCE]))[1:-1]
        yield b"," + some if start else some
    yield b"]"


def page_of_blocks(page: IdPage, rows: Sequence[_T], make: Callable[[Sequence[_T]], list[dict[str, Any]]]) -> Streamed:
    """Answer with a page whose entities are made of its rows while it is sent."""
    head = msgspec.json.encode(page.answer(())).removesuffix(b"[]}")  # the entities come last
    return Streamed(chain((head,), array_blocks(rows, make), (b"}",)))


def _download(api: ApiContext, body: ById) -> object:
    row = api.services.images.row(body.id)
    return FileResponse(api.services.blobs.path(row["hash"], row["mime"]), media_type=row["mime"])


def _bulk_download(api: ApiContext, body: BulkIds) -> object:
    # One part per image, named by its id, made while it is sent: thousands of images fit no memory.
    rows = api.services.images.rows(body.image_ids, body.dataset_id)
    files = [(row["id"], row["mime"], api.services.blobs.path(row["hash"], row["mime"])) for row in rows]
    return multipart((number, mime, _blocks(path)) for number, mime, path in files)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def _download_by_hash(api: ApiContext, body: _ByHashes) -> object:
    known = api.services.loose_images.known(body.hashes)
    missing = next((digest for digest in body.hashes if digest not in known), None)
    if missing is not None:
        raise NotFoundError(f"There is no image with the hash {shortened(missing)!r}.")
    files = [(digest, image.mime, api.services.blobs.path(digest, image.mime)) for digest, image in known.items()]
    return multipart((digest, mime, _blocks(path)) for digest, mime, path in files)


def multipart(parts: Iterable[tuple[int | str, str, Iterable[bytes]]]) -> Streamed:
    """Answer with parts, each with its name (an id or a hash), its type and its bytes."""
    boundary = uuid4().hex

    def lines() -> Iterator[bytes]:
        for name, mime, content in parts:
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\nContent-Type: {mime}\r\n\r\n'
            yield head.encode()
            yield from content
            yield b"\r\n"
        yield f"--{boundary}--\r\n".encode()

    return Streamed(lines(), media_type=f"multipart/form-data; boundary={boundary}")


METHODS: Sequence[Method[Any]] = (
    Method("images.list", _ImageList, _list, heavy=True),
    Method("images.info", ById, lambda api, body: image_json(api.services, api.services.images.row(body.id))),
    Method("images.download", ById, _download),
    Method("images.bulk.download", BulkIds, _bulk_download, heavy=True),
    Method("images.bulk.download-by-hash", _ByHashes, _download_by_hash, heavy=True),
)
