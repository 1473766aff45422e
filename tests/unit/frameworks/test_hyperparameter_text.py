"""What the server says of a text of hyperparameters before it takes it, and what trainers read."""

import pytest
import yaml

from traindash.frameworks.hyperparameter_text import first_problem, read_mapping, with_plain_characters


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("epochs: 1\nlr0:\u00a00.01", 2, "there is an invisible character (no-break space, U+00A0)"),
        ("epochs: 1\nimgsz: 064", 2, "“imgsz: 064” is read as 52: a number that begins with 0 is octal to YAML"),
        ("warmup_epochs: 1:30", 1, "“warmup_epochs: 1:30” is read as 90: numbers with colons are hours"),
        ("epochs: 1\nepochs: 2", 2, "epochs is given twice"),
        ("when: 2024-13-45", 1, "“2024-13-45” looks like a number or a date, and is none"),
        ("seed: " + "9" * 5000, 1, "looks like a number or a date, and is none"),
        ("a: !thing b", 1, "“!” begins a note that only programs understand"),
        ("- a", None, "it is no list of “name: value” lines"),
        ("1: a", None, "it is no list of “name: value” lines"),
        ("", None, "it is no list of “name: value” lines"),
        ("a: &a [*a]", 1, "a value holds itself"),
        ("a: [b", 1, "it is not valid YAML: the list that begins with “[” is not closed"),
    ],
)
def test_what_is_refused_before_the_start(text: str, line: int | None, words: str) -> None:
    found = first_problem(text)
    assert found is not None
    assert (found.line, words in found.message) == (line, True), found
    assert found.hint


@pytest.mark.parametrize("text", ["epochs: 3", "freeze: None\r\nsave: True\r\n", "a: &b .01\nc: *b", "\ufeffepochs: 1"])
def test_what_is_taken(text: str) -> None:
    assert first_problem(text) is None


def test_none_of_python_is_nothing_and_other_words_stay() -> None:
    text = "freeze: None\nname: none\ntime: ~\nquoted: 'None'\nsave: No\ncache: Null"
    assert read_mapping(text) == {
        "freeze": None, "name": "none", "time": None, "quoted": "None", "save": False, "cache": None,
    }  # fmt: skip
    assert read_mapping("") == {}


def test_a_list_is_no_mapping() -> None:
    with pytest.raises(TypeError):
        read_mapping("[a]")
    with pytest.raises(yaml.YAMLError):
        read_mapping("a: [")


def test_plain_characters_stand_for_those_that_look_like_them() -> None:
    text = "a: “x”\u00a0# “bent”\n# “kept” \u2013\nb: 'also – kept'\nc: \u22121\u3000\nd\uff1a \uff11"
    assert with_plain_characters(text) == 'a: "x" # "bent"\n# “kept” –\nb: \'also – kept\'\nc: -1 \nd: 1'
