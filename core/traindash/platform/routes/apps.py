"""Apps of a team and their sessions. Every module of the ecosystem counts as added to every team, under its own id."""

from collections.abc import Sequence
from typing import Any

from traindash.domain.ids import ModuleId
from traindash.domain.task import TaskStatus
from traindash.platform.modules import Module
from traindash.platform.parts import Services
from traindash.platform.routes.ecosystem import matches, module_json
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.routes.tasks import tasks_json
from traindash.platform.store.listing import Listing, page_of
from traindash.platform.wire import Id

_RUNNING = (TaskStatus.QUEUED, TaskStatus.CONSUMED, TaskStatus.STARTED, TaskStatus.DEPLOYED)


class _AppList(Listing, kw_only=True):
    team_id: Id
    only_running: bool | None = False


class _SessionList(Listing, kw_only=True):
    team_id: Id
    app_id: Id


def _list(api: ApiContext, body: _AppList) -> object:
    api.services.accounts.team(body.team_id)
    modules: Sequence[Module] = api.services.modules.all()
    for entry in body.filter or ():
        modules = [module for module in modules if matches(module_json(module), entry)]
    if body.only_running:
        modules = [module for module in modules if _running(api.services, module)]
    return page_of([_app_json(api.services, module, body.team_id) for module in modules], body)


def _app_json(services: Services, module: Module, team_id: int) -> dict[str, Any]:
    user = services.accounts.user()
    return {
        **module_json(module),
        "moduleId": module.id,
        "teamId": team_id,
        "createdBy": user["id"],
        "userLogin": user["login"],
        "disabled": False,
        "isShared": False,
        "tasks": tasks_json(services, _running(services, module)),
    }


def _running(services: Services, module: Module) -> tuple[Any, ...]:
    return services.tasks.list_module(module.id, _RUNNING, Listing())[1]


def _sessions(api: ApiContext, body: _SessionList) -> object:
    api.services.accounts.team(body.team_id)
    module = api.services.modules.get(ModuleId(body.app_id))
    page, tasks = api.services.tasks.list_module(module.id, (), body)
    return page.answer(tasks_json(api.services, tasks))


METHODS: Sequence[Method[Any]] = (
    Method("apps.list", _AppList, _list),
    Method("apps.tasks.list", _SessionList, _sessions),
)
