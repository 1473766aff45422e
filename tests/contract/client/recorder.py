"""A server on which any plan can be started; it keeps what was sent."""

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.unit.plans.plans import ARTIFACTS, CLASSES
from traindash.domain.ids import ProjectId
from traindash.domain.plan import (
    CollectionsSplit,
    CustomCheckpoint,
    DatasetsSplit,
    PretrainedModel,
    TagsSplit,
    TrainingPlan,
)

TEAM = 3
MODEL_OF_CHECKPOINT = "YOLO26n-det"
_RECORD = {
    "experiment_name": "x",
    "framework_name": "YOLO",
    "model_name": MODEL_OF_CHECKPOINT,
    "task_type": "object detection",
    "project_id": 6,
    "task_id": 456,
    "model_files": {},
    "model_meta": "model_meta.json",
    "checkpoints": ["checkpoints/best.pt"],
    "best_checkpoint": "best.pt",
    "hyperparameters": "hyperparameters.yaml",
    "artifacts_dir": ARTIFACTS + "/",
}
_Json = dict[str, Any]


class Recorder:
    """Answers so that whatever the next plan names exists.

    Attributes:
        plan: The next plan.
        bodies: Bodies of ``tasks.run.app``, in order.
    """

    def __init__(self) -> None:
        self.plan = TrainingPlan(project_id=ProjectId(1), model=PretrainedModel(framework="f", name="n"))
        self.bodies: list[_Json] = []
        self._answers: dict[str, Callable[[_Json], Any]] = {
            "teams.list": lambda _: _page([{"id": TEAM, "name": "t"}, {"id": 4, "name": "u"}]),
            "file-storage.list": self._files,
            "file-storage.download": lambda _: _RECORD,
            "projects.info": lambda body: {**_PROJECT, "id": body["id"]},
            "projects.meta": lambda _: self._meta(),
            "projects.stats": lambda _: self._statistics(),
            "datasets.list": lambda _: self._listed(),
            "entities-collections.list": lambda _: self._listed(),
            "ecosystem.list": self._modules,
            "ecosystem.file.download": lambda _: self._models(),
            "agents.available": lambda _: self._agents(),
            "agents.list": lambda _: _page(self._agents()),
            "tasks.list": lambda _: _page([]),
            "tasks.run.app": self._record,
            "tasks.request.direct": lambda _: {"running": True},
        }

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(routes=[Route("/public/api/v3/{method}", self._answer, methods=["GET", "POST"])])

    async def _answer(self, request: Request) -> Response:
        method = request.path_params["method"]
        if method not in self._answers:
            return JSONResponse({"error": method}, status_code=404)
        return JSONResponse(self._answers[method](await request.json()))

    def _record(self, body: _Json) -> list[_Json]:
        self.bodies.append(body)
        return [{"taskId": 100 + len(self.bodies)}]

    def _files(self, body: _Json) -> list[_Json]:
        """Checkpoints exist in one team, as files and in the listing of their folder."""
        model, path = self.plan.model, body["path"]
        if body["teamId"] != TEAM or not isinstance(model, CustomCheckpoint):
            return []
        inside = model.path == path or model.path.startswith(path.rstrip("/") + "/")
        return [{"id": 9, "path": model.path, "meta": {"size": 1}}] if inside else []

    def _meta(self) -> _Json:
        split = self.plan.train_val_split
        tags = dict.fromkeys((split.train_tag, split.val_tag)) if isinstance(split, TagsSplit) else {}
        classes = [{"id": number, "title": name, "shape": "rectangle"} for number, name in enumerate(CLASSES)]
        named = [{"id": number, "name": name, "value_type": "none"} for number, name in enumerate(tags)]
        return {
            name: [{**row, "color": "#112233"} for row in rows]
            for name, rows in (("classes", classes), ("tags", named))
        }

    def _statistics(self) -> _Json:
        counts = [{"objectClass": {"name": name}, "total": 5, "datasets": []} for name in CLASSES]
        tags = [{"tagMeta": {"name": row["name"]}, "total": 5} for row in self._meta()["tags"]]
        return {"images": {"objectClasses": counts}, "objects": {"items": counts}, "imageTags": {"items": tags}}

    def _listed(self) -> _Json:
        """Return the datasets or collections that the split names."""
        match self.plan.train_val_split:
            case DatasetsSplit(train_datasets=train, val_datasets=val):
                ids = {*map(int, train), *map(int, val)}
            case CollectionsSplit(train_collections=train_sets, val_collections=val_sets):
                ids = {*map(int, train_sets), *map(int, val_sets)}
            case _:
                ids = set()
        return _page([{"id": number, "name": "x", "projectId": 1, "itemsCount": 9} for number in sorted(ids)])

    def _modules(self, body: _Json) -> _Json:
        abilities = ["traindash.any_shape", "traindash.starts_from_exports"]  # so that any state is sent as it is
        config = {"categories": body["categories"], "files": {"models": "models.json"}, "abilities": abilities}
        number = 12 if "framework:YOLO" in body["categories"] else 13
        return _page([{"id": number, "slug": "a/b", "name": "Train", "config": config}])

    def _models(self) -> list[_Json]:
        model = self.plan.model
        return [{"model_name": model.name if isinstance(model, PretrainedModel) else MODEL_OF_CHECKPOINT}]

    def _agents(self) -> list[_Json]:
        return [_agent(5, 3), _agent(self.plan.agent_id or 6, 8)]


_PROJECT: _Json = {"name": "p", "workspaceId": 2, "teamId": TEAM, "type": "images", "itemsCount": 1000}


def _page(rows: list[_Json]) -> _Json:
    return {"total": len(rows), "perPage": 500, "pagesCount": 1, "entities": rows}


def _agent(number: int, free: float) -> _Json:
    texts = dict.fromkeys(("name", "token", "createdAt", "updatedAt"), "x")
    gpu = {"device_memory": [{"total": 9, "available": free}]}
    about = {"id": number, "type": "sly_agent", "status": "running", "userId": 1, "teamId": TEAM, "capabilities": {}}
    return {**about, **texts, "gpuInfo": gpu}
