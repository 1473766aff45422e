"""Object classes and tags of projects: as one meta, and one by one (docs/supervisely-api.md 3.5)."""

from collections.abc import Callable, Mapping, Sequence
from sqlite3 import Row
from typing import Annotated, Any

from msgspec import Meta, Raw

from traindash.domain.project import NameKind
from traindash.errors import InputError
from traindash.platform.routes.archive import kept_moments
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.store.listing import Listing
from traindash.platform.store.project_meta import classes_of
from traindash.platform.store.projects import parse_object
from traindash.platform.wire import (
    DOCUMENT,
    Body,
    ById,
    Id,
    Name,
    Text,
    Word,
    checked_name,
    row_json,
    shortened,
    spelled,
)

_ROW = spelled("id", "project_id", "name", "color", "created_at", "updated_at")
_MOST = 10_000  # tags in one request
# Names of geometries that the SDK reads; a meta with another one it cannot read at all.
_SHAPES = (
    *("any", "rectangle", "polygon", "multipolygon", "bitmap", "alpha_mask", "line", "point", "graph", "oriented_bbox"),
    *("cuboid", "cuboid_2d", "cuboid_3d", "mask_3d", "mesh", "closed_surface_mesh", "multichannelBitmap", "point_3d"),
    *("point_cloud", "polyline_3d"),
)
_CLASS_SETTINGS = "settings"  # key of a class in the meta: shapes that a class of any shape allows
# Key of a tag's ``settings`` → key of the same in a meta. Classes are ids in the one and names in the other.
_TAG_SETTINGS: Mapping[str, str] = {
    "type": "value_type",
    "values": "values",
    "applicableType": "applicable_type",
    "targetType": "target_type",
    "frameRangeMinLength": "frame_range_min_length",
    "frameRangeMaxLength": "frame_range_max_length",
    "isDefault": "default",
    "defaultValue": "default_value",
}


class _MetaUpdate(ById):
    meta: dict[str, Any]


class _OfProject(Listing, kw_only=True):
    project_id: Id


class _EditClass(Body, kw_only=True):
    id: Id
    name: Name | None = None
    description: Text | None = None
    hotkey: Word | None = None
    shape: Word | None = None
    color: Word | None = None
    settings: dict[str, Any] | None = None


class _TagFields(Body, kw_only=True):
    color: Word | None = None
    hotkey: Word | None = None
    settings: dict[str, Any] | None = None


class _NewTag(_TagFields, kw_only=True):
    title: Name


class _AddTags(Body):
    project_id: Id
    tags: Annotated[tuple[_NewTag, ...], Meta(min_length=1, max_length=_MOST)]


class _EditTag(_TagFields, kw_only=True):
    id: Id
    title: Name | None = None


class _OneOfProject(ById):
    project_id: Id


class _Project(Body):
    project_id: Id


def _update(api: ApiContext, body: _MetaUpdate) -> object:
    for part, key in (("classes", "title"), ("tags", "name")):
        items = body.meta.get(part)
        for item in items if isinstance(items, list) else ():  # anything else is refused with the whole meta
            if isinstance(item, dict) and isinstance(item.get(key), str):
                checked_name(item[key])
            if isinstance(item, dict) and isinstance(shape := item.get("shape"), str) and shape:
                _check_shape(shape)
    return Raw(api.services.project_metas.replace(body.id, body.meta).encode())


def _check_shape(shape: str) -> None:
    if shape not in _SHAPES:
        raise InputError(f"There is no shape {shortened(shape, 80)!r}.", f"Use one of: {', '.join(_SHAPES)}.")


def _class_json(row: Row) -> dict[str, Any]:
    entry = parse_object(row["json"])
    return row_json(row, _ROW) | {
        "description": row["description"],
        "shape": row["shape"],
        "hotkey": entry.get("hotkey", ""),
        "settings": entry.get(_CLASS_SETTINGS) or {},
    }


def _list_classes(api: ApiContext, body: _OfProject) -> object:
    page, rows = api.services.project_metas.classes(body, body.project_id)
    return page.answer([_class_json(row) for row in rows])


def _edit_class(api: ApiContext, body: _EditClass) -> object:
    if body.shape is not None:
        _check_shape(body.shape)
    given = {
        "title": None if body.name is None else checked_name(body.name),
        "description": body.description,
        "hotkey": body.hotkey,
        "shape": body.shape,
        "color": body.color,
        _CLASS_SETTINGS: body.settings,
    }
    changes = {key: value for key, value in given.items() if value is not None}
    return _class_json(api.services.project_metas.edit_class(body.id, changes))


def _tag_json(api: ApiContext, rows: Sequence[Row]) -> list[dict[str, Any]]:
    ids = {row["project_id"]: _class_ids(api, row["project_id"]) for row in rows}
    answers = []
    for row in rows:
        entry, known = parse_object(row["json"]), ids[row["project_id"]]
        settings = {key: entry[name] for key, name in _TAG_SETTINGS.items() if name in entry}
        settings["classes"] = [known[name] for name in classes_of(entry) if name in known]
        answers.append(row_json(row, _ROW) | {"hotkey": entry.get("hotkey", ""), "settings": settings})
    return answers


def _class_ids(api: ApiContext, project_id: int) -> dict[str, int]:
    meta = api.services.projects.meta_json(project_id)
    return {item["title"]: item["id"] for item in meta["classes"]}


def _list_tags(api: ApiContext, body: _OfProject) -> object:
    page, rows = api.services.project_metas.tags(body, body.project_id)
    return page.answer(_tag_json(api, rows))


def _add_tags(api: ApiContext, body: _AddTags) -> object:
    given = [_tag_fields(api, body.project_id, tag) | {"name": checked_name(tag.title)} for tag in body.tags]
    added = api.services.project_metas.add_tags(body.project_id, given)
    return [{**item, "title": item["name"]} for item in added]


def _edit_tag(api: ApiContext, body: _EditTag) -> object:
    row = api.services.project_metas.tag(body.id)
    changes = _tag_fields(api, row["project_id"], body)
    if body.title is not None:
        changes["name"] = checked_name(body.title)
    answer = _tag_json(api, [api.services.project_metas.edit_tag(body.id, changes)])[0]
    return answer | {"title": answer["name"]}


def _tag_fields(api: ApiContext, project_id: int, tag: _TagFields) -> dict[str, Any]:
    """Return what was sent of a tag as a meta says it.

    Raises:
        InputError: It names a class that the project does not have.
    """
    settings = tag.settings or {}
    fields = {name: settings[key] for key, name in _TAG_SETTINGS.items() if key in settings}
    fields |= {key: value for key, value in (("color", tag.color), ("hotkey", tag.hotkey)) if value is not None}
    wanted = settings.get("classes")
    if isinstance(wanted, list):
        names: dict[object, str] = {number: name for name, number in _class_ids(api, project_id).items()}
        for number in wanted:
            if not isinstance(number, int) or number not in names:
                msg = f"Project {project_id} has no object class {shortened(repr(number))}."
                raise InputError(msg, "Name classes by their ids.")
        fields["classes"] = [names[number] for number in wanted]
    return fields


def _remove(kind: NameKind) -> Callable[[ApiContext, _OneOfProject], object]:
    def remove(api: ApiContext, body: _OneOfProject) -> object:
        api.services.removed_names.remove(body.project_id, kind, body.id)
        return {"success": True}

    return remove


def _restore(kind: NameKind) -> Callable[[ApiContext, _OneOfProject], object]:
    return lambda api, body: api.services.removed_names.restore(body.project_id, kind, body.id)


def _removed(kind: NameKind) -> Callable[[ApiContext, _Project], object]:
    def listed(api: ApiContext, body: _Project) -> object:
        return [
            {
                "id": row["id"],
                "name": row["name"],
                "itemsCount": row["items_count"],
                "imagesCount": row["images_count"],
                **kept_moments(row["removed_at"]),
            }
            for row in api.services.removed_names.list(body.project_id, kind)
        ]

    return listed


METHODS: Sequence[Method[Any]] = (
    Method("projects.meta.update", _MetaUpdate, _update, bounds=DOCUMENT, heavy=True),
    Method("projects.classes.remove", _OneOfProject, _remove("class"), heavy=True),
    Method("projects.tags.remove", _OneOfProject, _remove("tag"), heavy=True),
    # Extensions of this server, for whoever removed the wrong one.
    Method("traindash.classes.restore", _OneOfProject, _restore("class"), heavy=True),
    Method("traindash.tags.restore", _OneOfProject, _restore("tag"), heavy=True),
    Method("traindash.classes.removed.list", _Project, _removed("class")),
    Method("traindash.tags.removed.list", _Project, _removed("tag")),
    Method("advanced.object_classes.list", _OfProject, _list_classes),
    Method(
        "advanced.object_classes.info",
        ById,
        lambda api, body: _class_json(api.services.project_metas.object_class(body.id)),
    ),
    Method("advanced.object_classes.editInfo", _EditClass, _edit_class, heavy=True),
    Method("tags.list", _OfProject, _list_tags),
    Method("tags.bulk.add", _AddTags, _add_tags, bounds=DOCUMENT),
    Method("advanced.tags.editInfo", _EditTag, _edit_tag, heavy=True),
)
