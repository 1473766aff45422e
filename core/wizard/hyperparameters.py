"""Hyperparameters as text: where the YAML is wrong, and what differs from the framework's defaults."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mistake:
    """A mistake that people make, in PyYAML's words and in ours.

    Attributes:
        context: Part of what PyYAML says it was doing.
        reason: Part of what PyYAML says went wrong.
        at_start: The line to look at is where the unfinished thing begins, not where the reader gave up.
    """

    context: str = ""
    reason: str
    message: str
    hint: str
    at_start: bool = False


_MISTAKES = (
    _Mistake(
        context="flow sequence", reason="", message="the list that begins with “[” is not closed",
        hint="Write “]” at its end.", at_start=True,
    ),
    _Mistake(
        context="flow mapping", reason="", message="the group that begins with “{” is not closed",
        hint="Write “}” at its end.", at_start=True,
    ),
    _Mistake(
        context="quoted scalar", reason="", message="a quotation mark is not closed",
        hint="Write the second quotation mark.", at_start=True,
    ),
    _Mistake(
        reason="could not find expected ':'", message="there is no colon after the name",
        hint="Write “name: value”.", at_start=True,
    ),
    _Mistake(
        reason="mapping values are not allowed", message="there is a colon too many, or the line is indented too far",
        hint="Write one “name: value” per line; put a value with a colon in quotes.",
    ),
    _Mistake(
        reason="\\t", message="there is a tab where only spaces may be", hint="Indent with spaces.",
    ),
)  # fmt: skip
_NUMBER_WITHOUT_POINT = re.compile(r"[-+]?\d[\d_]*[eE][-+]?\d+")
_NOT_GIVEN = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class TextProblem:
    """Something wrong in the text.

    Attributes:
        line: 1 for the first line; ``None`` when it is about the whole text.
        message: One sentence.
        hint: What to write instead.
    """

    line: int | None
    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadText:
    """What a text says.

    Attributes:
        values: Key → value; empty when the text cannot be used.
        errors: Why it cannot be used.
        warnings: What probably means something else than it says.
    """

    values: Mapping[str, object]
    errors: tuple[TextProblem, ...] = ()
    warnings: tuple[TextProblem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A key whose value is not the default; ``default`` or ``value`` is ``None`` with its flag where it is missing."""

    key: str
    value: object
    default: object
    is_new: bool = False
    is_removed: bool = False


def read_text(text: str) -> ReadText:
    """Read hyperparameters.

    Args:
        text: YAML; usable when it is a mapping of names to values with at least one key.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return ReadText(values={}, errors=(_syntax_problem(error),))
    except (ValueError, RecursionError) as error:  # e.g. the date 2026-13-45
        problem = TextProblem(line=None, message=f"A value cannot be read: {error}.", hint="Put it in quotes.")
        return ReadText(values={}, errors=(problem,))
    if content is None:
        problem = TextProblem(
            line=None, message="There are no hyperparameters in the text.", hint="Write “name: value” lines or reset."
        )
        return ReadText(values={}, errors=(problem,))
    if not isinstance(content, dict):
        problem = TextProblem(
            line=1, message="The text is not a list of “name: value” lines.", hint="Write for example “epochs: 20”."
        )
        return ReadText(values={}, errors=(problem,))
    lines = _key_lines(text)
    values = {str(key): value for key, value in content.items()}
    return ReadText(values=values, errors=_repeated_keys(text), warnings=_numbers_read_as_text(values, lines))


def differences(values: Mapping[str, object], defaults: Mapping[str, object]) -> tuple[Difference, ...]:
    """Return the keys that differ from the defaults: changed and new ones in the text's order, then removed ones."""
    changed = [
        Difference(key=key, value=value, default=defaults.get(key), is_new=key not in defaults)
        for key, value in values.items()
        if defaults.get(key, _NOT_GIVEN) != value
    ]
    removed = [
        Difference(key=key, value=None, default=default, is_removed=True)
        for key, default in defaults.items()
        if key not in values
    ]
    return (*changed, *removed)


def _syntax_problem(error: yaml.YAMLError) -> TextProblem:
    context = str(getattr(error, "context", None) or "")
    reason = str(getattr(error, "problem", None) or "it cannot be read")
    known = next((item for item in _MISTAKES if item.context in context and item.reason in reason), None)
    at_start = known is not None and known.at_start
    mark = getattr(error, "context_mark" if at_start else "problem_mark", None) or getattr(error, "context_mark", None)
    line = mark.line + 1 if mark is not None else None
    where = f"Line {line} is not valid YAML" if line else "The text is not valid YAML"
    if known is None:
        hint = "Write one “name: value” per line, or reset to the defaults."
        return TextProblem(line=line, message=f"{where}: {reason}.", hint=hint)
    return TextProblem(line=line, message=f"{where}: {known.message}.", hint=known.hint)


def _key_nodes(text: str) -> list[tuple[str, int]]:
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        return []
    return [(str(key.value), key.start_mark.line + 1) for key, _ in node.value]


def _key_lines(text: str) -> dict[str, int]:
    return dict(_key_nodes(text))


def _repeated_keys(text: str) -> tuple[TextProblem, ...]:
    seen: dict[str, int] = {}
    problems: list[TextProblem] = []
    for key, line in _key_nodes(text):
        if key in seen:
            message = f"“{key}” is given twice, in line {seen[key]} and in line {line}."
            problems.append(TextProblem(line=line, message=message, hint="Keep one of them."))
        seen.setdefault(key, line)
    return tuple(problems)


def _numbers_read_as_text(values: Mapping[str, object], lines: Mapping[str, int]) -> tuple[TextProblem, ...]:
    return tuple(
        TextProblem(
            line=lines.get(key),
            message=f"“{key}: {value}” is read as text, not as a number.",
            hint=f"YAML 1.1 wants a decimal point: {_with_point(value)}.",
        )
        for key, value in values.items()
        if isinstance(value, str) and _NUMBER_WITHOUT_POINT.fullmatch(value.strip())
    )


def _with_point(text: str) -> str:
    mantissa, _, exponent = text.strip().lower().partition("e")
    signed = exponent if exponent.startswith(("-", "+")) else f"+{exponent}"
    return f"{mantissa}.0e{signed}"
