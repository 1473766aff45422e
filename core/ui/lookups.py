"""Cached look-ups. Keys are the server's address and ids, never frames or secrets; nothing is kept for long."""

from pathlib import PurePosixPath

import streamlit as st

from core.domain.agent import Agent
from core.domain.annotation import Annotation
from core.domain.experiment import ExperimentInfo
from core.domain.ids import DatasetId, ImageId, ProjectId, TeamId, WorkspaceId
from core.domain.image import Image
from core.domain.model import CatalogueModel
from core.domain.plan import ModelChoice, RandomSplit, TrainingPlan, TrainValSplit
from core.domain.project import Project
from core.domain.split import SplitContent
from core.errors import InputError, NotFoundError
from core.launch import freezing
from core.launch.rules.facts import Facts, ModelFacts, SplitCounts
from core.launch.rules.preflight import check
from core.launch.rules.problems import Problem
from core.launch.rules.project_facts import ProjectFacts
from core.launch.time_estimate import PastRun, models_by_task, past_runs
from core.ui import connection
from core.wizard import gather
from core.wizard.data_profile import DataProfile, profile
from core.wizard.draft import WizardDraft

_SECONDS = 10
_LONG_SECONDS = 300
_PROFILE_IMAGES = 200
_PAST_TASKS = 300
_MOST_DEALT = 20_000
"""Images that are dealt to show what a split will hold before it is frozen; more would take seconds."""


@st.cache_data(ttl=_SECONDS, max_entries=50, show_spinner=False)
def projects(server: str, workspace: WorkspaceId) -> tuple[Project, ...]:
    """Return the image projects of a workspace."""
    del server
    return tuple(item for item in connection.client().projects.list(workspace) if item.type == "images")


@st.cache_data(ttl=_LONG_SECONDS, max_entries=50, show_spinner=False)
def can_import(server: str) -> bool:
    """Return whether the server takes data from this dashboard."""
    del server
    return connection.client().imports.are_possible()


@st.cache_data(ttl=_LONG_SECONDS, max_entries=50, show_spinner=False)
def can_dry_run(server: str) -> bool:
    """Return whether the server makes dry runs of trainings."""
    del server
    return connection.client().dry_runs.are_possible()


@st.cache_resource(ttl=_SECONDS, max_entries=50, show_spinner=False)  # not copied: 1,000 classes would take 40 ms
def project(server: str, project_id: ProjectId) -> ProjectFacts | None:
    """Return a project with what the wizard shows of it, ``None`` if the server does not have it."""
    del server
    try:
        return gather.project_facts(connection.client(), project_id)
    except NotFoundError:
        return None


@st.cache_data(ttl=_LONG_SECONDS, max_entries=50, show_spinner=False)
def catalogue(server: str) -> tuple[CatalogueModel, ...]:
    """Return the models of all frameworks."""
    del server
    return tuple(connection.client().ecosystem.models())


@st.cache_data(ttl=_LONG_SECONDS, max_entries=100, show_spinner=False)
def hyperparameters(server: str, team: TeamId, info: ExperimentInfo) -> str | None:
    """Return the YAML text that an experiment was trained with, ``None`` if it is gone."""
    del server
    return _artifact(team, info, info.hyperparameters)


@st.cache_data(ttl=_LONG_SECONDS, max_entries=100, show_spinner=False)
def settings_text(server: str, team: TeamId, info: ExperimentInfo) -> str | None:
    """Return the ``app_state.json`` of an experiment, ``None`` if it is gone."""
    del server
    return _artifact(team, info, info.app_state or "app_state.json")


def _artifact(team: TeamId, info: ExperimentInfo, relative: str) -> str | None:
    try:
        content = connection.client().files.read(team, str(PurePosixPath(info.artifacts_dir) / relative))
    except NotFoundError:
        return None
    return content.decode("utf-8", errors="replace")


@st.cache_data(ttl=_SECONDS, max_entries=50, show_spinner=False)
def agents(server: str, team: TeamId) -> tuple[Agent, ...]:
    """Return the agents of a team."""
    del server
    return tuple(connection.client().agents.list(team))


@st.cache_data(ttl=_SECONDS, max_entries=20, show_spinner=False)
def past_times(server: str, workspace: WorkspaceId) -> tuple[tuple[PastRun, ...], dict[int, str]]:
    """Return how long earlier trainings of a workspace took, and task id → catalogue model."""
    del server
    tasks = connection.client().tasks.newest(workspace, _PAST_TASKS)
    return past_runs(tasks), models_by_task(tasks)


@st.cache_data(ttl=_SECONDS, max_entries=200, show_spinner=False)
def model(server: str, team: TeamId, choice: ModelChoice) -> ModelFacts | None:
    """Return what the server says about a chosen model, ``None`` if it does not have it."""
    return gather.model_facts(connection.client(), choice, team_id=team, catalogue=catalogue(server))


@st.cache_data(ttl=_SECONDS, max_entries=200, show_spinner="Counting images")
def split_counts(server: str, project_id: ProjectId, split: TrainValSplit) -> SplitCounts | None:
    """Return how many images a split gives to each side."""
    facts = project(server, project_id)
    return None if facts is None else gather.split_counts(connection.client(), facts, split)


@st.cache_resource(ttl=_LONG_SECONDS, max_entries=50, show_spinner="Counting objects on both sides")
def split_content(server: str, project_id: ProjectId, split: TrainValSplit, images: int) -> SplitContent | None:
    """Return what the sides of a split hold; ``images`` makes a project that has grown another one."""
    del server, images
    try:
        return connection.client().splits.content(project_id, split)
    except InputError:  # a side is empty, or something is missing: the checks of the split say so
        return None


@st.cache_resource(ttl=_LONG_SECONDS, max_entries=20, show_spinner="Dealing the images")
def dealt(server: str, project_id: ProjectId, split: RandomSplit, images: int) -> SplitContent | None:
    """Return what a random split will hold once it is frozen; ``images`` as in :func:`split_content`."""
    del server, images
    client = connection.client()
    if client.splits.content_of(project_id, (), ()) is None:  # ask before every image is listed
        return None
    deal = freezing.deal(client.images.list(project_id=project_id), split)
    return client.splits.content_of(project_id, deal.train, deal.val)


@st.cache_data(ttl=_LONG_SECONDS, max_entries=100, show_spinner=False)
def images_of(server: str, project_id: ProjectId, image_ids: tuple[ImageId, ...]) -> tuple[Image, ...]:
    """Return images by their ids."""
    del server
    return connection.client().images.get(project_id, image_ids)


@st.cache_data(ttl=_LONG_SECONDS, max_entries=50, show_spinner=False)
def sample_images(server: str, project_id: ProjectId, count: int) -> tuple[Image, ...]:
    """Return images from all over a project, evenly taken from its datasets."""
    facts = project(server, project_id)
    if facts is None:
        return ()
    filled = [dataset for dataset in facts.datasets if dataset.items_count]
    per_dataset = -(-count // max(len(filled), 1))
    listed = [
        connection.client().images.list(project_id=project_id, dataset_id=dataset.id, limit=per_dataset)
        for dataset in filled
    ]
    rounds = [images[turn] for turn in range(per_dataset) for images in listed if turn < len(images)]
    return tuple(rounds[:count])


@st.cache_data(ttl=_SECONDS, max_entries=50, show_spinner=False)
def image_page(
    server: str, project_id: ProjectId, dataset: DatasetId | None, page: int, per_page: int
) -> tuple[Image, ...]:
    """Return one page of the images of a project, or of one of its datasets."""
    del server
    images = connection.client().images
    if dataset is None:
        return images.page(project_id=project_id, page=page, per_page=per_page).images
    return images.page(project_id=project_id, dataset_id=dataset, page=page, per_page=per_page).images


@st.cache_data(ttl=_LONG_SECONDS, max_entries=50, show_spinner="Measuring a sample")
def data_profile(server: str, project_id: ProjectId) -> DataProfile:
    """Return the sizes of images and objects in a sample of a project."""
    images = sample_images(server, project_id, _PROFILE_IMAGES)
    return profile(images, annotations(server, images))


@st.cache_data(ttl=_LONG_SECONDS, max_entries=50, show_spinner=False)
def annotations(server: str, images: tuple[Image, ...]) -> dict[ImageId, Annotation]:
    """Return the annotations of images."""
    del server
    found: dict[ImageId, Annotation] = {}
    for dataset in dict.fromkeys(image.dataset_id for image in images):
        ids = [image.id for image in images if image.dataset_id == dataset]
        found.update(connection.client().annotations.get(dataset, ids))
    return found


@st.cache_data(ttl=_SECONDS, max_entries=200, show_spinner="Checking")
def problems(server: str, plan: TrainingPlan) -> tuple[Problem, ...]:
    """Return what speaks against starting a plan."""
    del server
    return check(connection.client(), plan)


def facts_of(draft: WizardDraft) -> Facts:
    """Return all facts about a draft."""
    server, team = connection.address(), connection.team_id()
    split = draft.split.chosen()
    known = None if draft.project_id is None else project(server, draft.project_id)
    return Facts(
        project=known,
        model=None if draft.model is None else model(server, team, draft.model),
        models=catalogue(server),
        split=None if known is None or split is None else split_counts(server, known.project.id, split),
        split_content=None if known is None or split is None else _content(server, known.project, split),
        agents=agents(server, team),
    )


def _content(server: str, project: Project, split: TrainValSplit) -> SplitContent | None:
    """Return what both sides will hold, ``None`` as long as that is not fixed and where it would take long."""
    if not isinstance(split, RandomSplit):
        return split_content(server, project.id, split, project.items_count)
    if split.seed is None or not 0 < project.items_count <= _MOST_DEALT:
        return None
    return dealt(server, project.id, split, project.items_count)
