"""A text editor for YAML: highlighted, with line numbers and a marked line, drawn with the theme's own colours.

Streamlit has no code editor, and those made by others either fetch parts from the internet or have been left alone for
years. So this is a component of our own: a plain text field whose letters are transparent, above a coloured copy.
"""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_HTML = """
<label class="name" for="text"></label>
<div class="box">
  <div class="gutter" aria-hidden="true"><div class="numbers"></div></div>
  <div class="sheet">
    <pre class="colored" aria-hidden="true"></pre>
    <textarea id="text" spellcheck="false" autocapitalize="off" autocomplete="off" wrap="off"></textarea>
  </div>
</div>
<p class="keys">Changes are saved while you type. Tab indents; Esc, then Tab, leaves the editor.</p>
"""
_editor = st.components.v2.component(
    "traindash_yaml_editor",
    html=_HTML,
    css=(_HERE / "yaml_editor.css").read_text(encoding="utf-8"),
    js=(_HERE / "yaml_editor.js").read_text(encoding="utf-8"),
)


def yaml_editor(
    label: str, text: str, *, key: str, on_change: Callable[[str], None], error_line: int | None, rows: int = 22
) -> None:
    """Draw the editor.

    Args:
        label: Name of the field.
        text: What it shows. A text that differs from the one the person sent last replaces what is in the editor.
        key: Identity of the editor.
        on_change: Gets the text a moment after the last key, at once with Ctrl+Enter and when the editor is left.
        error_line: Line to mark, 1 for the first.
        rows: Lines that are visible at once.
    """

    def changed() -> None:
        sent = st.session_state[key].get("text")
        if isinstance(sent, str):
            on_change(sent)

    _editor(
        key=key,
        data={"label": label, "text": text, "errorLine": error_line or 0, "rows": rows},
        on_text_change=changed,
    )
