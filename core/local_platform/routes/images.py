"""Images: lists, infos, pixels."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from sqlite3 import Row
from typing import Annotated, Any
from uuid import uuid4

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import from_json
from starlette.responses import FileResponse, StreamingResponse

from core.errors import InputError
from core.local_platform.parts import Services
from core.local_platform.routes.endpoint import ApiContext, Body, Method
from core.local_platform.routes.lists import Count, Id, Ids, ListBody, page_json
from core.local_platform.store.images import ContentFilter

_BLOCK = 1 << 18


class _ById(Body):
    id: Id


class _FilterData(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel)

    collection_id: Id | None = None
    class_id: Id | None = None
    tag_id: Id | None = None
    value: str | int | float | None = None
    include: bool = True
    lowest: Annotated[Count | None, Field(alias="from")] = None
    highest: Annotated[Count | None, Field(alias="to")] = None


class _ContentEntry(BaseModel):
    type: str
    data: _FilterData = _FilterData()

    def content_filter(self) -> ContentFilter:
        """Return the condition for the store.

        Raises:
            InputError: This server does not know the type.
        """
        data = self.data
        match self.type:
            case "entities_collection":
                return ContentFilter(kind="collection", wanted=data.collection_id, include=data.include)
            case "objects_class":
                return ContentFilter(
                    kind="class",
                    wanted=data.class_id,
                    include=data.include,
                    lowest=1 if data.lowest is None else data.lowest,
                    highest=9999 if data.highest is None else data.highest,
                )
            case "images_tag":
                return ContentFilter(kind="image_tag", wanted=data.tag_id, include=data.include)
            case "objects_tag":
                return ContentFilter(kind="object_tag", wanted=data.tag_id, include=data.include)
            case "images_filename":
                text = "" if data.value is None else str(data.value)
                return ContentFilter(kind="filename", text=text, include=data.include)
            case _:
                msg = f"The image filter {self.type!r} does not exist here."
                known = "entities_collection, objects_class, images_tag, objects_tag, images_filename"
                raise InputError(msg, f"Use one of: {known}.")


class _ImageList(ListBody):
    project_id: Id | None = None
    dataset_id: Id | None = None
    recursive: bool | None = False
    filters: Annotated[
        list[_ContentEntry] | None,
        BeforeValidator(lambda value: from_json(value) if isinstance(value, str) else value),
    ] = None


class _BulkIds(Body):
    dataset_id: Id | None = None
    image_ids: Ids


def image_json(parts: Services, row: Row) -> dict[str, Any]:
    """Return an image."""
    path = parts.blobs.url_path(row["hash"], row["mime"])
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
        "meta": from_json(row["meta"]),
        "pathOriginal": path,
        "fullStorageUrl": parts.address + path,
        "tags": from_json(row["tags"]),
        "createdBy": 1,
    }


def _list(site: ApiContext, body: _ImageList) -> object:
    page, rows = site.parts.images.page(
        body.listing(),
        project_id=body.project_id,
        dataset_id=body.dataset_id,
        recursive=bool(body.recursive),
        filters=[entry.content_filter() for entry in body.filters or ()],
    )
    return page_json(page, [image_json(site.parts, row) for row in rows])


def _info(site: ApiContext, body: _ById) -> object:
    return image_json(site.parts, site.parts.images.row(body.id))


def _download(site: ApiContext, body: _ById) -> object:
    row = site.parts.images.row(body.id)
    return FileResponse(site.parts.blobs.path(row["hash"], row["mime"]), media_type=row["mime"])


def _bulk_download(site: ApiContext, body: _BulkIds) -> object:
    rows = site.parts.images.rows(body.image_ids, body.dataset_id)
    boundary = uuid4().hex
    files = [(row["id"], row["mime"], site.parts.blobs.path(row["hash"], row["mime"])) for row in rows]
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
    Method("images.info", _ById, _info),
    Method("images.download", _ById, _download),
    Method("images.bulk.download", _BulkIds, _bulk_download),
)
