"""Plans in files.

A plan file is YAML; its keys are the parameter names of ``TrainApi.run``, with the same defaults. Drafts and series
keep plans inside JSON of our own (:func:`decoder_of`).
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

import msgspec
import yaml

from traindash.domain.app_state import SPLITS, write_split
from traindash.domain.plan import (
    CustomCheckpoint,
    ModelChoice,
    PretrainedModel,
    RandomSplit,
    TrainingPlan,
    TrainValSplit,
)
from traindash.errors import InputError, ValidationIssue, issue_of
from traindash.frameworks.hyperparameter_text import HyperparameterDumper, HyperparameterLoader, lookalikes, misread
from traindash.language import N_
from traindash.language import gettext as _
from traindash.yaml_text import compose, problem_of, values

SERIES = "series"  # Key of the section that makes a series of a plan (core/traindash/plans/series.py)
_LONGEST_QUOTE = 80
_TEXT, _NULL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:null"
_TAKEN_FOR_OTHERS = frozenset(
    {_NULL, *(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "timestamp", "value"))}
)
_ID = N_("an id, a whole number above 0")
_IDS = N_("a list of ids, such as [101, 102]")

# Key → what it wants, for people; every other key wants a text
_EXPECTED: Mapping[str, str] = {
    "project_id": _ID,
    "model": N_("“framework/model” or the path of a checkpoint in Team Files"),
    "agent_id": N_("an id, a whole number above 0, or nothing"),
    "classes": N_("a list of class names, or nothing for all"),
    "train_val_split": N_("a split such as {method: random, split: train, percent: 80}"),
    "hyperparameters": N_("YAML as a text; write it as a block after “hyperparameters: |”"),
    "percent": N_("a whole number from 1 to 99"),
    "split": N_("train or val"),
    "seed": N_("a whole number from 0, or nothing for a split that each training draws itself"),
    "untagged_action": N_("train, val or ignore"),
    **dict.fromkeys(("train_datasets", "val_datasets", "train_collections", "val_collections"), _IDS),
    **{item.name: N_("true or false") for item in fields(TrainingPlan) if item.type is bool},
}


def _keys() -> tuple[str, ...]:
    """Return the keys of a plan file: the fields of a plan, the split behind the classes as people read them."""
    names = [item.name for item in fields(TrainingPlan) if item.name != "train_val_split"]
    names.insert(names.index("classes") + 1, "train_val_split")
    return tuple(names)


_KEYS = _keys()
_DecodedT = TypeVar("_DecodedT")


def read_plan(text: str) -> TrainingPlan:
    """Read a plan file.

    Raises:
        InputError: It is not YAML, a key is unknown, missing or given twice, or a value has the wrong type. The message
            names the key and what it wants.
    """
    return plan_of(*read_mapping(text))


def plan_of(content: Mapping[str, Any], lines: Mapping[str, int]) -> TrainingPlan:
    """Make a plan of values by the names of a plan file. A text is no number and a number no flag.

    ``lines`` are the lines of the keys in what was read, for messages.

    Raises:
        InputError: As :func:`read_plan`.
    """
    values = dict(content)
    try:
        _refuse_unknown(content, _KEYS, "")
        # What differs from the plan's own form is read first; msgspec takes instances as they are.
        if "model" in content:
            values["model"] = _model(content["model"])
        if content.get("train_val_split") is not None:
            values["train_val_split"] = _split(content["train_val_split"])
        else:
            values.pop("train_val_split", None)
        return _decoded(TrainingPlan, values, "")
    except _RefusedError as error:
        line = lines.get(error.key)
        msg = _("Line {line}: {problem}").format(line=line, problem=error.message) if line else error.message
        raise InputError(msg, error.hint) from error


class _RefusedError(InputError):
    """A value that does not fit. ``key`` is the one at the outermost level that the value belongs to."""

    def __init__(self, message: str, hint: str, *, key: str) -> None:
        super().__init__(message, hint)
        self.key = key


def write_plan(plan: TrainingPlan) -> str:
    """Return a plan file: the two required keys, and every key whose value is not the default."""
    return yaml.dump(plan_values(plan), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)


def plan_values(plan: TrainingPlan) -> dict[str, object]:
    """Return the arguments of ``TrainApi.run`` that a plan stands for, without those that are the default."""
    # Only what differs is written: a file that people read and change by hand.
    defaults = TrainingPlan(project_id=plan.project_id, model=plan.model)
    values: dict[str, object] = {"project_id": int(plan.project_id), "model": model_text(plan.model)}
    for name in _KEYS:
        value = getattr(plan, name)
        if name in values or value == getattr(defaults, name):
            continue
        match value:
            case msgspec.Struct():
                values[name] = _split_values(plan.train_val_split)
            case tuple():
                values[name] = list(value)
            case _:
                values[name] = value
    return values


def _split_values(split: TrainValSplit) -> dict[str, object]:
    seed = split.seed if isinstance(split, RandomSplit) else None
    return write_split(split) if seed is None else {**write_split(split), "seed": seed}


def model_text(model: ModelChoice) -> str:
    """Return a model as ``TrainApi.run`` takes it: ``framework/name``, or the path of a checkpoint."""
    return f"{model.framework}/{model.name}" if isinstance(model, PretrainedModel) else model.path


def model_of(text: str) -> ModelChoice:
    """Read a model as ``TrainApi.run`` takes it.

    A path of a checkpoint starts with ``/`` or, relative, with ``experiments/``; both are under ``/experiments`` in
    Team Files (docs/supervisely-api.md 7.1).

    Raises:
        InputError: The text is neither.
    """
    # Only checkpoints below /experiments can be used; a framework of that name does not exist.
    if text.startswith(("/", "experiments/")):
        return CustomCheckpoint(path=text if text.startswith("/") else f"/{text}")
    framework, slash, name = text.partition("/")
    if not (slash and framework and name):
        msg = _("model: “{text}” names no framework.").format(text=text)
        hint = _("Write “framework/model”, for example “YOLO/YOLO26n-det”, or the path of a checkpoint.")
        raise InputError(msg, hint)
    return PretrainedModel(framework=framework, name=name)


def _model(value: object) -> ModelChoice:
    if not isinstance(value, str) or not value:
        raise _refused(value, "model")
    try:
        return model_of(value)
    except InputError as error:
        raise _RefusedError(error.message, error.hint, key="model") from error


def _split(content: object) -> TrainValSplit:
    if not isinstance(content, dict):
        raise _refused(content, "train_val_split")
    method = content.get("method")
    variant = SPLITS.get(method) if isinstance(method, str) else None
    if variant is None:
        msg = (
            _("{key} is missing; expected random, datasets, tags or collections.")
            if method is None
            else _("{key} is “{value}”; expected random, datasets, tags or collections.")
        ).format(key="train_val_split.method", value=method)
        hint = _("For example {example}.").format(example="{method: random, split: train, percent: 80}")
        raise _RefusedError(msg, hint, key="train_val_split")
    details = {key: value for key, value in content.items() if key != "method"}
    _refuse_unknown(details, variant.__struct_fields__, "train_val_split.")
    return _decoded(variant, details, "train_val_split.")


def _refuse_unknown(content: Mapping[str, Any], known: tuple[str, ...], prefix: str) -> None:
    for key in content:
        if key not in known:
            msg = _("{key} is not a key of a plan.").format(key=f"{prefix}{key}")
            hint = _("Known keys: {keys}.").format(keys=", ".join(known))
            raise _RefusedError(msg, hint, key=prefix.removesuffix(".") or key)


def _decoded(kind: type[_DecodedT], content: Mapping[str, Any], prefix: str) -> _DecodedT:
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise _refusal(issue_of(error), content, prefix) from error


def _refusal(issue: ValidationIssue, content: Mapping[str, Any], prefix: str) -> _RefusedError:
    key, *places = issue.path
    outer = prefix.removesuffix(".") or key
    if issue.kind == "missing":
        return _RefusedError(_("{key} is missing.").format(key=f"{prefix}{key}"), _wants(key), key=outer)
    value = content[key]
    for place in places:
        value = value[int(place)]
    where = "".join(f"[{place}]" for place in places)
    return _refused(value, key, place=f"{prefix}{key}{where}", outer=outer)


def _refused(value: object, key: str, *, place: str | None = None, outer: str | None = None) -> _RefusedError:
    given = repr(value)
    shown = given if len(given) <= _LONGEST_QUOTE else f"{given[:_LONGEST_QUOTE]}…"
    msg = _("{key} is {value}.").format(key=place or key, value=shown)
    return _RefusedError(msg, _wants(key), key=outer or key)


def _wants(key: str) -> str:
    return _("Expected {what}.").format(what=_(_EXPECTED.get(key, N_("a text"))))


def read_mapping(text: str) -> tuple[Mapping[str, Any], Mapping[str, int]]:
    """Return what a plan file says: key → value, and key → line.

    Raises:
        InputError: It is not YAML, has no keys, or one twice.
    """
    try:
        node = compose(text, HyperparameterLoader)  # its “None” is one of plans, too
        _read_names_as_written(node)
        content = values(node, HyperparameterLoader)
    except yaml.YAMLError as error:
        if (odd := next(lookalikes(text), None)) is not None:
            msg = _("The plan is not valid YAML: line {line} has {what}.").format(line=odd.line, what=odd.said)
            raise InputError(msg, _("Type the line anew, with plain blanks and quotes.")) from error
        problem = problem_of(error)
        msg = (
            _("The plan is not valid YAML: {problem}.")
            if problem.line is None
            else _("The plan is not valid YAML: line {line}: {problem}.")
        ).format(line=problem.line, problem=problem.message)
        raise InputError(msg, problem.hint) from error
    if not isinstance(content, dict):
        raise InputError(_("The plan has no keys."), _("It needs at least project_id and model."))
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    for key, child in pairs:
        if (odd := next(lookalikes(str(key.value)), None)) is not None:
            msg = _("Line {line}: the name “{name}” has {what}.")
            msg = msg.format(line=key.start_mark.line + 1, name=key.value, what=odd.said)
            raise InputError(msg, _("Type the line anew, with plain blanks and quotes."))
        _refuse_misread(child)
    lines = {str(key.value): key.start_mark.line + 1 for key, _child in pairs}
    return {str(key): value for key, value in content.items()}, lines


def _read_names_as_written(node: yaml.Node | None) -> None:
    """Make texts of names that YAML takes for numbers, flags or dates, such as the classes ``02146`` and ``no``."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    for place, (key, child) in enumerate(pairs):
        match key.value, child:
            case "classes", yaml.SequenceNode():
                child.value[:] = [_as_text(item) for item in child.value]
            case "train_val_split", yaml.MappingNode():
                _read_names_as_written(child)
            case (("experiment_name" | "description" | "train_tag" | "val_tag"), yaml.ScalarNode()) if (
                child.tag != _NULL
            ):
                pairs[place] = key, _as_text(child)
            case _:
                pass


def _as_text(node: yaml.Node) -> yaml.Node:
    """Return a node of its own, for what an alias stands for may be a number elsewhere."""
    if not isinstance(node, yaml.ScalarNode) or node.tag not in _TAKEN_FOR_OTHERS:
        return node
    return yaml.ScalarNode(tag=_TEXT, value=node.value, start_mark=node.start_mark, end_mark=node.end_mark)


def _refuse_misread(node: yaml.Node) -> None:
    """Refuse a number that YAML takes for another one than people do, in lists and groups, too."""
    match node:
        case yaml.MappingNode():
            for _key, child in node.value:
                _refuse_misread(child)
        case yaml.SequenceNode():
            for child in node.value:
                _refuse_misread(child)
        case _:
            value = values(node, HyperparameterLoader)
            wrong = misread(node, value)
            if wrong is not None and isinstance(value, int | float):
                hint = (
                    _("Write {meant}, or {value} if that is meant. A name takes quotes.")
                    if wrong.meant
                    else _("Write a plain number. A name takes quotes.")
                ).format(meant=wrong.meant, value=value)
                msg = _("Line {line}: “{text}” is read as {value}: {why}.")
                msg = msg.format(line=node.start_mark.line + 1, text=node.value, value=value, why=wrong.why)
                raise InputError(msg, hint)


class _Dumper(HyperparameterDumper):
    """Writes texts of several lines as blocks, so that hyperparameters stay readable."""


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    lines = text.split("\n")
    if not all(line.isprintable() for line in lines):
        style = '"'  # only this one keeps every character: others change line breaks such as \x85
    elif len(lines) > 1 and lines[0] and lines[0][0] != " " and all(line == line.rstrip() for line in lines):
        style = "|"
    else:
        style = None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _write_text)


_RecordT = TypeVar("_RecordT")
# keys of a model or a split in a file from before they had a tag → the tag
_TAGS: Mapping[frozenset[str], tuple[str, str]] = {
    frozenset({"framework", "name"}): ("source", "pretrained"),
    frozenset({"path"}): ("source", "checkpoint"),
    frozenset({"percent", "split", "seed"}): ("method", "random"),
    frozenset({"train_datasets", "val_datasets"}): ("method", "datasets"),
    frozenset({"train_tag", "val_tag", "untagged_action"}): ("method", "tags"),
    frozenset({"train_collections", "val_collections"}): ("method", "collections"),
}


def decoder_of(kind: type[_RecordT]) -> Callable[[bytes], _RecordT]:
    """Return how to read records with plans in them from JSON, those of earlier versions too.

    The function raises ``msgspec.MsgspecError`` for anything else.
    """
    decoder = msgspec.json.Decoder(kind)

    def decode(content: bytes) -> _RecordT:
        try:
            return decoder.decode(content)
        except msgspec.ValidationError:
            # Only files of before come here, so the detour costs nothing in daily work.
            return msgspec.convert(_tagged(msgspec.json.decode(content)), kind)

    return decode


def _tagged(content: object) -> object:
    """Return JSON of an earlier version with the tags that tell models and splits apart."""
    match content:
        case list():
            return [_tagged(item) for item in content]
        case dict():
            # By all keys together: no other object in these files has the same ones.
            tag = _TAGS.get(frozenset(content))
            return {**dict([tag] if tag else []), **{key: _tagged(value) for key, value in content.items()}}
        case _:
            return content
