"""A task that serves a model: what it serves, how it does, code that asks it; and the way there from an experiment."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath

import streamlit as st

from traindash import formatting
from traindash.domain.experiment import ExperimentFolder, ExperimentInfo
from traindash.domain.ids import AgentId
from traindash.domain.serving import DeployedModel, ServingFigures
from traindash.domain.task import Task, TaskStatus
from traindash.errors import AppError, NotFoundError
from traindash.evaluation.operating_points import THRESHOLD_DECIMALS
from traindash.experiments.models import USUAL_CONFIDENCE
from traindash.formatting import task_word
from traindash.language import N_
from traindash.language import gettext as _
from traindash.supervisely.experiments import experiment_of_output
from traindash.tasks.deploying import Loading, model_path
from traindash.tasks.launcher import TaskPlace
from traindash.ui import connection, lookups, screens, theme
from traindash.ui.experiments.data import recommended_confidence
from traindash.ui.state import flash
from traindash.ui.tasks.live import LiveState
from traindash.ui.theme import StatusLook, plain

_EVERY = "2s"
_SERVING = StatusLook(word=N_("Serving"), icon=":material/rocket_launch:", color="green")
_LOADING = StatusLook(word=N_("Loading"), icon=":material/hourglass_top:", color="blue")
_EMPTY = StatusLook(word=N_("No model"), icon=":material/hourglass_empty:", color="gray")
_SDK = """\
import supervisely as sly

api = sly.Api.from_env()  # `traindash env` prints SERVER_ADDRESS and API_TOKEN
model = api.nn.connect({task})
for found in model.predict(input="photo.jpg", conf={confidence}):
    print(found.classes, found.scores, found.boxes)  # boxes: top, left, bottom, right

# All images of a project, one by one as they are looked at
for found in model.predict_detached(project_id={project}, conf={confidence}):
    print(found.name, len(found.boxes))
"""
_SESSION = """\
import supervisely as sly

session = sly.nn.inference.Session(sly.Api.from_env(), task_id={task})
session.update_inference_settings(conf={confidence})
for annotation in session.inference_image_paths(["one.jpg", "two.jpg"]):
    print([label.obj_class.name for label in annotation.labels])
"""
_CURL = """\
curl -s {address}/net/{token}/inference_image \\
  -F files=@photo.jpg \\
  -F 'state={{"settings": {{"conf": {confidence}}}}}'
"""


def is_serving(task: Task) -> bool:
    """Return whether a task runs a serving app."""
    return task.module_id is not None and task.module_id in lookups.serving_apps()


def look_of(task: Task) -> StatusLook:
    """Return how the state of a task is shown, whatever it does."""
    if task.status is not TaskStatus.STARTED or not is_serving(task):
        return theme.TASK_STATUS[task.status]
    status, loading = lookups.serving_status(task.id), _loading(task)
    if status is not None and status.is_deployed:
        return _SERVING
    return _EMPTY if loading is None or loading.problem is not None else _LOADING


def serving_words(task: Task) -> str:
    """Return in one line what a serving task does; empty for one that is over."""
    if task.status is not TaskStatus.STARTED:
        return ""
    status, loading = lookups.serving_status(task.id), _loading(task)
    if status is None or not status.is_deployed:
        if loading is not None and loading.problem is not None:
            return loading.problem.message
        return _("The model is being loaded") if loading is not None else _("Waits for a model")
    figures = status.figures
    if figures is None or not figures.requests:
        return _("Ready")
    told = [formatting.plural(figures.requests, "request", "requests")]
    if figures.p50_seconds is not None:
        told.append(_("{time} each").format(time=_seconds(figures.p50_seconds)))
    if figures.open:
        told.append(_("{count} open").format(count=formatting.count(figures.open)))
    return " · ".join(told)


def draw_serving(state: LiveState) -> None:
    """Draw the page of a serving task below its head, without the reason of its end and the log."""
    st.fragment(_draw_state, run_every=state.every(_EVERY))(state)
    task = state.progress.task
    if task.status is TaskStatus.STARTED:
        _draw_code(task)


def draw_deploy_again(task: Task) -> None:
    """Draw the button that deploys what a serving task had, in a new task; nothing before it is over."""
    path = _served_path(task)
    if not task.status.is_terminal or path is None:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="task-next"):
        st.markdown(_("It served {path}.").format(path=plain(path)), width="stretch")
        if st.button(_("Deploy again"), type="primary", icon=":material/rocket_launch:", key="deploy-again"):
            _start(lambda: _experiment_of(path), lambda _info: path, None)


def _served_path(task: Task) -> str | None:
    """Return what a serving task of the embedded platform serves or served, in Team Files."""
    general = (task.output or {}).get("general")
    path = general.get("description") if isinstance(general, Mapping) else None
    return path if isinstance(path, str) and path.startswith("/experiments/") else None


def _experiment_of(path: str) -> ExperimentInfo:
    training = ExperimentFolder(path=str(PurePosixPath(path).parent.parent)).task_id
    found = None if training is None else experiment_of_output(connection.client().tasks.get(training).output)
    if found is None:
        raise NotFoundError(
            _("The experiment of {path} is gone.").format(path=path),
            _("Deploy another one from the list of experiments."),
        )
    return found


def _draw_state(state: LiveState) -> None:
    before = state.progress.task
    try:
        state.progress = state.watch.refresh(connection.client().tasks.get(before.id))
    except AppError as error:
        st.warning(plain(str(error)), icon=":material/sync_problem:")
    task = state.progress.task
    if task.status is not before.status:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key="task-status"):
        theme.status_badge(look_of(task))
        st.markdown(plain(serving_words(task)), width="content")
    if task.status is not TaskStatus.STARTED:
        return
    status = lookups.serving_status(task.id)
    loading = _loading(task)
    if loading is not None and loading.problem is not None:
        problem = loading.problem
        st.error(f"**{plain(problem.message)}**  \n{plain(problem.hint)}", icon=":material/error:")
    elif status is None or not status.is_deployed:
        if loading is not None:
            st.info(
                _("{file} is being loaded.").format(file=plain(PurePosixPath(loading.path).name)),
                icon=":material/hourglass_top:",
            )
        else:
            st.info(
                _(
                    "This serving app has no model yet. The official SDK brings one with “api.nn.deploy”; or press "
                    "“Deploy” on an experiment, which starts another task."
                ),
                icon=":material/info:",
            )
    else:
        _draw_model(lookups.deployed_model(task.id))
        if status.figures is not None:
            _draw_figures(status.figures)


def _draw_model(model: DeployedModel | None) -> None:
    if model is None:
        return
    task = task_word(model.task_type) if model.task_type else None
    facts = (model.architecture, model.model_name, task, model.runtime, model.device, model.hardware)
    path = model.custom_checkpoint_path
    training = None if path is None else ExperimentFolder(path=str(PurePosixPath(path).parent.parent)).task_id
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(plain(" · ".join(filter(None, (path or model.checkpoint_name, *facts)))), width="content")
        if training is not None:
            screens.link("task", _("Its training"), "science", task=training)


def _draw_figures(figures: ServingFigures) -> None:
    cards = st.columns(4)
    failed = _("{count} failed").format(count=formatting.count(figures.failed)) if figures.failed else _("none failed")
    theme.number_card(_("Requests"), formatting.count(figures.requests), failed, cards[0])
    theme.number_card(_("Images"), formatting.count(figures.images), _per_image(figures), cards[1])
    slow = None if figures.p95_seconds is None else _("95 % within {time}").format(time=_seconds(figures.p95_seconds))
    answered = formatting.MISSING if figures.p50_seconds is None else _seconds(figures.p50_seconds)
    theme.number_card(
        _("Time to answer"),
        answered,
        slow,
        cards[2],
        about=_("From a request to its end, the last 200; half were quicker."),
    )
    idle = formatting.duration(round(figures.idle_seconds))
    memory = formatting.size(figures.memory) if figures.is_loaded else _("let go")
    note = _("idle for {time}").format(time=idle) if figures.is_loaded else _("loaded again when it is asked")
    theme.number_card(
        _("Memory"),
        memory,
        note,
        cards[3],
        about=_("Of the model's process. It is let go after 15 minutes without requests."),
    )


def _per_image(figures: ServingFigures) -> str | None:
    return (
        None
        if figures.image_milliseconds is None
        else _("{time} for each").format(time=f"{figures.image_milliseconds:.0f} ms")
    )


def _seconds(value: float) -> str:
    return f"{1000 * value:.0f} ms" if value < 1 else f"{formatting.decimal(value, 1)} s"


def _loading(task: Task) -> Loading | None:
    return connection.deployments().of_task(connection.address(), task.id)


def _draw_code(task: Task) -> None:
    with st.container(border=True, key="serving-code"):
        st.markdown(_("**Ask it from your own code**"))
        sdk, older, curl = st.tabs([_("Supervisely SDK"), _("SDK, Session"), "curl"])
        known = confidence_of_file(_path_of(task))
        confidence = f"{USUAL_CONFIDENCE if known is None else known:.{THRESHOLD_DECIMALS}f}"
        values = {"task": task.id, "confidence": confidence, "project": "PROJECT_ID"}
        sdk.code(_SDK.format(**values), language="python")
        older.code(_SESSION.format(**values), language="python")
        curl.code(_CURL.format(address=connection.address(), token=task.session_token, **values), language="bash")
        st.caption(
            _("The confidence is what serving apps start with: no evaluation of this model says which one is best.")
            if known is None
            else _("The confidence is the one with the best F1 in the evaluation of this model.")
        )
        curl.caption(_("Whoever has this address may have pictures looked at as long as the task runs."))


def _path_of(task: Task) -> str | None:
    """Return what a task serves or is loading, in Team Files."""
    loading = _loading(task)
    return _served_path(task) or (None if loading is None else loading.path)


def confidence_of_file(path: str | None) -> float | None:
    """Return the confidence that is recommended for a model in Team Files; ``None`` where none is known."""
    try:
        return None if path is None else recommended_confidence(_experiment_of(path))
    except AppError:
        return None  # its training is gone, or cannot be asked; the code is as good with a usual confidence


# From an experiment to a serving task.


def can_be_deployed(experiment: ExperimentInfo) -> bool:
    """Return whether an experiment has a model that finds objects; those of single pixels are served elsewhere."""
    return bool(experiment.checkpoints) and not experiment.is_semantic


def draw_deploy_button(experiment: ExperimentInfo) -> None:
    """Draw the button that deploys an experiment; nothing where nothing can be deployed."""
    if can_be_deployed(experiment) and st.button(_("Deploy"), icon=":material/rocket_launch:", key="deploy"):
        ask_to_deploy(experiment)


def ask_to_deploy(experiment: ExperimentInfo) -> None:
    """Ask which file of an experiment shall be served, and where."""
    st.dialog(_("Deploy this model?"), icon=":material/rocket_launch:")(_ask_to_deploy)(experiment)


def _ask_to_deploy(experiment: ExperimentInfo) -> None:
    st.markdown(f"**{plain(experiment.experiment_name)}**")
    draw_deployment(experiment)


def draw_deployment(experiment: ExperimentInfo) -> None:
    """Draw the choice of file and agent, and the button that starts."""
    files = _files(experiment)
    chosen = st.selectbox(_("Model"), files, format_func=lambda file: _words(file, experiment), key="deploy-file")
    agents = lookups.agents(connection.team_id())
    names = {agent.id: agent.name for agent in agents}
    agent = st.selectbox(
        _("Agent"),
        [None, *names],
        format_func=lambda item: _("The freest") if item is None else names[item],
        key="deploy-agent",
    )
    st.caption(_("It runs beside the trainings of the agent, until you stop it. The official SDK can ask it at once."))
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(_("Cancel"), key="deploy-no"):
            st.rerun()
        if st.button(_("Deploy"), type="primary", icon=":material/rocket_launch:", key="deploy-yes"):
            _start(lambda: experiment, lambda info: model_path(info, chosen), agent)


def _start(
    experiment: Callable[[], ExperimentInfo], path: Callable[[ExperimentInfo], str], agent: AgentId | None
) -> None:
    """Start a serving task and go to its page; what goes wrong is told as a message."""
    place = TaskPlace(team_id=connection.team_id(), workspace_id=connection.workspace_id(), agent_id=agent)
    try:
        info = experiment()
        task = connection.deployments().begin(connection.client(), info, path(info), place)
    except AppError as error:
        flash(str(error), "error")
        st.rerun()
    flash(_("Task {number} serves the model as soon as it is loaded.").format(number=task))
    screens.go("task", task=task)


def _files(experiment: ExperimentInfo) -> Sequence[str]:
    """Return the files that can be served, relative to the experiment's folder, the best checkpoint first."""
    best = [path for path in experiment.checkpoints if PurePosixPath(path).name == experiment.best_checkpoint]
    exported = [path for runtime, path in experiment.export.items() if runtime == "ONNXRuntime"]
    others = [path for path in experiment.checkpoints if path not in best]
    return tuple(dict.fromkeys([*best, *exported, *others]))


def _words(file: str, experiment: ExperimentInfo) -> str:
    name = PurePosixPath(file).name
    if name == experiment.best_checkpoint:
        return _("{file}, the best checkpoint").format(file=name)
    return f"{name}, ONNX" if name.endswith(".onnx") else name
