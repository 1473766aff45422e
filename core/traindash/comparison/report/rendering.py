"""HTML of comparisons, from Jinja templates that escape everything that comes from data; style sheets beside them."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from traindash import formatting
from traindash.comparison.palette import SERIES
from traindash.language import gettext, ngettext

# marker → the character that looks like it
GLYPHS: Mapping[str, str] = {
    "circle": "●",
    "square": "■",
    "diamond": "◆",
    "triangle-up": "▲",
    "cross": "✚",
    "star": "★",
    "triangle-down": "▼",
    "x": "✖",
    "pentagon": "⬟",
    "hexagon": "⬢",
}

_FOLDER = Path(__file__).parent


def render(template: str, **values: object) -> Markup:
    """Return a template of this folder, filled in."""
    return Markup(_environment().get_template(template).render(**values))  # noqa: S704 - escaped by the template


def render_macro(name: str, *values: object) -> Markup:
    """Return a macro of ``parts.html``, filled in."""
    macro: Any = getattr(_parts(), name)
    return Markup(macro(*values))  # noqa: S704 - escaped by the template


def own_text(name: str | Path) -> Markup:
    """Return a script or style sheet that lies beside this module: text of ours, which must not be escaped."""
    return Markup((_FOLDER / name).read_text(encoding="utf-8"))  # noqa: S704 - no data in it


def table_style() -> Markup:
    """Return the rules of tables and legends; whoever uses them defines ``--td-…`` and ``--cx-ground``."""
    pairs = enumerate(zip(SERIES["light"], SERIES["dark"], strict=True))
    colors = "".join(f".cx-c{i}{{color:light-dark({light},{dark})}}" for i, (light, dark) in pairs)
    return Markup(colors) + own_text("tables.css")  # noqa: S704 - colours of ours


def page_foot(heading: str, made_at: datetime | None) -> Markup:
    """Return the rule that writes what a printed page belongs to, and when that was made, below each page."""
    moment = "" if made_at is None else formatting.moment(made_at)
    boxes = {"bottom-left": heading, "bottom-center": moment}
    rules = "".join(f'@{place}{{content:"{_in_style(text)}"}}' for place, text in boxes.items())
    return Markup(f"@page{{{rules}}}")  # noqa: S704 - every sign of the texts that could end them is escaped


def _in_style(text: str, most: int = 50) -> str:
    """Return a text as the inside of a string in a style sheet."""
    shown = text if len(text) <= most else f"{text[: most - 1]}…"
    return "".join(sign if sign.isalnum() or sign == " " else f"\\{ord(sign):x} " for sign in shown)


def signed(number: int) -> str:
    """Write a difference with its sign: ``+12``, ``−3``, ``0``."""
    return f"+{formatting.count(number)}" if number > 0 else formatting.count(number)


def _anchor(name: str) -> str:
    """Return a name as the target of a link: ``Key metrics`` → ``key-metrics``."""
    return name.lower().replace(" ", "-")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,  # a misspelt name fails instead of leaving a hole
        auto_reload=False,
    )
    environment.filters.update(
        anchor=_anchor,
        data_uri=lambda jpeg: f"data:image/jpeg;base64,{b64encode(jpeg).decode('ascii')}",
        number=formatting.count,
        signed=signed,
    )
    environment.globals.update(glyphs=GLYPHS, minus=formatting.MINUS, zip=zip)
    environment.globals.update(_=gettext, ngettext=ngettext, plural=formatting.plural)
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    return environment


@cache
def _parts() -> object:
    return _environment().get_template("parts.html").module
