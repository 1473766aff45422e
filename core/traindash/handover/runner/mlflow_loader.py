"""Loads this model for MLflow: ``mlflow.pyfunc.load_model(".").predict(["photo.jpg"])``.

MLflow calls ``_load_pyfunc`` (mlflow.org/docs/latest/python_api/mlflow.pyfunc.html, “Filesystem format”).
"""

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import Any


class PackagedModel:
    """Answers as MLflow asks."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> list[list[dict[str, Any]]]:
        """Return what is on each of the images: paths, a table with a column `path`, or pictures of Pillow.

        `params` may have a `threshold`.
        """
        images: Iterable[Any] = data["path"] if hasattr(data, "columns") else data
        threshold = (params or {}).get("threshold")
        return [self._model.predict(image, threshold) for image in images]


def _load_pyfunc(path: str) -> PackagedModel:
    folder = Path(path)
    found = importlib.util.spec_from_file_location("packaged_predict", folder / "predict.py")
    if found is None or found.loader is None:
        raise ImportError("predict.py is missing in the data of the model.")
    module: Any = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return PackagedModel(module.Model(folder))
