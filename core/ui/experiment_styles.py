"""The colour slot of each experiment, given once and kept on this machine for ever."""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from core.compare.palette import give_slots
from core.domain.ids import TaskId

_ADAPTER: TypeAdapter[dict[str, dict[TaskId, int]]] = TypeAdapter(dict[str, dict[TaskId, int]])
_log = logging.getLogger(__name__)
_LOCK = threading.Lock()


def slots_of(path: Path, server: str, experiments: Sequence[TaskId]) -> dict[TaskId, int]:
    """Return the slots of all experiments of a server; new ones get the next free ones, oldest first.

    Args:
        path: JSON file that keeps them; one that is missing or damaged is begun anew.
        server: Address of the server.
        experiments: Task ids that need a slot.

    Where they cannot be stored, the log says so and they hold for this time only; no page is lost over a colour.
    """
    with _LOCK:
        known = _read(path)
        slots = give_slots(known.get(server, {}), sorted(experiments))
        if slots != known.get(server):
            _write(path, {**known, server: slots})
        return slots


def _read(path: Path) -> dict[str, dict[TaskId, int]]:
    try:
        return _ADAPTER.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return {}


def _write(path: Path, slots: dict[str, dict[TaskId, int]]) -> None:
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(_ADAPTER.dump_json(slots))
        partial.replace(path)
    except OSError as error:
        _log.warning("The colours of the experiments cannot be stored in %s: %s", path, error.strerror or error)
