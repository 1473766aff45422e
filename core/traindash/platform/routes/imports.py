"""Bringing data in. Methods of this server's own: Supervisely imports with apps, so it answers 404 to all of them.

An import begins with ``upload`` or ``inspect``, which recognise the layout; ``start`` takes the data in.
"""

import shutil
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from traindash.datasets.recognition import Layout
from traindash.errors import InputError, StorageError
from traindash.platform.routes.endpoint import ApiContext, InThread, Method, StreamMethod, receive
from traindash.platform.wire import Body, ById, json_response

_SPARE_BYTES = 512 * 2**20
_SHOWN = 50


class _Inspect(Body):
    path: Annotated[str, Meta(min_length=1, max_length=4096)]


class _Start(ById):
    layout: Layout | None = None
    name: Annotated[str, Meta(max_length=255)] | None = None


def _inspect(api: ApiContext, body: _Inspect) -> object:
    """Begin with a folder or archive on this machine."""
    path = Path(body.path.strip()).expanduser()
    if not path.is_absolute() or "\0" in body.path:
        msg = f"{body.path} is not a complete path."
        raise InputError(msg, "Give the path from the root of the disk, such as /home/me/data.")
    return api.imports.inspect(path)


def _start(api: ApiContext, body: _Start) -> object:
    return api.imports.start(body.id, layout=body.layout, name=body.name)


def _info(api: ApiContext, body: ById) -> object:
    return api.imports.get(body.id)


def _cancel(api: ApiContext, body: ById) -> object:
    return api.imports.cancel(body.id)


def _list(api: ApiContext, body: Body) -> object:
    del body
    return list(islice(api.imports.all(), _SHOWN))


async def _upload(api: ApiContext, request: Request, in_thread: InThread) -> Response:
    """Begin with an archive: raw bytes, with its name in the address."""
    name = Path(request.query_params.get("name", "").replace("\\", "/")).name.strip()
    if name in {"", ".", ".."} or "\0" in name or len(name.encode("utf-8", "replace")) > 255:  # noqa: PLR2004 - limit of file systems
        msg = "'name' is missing in the address, or too long."
        raise InputError(msg, "Send ?name=archive.zip.")
    await in_thread(lambda: _refuse_without_room(api, request.headers.get("content-length", "")))
    scratch = await in_thread(api.imports.scratch)
    target = scratch.folder / "received" / name
    try:
        target.parent.mkdir()
        await receive(request, target, in_thread)
        record = await in_thread(lambda: api.imports.inspect(target, scratch=scratch))
    except BaseException:
        await in_thread(scratch.close)
        raise
    return json_response(record)


def _refuse_without_room(api: ApiContext, declared: str) -> None:
    free = shutil.disk_usage(api.services.layout.incoming).free
    if declared.isdecimal() and int(declared) + _SPARE_BYTES > free:
        msg = f"The archive has {int(declared) / 2**20:,.0f} MB, and the disk has {free / 2**20:,.0f} MB left."
        raise StorageError(msg, "Free some space, or unpack it elsewhere and give the folder's path.")


METHODS: Sequence[Any] = (
    StreamMethod("traindash.imports.upload", _upload),
    Method("traindash.imports.inspect", _Inspect, _inspect),
    Method("traindash.imports.start", _Start, _start),
    Method("traindash.imports.info", ById, _info),
    Method("traindash.imports.list", Body, _list),
    Method("traindash.imports.cancel", ById, _cancel),
)
