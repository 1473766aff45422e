"""The training apps of a real Supervisely server: their own files, served as that server does."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.unit.supervisely.scripted import Scripted, page
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.ecosystem import Ecosystem

FOLDER = Path(__file__).parents[1] / "data" / "apps"
FRAMEWORKS = ("YOLO", "RT-DETRv2", "DEIM", "SparseInst", "MaskDINO")


def app_options(framework: str) -> Mapping[str, Any]:
    """Return what an app's ``app_options.yaml`` says."""
    options: Mapping[str, Any] = yaml.safe_load((FOLDER / framework / "app_options.yaml").read_bytes())
    return options


def models(framework: str) -> list[dict[str, Any]]:
    """Return an app's model table as it is in its repository."""
    rows: list[dict[str, Any]] = json.loads((FOLDER / framework / "models.json").read_bytes())
    return rows


def real_ecosystem() -> Ecosystem:
    """Return the ecosystem of a server with these apps."""
    server = Scripted()
    server.add("ecosystem.list", _apps)
    server.add("ecosystem.file.download", _file)
    return Ecosystem(server.transport())


def with_real_apps(client: SuperviselyClient) -> SuperviselyClient:
    """Give a client of any server the apps of a real one, and return it."""
    client.__dict__["ecosystem"] = real_ecosystem()
    return client


def _config(framework: str) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((FOLDER / framework / "config.json").read_bytes())
    return config


def _apps(body: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    rows = [
        {"id": number, "slug": f"supervisely-ecosystem/{name}", "name": config["name"], "config": config}
        for number, name in enumerate(FRAMEWORKS, start=1)
        if set(body.get("categories", ())) <= set((config := _config(name))["categories"])
    ]
    return page(rows)


def _file(body: dict[str, Any]) -> httpx.Response:
    framework = FRAMEWORKS[body["moduleId"] - 1]
    files = _config(framework)["files"]
    path = body.get("filePath") or files.get(body.get("fileKey"), "")
    name = "models.json" if path == files["models"] else path.rsplit("/", 1)[-1]
    own = FOLDER / framework / name
    return (
        httpx.Response(200, content=own.read_bytes()) if own.is_file() else httpx.Response(404, json={"error": "none"})
    )
