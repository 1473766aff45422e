"""Projects and datasets."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from sqlite3 import Row
from typing import Annotated, Any, Literal

from msgspec import Meta, Raw

from traindash.domain.ids import ProjectId
from traindash.errors import InputError
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.services import Services
from traindash.platform.store.listing import Listing, page_of
from traindash.platform.store.projects import Membership
from traindash.platform.wire import MEMBERS, Body, ById, Id, MemberIds, Names, Word, row_json, spelled

_NAMED = ("id", "name", "description", "created_at", "updated_at", "team_id")
_PROJECT = spelled(*_NAMED, "size", "readme", "workspace_id", "items_count", "datasets_count", "type")
_DATASET = spelled(*_NAMED, "size", "project_id", "images_count", "workspace_id", "parent_id")
_COLLECTION = spelled(*_NAMED, "project_id", "type", "items_count")


class _ProjectList(Listing):
    workspace_id: Id | None = None
    group_id: Id | None = None


class _AllDatasets(Listing):
    project_id: Id | None = None
    parent_id: Id | None = None
    recursive: bool = True


class _DatasetList(_AllDatasets, kw_only=True):
    project_id: Id
    recursive: bool = False


def project_json(services: Services, row: Row) -> dict[str, Any]:
    """Return a project."""
    version = None if row["version"] is None else {"id": row["version_id"], "version": row["version"]}
    return row_json(row, _PROJECT) | {
        "title": row["name"],  # some calls of the SDK ask for it under this key
        "imagesCount": row["items_count"],
        "referenceImageUrl": _reference_url(services, row),
        "customData": Raw(row["custom_data"]),
        "backupArchive": {},
        "settings": Raw(row["settings"]),
        "importSettings": {},
        "version": version,
        "createdBy": row["user_id"],
    }


def dataset_json(services: Services, row: Row, *, with_custom_data: bool = False) -> dict[str, Any]:
    """Return a dataset."""
    answer = row_json(row, _DATASET) | {
        "itemsCount": row["images_count"],
        "isFavorite": bool(row["is_favorite"]),
        "referenceImageUrl": _reference_url(services, row),
        "createdBy": row["user_id"],
    }
    # Only where asked for: the SDK uses listed datasets as dictionary keys, which an object inside makes impossible.
    return answer | ({"customData": Raw(row["custom_data"])} if with_custom_data else {})


def _reference_url(services: Services, row: Row) -> str:
    """Return the address of a cover image, an empty text where there is none."""
    # An empty text, since the SDK cannot take null here.
    if row["reference_hash"] is None or row["reference_mime"] is None:
        return ""
    return services.address + services.blobs.url_path(row["reference_hash"], row["reference_mime"])


def _list(api: ApiContext, body: _ProjectList) -> object:
    page, rows = api.services.projects.page(body, workspace_id=body.workspace_id, team_id=body.group_id)
    return page.answer([project_json(api.services, row) for row in rows])


def _datasets(api: ApiContext, body: _AllDatasets) -> object:
    page, rows = api.services.projects.dataset_page(
        body, project_id=body.project_id, parent_id=body.parent_id, recursive=body.recursive
    )
    with_custom_data = body.wants("customData")
    return page.answer([dataset_json(api.services, row, with_custom_data=with_custom_data) for row in rows])


# Counts of a project (``projects.stats``), from the counts that every import keeps per dataset.


def _stats(api: ApiContext, body: ById) -> object:
    projects = api.services.projects
    meta = projects.meta_json(body.id)
    datasets = projects.datasets(ProjectId(body.id))
    classes, tags = projects.class_counts(body.id), projects.tag_counts(body.id)
    total = sum(dataset.items_count for dataset in datasets)
    class_metas = _objects(meta.get("classes"))
    tag_metas = _objects(meta.get("tags"))
    return {
        "images": {
            "total": {"imagesInDataset": total, "imagesMarked": None, "imagesNotMarked": None},
            "datasets": [{"id": item.id, "name": item.name, "imagesInDataset": item.items_count} for item in datasets],
            "objectClasses": _counts(class_metas, classes, "objectClass", "images"),
        },
        "objects": {
            "total": {"objectsInDataset": sum(row["objects"] for row in classes)},
            "items": _counts(class_metas, classes, "objectClass", "objects"),
        },
        "imageTags": {"items": _counts(tag_metas, tags, "tagMeta", "images")},
        "objectTags": {"items": _counts(tag_metas, tags, "tagMeta", "objects")},
    }


def _counts(metas: list[dict[str, Any]], rows: Iterable[Row], kind: str, column: str) -> list[dict[str, Any]]:
    """Return the counts of classes or tags, from rows of name, dataset and counts.

    Every one of the meta appears, also one without objects: readers look each up. ``metas`` are classes, which have a
    ``title``, or tags, which have a ``name``; ``kind`` is their key in the answer, ``column`` what is counted.
    """
    by_name: dict[str, list[dict[str, int]]] = defaultdict(list)
    for row in rows:
        by_name[row["name"]].append({"id": row["dataset_id"], "count": row[column]})
    answer = []
    for meta in metas:
        name = meta["title"] if "title" in meta else meta["name"]
        counts = by_name[name]
        answer.append(
            {kind: {**meta, "name": name}, "total": sum(item["count"] for item in counts), "datasets": counts}
        )
    return answer


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


class _CollectionList(Listing, kw_only=True):
    project_id: Id
    type: Word | None = "default"


class _CollectionById(ById):
    extra_fields: Names | None = None


class _AddCollection(Body):
    project_id: Id
    name: Annotated[str, Meta(min_length=1, max_length=255)]
    type: Literal["default"] = "default"
    description: Annotated[str, Meta(max_length=10_000)] | None = None


class _EditCollection(ById):
    name: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    description: Annotated[str, Meta(max_length=10_000)] | None = None


class _Item(Body):
    entity_id: Id


class _Items(Body):
    collection_id: Id
    entity_ids: MemberIds | None = None
    entity_items: Annotated[tuple[_Item, ...], Meta(max_length=500_000)] | None = None

    @property
    def wanted(self) -> Sequence[int]:
        """The images, from whichever of the two lists was sent.

        Raises:
            InputError: Neither was.
        """
        if self.entity_ids is not None:
            return self.entity_ids
        if self.entity_items is not None:
            return [item.entity_id for item in self.entity_items]
        raise InputError("Neither 'entityIds' nor 'entityItems' is given.", "Send the ids of the images.")


def _collection_json(row: Row, *, with_meta: bool = False) -> dict[str, Any]:
    """Return a collection."""
    answer = row_json(row, _COLLECTION) | {"options": Raw(row["options"])}
    return answer | ({"meta": Raw(row["meta"])} if with_meta else {})


def _list_collections(api: ApiContext, body: _CollectionList) -> object:
    kind = None if body.type in {None, "all"} else body.type
    page, rows = api.services.collections.page(body, body.project_id, kind)
    return page.answer([_collection_json(row, with_meta=body.wants("meta")) for row in rows])


def _add_collection(api: ApiContext, body: _AddCollection) -> object:
    row = api.services.collections.add(body.project_id, body.name, kind=body.type, description=body.description or "")
    return _collection_json(row, with_meta=True)


def _edit_collection(api: ApiContext, body: _EditCollection) -> object:
    return _collection_json(api.services.collections.edit(body.id, body.name, body.description), with_meta=True)


def _remove_collection(api: ApiContext, body: ById) -> object:
    api.services.collections.remove(body.id)
    return {"success": True}


def _membership_json(change: Membership) -> dict[str, Any]:
    return {
        "items": [{"id": item, "entityId": item, "createdAt": change.moment} for item in change.changed],
        # Always there: the SDK looks at it without asking.
        "missing": [{"entityId": image_id} for image_id in change.missing],
    }


# What a server of Supervisely may have in its projects and this one never has: empty lists, and no error.


def _none(_api: ApiContext, body: Listing) -> object:
    return page_of((), body)


METHODS: Sequence[Method[Any]] = (
    *(Method(name, Listing, _none) for name in ("jobs.list", "issues.list", "videos.list")),
    Method("projects.list", _ProjectList, _list),
    Method("projects.list.all", _ProjectList, _list),
    Method("projects.info", ById, lambda api, body: project_json(api.services, api.services.projects.row(body.id))),
    Method("projects.meta", ById, lambda api, body: Raw(api.services.projects.row(body.id)["meta"])),
    Method("datasets.list", _DatasetList, _datasets),
    Method("datasets.list.all", _AllDatasets, _datasets),
    Method(
        "datasets.info",
        ById,
        lambda api, body: dataset_json(api.services, api.services.projects.dataset_row(body.id), with_custom_data=True),
    ),
    Method("projects.stats", ById, _stats, heavy=True),
    Method("entities-collections.list", _CollectionList, _list_collections),
    Method(
        "entities-collections.info",
        _CollectionById,
        lambda api, body: _collection_json(
            api.services.collections.row(body.id), with_meta="meta" in (body.extra_fields or ())
        ),
    ),
    Method("entities-collections.add", _AddCollection, _add_collection),
    Method("entities-collections.editInfo", _EditCollection, _edit_collection),
    Method("entities-collections.remove", ById, _remove_collection),
    Method(
        "entities-collections.items.bulk.add",
        _Items,
        lambda api, body: _membership_json(api.services.collections.add_items(body.collection_id, body.wanted)),
        bounds=MEMBERS,
        heavy=True,
    ),
    Method(
        "entities-collections.items.bulk.remove",
        _Items,
        lambda api, body: _membership_json(api.services.collections.remove_items(body.collection_id, body.wanted)),
        bounds=MEMBERS,
        heavy=True,
    ),
)
