"""Records as JSON, for scripts."""

import json
import math
from collections.abc import Sequence

from core.compare.exports.records import Record, Value


def json_text(records: Sequence[Record]) -> str:
    """Return a list of objects; a number that does not exist is ``null``."""
    clean = [{name: _clean(value) for name, value in record.items()} for record in records]
    return json.dumps(clean, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _clean(value: Value) -> Value:
    return None if isinstance(value, float) and not math.isfinite(value) else value
