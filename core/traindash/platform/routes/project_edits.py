"""Makes and edits projects and datasets: the writing half of their methods (docs/supervisely-api.md 3.5)."""

from collections.abc import Mapping, Sequence
from typing import Any

from traindash.errors import InputError
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.routes.projects import dataset_json, project_json
from traindash.platform.store.project_clone import CloneParts
from traindash.platform.store.projects import dump
from traindash.platform.wire import DOCUMENT, Body, Id, Name, Text, Word, checked_folder

_KIND = "images"


class _Edits(Body, kw_only=True):
    description: Text | None = None
    custom_data: dict[str, Any] | None = None


class _ProjectTexts(_Edits, kw_only=True):
    readme: Text | None = None
    settings: dict[str, Any] | None = None


class _AddProject(_ProjectTexts, kw_only=True):
    workspace_id: Id
    name: Name
    type: Word = _KIND


class _EditProject(_ProjectTexts, kw_only=True):
    id: Id
    name: Name | None = None
    type: Word | None = None
    silent: bool | None = False


class _Include(Body):
    classes: bool = True
    project_tags: bool = True
    datasets: bool = True
    images: bool = True
    images_tags: bool = True
    annotation_objects: bool = True
    annotation_objects_tags: bool = True
    figures: bool = True
    figures_tags: bool = True


class _CloneProject(Body):
    workspace_id: Id
    name: Name
    id: Id | None = None
    include: _Include | None = None


class _Settings(Body):
    id: Id
    settings: dict[str, Any]


class _MoveProject(Body):
    id: Id
    workspace_id: Id


class _AddDataset(_Edits, kw_only=True):
    project_id: Id
    name: Name
    parent_id: Id | None = None


class _EditDataset(_Edits, kw_only=True):
    id: Id
    name: Name | None = None


class _Favorite(Body):
    id: Id
    is_favorite: bool


class _MoveDataset(Body):
    src_id: Id
    dest_id: Id | None = None


def _columns(body: _Edits) -> dict[str, str]:
    """Return what was sent as columns of the database."""
    texts = {name: getattr(body, name, None) for name in ("description", "readme")}
    objects = {name: getattr(body, name, None) for name in ("custom_data", "settings")}
    columns = {name: text for name, text in texts.items() if text is not None}
    return columns | {name: dump(value) for name, value in objects.items() if value is not None}


def _named(columns: Mapping[str, str], name: str | None) -> dict[str, str]:
    return dict(columns) if name is None else {**columns, "name": checked_folder(name)}


def _check_kind(kind: str | None) -> None:
    if kind not in {None, _KIND}:
        raise InputError(f"This server keeps projects of images, not of {kind!r}.", "Leave 'type' out.")


def _add(api: ApiContext, body: _AddProject) -> object:
    _check_kind(body.type)
    row = api.services.project_edits.add(body.workspace_id, checked_folder(body.name), _columns(body))
    return project_json(api.services, row)


def _edit(api: ApiContext, body: _EditProject) -> object:
    _check_kind(body.type)
    row = api.services.project_edits.edit(body.id, _named(_columns(body), body.name), silent=bool(body.silent))
    return project_json(api.services, row)


def _clone(api: ApiContext, body: _CloneProject) -> object:
    if body.id is None:  # a shared link, or a path into Supervisely's collection of public projects
        raise InputError("This server clones only projects of its own.", "Send the id of one.")
    wanted = body.include or _Include()
    parts = CloneParts(
        classes=wanted.classes,
        tags=wanted.project_tags,
        datasets=wanted.datasets,
        images=wanted.images and wanted.datasets,
        image_tags=wanted.images_tags and wanted.project_tags,
        # An object of an image is its one figure.
        objects=wanted.annotation_objects and wanted.figures and wanted.classes,
        object_tags=wanted.annotation_objects_tags and wanted.figures_tags and wanted.project_tags,
    )
    clones, name = api.services.project_clones, checked_folder(body.name)
    return {"taskId": clones.run(body.id, body.workspace_id, name, parts)}


def _move(api: ApiContext, body: _MoveProject) -> object:
    return project_json(api.services, api.services.project_edits.move(body.id, body.workspace_id))


def _merge_settings(api: ApiContext, body: _Settings) -> object:
    # Unlike editInfo, which replaces them: keys that are not named stay.
    return project_json(api.services, api.services.project_edits.merge_settings(body.id, body.settings))


def _add_dataset(api: ApiContext, body: _AddDataset) -> object:
    edits, name = api.services.project_edits, checked_folder(body.name)
    row = edits.add_dataset(body.project_id, name, body.parent_id, _columns(body))
    return dataset_json(api.services, row, with_custom_data=True)


def _edit_dataset(api: ApiContext, body: _EditDataset) -> object:
    row = api.services.project_edits.edit_dataset(body.id, _named(_columns(body), body.name))
    return dataset_json(api.services, row, with_custom_data=True)


def _pin_dataset(api: ApiContext, body: _Favorite) -> object:
    row = api.services.project_edits.pin_dataset(body.id, pinned=body.is_favorite)
    return dataset_json(api.services, row, with_custom_data=True)


def _move_dataset(api: ApiContext, body: _MoveDataset) -> object:
    row = api.services.project_edits.move_dataset(body.src_id, body.dest_id)
    return dataset_json(api.services, row, with_custom_data=True)


METHODS: Sequence[Method[Any]] = (
    Method("projects.add", _AddProject, _add, bounds=DOCUMENT, heavy=True),
    Method("projects.editInfo", _EditProject, _edit, bounds=DOCUMENT, heavy=True),
    Method("projects.clone", _CloneProject, _clone, heavy=True),
    Method("projects.settings.update", _Settings, _merge_settings),
    Method("projects.workspace.set", _MoveProject, _move),
    Method("datasets.add", _AddDataset, _add_dataset, bounds=DOCUMENT, heavy=True),
    Method("datasets.editInfo", _EditDataset, _edit_dataset, bounds=DOCUMENT, heavy=True),
    Method("datasets.favorite-change", _Favorite, _pin_dataset),
    Method("datasets.move", _MoveDataset, _move_dataset),
)
