"""Names shown as they are."""

from hypothesis import given
from hypothesis import strategies as st

from traindash.ui.theme import plain


def test_markdown_and_streamlit_directives_lose_their_meaning() -> None:
    assert plain("**a** :red[b] <i>") == r"\*\*a\*\* \:red\[b\] \<i\>"


@given(text=st.text())
def test_nothing_is_lost(text: str) -> None:
    letters = iter(plain(text))
    assert "".join(next(letters) if letter == "\\" else letter for letter in letters) == text
