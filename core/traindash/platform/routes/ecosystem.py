"""The ecosystem: apps, their files, the list of models."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from starlette.responses import Response

from traindash.domain.ecosystem import ANY_SHAPE, KNOWS_ITS_KEYS, STARTS_FROM_EXPORTS
from traindash.domain.ids import ModuleId
from traindash.domain.task import TaskStatus
from traindash.errors import InputError, NotFoundError
from traindash.frameworks.spec import Framework, FrameworkModel
from traindash.platform.modules import Module
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.routes.images import page_of_blocks
from traindash.platform.routes.tasks import tasks_json
from traindash.platform.services import Services
from traindash.platform.store.listing import Condition, Listing, page_of
from traindash.platform.wire import Body, ById, Id, Names, Word, shortened

VERSION = "v1.0.0"  # of every app: they come with this program and have no releases of their own


class _ModuleList(Listing):
    categories: Names | None = None
    categories_operation: Literal["and", "or"] = "or"
    search: Word | None = None


class _ModuleInfo(Body):
    id: Id | None = None
    slug: Word | None = None


class _FileDownload(Body):
    module_id: Id | None = None
    app_id: Id | None = None
    file_key: Word | None = None
    file_path: Word | None = None


def _module_json(module: Module) -> dict[str, Any]:
    """Return an app."""
    return {
        "id": module.id,
        "slug": module.slug,
        "name": module.name,
        "type": "app",
        "config": {
            "name": module.name,
            "type": "app",
            "categories": list(module.categories),
            "files": dict(module.files),
            "needGPU": False,
            "headless": False,
            # What our training apps take beyond Supervisely's (docs/supervisely-api.md 9).
            **({} if module.framework is None else _of_framework(module, module.framework)),
            # What it is started on, as the SDK's ``module_info.get_arguments`` asks.
            "context_menu": {"target": ["images_project", "ecosystem"] if module.purpose == "train" else ["ecosystem"]},
            "slyModuleInfo": {"baseSlug": module.slug},
        },
        "readme": "",
        "repositoryModuleUrl": None,
        "repo": module.slug,
        "pathInRepo": "",
        "meta": {"releases": [{"version": VERSION, "name": VERSION}]},
        "createdAt": module.created_at,
        "updatedAt": module.created_at,
    }


def _of_framework(module: Module, framework: Framework) -> dict[str, Any]:
    abilities = [ANY_SHAPE, STARTS_FROM_EXPORTS, *([KNOWS_ITS_KEYS] if module.knows_keys else [])]
    return {
        **({"abilities": abilities} if module.purpose == "train" else {"session_tags": ["deployed_nn"]}),
        "framework": {"name": framework.name, "export": list(framework.exports)},
        "license": {"type": framework.licence},
        **({} if module.missing is None else {"missing": msgspec.to_builtins(module.missing)}),
    }


def _model_row(services: Services, framework: Framework, model: FrameworkModel) -> dict[str, Any]:
    """Return a row of ``models.json`` in the form of the ecosystem's training apps, with two keys of ours in ``meta``.

    ``pretrained`` says whether training can start from published weights: true or false where that is certain, null
    where the download has yet to be tried.
    """
    files = {} if model.weights_url is None else {"checkpoint": model.weights_url}
    return {
        framework.columns.name: model.name,
        **model.columns,
        "meta": {
            "model_name": model.name,
            "task_type": model.task_type,
            "model_files": files,
            "pretrained": _pretrained(services, model),
            "note": model.note,
        },
    }


def _pretrained(services: Services, model: FrameworkModel) -> bool | None:
    if model.weights_file is None:
        return False  # nobody has published any
    # Weights that were fetched once are kept, so they are there without a network too.
    if (services.layout.weights / model.weights_file).is_file():
        return True
    return False if services.offline else None  # None: only trying to fetch them will tell


def _list(api: ApiContext, body: _ModuleList) -> object:
    modules = [module for module in api.services.modules.all() if _in_categories(module, body)]
    if body.search:
        modules = [module for module in modules if body.search.casefold() in module.name.casefold()]
    for entry in body.filter or ():
        modules = [module for module in modules if _matches(_module_json(module), entry)]
    return page_of([_module_json(module) for module in modules], body)


def _in_categories(module: Module, body: _ModuleList) -> bool:
    if not body.categories:
        return True
    found = [category in module.categories for category in body.categories]
    return all(found) if body.categories_operation == "and" else any(found)


def _matches(values: Mapping[str, Any], entry: Condition) -> bool:
    """Return whether an app fits one entry of a filter.

    Raises:
        InputError: The field or operator is not possible.
    """
    if entry.field not in {"id", "slug", "name", "type", "moduleId"}:
        raise InputError(
            f"The filter field {shortened(entry.field)!r} does not exist.", "Use one of: id, slug, name, type."
        )
    value = values["id" if entry.field == "moduleId" else entry.field]
    wanted = entry.value if isinstance(entry.value, list) else [entry.value]
    match entry.operator:
        case "=" | "eq" | "in":
            return value in wanted
        case "!=" | "not" | "!in":
            return value not in wanted
        case _:
            raise InputError(
                f"The filter operator {shortened(entry.operator)!r} cannot be used here.", "Use =, !=, in or !in."
            )


def _info(api: ApiContext, body: _ModuleInfo) -> object:
    if body.id is not None:
        return _module_json(api.services.modules.get(ModuleId(body.id)))
    if body.slug is not None:
        return _module_json(api.services.modules.by_slug(body.slug))
    raise InputError("Neither 'id' nor 'slug' is given.", "Name the app.")


def _file(api: ApiContext, body: _FileDownload) -> object:
    wanted = body.module_id if body.module_id is not None else body.app_id
    if wanted is None:
        raise InputError("'moduleId' is missing.", "Name the app.")
    module = api.services.modules.get(ModuleId(wanted))
    key = _file_key(module, body)
    if module.framework is None or key is None:
        msg = f"The app {module.name!r} has no file {body.file_key or body.file_path!r}."
        raise NotFoundError(msg, f"It has: {', '.join(module.files) or 'no files'}.")
    return Response(_content(api.services, module.framework, key), media_type="application/octet-stream")


def _file_key(module: Module, body: _FileDownload) -> str | None:
    if body.file_key is not None:
        # Clients ask for this file under either name.
        key = "hyperparams" if body.file_key == "hyperparameters" else body.file_key
        return key if key in module.files else None
    return next((key for key, path in module.files.items() if path == body.file_path), None)


def _content(services: Services, framework: Framework, key: str) -> bytes:
    if key == "models":
        rows = [_model_row(services, framework, model) for model in framework.models]
        return msgspec.json.format(msgspec.json.encode(rows), indent=2)
    # Defaults fit the machine: on a CPU, sizes and epochs of a GPU would take days.
    return framework.hyperparameters("gpu" if services.agents.kind == "gpu" else "cpu").encode()


def _models(api: ApiContext, body: Listing) -> object:
    modules = api.services.modules.all()
    trained = [(module, module.framework) for module in modules if module.purpose == "train" and module.framework]
    served = {module.framework.name: module.id for module in modules if module.purpose == "serve" and module.framework}
    pairs = [(module, framework, model) for module, framework in trained for model in framework.models]
    answers = [
        {**_model_json(api.services, number, module, framework, model), "serveModuleId": served.get(framework.name)}
        for number, (module, framework, model) in enumerate(pairs, start=1)
    ]
    return page_of(answers, body)


def _model_json(
    services: Services, number: int, module: Module, framework: Framework, model: FrameworkModel
) -> dict[str, Any]:
    # The columns of models.json are each framework's own: "Size (pixels)", "params(M)", …; the list has fixed ones.
    columns, said = model.columns, framework.columns
    score = columns.get(said.score or "")
    return {
        "id": number,  # models have no rows of their own: their place in the list
        "name": model.name,
        "framework": framework.name,
        "task": model.task_type,
        "modality": "images",
        "trainModuleId": module.id,
        "architecture": model.config,
        "pretrained": _pretrained(services, model),
        "numClasses": None,
        "size": columns.get(said.size or ""),
        "paramsM": columns.get(said.parameters or ""),
        "GFLOPs": columns.get(said.flops or ""),
        "tags": [],
        "runtimes": ["PyTorch"],
        "files": [] if model.weights_url is None else [{"name": model.weights_file, "url": model.weights_url}],
        "speedTests": [],
        "evaluation": {"metrics": {} if score is None else {"mAP": score}},
    }


# Apps of a team and their sessions. Every module of the ecosystem counts as added to every team, under its own id.

_RUNNING = (TaskStatus.QUEUED, TaskStatus.CONSUMED, TaskStatus.STARTED, TaskStatus.DEPLOYED)


class _AppList(Listing, kw_only=True):
    team_id: Id
    only_running: bool | None = False


class _SessionList(Listing, kw_only=True):
    team_id: Id
    app_id: Id


def _list_apps(api: ApiContext, body: _AppList) -> object:
    api.services.accounts.team(body.team_id)
    modules: Sequence[Module] = api.services.modules.all()
    for entry in body.filter or ():
        modules = [module for module in modules if _matches(_module_json(module), entry)]
    if body.only_running:
        modules = [module for module in modules if _running(api.services, module)]
    return page_of([_app_json(api.services, module, body.team_id) for module in modules], body)


def _app(api: ApiContext, body: ById) -> object:
    module = api.services.modules.get(ModuleId(body.id))
    return _app_json(api.services, module, api.services.accounts.home().team_id)


def _app_json(services: Services, module: Module, team_id: int) -> dict[str, Any]:
    user = services.accounts.user()
    return {
        **_module_json(module),  # on Supervisely, a team adds a module and gets an app with another id
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
    return page_of_blocks(page, tasks, lambda some: tasks_json(api.services, some))


METHODS = (
    Method("ecosystem.list", _ModuleList, _list),
    Method("ecosystem.info", _ModuleInfo, _info),
    Method("ecosystem.file.download", _FileDownload, _file),
    Method("ecosystem.models.list", Listing, _models),
    Method("apps.list", _AppList, _list_apps),
    Method("apps.info", ById, _app),
    Method("apps.tasks.list", _SessionList, _sessions, heavy=True),
)
