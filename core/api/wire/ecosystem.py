"""Modules of the ecosystem and the model tables of frameworks (contract sections 3.3, 3.4 and 9)."""

from collections.abc import Mapping
from typing import Any

from msgspec import field

from core.api.wire.reading import Shape, Unvalidated, free_object, read
from core.domain.ids import ModuleId
from core.domain.model import CatalogueModel
from core.domain.module import AppModule


class _ConfigShape(Shape):
    name: str | None = None
    categories: tuple[str, ...] | None = None
    files: Unvalidated = None


class ModuleShape(Shape):
    """An entity of ``ecosystem.list``."""

    id: int
    slug: str | None = None
    name: str | None = None
    config: _ConfigShape | None = None

    def module(self) -> AppModule:
        """Return the domain value."""
        config = self.config or _ConfigShape()
        return AppModule(
            id=ModuleId(self.id),
            slug=self.slug or "",
            name=self.name or config.name or f"Module {self.id}",
            categories=config.categories or (),
            files={key: path for key, path in (free_object(config.files) or {}).items() if isinstance(path, str)},
        )


class _ModelMeta(Shape):
    # Keys of models.json are snake_case.
    model_name: str | None = field(name="model_name", default=None)
    task_type: str | None = field(name="task_type", default=None)
    model_files: Unvalidated = field(name="model_files", default=None)
    pretrained: bool | None = None
    note: str | None = None


class _ModelRow(Shape):
    model_name: str | None = field(name="model_name", default=None)
    model: str | None = field(name="Model", default=None)
    meta: _ModelMeta | None = None


def model_of_file(framework: str, row: Mapping[str, Any]) -> CatalogueModel | None:
    """Read a row of a framework's ``models.json``; ``None`` for a row that names no model.

    The name may be in ``model_name``, ``meta.model_name`` or ``Model``. All other plain columns are kept as they are.
    """
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


class ModelShape(Shape):
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
