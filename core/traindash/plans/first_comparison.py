"""The guided first comparison as a plan: two trainings that differ in one thing. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from traindash.domain.ecosystem import CatalogueModel
from traindash.domain.plan import PretrainedModel
from traindash.domain.project import Project
from traindash.errors import InputError
from traindash.frameworks.first_comparison import FirstComparison
from traindash.frameworks.hyperparameter_text import with_values
from traindash.frameworks.registry import framework
from traindash.frameworks.spec import DeviceKind
from traindash.plans.draft import DraftId, choose_model, new_draft, plan_of_draft
from traindash.plans.facts import ProjectFacts
from traindash.plans.series import Experiment, ExperimentChange, SeriesChoices, SeriesPlan, Vary, experiments
from traindash.plans.suggestions import begin_with

SERIES_NAME = "First comparison"
SAMPLE_PROJECT = "Fruit and vegetables"  # as the embedded platform names it


def sample_project(projects: Sequence[Project]) -> Project | None:
    """Return the sample project, ``None`` where a person has deleted or renamed it."""
    own = (item for item in projects if item.name == SAMPLE_PROJECT and item.items_count)
    return min(own, key=lambda item: item.id, default=None)


def can_train(models: Sequence[CatalogueModel], wanted: FirstComparison) -> bool:
    """Return whether a server offers the model of the first comparison."""
    return any((model.framework, model.name) == (wanted.framework, wanted.model) for model in models)


def plan_first_comparison(
    project: ProjectFacts, wanted: FirstComparison, defaults: str, device: DeviceKind
) -> tuple[tuple[Experiment, ...], SeriesChoices]:
    """Return the trainings and the choices that make them.

    ``defaults`` are the framework's hyperparameters on this server.

    Raises:
        InputError: The project cannot be split, or the framework has no such preset.
    """
    preset = next((item for item in framework(wanted.framework).presets if item.name == wanted.preset), None)
    model = PretrainedModel(framework=wanted.framework, name=wanted.model)
    draft = choose_model(begin_with(new_draft(DraftId("first"), ""), project), model, same_framework=True)
    base = plan_of_draft(draft)
    if preset is None or base is None:
        msg = "The first comparison cannot be planned on this project."
        raise InputError(msg, "Start a new training and choose the settings.")
    text = with_values(defaults, preset.values[device])
    choices = SeriesChoices(
        name=SERIES_NAME, vary=tuple(Vary(key=key, text=values) for key, values in wanted.vary.items())
    )
    # Both train at the same time, so a speed test would measure the other one, too.
    plan = replace(base, hyperparameters=text, autostart=True, enable_speedtest=False)
    series = SeriesPlan(base=plan, choices=choices)
    made = experiments(series, lambda _model: text)
    named = {item.key: ExperimentChange(name=name) for item, name in zip(made, wanted.names, strict=False)}
    choices = replace(choices, changes=named)
    return experiments(replace(series, choices=choices), lambda _model: text), choices
