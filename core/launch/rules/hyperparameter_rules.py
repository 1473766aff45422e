"""What speaks against a text of hyperparameters, as problems of the plan that has it."""

from core.frameworks.registry import reference_of
from core.launch.rules.hyperparameter_values import TextProblem
from core.launch.rules.hyperparameters import read_text
from core.launch.rules.problems import Problem, Severity


def text_problems(text: str, framework: str | None) -> tuple[Problem, ...]:
    """Return everything that cannot be read or used, errors first.

    Args:
        text: YAML.
        framework: Framework that it is meant for; ``None`` where that is not known.
    """
    found = read_text(text, None if framework is None else reference_of(framework))
    return (
        *(_problem("error", problem) for problem in found.errors),
        *(_problem("warning", problem) for problem in found.warnings),
    )


def _problem(severity: Severity, problem: TextProblem) -> Problem:
    return Problem(severity=severity, step="hyperparameters", message=problem.message, hint=problem.hint)
