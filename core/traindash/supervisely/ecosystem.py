"""The ecosystem: training apps, their models and default hyperparameters (docs/supervisely-api.md 9)."""

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from msgspec import field

from traindash.domain.ecosystem import (
    ANY_SHAPE,
    EVERY_EXPORT,
    EVERY_SPLIT,
    KNOWS_ITS_KEYS,
    STARTS_FROM_EXPORTS,
    AppModule,
    AppOptions,
    CatalogueModel,
    ExportFormat,
)
from traindash.domain.ids import ModuleId
from traindash.domain.plan import SplitMethod
from traindash.language import gettext as _
from traindash.supervisely.errors import ContractError, MissingError, RejectedError
from traindash.supervisely.resources import (
    JsonRow,
    PageShape,
    Resource,
    Shape,
    Unvalidated,
    free_object,
    pages,
    read,
    read_rows,
)

COMPARE_SLUG = "supervisely-ecosystem/model-benchmark/compare_models"  # slug of the app that compares models

# Keys of files in the configuration of a training app; apps differ in the one for hyperparameters.
_MODELS_KEY = "models"
_HYPERPARAMETER_KEYS = ("hyperparameters", "hyperparams")
_OPTIONS_FILE = "app_options.yaml"
# title of a way to split, as app_options.yaml spells it → its word in a state (``SplitMethod`` of the official SDK)
_SPLIT_OPTIONS = ("train_val_split_methods", "train_val_splits_methods")  # older apps say it at the top
_SPLIT_TITLES: Mapping[str, SplitMethod] = {
    **{word: word for word in EVERY_SPLIT},
    "based on tags": "tags",
    "based on item tags": "tags",
    "based on datasets": "datasets",
    "based on collections": "collections",
}


class Ecosystem(Resource):
    """Apps that the server can run."""

    def modules(self, categories: Sequence[str]) -> tuple[AppModule, ...]:
        """Return the apps that are in all of these categories."""
        return self._list({"categories": list(categories), "categoriesOperation": "and"})

    def module_by_slug(self, slug: str) -> AppModule:
        """Return the app with a slug.

        Raises:
            MissingError: The server has none.
        """
        found = self._list({"filter": [{"field": "slug", "operator": "=", "value": slug}]})
        if not found:
            msg = _("The server has no app {slug}.").format(slug=slug)
            raise MissingError(msg, _("Ask the admin of the server to install it."), method="ecosystem.list")
        return found[0]

    def train_module(self, framework: str) -> AppModule:
        """Return the app that trains a framework's models; with several, the first, as the official SDK does.

        Raises:
            MissingError: The server has none.
        """
        found = self.modules(("train", f"framework:{framework}"))
        if not found:
            msg = _("The server has no app that trains {framework} models.").format(framework=framework)
            raise MissingError(msg, _("Choose a model of another framework."), method="ecosystem.list")
        return found[0]

    def models(self, framework: str | None = None) -> tuple[CatalogueModel, ...]:
        """Return the models of a framework (``None``: of all frameworks), in the framework's own order.

        The framework's own table (``models.json`` of its training app) comes first, since it has the columns that its
        authors chose; where an app has none, the server's model list stands in.
        """
        modules = self.modules(("train",) if framework is None else ("train", f"framework:{framework}"))
        # Of several apps for a framework the first one counts, as for the SDK.
        first = {module.framework: module for module in reversed(modules)}
        order = dict.fromkeys(module.framework for module in modules)
        return tuple(model for name in order for model in self.models_of(first[name]))

    def models_of(self, module: AppModule) -> tuple[CatalogueModel, ...]:
        """Return the models that a training app offers, as :meth:`models`; none if it is no training app."""
        framework = module.framework
        if framework is None:
            return ()
        # An app may name a table and not have it, or have an empty one.
        return self._own_table(framework, module) or self._server_list(framework)

    def options(self, module: AppModule, models: Sequence[CatalogueModel]) -> AppOptions:
        """Return what a training app takes of a plan; ``models`` are all of its own.

        Supervisely's apps name no file of options in their configuration; it lies beside the hyperparameters.
        """
        if ANY_SHAPE in module.abilities:  # one of ours: it has no panel to be fitted into
            return AppOptions(
                exports=EVERY_EXPORT if module.exports is None else module.exports,
                takes_exports=STARTS_FROM_EXPORTS in module.abilities,
                refuses_unknown_keys=KNOWS_ITS_KEYS in module.abilities,
                needs_gpu=module.needs_gpu,
                licence=module.licence,
                missing=module.missing,
            )
        said = self._app_options(module)
        return AppOptions(
            task_types=frozenset(model.task_type for model in models),
            exports=_exports(said, module),
            split_methods=_split_methods(said),
            has_benchmark=said.get("model_benchmark", True) is not False,
            takes_checkpoints=_part(said, "model_selector").get("show_custom", True) is not False,
            takes_exports=False,  # TrainGUI looks for a start among the checkpoints only
            wants_tags=_part(said, "tags_selector").get("enabled", False) is True,
            needs_gpu=module.needs_gpu,
            licence=module.licence,
        )

    def _app_options(self, module: AppModule) -> JsonRow:
        """Return the content of an app's ``app_options.yaml``; nothing where the server does not give it."""
        key = next((key for key in _HYPERPARAMETER_KEYS if key in module.files), None)
        if key is None:
            return {}
        path = str(PurePosixPath(module.files[key]).with_name(_OPTIONS_FILE))
        body = {"moduleId": module.id, "filePath": path}
        try:
            text = self.transport.read_bytes("ecosystem.file.download", body).decode("utf-8")
        except (MissingError, RejectedError, UnicodeDecodeError):
            return {}
        # Only a launch on a server of somebody else's comes here; all others start sooner without YAML.
        import yaml  # noqa: PLC0415

        try:
            return free_object(yaml.safe_load(text)) or {}
        except yaml.YAMLError:
            return {}

    def default_hyperparameters(self, framework: str) -> str | None:
        """Return the YAML text that a framework's training app starts from, ``None`` if the app offers none."""
        module = self.train_module(framework)
        key = next((key for key in _HYPERPARAMETER_KEYS if key in module.files), None)
        if key is None:
            return None
        try:  # the configuration may name a file that the release of the app does not have
            return self.file(module.id, key).decode("utf-8")
        except (MissingError, RejectedError):
            return None

    def file(self, module_id: ModuleId, key: str) -> bytes:
        """Return a file of an app's repository, named by its key in the app's configuration."""
        return self.transport.read_bytes("ecosystem.file.download", {"moduleId": module_id, "fileKey": key})

    def _list(self, body: dict[str, object]) -> tuple[AppModule, ...]:
        request = {**body, "sort": "id", "sort_order": "asc"}
        # One page is enough: an instance has dozens of apps of a category, and pages have 500 rows.
        page = self._fetch("ecosystem.list", PageShape, request)
        return read_rows("ecosystem.list", AppModule, page.entities, _fit_module)

    def _own_table(self, framework: str, module: AppModule) -> tuple[CatalogueModel, ...]:
        if _MODELS_KEY not in module.files:
            return ()
        method = "ecosystem.file.download"
        try:
            content = self.file(module.id, _MODELS_KEY)
        except (MissingError, RejectedError):
            return ()
        try:
            rows = read(method, tuple[dict[str, Any], ...], json.loads(content))
        except ValueError as error:
            msg = _("The model table of {name} is not JSON.").format(name=module.name)
            raise ContractError(msg, method=method, field="body") from error
        models = (_model_of_file(framework, row) for row in rows)
        return tuple(model for model in models if model is not None)

    def _server_list(self, framework: str) -> tuple[CatalogueModel, ...]:
        method = "ecosystem.models.list"
        models = (read(method, _Model, row).model() for row in self._all_models())
        return tuple(model for model in models if model.framework == framework)

    def _all_models(self) -> tuple[Any, ...]:
        """Walk the one list that wants GET with a form (docs/supervisely-api.md 3.3)."""
        method = "ecosystem.models.list"
        form = {"localModels": "False", "sort": "id", "sort_order": "asc"}

        def ask(which: Mapping[str, int]) -> PageShape:
            wanted = {**form, **{key: str(value) for key, value in which.items()}}
            return read(method, PageShape, self.transport.get(method, form=wanted))

        walk = pages(ask)
        try:
            first = next(walk)
        except (MissingError, RejectedError):
            return ()
        return (*first.entities, *(row for page in walk for row in page.entities))


def _fit_module(row: JsonRow) -> JsonRow:
    """Lift what an app says of itself out of its ``config`` (docs/supervisely-api.md 3.4)."""
    config = free_object(row.get("config")) or {}
    files = free_object(config.get("files")) or {}
    exports, abilities = (free_object(config.get("framework")) or {}).get("export"), config.get("abilities")
    missing, licence = (free_object(config.get(key)) or {} for key in ("missing", "license"))
    return {
        **row,
        "name": row.get("name") or config.get("name") or f"Module {row.get('id')}",
        "categories": config.get("categories"),
        "files": {key: path for key, path in files.items() if isinstance(path, str)},
        "exports": _known_exports(exports) if isinstance(exports, list) else None,
        "needsGpu": _needs_gpu(config),
        "abilities": [word for word in abilities if isinstance(word, str)] if isinstance(abilities, list) else [],
        "licence": name if isinstance(name := licence.get("type"), str) else "",
        "missing": missing if all(isinstance(missing.get(key), str) for key in ("message", "hint")) else None,
    }


def _known_exports(names: Sequence[object]) -> list[ExportFormat]:
    return [name for name in EVERY_EXPORT if name.casefold() in {str(other).casefold() for other in names}]


def _needs_gpu(config: JsonRow) -> bool | None:
    """Read both words that configurations have for it; the newer one is ``gpu``."""
    if isinstance(word := config.get("gpu"), str):
        return word == "required"
    flag = config.get("need_gpu", config.get("needGPU"))
    return flag if isinstance(flag, bool) else None


def _part(options: JsonRow, name: str) -> JsonRow:
    return free_object(options.get(name)) or {}


def _exports(options: JsonRow, module: AppModule) -> frozenset[ExportFormat]:
    """Return the formats that an app's panel has switches for; what the configuration says where it has no options."""
    if not options:
        return EVERY_EXPORT if module.exports is None else module.exports
    keys: Mapping[ExportFormat, str] = {"ONNX": "export_onnx_supported", "TensorRT": "export_tensorrt_supported"}
    return frozenset(name for name, key in keys.items() if options.get(key) is True)


def _split_methods(options: JsonRow) -> frozenset[SplitMethod]:
    lists = (*(options.get(key) for key in _SPLIT_OPTIONS), _part(options, "train_val_splits_selector").get("methods"))
    said = next((found for found in lists if found), None)
    titles = [str(title).casefold() for title in said] if isinstance(said, list) else []
    # An app that lists none offers all of them, as the SDK takes an empty list.
    return frozenset(_SPLIT_TITLES[title] for title in titles if title in _SPLIT_TITLES) or EVERY_SPLIT


class _ModelMeta(Shape, rename=None):
    # Keys of models.json are in snake_case.
    model_name: str | None = None
    task_type: str | None = None
    pretrained: bool | None = None
    note: str | None = None


class _ModelRow(Shape, rename=None):
    model_name: str | None = None
    model: str | None = field(name="Model", default=None)
    meta: _ModelMeta | None = None


def _model_of_file(framework: str, row: Mapping[str, Any]) -> CatalogueModel | None:
    """Read a row of a framework's ``models.json``; ``None`` for a row that names no model.

    The name may be in ``model_name``, ``meta.model_name`` or ``Model``. All other plain columns are kept as they are.
    """
    # Written by the authors of each app, so hardly anything in it can be relied on.
    shape = read("ecosystem.file.download", _ModelRow, row)
    meta = shape.meta or _ModelMeta()
    name = shape.model_name or meta.model_name or shape.model
    if not name:
        return None
    return CatalogueModel(
        framework=framework,
        name=name,
        task_type=meta.task_type or str(row.get("task_type") or "object detection"),
        columns=_columns({key: value for key, value in row.items() if value != name}),
        pretrained=meta.pretrained,
        note=meta.note or "",
    )


class _Model(Shape):
    """An entity of ``ecosystem.models.list``."""

    name: str
    framework: str | None = None
    task: str | None = None
    size: int | float | str | None = None
    params_m: float | None = None
    gflops: float | None = field(name="GFLOPs", default=None)
    pretrained: bool | None = None
    evaluation: Unvalidated = None

    def model(self) -> CatalogueModel:
        """Return the domain value, with columns named as models.json of the official YOLO app names them."""
        metrics = (free_object(self.evaluation) or {}).get("metrics")
        columns = {"Size (pixels)": self.size, **(metrics if isinstance(metrics, dict) else {})}
        columns |= {"Params (M)": self.params_m, "FLOPs (B)": self.gflops}
        return CatalogueModel(
            framework=self.framework or "",
            name=self.name,
            task_type=self.task or "object detection",
            columns=_columns(columns),
            pretrained=self.pretrained,
        )


def _columns(values: Mapping[str, Any]) -> Mapping[str, str | float | None]:
    return {
        key: value
        for key, value in values.items()
        if key not in {"meta", "model_name", "Model"} and (value is None or isinstance(value, str | int | float))
    }
