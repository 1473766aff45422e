"""Teams, workspaces, the user, the server itself."""

from sqlite3 import Row
from typing import Any

from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.store.listing import Listing
from traindash.platform.wire import Body, ById, Id

API_VERSION = "6.18.3"
"""Version of the Supervisely instance whose API this server speaks."""


class _WorkspaceList(Listing, kw_only=True):
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


def _version(_api: ApiContext, _body: Body) -> object:
    return {"version": API_VERSION}


def _me(api: ApiContext, _body: Body) -> object:
    row = api.services.accounts.user()
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


def _teams(api: ApiContext, body: Listing) -> object:
    page, rows = api.services.accounts.teams(body)
    return page.answer([_team_json(row) for row in rows])


def _team(api: ApiContext, body: ById) -> object:
    return _team_json(api.services.accounts.team(body.id))


def _workspaces(api: ApiContext, body: _WorkspaceList) -> object:
    page, rows = api.services.accounts.workspaces(body.team_id, body)
    return page.answer([_workspace_json(row) for row in rows])


def _workspace(api: ApiContext, body: ById) -> object:
    return _workspace_json(api.services.accounts.workspace(body.id))


METHODS = (
    Method("instance.version", Body, _version),
    Method("users.me", Body, _me),
    Method("teams.list", Listing, _teams),
    Method("teams.info", ById, _team),
    Method("workspaces.list", _WorkspaceList, _workspaces),
    Method("workspaces.info", ById, _workspace),
)
