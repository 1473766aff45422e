"""Uploads to Team Files: streamed to a file of ours first, then put in place in one step."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response

from core.domain.ids import TeamId
from core.errors import InputError
from core.local_platform.parts import Services
from core.local_platform.routes.answers import invalid_body, json_response
from core.local_platform.routes.endpoint import ApiContext, InThread, StreamMethod
from core.local_platform.routes.files import file_json
from core.local_platform.routes.lists import Id
from core.local_platform.store.files import StoredFile, clean_path

_NAME = "file-storage upload"
_BUFFER = 1 << 20
_MOST_PARTS = 100_000


class _Query(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel)

    team_id: Id
    path: Annotated[str, Field(min_length=1)] | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    path: str
    file: UploadFile


async def _upload(site: ApiContext, request: Request, in_thread: InThread) -> Response:
    """Take one file: raw bytes with the path in the address, or a form with ``name``, ``path``, ``file``."""
    query = _query(request)
    if request.headers.get("content-type", "").startswith("multipart/"):
        stored = await _store_form(site.parts, query.team_id, request, in_thread)
        return json_response(file_json(site.parts, stored[0]))
    if query.path is None:
        msg = "'path' is missing in the address."
        raise InputError(msg, "Send ?teamId=…&path=/folder/name.")
    team_id, path = TeamId(query.team_id), clean_path(query.path)
    await in_thread(lambda: site.parts.accounts.team(team_id))
    async with _incoming(site.parts, in_thread) as target:
        await _receive(request, target, in_thread)
        file = await in_thread(lambda: site.parts.files.put(team_id, path, target, move=True))
    return json_response(file_json(site.parts, file))


async def _bulk_upload(site: ApiContext, request: Request, in_thread: InThread) -> Response:
    """Take a form with repeating ``name``, ``path`` (folder), ``file``."""
    stored = await _store_form(site.parts, _query(request).team_id, request, in_thread)
    return json_response([file_json(site.parts, file) for file in stored])


async def _store_form(parts: Services, team: int, request: Request, in_thread: InThread) -> list[StoredFile]:
    await in_thread(lambda: parts.accounts.team(team))
    try:
        form = await request.form(max_files=_MOST_PARTS, max_fields=2 * _MOST_PARTS)
    except (MultiPartException, HTTPException, KeyError, ValueError) as error:
        msg = "The body is not a valid multipart form."
        raise InputError(msg, "Send fields 'name', 'path' and 'file' as multipart/form-data.") from error
    try:
        return [await _store_part(parts, team, part, in_thread) for part in _parts(form.multi_items())]
    finally:
        await form.close()


async def _store_part(parts: Services, team: int, part: _Part, in_thread: InThread) -> StoredFile:
    async with _incoming(parts, in_thread) as target:
        source = part.file.file

        def copy() -> StoredFile:
            source.seek(0)
            with target.open("wb") as file:
                while block := source.read(_BUFFER):
                    file.write(block)
            return parts.files.put(TeamId(team), part.path, target, move=True)

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
    try:
        return _Query.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise invalid_body(_NAME, error) from error


@asynccontextmanager
async def _incoming(parts: Services, in_thread: InThread) -> AsyncIterator[Path]:
    """Give the path of a file of our own that is gone afterwards, unless it was moved."""
    target = parts.layout.incoming / uuid4().hex
    try:
        yield target
    finally:
        await in_thread(lambda: target.unlink(missing_ok=True))


async def _receive(request: Request, target: Path, in_thread: InThread) -> None:
    buffer = bytearray()

    def flush() -> None:
        with target.open("ab") as file:
            file.write(buffer)
        buffer.clear()

    await in_thread(flush)
    async for chunk in request.stream():
        buffer.extend(chunk)
        if len(buffer) >= _BUFFER:
            await in_thread(flush)
    await in_thread(flush)


METHODS: Sequence[Any] = (
    StreamMethod("file-storage.upload", _upload),
    StreamMethod("file-storage.bulk.upload", _bulk_upload),
)
