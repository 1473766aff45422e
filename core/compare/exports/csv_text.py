"""Records as CSV, which spreadsheets open by double click."""

import csv
import io
import math
from collections.abc import Sequence

from core.compare.exports.records import Record, Value

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(records: Sequence[Record]) -> str:
    """Return CSV with a head row; columns in the order of first appearance.

    A text that a spreadsheet would run as a formula gets an apostrophe in front: names come from data. The file begins
    with a byte order mark, without which some spreadsheets misread names that are not English.
    """
    columns = list(dict.fromkeys(name for record in records for name in record))
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([_cell(name) for name in columns])
    writer.writerows([_cell(record.get(name)) for name in columns] for record in records)
    return "\ufeff" + buffer.getvalue()


def _cell(value: Value) -> Value:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
