"""How far a person is in the guided first comparison: kept on this machine, for each server. Pure but for its file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from traindash.domain.ids import SeriesId, TaskId
from traindash.files import JsonFile
from traindash.tasks.series_record import Series

Part: TypeAlias = Literal["watch", "verdict", "show"]
PARTS: tuple[Part, ...] = ("watch", "verdict", "show")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tour:
    """The way of one person through the first comparison."""

    series_id: SeriesId  # of the two trainings
    reached: Part = "watch"  # the furthest part that was seen
    is_left: bool = False  # put aside; the overview offers to go on
    is_over: bool = False  # seen to its end, or not wanted: nobody is asked again


class TourStore:
    """The tours of this machine; a file that is missing or damaged holds none. Safe for use from several threads."""

    def __init__(self, path: Path) -> None:
        decode = msgspec.json.Decoder(dict[str, Tour]).decode
        self._file: JsonFile[Mapping[str, Tour]] = JsonFile(
            path=path, decode=decode, empty={}, noun="The guided first comparison"
        )

    def of(self, server: str) -> Tour | None:
        """Return the tour on a server, ``None`` where none was begun."""
        return self._file.read().get(server)

    def begin(self, server: str, series_id: SeriesId) -> None:
        """Begin a tour, in place of an earlier one.

        Raises:
            StorageError: The file cannot be written.
        """
        self._file.change(lambda kept: {**kept, server: Tour(series_id=series_id)})

    def change(self, server: str, change: Callable[[Tour], Tour]) -> None:
        """Change the tour on a server; nothing where there is none. Errors as :meth:`begin`."""

        def changed(kept: Mapping[str, Tour]) -> Mapping[str, Tour]:
            return {**kept, server: change(kept[server])} if server in kept else kept

        self._file.change(changed)


def arrived(tour: Tour, part: Part) -> Tour:
    """Return the tour with a part seen; the furthest one counts."""
    return tour if PARTS.index(part) <= PARTS.index(tour.reached) else replace(tour, reached=part)


def part_of(screen: str, series: Series, named: Mapping[str, str]) -> Part | None:
    """Return the part that a screen shows with what its address names; ``None`` for what is not of this series."""
    own = set(series.task_ids)
    match screen:
        case "series":
            return "watch" if named.get("series") == series.id else None
        case "task":
            return "watch" if _ids(named.get("task", "")) <= own and named.get("task") else None
        case "compare" | "show":
            ids = _ids(named.get("ids", ""))
            return None if not ids or not ids <= own else "verdict" if screen == "compare" else "show"
        case _:
            return None


def _ids(text: str) -> set[TaskId]:
    """Return the ids in an address; what is no id makes none of a series."""
    return {TaskId(int(part)) if part.isascii() and part.isdigit() else TaskId(-1) for part in text.split(",")}
