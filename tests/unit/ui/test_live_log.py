"""Which rows of a log are shown, and how."""

import pytest

from traindash.domain.task import LogRow
from traindash.ui.tasks.log import as_text, first_error, log_line, view_of


def _rows(*levels: str) -> tuple[LogRow, ...]:
    return tuple(
        LogRow(message=f"row {number}", level=level, timestamp=f"2026-11-23T10:00:{number % 60:02}.000Z")
        for number, level in enumerate(levels)
    )


LONG = _rows(*["info"] * 400, "error", *["info"] * 400)


def test_the_newest_rows_are_shown_and_the_others_counted() -> None:
    view = view_of(LONG, "", "All", at_error=False)
    assert (len(view.rows), view.left_out, view.marked) == (300, 501, None)
    assert view.rows[-1].message == "row 800"


def test_the_first_error_is_shown_with_what_led_to_it() -> None:
    view = view_of(LONG, "not looked at", "Errors", at_error=True)
    assert view.marked is not None
    assert view.rows[view.marked].level == "error"
    assert view.rows[0].message == "row 395"
    assert first_error(_rows("info", "warning")) is None
    assert view_of(_rows("info"), "", "All", at_error=True).rows == _rows("info")


@pytest.mark.parametrize(
    ("level", "search", "messages"),
    [
        ("All", "", ["row 0", "row 1", "row 2", "row 3"]),
        ("Warnings", "", ["row 1", "row 2", "row 3"]),
        ("Errors", "", ["row 2", "row 3"]),
        ("All", "ROW 3", ["row 3"]),
        ("Errors", "row 1", []),
    ],
)
def test_levels_and_search(level: str, search: str, messages: list[str]) -> None:
    view = view_of(_rows("info", "warning", "error", "fatal"), search, level, at_error=False)
    assert [row.message for row in view.rows] == messages


def test_hits_are_marked_and_everything_stays_text() -> None:
    row = LogRow(message="<b>Loss</b> & loss", level="error")
    line = log_line(row, search="LOSS")
    assert "&lt;b&gt;<mark>Loss</mark>&lt;/b&gt; &amp; <mark>loss</mark>" in line
    assert "<b>Loss" not in line
    assert "<mark>" not in log_line(row)
    assert "ß &lt;" in log_line(LogRow(message="ß <"), search="ss")  # folding makes it longer: nothing is marked


def test_the_file_has_every_row_with_its_fields() -> None:
    rows = (
        LogRow(message="metrics", timestamp="2026", fields={"event_type": "x", "task_id": 1, "epoch": 2}),
        LogRow(message="plain", level="warning"),
    )
    assert as_text(rows).splitlines() == ['2026  INFO    metrics  {"epoch": 2}', "  WARNING plain"]
