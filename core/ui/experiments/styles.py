"""The colour slot of each experiment, given once and kept on this machine for ever."""

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from core.compare.palette import give_slots
from core.domain.ids import TaskId
from core.errors import StorageError
from core.files import JsonFile

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
    file = _file(path)
    with _LOCK:
        known = file.read()
        slots = give_slots(known.get(server, {}), sorted(experiments))
        try:
            file.change(lambda kept: {**kept, server: slots})
        except StorageError as error:
            _log.warning("%s", error)
        return slots


def _file(path: Path) -> JsonFile[Mapping[str, Mapping[TaskId, int]]]:
    decode = msgspec.json.Decoder(dict[str, dict[TaskId, int]]).decode
    return JsonFile(path=path, decode=decode, empty={}, noun="The colours of the experiments")
