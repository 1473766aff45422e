"""A server with exactly the tasks and files that a test wants; speaks the API as an ASGI application."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PREFIX = "/public/api/v3/"


@dataclass(slots=True)
class FakeServer:
    """One team, one workspace, one project; tasks and files as given.

    Attributes:
        tasks: Answers of ``tasks.info``, by id.
        logs: Rows of a task's log, by id.
        files: Team Files: path → content.
        images: Files of images, by id.
        calls: Methods that were called, in order.
        stopped: Ids that ``tasks.stop`` was called for.
        requests: What ``tasks.request.direct`` was called with.
        train_status: What a training app says of itself.
        said: What apps answer to a command, beside those of a training app.
        apps: Apps of the ecosystem, whatever they are asked for by.
        broken: Methods that are refused.
        runs_models: Whether models can be asked about pictures, as on the embedded platform.
    """

    tasks: dict[int, dict[str, Any]] = field(default_factory=dict)
    logs: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    images: dict[int, bytes] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    stopped: list[int] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    train_status: str = "Status: Training is in progress..."
    said: dict[str, dict[str, Any]] = field(default_factory=dict)
    apps: list[dict[str, Any]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    runs_models: bool = False

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(routes=[Route(PREFIX + "{method}", self._answer, methods=["GET", "POST"])])

    def add_task(self, task_id: int, status: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Add a training task and return its answer for further changes."""
        task: dict[str, Any] = {
            "id": task_id,
            "type": "app",
            "status": status,
            "description": "Pico-det",
            "workspaceId": 1,
            "agentId": 1,
            "agentName": "Agent 1",
            "createdAt": "2026-11-23T10:00:00.000Z",
            "startedAt": None if status == "queued" else "2026-11-23T10:00:05.000Z",
            "finishedAt": "2026-11-23T10:01:35.000Z" if status in {"finished", "stopped", "error"} else None,
            "meta": {
                "app": {"id": 1, "name": "Train YOLO v8 - 26", "moduleId": 1},
                "name": "pythonSpawned",
                "params": {"state": _state()},
            },
        }
        task.update(changes)
        self.tasks[task_id] = task
        return task

    async def _answer(self, request: Request) -> Response:
        method = request.path_params["method"]
        self.calls.append(method)
        if method in self.broken:
            return _refusal(403, f"Method {method} is refused.")
        body: dict[str, Any] = dict(request.query_params) if request.method == "GET" else await request.json()
        handlers: dict[str, Callable[[dict[str, Any]], Response]] = {
            "teams.list": lambda _: _page([{"id": 1, "name": "Team"}]),
            "workspaces.list": lambda _: _page([{"id": 1, "name": "Workspace", "teamId": 1}]),
            "projects.list": lambda _: _page([_project()]),
            "projects.info": lambda _: JSONResponse(_project()),
            "agents.list": lambda _: _page([{"id": 1, "name": "Agent 1", "status": "running", "teamId": 1}]),
            "ecosystem.list": lambda _: _page(self.apps),
            "tasks.list": self._tasks,
            "tasks.info": self._task,
            "tasks.stop": self._stop,
            "tasks.log.download": self._log,
            "tasks.request.direct": self._request,
            "images.list": lambda _: _page([]),
            "images.download": self._image,
            "file-storage.list": self._list,
            "file-storage.info": self._info,
            "file-storage.download": self._download,
        }
        if self.runs_models:
            handlers["traindash.predictions.list"] = lambda _: JSONResponse([])
        handler = handlers.get(method)
        return handler(body) if handler else _refusal(404, f"Method {method} does not exist.")

    def _tasks(self, body: dict[str, Any]) -> Response:
        rows = list(self.tasks.values())
        for rule in body.get("filter", []):
            rows = [row for row in rows if row.get(rule["field"]) in rule["value"]]
        descending = body.get("sort_order") == "desc"
        return _page(sorted(rows, key=lambda row: int(row["id"]), reverse=descending))

    def _task(self, body: dict[str, Any]) -> Response:
        task = self.tasks.get(int(body["id"]))
        return JSONResponse(task) if task else _refusal(404, f"Task {body['id']} does not exist.")

    def _stop(self, body: dict[str, Any]) -> Response:
        self.stopped.append(int(body["id"]))
        self.tasks[int(body["id"])]["status"] = "terminating"
        return JSONResponse({"status": "terminating"})

    def _log(self, body: dict[str, Any]) -> Response:
        rows = self.logs.get(int(body["id"]), [])
        since = body.get("sinceTime", "")
        rows = [row for row in rows if row["timestamp"] > since]
        return JSONResponse(rows[: int(body["limit"])] if "limit" in body else rows)

    def _request(self, body: dict[str, Any]) -> Response:
        self.requests.append(body)
        answers = {"is_running": {"running": True}, "train_status": {"status": self.train_status}, **self.said}
        return JSONResponse(answers.get(body["command"], {"result": "model training started"}))

    def _list(self, body: dict[str, Any]) -> Response:
        start = body["path"]
        folder = start if start.endswith("/") else start + "/"
        found = [path for path in self.files if path == start or path.startswith(folder)]
        if body.get("recursive", True):
            return JSONResponse([self._file(path) for path in found])
        rests = [path.removeprefix(folder) for path in found]
        folders = dict.fromkeys(folder + rest.split("/", 1)[0] for rest in rests if "/" in rest)
        files = [self._file(folder + rest) for rest in rests if "/" not in rest]
        return JSONResponse([*({"path": path, "isDir": True} for path in folders), *files])

    def _info(self, body: dict[str, Any]) -> Response:
        path = next((path for path in self.files if _file_id(path) == body["id"]), None)
        return JSONResponse(self._file(path)) if path else _refusal(404, f"File {body['id']} does not exist.")

    def _download(self, body: dict[str, Any]) -> Response:
        content = self.files.get(body["path"])
        return Response(content) if content is not None else _refusal(404, f"{body['path']} does not exist.")

    def _image(self, body: dict[str, Any]) -> Response:
        content = self.images.get(int(body["id"]))
        return Response(content) if content is not None else _refusal(404, f"Image {body['id']} does not exist.")

    def _file(self, path: str) -> dict[str, Any]:
        content = self.files[path]
        digest = b64encode(hashlib.sha256(content).digest()).decode()
        return {"id": _file_id(path), "path": path, "hash": digest, "meta": {"size": len(content)}}


def event(second: float, message: str = "progress", level: str = "info", **keys: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a log row of a moment, given in seconds since 10:00."""
    minutes, rest = divmod(second, 60)
    stamp = f"2026-11-23T10:{int(minutes):02}:{rest:09.6f}Z"
    return {"message": message, "level": level, "timestamp": stamp, **keys}


def training_log(*, epochs: int, planned: int, finished: bool = False) -> list[dict[str, Any]]:
    """Return the log of a training after some epochs, in the form of core/traindash/training/runs/events.py."""
    rows = [
        event(5, "Preparing data for training...", event_type="EventType.PHASE", phase="preparing_data"),
        event(5.5, "160 training images, 40 validation images"),
        event(8, "Training is in progress...", event_type="EventType.PHASE", phase="training"),
        event(8.5, "Training starts from random initialisation: no published weights are on this machine.", "warning"),
    ]
    for epoch in range(1, epochs + 1):
        at = 8 + epoch * 5.0
        part = epoch / planned
        values = {
            "train/box_loss": 2.4 - 1.4 * part,
            "train/cls_loss": 3.0 - 2.1 * part,
            "val/box_loss": 2.5 - 1.3 * part,
            "metrics/mAP50(B)": 0.9 * part,
            "metrics/mAP50-95(B)": 0.7 * part,
            "per_class/apple": 0.75 * part,
        }
        rows.append(event(at, event_type="EventType.PROGRESS", subtask="Steps", current=20, total=20))
        rows.append(event(at + 0.1, event_type="EventType.PROGRESS", subtask="Epochs", current=epoch, total=planned))
        numbers: dict[str, Any] = {"epoch": epoch, "epochs": planned, "seconds": epoch * 5.0, "values": values}
        rows.append(event(at + 0.2, "metrics", event_type="EventType.METRICS", **numbers))
        rows.append(event(at + 0.3, f"Epoch {epoch} of {planned}: mAP50-95 {values['metrics/mAP50-95(B)']:.3f}"))
    if finished:
        last = 8 + planned * 5.0
        rows.append(event(last + 1, "Running evaluation...", event_type="EventType.PHASE", phase="evaluation"))
        rows.append(event(last + 4, "Uploading...", event_type="EventType.PHASE", phase="uploading"))
    return rows


def experiment_record(task_id: int, name: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return an ``experiment_info.json``."""
    record: dict[str, Any] = {
        "experiment_name": name,
        "framework_name": "YOLO",
        "model_name": "Pico-det",
        "base_checkpoint": None,
        "task_type": "object detection",
        "project_id": 55,
        "project_version": {"id": 1, "version": 1},
        "task_id": task_id,
        "model_files": {},
        "checkpoints": ["checkpoints/best.pt", "checkpoints/last.pt"],
        "best_checkpoint": "best.pt",
        "export": {},
        "app_state": "app_state.json",
        "model_meta": "model_meta.json",
        "hyperparameters": "hyperparameters.yaml",
        "artifacts_dir": f"/experiments/55_Still life/{task_id}_YOLO/",
        "datetime": "2026-11-23 10:01:35",
        "evaluation_report_id": None,
        "evaluation_report_link": None,
        "evaluation_metrics": {},
        "primary_metric": None,
        "device": "CPU",
        "training_duration": 84.0,
        "train_val_split": "train_val_split.json",
        "train_size": 160,
        "val_size": 40,
        "random_initialization": True,
    }
    return record | changes


def add_experiment(
    server: FakeServer,
    task_id: int,
    name: str,
    *,
    evaluation: dict[str, bytes] | None = None,
    **changes: Any,  # noqa: ANN401
) -> None:
    """Add a finished training with its files.

    Args:
        server: Where.
        task_id: Its task.
        name: Experiment name.
        evaluation: Path below the evaluation directory → content; ``None`` for a training without benchmark.
        changes: Of the record.
    """
    folder = f"/experiments/55_Still life/{task_id}_YOLO"
    results = f"/model-benchmark/55_Still life/{task_id}_Train YOLO v8 - 26"
    if evaluation is not None:
        report = f"{results}/visualizations/template.vue"
        server.files |= {f"{results}/{path}": content for path, content in evaluation.items()}
        server.files[report] = b"<html></html>"
        changes = {"evaluation_report_id": _file_id(report), "primary_metric": "mAP", **changes}
    record = experiment_record(task_id, name, **changes)
    server.files |= {
        f"{folder}/experiment_info.json": json.dumps(record).encode(),
        f"{folder}/checkpoints/best.pt": b"0" * 609_000,
        f"{folder}/checkpoints/last.pt": b"0" * 609_000,
        f"{folder}/hyperparameters.yaml": f"epochs: 10\nlr0: {0.001 * task_id}\nmosaic: 0.0\n".encode(),
        f"{folder}/app_state.json": json.dumps(_state()["guiState"]).encode(),
        f"{folder}/train_val_split.json": json.dumps({"train": list(range(1000, 1160)), "val": []}).encode(),
    }
    task = server.add_task(task_id, "finished", description=name)
    task["meta"]["output"] = {"experiment": {"data": record}}
    server.logs[task_id] = training_log(epochs=10, planned=10, finished=True)


def _state() -> dict[str, Any]:
    return {
        "slyProjectId": 55,
        "guiState": {
            "model": {"source": "Pretrained models", "framework": "YOLO", "model_name": "Pico-det"},
            "classes": ["apple", "leaf", "lemon", "pear", "plum"],
            "train_val_split": {"method": "random", "split": "train", "percent": 80},
            "hyperparameters": "epochs: 10\n",
            "options": {"convert_class_shapes": True, "model_benchmark": {"enable": True, "speed_test": True}},
        },
    }


def _project() -> dict[str, Any]:
    return {"id": 55, "name": "Still life", "workspaceId": 1, "teamId": 1, "type": "images", "itemsCount": 200}


def _page(rows: list[dict[str, Any]]) -> Response:
    return JSONResponse({"total": len(rows), "perPage": 500, "pagesCount": 1, "entities": rows})


def _refusal(code: int, message: str) -> Response:
    return JSONResponse({"error": message, "details": {"message": message}}, status_code=code)


def _file_id(path: str) -> int:
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:4])
