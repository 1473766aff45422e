"""What a message says of a task that is over."""

import json
from collections.abc import Mapping
from datetime import datetime

from traindash.platform.services import Services
from traindash.platform.store.database import now_text
from traindash.platform.store.tasks import TaskRecord
from traindash.platform.webhook.deliveries import own_message


def end_message(parts: Services, task: TaskRecord) -> bytes:
    """Return the JSON of a task's end."""
    report = task.exit_report
    agent = None if task.agent_id is None else parts.agents.names().get(task.agent_id)
    content = {
        "event": "task.ended",
        "delivery": own_message(task.id).name,
        "sentAt": now_text(),
        "server": parts.address,
        "task": {
            "id": int(task.id),
            "name": _name(task),
            "status": task.status.value,
            "cause": report.cause.value if report else None,
            "message": report.message if report else "",
            "hint": report.hint if report else "",
            "app": task.app_name,
            "agent": agent,
            "projectId": task.project_id,
            "startedAt": task.started_at,
            "finishedAt": task.finished_at,
            "durationSeconds": _seconds(task),
            "metrics": _metrics(task),
            "url": f"{parts.address}/task?task={task.id}",
        },
    }
    return json.dumps(content, ensure_ascii=False).encode("utf-8")


def other_message(name: str, other: str) -> bytes:
    """Return the JSON of the end of a task of another server.

    Args:
        name: Of the message.
        other: JSON with ``server`` and ``task``, the latter with the keys of :func:`end_message`.
    """
    content = {"event": "task.ended", "delivery": name, "sentAt": now_text(), **json.loads(other)}
    return json.dumps(content, ensure_ascii=False).encode("utf-8")


def trial_message() -> bytes:
    """Return the JSON of a test."""
    return json.dumps({"event": "test", "delivery": "test", "sentAt": now_text()}).encode("utf-8")


def _name(task: TaskRecord) -> str:
    name = _mapping(task.settings.get("guiState")).get("experiment_name")
    return str(name) if name else task.description or task.app_name


def _seconds(task: TaskRecord) -> float | None:
    if task.started_at is None or task.finished_at is None:
        return None
    span = datetime.fromisoformat(task.finished_at) - datetime.fromisoformat(task.started_at)
    return round(span.total_seconds(), 3)


def _metrics(task: TaskRecord) -> Mapping[str, object]:
    return _mapping(_mapping(_mapping(task.output.get("experiment")).get("data")).get("evaluation_metrics"))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
