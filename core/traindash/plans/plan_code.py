"""A plan as code: the same training from a Python script of the official SDK, or from a terminal."""

import ast
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import yaml

from traindash.domain.app_state import write_split
from traindash.domain.ids import ProjectId
from traindash.domain.plan import RandomSplit, TrainingPlan, TrainValSplit
from traindash.errors import InputError
from traindash.formatting import count
from traindash.language import gettext as _
from traindash.plans.plan_file import plan_of, plan_values

# class of a split → its arguments by position (supervisely 6.74); ours have the same names
SPLIT_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "RandomSplit": ("percent", "split"),
    "DatasetsSplit": ("train_datasets", "val_datasets"),
    "TagsSplit": ("train_tag", "val_tag", "untagged_action"),
    "CollectionsSplit": ("train_collections", "val_collections"),
}

_DRAWS_ITS_OWN = """\
# TrainApi knows only a random split that each run draws anew.
# The dashboard and `traindash launch` freeze the one of this plan.
"""


def python_script(plan: TrainingPlan) -> str:
    """Return a script that starts a plan with ``TrainApi.run`` of the official SDK.

    It reads address and token as all scripts of the SDK do: from the environment, ``local.env`` and
    ``~/supervisely.env``.
    """
    split = plan.train_val_split
    # The script is for other machines, too, so it cannot name collections that do not exist yet.
    drawn_before = isinstance(split, RandomSplit) and split.seed is not None
    names = "TrainApi" if split == RandomSplit() else f"TrainApi, {type(split).__name__}"
    arguments = "".join(f"    {name}={_argument(name, value, plan)},\n" for name, value in plan_values(plan).items())
    return (
        "import os\n\n"
        "import supervisely as sly\n"
        "from dotenv import load_dotenv\n"
        f"from supervisely.api.nn.train_api import {names}\n\n"
        "if sly.is_development():\n"
        '    load_dotenv("local.env")\n'
        '    load_dotenv(os.path.expanduser("~/supervisely.env"))\n\n'
        "api = sly.Api.from_env()\n"
        f"{_DRAWS_ITS_OWN if drawn_before else ''}"
        "task = TrainApi(api).run(\n"
        f"{arguments}"
        ")\n"
        'print(task["id"])\n'
    )


def launch_command(plan_path: str, *, server: str | None = None, token_env: str | None = None) -> str:
    """Return the ``traindash launch`` line for a plan file, quoted for a shell.

    Without a server or a token's variable, the command takes ``SERVER_ADDRESS`` and ``API_TOKEN``.
    """
    words = ["traindash", "launch", plan_path]
    if server is not None:
        words += ["--server", server]
    if token_env is not None:
        words += ["--token-env", token_env]
    return shlex.join(words)


def _argument(name: str, value: object, plan: TrainingPlan) -> str:
    match name, value:
        case "train_val_split", _:
            return _split(plan.train_val_split)
        case "hyperparameters", str() as text:
            return _block(text)
        case _:
            return repr(value)


def _split(split: TrainValSplit) -> str:
    name, values = type(split).__name__, write_split(split)
    return f"{name}({', '.join(f'{key}={values[key]!r}' for key in SPLIT_ARGUMENTS[name])})"


def _block(text: str) -> str:
    """Return a literal of a text, as a block in three quotes where that says exactly the same."""
    # Anything that a block in three quotes would change is written as a literal.
    readable = all(line.isprintable() for line in text.split("\n"))
    if "\n" in text and readable and '"""' not in text and "\\" not in text and not text.endswith('"'):
        return f'"""\\\n{text}"""'
    return repr(text)


# Reads the plan out of a Python script that calls ``TrainApi.run``. The script is parsed, never run.

MOST_CHARACTERS = 500_000  # a longer script is no plan; parsing it could take all the memory there is

# arguments of ``TrainApi.run`` by position (supervisely 6.74)
_ORDER = (
    "project_id",
    "model",
    "hyperparameters",
    "experiment_name",
    "classes",
    "train_val_split",
    "convert_class_shapes",
    "enable_benchmark",
    "enable_speedtest",
    "cache_project",
    "export_onnx",
    "export_tensorrt",
    "autostart",
    "agent_id",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptPlan:
    """What a script starts."""

    plan: TrainingPlan
    notes: tuple[str, ...] = ()  # what the script computes itself and therefore could not be read; one sentence each


class _ComputedError(InputError):
    """A value that only running the script could tell."""


def read_script(text: str, *, project_id: ProjectId | None = None) -> ScriptPlan:
    """Read the one call of ``TrainApi.run`` in a script.

    Values must be written out, directly or as names that are given one value: numbers, texts, lists, splits, and
    ``yaml.dump`` of such values.

    ``project_id`` stands in for a project that the script takes from its environment, as the SDK's examples do.

    Raises:
        InputError: It is no Python, has no such call or several, or a value cannot be read. The message names the line.
    """
    tree = _parsed(text)
    call = _run_call(tree)
    reader = _Reader(_assignments(tree), text)
    values: dict[str, object] = {}
    lines: dict[str, int] = {}
    notes: list[str] = []
    for name, node in _arguments(call, reader):
        lines[name] = node.lineno
        try:
            values[name] = reader.split(node) if name == "train_val_split" else reader.value(node)
        except _ComputedError:
            if name == "project_id" and project_id is not None:
                values[name] = int(project_id)
                notes.append(_("The script takes the project from its environment; the project of this draft is used."))
            elif name == "agent_id":
                notes.append(_("The script computes the agent; the choice is left to the server."))
            elif name == "description":
                notes.append(_("The script computes the description; it is left out."))
            else:
                raise
    return ScriptPlan(plan=plan_of(values, lines), notes=tuple(notes))


def _parsed(text: str) -> ast.Module:
    if len(text) > MOST_CHARACTERS:
        msg = _("The script has {count} characters.").format(count=count(len(text)))
        hint = _("Leave only the call of TrainApi.run; {count} can be read.").format(count=count(MOST_CHARACTERS))
        raise InputError(msg, hint)
    try:
        # Parsed, never run: what is pasted into a browser may come from anybody.
        return ast.parse(text)
    except SyntaxError as error:
        msg = _("Line {line}: the script is not valid Python: {problem}.")
        msg = msg.format(line=error.lineno or 1, problem=error.msg)
        raise InputError(msg, _("Paste the whole script, with its indentation.")) from error
    except (ValueError, RecursionError, MemoryError) as error:
        why = str(error) or _("it is nested too deeply")
        msg = _("The script cannot be read: {why}.").format(why=why)
        raise InputError(msg, _("Leave only the call of TrainApi.run.")) from error


def _run_call(tree: ast.Module) -> ast.Call:
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "run"
    ]
    # Scripts call other things “run” as well, such as subprocess.run.
    sure = [call for call in found if {item.arg for item in call.keywords} & {"project_id", "model"}]
    calls = sure or [call for call in found if call.args or any(item.arg is None for item in call.keywords)]
    if not calls:
        msg = _("The script has no call TrainApi(…).run(…).")
        raise InputError(msg, _("Paste a script that starts a training with the official SDK."))
    if len(calls) > 1:
        where = ", ".join(str(call.lineno) for call in calls)
        msg = _("The script starts {count} trainings, in lines {lines}.").format(count=len(calls), lines=where)
        raise InputError(msg, _("Leave the one to read."))
    return calls[0]


def _assignments(tree: ast.Module) -> Mapping[str, ast.expr]:
    """Return the names that are given exactly one value anywhere in the script."""
    found: dict[str, list[ast.expr | None]] = {}
    for node in ast.walk(tree):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                found.setdefault(name, []).append(value)
            case ast.Name(id=name, ctx=ast.Store()):
                found.setdefault(name, [])
            case ast.arg(arg=name):
                found.setdefault(name, []).append(None)
            case _:
                pass
    # A name that is set in a loop, a with or twice has no one value, whatever its first assignment says.
    stores: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            stores[node.id] = stores.get(node.id, 0) + 1
    return {
        name: values[0]
        for name, values in found.items()
        if len(values) == 1 and values[0] is not None and stores.get(name) == 1
    }


def _arguments(call: ast.Call, reader: "_Reader") -> list[tuple[str, ast.expr]]:
    found: list[tuple[str, ast.expr]] = []
    for name, node in zip(_ORDER, call.args, strict=False):
        if isinstance(node, ast.Starred):
            reader.refuse(node)
        found.append((name, node))
    if len(call.args) > len(_ORDER):
        msg = _("Line {line}: run takes {most} values by position, and gets {count}.")
        msg = msg.format(line=call.lineno, most=len(_ORDER), count=len(call.args))
        raise InputError(msg, _("Name the arguments."))
    for keyword in call.keywords:
        if keyword.arg is not None:
            found.append((keyword.arg, keyword.value))
            continue
        settings = reader.resolved(keyword.value)
        if not isinstance(settings, ast.Dict):
            reader.refuse(keyword.value)
        for key, value in zip(settings.keys, settings.values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                reader.refuse(value)
            found.append((key.value, value))
    return found


class _Reader:
    """Values of expressions that say themselves what they are."""

    def __init__(self, names: Mapping[str, ast.expr], text: str) -> None:
        self._names = names
        self._text = text

    def resolved(self, node: ast.expr) -> ast.expr:
        """Follow names to what they stand for."""
        # Two names may stand for each other.
        seen: set[str] = set()
        while isinstance(node, ast.Name) and node.id in self._names and node.id not in seen:
            seen.add(node.id)
            node = self._names[node.id]
        return node

    def value(self, node: ast.expr) -> object:
        """Return a value.

        Raises:
            InputError: Only running the script could tell it.
        """
        match self.resolved(node):
            case ast.Constant(value=bool() | int() | float() | str() | None as value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -value
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return [self.value(item) for item in items]
            case ast.Dict(keys=keys, values=values) if all(key is not None for key in keys):
                return {self.value(key): self.value(item) for key, item in zip(keys, values, strict=True) if key}
            # The SDK's examples build the text of the hyperparameters this way.
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="yaml"), attr="dump" | "safe_dump"), args=[content], keywords=rest
            ) if all(item.arg in {"sort_keys", "default_flow_style", "allow_unicode"} for item in rest):
                is_sorted = all(self.value(item.value) for item in rest if item.arg == "sort_keys")
                return yaml.safe_dump(self.value(content), sort_keys=is_sorted, allow_unicode=True)
            case _:
                return self.refuse(node)

    def split(self, node: ast.expr) -> object:
        """Return a split as a plan file spells it."""
        found = self.resolved(node)
        match found:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args, keywords=keywords) if (
                name in SPLIT_ARGUMENTS and all(item.arg for item in keywords)
            ):
                if len(args) > len(SPLIT_ARGUMENTS[name]):
                    self.refuse(node)
                given = [
                    *zip(SPLIT_ARGUMENTS[name], args, strict=False),
                    *((str(item.arg), item.value) for item in keywords),
                ]
                return {"method": name.removesuffix("Split").lower(), **{key: self.value(item) for key, item in given}}
            case _:
                return self.value(node)

    def refuse(self, node: ast.expr) -> NoReturn:
        """Say that a value cannot be read.

        Raises:
            InputError: Always.
        """
        source = " ".join((ast.get_source_segment(self._text, node) or _("this value")).split())
        shown = source if len(source) <= 60 else f"{source[:60]}…"  # noqa: PLR2004 - characters of a message
        msg = _("Line {line}: “{text}” is computed by the script, so it cannot be read.")
        hint = _("Write the value itself into the call; the script is only read, not run.")
        raise _ComputedError(msg.format(line=node.lineno, text=shown), hint)
