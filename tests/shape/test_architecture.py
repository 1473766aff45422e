"""The map of the code shows today's code."""

import re

import grimp

from tests.outside import ROOT
from tools.architecture import BEGIN, DOCUMENT, END, figure

_ARROW = re.compile(r"^ *(\w+) --> (\w+)$", re.MULTILINE)


def test_the_figure_shows_who_imports_whom_today() -> None:
    drawn = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    shown, real = set(_ARROW.findall(drawn)), set(_ARROW.findall(figure()))
    assert real, "no room imports another: the figure is not made of the code any more"
    new, gone = sorted(real - shown), sorted(shown - real)
    assert not new, f"not in the figure: {new}; run python -m tools.architecture"
    assert not gone, f"in the figure, not in the code: {gone}; run python -m tools.architecture"


def test_every_room_is_described() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `([\w/]+)` \|", text, re.MULTILINE))
    graph = grimp.build_graph("traindash", cache_dir=None)
    children = (name.removeprefix("traindash.") for name in graph.find_children("traindash"))
    rooms = {name for name in children if (ROOT / "core" / "traindash" / name).is_dir()}
    missing = sorted(room for room in rooms if not any(name.split("/")[0] == room for name in described))
    assert not missing, f"docs/architecture.md does not say what these are for: {missing}"


def test_the_journeys_name_modules_of_today() -> None:
    """The last column of a journey is how it is now; the one before may name what is gone."""
    journeys = DOCUMENT.read_text(encoding="utf-8").partition("## Four journeys")[2]
    rows = re.findall(r"^\| (?!forms|types).*\| (.*) \|$", journeys, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z_]+(?:/[a-z_]+)*)`", row)}
    assert named, "no journey names a module"
    gone = sorted(name for name in named if not (ROOT / "core" / "traindash" / f"{name}.py").is_file())
    assert not gone, f"docs/architecture.md lets values pass through modules that are gone: {gone}"
