"""Supervisely's own comparison of evaluations: the app ``compare_models`` (contract section 10)."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.api.client import SuperviselyClient
from core.api.resources.ecosystem import COMPARE_SLUG
from core.api.resources.tasks import StartRequest
from core.domain.experiment import ExperimentInfo
from core.domain.ids import AgentId, TaskId, TeamId, WorkspaceId
from core.domain.task import Task, TaskStatus
from core.errors import InputError
from core.launch.launcher import choose_agent, send

_FEWEST = 2
_MOST_LETTERS = 255
_TEMPLATE = "template.vue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a comparison runs.

    Attributes:
        team_id: Whose agents.
        workspace_id: Where its task belongs.
        agent_id: ``None`` takes the one that the official SDK would take.
    """

    team_id: TeamId
    workspace_id: WorkspaceId
    agent_id: AgentId | None = None


def start_comparison(
    client: SuperviselyClient,
    experiments: Sequence[ExperimentInfo],
    place: Place,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> TaskId:
    """Start the comparison of experiments, in the order given: its title and its columns keep that order.

    Args:
        client: The server.
        experiments: Two at least, all with an evaluation.
        place: Where it runs.
        sleep: Waits between looks after an unclear start; stands in for the clock in tests.

    Raises:
        InputError: They cannot be compared; says which one and why. Nothing was sent.
        MissingError: The server has no such app, or a report is gone.
        LaunchUncertainError: It is not known whether the task was started.
        ApiError: The server refused, or could not be asked.
    """
    check_comparable(experiments)
    folders = [evaluation_folder(client, info) for info in experiments]
    module = client.ecosystem.module_by_slug(COMPARE_SLUG)
    agent = choose_agent(client.agents.available(place.team_id)) if place.agent_id is None else place.agent_id
    title = " vs. ".join(info.experiment_name for info in experiments)
    request = StartRequest(
        module_id=module.id,
        workspace_id=place.workspace_id,
        agent_id=agent,
        state={"eval_dirs": folders},
        description=title if len(title) <= _MOST_LETTERS else f"{title[: _MOST_LETTERS - 1]}…",
    )
    return send(client, request, sleep=sleep)


def check_comparable(experiments: Sequence[ExperimentInfo]) -> None:
    """Refuse what the app would refuse after it has downloaded everything, as far as the records say.

    Raises:
        InputError: Says which experiment and why.
    """
    if len(experiments) < _FEWEST:
        msg = "A comparison needs at least two experiments."
        raise InputError(msg, "Choose another one.")
    first = experiments[0]
    for info in experiments:
        if info.evaluation_report_id is None:
            raise _no_evaluation(info)
        if info.task_type != first.task_type:
            msg = (
                f"“{first.experiment_name}” and “{info.experiment_name}” solve different tasks: "
                f"{first.task_type} and {info.task_type}."
            )
            raise InputError(msg, "Compare models of one task.")
        if info.project_id != first.project_id:
            msg = f"“{first.experiment_name}” and “{info.experiment_name}” belong to different projects."
            raise InputError(msg, "The server compares evaluations of one project only; this page compares them too.")


def evaluation_folder(client: SuperviselyClient, info: ExperimentInfo) -> str:
    """Return the evaluation directory of an experiment: two levels above its report's ``template.vue``.

    Raises:
        InputError: The experiment has no evaluation.
        MissingError: The report is gone.
    """
    if info.evaluation_report_id is None:
        raise _no_evaluation(info)
    path = PurePosixPath(client.files.info(info.evaluation_report_id).path)
    return str(path.parent.parent if path.name == _TEMPLATE else path.parent)


def _no_evaluation(info: ExperimentInfo) -> InputError:
    msg = f"“{info.experiment_name}” has no evaluation on the server."
    return InputError(msg, "Leave it out, or train it again with the benchmark switched on.")


def report_link(task: Task, address: str) -> str | None:
    """Return the address of the report of a finished comparison; ``None`` while there is none.

    Args:
        task: The comparison's task.
        address: Of the server; the app gives a path on it.
    """
    general = (task.output or {}).get("general")
    if task.status is not TaskStatus.FINISHED or not isinstance(general, Mapping):
        return None
    link = general.get("titleUrl")
    if not isinstance(link, str) or not link:
        return None
    return f"{address}{link}" if link.startswith("/") else link
