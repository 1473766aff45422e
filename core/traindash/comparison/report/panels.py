"""JSON for the scripts of the one-file report."""

import json


def script_json(value: object) -> str:
    """Return JSON that may stand inside a script element: it holds no ``<`` and no line separators."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
