"""A text editor for YAML: highlighted, with line numbers and a marked line, drawn with the theme's own colours.

Streamlit has no code editor, and those made by others either fetch parts from the internet or have been left alone for
years. So this is a component of our own: a plain text field whose letters are transparent, above a coloured copy.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core.frameworks.reference import Hyperparameter, Reference
from core.launch.rules.hyperparameter_values import value_text

_HERE = Path(__file__).parent
_HTML = """
<div class="desk">
  <div class="halves">
    <div class="left">
      <label class="name" for="text"></label>
      <div class="box">
        <div class="gutter" aria-hidden="true"><div class="numbers"></div></div>
        <div class="sheet">
          <pre class="colored" aria-hidden="true"></pre>
          <textarea id="text" spellcheck="false" autocapitalize="off" autocomplete="off" wrap="off"
            aria-autocomplete="list" aria-controls="proposals"></textarea>
        </div>
      </div>
      <div class="popup" id="proposals" role="listbox" aria-label="Completions" hidden></div>
      <p class="keys">Changes are saved while you type. Tab indents; Esc, then Tab, leaves the editor.</p>
    </div>
    <aside class="reference" hidden>
      <label for="find">Reference</label>
      <input id="find" type="search" placeholder="Search name or meaning" autocomplete="off" />
      <div class="entries"></div>
    </aside>
  </div>
</div>
"""
_editor = st.components.v2.component(
    "traindash_yaml_editor",
    html=_HTML,
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
    """Draw the editor.

    Args:
        label: Name of the field.
        text: What it shows. A text that differs from the one the person sent last replaces what is in the editor.
        key: Identity of the editor.
        on_change: Gets the text a moment after the last key, at once with Ctrl+Enter and when the editor is left.
        marks: Lines to mark.
        reference: Keys to search and to complete, shown beside the text.
        rows: Lines that are visible at once.
    """

    def changed() -> None:
        sent = st.session_state[key].get("text")
        if isinstance(sent, str):
            on_change(sent)

    different = marks.changed or {}
    _editor(
        key=key,
        data={
            "label": label,
            "text": text,
            "rows": rows,
            "lines": {"wrong": list(marks.wrong), "odd": list(marks.odd), "changed": list(different.values())},
            "changed": list(different),
            "reference": [_entry(item) for item in reference.keys.values()] if reference else [],
        },
        on_text_change=changed,
    )


def _entry(item: Hyperparameter) -> dict[str, object]:
    default = "" if item.default is None else value_text(item.default)
    flags = ("True", "False") if "flag" in item.kinds else ()
    return {
        "name": item.name,
        "group": item.group,
        "meaning": item.meaning,
        "expected": f"{item.expected}; {default or 'empty'} if left out",
        "value": default,
        "choices": [*flags, *item.choices],
    }
