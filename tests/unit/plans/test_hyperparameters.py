"""Reading hyperparameters, and what differs from the defaults."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traindash.plans.hyperparameters import Difference, differences, read_text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("epochs: 20\nbatch: [1, 2\nlr0: 1", 2),
        ("epochs: 20\nbatch: {a: 1\nlr0: 1", 2),
        ("epochs: 20\nname: 'open\nlr0: 1", 2),
        ("epochs: 20\n\tbatch: 8", 2),
        ("epochs: 20\nbatch 8\nlr0: 1", 2),
        ("epochs: 20\n%oops", 2),
        ("a: b: c", 1),
        ("epochs: 20\nepochs: 30", 2),
        ("- epochs", 1),
    ],
)
def test_the_line_of_an_error_is_named(text: str, line: int) -> None:
    found = read_text(text)
    assert [problem.line for problem in found.errors] == [line]
    assert found.errors[0].message.endswith(".")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1", "the list that begins with “[” is not closed"),
        ("a: {b: 1", "the group that begins with a curly bracket is not closed"),
        ('a: "open', "a quotation mark is not closed"),
        ("epochs: 1\nbatch 8\n", "there is no colon after the name"),
        ("a: b: c", "there is a colon too many"),
        ("a:\n\tb: 1", "there is a tab"),
    ],
)
def test_common_mistakes_are_told_in_plain_words(text: str, words: str) -> None:
    assert words in read_text(text).errors[0].message


@pytest.mark.parametrize("text", ["", "   \n", "# only a comment", "--- \n..."])
def test_an_empty_text_is_an_error_about_the_whole(text: str) -> None:
    assert [problem.line for problem in read_text(text).errors] == [None]


def test_a_date_that_does_not_exist_is_an_error_not_a_crash() -> None:
    assert read_text("when: 2026-13-45").errors or read_text("when: 2026-13-45").values


def test_numbers_without_a_point_are_errors_with_their_line() -> None:
    found = read_text("epochs: 20\nlr0: 1e-3\nlrf: -2E4\nname: e5\nok: 1.0e-3")
    assert [(problem.line, problem.hint.split(": ")[1]) for problem in found.errors] == [
        (2, "1.0e-3."),
        (3, "-2.0e+4."),
    ]
    assert found.warnings == ()


def test_differences_name_changed_new_and_removed_keys() -> None:
    found = differences({"epochs": 30, "new": 1, "same": None}, {"epochs": 20, "same": None, "gone": 2})
    assert found == (
        Difference(key="epochs", value=30, default=20),
        Difference(key="new", value=1, default=None, is_new=True),
        Difference(key="gone", value=None, default=2, is_removed=True),
    )


@given(text=st.text(max_size=120))
def test_any_text_gets_an_answer(text: str) -> None:
    found = read_text(text)
    assert bool(found.errors) or bool(found.values)
