"""The door: a ``tasks.run.app`` request is refused with a reason, or becomes a task in one step."""

from dataclasses import replace
from pathlib import PurePosixPath

from pydantic import TypeAdapter

from traindash.domain.ids import AgentId, ProjectId, TaskId, TeamId
from traindash.errors import InputError, NotFoundError, StateError
from traindash.frameworks.registry import framework
from traindash.frameworks.spec import Framework
from traindash.platform.modules import Module
from traindash.platform.parts import Services
from traindash.platform.store.files import clean_path
from traindash.platform.store.tasks import NewTask, TaskKind, TaskRecord
from traindash.platform.tasks.request import (
    FreshState,
    RepeatState,
    RunAppBody,
    parse_body,
    parse_compare_state,
    parse_train_state,
)
from traindash.platform.tasks.resuming import carry_over, find_resumable, source_of
from traindash.platform.tasks.training import repeated_state, resolve_training
from traindash.training.runs.events import EventWriter

_BENCHMARKS = "/model-benchmark"
_SHALLOWEST = 4  # "/", "model-benchmark", project, evaluation
_JSON: TypeAdapter[dict[str, object]] = TypeAdapter(dict[str, object])


class Admission:
    """Checks requests and takes tasks in."""

    def __init__(self, parts: Services) -> None:
        self._parts = parts

    def admit(self, body: object) -> TaskRecord:
        """Take a task in.

        Args:
            body: The body of ``tasks.run.app`` as parsed JSON.

        Returns:
            The task, ``queued``. The caller wakes the supervisor.

        Raises:
            InputError: Something in the request cannot be used.
            NotFoundError: Something it names does not exist.
        """
        record = self._parts.tasks.create(self.check(body))
        if (source := source_of(record)) is not None:
            carry_over(self._parts, source, record.id)
        waits = "Waiting for a free agent." if record.autostart else "Waiting for the start of the training."
        EventWriter(self._parts.layout.run(record.id).platform_events).log(waits)
        return record

    def check(self, body: object) -> NewTask:
        """Return the task that a request stands for; nothing is taken in.

        Raises:
            InputError: Something in the request cannot be used.
            NotFoundError: Something it names does not exist.
        """
        wire = parse_body(body)
        team_id = TeamId(self._parts.accounts.workspace(wire.workspace)["team_id"])
        self._check_agent(wire.agent, team_id)
        module = self._parts.modules.get(wire.module)
        if module.framework is None:
            return self._compare(wire, team_id, module)
        return self._train(wire, team_id, module, module.framework)

    def release(self, task_id: TaskId, app_state: object = None) -> None:
        """Start a training that waits for its start button.

        Args:
            task_id: The task.
            app_state: A ``guiState`` that replaces the one it was taken in with; ``None`` keeps that one.

        Raises:
            NotFoundError: There is no such task.
            StateError: It does not wait.
            InputError: The new state cannot be used.
        """
        task = self._parts.tasks.get(task_id)
        if task.kind != "train" or task.project_id is None or task.autostart:
            msg = f"Task {task_id} does not wait for a start."
            raise StateError(msg, "Start a new training instead.")
        known = _JSON.validate_python(task.settings["guiState"])
        state = {**known, **_object(app_state, "app_state")} if app_state is not None else known
        asked = framework(str(task.settings["framework"]))
        resolve_training(self._parts, task.team_id, task.project_id, asked, state)
        self._parts.tasks.release(task_id, {**task.settings, "guiState": state})

    def _check_agent(self, agent_id: AgentId | None, team_id: TeamId) -> None:
        running = {agent.id: agent.name for agent in self._parts.agents.running(team_id)}
        if agent_id is not None and agent_id not in running:
            msg = f"Agent {agent_id} does not exist in this team or is not connected."
            names = ", ".join(f"{number} ({name})" for number, name in running.items()) or "none is connected"
            raise InputError(msg, f"Choose one of: {names}.")

    def _train(self, wire: RunAppBody, team_id: TeamId, module: Module, framework: Framework) -> NewTask:
        state = parse_train_state(wire.params.state)
        project_id = ProjectId(state.project_id)
        settings: dict[str, object] = {"framework": framework.name}
        if isinstance(state, RepeatState) and state.mode == "resume":
            # Nothing is resolved anew: the images, classes and settings are those of the run that is continued.
            source = find_resumable(self._parts, team_id, project_id, framework.name, TaskId(state.task_id))
            settings |= {"guiState": source.gui_state, "resumes": int(source.task_id)}
            autostart = True
        else:
            if isinstance(state, FreshState):
                gui_state = state.gui_state
            else:
                gui_state = repeated_state(self._parts, team_id, framework, state)
            training = resolve_training(self._parts, team_id, project_id, framework, gui_state)
            if training.request.hyperparameters is None:  # frozen, so that a later version cannot change them
                gpu = self._parts.agents.kind == "gpu"
                gui_state = {**gui_state, "hyperparameters": framework.hyperparameters("gpu" if gpu else "cpu")}
            settings["guiState"] = gui_state
            autostart = training.request.autostart
        task = self._new_task(wire, team_id, module, "train", settings)
        return replace(task, project_id=project_id, autostart=autostart)

    def _compare(self, wire: RunAppBody, team_id: TeamId, module: Module) -> NewTask:
        folders = parse_compare_state(wire.params.state).eval_dirs
        cleaned = check_evaluations(self._parts, team_id, tuple(folders))
        return self._new_task(wire, team_id, module, "compare", {"evaluations": list(cleaned)})

    def _new_task(
        self, wire: RunAppBody, team_id: TeamId, module: Module, kind: TaskKind, settings: dict[str, object]
    ) -> NewTask:
        return NewTask(
            team_id=team_id,
            workspace_id=wire.workspace,
            user_id=self._parts.accounts.home().user_id,
            agent_id=wire.agent,
            module_id=module.id,
            project_id=None,
            kind=kind,
            name=wire.name,
            description=wire.description,
            app_name=module.name,
            app_version=wire.app_version,
            log_level=wire.log_level,
            restart_policy=wire.restart_policy,
            params={"state": wire.params.state},
            settings=settings,
        )


def check_evaluations(parts: Services, team_id: TeamId, folders: tuple[str, ...]) -> tuple[str, ...]:
    """Check the evaluation directories of a comparison, as the real app does before it reads any.

    Returns:
        The paths in their one spelling.

    Raises:
        InputError: They cannot be compared.
        NotFoundError: One does not exist, or holds no finished evaluation.
    """
    cleaned = tuple(dict.fromkeys(clean_path(folder) for folder in folders))
    split = [PurePosixPath(folder).parts for folder in cleaned]
    for folder, names in zip(cleaned, split, strict=True):
        if len(names) < _SHALLOWEST or f"/{names[1]}" != _BENCHMARKS:
            msg = f"{folder!r} is not an evaluation directory."
            raise InputError(msg, f"Name a folder like {_BENCHMARKS}/<project>/<evaluation>.")
        for needed in ("evaluation/cocoGt.json", "evaluation/cocoDt.json", "visualizations/template.vue"):
            if parts.files.find(team_id, f"{folder}/{needed}") is None:
                msg = f"The evaluation directory {folder!r} has no {needed}."
                raise NotFoundError(msg, "Choose an experiment whose evaluation worked.")
    if len({(len(names), names[2]) for names in split}) > 1:
        msg = "The evaluations belong to different projects."
        raise InputError(msg, "Compare experiments that were evaluated on the same project.")
    return cleaned


def _object(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        msg = f"{where} must be a JSON object."
        raise InputError(msg)
    return _JSON.validate_python(value)
