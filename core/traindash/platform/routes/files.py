"""Team Files: lists, infos, downloads, removal."""

import tarfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any
from urllib.parse import quote
from uuid import uuid4

from msgspec import Meta
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from traindash.domain.ids import FileId, TeamId
from traindash.errors import InputError, NotFoundError
from traindash.platform.routes.endpoint import (
    AnyMethod,
    ApiContext,
    Method,
    Streamed,
    StreamMethod,
    json_response,
    receive,
)
from traindash.platform.routes.workload import InThread, chunks_in_time
from traindash.platform.services import Services
from traindash.platform.store.files import StoredFile, clean_path
from traindash.platform.wire import Body, ById, Count, FilePath, Id, Names, checked, shortened

# A folder of Team Files as a tar stream, made while it is read.

_BLOCK = 1 << 18


def _tar_blocks(folder: str, files: Sequence[StoredFile]) -> Iterator[bytes]:
    """Yield a tar archive; its one top folder has the name of the folder, which is given as a clean path.

    A file that is removed meanwhile is left out. One that shrinks is filled up with zeros, since its header is out
    already.
    """
    base = PurePosixPath(folder)
    for file in files:
        name = PurePosixPath(base.name or "files") / PurePosixPath(file.path).relative_to(base)
        try:
            source = file.local_path.open("rb")
        except FileNotFoundError:
            continue
        with source:
            size = source.seek(0, 2)
            source.seek(0)
            header = tarfile.TarInfo(str(name))
            header.size = size
            header.mtime = int(datetime.fromisoformat(file.updated_at).timestamp())
            yield header.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
            left = size
            while left > 0:
                block = source.read(min(_BLOCK, left)) or bytes(min(_BLOCK, left))
                left -= len(block)
                yield block
            yield bytes(-size % tarfile.BLOCKSIZE)  # files begin at full blocks
    yield bytes(2 * tarfile.BLOCKSIZE)  # the end of an archive


_PAGE = 1000  # of the second version of the list; the first one has no pages


class _Folder(Body):
    team_id: Id
    path: FilePath
    recursive: bool | None = True


class _FolderV2(_Folder):
    recursive: bool | None = False
    files: bool | None = True
    folders: bool | None = True
    limit: Count | None = None
    continuation_token: Annotated[str, Meta(pattern=r"^[0-9]{1,15}$", max_length=15)] | None = None


class _ByPath(Body):
    team_id: Id
    path: FilePath


class _ManyPaths(Body):
    team_id: Id
    paths: Names


def _file_json(services: Services, file: StoredFile) -> dict[str, Any]:
    """Return a file."""
    # Sealed, since browsers fetch it without a key: nobody can make up the address of another file.
    url_path = f"/storage/files/{file.id}-{services.blobs.seal(f'file {file.id}')}/{quote(file.name)}"
    return {
        "id": file.id,
        "userId": file.user_id,
        "teamId": file.team_id,
        "name": file.name,
        "path": file.path,
        "storagePath": url_path,
        "fullStorageUrl": services.address + url_path,
        "hash": file.hash,
        "meta": {"ext": PurePosixPath(file.name).suffix.removeprefix("."), "mime": file.mime, "size": file.size},
        "createdAt": file.created_at,
        "updatedAt": file.updated_at,
        "isDir": False,
    }


def _team(api: ApiContext, team_id: int) -> TeamId:
    return TeamId(api.services.accounts.team(team_id)["id"])  # raises when there is no such team


def _list(api: ApiContext, body: _Folder) -> list[dict[str, Any]]:
    """List a folder, or the one file that has the path; nothing there is an empty list, not an error."""
    team_id = _team(api, body.team_id)
    try:
        path = clean_path(body.path)
    except InputError:
        return []  # no file can have such a path; the SDK takes a 4xx here for a failure (docs/supervisely-api.md 3.1)
    files, recursive = api.services.files, body.recursive is not False
    if not body.path.endswith("/") and (file := files.find(team_id, path)) is not None:
        return [_file_json(api.services, file)]
    found = [_file_json(api.services, file) for file in files.list(team_id, path, recursive)]
    if recursive:
        return found
    folders = [
        {"teamId": team_id, "name": PurePosixPath(name).name, "path": name, "meta": {}, "isDir": True}
        for name in files.folders(team_id, path)
    ]
    return folders + found


def _list_v2(api: ApiContext, body: _FolderV2) -> object:
    rows = [
        row | {"type": "folder" if row["isDir"] else "file"}
        for row in _list(api, body)
        if (body.folders if row["isDir"] else body.files)
    ]
    start = int(body.continuation_token or 0)
    end = start + min(body.limit or _PAGE, _PAGE)
    return {"entities": rows[start:end], "continuationToken": str(end) if end < len(rows) else None}


def _download(api: ApiContext, body: _ByPath) -> object:
    team_id = _team(api, body.team_id)
    path = clean_path(body.path)
    if not body.path.endswith("/") and (file := api.services.files.find(team_id, path)) is not None:
        return file_response(file)
    # A folder comes as a tar whose one top folder has its name (docs/supervisely-api.md 3.1).
    files = api.services.files.list(team_id, path)
    if not files:
        raise NotFoundError(f"There is no file or folder {shortened(body.path)!r} in Team Files.")
    return Streamed(_tar_blocks(path, files), media_type="application/x-tar")


def file_response(file: StoredFile) -> Response:
    """Return the content of a file.

    Raises:
        NotFoundError: Somebody removed it behind the server's back.
    """
    if not file.local_path.is_file():
        raise NotFoundError(f"The content of {file.path} is gone from the data directory.")
    return FileResponse(file.local_path, media_type="application/octet-stream", filename=file.name)


def _remove(api: ApiContext, body: _ByPath) -> object:
    team_id = _team(api, body.team_id)
    return {"removed": api.services.files.remove(team_id, body.path)}


def _remove_many(api: ApiContext, body: _ManyPaths) -> object:
    team_id = _team(api, body.team_id)
    return {"removed": sum(api.services.files.remove(team_id, path) for path in body.paths)}


# Uploads to Team Files: streamed to a file of ours first, then put in place in one step.

_NAME = "file-storage upload"
_BUFFER = 1 << 20
_MOST_PARTS = 10_000  # Starlette's own bound is 1000, and a folder may have more files
_PART_IN_MEMORY = 1 << 16  # bytes of a part that is not written to a file yet


class _Query(Body):
    team_id: Id
    path: Annotated[str, Meta(min_length=1, max_length=4096)] | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    path: str
    file: UploadFile


async def _upload(api: ApiContext, request: Request, in_thread: InThread) -> Response:
    """Take one file: raw bytes with the path in the address, or a form with ``name``, ``path``, ``file``."""
    query = checked(_NAME, _Query, dict(request.query_params))
    if request.headers.get("content-type", "").startswith("multipart/"):
        stored = await _store_form(api.services, query.team_id, request, in_thread)
        return json_response(_file_json(api.services, stored[0]))
    if query.path is None:
        raise InputError("'path' is missing in the address.", "Send ?teamId=…&path=/folder/name.")
    team_id, path = TeamId(query.team_id), clean_path(query.path)
    await in_thread(lambda: api.services.accounts.team(team_id))
    async with _incoming(api.services, in_thread) as target:
        await receive(request, target, in_thread)
        file = await in_thread(lambda: api.services.files.put(team_id, path, target, move=True))
    return json_response(_file_json(api.services, file))


async def _bulk_upload(api: ApiContext, request: Request, in_thread: InThread) -> Response:
    """Take a form with repeating ``name``, ``path`` (folder), ``file``."""
    query = checked(_NAME, _Query, dict(request.query_params))
    stored = await _store_form(api.services, query.team_id, request, in_thread)
    return json_response([_file_json(api.services, file) for file in stored])


class _WholeForm(MultiPartParser):
    """Refuses a form that breaks off, whose last file would be passed over, and its temporary file left open."""

    _ended = False

    def on_end(self) -> None:
        """Note the last boundary."""
        self._ended = True

    async def parse(self) -> FormData:
        """Read the form."""
        form = await super().parse()
        if not self._ended:
            for file in self._files_to_close_on_error:
                file.close()
            raise MultiPartException("The form breaks off.")
        return form


async def _store_form(services: Services, team: int, request: Request, in_thread: InThread) -> list[StoredFile]:
    await in_thread(lambda: services.accounts.team(team))
    try:
        parser = _WholeForm(request.headers, chunks_in_time(request), max_files=_MOST_PARTS, max_fields=2 * _MOST_PARTS)
        parser.spool_max_size = _PART_IN_MEMORY
        form = await parser.parse()
    except (MultiPartException, HTTPException, KeyError, ValueError, AssertionError, AttributeError) as error:
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
            source.seek(0)  # Starlette has written the part to a temporary file of its own
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
        raise InputError("The form has no file.", "Send at least one part with a file name.")
    return found


@asynccontextmanager
async def _incoming(services: Services, in_thread: InThread) -> AsyncIterator[Path]:
    """Give the path of a file of our own that is gone afterwards, unless it was moved."""
    target = services.layout.incoming / uuid4().hex
    try:
        yield target
    finally:
        await in_thread(lambda: target.unlink(missing_ok=True))


METHODS: Sequence[AnyMethod] = (
    Method("file-storage.list", _Folder, _list, heavy=True),
    Method("file-storage.v2.list", _FolderV2, _list_v2, heavy=True),
    Method(
        "file-storage.info",
        ById,
        lambda api, body: _file_json(api.services, api.services.files.get(FileId(body.id))),
    ),
    Method("file-storage.download", _ByPath, _download, heavy=True),
    Method("file-storage.remove", _ByPath, _remove, heavy=True),
    Method("file-storage.bulk.remove", _ManyPaths, _remove_many, heavy=True),
    StreamMethod("file-storage.upload", _upload),
    StreamMethod("file-storage.bulk.upload", _bulk_upload),
)
