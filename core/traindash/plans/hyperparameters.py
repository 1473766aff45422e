"""Hyperparameters as text: where the YAML is wrong, and what differs from the framework's defaults."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import yaml

from traindash.formatting import quoted
from traindash.frameworks.hyperparameter_text import (
    HyperparameterLoader,
    Lookalike,
    Misread,
    compose_hyperparameters,
    lookalikes,
    misread,
    numbers_read_as_text,
    value_nodes,
    value_text,
    with_plain_characters,
    with_point,
)
from traindash.frameworks.reference import Hyperparameter, Reference, entry_for, inside
from traindash.frameworks.registry import reference_of
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.problems import Problem, error, warning
from traindash.yaml_text import problem_of, values

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)")
_WORDS = {
    **dict.fromkeys(("true", "yes", "on"), "True"),
    **dict.fromkeys(("false", "no", "off"), "False"),
    **dict.fromkeys(("none", "null", "~"), "null"),
}
_LONGEST = 40
_MAY_REFUSE, _REFUSES = N_("The training may refuse it."), N_("This server refuses it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A key with its value and its place in the text; spans are positions of characters, the end is not included."""

    name: str  # its path: “lr” in the group “optimizer” is `optimizer.lr`
    value: object
    line: int
    misread: Misread | None  # how YAML takes the value otherwise than people do
    name_span: tuple[int, int]
    value_span: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """What puts a problem right with one click."""

    label: str  # on the button
    text: str  # the whole text afterwards


@dataclass(frozen=True, slots=True, kw_only=True)
class TextProblem:
    """Something wrong in the text."""

    line: int | None  # 1 for the first line; `None` when it is about the whole text
    message: str  # one sentence
    hint: str  # what to write instead
    fix: Fix | None = None  # does it
    is_unknown_key: bool = False  # the framework's reference does not have it


def _value_problems(
    text: str, entries: tuple[Entry, ...], reference: Reference | None
) -> tuple[tuple[TextProblem, ...], tuple[TextProblem, ...]]:
    """Return what the framework will not take, and what is suspicious, each value by itself.

    Without a reference, only numbers that YAML takes for others are found.
    """
    errors: list[TextProblem] = []
    warnings: list[TextProblem] = []
    for entry in entries:
        key = reference.keys.get(entry.name) if reference else None
        if entry.misread is not None and (key is not None or reference is None or not reference.knows(entry.name)):
            errors.append(_misread(text, entry, entry.misread))
        elif key is not None and not key.accepts(entry.value):
            errors.append(_wrong(text, entry, key))
        elif key is not None:
            if not _is_usual(key, entry.value):
                message = _("Line {line}: {key} is {value}, which is unusual.")
                message = message.format(line=entry.line, key=entry.name, value=entry.value)
                warnings.append(TextProblem(line=entry.line, message=message, hint=_(key.meaning)))
        elif reference is not None and (found := reference.misplaced(entry.name, entry.value)) is not None:
            message = _("Line {line}: {key} {rest}.").format(line=entry.line, key=found[0], rest=found[1])
            hint = _("Write it as the framework's defaults do.")
            errors.append(TextProblem(line=entry.line, message=message, hint=hint))
        else:
            warnings.extend(_foreign(text, entry, reference))
    return tuple(dict.fromkeys(errors)), tuple(warnings)


def _misread(text: str, entry: Entry, wrong: Misread) -> TextProblem:
    start, end = entry.value_span
    message = _("Line {line}: “{text}” is read as {value}: {why}.").format(
        line=entry.line, text=f"{entry.name}: {text[start:end]}", value=entry.value, why=wrong.why
    )
    if wrong.meant is None:
        return TextProblem(line=entry.line, message=message, hint=_("Write the number that is meant, without colons."))
    hint = _("Write {meant}, or {value} if that is meant.").format(meant=wrong.meant, value=entry.value)
    return TextProblem(line=entry.line, message=message, hint=hint, fix=_replacing(text, entry, wrong.meant))


def _text_numbers(text: str, node: yaml.Node | None, known: Collection[str]) -> tuple[TextProblem, ...]:
    """Return a problem for each number that YAML reads as text, in all depths but for values of known keys."""
    problems = []
    for found in numbers_read_as_text(node):
        if found.path in known:
            continue
        message = _("Line {line}: “{text}” is read as text, not as a number.")
        message = message.format(line=found.line, text=f"{found.path}: {found.written}")
        start, end = found.span
        label = _("Write {text}").format(text=f"{found.path}: {found.better}")
        fix = Fix(label=label, text=f"{text[:start]}{found.better}{text[end:]}")
        hint = _("YAML 1.1 wants a decimal point: {better}.").format(better=found.better)
        problems.append(TextProblem(line=found.line, message=message, hint=hint, fix=fix))
    return tuple(problems)


def idle_values(values: Mapping[str, object], reference: Reference) -> Mapping[str, tuple[str, str]]:
    """Return the keys that a person has changed and that change nothing, because of another one.

    Each comes with the rest of a sentence that begins with it, and with what to do.
    """
    found: dict[str, tuple[str, str]] = {}
    for rule in reference.idle:
        other = values.get(rule.other, reference.keys[rule.other].default)
        for name in rule.keys:
            # A default stands there whether it matters or not; nobody waits for its effect.
            is_changed = name in values and values[name] != reference.keys[name].default
            if is_changed and rule.are_idle(values[name], other):
                why = _("has no effect while {other} is {value}: {why}.")
                why = why.format(other=rule.other, value=_shown(other), why=_(rule.why))
                hint = _("Change {other}, or leave {key} as it is.").format(other=rule.other, key=name)
                found.setdefault(name, (why, hint))
    return found


def _idle_problems(entries: tuple[Entry, ...], reference: Reference) -> tuple[TextProblem, ...]:
    lines = {entry.name: entry.line for entry in entries}
    idle = idle_values({entry.name: entry.value for entry in entries}, reference)
    return tuple(
        TextProblem(
            line=lines[name],
            message=_("Line {line}: {key} {rest}").format(line=lines[name], key=name, rest=why),
            hint=hint,
        )
        for name, (why, hint) in sorted(idle.items(), key=lambda item: lines[item[0]])
    )


def _foreign(text: str, entry: Entry, reference: Reference | None) -> list[TextProblem]:
    name, said, hint, unknown = entry.name, "", _("Remove the line."), False
    fix: Fix | None = None
    match reference:
        case None:
            return []
        case Reference(keys=keys) if name in keys or reference.is_group(name):
            return []
        case Reference(decided=decided) if (about := entry_for(name, decided)) is not None:
            message, said = _("Line {line}: “{key}” is not used: {why}."), _(about)
        case Reference(outdated=outdated) if (about := entry_for(name, outdated)) is not None:
            message, said = _("Line {line}: “{key}” is of an older {title}: {why}."), _(about)
        case Reference(refused=refused) if (about := entry_for(name, refused)) is not None:
            # Switched off, a key that is refused does no harm.
            if not entry.value:
                return []
            message, hint = _("Line {line}: “{key}” cannot be used here."), _(about)
        case Reference(unused=unused) if (about := entry_for(name, unused)) is not None:
            message, said = _("Line {line}: “{key}” is for {why} and changes nothing here."), _(about)
        case _:
            message, hint, unknown = _("Line {line}: “{key}” is not known to {title}."), _(_MAY_REFUSE), True
            if (near := reference.nearest(name)) is not None:
                hint = f"{_('Did you mean “{key}”?').format(key=near)} {hint}"
                fix = _renaming(text, entry, near)
    message = message.format(line=entry.line, key=name, title=reference.title, why=said)
    return [TextProblem(line=entry.line, message=message, hint=hint, fix=fix, is_unknown_key=unknown)]


def _renaming(text: str, entry: Entry, near: str) -> Fix | None:
    """Return how to call a key otherwise; one that belongs into another group is not moved."""
    group, _point, name = near.rpartition(".")
    if group != entry.name.rpartition(".")[0]:
        return None
    start, end = entry.name_span
    return Fix(label=_("Rename to “{key}”").format(key=name), text=f"{text[:start]}{name}{text[end:]}")


def _is_usual(key: Hyperparameter, value: object) -> bool:
    numbers = value if isinstance(value, list) and key.count is not None else [value]
    return all(isinstance(one, bool) or not isinstance(one, int | float) or inside(one, key.usual) for one in numbers)


def _wrong(text: str, entry: Entry, key: Hyperparameter) -> TextProblem:
    better = _better(key, entry.value)
    message = _("Line {line}: {key} is {value}; it has to be {expected}.").format(
        line=entry.line, key=key.name, value=_said(entry.value), expected=key.expected
    )
    as_text = _("YAML reads it as text, not as a number: write {better}.").format(better=better)
    hint = as_text if with_point(entry.value) else _(key.meaning)
    fix = None if better is None else _replacing(text, entry, better)
    return TextProblem(line=entry.line, message=message, hint=hint, fix=fix)


def _better(key: Hyperparameter, value: object) -> str | None:
    """Return what was most likely meant, if that can be told."""
    if value is None:
        return value_text(key.default)
    if key.count is not None and key.accepts([value] * key.count):
        return value_text([value] * key.count)
    if not isinstance(value, str):
        return None
    word = value.strip().casefold()
    meant = (
        with_point(value),
        word if _NUMBER.fullmatch(word) else None,
        _WORDS.get(word),
        next((choice for choice in key.choices if choice.casefold() == word), None),
    )
    return next((text for text in meant if text is not None and key.accepts(yaml.safe_load(text))), None)


def _replacing(text: str, entry: Entry, better: str) -> Fix:
    start, end = entry.value_span
    gap = " " if start and text[start - 1] == ":" else ""
    label = _("Write {text}").format(text=f"{entry.name}: {better}")
    return Fix(label=label, text=f"{text[:start]}{gap}{better}{text[end:]}")


def _said(value: object) -> str:
    return _("empty") if value is None else _shown(value)


def _shown(value: object) -> str:
    shown = quoted(value) if isinstance(value, str) else str(value)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


_WITHOUT_COLON = re.compile(r"(\s*)([A-Za-z_]\w*)[ \t=]+(\S+)\s*")
_NOT_GIVEN = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadText:
    """What a text says."""

    entries: tuple[Entry, ...] = ()  # its keys in their order; empty when the text cannot be read
    errors: tuple[TextProblem, ...] = ()  # why it cannot be used
    warnings: tuple[TextProblem, ...] = ()  # what probably means something else than it says

    @property
    def values(self) -> Mapping[str, object]:
        """Path → value; of a key that is given twice the last one, as YAML readers do."""
        return {entry.name: entry.value for entry in self.entries}

    @property
    def is_readable(self) -> bool:
        """Whether it is a list of keys and values, whatever they are worth."""
        return bool(self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A key whose value is not the default; ``default`` or ``value`` is ``None`` with its flag where it is missing."""

    key: str
    value: object
    default: object
    is_new: bool = False
    is_removed: bool = False


def read_text(text: str, reference: Reference | None = None) -> ReadText:
    """Read hyperparameters.

    A mapping of names to values with at least one key is usable; without a reference, values are not checked.
    """
    odd = _lookalike_problems(text)
    try:
        node = compose_hyperparameters(text, takes_repeated=True)
        repeated = tuple(dict.fromkeys(_repeated_keys(text, node)))
        content = values(node, HyperparameterLoader)
        entries = _entries(node) if isinstance(content, dict) else ()
    except yaml.YAMLError as error:
        return ReadText(errors=odd or (_syntax_problem(text, error),))
    if not content and not entries:
        message = _("There are no hyperparameters in the text.")
        hint = _("Write “name: value” lines or reset.")
        return ReadText(errors=(TextProblem(line=None, message=message, hint=hint),))
    if not entries:
        message = _("The hyperparameters are not a list of “name: value” lines.")
        hint = _("Write one “name: value” per line.")
        return ReadText(errors=odd or (TextProblem(line=1, message=message, hint=hint),))
    lines = {problem.line for problem in odd}
    sound = tuple(entry for entry in entries if entry.line not in lines)
    errors, warnings = _value_problems(text, sound, reference)
    told = {problem.line for problem in errors} | lines
    # Of single values the framework says whether it takes a text; of the numbers in a list nobody does.
    known = () if reference is None else [name for name, key in reference.keys.items() if "list" not in key.kinds]
    numbers = tuple(item for item in _text_numbers(text, node, known) if item.line not in told)
    idle = () if reference is None or errors else _idle_problems(sound, reference)
    return ReadText(entries=entries, errors=(*odd, *repeated, *errors, *numbers), warnings=(*warnings, *idle))


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


def _entries(node: yaml.Node | None) -> tuple[Entry, ...]:
    values(node, HyperparameterLoader)  # puts the pairs of merged groups before the node's own, which count
    return tuple(
        Entry(
            name=item.path,
            value=(found := values(item.value, HyperparameterLoader)),
            line=item.key.start_mark.line + 1,
            name_span=(item.key.start_mark.index, item.key.end_mark.index),
            value_span=(item.value.start_mark.index, item.value.end_mark.index),
            misread=misread(item.value, found),
        )
        for item in value_nodes(node)
    )


def _lookalike_problems(text: str) -> tuple[TextProblem, ...]:
    """Return a problem for each line with characters that are not what they look like, with one fix for all."""
    first: dict[int, Lookalike] = {}
    for found in lookalikes(text):
        first.setdefault(found.line, found)
    fix = Fix(label=_("Replace such characters"), text=with_plain_characters(text)) if first else None
    return tuple(
        TextProblem(
            line=line,
            message=_("Line {line} of the hyperparameters has {what}.").format(line=line, what=found.said),
            hint=_("Write “{plain}” instead.").format(plain=found.plain)
            if found.plain.strip()
            else _("Type the line anew, with plain blanks."),
            fix=fix,
        )
        for line, found in first.items()
    )


def _syntax_problem(text: str, error: yaml.YAMLError) -> TextProblem:
    found = problem_of(error)
    message = (
        _("Line {line} of the hyperparameters is not valid YAML: {problem}.")
        if found.line
        else _("The text of the hyperparameters is not valid YAML: {problem}.")
    ).format(line=found.line, problem=found.message)
    return TextProblem(line=found.line, message=message, hint=found.hint, fix=_syntax_fix(text, found.line))


def _syntax_fix(text: str, line: int | None) -> Fix | None:
    """Return the one obvious way out, if what it gives can be read."""
    lines = text.split("\n")
    wrong = lines[line - 1] if line and line <= len(lines) else ""
    without = _WITHOUT_COLON.fullmatch(wrong)
    if line and without:
        lines[line - 1] = f"{without[1]}{without[2]}: {without[3]}"
        fix = Fix(label=_("Write “{name}”").format(name=f"{without[2]}: {without[3]}"), text="\n".join(lines))
        return fix if _is_mapping(fix.text) else None
    # A tab stands for one step into a group; where that gives none, the lines belong to the left edge.
    texts = ("\n".join(_without_tabs(item, step) for item in lines) for step in ("  ", "")) if "\t" in text else ()
    better = next((item for item in texts if _is_mapping(item)), None)
    return None if better is None else Fix(label=_("Replace tabs by spaces"), text=better)


def _is_mapping(text: str) -> bool:
    try:
        return isinstance(yaml.safe_load(text), dict)
    except (yaml.YAMLError, ValueError, RecursionError):
        return False


def _without_tabs(line: str, step: str) -> str:
    indent = len(line) - len(line.lstrip(" \t"))
    kept = line[:indent] if "\t" not in line[:indent] else line[:indent].replace("\t", step) if step else ""
    return kept + line[indent:].replace("\t", " ")


def _repeated_keys(text: str, node: yaml.Node | None) -> tuple[TextProblem, ...]:
    seen: dict[str, int] = {}
    problems: list[TextProblem] = []
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        name, line = str(key.value), key.start_mark.line + 1
        if name in seen and name != "<<":
            message = _("“{key}” is given twice, in line {first} and in line {second}.")
            message = message.format(key=name, first=seen[name], second=line)
            lines = text.split("\n")
            kept = [*lines[: line - 1], *lines[line:]]
            # A value of several lines cannot be removed with one line, and one of a line with others neither.
            whole = lines[line - 1].strip().startswith(name)
            ends_there = whole and "\n" not in text[value.start_mark.index : value.end_mark.index].rstrip()
            fix = Fix(label=_("Remove line {line}").format(line=line), text="\n".join(kept)) if ends_there else None
            problems.append(TextProblem(line=line, message=message, hint=_("Keep one of them."), fix=fix))
        seen.setdefault(name, line)
        problems.extend(_repeated_keys(text, value))
    return tuple(problems)


def text_problems(text: str, framework: str | None, *, refuses_unknown: bool = False) -> tuple[Problem, ...]:
    """Return everything that cannot be read or used, errors first. The framework is ``None`` where it is not known.

    With ``refuses_unknown`` the server takes no key that the framework's reference does not have.
    """
    found = read_text(text, None if framework is None else reference_of(framework))
    if refuses_unknown:
        found = with_unknown_refused(found)
    return (
        *(error("hyperparameters", problem.message, problem.hint) for problem in found.errors),
        *(warning("hyperparameters", problem.message, problem.hint) for problem in found.warnings),
    )


def with_unknown_refused(found: ReadText) -> ReadText:
    """Return a text as a server reads it that takes no key beyond those of the framework's reference."""
    refused = tuple(
        replace(problem, hint=problem.hint.replace(_(_MAY_REFUSE), _(_REFUSES)).strip())
        for problem in found.warnings
        if problem.is_unknown_key
    )
    known = tuple(problem for problem in found.warnings if not problem.is_unknown_key)
    return replace(found, errors=(*found.errors, *refused), warnings=known)
