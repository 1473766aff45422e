"""Copies of projects that clients keep: a version is reserved, copied and committed (docs/supervisely-api.md 3.5)."""

from collections.abc import Sequence
from typing import Any

from traindash.errors import InputError
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.wire import Body, ById, Id, Text, Word


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
    Method("projects.versions.reserve", _Reserve, _reserve),
    Method("projects.versions.commit", _Commit, _commit),
    Method("projects.versions.cancel-reservation", _Reserved, _cancel),
    Method("projects.versions.update", _Edit, _edit),
)
