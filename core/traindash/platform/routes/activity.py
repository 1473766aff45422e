"""What happened in a team, and what apps and agents tell of their tasks: lines of logs, workflow, sessions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct
from starlette.responses import PlainTextResponse, Response

from traindash.domain.ids import ProjectId, TaskId
from traindash.errors import InputError, NotFoundError
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.store.listing import Listing
from traindash.platform.wire import DOCUMENT, Body, Id, Word, row_json, spelled
from traindash.training.runs.events import Level

_LINE_CHARACTERS = 10_000
_ACTIVITY = spelled(
    *("action", "date", "user_id", "project_id", "project", "dataset_id", "dataset", "image_id", "image"),
    *("task_id", "job_id"),
)


class _ActivityList(Listing, kw_only=True):
    team_id: Id


def _activity(api: ApiContext, body: _ActivityList) -> object:
    api.services.accounts.team(body.team_id)
    login = api.services.accounts.user()["login"]
    page, rows = api.services.activity.page(body, body.team_id)
    return page.answer([{**row_json(row, _ACTIVITY), "user": login, "meta": {}} for row in rows])


# What agents send (the SDK's `api.task.submit_logs`): rows as 6.2 of docs/supervisely-api.md, or their JSON as texts.


_Line: TypeAlias = Annotated[str, Meta(max_length=_LINE_CHARACTERS)]


class _Row(Struct):
    message: _Line = ""
    level: str = "info"
    task_id: Id | None = None


class _Logs(Body):
    logs: Annotated[
        tuple[dict[str, Any] | Annotated[str, Meta(max_length=_LINE_CHARACTERS)], ...], Meta(max_length=1000)
    ]


def _add_logs(api: ApiContext, body: _Logs) -> object:
    rows = [_row(item) for item in body.logs]
    tasks = {row.task_id: api.services.tasks.get(TaskId(row.task_id)) for row in rows if row.task_id is not None}
    writers = {number: api.services.events(task.id) for number, task in tasks.items()}
    for row in rows:
        if row.task_id is not None:  # an agent's own lines belong to no task
            writers[row.task_id].log(row.message, _LEVELS.get(row.level.lower(), "info"))
    return {"success": True}


_LEVELS: Mapping[str, Level] = {
    "trace": "debug",
    "debug": "debug",
    "info": "info",
    "warn": "warning",
    "warning": "warning",
    "error": "error",
    "fatal": "error",
    "critical": "error",
}


def _row(sent: dict[str, Any] | str) -> _Row:
    try:
        if isinstance(sent, str):
            return msgspec.json.decode(sent, type=_Row)
        return msgspec.convert(sent, _Row)
    except msgspec.MsgspecError as error:
        msg = "A line of a log is no JSON object with 'message', 'level' and 'task_id'."
        raise InputError(msg, "Send it as tasks.log.download answers it.") from error


# Workflow: what went into a task and what came out, as its app says it. Kept with the data of the task.


class _Node(Struct):
    type: Word
    id: Id


class _Edge(Body):
    team_id: Id
    node: _Node
    type: Word
    id: Id | Word | None = None
    meta: dict[str, Any] | None = None


def _edge(direction: Literal["input", "output"]) -> Callable[[ApiContext, _Edge], object]:
    def add(api: ApiContext, body: _Edge) -> object:
        if body.node.type != "task":
            raise InputError(f"A node of the type {body.node.type!r} is not kept.", "Name a task.")
        task = api.services.tasks.get(TaskId(body.node.id))
        if task.team_id != body.team_id:
            raise NotFoundError(f"There is no task {task.id} in this team.")
        if body.type == "project" and isinstance(body.id, int):
            api.services.projects.get(ProjectId(body.id))
        elif body.type == "dataset" and isinstance(body.id, int):
            api.services.projects.dataset_row(body.id)
        edge = {"type": body.type, "id": body.id, "meta": body.meta or {}}
        api.services.app_data.add_edge(task.id, direction, edge)
        return {"success": True}

    return add


# Of previews that an app renders: our apps have one session a task, and the newest is asked.


class _Slug(Body):
    slug: Word


def _session_token(api: ApiContext, body: _Slug) -> Response:
    module = api.services.modules.by_slug(body.slug)
    newest = Listing(sort="id", sort_order="desc", per_page=1)
    _, tasks = api.services.tasks.list_module(module.id, (), newest)
    if not tasks:
        raise NotFoundError(f"The app {module.name!r} has no session.", "Start it first.")
    return PlainTextResponse(tasks[0].session_token)


METHODS: Sequence[Method[Any]] = (
    Method("teams.activity", _ActivityList, _activity, heavy=True),
    Method("tasks.logs.add", _Logs, _add_logs, bounds=DOCUMENT, heavy=True),
    Method("workflow.node.add-input", _Edge, _edge("input"), heavy=True),
    Method("workflow.node.add-output", _Edge, _edge("output"), heavy=True),
    Method("instance.get-render-previews-session-token", _Slug, _session_token),
)
