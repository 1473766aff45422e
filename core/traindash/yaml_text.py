"""YAML that people wrote: read within bounds, and what is wrong with it in their words.

All errors are ``yaml.MarkedYAMLError``; :func:`problem_of` says what to tell. Aliases may stand for values, but not
multiply into more than a person writes, and no value may hold itself.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import yaml
from yaml.reader import ReaderError

from traindash.formatting import count
from traindash.language import N_
from traindash.language import gettext as _

_DEEPEST = 50
_MOST_VALUES = 100_000
_MERGE = "tag:yaml.org,2002:merge"
_LONGEST_QUOTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlProblem:
    """Why a text cannot be read."""

    line: int | None  # 1 for the first line; `None` when it is about the whole text
    message: str  # the rest of a sentence, without its full stop
    hint: str  # what to write instead


class _RefusedError(yaml.MarkedYAMLError):
    """What PyYAML would take or not place; its problem is in people's words."""


def compose(
    text: str, loader: type[yaml.SafeLoader] = yaml.SafeLoader, *, takes_repeated: bool = False
) -> yaml.Node | None:
    """Return the tree of a text's values with their places; ``None`` for a text without any.

    The loader tells types apart. With ``takes_repeated`` a key may be given twice.

    Raises:
        yaml.MarkedYAMLError: It is no YAML, has a key twice, or leaves the bounds.
    """
    try:
        node = yaml.compose(text, Loader=_shallow(cast("Hashable", loader)))
    except RecursionError as error:
        raise _too_deep(None) from error
    except ReaderError as error:
        mark = yaml.Mark("", error.position, text[: error.position].count("\n"), 0, None, 0)
        code = f"U+{int(error.character):04X}"
        problem = _("the character {code} cannot be in a text").format(code=code)
        raise _RefusedError(problem=problem, problem_mark=mark) from error
    if node is not None:
        _check(node, {}, ())
        if not takes_repeated:
            _refuse_repeated(node, set())
    return node


class _Shallow:
    """Mixed into a loader: ends at the bracket that is too deep; PyYAML (6.0) looks at all open ones for each."""

    flow_level: int

    def fetch_flow_collection_start(self, token: type[yaml.Token]) -> None:
        """Take an opening bracket."""
        if self.flow_level >= _DEEPEST:
            raise _too_deep(self.get_mark())  # type: ignore[attr-defined]
        super().fetch_flow_collection_start(token)  # type: ignore[misc]


@lru_cache
def _shallow(loader: Any) -> type[yaml.SafeLoader]:  # noqa: ANN401 - a class of loaders
    return type(loader.__name__, (_Shallow, loader), {})


def values(node: yaml.Node | None, loader: type[yaml.SafeLoader] | None = None) -> object:
    """Return what the tree of a text says, by default with the types of YAML 1.1.

    Raises:
        yaml.MarkedYAMLError: A value is none of its type, such as a date with a 13th month.
    """
    reader = (loader or PeoplesLoader)("")
    try:
        return None if node is None else reader.construct_document(node)
    finally:
        reader.dispose()


class PeoplesLoader(yaml.SafeLoader):
    """Tells of a value that Python cannot make with its place; PyYAML lets Python's own error through."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> object:  # noqa: FBT001, FBT002 - as its base
        """Return the value of a node."""
        try:
            return super().construct_object(node, deep)
        # Of 2024-13-45, of 5,000 digits, of “!!bool maybe”, “!!timestamp soon”, “!!int ''”
        except (ValueError, OverflowError, KeyError, AttributeError, IndexError, TypeError) as error:
            shown = str(node.value)[:_LONGEST_QUOTE]
            problem = _("“{text}” looks like a number or a date, and is none").format(text=shown)
            raise _RefusedError(problem=problem, problem_mark=node.start_mark) from error


class AsWritten(PeoplesLoader):
    """Reads every value as the text that stands there: ``02146``, ``no`` and ``12:30`` stay what they are."""


def _as_text(_loader: AsWritten, node: yaml.ScalarNode) -> str:
    return str(node.value)


def _as_list(loader: AsWritten, node: yaml.SequenceNode) -> list[object]:
    return loader.construct_sequence(node, deep=True)


for _kind in ("int", "float", "bool", "null", "timestamp", "value"):
    AsWritten.add_constructor(f"tag:yaml.org,2002:{_kind}", _as_text)
# How PyYAML writes the tuples of a program
AsWritten.add_constructor("tag:yaml.org,2002:python/tuple", _as_list)


def _check(node: yaml.Node, sizes: dict[int, int], above: tuple[int, ...]) -> int:
    """Return how many values a node is when all aliases are written out."""
    if (known := sizes.get(id(node))) is not None:
        return known
    if id(node) in above:
        raise _RefusedError(problem=_("a value holds itself"), problem_mark=node.start_mark)
    if len(above) >= _DEEPEST:
        raise _too_deep(node.start_mark)
    size = 1 + sum(_check(child, sizes, (*above, id(node))) for child in _children(node))
    if size > _MOST_VALUES:
        problem = _("there are more than {number} values").format(number=count(_MOST_VALUES))
        raise _RefusedError(problem=problem, problem_mark=node.start_mark)
    sizes[id(node)] = size
    return size


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    match node:
        case yaml.MappingNode():
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise _RefusedError(problem=_("a name is no text"), problem_mark=key.start_mark)
                yield from (key, value)
        case yaml.SequenceNode():
            yield from node.value
        case _:
            pass


def _refuse_repeated(node: yaml.Node, done: set[int]) -> None:
    """Refuse a key that is given twice; plain YAML would silently take the last one."""
    if id(node) in done:
        return
    done.add(id(node))
    names: set[str] = set()
    for key, _value in node.value if isinstance(node, yaml.MappingNode) else ():
        if key.value in names and key.tag != _MERGE:
            raise _RefusedError(problem=_("{key} is given twice").format(key=key.value), problem_mark=key.start_mark)
        names.add(key.value)
    for child in _children(node):
        _refuse_repeated(child, done)


def _too_deep(mark: yaml.Mark | None) -> yaml.MarkedYAMLError:
    return _RefusedError(problem=_("values are nested too deeply"), problem_mark=mark)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mistake:
    """A mistake that people make, in PyYAML's words and in ours."""

    context: str = ""  # part of what PyYAML says it was doing
    reason: str  # part of what PyYAML says went wrong
    message: str
    hint: str
    at_start: bool = False  # the line to look at is where the unfinished thing begins, not where the reader gave up


_IN_QUOTES = N_("Put it in quotes.")
_MISTAKES = (
    _Mistake(
        context="flow sequence", reason="", message=N_("the list that begins with “[” is not closed"),
        hint=N_("Write “]” at its end."), at_start=True,
    ),
    _Mistake(
        context="flow mapping", reason="", message=N_("the group that begins with a curly bracket is not closed"),
        hint=N_("Write the closing one at its end."), at_start=True,
    ),
    _Mistake(
        reason="unknown escape character", message=N_("a backslash between double quotes begins a special character"),
        hint=N_("Write single quotes, or “/” in a path."),
    ),
    _Mistake(
        context="quoted scalar", reason="", message=N_("a quotation mark is not closed"),
        hint=N_("Write the second quotation mark."), at_start=True,
    ),
    _Mistake(
        reason="could not find expected ':'", message=N_("there is no colon after the name"),
        hint=N_("Write “name: value”."), at_start=True,
    ),
    _Mistake(
        reason="mapping values are not allowed",
        message=N_("there is a colon too many, or the line is indented too far"),
        hint=N_("Write one “name: value” per line; put a value with a colon in quotes."),
    ),
    _Mistake(
        reason="\\t", message=N_("there is a tab where only spaces may be"), hint=N_("Indent with spaces."),
    ),
    _Mistake(
        reason="that cannot start any token", message=N_("a value begins with a special character"), hint=_IN_QUOTES,
    ),
    _Mistake(
        reason="could not determine a constructor", message=N_("“!” begins a note that only programs understand"),
        hint=N_("Remove it; a value that begins with “!” needs quotes."),
    ),
    _Mistake(
        reason="undefined alias", message=N_("“*” stands for a value that “&” names nowhere"), hint=_IN_QUOTES,
    ),
    _Mistake(
        reason="undefined tag handle", message=N_("“!” begins a note that only programs understand"), hint=_IN_QUOTES,
    ),
    _Mistake(
        reason="for merging", message=N_("“<<” takes in something that is no group of “name: value” lines"),
        hint=N_("Name a group with “&”, and take it in with “<<: *name”."),
    ),
    _Mistake(
        reason="expected <block end>", message=N_("the line begins further left or right than those it belongs to"),
        hint=N_("Indent all lines of a group alike, or put the value above it in quotes."),
    ),
    _Mistake(
        reason="but found '<stream end>'", message=N_("the text ends within a list or group"),
        hint=N_("Look for a bracket that is not closed."),
    ),
    _Mistake(
        reason="expected the node content", message=N_("a value is missing"),
        hint=N_("Look for a bracket or comma too many."),
    ),
    _Mistake(reason="duplicate anchor", message=N_("“&” gives the same name twice"), hint=N_("Choose another name.")),
    _Mistake(
        reason="expected a single document", message=N_("a second text begins with “---”"),
        hint=N_("Keep one of the texts."),
    ),
)  # fmt: skip


def problem_of(error: yaml.YAMLError) -> YamlProblem:
    """Return what to tell a person of an error."""
    context = str(getattr(error, "context", None) or "")
    reason = str(getattr(error, "problem", None) or _("it cannot be read"))
    said = f"{context} {reason}"
    own = isinstance(error, _RefusedError)
    known = next((item for item in _MISTAKES if not own and item.context in context and item.reason in said), None)
    at_start = known is not None and known.at_start
    mark = getattr(error, "context_mark" if at_start else "problem_mark", None) or getattr(error, "context_mark", None)
    return YamlProblem(
        line=None if mark is None else mark.line + 1,
        message=reason if known is None else _(known.message),
        hint=_("Write one “name: value” per line." if known is None else known.hint),
    )
