"""Trainings that wait for their turn and name a class or tag that is renamed: they follow, as they would fail else.

Everything else of what a task was taken in with stays as it is, and so does what a task that runs was started with.
"""

from sqlite3 import Connection
from typing import Any

from traindash.domain.project import NameKind
from traindash.platform.store.projects import dump, parse_object

_WAITING = (
    "SELECT id, settings FROM tasks WHERE project_id = ? AND kind = 'train' AND finished_at IS NULL"
    " AND status IN ('queued', 'started') AND (queue_order > 0 OR NOT autostart)"
)
_TAGS = ("train_tag", "val_tag")


def rename_in_waiting(connection: Connection, project_id: int, kind: NameKind, before: str, after: str) -> None:
    """Write a new name into the settings of trainings that wait, inside the transaction that renames."""
    for row in connection.execute(_WAITING, (project_id,)).fetchall():
        settings = parse_object(row["settings"])
        state = settings.get("guiState")
        if isinstance(state, dict) and _rename(state, kind, before, after):
            connection.execute("UPDATE tasks SET settings = ? WHERE id = ?", (dump(settings), row["id"]))


def _rename(state: dict[str, Any], kind: NameKind, before: str, after: str) -> bool:
    classes, split = state.get("classes"), state.get("train_val_split")
    if kind == "class":
        if not isinstance(classes, list) or before not in classes:
            return False
        state["classes"] = [after if name == before else name for name in classes]
        return True
    named = [key for key in _TAGS if split.get(key) == before] if isinstance(split, dict) else []
    if isinstance(split, dict) and named:
        split.update(dict.fromkeys(named, after))
    return bool(named)
