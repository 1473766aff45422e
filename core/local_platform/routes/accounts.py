"""Teams, workspaces, the user, the server itself."""

from sqlite3 import Row
from typing import Any

from core.local_platform.routes.endpoint import ApiContext, Body, Method
from core.local_platform.routes.lists import Id, ListBody, page_json

API_VERSION = "6.18.3"
"""Version of the Supervisely instance whose API this server speaks."""


class _ById(Body):
    id: Id


class _WorkspaceList(ListBody):
    team_id: Id


def _team_json(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "role": "admin",
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
    }


def _workspace_json(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "teamId": row["team_id"],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
    }


def _version(_site: ApiContext, _body: Body) -> object:
    return {"version": API_VERSION}


def _me(site: ApiContext, _body: Body) -> object:
    row = site.parts.accounts.user()
    return {
        "id": row["id"],
        "login": row["login"],
        "name": row["name"],
        "email": None,
        "role": "admin",
        "roleId": 1,
        "disabled": False,
        "loginsCount": 1,
        "lastLogin": row["updated_at"],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
    }


def _teams(site: ApiContext, body: ListBody) -> object:
    page, rows = site.parts.accounts.teams(body.listing())
    return page_json(page, [_team_json(row) for row in rows])


def _team(site: ApiContext, body: _ById) -> object:
    return _team_json(site.parts.accounts.team(body.id))


def _workspaces(site: ApiContext, body: _WorkspaceList) -> object:
    page, rows = site.parts.accounts.workspaces(body.team_id, body.listing())
    return page_json(page, [_workspace_json(row) for row in rows])


def _workspace(site: ApiContext, body: _ById) -> object:
    return _workspace_json(site.parts.accounts.workspace(body.id))


METHODS = (
    Method("instance.version", Body, _version),
    Method("users.me", Body, _me),
    Method("teams.list", ListBody, _teams),
    Method("teams.info", _ById, _team),
    Method("workspaces.list", _WorkspaceList, _workspaces),
    Method("workspaces.info", _ById, _workspace),
)
