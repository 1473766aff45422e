"""The ecosystem: training apps, their models and default hyperparameters (contract section 9)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from core.api.errors import ContractError, MissingError, RejectedError
from core.api.paging import PageShape, pages
from core.api.resources.base import Resource
from core.api.wire.ecosystem import ModelShape, ModuleShape, model_of_file
from core.api.wire.reading import read
from core.domain.ids import ModuleId
from core.domain.model import CatalogueModel
from core.domain.module import AppModule

COMPARE_SLUG = "supervisely-ecosystem/model-benchmark/compare_models"
"""Slug of the app that compares models."""

_MODELS_KEY = "models"
_HYPERPARAMETER_KEYS = ("hyperparameters", "hyperparams")


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
            msg = f"The server has no app {slug}."
            raise MissingError(msg, "Ask the admin of the server to install it.", method="ecosystem.list")
        return found[0]

    def train_module(self, framework: str) -> AppModule:
        """Return the app that trains a framework's models; with several, the first, as the official SDK does.

        Raises:
            MissingError: The server has none.
        """
        found = self.modules(("train", f"framework:{framework}"))
        if not found:
            msg = f"The server has no app that trains {framework} models."
            raise MissingError(msg, "Choose a model of another framework.", method="ecosystem.list")
        return found[0]

    def frameworks(self) -> tuple[str, ...]:
        """Return the frameworks that the server can train, in the server's order, each once."""
        found = (module.framework for module in self.modules(("train",)))
        return tuple(dict.fromkeys(name for name in found if name))

    def models(self, framework: str | None = None) -> tuple[CatalogueModel, ...]:
        """Return the models of a framework (``None``: of all frameworks), in the framework's own order.

        The framework's own table (``models.json`` of its training app) comes first, since it has the columns that its
        authors chose; where an app has none, the server's model list stands in.
        """
        modules = self.modules(("train",) if framework is None else ("train", f"framework:{framework}"))
        first = {module.framework: module for module in reversed(modules)}
        order = dict.fromkeys(module.framework for module in modules)
        return tuple(model for name in order for model in self.models_of(first[name]))

    def models_of(self, module: AppModule) -> tuple[CatalogueModel, ...]:
        """Return the models that a training app offers, as :meth:`models`; none if it is no training app."""
        framework = module.framework
        if framework is None:
            return ()
        return self._own_table(framework, module) or self._server_list(framework)

    def default_hyperparameters(self, framework: str) -> str | None:
        """Return the YAML text that a framework's training app starts from, ``None`` if the app offers none."""
        module = self.train_module(framework)
        key = next((key for key in _HYPERPARAMETER_KEYS if key in module.files), None)
        if key is None:
            return None
        try:
            return self.file(module.id, key).decode("utf-8")
        except (MissingError, RejectedError):
            return None

    def file(self, module_id: ModuleId, key: str) -> bytes:
        """Return a file of an app's repository, named by its key in the app's configuration."""
        return self.transport.read_bytes("ecosystem.file.download", {"moduleId": module_id, "fileKey": key})

    def _list(self, body: dict[str, object]) -> tuple[AppModule, ...]:
        request = {**body, "sort": "id", "sort_order": "asc"}
        page = read("ecosystem.list", PageShape, self.transport.read("ecosystem.list", request))
        return tuple(read("ecosystem.list", ModuleShape, row).module() for row in page.entities)

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
            msg = f"The model table of {module.name} is not JSON."
            raise ContractError(msg, method=method, field="body") from error
        models = (model_of_file(framework, row) for row in rows)
        return tuple(model for model in models if model is not None)

    def _server_list(self, framework: str) -> tuple[CatalogueModel, ...]:
        method = "ecosystem.models.list"
        models = (read(method, ModelShape, row).model() for row in self._all_models())
        return tuple(model for model in models if model.framework == framework)

    def _all_models(self) -> tuple[Any, ...]:
        """Walk the one list that wants GET with a form (contract section 3.3)."""
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
