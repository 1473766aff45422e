"""Annotations of images in Supervisely's JSON: reading, replacing, copying."""

from collections.abc import Sequence
from sqlite3 import Row
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from traindash.errors import InputError
from traindash.platform.coordinates import to_plane
from traindash.platform.routes.endpoint import ApiContext, Method, Streamed
from traindash.platform.routes.images import BulkIds, array_blocks, page_of_blocks
from traindash.platform.store.images import annotation_of
from traindash.platform.store.listing import Listing
from traindash.platform.wire import DRAWN, Body, Id, Ids

_MOST_ANNOTATIONS = 1000  # in one call; the SDK sends 50


class _ManyImages(BulkIds):
    integer_coords: bool | None = True


class _OneImage(Body):
    image_id: Id
    integer_coords: bool | None = True


class _OfDataset(Listing, kw_only=True):
    dataset_id: Id
    integer_coords: bool | None = True


def _list_annotations(api: ApiContext, body: _OfDataset) -> object:
    page, rows = api.services.images.page(body, dataset_id=body.dataset_id)
    return page_of_blocks(page, rows, lambda some: _answers(api, some, body))


def _annotations(api: ApiContext, body: _ManyImages) -> object:
    rows = api.services.images.rows(body.image_ids, body.dataset_id)
    return Streamed(array_blocks(rows, lambda some: _answers(api, some, body)))


def _answers(
    api: ApiContext, rows: Sequence[Row], wanted: _ManyImages | _OneImage | _OfDataset
) -> list[dict[str, Any]]:
    on_plane = wanted.integer_coords is False
    texts = api.services.images.annotations([row["id"] for row in rows])
    answers = []
    for row in rows:
        text = texts.get(row["id"])
        # As it is stored, unless coordinates have to be moved: parsing is most of the work for large outlines.
        in_place: Any = msgspec.Raw(text) if text is not None and not on_plane else annotation_of(row, text)
        answers.append(
            {
                "imageId": row["id"],
                "imageName": row["name"],
                "annotation": to_plane(in_place) if on_plane else in_place,
                "createdAt": row["created_at"],
                "updatedAt": row["updated_at"],
                "datasetId": row["dataset_id"],
            }
        )
    return answers


class _Sent(Body):
    image_id: Id
    annotation: msgspec.Raw


class _Add(Body):
    annotations: Annotated[tuple[_Sent, ...], Meta(max_length=_MOST_ANNOTATIONS)]
    dataset_id: Id | None = None
    skip_bounds_validation: bool | None = False


class _Copy(Body):
    source: Ids = msgspec.field(name="srcImageIds")
    target: Ids = msgspec.field(name="destImageIds")


def _add(api: ApiContext, body: _Add) -> object:
    sent = [(item.image_id, item.annotation) for item in body.annotations]
    api.services.uploads.stir()
    api.services.annotation_writes.replace_by(
        sent, dataset_id=body.dataset_id, checks_bounds=not body.skip_bounds_validation
    )
    return {"success": True}


def _copy(api: ApiContext, body: _Copy) -> object:
    if len(body.source) != len(body.target):
        msg = f"There are {len(body.source)} images to copy from and {len(body.target)} to copy to."
        raise InputError(msg, "Send as many of the one as of the other.")
    api.services.annotation_writes.copy(tuple(zip(body.source, body.target, strict=True)))
    return {"success": True}


METHODS: Sequence[Method[Any]] = (
    Method("annotations.list", _OfDataset, _list_annotations, heavy=True),
    Method("annotations.bulk.info", _ManyImages, _annotations, heavy=True),
    Method(
        "annotations.info",
        _OneImage,
        lambda api, body: _answers(api, [api.services.images.row(body.image_id)], body)[0],
    ),
    Method("annotations.bulk.add", _Add, _add, bounds=DRAWN, heavy=True, in_rows=True),
    Method("annotations.bulk.copy", _Copy, _copy, heavy=True),
)
