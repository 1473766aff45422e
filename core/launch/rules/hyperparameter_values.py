"""Whether the values of hyperparameters are possible, and what to write instead."""

import re
from dataclasses import dataclass

import yaml

from core.frameworks.reference import Hyperparameter, Reference

_NUMBER_WITHOUT_POINT = re.compile(r"[-+]?\d[\d_]*[eE][-+]?\d+")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)")
_WORDS = {
    **dict.fromkeys(("true", "yes", "on"), "True"),
    **dict.fromkeys(("false", "no", "off"), "False"),
    **dict.fromkeys(("none", "null", "~"), "null"),
}
_LONGEST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A key with its value and its place in the text; spans are positions of characters, the end is not included."""

    name: str
    value: object
    line: int
    name_span: tuple[int, int]
    value_span: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """What puts a problem right with one click.

    Attributes:
        label: On the button.
        text: The whole text afterwards.
    """

    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextProblem:
    """Something wrong in the text.

    Attributes:
        line: 1 for the first line; ``None`` when it is about the whole text.
        message: One sentence.
        hint: What to write instead.
        fix: Does it.
    """

    line: int | None
    message: str
    hint: str
    fix: Fix | None = None


def value_problems(
    text: str, entries: tuple[Entry, ...], reference: Reference | None
) -> tuple[tuple[TextProblem, ...], tuple[TextProblem, ...]]:
    """Check each value by itself.

    Args:
        text: The text that the entries come from.
        entries: Keys and values.
        reference: What the framework's keys may be; without it, only numbers that YAML reads as text are found.

    Returns:
        What the framework will not take, and what is suspicious.
    """
    errors: list[TextProblem] = []
    warnings: list[TextProblem] = []
    for entry in entries:
        key = reference.keys.get(entry.name) if reference else None
        if key is None:
            warnings.extend(_number_read_as_text(text, entry) or _foreign(text, entry, reference))
        elif not _fits(key, entry.value):
            errors.append(_wrong(text, entry, key))
        elif not _is_usual(key, entry.value):
            message = f"Line {entry.line}: {entry.name} is {entry.value}, which is unusual."
            warnings.append(TextProblem(line=entry.line, message=message, hint=key.meaning))
    return tuple(errors), tuple(warnings)


def value_text(value: object) -> str:
    """Return a value as it is written in YAML, on one line."""
    if isinstance(value, bool):
        return str(value)
    written = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return written.removesuffix("\n").removesuffix("\n...")


def _number_read_as_text(text: str, entry: Entry) -> list[TextProblem]:
    better = _with_point(entry.value)
    if better is None:
        return []
    message = f"Line {entry.line}: “{entry.name}: {entry.value}” is read as text, not as a number."
    hint = f"YAML 1.1 wants a decimal point: {better}."
    return [TextProblem(line=entry.line, message=message, hint=hint, fix=_replacing(text, entry, better))]


def _foreign(text: str, entry: Entry, reference: Reference | None) -> list[TextProblem]:
    name, where = entry.name, f"Line {entry.line}: “{entry.name}”"
    match reference:
        case None:
            return []
        case Reference(decided=decided) if name in decided:
            message, hint, fix = f"{where} is not used: {decided[name]}.", "Remove the line.", None
        case Reference(refused=refused) if name in refused:
            if not entry.value:
                return []
            message, hint, fix = f"{where} cannot be used here.", refused[name], None
        case Reference(unused=unused) if name in unused:
            message, hint, fix = (
                f"{where} is for {unused[name]} and changes nothing here.",
                "Remove the line.",
                None,
            )
        case _:
            message, hint, fix = f"{where} is not known to {reference.title}.", "The training may refuse it.", None
            if (near := reference.nearest(name)) is not None:
                start, end = entry.name_span
                hint = f"Did you mean “{near}”? {hint}"
                fix = Fix(label=f"Rename to “{near}”", text=f"{text[:start]}{near}{text[end:]}")
    return [TextProblem(line=entry.line, message=message, hint=hint, fix=fix)]


def _fits(key: Hyperparameter, value: object) -> bool:
    match value:
        case None:
            return key.optional
        case bool():
            return "flag" in key.kinds
        case int() | float():
            is_whole = isinstance(value, int) or value.is_integer()
            return ("number" in key.kinds or ("whole" in key.kinds and is_whole)) and _inside(value, key.limits)
        case str():
            return "text" in key.kinds or value.casefold() in {choice.casefold() for choice in key.choices}
        case list():
            return "list" in key.kinds
        case _:
            return False


def _is_usual(key: Hyperparameter, value: object) -> bool:
    return isinstance(value, bool) or not isinstance(value, int | float) or _inside(value, key.usual)


def _inside(value: float, limits: tuple[float | None, float | None]) -> bool:
    low, high = limits
    return (low is None or value >= low) and (high is None or value <= high)


def _wrong(text: str, entry: Entry, key: Hyperparameter) -> TextProblem:
    better = _better(key, entry.value)
    said = "empty" if entry.value is None else _shown(entry.value)
    message = f"Line {entry.line}: {key.name} is {said}; it has to be {key.expected}."
    hint = f"YAML reads it as text, not as a number: write {better}." if _with_point(entry.value) else key.meaning
    return TextProblem(
        line=entry.line,
        message=message,
        hint=hint,
        fix=None if better is None else _replacing(text, entry, better),
    )


def _better(key: Hyperparameter, value: object) -> str | None:
    """Return what was most likely meant, if that can be told."""
    if value is None:
        return value_text(key.default)
    if not isinstance(value, str):
        return None
    word = value.strip().casefold()
    meant = (
        _with_point(value),
        word if _NUMBER.fullmatch(word) else None,
        _WORDS.get(word),
        next((choice for choice in key.choices if choice.casefold() == word), None),
    )
    return next((text for text in meant if text is not None and _fits(key, yaml.safe_load(text))), None)


def _with_point(value: object) -> str | None:
    """Return a number such as ``1e-3``, which YAML 1.1 reads as text, in a way that it reads as a number."""
    if not isinstance(value, str) or not _NUMBER_WITHOUT_POINT.fullmatch(value.strip()):
        return None
    mantissa, _, exponent = value.strip().lower().partition("e")
    signed = exponent if exponent.startswith(("-", "+")) else f"+{exponent}"
    return f"{mantissa}.0e{signed}"


def _replacing(text: str, entry: Entry, better: str) -> Fix:
    start, end = entry.value_span
    gap = " " if start and text[start - 1] == ":" else ""
    return Fix(label=f"Write {entry.name}: {better}", text=f"{text[:start]}{gap}{better}{text[end:]}")


def _shown(value: object) -> str:
    shown = f"“{value}”" if isinstance(value, str) else str(value)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
