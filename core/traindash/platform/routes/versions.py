"""Versions of projects, and the copies of them that clients keep (docs/supervisely-api.md 3.5).

A version is a number for what trainings saw. A copy of it is reserved, made by the client, and committed.
"""

from collections.abc import Sequence
from sqlite3 import Row
from typing import Any

from traindash.errors import InputError
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.store.listing import Listing
from traindash.platform.wire import Body, ById, Id, Text, Word, row_json, spelled

_VERSION = spelled(
    "id", "project_id", "version", "name", "description", "created_at", "team_file_id", "preview_project_id"
)


class _List(Listing, kw_only=True):
    project_id: Id


class _Reserve(Body):
    project_id: Id


class _Reserved(ById):
    commit_token: Word


class _Commit(_Reserved, kw_only=True):
    team_file_id: Id
    project_updated_at: Word
    title: Word | None = None
    name: Word | None = None
    description: Text | None = None


class _Edit(ById):
    name: Word | None = None
    description: Text | None = None
    preview_project_id: Id | None = None


def _list(api: ApiContext, body: _List) -> object:
    page, rows = api.services.versions.page(body, body.project_id)
    project = api.services.projects.row(body.project_id)
    about = {"createdBy": project["user_id"], "teamId": project["team_id"]}
    return page.answer([_version_json(row) | about for row in rows])


def _version_json(row: Row) -> dict[str, Any]:
    # Behind those that a client has committed is a copy of the data, too.
    return row_json(row, _VERSION) | {
        "status": "committed" if row["commit_token"] is None else "reserved",
        "updatedAt": row["updated_at"] or row["created_at"],
        "projectUpdatedAt": row["project_updated_at"] or row["created_at"],
    }


def _reserve(api: ApiContext, body: _Reserve) -> object:
    version_id, token = api.services.versions.reserve(body.project_id)
    return {"id": version_id, "commitToken": token}


def _commit(api: ApiContext, body: _Commit) -> object:
    texts = (body.title or body.name, body.description)
    api.services.versions.commit(
        body.id, body.commit_token, file_id=body.team_file_id, updated_at=body.project_updated_at, texts=texts
    )
    return {"success": True}


def _cancel(api: ApiContext, body: _Reserved) -> object:
    api.services.versions.cancel(body.id, body.commit_token)
    return {"success": True}


def _edit(api: ApiContext, body: _Edit) -> object:
    if body.name is None and body.description is None and body.preview_project_id is None:
        raise InputError("Nothing is given that shall change.", "Send 'name', 'description' or 'previewProjectId'.")
    api.services.versions.edit(
        body.id, name=body.name, description=body.description, preview_project_id=body.preview_project_id
    )
    return {"success": True}


METHODS: Sequence[Method[Any]] = (
    Method("projects.versions.list", _List, _list),
    Method("projects.versions.reserve", _Reserve, _reserve),
    Method("projects.versions.commit", _Commit, _commit),
    Method("projects.versions.cancel-reservation", _Reserved, _cancel),
    Method("projects.versions.update", _Edit, _edit),
)
