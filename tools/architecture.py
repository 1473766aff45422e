"""Draws the map of the code into ``docs/architecture.md``: ``python -m tools.architecture``.

Rooms are the packages of ``core/traindash``; an arrow says that code of one room imports the other. Imports are read
with grimp, the library under import-linter, so that figure and contracts speak of the same graph. Arrows that follow
from others are left out: what a room reaches through another room is told by that room.
"""

from pathlib import Path

import grimp

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "architecture.md"
BEGIN, END = "<!-- figure: python -m tools.architecture -->", "<!-- end of the figure -->"
_PACKAGE = "traindash"
_EVERYWHERE = frozenset(
    {"domain", "errors", "files", "formatting", "language", "settings", "periodic_worker", "steady_clock"}
)
"""Rooms that nearly everybody imports: arrows to them would hide the others."""


def imports_between_rooms() -> dict[str, frozenset[str]]:
    """Return each room with the rooms that it imports directly; modules at the top of the package are rooms too."""
    graph = grimp.build_graph(_PACKAGE, cache_dir=None)
    rooms: dict[str, set[str]] = {name.removeprefix(f"{_PACKAGE}."): set() for name in graph.find_children(_PACKAGE)}
    for module in graph.modules:
        here = _room(module)
        for imported in graph.find_modules_directly_imported_by(module):
            there = _room(imported)
            if here and there and here != there:
                rooms[here].add(there)
    return {room: frozenset(others) for room, others in rooms.items()}


def figure() -> str:
    """Return the figure in Mermaid's language, which code hosts and editors draw."""
    rooms = {room: others - _EVERYWHERE for room, others in imports_between_rooms().items() if room not in _EVERYWHERE}
    lines = ["```mermaid", "flowchart TD"]
    lines += [f"  {room}" for room in sorted(rooms)]
    lines += [f"  {room} --> {other}" for room in sorted(rooms) for other in sorted(_needed(room, rooms))]
    return "\n".join([*lines, "```"])


def with_figure(text: str) -> str:
    """Return the document with today's figure in its place."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{figure()}\n{END}{after}"


def _room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == _PACKAGE else ""


def _needed(room: str, rooms: dict[str, frozenset[str]]) -> set[str]:
    """Leave out what another imported room imports as well: transitive reduction, exact where there are no cycles."""
    return {other for other in rooms[room] if not any(other in rooms[third] for third in rooms[room] - {other})}


if __name__ == "__main__":
    DOCUMENT.write_text(with_figure(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
