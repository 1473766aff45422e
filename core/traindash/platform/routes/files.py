"""Team Files: lists, infos, downloads, removal."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Annotated, Any
from urllib.parse import quote

from msgspec import Meta
from starlette.responses import FileResponse, Response, StreamingResponse

from traindash.domain.ids import FileId, TeamId
from traindash.errors import InputError, NotFoundError
from traindash.platform.parts import Services
from traindash.platform.routes.archive import tar_blocks
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.store.files import StoredFile, clean_path
from traindash.platform.wire import Body, ById, Count, Id, Names

_PAGE = 1000


class _Folder(Body):
    team_id: Id
    path: str
    recursive: bool | None = True


class _FolderV2(_Folder):
    recursive: bool | None = False
    files: bool | None = True
    folders: bool | None = True
    limit: Count | None = None
    continuation_token: Annotated[str, Meta(pattern=r"^[0-9]{1,15}$")] | None = None


class _ByPath(Body):
    team_id: Id
    path: str


class _ManyPaths(Body):
    team_id: Id
    paths: Names


def file_json(services: Services, file: StoredFile) -> dict[str, Any]:
    """Return a file."""
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


def _folder_json(team_id: int, path: str) -> dict[str, Any]:
    return {"teamId": team_id, "name": PurePosixPath(path).name, "path": path, "meta": {}, "isDir": True}


def _list(api: ApiContext, body: _Folder) -> object:
    """List a folder, or the one file that has the path; nothing there is an empty list, not an error."""
    team_id = TeamId(api.services.accounts.team(body.team_id)["id"])
    try:
        path = clean_path(body.path)
    except InputError:
        return []  # no file can have such a path
    files, recursive = api.services.files, body.recursive is not False
    if not body.path.endswith("/") and (file := files.find(team_id, path)) is not None:
        return [file_json(api.services, file)]
    found = [file_json(api.services, file) for file in files.list(team_id, path, recursive)]
    return found if recursive else [*(_folder_json(team_id, name) for name in files.folders(team_id, path)), *found]


def _list_v2(api: ApiContext, body: _FolderV2) -> object:
    rows = [
        row | {"type": "folder" if row["isDir"] else "file"}
        for row in _rows_v2(api, body)
        if (body.folders if row["isDir"] else body.files)
    ]
    start = int(body.continuation_token or 0)
    end = start + min(body.limit or _PAGE, _PAGE)
    return {"entities": rows[start:end], "continuationToken": str(end) if end < len(rows) else None}


def _rows_v2(api: ApiContext, body: _FolderV2) -> list[dict[str, Any]]:
    found = _list(api, body)
    return found if isinstance(found, list) else []


def _info(api: ApiContext, body: ById) -> object:
    return file_json(api.services, api.services.files.get(FileId(body.id)))


def _download(api: ApiContext, body: _ByPath) -> object:
    team_id = TeamId(api.services.accounts.team(body.team_id)["id"])
    path = clean_path(body.path)
    if not body.path.endswith("/") and (file := api.services.files.find(team_id, path)) is not None:
        return file_response(file)
    files = api.services.files.list(team_id, path)
    if not files:
        msg = f"There is no file or folder {body.path!r} in Team Files."
        raise NotFoundError(msg)
    return StreamingResponse(tar_blocks(path, files), media_type="application/x-tar")


def file_response(file: StoredFile) -> Response:
    """Return the content of a file.

    Raises:
        NotFoundError: Somebody removed it behind the server's back.
    """
    if not file.local_path.is_file():
        msg = f"The content of {file.path} is gone from the data directory."
        raise NotFoundError(msg)
    return FileResponse(file.local_path, media_type="application/octet-stream", filename=file.name)


def _remove(api: ApiContext, body: _ByPath) -> object:
    team_id = TeamId(api.services.accounts.team(body.team_id)["id"])
    return {"removed": api.services.files.remove(team_id, body.path)}


def _remove_many(api: ApiContext, body: _ManyPaths) -> object:
    team_id = TeamId(api.services.accounts.team(body.team_id)["id"])
    return {"removed": sum(api.services.files.remove(team_id, path) for path in body.paths)}


METHODS: Sequence[Method[Any]] = (
    Method("file-storage.list", _Folder, _list),
    Method("file-storage.v2.list", _FolderV2, _list_v2),
    Method("file-storage.info", ById, _info),
    Method("file-storage.download", _ByPath, _download),
    Method("file-storage.remove", _ByPath, _remove),
    Method("file-storage.bulk.remove", _ManyPaths, _remove_many),
)
