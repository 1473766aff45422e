"""Tags on images and on objects: put on, change, take off."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta

from traindash.errors import InputError
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.store.annotation_writes import SentTag
from traindash.platform.wire import DOCUMENT, Body, ById, Id, Ids, Text

Value = Text | int | float | None
_Tag = dict[str, Any]
_MOST_TAGS = 10_000  # in one call; the SDK sends 100 to 1000


class _ToImages(Body):
    tag_id: Id
    ids: Ids
    value: Value = None


class _FromImage(Body):
    tag_id: Id
    image_id: Id
    id: Id | None = None


class _FromImages(Body):
    tag_ids: Ids
    ids: Ids


class _SetValue(Body):
    id: Id
    value: Value = None


class _ToObject(Body):
    tag_id: Id
    figure_id: Id
    value: Value = None


class _FromObject(Body):
    tag_id: Id
    figure_id: Id
    id: Id | None = None


class _CustomData(Body):
    id: Id
    custom_data: dict[str, Any]
    update_strategy: Literal["merge", "replace"] | None = None


class _Item(Body):
    figure_id: Id | None = None
    entity_id: Id | None = None
    tag_id: Id | None = None
    name: Text | None = None
    value: Value = None


class _Bulk(Body):
    tags: Annotated[tuple[_Item, ...], Meta(max_length=_MOST_TAGS)]
    project_id: Id | None = None


def _to_images(api: ApiContext, body: _ToImages) -> object:
    tag = {"tagId": body.tag_id, "value": body.value}
    ids = api.services.annotation_writes.tag_images([SentTag(on=image_id, tag=tag) for image_id in body.ids])
    return [
        {"id": number, "tagId": body.tag_id, "entityId": image_id, "value": body.value}
        for number, image_id in zip(ids, body.ids, strict=True)
    ]


def _without(tag_ids: Sequence[int], own_id: int | None = None) -> Callable[[_Tag], _Tag | None]:
    """Take tags of these metas off; of one id alone, if it is given and they have ids of their own."""
    return lambda tag: (
        None if tag.get("tagId") in tag_ids and (own_id is None or tag.get("id", own_id) == own_id) else tag
    )


def _from_image(api: ApiContext, body: _FromImage) -> object:
    api.services.annotation_writes.change_image_tags([body.image_id], _without([body.tag_id], body.id))
    return {"success": True}


def _from_images(api: ApiContext, body: _FromImages) -> object:
    api.services.annotation_writes.change_image_tags(body.ids, _without(body.tag_ids))
    return {"success": True}


def _set_value(api: ApiContext, body: _SetValue) -> object:
    return api.services.annotation_writes.change_tag(body.id, lambda tag: {**tag, "value": body.value})


def _set_custom_data(api: ApiContext, body: _CustomData) -> object:
    def change(tag: _Tag) -> _Tag:
        old = tag.get("customData")
        kept = old if body.update_strategy != "replace" and isinstance(old, dict) else {}
        return {**tag, "customData": _merged(kept, body.custom_data)}

    return api.services.annotation_writes.change_tag(body.id, change)


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(old[key], new[key])
        for key in old.keys() & new.keys()
        if isinstance(old[key], dict) and isinstance(new[key], dict)
    }
    return {**old, **new, **both}


def _to_object(api: ApiContext, body: _ToObject) -> object:
    tag = {"tagId": body.tag_id, "value": body.value}
    (number,) = api.services.annotation_writes.tag_objects([SentTag(on=body.figure_id, tag=tag)])
    return {"id": number, "tagId": body.tag_id, "figureId": body.figure_id, "value": body.value}


def _from_object(api: ApiContext, body: _FromObject) -> object:
    api.services.annotation_writes.change_object_tags(body.figure_id, _without([body.tag_id], body.id))
    return {"success": True}


def _of_object(api: ApiContext, body: ById) -> object:
    return api.services.annotation_writes.object_json(body.id)[1].get("tags", [])


def _sent(items: Sequence[_Item], key: str) -> list[SentTag]:
    sent = []
    for number, item in enumerate(items, start=1):
        on = item.figure_id if key == "figureId" else item.entity_id
        if on is None:
            raise InputError(f"Tag {number} does not say what it is on.", f"Send its {key!r}.")
        sent.append(SentTag(on=on, tag={"tagId": item.tag_id, "name": item.name, "value": item.value}))
    return sent


def _bulk_to_objects(api: ApiContext, body: _Bulk) -> object:
    sent = _sent(body.tags, "figureId")
    return _answer(sent, api.services.annotation_writes.tag_objects(sent), "figureId")


def _bulk_to_images(api: ApiContext, body: _Bulk) -> object:
    sent = _sent(body.tags, "entityId")
    return _answer(sent, api.services.annotation_writes.tag_images(sent), "entityId")


def _answer(sent: Sequence[SentTag], ids: Sequence[int], key: str) -> list[dict[str, Any]]:
    return [
        {"id": number, "tagId": item.tag["tagId"], key: item.on, "value": item.tag["value"]}
        for number, item in zip(ids, sent, strict=True)
    ]


METHODS: Sequence[Method[Any]] = (
    Method("image-tags.bulk.add-to-image", _ToImages, _to_images, heavy=True),
    Method("image-tags.remove-from-image", _FromImage, _from_image),
    Method("image-tags.bulk.remove-from-images", _FromImages, _from_images, heavy=True),
    Method("image-tags.update-tag-value", _SetValue, _set_value),
    Method("image-tags.custom-data.update", _CustomData, _set_custom_data),
    Method("tags.entities.bulk.add", _Bulk, _bulk_to_images, bounds=DOCUMENT, heavy=True),
    Method("object-tags.add-to-object", _ToObject, _to_object),
    Method("object-tags.remove-from-figure", _FromObject, _from_object),
    Method("object-tags.custom-data.update", _CustomData, _set_custom_data),
    Method("figures.tags.list", ById, _of_object),
    Method("figures.tags.bulk.add", _Bulk, _bulk_to_objects, bounds=DOCUMENT, heavy=True),
)
