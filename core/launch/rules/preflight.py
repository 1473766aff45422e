"""Checks before a start that the server does not make (contract sections 8 and 12.2).

The real training app trains its default model when a name is unknown and waits for ever when a class list is empty, so
everything that can be known before is checked before.
"""

from core.api.client import SuperviselyClient
from core.domain.plan import TrainingPlan
from core.errors import NotFoundError
from core.launch.rules.check import RULES
from core.launch.rules.facts import Facts
from core.launch.rules.plan_facts import gather
from core.launch.rules.problems import Problem, error


def check(client: SuperviselyClient, plan: TrainingPlan) -> tuple[Problem, ...]:
    """Return everything that speaks against starting a plan, in the order of the wizard's steps.

    Raises:
        ApiError: The server does not answer as it should.
    """
    try:
        return problems_of(plan, gather(client, plan).facts)
    except NotFoundError as missing:
        return (error("project", missing.message, missing.hint),)


def problems_of(plan: TrainingPlan, facts: Facts) -> tuple[Problem, ...]:
    """Return everything that speaks against starting a plan. Pure."""
    return tuple(problem for rule in RULES.values() for problem in rule(plan, facts))
