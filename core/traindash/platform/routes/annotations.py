"""Annotations in Supervisely's JSON format."""

from collections.abc import Sequence
from sqlite3 import Row
from typing import Any

from traindash.platform.routes.coordinates import to_plane
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.store.listing import Listing
from traindash.platform.wire import Body, Id, Ids


class _Bulk(Body):
    image_ids: Ids
    dataset_id: Id | None = None
    integer_coords: bool | None = True


class _ByImage(Body):
    image_id: Id
    integer_coords: bool | None = True


class _List(Listing, kw_only=True):
    dataset_id: Id
    integer_coords: bool | None = True


def _list(api: ApiContext, body: _List) -> object:
    page, rows = api.services.images.page(body, dataset_id=body.dataset_id)
    return page.answer(_answers(api, rows, on_plane=body.integer_coords is False))


def _bulk(api: ApiContext, body: _Bulk) -> object:
    return _answers(
        api, api.services.images.rows(body.image_ids, body.dataset_id), on_plane=body.integer_coords is False
    )


def _info(api: ApiContext, body: _ByImage) -> object:
    return _answers(api, [api.services.images.row(body.image_id)], on_plane=body.integer_coords is False)[0]


def _answers(api: ApiContext, rows: list[Row], *, on_plane: bool) -> list[dict[str, Any]]:
    images = api.services.images
    texts = images.annotations([row["id"] for row in rows])
    answers = []
    for row in rows:
        annotation: Any = images.annotation(row, texts.get(row["id"]))
        answers.append(
            {
                "imageId": row["id"],
                "imageName": row["name"],
                "annotation": to_plane(annotation) if on_plane else annotation,
                "createdAt": row["created_at"],
                "updatedAt": row["updated_at"],
                "datasetId": row["dataset_id"],
            }
        )
    return answers


METHODS: Sequence[Method[Any]] = (
    Method("annotations.list", _List, _list),
    Method("annotations.bulk.info", _Bulk, _bulk),
    Method("annotations.info", _ByImage, _info),
)
