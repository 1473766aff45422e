"""Supervisely's own comparison of evaluations: the app ``compare_models`` (docs/supervisely-api.md 10)."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import TaskId
from traindash.domain.task import Task, TaskStatus
from traindash.errors import InputError
from traindash.language import gettext as _
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.ecosystem import COMPARE_SLUG
from traindash.supervisely.tasks import start_request
from traindash.tasks.launcher import TaskPlace, choose_agent, send

_FEWEST = 2
_MOST_LETTERS = 255
_TEMPLATE = "template.vue"


def start_comparison(client: SuperviselyClient, experiments: Sequence[ExperimentInfo], place: TaskPlace) -> TaskId:
    """Start the comparison of experiments, in the order given: its title and its columns keep that order.

    Two at least, all with an evaluation.

    Raises:
        InputError: They cannot be compared; says which one and why. Nothing was sent.
        MissingError: The server has no such app, or a report is gone.
        LaunchUncertainError: It is not known whether the task was started.
        ApiError: The server refused, or could not be asked.
    """
    # The app would find out after it has downloaded everything.
    check_comparable(experiments)
    folders = [evaluation_folder(client, info) for info in experiments]
    module = client.ecosystem.module_by_slug(COMPARE_SLUG)
    agent = choose_agent(client.agents.available(place.team_id)) if place.agent_id is None else place.agent_id
    title = " vs. ".join(info.experiment_name for info in experiments)
    request = start_request(
        module_id=module.id,
        workspace_id=place.workspace_id,
        agent_id=agent,
        state={"eval_dirs": folders},
        description=title if len(title) <= _MOST_LETTERS else f"{title[: _MOST_LETTERS - 1]}…",
    )
    return send(client, request)


def check_comparable(experiments: Sequence[ExperimentInfo]) -> None:
    """Refuse what the app would refuse after it has downloaded everything, as far as the records say.

    Raises:
        InputError: Says which experiment and why.
    """
    if len(experiments) < _FEWEST:
        raise InputError(_("A comparison needs at least two experiments."), _("Choose another one."))
    first = experiments[0]
    for info in experiments:
        if info.evaluation_report_id is None:
            raise _no_evaluation(info)
        if info.task_type != first.task_type:
            msg = _("“{one}” and “{other}” solve different tasks: {task} and {other_task}.").format(
                one=first.experiment_name,
                other=info.experiment_name,
                task=first.task_type,
                other_task=info.task_type,
            )
            raise InputError(msg, _("Compare models of one task."))
        if info.project_id != first.project_id:
            msg = _("“{one}” and “{other}” belong to different projects.").format(
                one=first.experiment_name, other=info.experiment_name
            )
            raise InputError(
                msg, _("The server compares evaluations of one project only; this page compares them too.")
            )


def evaluation_folder(client: SuperviselyClient, info: ExperimentInfo) -> str:
    """Return the evaluation directory of an experiment: two levels above its report's ``template.vue``.

    Raises:
        InputError: The experiment has no evaluation.
        MissingError: The report is gone.
    """
    if info.evaluation_report_id is None:
        raise _no_evaluation(info)
    # By the report, not by name: the folder gets _NNN where its name was taken (docs/supervisely-api.md 7.2).
    path = PurePosixPath(client.files.info(info.evaluation_report_id).path)
    return str(path.parent.parent if path.name == _TEMPLATE else path.parent)


def _no_evaluation(info: ExperimentInfo) -> InputError:
    msg = _("“{experiment}” has no evaluation on the server.").format(experiment=info.experiment_name)
    return InputError(msg, _("Leave it out, or train it again with the benchmark switched on."))


def report_link(task: Task, address: str) -> str | None:
    """Return the address of the report of a finished comparison; ``None`` while there is none.

    The app gives a path on the server's address.
    """
    general = (task.output or {}).get("general")
    if task.status is not TaskStatus.FINISHED or not isinstance(general, Mapping):
        return None
    link = general.get("titleUrl")
    if not isinstance(link, str) or not link:
        return None
    return f"{address}{link}" if link.startswith("/") else link
