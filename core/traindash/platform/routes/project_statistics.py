"""Counts of a project (``projects.stats``), from the counts that every import keeps per dataset."""

from collections import defaultdict
from collections.abc import Iterable
from sqlite3 import Row
from typing import Any

from traindash.domain.ids import ProjectId
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.wire import ById


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
            "objectClasses": _class_counts(class_metas, classes, "images"),
        },
        "objects": {
            "total": {"objectsInDataset": sum(row["objects"] for row in classes)},
            "items": _class_counts(class_metas, classes, "objects"),
        },
        "imageTags": {"items": _tag_counts(tag_metas, tags, "images")},
        "objectTags": {"items": _tag_counts(tag_metas, tags, "objects")},
    }


def _class_counts(metas: list[dict[str, Any]], rows: Iterable[Row], column: str) -> list[dict[str, Any]]:
    """Every class of the meta appears, also one without objects: readers look each class up."""
    by_class: dict[str, list[dict[str, int]]] = defaultdict(list)
    for row in rows:
        by_class[row["class_name"]].append({"id": row["dataset_id"], "count": row[column]})
    return [
        {
            "objectClass": {**meta, "name": meta["title"]},
            "total": sum(entry["count"] for entry in by_class[meta["title"]]),
            "datasets": by_class[meta["title"]],
        }
        for meta in metas
    ]


def _tag_counts(metas: list[dict[str, Any]], rows: Iterable[Row], column: str) -> list[dict[str, Any]]:
    by_tag: dict[str, list[dict[str, int]]] = defaultdict(list)
    for row in rows:
        by_tag[row["tag_name"]].append({"id": row["dataset_id"], "count": row[column]})
    return [
        {
            "tagMeta": meta,
            "total": sum(entry["count"] for entry in by_tag[meta["name"]]),
            "datasets": by_tag[meta["name"]],
        }
        for meta in metas
    ]


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


METHODS = (Method("projects.stats", ById, _stats),)
