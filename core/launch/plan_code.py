"""A plan as code: the same training from a Python script of the official SDK, or from a terminal."""

import shlex

from core.domain.plan import (
    CollectionsSplit,
    DatasetsSplit,
    RandomSplit,
    TagsSplit,
    TrainingPlan,
    TrainValSplit,
)
from core.launch.plan_file import plan_values

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

    Args:
        plan_path: Path of the plan file.
        server: Server address; ``None`` for the one in ``SERVER_ADDRESS``.
        token_env: Name of the variable that holds the token; ``None`` for ``API_TOKEN``.
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
    match split:
        case RandomSplit(percent=percent, split=side):
            return f"RandomSplit(percent={percent}, split={side!r})"
        case DatasetsSplit(train_datasets=train, val_datasets=val):
            return f"DatasetsSplit(train_datasets={list(train)}, val_datasets={list(val)})"
        case TagsSplit(train_tag=train_tag, val_tag=val_tag, untagged_action=action):
            return f"TagsSplit(train_tag={train_tag!r}, val_tag={val_tag!r}, untagged_action={action!r})"
        case CollectionsSplit(train_collections=train_sets, val_collections=val_sets):
            return f"CollectionsSplit(train_collections={list(train_sets)}, val_collections={list(val_sets)})"


def _block(text: str) -> str:
    """Return a literal of a text, as a block in three quotes where that says exactly the same."""
    readable = all(line.isprintable() for line in text.split("\n"))
    if "\n" in text and readable and '"""' not in text and "\\" not in text and not text.endswith('"'):
        return f'"""\\\n{text}"""'
    return repr(text)
