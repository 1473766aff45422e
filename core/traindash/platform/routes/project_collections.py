"""Collections of images."""

from collections.abc import Sequence
from sqlite3 import Row
from typing import Annotated, Any, Literal

from msgspec import Meta

from traindash.errors import InputError
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.store.listing import Listing
from traindash.platform.store.project_collections import Membership
from traindash.platform.store.projects import parse_object
from traindash.platform.wire import Body, ById, Id, Ids, Names


class _CollectionList(Listing, kw_only=True):
    project_id: Id
    type: str | None = "default"


class _Info(ById):
    extra_fields: Names | None = None


class _Add(Body):
    project_id: Id
    name: Annotated[str, Meta(min_length=1, max_length=255)]
    type: Literal["default"] = "default"
    description: Annotated[str, Meta(max_length=10_000)] | None = None


class _Item(Body):
    entity_id: Id


class _Items(Body):
    collection_id: Id
    entity_ids: Ids | None = None
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
        msg = "Neither 'entityIds' nor 'entityItems' is given."
        raise InputError(msg, "Send the ids of the images.")


def collection_json(row: Row, *, with_meta: bool = False) -> dict[str, Any]:
    """Return a collection."""
    answer = {
        "id": row["id"],
        "name": row["name"],
        "teamId": row["team_id"],
        "projectId": row["project_id"],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "description": row["description"],
        "options": parse_object(row["options"]),
        "type": row["type"],
        "itemsCount": row["items_count"],
    }
    return answer | ({"meta": parse_object(row["meta"])} if with_meta else {})


def _list(api: ApiContext, body: _CollectionList) -> object:
    kind = None if body.type in {None, "all"} else body.type
    page, rows = api.services.collections.page(body, body.project_id, kind)
    return page.answer([collection_json(row, with_meta=body.wants("meta")) for row in rows])


def _info(api: ApiContext, body: _Info) -> object:
    return collection_json(api.services.collections.row(body.id), with_meta="meta" in (body.extra_fields or ()))


def _add(api: ApiContext, body: _Add) -> object:
    row = api.services.collections.add(body.project_id, body.name, kind=body.type, description=body.description or "")
    return collection_json(row, with_meta=True)


def _remove(api: ApiContext, body: ById) -> object:
    api.services.collections.remove(body.id)
    return {"success": True}


def _add_items(api: ApiContext, body: _Items) -> object:
    return _membership_json(api.services.collections.add_items(body.collection_id, body.wanted))


def _remove_items(api: ApiContext, body: _Items) -> object:
    return _membership_json(api.services.collections.remove_items(body.collection_id, body.wanted))


def _membership_json(change: Membership) -> dict[str, Any]:
    """``missing`` is always there: the SDK looks at it without asking."""
    return {
        "items": [{"id": image_id, "entityId": image_id, "createdAt": moment} for image_id, moment in change.changed],
        "missing": [{"entityId": image_id} for image_id in change.missing],
    }


METHODS = (
    Method("entities-collections.list", _CollectionList, _list),
    Method("entities-collections.info", _Info, _info),
    Method("entities-collections.add", _Add, _add),
    Method("entities-collections.remove", ById, _remove),
    Method("entities-collections.items.bulk.add", _Items, _add_items),
    Method("entities-collections.items.bulk.remove", _Items, _remove_items),
)
