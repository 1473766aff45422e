"""What apps keep with their task: widget data, template folder (docs/supervisely-api.md 3.3)."""

from typing import Annotated, Any

from msgspec import Meta, Struct, field

from traindash.domain.ids import TaskId
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.store.app_data import FieldChange, PatchStep
from traindash.platform.wire import Body, ById, Id, Names


class _Get(Body):
    task_id: Id
    fields: Names


class _Set(Body):
    task_id: Id
    fields: Annotated[tuple[FieldChange, ...], Meta(max_length=10_000)]


class _Payload(Struct):
    data: Annotated[tuple[PatchStep, ...], Meta(max_length=10_000)] = ()
    state: dict[str, Any] = field(default_factory=dict)


class _AppData(Body):
    task_id: Id
    payload: _Payload


class _Meta(ById):
    template_root_directory: Annotated[str, Meta(max_length=10_000)] | None = None


def _get(api: ApiContext, body: _Get) -> object:
    task = api.services.tasks.get(TaskId(body.task_id))
    return {"result": api.services.app_data.fields(task.id, body.fields)}


def _set(api: ApiContext, body: _Set) -> object:
    task = api.services.tasks.get(TaskId(body.task_id))
    api.services.app_data.set_fields(task.id, body.fields)
    return {"success": True}


def _set_app_data(api: ApiContext, body: _AppData) -> object:
    task = api.services.tasks.get(TaskId(body.task_id))
    api.services.app_data.patch(task.id, body.payload.data, body.payload.state)
    return {"success": True}


def _set_meta(api: ApiContext, body: _Meta) -> object:
    task = api.services.tasks.get(TaskId(body.id))
    if body.template_root_directory is not None:
        change = FieldChange(field="templateRootDirectory", payload=body.template_root_directory)
        api.services.app_data.set_fields(task.id, [change])
    return {"success": True}


METHODS = (
    Method("tasks.data.get", _Get, _get),
    Method("tasks.data.set", _Set, _set),
    Method("tasks.app-v2.data.set", _AppData, _set_app_data),
    Method("tasks.meta.update", _Meta, _set_meta),
)
