"""Hyperparameters as people write them: YAML 1.1, with what they copy from elsewhere and what YAML misreads.

The wizard, ``traindash launch``, the embedded server and the trainers all read through this module, so that they say
the same, and say it before the start.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import yaml

from traindash.yaml_text import PeoplesLoader, YamlProblem, compose, problem_of, values

_QUOTED_OR_COMMENT = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|(?:^|(?<=[ \t\n]))#[^\n]*", re.MULTILINE)
_LINE_BREAKS = "\x85\u2028\u2029"
# Straight quotes that text processors bend, by language: “ ” „ ‟ « » ″, and the single ones
_QUOTES = {
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033", '"'),
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032", "'"),
}
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
_NUMBER_WITHOUT_POINT = re.compile(r"[-+]?(?:\d[\d_]*[eE][-+]?\d+|(?:\d+\.\d*|\.\d+)[eE]\d+)")
_COLONS = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")


class HyperparameterLoader(PeoplesLoader):
    """Also reads ``None`` as nothing: so Python writes it, and the default text of Supervisely's YOLO app."""


# In the place of YAML's own resolvers for “N”, which know “Null” and “No”
HyperparameterLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^None$"), ["N"])


def read_mapping(text: str) -> Mapping[str, object]:
    """Return key → value; nothing for an empty text.

    Raises:
        yaml.MarkedYAMLError: It cannot be read; see :func:`traindash.yaml_text.problem_of`.
        TypeError: It is something else than “key: value” lines.
    """
    content = values(compose_hyperparameters(text), HyperparameterLoader)
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise TypeError("no mapping of texts")
    return content


def compose_hyperparameters(text: str, *, takes_repeated: bool = False) -> yaml.Node | None:
    """Return the tree of a text; a key that is given twice is refused, or taken for somebody else to tell of.

    Raises:
        yaml.MarkedYAMLError: It cannot be read.
    """
    return compose(text, HyperparameterLoader, takes_repeated=takes_repeated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookalike:
    """A character outside of quotes and comments that people take for another one, or do not see at all."""

    index: int  # its place in the text
    line: int  # 1 for the first
    said: str  # what it is, for a sentence
    plain: str  # what is meant; empty for one without a width


def lookalikes(text: str) -> Iterator[Lookalike]:
    """Find what web pages, text processors and phones put in the place of blanks, quotes, dashes and digits."""
    if text.isascii():
        return
    covered = [found.span() for found in _QUOTED_OR_COMMENT.finditer(text)]
    for index, character in enumerate(text):
        if character.isascii() or (index == 0 and character == "\ufeff"):
            continue
        plain = _plain(character)
        if plain is None or any(start <= index < end for start, end in covered):
            continue
        name = unicodedata.name(character, "no name").lower()
        seen = "an odd character" if plain.strip() else "an invisible character"
        line = text.count("\n", 0, index) + 1
        yield Lookalike(index=index, line=line, said=f"{seen} ({name}, U+{ord(character):04X})", plain=plain)


def _plain(character: str) -> str | None:
    """Return the ASCII that stands for a character in YAML, ``None`` for letters and signs of their own."""
    if character in _LINE_BREAKS:
        return "\n"
    if character in _QUOTES:
        return _QUOTES[character]
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    if category == "Zs":
        return " "
    if category == "Pd" or character == "−":
        return "-"
    wide = unicodedata.normalize("NFKC", character)  # digits and colons of Chinese and Japanese keyboards
    return wide if wide.isascii() and len(wide) == 1 else None


def with_plain_characters(text: str) -> str:
    """Return a text with all lookalikes replaced by what they are taken for."""
    plain = {found.index: found.plain for found in lookalikes(text)}
    return "".join(plain.get(index, character) for index, character in enumerate(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Misread:
    """A number that YAML 1.1 takes for another one than people do."""

    why: str  # the rest of a sentence
    meant: str | None  # what was most likely meant, as it is to be written; `None` if that cannot be told


def misread(node: yaml.Node, value: object) -> Misread | None:
    """Return how YAML 1.1 reads a value against what stands there: ``064`` as 52, ``1:30`` as 90."""
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return None
    written = str(node.value)
    # 089 is no octal number, so YAML takes it for a text
    if _LEADING_ZERO.fullmatch(written) and isinstance(value, int | str):
        meant = int(written.replace("_", ""))
        if meant != value:
            why = "a number that begins with 0 is octal to YAML" if isinstance(value, int) else "YAML reads it as text"
            return Misread(why=why, meant=str(meant))
    if _COLONS.fullmatch(written) and isinstance(value, int | float):
        return Misread(why="numbers with colons are hours, minutes and seconds to YAML", meant=None)
    return None


def with_point(value: object) -> str | None:
    """Return a number such as ``1e-3``, which YAML 1.1 reads as text, in a way that it reads as a number."""
    # YAML 1.1 wants a point in a float, and PyYAML a sign in its exponent.
    if not isinstance(value, str) or not _NUMBER_WITHOUT_POINT.fullmatch(value.strip()):
        return None
    mantissa, _, exponent = value.strip().lower().partition("e")
    point = "" if "." in mantissa else ".0"
    signed = exponent if exponent.startswith(("-", "+")) else f"+{exponent}"
    return f"{mantissa}{point}e{signed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextNumber:
    """A number that YAML takes for a text, wherever it stands."""

    path: str  # keys that lead to it, joined by dots
    written: str
    better: str  # how YAML reads it as a number
    line: int
    span: tuple[int, int]  # its place in the text


def numbers_read_as_text(node: yaml.Node | None) -> Iterator[TextNumber]:
    """Find numbers like ``1e-3`` in all depths; whoever puts one in quotes wants a text."""
    yield from _text_numbers(node, (), set())


def _text_numbers(node: yaml.Node | None, path: tuple[str, ...], seen: set[int]) -> Iterator[TextNumber]:
    if id(node) in seen:  # an alias: told where it was given its value
        return
    seen.add(id(node))
    match node:
        case yaml.MappingNode():
            for key, child in node.value:
                yield from _text_numbers(child, (*path, str(key.value)), seen)
        case yaml.SequenceNode():
            for child in node.value:
                yield from _text_numbers(child, path, seen)
        case yaml.ScalarNode(style=None) if node.tag == "tag:yaml.org,2002:str":
            if (better := with_point(node.value)) is not None:
                span = (node.start_mark.index, node.end_mark.index)
                line = node.start_mark.line + 1
                yield TextNumber(path=".".join(path), written=node.value, better=better, line=line, span=span)
        case _:
            pass


def first_problem(text: str) -> YamlProblem | None:
    """Return why a text cannot be used whatever its keys are; ``None`` if it can."""
    if (odd := next(lookalikes(text), None)) is not None:
        hint = f"Replace it by “{odd.plain}”." if odd.plain.strip() else "Type the line anew, with plain blanks."
        return YamlProblem(line=odd.line, message=f"there is {odd.said}", hint=hint)
    try:
        node = compose_hyperparameters(text)
        content = values(node, HyperparameterLoader)
    except yaml.YAMLError as error:
        found = problem_of(error)
        return replace(found, message=f"it is not valid YAML: {found.message}")
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        return YamlProblem(line=None, message="it is no list of “name: value” lines", hint="Write “epochs: 20”, say.")
    for key, child in node.value if isinstance(node, yaml.MappingNode) else ():
        value = content.get(key.value)
        if (wrong := misread(child, value)) is not None:
            message = f"“{key.value}: {child.value}” is {value}, for {wrong.why}"
            hint = f"Write {wrong.meant}." if wrong.meant else "Write the number that is meant."
            return YamlProblem(line=key.start_mark.line + 1, message=message, hint=hint)
    return None
