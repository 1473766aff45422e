"""Apps of a team and their sessions. Every module of the ecosystem counts as added to every team, under its own id."""

from collections.abc import Sequence
from typing import Any

from core.domain.ids import ModuleId
from core.domain.task import TaskStatus
from core.local_platform.modules import Module
from core.local_platform.parts import Services
from core.local_platform.routes.ecosystem import matches, module_json
from core.local_platform.routes.endpoint import ApiContext, Method
from core.local_platform.routes.lists import Id, ListBody, page_json, page_of
from core.local_platform.routes.tasks import tasks_json
from core.local_platform.store.listing import Listing

_RUNNING = (TaskStatus.QUEUED, TaskStatus.CONSUMED, TaskStatus.STARTED, TaskStatus.DEPLOYED)


class _AppList(ListBody):
    team_id: Id
    only_running: bool | None = False


class _SessionList(ListBody):
    team_id: Id
    app_id: Id


def _list(site: ApiContext, body: _AppList) -> object:
    site.parts.accounts.team(body.team_id)
    modules: Sequence[Module] = site.parts.modules.all()
    for entry in body.filter or ():
        modules = [module for module in modules if matches(module_json(module), entry)]
    if body.only_running:
        modules = [module for module in modules if _running(site.parts, module)]
    return page_of(modules, body, lambda module: _app_json(site.parts, module, body.team_id))


def _app_json(parts: Services, module: Module, team_id: int) -> dict[str, Any]:
    user = parts.accounts.user()
    return {
        **module_json(module),
        "moduleId": module.id,
        "teamId": team_id,
        "createdBy": user["id"],
        "userLogin": user["login"],
        "disabled": False,
        "isShared": False,
        "tasks": tasks_json(parts, _running(parts, module)),
    }


def _running(parts: Services, module: Module) -> tuple[Any, ...]:
    return parts.tasks.list_module(module.id, _RUNNING, Listing())[1]


def _sessions(site: ApiContext, body: _SessionList) -> object:
    site.parts.accounts.team(body.team_id)
    module = site.parts.modules.get(ModuleId(body.app_id))
    page, tasks = site.parts.tasks.list_module(module.id, (), body.listing())
    return page_json(page, tasks_json(site.parts, tasks))


METHODS: Sequence[Method[Any]] = (
    Method("apps.list", _AppList, _list),
    Method("apps.tasks.list", _SessionList, _sessions),
)
