"""Facts and drafts for the tests of the checks."""

from dataclasses import replace
from datetime import UTC, datetime

from tests.fakes.wizard_client import DEFAULTS, client_of, small_world
from traindash.domain.ids import DatasetId, ProjectId
from traindash.domain.plan import PretrainedModel
from traindash.plans.draft import DraftId, WizardDraft, new_draft
from traindash.plans.facts import Facts, ModelFacts, ProjectFacts, SplitCounts
from traindash.plans.lookups import project_facts

PROJECT = ProjectId(7)
ORCHARD, MARKET = DatasetId(71), DatasetId(72)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
_WORLD = small_world()
AGENTS = _WORLD.agents
MODEL = ModelFacts(
    framework="YOLO",
    name="Pico-det (CPU demo)",
    task_type="object detection",
    starts_random=True,
    default_hyperparameters=DEFAULTS,
)


def project() -> ProjectFacts:
    """Return the facts of the small project: apple, lemon, plum with objects, fig without."""
    return project_facts(client_of(_WORLD), PROJECT)


def facts(**changes: object) -> Facts:
    """Return facts that fit :func:`draft`."""
    whole = Facts(
        project=project(), model=MODEL, models=_WORLD.models, split=SplitCounts(train=160, val=40), agents=AGENTS
    )
    return replace(whole, **changes)  # type: ignore[arg-type] # tests name fields of Facts


def draft(**changes: object) -> WizardDraft:
    """Return a draft that could be started."""
    empty = new_draft(DraftId("abc123"), "http://server", NOW)
    whole = replace(empty, project_id=PROJECT, model=PretrainedModel(framework="YOLO", name=MODEL.name))
    return replace(whole, **changes)  # type: ignore[arg-type] # tests name fields of WizardDraft
