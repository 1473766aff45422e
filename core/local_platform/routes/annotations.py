"""Annotations in Supervisely's JSON format."""

from collections.abc import Sequence
from sqlite3 import Row
from typing import Any

from core.local_platform.routes.endpoint import Body, Method, Site
from core.local_platform.routes.lists import Id, Ids, ListBody, page_json


class _Bulk(Body):
    dataset_id: Id | None = None
    image_ids: Ids
    integer_coords: bool | None = False


class _ByImage(Body):
    image_id: Id
    integer_coords: bool | None = False


class _List(ListBody):
    dataset_id: Id
    integer_coords: bool | None = False


def _list(site: Site, body: _List) -> object:
    page, rows = site.parts.images.page(body.listing(), dataset_id=body.dataset_id)
    return page_json(page, _answers(site, rows, whole=bool(body.integer_coords)))


def _bulk(site: Site, body: _Bulk) -> object:
    return _answers(site, site.parts.images.rows(body.image_ids, body.dataset_id), whole=bool(body.integer_coords))


def _info(site: Site, body: _ByImage) -> object:
    return _answers(site, [site.parts.images.row(body.image_id)], whole=bool(body.integer_coords))[0]


def _answers(site: Site, rows: list[Row], *, whole: bool) -> list[dict[str, Any]]:
    images = site.parts.images
    texts = images.annotations([row["id"] for row in rows])
    answers = []
    for row in rows:
        annotation: Any = images.annotation(row, texts.get(row["id"]))
        answers.append(
            {
                "imageId": row["id"],
                "imageName": row["name"],
                "annotation": _rounded(annotation) if whole else annotation,
                "createdAt": row["created_at"],
                "updatedAt": row["updated_at"],
                "datasetId": row["dataset_id"],
            }
        )
    return answers


def _rounded(annotation: dict[str, Any]) -> dict[str, Any]:
    """Round the corners of rectangles and polygons to whole pixels."""
    objects = [
        item | {"points": _round(item["points"])} if "points" in item else item for item in annotation["objects"]
    ]
    return annotation | {"objects": objects}


def _round(value: object) -> object:
    match value:
        case dict():
            return {key: _round(inner) for key, inner in value.items()}
        case list():
            return [_round(inner) for inner in value]
        case float():
            return round(value)
        case _:
            return value


METHODS: Sequence[Method[Any]] = (
    Method("annotations.list", _List, _list),
    Method("annotations.bulk.info", _Bulk, _bulk),
    Method("annotations.info", _ByImage, _info),
)
