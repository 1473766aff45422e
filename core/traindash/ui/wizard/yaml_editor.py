"""A text editor for YAML: highlighted, with line numbers and marked lines, drawn with the theme's own colours.

Streamlit has no code editor, and those made by others either fetch parts from the internet or have been left alone for
years. So this is a component of our own: a plain text field whose letters are transparent, above a coloured copy.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import streamlit as st

from traindash.frameworks.hyperparameter_text import value_text
from traindash.frameworks.reference import Hyperparameter, Reference
from traindash.language import gettext as _

_HERE = Path(__file__).parent
_editor = st.components.v2.component(
    "traindash_yaml_editor",
    html=(_HERE / "yaml_editor.html").read_text(encoding="utf-8"),
    css=(_HERE / "yaml_editor.css").read_text(encoding="utf-8"),
    js=(_HERE / "yaml_editor.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Lines to mark, 1 for the first, and the keys that are not the default."""

    wrong: Sequence[int] = ()
    odd: Sequence[int] = ()
    changed: Mapping[str, int] | None = None


def yaml_editor(  # noqa: PLR0913 - a widget has a label, a value, an identity, a callback, and what it shows besides
    label: str,
    text: str,
    *,
    key: str,
    on_change: Callable[[str], None],
    marks: Marks,
    reference: Reference | None = None,
    rows: int = 24,
) -> None:
    """Draw the editor with so many rows, and beside it the reference, whose keys can be searched and completed.

    A text that differs from the one the person sent last replaces what is in the editor. ``on_change`` gets the text a
    moment after the last key, at once with Ctrl+Enter and when the editor is left.
    """

    def changed() -> None:
        sent = _sent(key)
        if sent is not None:
            on_change(sent.text)

    sent = _sent(key)
    different = marks.changed or {}
    _editor(
        key=key,
        data={
            "key": key,
            "label": label,
            "text": text,
            "number": 0 if sent is None else sent.number,
            "rows": rows,
            "lines": {"wrong": list(marks.wrong), "odd": list(marks.odd), "changed": list(different.values())},
            "changed": list(different),
            "reference": [_entry(item) for item in reference.keys.values()] if reference else [],
        },
        on_text_change=changed,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """What the editor has sent."""

    text: str
    number: int  # grows with each text: by it the editor knows a run that began before


def _sent(key: str) -> _Sent | None:
    """Return what an editor has sent last, ``None`` if it has sent nothing yet."""
    try:
        return msgspec.convert((st.session_state.get(key) or {}).get("text"), _Sent | None)
    except msgspec.ValidationError:  # from the browser: anything may be in it
        return None


def _entry(item: Hyperparameter) -> dict[str, object]:
    default = "" if item.default is None else value_text(item.default)
    flags = ("True", "False") if "flag" in item.kinds else ()
    return {
        "name": item.name,
        "group": _(item.group),
        "meaning": _(item.meaning),
        "expected": _("{expected}; {default} if left out").format(
            expected=item.expected, default=default or _("empty")
        ),
        "value": default,
        "choices": [*flags, *item.choices],
    }
