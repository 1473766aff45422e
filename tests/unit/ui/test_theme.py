"""Names shown as they are, and style sheets as they were written."""

from hypothesis import given
from hypothesis import strategies as st

from traindash.ui.theme import STYLE, plain

_UNSEEN = dict.fromkeys(map(ord, "\u2060\u2068\u2069"))


def test_markdown_and_streamlit_directives_lose_their_meaning() -> None:
    assert plain("**a** :red[b] <i>") == r"\*\*a\*\* \:red\[b\] \<i\>"
    # Icons and emoji are looked for after the escapes are read.
    assert ":material/delete:" not in plain(":material/delete: 12:30:00").replace("\\", "")
    assert "12:30:00" in plain(":material/delete: 12:30:00").replace("\\", "")


def test_a_name_from_right_to_left_stands_on_an_island() -> None:
    assert plain("\u05ea\u05e4") == "\u2068\u05ea\u05e4\u2069"
    assert plain("Größe") == "Größe"


@given(text=st.text())
def test_nothing_is_lost(text: str) -> None:
    letters = iter(plain(text))
    shown = "".join(next(letters) if letter == "\\" else letter for letter in letters)
    assert shown.translate(_UNSEEN) == text.translate(_UNSEEN)


def test_the_style_sheet_is_as_it_was_written() -> None:
    assert STYLE.count("{") == STYLE.count("}") > 100
    assert "&" not in STYLE, "selectors with > or quotes were escaped, so the browser drops their rules"
