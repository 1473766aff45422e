"""The door: a ``tasks.run.app`` request is refused with a reason, or becomes a task in one step."""

from dataclasses import replace
from pathlib import PurePosixPath

from msgspec import structs

from traindash.domain.app_state import SDK_DESCRIPTION, OpenState, RepeatState, StartRequest, StartState
from traindash.domain.ids import AgentId, TaskId, TeamId
from traindash.domain.plan import RandomSplit
from traindash.domain.task import TaskStatus
from traindash.errors import InputError, NotFoundError, StateError
from traindash.frameworks.spec import Framework
from traindash.platform.modules import Module
from traindash.platform.services import Services
from traindash.platform.store.files import clean_path
from traindash.platform.store.task_records import NewTask, TaskKind, TaskRecord
from traindash.platform.tasks.frozen import FrozenTraining, frozen_training, new_draw
from traindash.platform.tasks.request import module_of, parse_body, parse_compare_state, parse_train_state
from traindash.platform.tasks.resuming import carry_over, find_resumable, source_of
from traindash.platform.tasks.training import Training, check_project, repeated_state, resolve_training

_BENCHMARKS = "/model-benchmark"
_SERVE_DESCRIPTION = "Serve from experiment"  # `deploy_custom_model_from_experiment_info` of the SDK begins with it
_SHALLOWEST = 4  # "/", "model-benchmark", project, evaluation


class Admission:
    """Checks requests and takes tasks in."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def submit(self, body: object, call: str = "") -> TaskRecord:
        """Take a task in from the parsed body of ``tasks.run.app``. It is ``queued``; the caller wakes the supervisor.

        ``call`` as for :meth:`~traindash.platform.store.tasks.TaskStore.create`.

        Raises:
            InputError: Something in the request cannot be used.
            NotFoundError: Something it names does not exist.
        """
        record = self._services.tasks.create(self.check(body), call)
        # At once, not when its turn comes: the page shows the whole curve while it waits.
        if (source := source_of(record)) is not None:
            carry_over(self._services, source, record.id)
        if record.status is not TaskStatus.QUEUED:  # an earlier server took it in, and it has begun
            return record
        self._services.events(record.id).log(_waits_for(record))
        return record

    def check(self, body: object) -> NewTask:
        """Return the task that a request stands for; nothing is taken in.

        Raises:
            InputError: Something in the request cannot be used.
            NotFoundError: Something it names does not exist.
        """
        request = parse_body(body)
        team_id = TeamId(self._services.accounts.workspace(request.workspace_id)["team_id"])
        self._check_agent(request.agent_id, team_id)
        module = self._services.modules.get(module_of(request))
        if module.framework is None:
            return self._compare(request, team_id, module)
        if module.missing is not None:
            raise InputError(module.missing.message, module.missing.hint)
        if module.purpose == "serve":
            return self._serve(request, team_id, module)
        return self._train(request, team_id, module, module.framework)

    def release(self, task_id: TaskId, app_state: object = None) -> None:
        """Start a training that waits for its start button.

        ``app_state`` is a ``guiState`` that replaces the one it was taken in with; ``None`` keeps that one.

        Raises:
            NotFoundError: There is no such task.
            StateError: It does not wait.
            InputError: The new state cannot be used.
        """
        task = self._services.tasks.get(task_id)
        if task.kind != "train" or task.project_id is None or task.autostart:
            raise StateError(f"Task {task_id} does not wait for a start.", "Start a new training instead.")
        known = frozen_training(task.settings)
        if app_state is not None and not isinstance(app_state, dict):
            raise InputError("app_state must be a JSON object.")
        # What the button sends goes over what was known; keys that it leaves out stay.
        asked = structs.replace(
            known,
            gui_state={**known.gui_state, **(app_state or {})},
            draw=new_draw() if known.draw is None else known.draw,
        )
        if "model" not in asked.gui_state:
            msg = f"Task {task_id} was opened without settings."
            raise InputError(msg, "Send them as app_state of train_from_api, or start a new training.")
        training = resolve_training(self._services, task.team_id, task.project_id, asked)
        self._services.tasks.release(task_id, self._with_defaults(asked, training).to_json())

    def _check_agent(self, agent_id: AgentId | None, team_id: TeamId) -> None:
        running = {agent.id: agent.name for agent in self._services.agents.running(team_id)}
        if agent_id is not None and agent_id not in running:
            msg = f"Agent {agent_id} does not exist in this team or is not connected."
            names = ", ".join(f"{number} ({name})" for number, name in running.items()) or "none is connected"
            raise InputError(msg, f"Choose one of: {names}.")

    def _train(self, request: StartRequest, team_id: TeamId, module: Module, framework: Framework) -> NewTask:
        state = parse_train_state(request.state)
        if isinstance(state, OpenState):
            return self._open(request, team_id, module, framework, state)
        if isinstance(state, RepeatState) and state.mode == "resume":
            # Nothing is resolved anew: the images, classes and settings are those of the run that is continued.
            source = find_resumable(self._services, team_id, state.project_id, framework.name, state.task_id)
            frozen = FrozenTraining(framework=framework.name, gui_state=dict(source.gui_state), resumes=source.task_id)
            autostart = True
        else:
            if isinstance(state, StartState):
                gui_state = state.gui_state
            else:
                gui_state = repeated_state(self._services, team_id, framework, state)
            asked = FrozenTraining(framework=framework.name, gui_state=gui_state, draw=new_draw())
            training = resolve_training(self._services, team_id, state.project_id, asked)
            frozen, autostart = self._with_defaults(asked, training), training.plan.autostart
            request = _described(request, training.start.model_name)
        task = self._new_task(request, team_id, module, "train", frozen.to_json())
        return replace(task, project_id=state.project_id, autostart=autostart)

    def _open(
        self, request: StartRequest, team_id: TeamId, module: Module, framework: Framework, state: OpenState
    ) -> NewTask:
        """Return a task that waits for its settings, which :meth:`release` brings."""
        check_project(self._services, team_id, state.project_id)
        request = _described(request, framework.app_name)
        frozen = FrozenTraining(framework=framework.name, gui_state={})
        task = self._new_task(request, team_id, module, "train", frozen.to_json())
        return replace(task, project_id=state.project_id, autostart=False)

    def _with_defaults(self, asked: FrozenTraining, training: Training) -> FrozenTraining:
        frozen = _kept(asked, training)
        if training.plan.hyperparameters is not None:
            return frozen
        # Frozen, so that a later version of the framework's defaults cannot change them while the task waits.
        defaults = training.framework.hyperparameters("gpu" if self._services.agents.kind == "gpu" else "cpu")
        return structs.replace(frozen, gui_state={**frozen.gui_state, "hyperparameters": defaults})

    def _compare(self, request: StartRequest, team_id: TeamId, module: Module) -> NewTask:
        folders = parse_compare_state(request.state).eval_dirs
        cleaned = check_evaluations(self._services, team_id, folders)
        request = _described(request, " vs. ".join(PurePosixPath(folder).name for folder in cleaned))
        return self._new_task(request, team_id, module, "compare", {"evaluations": list(cleaned)})

    def _serve(self, request: StartRequest, team_id: TeamId, module: Module) -> NewTask:
        """Return a task that waits for its model, which ``deploy_from_api`` names; it needs no free agent."""
        # What the SDK says of an experiment that it serves is three lines; its name says the same in one.
        if request.description.startswith(_SERVE_DESCRIPTION):
            request = structs.replace(request, description=request.name)
        task = self._new_task(_described(request, module.name), team_id, module, "serve", {})
        return replace(task, autostart=False)

    def _new_task(
        self, request: StartRequest, team_id: TeamId, module: Module, kind: TaskKind, settings: dict[str, object]
    ) -> NewTask:
        return NewTask(
            request=request,
            team_id=team_id,
            user_id=self._services.accounts.home().user_id,
            module_id=module.id,
            kind=kind,
            app_name=module.name,
            settings=settings,
        )


def check_evaluations(services: Services, team_id: TeamId, folders: tuple[str, ...]) -> tuple[str, ...]:
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
            if services.files.find(team_id, f"{folder}/{needed}") is None:
                msg = f"The evaluation directory {folder!r} has no {needed}."
                raise NotFoundError(msg, "Choose an experiment whose evaluation worked.")
    if len({(len(names), names[2]) for names in split}) > 1:
        msg = "The evaluations belong to different projects."
        raise InputError(msg, "Compare experiments that were evaluated on the same project.")
    return cleaned


def _waits_for(record: TaskRecord) -> str:
    if record.kind == "serve":
        return "The app starts; it waits for a model to be deployed."
    if record.autostart:
        return "Waiting for a free agent."
    has_settings = bool(record.settings.get("guiState"))
    return "Waiting for the start of the training." if has_settings else "The app is open and waits for its settings."


def _described(request: StartRequest, name: str) -> StartRequest:
    """Return a request that says what it is about: the SDK's own default says nothing in a list."""
    return structs.replace(request, description=name[:255]) if request.description == SDK_DESCRIPTION else request


def _kept(asked: FrozenTraining, training: Training) -> FrozenTraining:
    """Return what a task keeps: only a random split needs the number it was drawn with."""
    is_random = isinstance(training.plan.train_val_split, RandomSplit)
    return asked if is_random else structs.replace(asked, draw=None)
