"""Projects and datasets."""

from sqlite3 import Row
from typing import Any

from traindash.platform.parts import Services
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.store.listing import Listing
from traindash.platform.store.projects import dump, parse_object
from traindash.platform.wire import Body, ById, Id, Text


class _ProjectList(Listing):
    workspace_id: Id | None = None
    group_id: Id | None = None


class _DatasetList(Listing, kw_only=True):
    project_id: Id
    parent_id: Id | None = None
    recursive: bool = False


class _EditProject(Body):
    id: Id
    name: Text | None = None
    description: Text | None = None
    readme: Text | None = None
    custom_data: dict[str, Any] | None = None
    settings: dict[str, Any] | None = None
    silent: bool | None = False


def project_json(services: Services, row: Row) -> dict[str, Any]:
    """Return a project; ``title`` repeats the name because some calls of the SDK ask for it under that key."""
    version = None if row["version"] is None else {"id": row["version_id"], "version": row["version"]}
    return {
        "id": row["id"],
        "name": row["name"],
        "title": row["name"],
        "description": row["description"],
        "size": row["size"],
        "readme": row["readme"],
        "workspaceId": row["workspace_id"],
        "teamId": row["team_id"],
        "imagesCount": row["items_count"],
        "itemsCount": row["items_count"],
        "datasetsCount": row["datasets_count"],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "type": row["type"],
        "referenceImageUrl": reference_url(services, row),
        "customData": parse_object(row["custom_data"]),
        "backupArchive": {},
        "settings": parse_object(row["settings"]),
        "importSettings": {},
        "version": version,
        "createdBy": row["user_id"],
    }


def dataset_json(services: Services, row: Row, *, with_custom_data: bool = False) -> dict[str, Any]:
    """Return a dataset. ``customData`` only where asked for: the SDK uses listed datasets as dictionary keys."""
    answer = {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "size": row["size"],
        "projectId": row["project_id"],
        "imagesCount": row["images_count"],
        "itemsCount": row["images_count"],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "referenceImageUrl": reference_url(services, row),
        "teamId": row["team_id"],
        "workspaceId": row["workspace_id"],
        "parentId": row["parent_id"],
        "createdBy": row["user_id"],
    }
    return answer | ({"customData": parse_object(row["custom_data"])} if with_custom_data else {})


def reference_url(services: Services, row: Row) -> str:
    """Return the address of a cover image; an empty text where there is none (the SDK cannot take null)."""
    if row["reference_hash"] is None or row["reference_mime"] is None:
        return ""
    return services.address + services.blobs.url_path(row["reference_hash"], row["reference_mime"])


def _list(api: ApiContext, body: _ProjectList) -> object:
    page, rows = api.services.projects.page(body, workspace_id=body.workspace_id, team_id=body.group_id)
    return page.answer([project_json(api.services, row) for row in rows])


def _info(api: ApiContext, body: ById) -> object:
    return project_json(api.services, api.services.projects.row(body.id))


def _meta(api: ApiContext, body: ById) -> object:
    return api.services.projects.meta_json(body.id)


def _edit(api: ApiContext, body: _EditProject) -> object:
    changes = {
        key: value
        for key, value in (("name", body.name), ("description", body.description), ("readme", body.readme))
        if value is not None
    }
    if body.custom_data is not None:
        changes["custom_data"] = dump(body.custom_data)
    if body.settings is not None:
        changes["settings"] = dump(body.settings)
    return project_json(api.services, api.services.projects.edit(body.id, changes, silent=bool(body.silent)))


def _settings(api: ApiContext, body: _EditProject) -> object:
    merged = parse_object(api.services.projects.row(body.id)["settings"]) | (body.settings or {})
    return project_json(api.services, api.services.projects.edit(body.id, {"settings": dump(merged)}))


def _datasets(api: ApiContext, body: _DatasetList) -> object:
    page, rows = api.services.projects.dataset_page(
        body, project_id=body.project_id, parent_id=body.parent_id, recursive=body.recursive
    )
    with_custom_data = body.wants("customData")
    return page.answer([dataset_json(api.services, row, with_custom_data=with_custom_data) for row in rows])


def _all_datasets(api: ApiContext, body: Listing) -> object:
    page, rows = api.services.projects.dataset_page(body, project_id=None)
    with_custom_data = body.wants("customData")
    return page.answer([dataset_json(api.services, row, with_custom_data=with_custom_data) for row in rows])


def _dataset(api: ApiContext, body: ById) -> object:
    return dataset_json(api.services, api.services.projects.dataset_row(body.id), with_custom_data=True)


METHODS = (
    Method("projects.list", _ProjectList, _list),
    Method("projects.list.all", _ProjectList, _list),
    Method("projects.info", ById, _info),
    Method("projects.meta", ById, _meta),
    Method("projects.editInfo", _EditProject, _edit),
    Method("projects.settings.update", _EditProject, _settings),
    Method("datasets.list", _DatasetList, _datasets),
    Method("datasets.list.all", Listing, _all_datasets),
    Method("datasets.info", ById, _dataset),
)
