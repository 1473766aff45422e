"""Cached look-ups. Keys are the server and ids, never frames or secrets; nothing is kept for long."""

import logging
from dataclasses import replace
from pathlib import PurePosixPath

from traindash.domain.annotation import Annotation
from traindash.domain.ecosystem import Agent, AppOptions, CatalogueModel
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import DatasetId, ImageId, ModuleId, ProjectId, TaskId, TeamId, WorkspaceId
from traindash.domain.plan import ImagesSplit, ModelChoice, RandomSplit, SplitContent, TrainingPlan, TrainValSplit
from traindash.domain.project import Image, NameKind, Project
from traindash.domain.serving import DeployedModel, ServingStatus
from traindash.domain.task import Task
from traindash.errors import AppError, NotFoundError, StorageError
from traindash.language import N_, Language, current, speaking
from traindash.plans import lookups as gather
from traindash.plans import splits as freezing
from traindash.plans.draft import WizardDraft
from traindash.plans.facts import Facts, ModelFacts, ProjectFacts, SplitCounts
from traindash.plans.facts import split_content as side_content
from traindash.plans.lookups import DataProfile, profile
from traindash.plans.problems import Problem
from traindash.plans.rules import check
from traindash.supervisely.images import ImagePage, ImageSearch
from traindash.supervisely.project_edits import Deleted, RemovedName
from traindash.tasks.flight_check import PastRun, models_by_task, past_runs
from traindash.tasks.task_watcher import TaskWatch
from traindash.text_files import decode_text
from traindash.ui import connection
from traindash.ui.connection import lookup

# How long a project counts as unchanged. What is read of its data is kept longer, under the state it was in: what the
# SDK writes is on the page at its next run, and a run that asks for a project a dozen times asks the server once.
_FRESH_SECONDS = 2
# One run of a page asks for the same project a dozen times; ten seconds answer them all with one request, and what
# another program changes on the server is still seen soon.
_SECONDS = 10
_LONG_SECONDS = 300
# Lists of tasks refresh every three seconds: parts of one run and tabs side by side share an answer, and none is old.
_TASKS_SECONDS = 1
MOST_TASKS = 500  # a page of the server's answer (docs/supervisely-api.md 2)
_WATCH_SECONDS = 3600  # after that a log is read from its beginning again
# Annotations of so many images come in one request for each dataset; a whole project would take minutes.
_PROFILE_IMAGES = 200
_MOST_LISTED, _SOME_LISTED = 5_000, 500
# The newest tell most about how long the next training takes, and a page of the answer has 500 (docs/supervisely-api.md
# 2).
_PAST_TASKS = 300
# images that are dealt to show what a split will hold before it is frozen; more would take seconds
_MOST_DEALT = 20_000
_log = logging.getLogger("traindash.lookups")


@lookup(seconds=_FRESH_SECONDS, most=50)
def projects(workspace: WorkspaceId) -> tuple[Project, ...]:
    """Return the image projects of a workspace."""
    # Models are trained on images: projects of videos, volumes and point clouds are of no use here.
    return tuple(item for item in connection.client().projects.list(workspace) if item.type == "images")


def project_names() -> dict[ProjectId, str]:
    """Return the names of the image projects of the workspace."""
    return {item.id: item.name for item in projects(connection.workspace_id())}


@lookup(seconds=_LONG_SECONDS, most=20)
def serving_apps() -> frozenset[ModuleId]:
    """Return the ids of the apps that serve models; none where the server does not say."""
    try:
        return connection.client().serving.module_ids()
    except AppError:
        return frozenset()


@lookup(seconds=_FRESH_SECONDS, most=200)
def serving_status(task: TaskId) -> ServingStatus | None:
    """Return how a serving task is; ``None`` while its app does not answer."""
    try:
        return connection.client().serving.status(task)
    except AppError:
        return None


@lookup(seconds=_SECONDS, most=200)
def deployed_model(task: TaskId) -> DeployedModel | None:
    """Return what a serving task serves; ``None`` while it serves nothing."""
    try:
        return connection.client().serving.model(task)
    except AppError:
        return None


@lookup(seconds=_LONG_SECONDS, most=50)
def can_import() -> bool:
    """Return whether the server takes data from this dashboard."""
    return connection.client().imports.are_possible()


@lookup(seconds=_LONG_SECONDS, most=50)
def can_dry_run() -> bool:
    """Return whether the server makes dry runs of trainings."""
    return connection.client().dry_runs.are_possible()


@lookup(seconds=_LONG_SECONDS, most=50)
def can_export() -> bool:
    """Return whether the server makes ONNX files of checkpoints."""
    return connection.client().exports.are_possible()


@lookup(seconds=_LONG_SECONDS, most=50)
def can_restore() -> bool:
    """Return whether the server brings back what was deleted."""
    return connection.client().project_edits.can_restore()


@lookup(seconds=_FRESH_SECONDS, most=50)
def deleted_projects() -> tuple[Deleted, ...]:
    """Return the projects that can be brought back; none where the server does not say."""
    return connection.client().project_edits.deleted_projects() if can_restore() else ()


def deleted_datasets(project_id: ProjectId) -> tuple[Deleted, ...]:
    """Return the datasets of a project that can be brought back; none where the server does not say."""
    return _deleted_datasets(project_id, _state(project_id)) if can_restore() else ()


@lookup(seconds=_SECONDS, most=50)
def _deleted_datasets(project_id: ProjectId, state: str) -> tuple[Deleted, ...]:
    del state
    return connection.client().project_edits.deleted_datasets(project_id)


def removed_names(project_id: ProjectId, kind: NameKind) -> tuple[RemovedName, ...]:
    """Return the classes or tags of a project that can be brought back; none where the server does not say."""
    return _removed_names(project_id, kind, _state(project_id)) if can_restore() else ()


@lookup(seconds=_SECONDS, most=50)
def _removed_names(project_id: ProjectId, kind: NameKind, state: str) -> tuple[RemovedName, ...]:
    del state
    return connection.client().project_edits.removed_names(project_id, kind)


def images_in(project_id: ProjectId, dataset: DatasetId) -> tuple[Image, ...]:
    """Return all images of a dataset alone."""
    return _images_in(dataset, _state(project_id))


@lookup(seconds=_LONG_SECONDS, most=10)
def _images_in(dataset: DatasetId, state: str) -> tuple[Image, ...]:
    del state
    return connection.client().images.list(dataset_id=dataset)


@lookup(seconds=_FRESH_SECONDS, most=50)
def _state(project_id: ProjectId) -> str:
    """Return a text that is another one after a change of a project's data; empty if the server does not have it."""
    try:
        found = connection.client().projects.get(project_id)
    except NotFoundError:
        return ""
    return f"{found.updated_at} {found.version} {found.items_count}"


def project(project_id: ProjectId) -> ProjectFacts | None:
    """Return a project with what the wizard shows of it, ``None`` if the server does not have it."""
    return _facts(project_id, _state(project_id))


def forget_project(project_id: ProjectId) -> None:
    """Have a project read anew, after a change that its state does not show, such as a new collection."""
    _facts.forget(project_id, _state(project_id))
    _state.forget(project_id)


@lookup(seconds=_SECONDS, most=50, shared=True)  # not copied: 1,000 classes would take 40 ms
def _facts(project_id: ProjectId, state: str) -> ProjectFacts | None:
    del state
    try:
        found = gather.project_facts(connection.client(), project_id)
    # A draft may outlive its project; the step says so, an error page would hide the way out.
    except NotFoundError:
        return None
    try:
        return replace(found, former=connection.names().look(connection.server_name(), project_id, found.meta))
    except StorageError as error:  # good to know, and no reason to show no project
        _log.warning("Names of project %s are not remembered: %s", project_id, error)
        return found


@lookup(seconds=_LONG_SECONDS, most=50)
def catalogue() -> tuple[CatalogueModel, ...]:
    """Return the models of all frameworks."""
    return tuple(connection.client().ecosystem.models())


@lookup(seconds=_LONG_SECONDS, most=50)
def app_options(framework: str) -> AppOptions:
    """Return what the training app of a framework takes of a plan; everything where the server has no such app."""
    ecosystem = connection.client().ecosystem
    try:
        module = ecosystem.train_module(framework)
    except NotFoundError:
        return AppOptions()
    return ecosystem.options(module, [model for model in catalogue() if model.framework == framework])


@lookup(seconds=_LONG_SECONDS, most=100)
def hyperparameters(team: TeamId, info: ExperimentInfo) -> str | None:
    """Return the YAML text that an experiment was trained with, ``None`` if it is gone."""
    return _artifact(team, info, info.hyperparameters)


@lookup(seconds=_LONG_SECONDS, most=100)
def settings_text(team: TeamId, info: ExperimentInfo) -> str | None:
    """Return the ``app_state.json`` of an experiment, ``None`` if it is gone."""
    return _artifact(team, info, info.app_state or "app_state.json")


def _artifact(team: TeamId, info: ExperimentInfo, relative: str) -> str | None:
    try:
        content = connection.client().files.read(team, str(PurePosixPath(info.artifacts_dir) / relative))
    # Folders of artifacts can be deleted in Team Files while their task stays.
    except NotFoundError:
        return None
    return decode_text(content, relative)


@lookup(seconds=_SECONDS, most=50)
def agents(team: TeamId) -> tuple[Agent, ...]:
    """Return the agents of a team."""
    return tuple(connection.client().agents.list(team))


@lookup(seconds=_SECONDS, most=20)
def past_times(workspace: WorkspaceId) -> tuple[tuple[PastRun, ...], dict[int, str]]:
    """Return how long earlier trainings of a workspace took, and task id → catalogue model."""
    tasks = connection.client().tasks.newest(workspace, _PAST_TASKS)
    return past_runs(tasks), models_by_task(tasks)


@lookup(seconds=_SECONDS, most=200)
def model(team: TeamId, choice: ModelChoice) -> ModelFacts | None:
    """Return what the server says about a chosen model, ``None`` if it does not have it."""
    return gather.model_facts(connection.client(), choice, team_id=team, catalogue=catalogue())


def split_counts(project_id: ProjectId, split: TrainValSplit) -> SplitCounts | None:
    """Return how many images a split gives to each side."""
    return _split_counts(project_id, split, _state(project_id))


@lookup(seconds=_SECONDS, most=200, spinner=N_("Counting images"))
def _split_counts(project_id: ProjectId, split: TrainValSplit, state: str) -> SplitCounts | None:
    del state
    facts = project(project_id)
    return None if facts is None else gather.split_counts(connection.client(), facts, split)


@lookup(seconds=_LONG_SECONDS, most=50, spinner=N_("Counting objects on both sides"), shared=True)
def split_content(project_id: ProjectId, split: TrainValSplit, state: str) -> SplitContent | None:
    """Return what the sides of a split hold; ``state`` is that of the project's data."""
    del state
    known = project(project_id)
    return None if known is None else side_content(connection.client(), known, split)


@lookup(seconds=_LONG_SECONDS, most=20, spinner=N_("Dealing the images"), shared=True)
def dealt(project_id: ProjectId, split: RandomSplit, state: str) -> SplitContent | None:
    """Return what a random split will hold once it is frozen; ``state`` as in :func:`split_content`."""
    del state
    client = connection.client()
    if client.splits.content(project_id, ImagesSplit(train=(), val=())) is None:  # ask before every image is listed
        return None
    return client.splits.content(project_id, freezing.assign_split(client.images.list(project_id=project_id), split))


def images_of(project_id: ProjectId, image_ids: tuple[ImageId, ...]) -> tuple[Image, ...]:
    """Return images by their ids."""
    return _images_of(project_id, image_ids, _state(project_id))


@lookup(seconds=_LONG_SECONDS, most=100)
def _images_of(project_id: ProjectId, image_ids: tuple[ImageId, ...], state: str) -> tuple[Image, ...]:
    del state
    return connection.client().images.get(project_id, image_ids)


def count_after(project_id: ProjectId, image: ImageId) -> int | None:
    """Return how many images of a project have a larger id, ``None`` where the server does not say."""
    return _count_after(project_id, image, _state(project_id))


@lookup(seconds=_LONG_SECONDS, most=50)
def _count_after(project_id: ProjectId, image: ImageId, state: str) -> int | None:
    del state
    try:
        return connection.client().images.count_after(project_id, image)
    except AppError:  # good to know, and no reason to show no project
        return None


def sample_images(project_id: ProjectId, count: int) -> tuple[Image, ...]:
    """Return images from all over a project, evenly taken from its datasets."""
    return _sample_images(project_id, count, _state(project_id))


@lookup(seconds=_LONG_SECONDS, most=50)
def _sample_images(project_id: ProjectId, count: int, state: str) -> tuple[Image, ...]:
    del state
    facts = project(project_id)
    if facts is None:
        return ()
    # An image of each dataset in turn: a project of many datasets shows something of all of them.
    filled = [dataset for dataset in facts.datasets if dataset.items_count]
    per_dataset = -(-count // max(len(filled), 1))
    listed = [
        connection.client().images.list(project_id=project_id, dataset_id=dataset.id, limit=per_dataset)
        for dataset in filled
    ]
    rounds = [images[turn] for turn in range(per_dataset) for images in listed if turn < len(images)]
    return tuple(rounds[:count])


def image_page(project_id: ProjectId, dataset: DatasetId | None, page: int, per_page: int) -> tuple[Image, ...]:
    """Return one page of the images of a project, or of one of its datasets."""
    return _image_page(project_id, dataset, page, per_page, _state(project_id))


@lookup(seconds=_SECONDS, most=50)
def _image_page(
    project_id: ProjectId, dataset: DatasetId | None, page: int, per_page: int, state: str
) -> tuple[Image, ...]:
    del state
    images = connection.client().images
    return images.page(project_id=project_id, dataset_id=dataset, page=page, per_page=per_page).images


def find_images(
    project_id: ProjectId, dataset: DatasetId | None, search: ImageSearch, page: int, per_page: int
) -> ImagePage:
    """Return one page of the images of a project, or of one of its datasets, that are searched for."""
    return _find_images(project_id, dataset, search, (page, per_page), _state(project_id))


@lookup(seconds=_SECONDS, most=50)
def _find_images(
    project_id: ProjectId, dataset: DatasetId | None, search: ImageSearch, pages: tuple[int, int], state: str
) -> ImagePage:
    del state
    page, per_page = pages
    images = connection.client().images
    return images.page(project_id=project_id, dataset_id=dataset, page=page, per_page=per_page, search=search)


def data_profile(project_id: ProjectId) -> DataProfile:
    """Return the sizes of images and objects in a sample of a project."""
    return _data_profile(project_id, _state(project_id))


@lookup(seconds=_LONG_SECONDS, most=50, spinner=N_("Measuring a sample"))
def _data_profile(project_id: ProjectId, state: str) -> DataProfile:
    del state
    known = project(project_id)
    is_small = known is not None and known.project.items_count <= _PROFILE_IMAGES
    images = looked_at(project_id) if is_small else sample_images(project_id, _PROFILE_IMAGES)
    return profile(images, annotations(images))


def looked_at(project_id: ProjectId) -> tuple[Image, ...]:
    """Return all images of a project, or as many of a large one as are listed in a moment, from all its datasets."""
    return _looked_at(project_id, _state(project_id))


@lookup(seconds=_LONG_SECONDS, most=10, spinner=N_("Looking at the images"))
def _looked_at(project_id: ProjectId, state: str) -> tuple[Image, ...]:
    del state
    known = project(project_id)
    if known is None or known.project.items_count > _MOST_LISTED:
        return sample_images(project_id, _SOME_LISTED)
    return connection.client().images.list(project_id=project_id)


@lookup(seconds=_LONG_SECONDS, most=50)
def annotations(images: tuple[Image, ...]) -> dict[ImageId, Annotation]:
    """Return the annotations of images."""
    found: dict[ImageId, Annotation] = {}
    # annotations.bulk.info takes the images of one dataset (docs/supervisely-api.md 3.3).
    for dataset in dict.fromkeys(image.dataset_id for image in images):
        ids = [image.id for image in images if image.dataset_id == dataset]
        found.update(connection.client().annotations.get(dataset, ids))
    return found


def problems(plan: TrainingPlan) -> tuple[Problem, ...]:
    """Return what speaks against starting a plan."""
    return _problems(plan, current())


@lookup(seconds=_SECONDS, most=200, spinner=N_("Checking"))
def _problems(plan: TrainingPlan, language: Language) -> tuple[Problem, ...]:
    with speaking(language):
        return check(connection.client(), plan)


def facts_of(draft: WizardDraft) -> Facts:
    """Return all facts about a draft."""
    split = draft.split.chosen()
    known = None if draft.project_id is None else project(draft.project_id)
    chosen = None if draft.model is None else model(connection.team_id(), draft.model)
    return Facts(
        project=known,
        model=chosen,
        app=AppOptions() if chosen is None else app_options(chosen.framework),
        models=catalogue(),
        split=None if known is None or split is None else split_counts(known.project.id, split),
        split_content=None if known is None or split is None else _content(known.project, split),
        agents=agents(connection.team_id()),
    )


def _content(project: Project, split: TrainValSplit) -> SplitContent | None:
    """Return what both sides will hold, ``None`` as long as that is not fixed and where it would take long."""
    # Named datasets, tags and collections hold the same images whoever asks; a random split without a seed is drawn by
    # the training app itself (docs/supervisely-api.md 4).
    if not isinstance(split, RandomSplit):
        return split_content(project.id, split, _state(project.id))
    if split.seed is None or not 0 < project.items_count <= _MOST_DEALT:
        return None
    return dealt(project.id, split, _state(project.id))


@lookup(seconds=_TASKS_SECONDS, most=20, shared=True)
def newest_tasks(workspace: WorkspaceId) -> tuple[Task, ...]:
    """Return the newest tasks of a workspace for all parts of a page, all pages and all tabs; newest first."""
    return connection.client().tasks.newest(workspace, MOST_TASKS)


@lookup(seconds=_WATCH_SECONDS, most=200, shared=True)
def task_watch(task: TaskId) -> TaskWatch:
    """Return what follows a task for all tabs: its log is read, and what it says is kept, once and not per tab."""
    return TaskWatch(connection.client(), task)
