"""Hyperparameters as people write them: YAML 1.1, with what they copy from elsewhere and what YAML misreads.

The wizard, ``traindash launch``, the embedded server and the trainers all read through this module, so that they say
the same, and say it before the start.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from traindash.language import gettext as _
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
_PART = re.compile(r'"([^"]*)"|([^."]+)')
_COLONS = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")


class HyperparameterLoader(PeoplesLoader):
    """Also reads ``None`` as nothing: so Python writes it, and the default text of Supervisely's YOLO app."""


class HyperparameterDumper(yaml.SafeDumper):
    """Quotes a text that says ``None``, which the loader would read as nothing."""


# In the place of YAML's own resolvers for “N”, which know “Null” and “No”
HyperparameterLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^None$"), ["N"])
HyperparameterDumper.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^None$"), ["N"])


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


def leaves(values: Mapping[str, object]) -> dict[str, object]:
    """Return path → value of nested values; lists and empty groups are values."""
    found: dict[str, object] = {}
    for name, value in values.items():
        key = _written_key(str(name))
        if isinstance(value, Mapping) and value:
            found |= {f"{key}.{inner}": leaf for inner, leaf in leaves(value).items()}
        else:
            found[key] = value
    return found


def nested(values: Mapping[str, object]) -> dict[str, object]:
    """Return the groups that paths stand for, the other way round from :func:`leaves`."""
    found: dict[str, Any] = {}
    for path, value in values.items():
        *groups, name = path_parts(path)
        inside = found
        for group in groups:
            below = inside.get(group)
            inside[group] = inside = below if isinstance(below, dict) else {}
        inside[name] = value
    return found


def _written_key(name: str) -> str:
    """Return a name as a part of a path; one with a dot of its own is quoted."""
    return f'"{name}"' if "." in name or not name else name


def path_parts(path: str) -> list[str]:
    """Return the names of a path."""
    return [quoted or plain for quoted, plain in _PART.findall(path)]


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
        seen = _("an odd character ({name}, {code})") if plain.strip() else _("an invisible character ({name}, {code})")
        said = seen.format(name=name, code=f"U+{ord(character):04X}")
        line = text.count("\n", 0, index) + 1
        yield Lookalike(index=index, line=line, said=said, plain=plain)


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
            is_octal = isinstance(value, int)
            why = _("a number that begins with 0 is octal to YAML") if is_octal else _("YAML reads it as text")
            return Misread(why=why, meant=str(meant))
    if _COLONS.fullmatch(written) and isinstance(value, int | float):
        return Misread(why=_("numbers with colons are hours, minutes and seconds to YAML"), meant=None)
    return None


def with_point(value: object) -> str | None:
    """Return a number such as ``1e-3``, which YAML 1.1 reads as text, in a way that it reads as a number."""
    # YAML 1.1 wants a point in a float, and PyYAML a sign in its exponent.
    if not isinstance(value, str) or not _NUMBER_WITHOUT_POINT.fullmatch(value.strip()):
        return None
    mantissa, _e, exponent = value.strip().lower().partition("e")
    point = "" if "." in mantissa else ".0"
    signed = exponent if exponent.startswith(("-", "+")) else f"+{exponent}"
    return f"{mantissa}{point}e{signed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueNode:
    """A value that is no group, where it stands."""

    path: str
    key: yaml.Node
    value: yaml.Node


def value_nodes(node: yaml.Node | None) -> Iterator[ValueNode]:
    """Yield the values of a tree that :func:`values` has read before, in the order of the text.

    A key that is given twice counts once, with its last value, as YAML readers take it. The values of an alias come
    with their place in the group that it stands for.
    """
    yield from _value_nodes(node, ())


def _value_nodes(node: yaml.Node | None, groups: tuple[str, ...]) -> Iterator[ValueNode]:
    # Reading has put the pairs of merged groups before the node's own, which count
    pairs = {str(key.value): (key, value) for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}
    for name, (key, value) in pairs.items():
        path = (*groups, _written_key(name))
        if isinstance(value, yaml.MappingNode) and value.value:
            yield from _value_nodes(value, path)
        else:
            yield ValueNode(path=".".join(path), key=key, value=value)


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
                yield from _text_numbers(child, (*path, _written_key(str(key.value))), seen)
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
        replacing = _("Replace it by “{plain}”.").format(plain=odd.plain)
        hint = replacing if odd.plain.strip() else _("Type the line anew, with plain blanks.")
        return YamlProblem(line=odd.line, message=_("there is {what}").format(what=odd.said), hint=hint)
    try:
        node = compose_hyperparameters(text)
        content = values(node, HyperparameterLoader)
    except yaml.YAMLError as error:
        found = problem_of(error)
        return replace(found, message=_("it is not valid YAML: {problem}").format(problem=found.message))
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        message = _("it is no list of “name: value” lines")
        return YamlProblem(line=None, message=message, hint=_("Write one “name: value” per line."))
    for item in value_nodes(node):
        value = values(item.value, HyperparameterLoader)
        if (wrong := misread(item.value, value)) is not None:
            message = _("“{text}” is read as {value}: {why}")
            message = message.format(text=f"{item.path}: {item.value.value}", value=value, why=wrong.why)
            writing = _("Write {meant}.").format(meant=wrong.meant)
            hint = writing if wrong.meant else _("Write the number that is meant.")
            return YamlProblem(line=item.key.start_mark.line + 1, message=message, hint=hint)
    return None


# Values changed in a text, which stays as the person wrote it.


def value_text(value: object) -> str:
    """Return a value as it is written in YAML, on one line."""
    if isinstance(value, bool):
        return str(value)
    # Only in double quotes are line breaks written as escapes, and YAML knows more of them than “\n” (U+0085, U+2028).
    style = '"' if isinstance(value, str) and value.splitlines() != [value] else None
    written = yaml.dump(
        value,
        Dumper=HyperparameterDumper,
        default_style=style,
        default_flow_style=True,
        allow_unicode=True,
        width=10_000,
    )
    # PyYAML ends a lone scalar with “...”.
    return written.removesuffix("\n").removesuffix("\n...")


def with_values(text: str, changes: Mapping[str, object]) -> str:
    """Return a readable text with other values (path → value); all else in it, comments too, stays as it was.

    Keys that it does not have yet are added at the end of their group, or of the text. Only a text in which single
    values cannot be exchanged, because one value stands for another, is written anew.

    Raises:
        yaml.MarkedYAMLError: The text cannot be read.
    """
    node = compose_hyperparameters(text, takes_repeated=True)
    before = _leaves_of(node)
    new = {path: value for path, value in changes.items() if path not in before}
    kept = {path: value for path, value in before.items() if not any(added.startswith(f"{path}.") for added in new)}
    wanted = {**kept, **changes}
    try:
        changed = _changed_in_place(text, node, changes, new)
        if _leaves_of(compose_hyperparameters(changed, takes_repeated=True)) == wanted:
            return changed
    except yaml.YAMLError:  # the place of an alias is that of its anchor
        pass
    return "".join(f"{value_text(name)}: {value_text(value)}\n" for name, value in nested(wanted).items())


def _changed_in_place(
    text: str, node: yaml.Node | None, changes: Mapping[str, object], new: Mapping[str, object]
) -> str:
    spans = {
        (found.value.start_mark.index, found.value.end_mark.index): value_text(changes[found.path])
        for found in value_nodes(node)
        if found.path in changes
    }
    # From the end on, so that the places of earlier values stay right.
    for (start, end), written in sorted(spans.items(), reverse=True):
        text = _replaced(text, start, end, written)
    for path, value in new.items():
        text = _with_new(text, path, value)
    return text


def _leaves_of(node: yaml.Node | None) -> dict[str, object]:
    content = values(node, HyperparameterLoader)
    return leaves(content) if isinstance(content, dict) else {}


def _with_new(text: str, path: str, value: object) -> str:
    group, rest, is_root = compose_hyperparameters(text, takes_repeated=True), path_parts(path), True
    while isinstance(group, yaml.MappingNode):
        child = next((child for key, child in group.value if key.value == rest[0]), None)
        if child is None:
            break
        group, rest, is_root = child, rest[1:], False
        if not rest:
            break
    if group is None or (is_root and not (isinstance(group, yaml.MappingNode) and group.flow_style)):
        return f"{text.rstrip()}\n{_block(rest, value)}\n".lstrip("\n")
    if not isinstance(group, yaml.MappingNode) or not rest:  # a single value where the group should be
        return _replaced(text, group.start_mark.index, group.end_mark.index, _flow(rest, value, braces=bool(rest)))
    if group.flow_style:
        place = group.end_mark.index - 1
        comma = ", " if group.value else ""
        return f"{text[:place].rstrip()}{comma}{_flow(rest, value, braces=False)}{text[place:]}"
    place = text.find("\n", _end_of(group))
    place = len(text) if place < 0 else place
    indent = " " * group.value[0][0].start_mark.column
    lines = "\n".join(f"{indent}{line}" for line in _block(rest, value).split("\n"))
    return f"{text[:place]}\n{lines}{text[place:]}"


def _end_of(node: yaml.Node) -> int:
    """Return where the last value of a node ends; a block itself ends only where the next one begins."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return node.end_mark.index


def _block(names: list[str], value: object) -> str:
    """Return a line for each name, the second one inside the first, and the value behind the last one."""
    lines = [f"{'  ' * depth}{value_text(name)}:" for depth, name in enumerate(names)]
    return "\n".join(lines) + f" {value_text(value)}"


def _flow(names: list[str], value: object, *, braces: bool) -> str:
    """Return ``a: {b: value}`` for the names ``a`` and ``b``, in braces on demand."""
    written = value_text(value)
    for depth, name in enumerate(reversed(names), start=1):
        written = f"{value_text(name)}: {written}"
        written = written if depth == len(names) and not braces else f"{{{written}}}"
    return written


def _replaced(text: str, start: int, end: int, written: str) -> str:
    gap = " " if start and text[start - 1] == ":" else ""
    return f"{text[:start]}{gap}{written}{text[end:]}"
