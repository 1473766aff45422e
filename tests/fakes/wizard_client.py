"""A client whose server is a handful of values in memory: what the wizard's pages ask for, nothing else."""

import io
import itertools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from PIL import Image as Picture
from PIL import ImageDraw

from traindash.domain.annotation import Annotation, Label, Polygon, Rectangle, Tag
from traindash.domain.app_state import StartRequest
from traindash.domain.ecosystem import Agent, AgentStatus, AppModule, AppOptions, CatalogueModel
from traindash.domain.experiment import ExperimentFolder, ExperimentInfo
from traindash.domain.ids import (
    AgentId,
    CollectionId,
    DatasetId,
    DryRunId,
    ImageId,
    ModuleId,
    ProjectId,
    TaskId,
    TeamId,
    WorkspaceId,
)
from traindash.domain.jobs import DryRun, JobStatus
from traindash.domain.project import (
    ClassStatistics,
    Collection,
    Dataset,
    Image,
    ObjectClass,
    Project,
    ProjectMeta,
    ProjectStatistics,
    TagMeta,
    Team,
    Workspace,
)
from traindash.domain.task import LogRow, Task, TaskStatus
from traindash.errors import AppError
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import MissingError, UnauthorizedError
from traindash.supervisely.images import ImagePage, ImageSearch

TEAM = Team(id=TeamId(1), name="Our team")
WORKSPACE = Workspace(id=WorkspaceId(2), name="First workspace", team_id=TEAM.id)
DEFAULTS = "# General\nepochs: 20  # passes over the training images\nimgsz: 160\nbatch: 8\nlr0: 0.002\n"
_numbers = itertools.count(1)


@dataclass(slots=True)
class World:
    """What the server has.

    Attributes:
        calls: Methods that were called, in order.
        token_is_wrong: Every call is refused.
        started: Requests to start a task.
        start_waits: A start is answered when this is set; at once without it.
        start_refusal: A start is answered with this error.
        collections_refusal: A new collection is answered with this error.
        app: What its training apps take.
        dry_runs: Those it has made; ``None`` for a server that makes none.
        statuses: Of its tasks; one that is not named waits in a queue.
    """

    address: str = field(default_factory=lambda: f"http://fake-{next(_numbers)}")
    projects: dict[ProjectId, Project] = field(default_factory=dict)
    metas: dict[ProjectId, ProjectMeta] = field(default_factory=dict)
    statistics: dict[ProjectId, ProjectStatistics] = field(default_factory=dict)
    datasets: dict[ProjectId, tuple[Dataset, ...]] = field(default_factory=dict)
    images: dict[ProjectId, tuple[Image, ...]] = field(default_factory=dict)
    collections: dict[ProjectId, tuple[Collection, ...]] = field(default_factory=dict)
    members: dict[CollectionId, frozenset[ImageId]] = field(default_factory=dict)
    models: tuple[CatalogueModel, ...] = ()
    app: AppOptions = field(default_factory=AppOptions)
    experiments: tuple[ExperimentInfo, ...] = ()
    files: dict[str, bytes] = field(default_factory=dict)
    agents: tuple[Agent, ...] = ()
    calls: list[str] = field(default_factory=list)
    started: list[StartRequest] = field(default_factory=list)
    start_waits: threading.Event | None = None
    start_refusal: AppError | None = None
    collections_refusal: AppError | None = None
    token_is_wrong: bool = False
    dry_runs: tuple[DryRun, ...] | None = None
    statuses: dict[TaskId, TaskStatus] = field(default_factory=dict)

    def note(self, method: str) -> None:
        """Count a call."""
        self.calls.append(method)
        if self.token_is_wrong:
            msg = f"The server {self.address} does not accept the API token."
            raise UnauthorizedError(msg, "Set API_TOKEN to a valid token and start again.", method=method, status=401)


def client_of(world: World) -> SuperviselyClient:
    """Return a client of a world."""
    return cast("SuperviselyClient", _Client(world))


def small_world(images: int = 200) -> World:
    """Return a world with a sample project, a catalogue and two CPU agents."""
    world = World()
    add_project(world, ProjectId(7), "Fruit and vegetables", images)
    columns: Mapping[str, Mapping[str, str | float | None]] = {
        "Pico-det (CPU demo)": {"Size (pixels)": 640, "mAP": None, "params (M)": 0.3, "FLOPs (B)": 2.0},
        "YOLO26n-det": {"Size (pixels)": 640, "mAP": 40.9, "params (M)": 2.4, "FLOPs (B)": 5.5},
        "YOLO26s-det": {"Size (pixels)": 640, "mAP": 48.6, "params (M)": 9.5, "FLOPs (B)": 20.9},
        "YOLO11n-det": {"Size (pixels)": 640, "mAP": 39.5, "params (M)": 2.6, "FLOPs (B)": 6.5},
        "YOLO26n-seg": {"Size (pixels)": 640, "mAP": 39.6, "params (M)": 2.7, "FLOPs (B)": 9.1},
    }
    world.models = tuple(
        CatalogueModel(
            framework="YOLO",
            name=name,
            task_type="instance segmentation" if name.endswith("-seg") else "object detection",
            columns=values,
            pretrained=False,
        )
        for name, values in columns.items()
    )
    world.agents = tuple(
        Agent(id=AgentId(number), name=f"This machine, {number}", type="sly_agent", status=AgentStatus.RUNNING)
        for number in (11, 12)
    )
    return world


def add_project(world: World, project_id: ProjectId, name: str, images: int) -> None:
    """Add a project: two datasets, four classes (one empty), tags on most images, two collections."""
    colors = (("apple", "rectangle", "#D5392B"), ("lemon", "polygon", "#E0B10E"), ("plum", "rectangle", "#7A3FA0"))
    classes = tuple(ObjectClass(name=n, shape=s, color=c) for n, s, c in (*colors, ("fig", "rectangle", "#2B7A4B")))
    first, second = DatasetId(project_id * 10 + 1), DatasetId(project_id * 10 + 2)
    in_second = images // 4
    listed = tuple(
        Image(
            id=ImageId(project_id * 1000 + number),
            name=f"{number:04}.jpg",
            dataset_id=first if number < images - in_second else second,
            width=320,
            height=240,
            labels_count=3,
            tags=(Tag(name="val" if number % 5 == 0 else "train"),) if number % 10 != 9 else (),
        )
        for number in range(images)
    )
    tag_uses = {name: sum(any(t.name == name for t in i.tags) for i in listed) for name in ("train", "val")}
    world.projects[project_id] = Project(
        id=project_id, name=name, workspace_id=WORKSPACE.id, team_id=TEAM.id, items_count=images,
        datasets_count=2, size_bytes=images * 14000,
    )  # fmt: skip
    world.metas[project_id] = ProjectMeta(
        classes=classes, tags=(TagMeta(name="train", value_type="none"), TagMeta(name="val", value_type="none"))
    )
    world.datasets[project_id] = (
        Dataset(id=first, name="orchard", project_id=project_id, items_count=images - in_second),
        Dataset(id=second, name="market", project_id=project_id, items_count=in_second),
    )
    world.images[project_id] = listed
    train, val = CollectionId(project_id * 10 + 5), CollectionId(project_id * 10 + 6)
    split = images * 4 // 5
    world.members[train] = frozenset(image.id for image in listed[:split])
    world.members[val] = frozenset(image.id for image in listed[split:])
    world.collections[project_id] = (
        Collection(id=train, name="sharp", project_id=project_id, items_count=split),
        Collection(id=val, name="blurred", project_id=project_id, items_count=images - split),
    )
    world.statistics[project_id] = ProjectStatistics(
        classes=tuple(
            ClassStatistics(
                name=item.name, images=images // turn if turn < 4 else 0, objects=images if turn < 4 else 0,
                images_by_dataset={}, objects_by_dataset={},
            )
            for turn, item in enumerate(classes, start=1)
        ),
        image_tags=tag_uses,
        images=images,
    )  # fmt: skip


class _Client:
    """The attributes of :class:`SuperviselyClient` that the pages use."""

    def __init__(self, world: World) -> None:
        self.address = world.address
        self.teams = _Teams(world)
        self.workspaces = _Workspaces(world)
        self.projects = _Projects(world)
        self.datasets = _Datasets(world)
        self.collections = _Collections(world)
        self.images = _Images(world)
        self.annotations = _Annotations(world)
        self.agents = _Agents(world)
        self.tasks = _Tasks(world)
        self.ecosystem = _Ecosystem(world)
        self.experiments = _Experiments(world)
        self.files = _Files(world)
        self.webhooks = _Webhooks()
        self.links = _Links()
        self.project_edits = _ProjectEdits()
        self.splits = _Splits()
        self.dry_runs = _DryRuns(world)
        self._world = world

    def user(self) -> str:
        self._world.note("users.me")
        return "admin"

    def version(self) -> str | None:
        return "6.12"

    def close(self) -> None:
        """Nothing to close."""


class _Splits:
    def content(self, project_id: ProjectId, split: object) -> None:
        """Count nothing, as a server without this method."""


@dataclass(frozen=True)
class _Resource:
    world: World


class _ProjectEdits:
    def can_restore(self) -> bool:
        return False


class _DryRuns(_Resource):
    def are_possible(self) -> bool:
        return self.world.dry_runs is not None

    def start(self, request: StartRequest, key: str) -> DryRun:
        del request
        begun = DryRun(id=DryRunId(1), key=key, status=JobStatus.RUNNING, step="training", agent="This machine, 1")
        self.world.dry_runs = (begun,)
        return begun

    def latest(self, key: str) -> DryRun | None:
        return next((item for item in self.world.dry_runs or () if item.key == key), None)

    def info(self, dry_run_id: DryRunId) -> DryRun:
        return next(item for item in self.world.dry_runs or () if item.id == dry_run_id)

    def cancel(self, dry_run_id: DryRunId) -> DryRun:
        canceled = replace(self.info(dry_run_id), status=JobStatus.CANCELED)
        self.world.dry_runs = (canceled,)
        return canceled


class _Teams(_Resource):
    def list(self) -> tuple[Team, ...]:
        self.world.note("teams.list")
        return (TEAM,)


class _Workspaces(_Resource):
    def list(self, team_id: TeamId) -> tuple[Workspace, ...]:
        self.world.note("workspaces.list")
        return (WORKSPACE,) if team_id == TEAM.id else ()


class _Projects(_Resource):
    def list(self, workspace_id: WorkspaceId) -> tuple[Project, ...]:
        self.world.note("projects.list")
        return tuple(self.world.projects.values()) if workspace_id == WORKSPACE.id else ()

    def get(self, project_id: ProjectId) -> Project:
        self.world.note("projects.info")
        if project_id not in self.world.projects:
            msg = f"The server has no project {project_id}."
            raise MissingError(msg, "Choose another one.", method="projects.info", status=404)
        return self.world.projects[project_id]

    def meta(self, project_id: ProjectId) -> ProjectMeta:
        return self.world.metas[project_id]

    def statistics(
        self, project_id: ProjectId, *, meta: ProjectMeta | None = None, images: int | None = None
    ) -> ProjectStatistics:
        del meta, images
        return self.world.statistics[project_id]


class _Datasets(_Resource):
    def list(self, project_id: ProjectId) -> tuple[Dataset, ...]:
        return self.world.datasets[project_id]


class _Collections(_Resource):
    def list(self, project_id: ProjectId) -> tuple[Collection, ...]:
        return self.world.collections[project_id]

    def add(self, project_id: ProjectId, name: str, description: str = "") -> Collection:
        del description
        if self.world.collections_refusal is not None:
            raise self.world.collections_refusal
        made = Collection(
            id=CollectionId(900 + len(self.world.members)), name=name, project_id=project_id, items_count=0
        )
        self.world.collections[project_id] = (*self.world.collections[project_id], made)
        self.world.members[made.id] = frozenset()
        return made

    def add_images(self, collection_id: CollectionId, images: Sequence[ImageId]) -> None:
        self.world.members[collection_id] |= frozenset(images)
        for project_id, known in self.world.collections.items():
            self.world.collections[project_id] = tuple(
                replace(item, items_count=len(self.world.members[item.id])) if item.id == collection_id else item
                for item in known
            )


class _Images(_Resource):
    def list(
        self,
        *,
        project_id: ProjectId | None = None,
        dataset_id: DatasetId | None = None,
        collection_id: CollectionId | None = None,
        limit: int | None = None,
    ) -> tuple[Image, ...]:
        self.world.note("images.list")
        every = itertools.chain.from_iterable(self.world.images.values())
        found = [
            image
            for image in (self.world.images[project_id] if project_id else every)
            if dataset_id in {None, image.dataset_id}
            and (collection_id is None or image.id in self.world.members[collection_id])
        ]
        return tuple(found[:limit])

    def newest(self, project_id: ProjectId) -> ImageId | None:
        return max((image.id for image in self.list(project_id=project_id)), default=None)

    def count_after(self, project_id: ProjectId, image_id: ImageId) -> int:
        return sum(image.id > image_id for image in self.list(project_id=project_id))

    def page(
        self,
        *,
        project_id: ProjectId,
        dataset_id: DatasetId | None = None,
        page: int = 1,
        per_page: int = 48,
        search: ImageSearch | None = None,
    ) -> ImagePage:
        name = search.name.casefold() if search else ""
        listed = self.list(project_id=project_id, dataset_id=dataset_id)
        found = tuple(image for image in listed if name in image.name.casefold())
        return ImagePage(images=found[(page - 1) * per_page : page * per_page], total=len(found))

    def download(self, image_id: ImageId) -> bytes:
        picture = Picture.linear_gradient("L").resize((320, 240)).convert("RGB")
        pen = ImageDraw.Draw(picture)
        pen.ellipse((40 + image_id % 50, 60, 130 + image_id % 50, 150), fill="#B5302B")
        buffer = io.BytesIO()
        picture.save(buffer, format="JPEG")
        return buffer.getvalue()


class _Annotations(_Resource):
    def get(self, dataset_id: DatasetId, image_ids: Sequence[ImageId]) -> Mapping[ImageId, Annotation]:
        del dataset_id
        return {item: self._one(item % 50) for item in image_ids}

    def _one(self, shift: int) -> Annotation:
        box = Rectangle(left=40 + shift, top=60, right=130 + shift, bottom=150)
        shape = Polygon(exterior=((200, 40), (290, 90), (250, 200), (180, 160)))
        return Annotation(
            width=320,
            height=240,
            labels=(Label(class_name="apple", geometry=box), Label(class_name="lemon", geometry=shape)),
        )


class _Tasks(_Resource):
    def get(self, task_id: TaskId) -> Task:
        status = self.world.statuses.get(task_id, TaskStatus.QUEUED)
        place = 1 if status is TaskStatus.QUEUED else None
        return Task(id=task_id, status=status, workspace_id=WORKSPACE.id, queue_position=place)

    def stop(self, task_id: TaskId) -> None:
        self.world.note("tasks.stop")
        self.world.statuses[task_id] = TaskStatus.STOPPED

    def log(self, task_id: TaskId, since: str | None = None, limit: int | None = None) -> tuple[LogRow, ...]:
        del task_id, since, limit
        return ()

    def newest(self, workspace_id: WorkspaceId, count: int = 20) -> tuple[Task, ...]:
        del workspace_id, count
        return ()

    def start(self, request: StartRequest) -> TaskId:
        self.world.note("tasks.run.app")
        self.world.started.append(request)
        if self.world.start_waits is not None and not self.world.start_waits.wait(timeout=30):
            raise TimeoutError("The test never let the start go on.")
        if self.world.start_refusal is not None:
            raise self.world.start_refusal
        return TaskId(40 + len(self.world.started))


class _Agents(_Resource):
    def list(self, team_id: TeamId) -> tuple[Agent, ...]:
        del team_id
        return self.world.agents

    def available(self, team_id: TeamId) -> tuple[Agent, ...]:
        del team_id
        return tuple(agent for agent in self.world.agents if agent.status is AgentStatus.RUNNING)


class _Ecosystem(_Resource):
    def train_module(self, framework: str) -> AppModule:
        return AppModule(id=ModuleId(3), slug=f"train-{framework}", name="Train YOLO v8 - 26")

    def models(self, framework: str | None = None) -> tuple[CatalogueModel, ...]:
        return tuple(model for model in self.world.models if framework in {None, model.framework})

    def models_of(self, module: AppModule) -> tuple[CatalogueModel, ...]:
        del module
        return self.world.models

    def options(self, module: AppModule, models: Sequence[CatalogueModel]) -> AppOptions:
        del module, models
        return self.world.app

    def default_hyperparameters(self, framework: str) -> str | None:
        return DEFAULTS if framework == "YOLO" else None


class _Links:
    def hosts(self) -> None:
        return None


class _Webhooks:
    """A server that tells no other program."""

    def info(self) -> None:
        """It has none."""


class _Files(_Resource):
    def read(self, team_id: TeamId, path: str) -> bytes:
        del team_id
        if path not in self.world.files:
            raise MissingError(f"There is no {path}.")
        return self.world.files[path]


class _Experiments(_Resource):
    def folders(self, team_id: TeamId) -> tuple[ExperimentFolder, ...]:
        del team_id
        return tuple(ExperimentFolder(path=info.artifacts_dir.rstrip("/")) for info in self.world.experiments)

    def of_folder(self, team_id: TeamId, artifacts_dir: str) -> ExperimentInfo:
        del team_id
        folder = artifacts_dir.rstrip("/")
        found = [info for info in self.world.experiments if info.artifacts_dir.rstrip("/") == folder]
        if not found:
            raise MissingError(f"There is no {folder}.")
        return found[0]


def experiment(task_id: int = 31, name: str = "31 Fruit Pico") -> ExperimentInfo:
    """Return an experiment with two checkpoints."""
    return ExperimentInfo(
        experiment_name=name, framework_name="YOLO", model_name="Pico-det (CPU demo)", task_type="object detection",
        project_id=ProjectId(7), task_id=TaskId(task_id), model_files={}, model_meta="model_meta.json",
        checkpoints=("checkpoints/last.pt", "checkpoints/best.pt"), best_checkpoint="best.pt",
        hyperparameters="hyperparameters.yaml", artifacts_dir=f"/experiments/7_Fruit/{task_id}_YOLO/",
        evaluation_metrics={"mAP": 0.684},
    )  # fmt: skip
