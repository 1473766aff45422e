"""A plan from whatever a person has of it: a plan file, a script, the settings of an experiment or a task."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Literal, TypeAlias

from traindash.domain.app_state import CUSTOM
from traindash.domain.ecosystem import CatalogueModel
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import ProjectId, TaskId
from traindash.domain.plan import TrainingPlan
from traindash.errors import InputError
from traindash.formatting import count
from traindash.language import gettext as _
from traindash.plans.app_state import read_gui_state, read_start_state
from traindash.plans.plan_code import MOST_CHARACTERS, read_script
from traindash.plans.plan_file import read_plan

Form: TypeAlias = Literal["plan file", "Python script", "experiment settings"]
_NESTS = ("state", "params", "meta")  # keys under which servers keep the state of a task


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a text leaves to the place it is read in."""

    project_id: ProjectId | None = None  # project for a text that names none
    models: Sequence[CatalogueModel] = ()  # the server's catalogue: which framework a model belongs to
    experiments: Sequence[ExperimentInfo] = ()  # experiments of the team: where custom checkpoints are

    def locate(self, task_id: TaskId, file_name: str) -> str | None:
        """Return the path in Team Files of a checkpoint, ``None`` if it is not there any more."""
        made = next((info for info in self.experiments if info.task_id == task_id), None)
        if made is None:
            return None
        relative = next((path for path in made.checkpoints if PurePosixPath(path).name == file_name), None)
        return None if relative is None else str(PurePosixPath(made.artifacts_dir) / relative)

    def framework_of(self, gui_state: Mapping[str, object]) -> str:
        """Return the framework of the model in a state; the state itself does not name it."""
        model = gui_state.get("model")
        said = model if isinstance(model, Mapping) else {}
        if said.get("source") == CUSTOM:
            made = (info.framework_name for info in self.experiments if info.task_id == said.get("task_id"))
            return next(made, "")
        # Names are compared without case, as the app does (docs/supervisely-api.md 8).
        name = str(said.get("model_name", ""))
        known = next((row.framework for row in self.models if row.name.casefold() == name.casefold()), None)
        return known or next((row.framework for row in self.models), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPlan:
    """A plan that was read."""

    plan: TrainingPlan
    form: Form  # what it was read from
    notes: tuple[str, ...] = ()  # what a person should know about it; one sentence each


def read_any(text: str, around: Surroundings) -> ReadPlan:
    """Read a plan, whatever form it has.

    YAML or JSON with the keys of a plan, a Python script with ``TrainApi.run``, or ``app_state.json``.

    Raises:
        InputError: It is none of these, or something in it cannot be read. The message names the line where there is
            one.
    """
    if not text.strip():
        raise InputError(_("There is nothing to read."), _("Paste a plan, or choose a file."))
    if len(text) > MOST_CHARACTERS:
        msg = _("The text has {count} characters; a plan is much shorter.").format(count=count(len(text)))
        raise InputError(msg, _("Check that it is the right file."))
    # A binary file that was chosen by mistake; YAML would complain about a character instead.
    if "\0" in text:
        raise InputError(_("The file is not a text."), _("Choose a .yaml, .py or .json file."))
    if "TrainApi" in text or (".run(" in text and "project_id" in text):
        script = read_script(text, project_id=around.project_id)
        return ReadPlan(plan=script.plan, form="Python script", notes=script.notes)
    # JSON with the keys of a plan is YAML, too, and gets the same messages with lines.
    if text.lstrip().startswith("{") and ("guiState" in text or '"train_val_split"' in text):
        return _read_json(text, around)
    return ReadPlan(plan=read_plan(text), form="plan file")


def plan_of_state(state: Mapping[str, object], around: Surroundings) -> TrainingPlan:
    """Return the plan in a task's settings (``slyProjectId`` and ``guiState``).

    Raises:
        InputError: The settings have another form, or name what is not there any more.
    """
    gui_state = state.get("guiState")
    framework = around.framework_of(gui_state) if isinstance(gui_state, Mapping) else ""
    return read_start_state(state, framework=framework, locate=around.locate)


def _read_json(text: str, around: Surroundings) -> ReadPlan:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        msg = _("Line {line}: the text is not valid JSON: {problem}.").format(line=error.lineno, problem=error.msg)
        raise InputError(msg, _("Paste the whole file.")) from error
    except RecursionError as error:
        raise InputError(_("The text is nested too deeply."), _("Check that it is the right file.")) from error
    # tasks.info keeps the state under meta.params.state; people paste whatever part they have.
    while isinstance(content, dict) and "guiState" not in content and (inner := _inner(content)) is not None:
        content = inner
    if "guiState" in content:
        return ReadPlan(plan=plan_of_state(content, around), form="experiment settings")
    if isinstance(content.get("model"), str):
        return ReadPlan(plan=read_plan(text), form="plan file")
    return _read_app_state(content, around)


def _inner(content: Mapping[str, object]) -> dict[str, object] | None:
    return next((inner for key in _NESTS if isinstance(inner := content.get(key), dict)), None)


def _read_app_state(content: Mapping[str, object], around: Surroundings) -> ReadPlan:
    if around.project_id is None:
        msg = _("The settings of an experiment do not say which project they belong to.")
        raise InputError(msg, _("Choose a project in the first step, then come back; it will be used."))
    plan = read_gui_state(
        content, project_id=around.project_id, framework=around.framework_of(content), locate=around.locate
    )
    note = _("The settings of an experiment do not name a project; the one of this draft is used.")
    # Two experiments of one name could not be told apart.
    return ReadPlan(plan=replace(plan, experiment_name=None), form="experiment settings", notes=(note,))
