"""Projects and datasets."""

from sqlite3 import Row
from typing import Any

from core.local_platform.parts import Services
from core.local_platform.routes.endpoint import ApiContext, Body, Method
from core.local_platform.routes.lists import Id, ListBody, Text, page_json
from core.local_platform.store.projects import dump, parse_object


class _ById(Body):
    id: Id


class _ProjectList(ListBody):
    workspace_id: Id | None = None
    group_id: Id | None = None


class _DatasetList(ListBody):
    project_id: Id
    parent_id: Id | None = None
    recursive: bool = False


class _AllDatasets(ListBody):
    pass


class _EditProject(Body):
    id: Id
    name: Text | None = None
    description: Text | None = None
    readme: Text | None = None
    custom_data: dict[str, Any] | None = None
    settings: dict[str, Any] | None = None
    silent: bool | None = False


def project_json(parts: Services, row: Row) -> dict[str, Any]:
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
        "referenceImageUrl": reference_url(parts, row),
        "customData": parse_object(row["custom_data"]),
        "backupArchive": {},
        "settings": parse_object(row["settings"]),
        "importSettings": {},
        "version": version,
        "createdBy": row["user_id"],
    }


def dataset_json(parts: Services, row: Row, *, with_custom_data: bool = False) -> dict[str, Any]:
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
        "referenceImageUrl": reference_url(parts, row),
        "teamId": row["team_id"],
        "workspaceId": row["workspace_id"],
        "parentId": row["parent_id"],
        "createdBy": row["user_id"],
    }
    return answer | ({"customData": parse_object(row["custom_data"])} if with_custom_data else {})


def reference_url(parts: Services, row: Row) -> str:
    """Return the address of a cover image; an empty text where there is none (the SDK cannot take null)."""
    if row["reference_hash"] is None or row["reference_mime"] is None:
        return ""
    return parts.address + parts.blobs.url_path(row["reference_hash"], row["reference_mime"])


def _list(site: ApiContext, body: _ProjectList) -> object:
    page, rows = site.parts.projects.page(body.listing(), workspace_id=body.workspace_id, team_id=body.group_id)
    return page_json(page, [project_json(site.parts, row) for row in rows])


def _info(site: ApiContext, body: _ById) -> object:
    return project_json(site.parts, site.parts.projects.row(body.id))


def _meta(site: ApiContext, body: _ById) -> object:
    return site.parts.projects.meta_json(body.id)


def _edit(site: ApiContext, body: _EditProject) -> object:
    changes = {
        key: value
        for key, value in (("name", body.name), ("description", body.description), ("readme", body.readme))
        if value is not None
    }
    if body.custom_data is not None:
        changes["custom_data"] = dump(body.custom_data)
    if body.settings is not None:
        changes["settings"] = dump(body.settings)
    return project_json(site.parts, site.parts.projects.edit(body.id, changes, silent=bool(body.silent)))


def _settings(site: ApiContext, body: _EditProject) -> object:
    merged = parse_object(site.parts.projects.row(body.id)["settings"]) | (body.settings or {})
    return project_json(site.parts, site.parts.projects.edit(body.id, {"settings": dump(merged)}))


def _datasets(site: ApiContext, body: _DatasetList) -> object:
    page, rows = site.parts.projects.dataset_page(
        body.listing(), project_id=body.project_id, parent_id=body.parent_id, recursive=body.recursive
    )
    with_custom_data = body.wants("customData")
    return page_json(page, [dataset_json(site.parts, row, with_custom_data=with_custom_data) for row in rows])


def _all_datasets(site: ApiContext, body: _AllDatasets) -> object:
    page, rows = site.parts.projects.dataset_page(body.listing(), project_id=None)
    with_custom_data = body.wants("customData")
    return page_json(page, [dataset_json(site.parts, row, with_custom_data=with_custom_data) for row in rows])


def _dataset(site: ApiContext, body: _ById) -> object:
    return dataset_json(site.parts, site.parts.projects.dataset_row(body.id), with_custom_data=True)


METHODS = (
    Method("projects.list", _ProjectList, _list),
    Method("projects.list.all", _ProjectList, _list),
    Method("projects.info", _ById, _info),
    Method("projects.meta", _ById, _meta),
    Method("projects.editInfo", _EditProject, _edit),
    Method("projects.settings.update", _EditProject, _settings),
    Method("datasets.list", _DatasetList, _datasets),
    Method("datasets.list.all", _AllDatasets, _all_datasets),
    Method("datasets.info", _ById, _dataset),
)
