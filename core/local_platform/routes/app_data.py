"""What apps keep with their task: widget data, template folder (contract section 3.3)."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from core.domain.ids import TaskId
from core.local_platform.routes.endpoint import ApiContext, Body, Method
from core.local_platform.routes.lists import Id
from core.local_platform.store.app_data import FieldChange, PatchStep


class _Get(Body):
    task_id: Id
    fields: list[str]


class _Change(BaseModel):
    model_config = ConfigDict(extra="ignore")

    field: Annotated[str, Field(min_length=1, max_length=1000)]
    payload: Any
    append: bool = False
    recursive: bool = False


class _Set(Body):
    task_id: Id
    fields: list[_Change]


class _Step(BaseModel):
    model_config = ConfigDict(extra="ignore")

    op: str
    path: Annotated[str, Field(max_length=10_000)]
    value: Any = None


class _Payload(BaseModel):
    model_config = ConfigDict(extra="ignore")

    data: list[_Step] = Field(default_factory=list)
    state: dict[str, Any] = Field(default_factory=dict)


class _AppData(Body):
    task_id: Id
    payload: _Payload


class _Meta(Body):
    id: Id
    template_root_directory: Annotated[str, Field(max_length=10_000)] | None = None


def _get(site: ApiContext, body: _Get) -> object:
    task = site.parts.tasks.get(TaskId(body.task_id))
    return {"result": site.parts.app_data.fields(task.id, body.fields)}


def _set(site: ApiContext, body: _Set) -> object:
    task = site.parts.tasks.get(TaskId(body.task_id))
    changes = [
        FieldChange(field=item.field, payload=item.payload, append=item.append, recursive=item.recursive)
        for item in body.fields
    ]
    site.parts.app_data.set_fields(task.id, changes)
    return {"success": True}


def _set_app_data(site: ApiContext, body: _AppData) -> object:
    task = site.parts.tasks.get(TaskId(body.task_id))
    steps = [PatchStep(op=step.op, path=step.path, value=step.value) for step in body.payload.data]
    site.parts.app_data.patch(task.id, steps, body.payload.state)
    return {"success": True}


def _set_meta(site: ApiContext, body: _Meta) -> object:
    task = site.parts.tasks.get(TaskId(body.id))
    if body.template_root_directory is not None:
        change = FieldChange(field="templateRootDirectory", payload=body.template_root_directory)
        site.parts.app_data.set_fields(task.id, [change])
    return {"success": True}


METHODS: Sequence[Method[Any]] = (
    Method("tasks.data.get", _Get, _get),
    Method("tasks.data.set", _Set, _set),
    Method("tasks.app-v2.data.set", _AppData, _set_app_data),
    Method("tasks.meta.update", _Meta, _set_meta),
)
