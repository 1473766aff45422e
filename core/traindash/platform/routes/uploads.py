"""Uploads to Team Files: streamed to a file of ours first, then put in place in one step."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

from msgspec import Meta
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response

from traindash.domain.ids import TeamId
from traindash.errors import InputError
from traindash.platform.parts import Services
from traindash.platform.routes.endpoint import ApiContext, InThread, StreamMethod, receive
from traindash.platform.routes.files import file_json
from traindash.platform.store.files import StoredFile, clean_path
from traindash.platform.wire import Body, Id, checked, json_response

_NAME = "file-storage upload"
_BUFFER = 1 << 20
_MOST_PARTS = 100_000


class _Query(Body):
    team_id: Id
    path: Annotated[str, Meta(min_length=1)] | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    path: str
    file: UploadFile


async def _upload(api: ApiContext, request: Request, in_thread: InThread) -> Response:
    """Take one file: raw bytes with the path in the address, or a form with ``name``, ``path``, ``file``."""
    query = _query(request)
    if request.headers.get("content-type", "").startswith("multipart/"):
        stored = await _store_form(api.services, query.team_id, request, in_thread)
        return json_response(file_json(api.services, stored[0]))
    if query.path is None:
        msg = "'path' is missing in the address."
        raise InputError(msg, "Send ?teamId=…&path=/folder/name.")
    team_id, path = TeamId(query.team_id), clean_path(query.path)
    await in_thread(lambda: api.services.accounts.team(team_id))
    async with _incoming(api.services, in_thread) as target:
        await receive(request, target, in_thread)
        file = await in_thread(lambda: api.services.files.put(team_id, path, target, move=True))
    return json_response(file_json(api.services, file))


async def _bulk_upload(api: ApiContext, request: Request, in_thread: InThread) -> Response:
    """Take a form with repeating ``name``, ``path`` (folder), ``file``."""
    stored = await _store_form(api.services, _query(request).team_id, request, in_thread)
    return json_response([file_json(api.services, file) for file in stored])


async def _store_form(services: Services, team: int, request: Request, in_thread: InThread) -> list[StoredFile]:
    await in_thread(lambda: services.accounts.team(team))
    try:
        form = await request.form(max_files=_MOST_PARTS, max_fields=2 * _MOST_PARTS)
    except (MultiPartException, HTTPException, KeyError, ValueError) as error:
        msg = "The body is not a valid multipart form."
        raise InputError(msg, "Send fields 'name', 'path' and 'file' as multipart/form-data.") from error
    try:
        return [await _store_part(services, team, part, in_thread) for part in _parts(form.multi_items())]
    finally:
        await form.close()


async def _store_part(services: Services, team: int, part: _Part, in_thread: InThread) -> StoredFile:
    async with _incoming(services, in_thread) as target:
        source = part.file.file

        def copy() -> StoredFile:
            source.seek(0)
            with target.open("wb") as file:
                while block := source.read(_BUFFER):
                    file.write(block)
            return services.files.put(TeamId(team), part.path, target, move=True)

        return await in_thread(copy)


def _parts(items: Sequence[tuple[str, UploadFile | str]]) -> list[_Part]:
    """Pair each file with the last ``name`` and ``path`` before it.

    Raises:
        InputError: There is no file, or one without a path; or a path is not usable.
    """
    fields: dict[str, str] = {}
    found: list[_Part] = []
    for key, value in items:
        if isinstance(value, str):
            fields[key] = value
            continue
        name = fields.get("name") or value.filename
        if "path" not in fields or not name:
            msg = "A file comes without its 'name' and 'path'."
            raise InputError(msg, "Send the fields 'name' and 'path' before each 'file'.")
        found.append(_Part(clean_path(f"{fields['path']}/{name}"), value))
    if not found:
        msg = "The form has no file."
        raise InputError(msg, "Send at least one part with a file name.")
    return found


def _query(request: Request) -> _Query:
    return checked(_NAME, _Query, dict(request.query_params))


@asynccontextmanager
async def _incoming(services: Services, in_thread: InThread) -> AsyncIterator[Path]:
    """Give the path of a file of our own that is gone afterwards, unless it was moved."""
    target = services.layout.incoming / uuid4().hex
    try:
        yield target
    finally:
        await in_thread(lambda: target.unlink(missing_ok=True))


METHODS: Sequence[Any] = (
    StreamMethod("file-storage.upload", _upload),
    StreamMethod("file-storage.bulk.upload", _bulk_upload),
)
