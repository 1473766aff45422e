"""From a draft to a plan, or to everything that is still missing."""

from core.domain.plan import TrainingPlan
from core.launch.rules.facts import Facts
from core.launch.rules.problems import Problem
from core.wizard.draft import WizardDraft
from core.wizard.steps import all_problems, errors


def complete(draft: WizardDraft, facts: Facts) -> TrainingPlan | tuple[Problem, ...]:
    """Return the plan that a draft stands for.

    Args:
        draft: The draft.
        facts: What the server knows about its choices.

    Returns:
        The plan, or all errors of all steps, in the order of the steps.
    """
    found = tuple(problem for problems in all_problems(draft, facts).values() for problem in errors(problems))
    split = draft.split.chosen()
    if found or draft.project_id is None or draft.model is None or split is None:
        return found
    return TrainingPlan(
        project_id=draft.project_id,
        model=draft.model,
        agent_id=draft.agent_id,
        classes=draft.classes,
        train_val_split=split,
        hyperparameters=draft.hyperparameters,
        experiment_name=draft.experiment_name or None,
        convert_class_shapes=draft.convert_class_shapes,
        enable_benchmark=draft.enable_benchmark,
        enable_speedtest=draft.enable_speedtest,
        cache_project=draft.cache_project,
        export_onnx=draft.export_onnx,
        export_tensorrt=draft.export_tensorrt,
        autostart=draft.autostart,
        description=draft.description,
    )
