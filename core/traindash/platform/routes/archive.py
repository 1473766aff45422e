"""Deletes projects, datasets, workspaces and teams, and brings them back (docs/supervisely-api.md 3.5)."""

from collections.abc import Callable, Mapping, Sequence
from sqlite3 import Row
from typing import Annotated, Any, TypeAlias, TypeVar

from msgspec import Meta

from traindash.errors import InputError
from traindash.platform.routes.accounts import team_json, workspace_json
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.routes.projects import dataset_json, project_json
from traindash.platform.services import Services
from traindash.platform.store.archive import kept_until
from traindash.platform.wire import Body, ById, FilePath, Id

_T = TypeVar("_T")
_DONE = {"success": True}
_MOST = 1000
_Ids: TypeAlias = Annotated[tuple[Id, ...], Meta(max_length=_MOST)]


class _Gone(ById):
    archive_url: FilePath | None = None


class _RemoveProjects(Body):
    projects: Annotated[tuple[_Gone, ...], Meta(max_length=_MOST)]


class _RemoveDatasets(Body):
    datasets: Annotated[tuple[ById, ...], Meta(max_length=_MOST)]


class _RemoveWorkspaces(Body):
    workspaces_ids: _Ids


class _RemoveTeams(Body):
    teams_ids: _Ids


class _OfProject(Body):
    project_id: Id


def _done(change: Callable[[Services, _T], None]) -> Callable[[ApiContext, _T], object]:
    """Return a handler that changes something and answers that it is done."""

    def handle(api: ApiContext, body: _T) -> object:
        change(api.services, body)
        return _DONE

    return handle


def _remove_projects(api: ApiContext, body: _RemoveProjects) -> object:
    if any(item.archive_url for item in body.projects):
        msg = "This server keeps no card with an address of a backup for projects that are gone."
        raise InputError(msg, "Archive the project (projects.archive), or leave 'archiveUrl' out.")
    api.services.archive.remove_projects([item.id for item in body.projects])
    return _DONE


def kept_moments(deleted_at: str) -> dict[str, str]:
    """Return what the wire says of when something was deleted, a moment as it is stored, and how long it is kept."""
    return {"archivedAt": deleted_at, "removedAfter": kept_until(deleted_at)}


def _archived_projects(api: ApiContext, _body: Body) -> object:
    return [
        {
            "id": row["id"],
            "workspaceId": row["workspace_id"],
            "name": row["archived_name"],
            "itemsCount": row["items_count"],
        }
        | kept_moments(row["archived_at"])
        for row in api.services.archive.projects()
    ]


def _archived_datasets(api: ApiContext, body: _OfProject) -> object:
    return [
        {"id": row["id"], "parentId": row["parent_id"], "name": row["name"], "itemsCount": row["images_count"]}
        | kept_moments(row["archived_at"])
        for row in api.services.archive.datasets(body.project_id)
    ]


def _restore_workspace(api: ApiContext, body: ById) -> object:
    api.services.account_archive.restore_workspace(body.id)
    return workspace_json(api.services.accounts.workspace(body.id))


def _restore_team(api: ApiContext, body: ById) -> object:
    api.services.account_archive.restore_team(body.id)
    return team_json(api.services.accounts.team(body.id))


def _archived_workspaces(api: ApiContext, _body: Body) -> object:
    return [
        _archived_json(row, {"teamId": row["team_id"]}) for row in api.services.account_archive.archived("workspace")
    ]


def _archived_teams(api: ApiContext, _body: Body) -> object:
    return [_archived_json(row, {}) for row in api.services.account_archive.archived("team")]


def _archived_json(row: Row, more: Mapping[str, object]) -> dict[str, object]:
    return {"id": row["id"], "name": row["archived_name"]} | dict(more) | kept_moments(row["archived_at"])


METHODS: Sequence[Method[Any]] = (
    Method("projects.archive", ById, _done(lambda services, body: services.archive.put_project(body.id))),
    Method("datasets.archive", ById, _done(lambda services, body: services.archive.put_dataset(body.id))),
    Method("workspaces.archive", ById, _done(lambda services, body: services.account_archive.put_workspace(body.id))),
    Method("teams.archive", ById, _done(lambda services, body: services.account_archive.put_team(body.id))),
    Method("projects.remove.permanently", _RemoveProjects, _remove_projects, heavy=True),
    Method(
        "datasets.remove.permanently",
        _RemoveDatasets,
        _done(lambda services, body: services.archive.remove_datasets([item.id for item in body.datasets])),
        heavy=True,
    ),
    Method(
        "workspaces.remove.permanently",
        _RemoveWorkspaces,
        _done(lambda services, body: services.account_archive.remove_workspaces(body.workspaces_ids)),
        heavy=True,
    ),
    Method(
        "teams.remove.permanently",
        _RemoveTeams,
        _done(lambda services, body: services.account_archive.remove_teams(body.teams_ids)),
        heavy=True,
    ),
    # Extensions of this server, for whoever deleted the wrong thing.
    Method(
        "traindash.projects.restore",
        ById,
        lambda api, body: project_json(api.services, api.services.archive.restore_project(body.id)),
    ),
    Method(
        "traindash.datasets.restore",
        ById,
        lambda api, body: dataset_json(
            api.services, api.services.archive.restore_dataset(body.id), with_custom_data=True
        ),
    ),
    Method("traindash.workspaces.restore", ById, _restore_workspace),
    Method("traindash.teams.restore", ById, _restore_team),
    Method("traindash.workspaces.archived.list", Body, _archived_workspaces),
    Method("traindash.teams.archived.list", Body, _archived_teams),
    Method("traindash.projects.archived.list", Body, _archived_projects),
    Method("traindash.datasets.archived.list", _OfProject, _archived_datasets),
)
