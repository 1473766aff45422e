"""Starting a plan: exactly once, and never without knowing what became of it."""

import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from traindash.domain.app_state import StartRequest
from traindash.domain.ecosystem import Agent
from traindash.domain.ids import AgentId, TaskId, TeamId, WorkspaceId
from traindash.domain.plan import PretrainedModel, TrainingPlan
from traindash.errors import InputError, StateError
from traindash.language import gettext as _
from traindash.plans.app_state import start_state
from traindash.plans.facts import PlanFacts, gather
from traindash.plans.problems import Problem
from traindash.plans.rules import problems_of
from traindash.plans.splits import with_fixed_split
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import (
    ApiError,
    ConnectionFailedError,
    ContractError,
    RequestTimeoutError,
    ServerFailedError,
)
from traindash.supervisely.tasks import start_request

# seconds before each look at the server's newest tasks after a start whose outcome is unknown
LOOKS = (0.5, 1.0, 2.0, 4.0, 8.0)

# two equal plans that start at the same time could otherwise take each other's task for their own
_ONE_AT_A_TIME = threading.Lock()


class PlanRefusedError(InputError):
    """The plan has errors and was not sent. Its problems are all findings, warnings included."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        errors = [problem for problem in problems if problem.severity == "error"]
        told = [f"{problem.message} {problem.hint}".strip() for problem in errors]
        super().__init__(" ".join([*told[:-1], errors[-1].message]), errors[-1].hint)
        self.problems = problems


class LaunchUncertainError(StateError):
    """The start was sent, and whether the task exists could not be found out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartMark:
    """What is known right before a start is sent: enough to recognise its task later, even by another process."""

    workspace_id: WorkspaceId  # where the task will be
    before: TaskId  # newest task so far, 0 for none; the wanted one has a higher id
    fingerprint: str  # of what is sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """A plan that was started."""

    task_id: TaskId  # its task. It may still have to wait or to get ready; follow it with `TaskWatch`
    warnings: tuple[Problem, ...] = ()  # what did not keep it from being started


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPlace:
    """Where an app runs that trains nothing."""

    team_id: TeamId  # whose agents
    workspace_id: WorkspaceId  # where its task belongs
    agent_id: AgentId | None = None  # `None` takes the one that the official SDK would take


def launch(client: SuperviselyClient, plan: TrainingPlan, *, sleep: Callable[[float], None] = time.sleep) -> TaskId:
    """Check a plan, start it and return its task, as :func:`check_and_launch`."""
    return check_and_launch(client, plan, sleep=sleep).task_id


def check_and_launch(
    client: SuperviselyClient, plan: TrainingPlan, *, sleep: Callable[[float], None] = time.sleep
) -> Launched:
    """Check a plan and start it.

    A random split with a seed is frozen before. The start is sent once. When its answer does not arrive, the server's
    tasks are looked through for the one that was asked for.

    Raises:
        PlanRefusedError: The plan has errors; nothing was sent.
        InputError: Its split cannot be frozen; nothing was sent.
        NotFoundError: The plan's project does not exist.
        LaunchUncertainError: It is not known whether the task was started.
        ApiError: The server refused, or could not be asked.
    """
    facts, warnings = gather_startable(client, plan)
    fixed = with_fixed_split(client, plan)
    return Launched(task_id=send(client, request_for(fixed, facts), sleep=sleep), warnings=warnings)


def gather_startable(client: SuperviselyClient, plan: TrainingPlan) -> tuple[PlanFacts, tuple[Problem, ...]]:
    """Return what the server knows about a plan that can be started, and the warnings.

    Raises:
        PlanRefusedError: The plan has errors.
        NotFoundError: The plan's project does not exist.
        ApiError: The server could not be asked.
    """
    facts = gather(client, plan)
    # The server checks nothing: its app trains another model, or waits for ever (docs/supervisely-api.md 8).
    problems = problems_of(plan, facts.facts)
    if any(problem.severity == "error" for problem in problems):
        raise PlanRefusedError(problems)
    return facts, problems


def request_for(plan: TrainingPlan, facts: PlanFacts) -> StartRequest:
    """Return what a plan's start sends. Pure.

    Raises:
        PlanRefusedError: There is no app or no agent for the plan.
    """
    if facts.module is None:
        raise PlanRefusedError(problems_of(plan, facts.facts))
    # The SDK leaves “application description” there (docs/supervisely-api.md 3.2), which tells nobody anything.
    name = plan.model.name if isinstance(plan.model, PretrainedModel) else facts.model_name
    return start_request(
        module_id=facts.module.id,
        workspace_id=facts.project.project.workspace_id,
        agent_id=plan.agent_id if plan.agent_id is not None else choose_agent(facts.facts.agents),
        state=start_state(plan, facts.project.meta, facts.origin, facts.facts.app),
        description=plan.description if plan.description is not None else name or "",
    )


def choose_agent(agents: tuple[Agent, ...]) -> AgentId | None:
    """Return the agent that the official SDK would take (docs/supervisely-api.md 9.1).

    Returns:
        The one whose first device has the most free memory, else the first Kubernetes agent, else ``None``: the
        server decides.
    """
    # The SDK takes the agent by its first device, whatever its other devices have.
    own = [agent for agent in agents if agent.type == "sly_agent"]
    if own:
        return max(own, key=lambda agent: (agent.devices[0].available_bytes if agent.devices else None) or 0.0).id
    return next((agent.id for agent in agents if agent.type == "kubernetes"), None)


def send(
    client: SuperviselyClient,
    request: StartRequest,
    *,
    sleep: Callable[[float], None] = time.sleep,
    note: Callable[[StartMark], None] = lambda _: None,
) -> TaskId:
    """Send a start once; after an unclear failure find out what became of it.

    ``note`` writes the mark down before anything is sent, for :func:`find_started` after a sudden end of this process.

    Raises:
        LaunchUncertainError: It is not known whether the task was started.
        ApiError: The server refused, or could not be asked.
    """
    # Held until the task is known, for the mark only says “newer than this”.
    with _ONE_AT_A_TIME:
        newest = client.tasks.newest(request.workspace_id, 1)
        mark = StartMark(
            workspace_id=request.workspace_id,
            before=newest[0].id if newest else TaskId(0),
            fingerprint=_fingerprint(request.state, request.description),
        )
        # On disk before anything is sent: a process that dies right after the start is found out by the next one.
        note(mark)
        try:
            return client.tasks.start(request)
        # The server may have made the task and failed to say so: starts are never repeated blindly.
        except (RequestTimeoutError, ServerFailedError, ContractError) as failure:
            return _find(client, mark, failure, sleep)
        except ConnectionFailedError as failure:
            # Not a byte went out, so there is nothing to look for.
            if not failure.sent:
                raise
            return _find(client, mark, failure, sleep)


def find_started(client: SuperviselyClient, mark: StartMark, count: int = 20) -> TaskId | None:
    """Look once, among so many of the newest tasks, for the one that a start made.

    Raises:
        ApiError: The server does not answer as it should.
    """
    for task in client.tasks.newest(mark.workspace_id, count):
        if task.id > mark.before and _fingerprint(task.params, task.description) == mark.fingerprint:
            return task.id
    return None


def _find(client: SuperviselyClient, mark: StartMark, failure: ApiError, sleep: Callable[[float], None]) -> TaskId:
    for pause in LOOKS:
        sleep(pause)
        try:
            found = find_started(client, mark)
        except ApiError:
            continue  # the failure that made the start unclear may last; there are further looks
        if found is not None:
            return found
    msg = _("It is not known whether the training was started: {reason}").format(reason=failure.message)
    raise LaunchUncertainError(msg, _("Look at the list of tasks before you start it again.")) from failure


def _fingerprint(state: object, description: str) -> str:
    return hashlib.sha256(json.dumps([state, description], sort_keys=True).encode()).hexdigest()
