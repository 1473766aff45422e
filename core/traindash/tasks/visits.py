"""When a person was here last, for what has ended since: kept on this machine, for each server."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from traindash.files import JsonFile
from traindash.language import N_

_AWAY = timedelta(minutes=30)  # who was away for longer comes back; a reload or a second tab is the same visit
_WRITTEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """The visit that goes on."""

    seen_at: datetime  # the last sign of the person
    since: datetime | None = None  # last sign of the visit before; `None` at the first one


def _continued(visit: Visit | None, now: datetime) -> Visit:
    """Return the visit after a sign of the person; ``now`` has a time zone."""
    if visit is None:
        return Visit(seen_at=now)
    if now - visit.seen_at > _AWAY:
        return Visit(seen_at=now, since=visit.seen_at)
    return visit if now - visit.seen_at < _WRITTEN_EVERY else replace(visit, seen_at=now)


class VisitStore:
    """The visits of this machine; a file that is missing or damaged holds none."""

    def __init__(self, path: Path) -> None:
        decode = msgspec.json.Decoder(dict[str, Visit]).decode
        self._file: JsonFile[Mapping[str, Visit]] = JsonFile(
            path=path, decode=decode, empty={}, noun=N_("The last visit")
        )

    def come(self, server: str, now: datetime) -> datetime | None:
        """Note a sign of the person and return when the visit before ended; ``None`` at the first one.

        Raises:
            StorageError: The file cannot be written.
        """
        self._file.change(lambda kept: {**kept, server: _continued(kept.get(server), now)})
        return self._file.read()[server].since
