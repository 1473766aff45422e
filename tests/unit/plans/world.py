"""A server with a project, an app, agents and an experiment, for checks and starts."""

from typing import Any

import httpx

from tests.unit.supervisely.scripted import Scripted, page, refusal
from traindash.domain.ids import ProjectId
from traindash.domain.plan import PretrainedModel, TrainingPlan

PLAN = TrainingPlan(project_id=ProjectId(6), model=PretrainedModel(framework="YOLO", name="Pico-det"))
CHECKPOINT = "/experiments/6_Fruit/456_YOLO/checkpoints/best.pt"
RECORD: dict[str, Any] = {
    "experiment_name": "456 Fruit Pico",
    "framework_name": "YOLO",
    "model_name": "Pico-det",
    "task_type": "object detection",
    "project_id": 6,
    "task_id": 456,
    "model_files": {},
    "model_meta": "model_meta.json",
    "checkpoints": ["checkpoints/best.pt"],
    "best_checkpoint": "best.pt",
    "hyperparameters": "hyperparameters.yaml",
    "artifacts_dir": "/experiments/6_Fruit/456_YOLO/",
}
AGENT: dict[str, Any] = {
    "id": 3,
    "name": "one",
    "type": "sly_agent",
    "status": "running",
    "gpuInfo": {"device_memory": [{"total": 8, "available": 4}], "is_available": False},
}


def class_counts(**totals: int) -> dict[str, Any]:
    """Return the answer of ``projects.stats`` with so many objects per class."""
    rows = [{"objectClass": {"name": name}, "total": total, "datasets": []} for name, total in totals.items()]
    tags = [{"tagMeta": {"name": "train"}, "total": 8}, {"tagMeta": {"name": "unused"}, "total": 0}]
    return {"images": {"objectClasses": rows}, "objects": {"items": rows}, "imageTags": {"items": tags}}


def world() -> Scripted:
    """Return a server on which :data:`PLAN` can be started."""
    server = Scripted()
    project = {"id": 6, "name": "Fruit", "workspaceId": 2, "teamId": 1, "type": "images", "itemsCount": 50}
    server.add("projects.info", lambda body: project if body["id"] == 6 else refusal(404, "none"))
    classes = [{"title": "car", "shape": "rectangle"}, {"title": "leaf", "shape": "polygon"}]
    tags = [{"name": "train"}, {"name": "val"}, {"name": "unused"}]
    server.add("projects.meta", {"classes": classes, "tags": tags})
    server.add("projects.stats", class_counts(car=5, leaf=5))
    server.add(
        "datasets.list",
        page(
            [{"id": 31, "itemsCount": 40}, {"id": 32, "name": "market", "itemsCount": 10}, {"id": 33, "itemsCount": 0}]
        ),
    )
    collections: list[dict[str, Any]] = [
        {"id": 51, "projectId": 6},
        {"id": 52, "projectId": 6},
        {"id": 53, "projectId": 6, "type": "aiSearch"},
    ]
    server.add("entities-collections.list", page(collections))
    abilities = ["traindash.any_shape", "traindash.starts_from_exports"]  # of the embedded platform
    config = {"categories": ["train", "framework:YOLO"], "files": {"models": "models.json"}, "abilities": abilities}

    def modules(body: dict[str, Any]) -> dict[str, Any]:
        known = "framework:YOLO" in body["categories"]
        rows: list[dict[str, Any]] = [{"id": 12, "slug": "a/b", "name": "Train YOLO", "config": config}]
        return page(rows if known else [])

    server.add("ecosystem.list", modules)
    models = [
        {"model_name": "Pico-det", "meta": {"task_type": "object detection"}},
        {"model_name": "Pico-seg", "meta": {"task_type": "instance segmentation"}},
    ]
    server.add("ecosystem.file.download", httpx.Response(200, json=models))
    server.add("agents.available", [AGENT])
    server.add("agents.list", page([AGENT, {**AGENT, "id": 4, "name": "two", "status": "waiting"}]))
    server.add("teams.list", page([{"id": 1}, {"id": 7}]))
    server.add("file-storage.list", lambda body: [{"id": 9, "path": CHECKPOINT}] if body["path"] == CHECKPOINT else [])
    server.add("file-storage.download", httpx.Response(200, json=RECORD))
    server.add("tasks.list", page([{"id": 90, "status": "finished"}]))
    server.add("tasks.run.app", [{"id": 91}])
    return server
