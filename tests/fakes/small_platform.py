"""A platform with a tiny project and the fake trainer: real database, files and processes, nothing to wait for."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import yaml
from PIL import Image

from tests.fakes import FAKE_TRAINER, trainer_variables
from traindash.datasets.source import ProjectSource, SourceCollection, SourceDataset, SourceImage
from traindash.domain.annotation import Annotation, Label, Polygon, Rectangle, Tag
from traindash.domain.ids import DatasetId, ProjectId, TaskId
from traindash.domain.project import ObjectClass, ProjectMeta, TagMeta
from traindash.domain.task import TaskStatus
from traindash.platform.agents import Hardware
from traindash.platform.services import Services
from traindash.platform.store.task_records import TaskRecord
from traindash.platform.tasks.admission import Admission
from traindash.platform.tasks.supervisor import Pace, Supervisor
from traindash.steady_clock import CLOCK, SteadyClock

ADDRESS = "http://127.0.0.1:1"
HARDWARE = Hardware(list_gpus=tuple, cores=2)
SIDE = 32
FAST = Pace(running=0.02, idle=0.1, grace=1.0, retry=0.1)
TRAIN_IMAGES = 6
VAL_IMAGES = 3
_Value = TypeVar("_Value")


def wait_for(look: Callable[[], _Value | None], what: str, *, seconds: float = 30.0) -> _Value:
    """Return the first value that is not ``None`` or ``False``; fail when it takes too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = look()
        if value is not None and value is not False:
            return value
        threading.Event().wait(0.02)
    raise TimeoutError(f"Not within {seconds} s: {what}")


class SmallPlatform:
    """A data directory with one team, two agents and one project; the supervisor is started when a test wants it.

    Args:
        home: Data directory.
        environment: Environment of the trainers.
        hardware: Of the machine; by default two cores and no GPU.
        clock: Of the server.
    """

    def __init__(
        self, home: Path, environment: Mapping[str, str], hardware: Hardware = HARDWARE, clock: SteadyClock = CLOCK
    ) -> None:
        self.services: Services = Services(
            home,
            address=ADDRESS,
            environment=trainer_variables(environment),
            trainer=FAKE_TRAINER,
            hardware=hardware,
            clock=clock,
        )
        self.supervisor = Supervisor(self.services, FAST)

    def open(self) -> None:
        """Open or make the data directory."""
        services = self.services
        services.layout.make_folders()
        services.database.open()
        services.files.recover()
        home = services.accounts.ensure_home()
        services.agents.ensure(home)
        services.modules.ensure()

    def add_project(self, scratch: Path, name: str = "Shapes") -> ProjectId:
        """Import the tiny project: datasets ``train`` and ``val``, classes ``box`` and ``blob``, tags, collections."""
        source = tiny_project(scratch, name)
        return self.services.imports.run(source, self.services.accounts.home())

    @property
    def project_id(self) -> ProjectId:
        """The first project."""
        return ProjectId(1)

    def dataset(self, name: str) -> DatasetId:
        """Return a dataset by name."""
        return next(item.id for item in self.services.projects.datasets(self.project_id) if item.name == name)

    def body(self, *, agent: int | None = None, state: Mapping[str, object] | None = None) -> dict[str, object]:
        """Return a body of ``tasks.run.app`` for a training, by default the one of :meth:`state`."""
        module = next(item for item in self.services.modules.all() if item.framework is not None)
        return {
            "agentId": agent,
            "workspaceId": int(self.services.accounts.home().workspace_id),
            "moduleId": int(module.id),
            "description": "a test",
            "taskName": "pythonSpawned",
            "params": {"state": self.state() if state is None else dict(state)},
        }

    def state(self, **changes: object) -> dict[str, object]:
        """Return ``params.state`` of a training; ``changes`` replace keys of the ``guiState``."""
        gui_state: dict[str, object] = {
            "model": {"source": "Pretrained models", "model_name": "YOLO26n-det"},
            "classes": ["box", "blob"],
            "train_val_split": {
                "method": "datasets",
                "train_datasets": [int(self.dataset("train"))],
                "val_datasets": [int(self.dataset("val"))],
            },
            "hyperparameters": "epochs: 2\n",
            "options": {
                "convert_class_shapes": True,
                "model_benchmark": {"enable": True, "speed_test": False},
                "cache_project": True,
                "export": {"enable": False, "ONNXRuntime": False, "TensorRT": False},
            },
            "experiment_name": None,
            "start_training": True,
        }
        return {"slyProjectId": int(self.project_id), "guiState": {**gui_state, **changes}}

    def train(self, *, agent: int | None = None, **behaviour: object) -> TaskId:
        """Take in a training whose trainer behaves as told, see :mod:`tests.fakes.trainer`."""
        state = self.state(hyperparameters=yaml.safe_dump({"epochs": 2, **behaviour}))
        task = Admission(self.services).submit(self.body(agent=agent, state=state))
        self.supervisor.wake()
        return task.id

    def task(self, task_id: TaskId) -> TaskRecord:
        """Return a task."""
        return self.services.tasks.get(task_id)

    def wait_for_status(self, task_id: TaskId, *statuses: TaskStatus, seconds: float = 30.0) -> TaskRecord:
        """Wait until a task has one of the statuses; fail at once when it ends in another."""

        def look() -> TaskRecord | None:
            task = self.task(task_id)
            if task.status in statuses:
                return task
            assert not task.status.is_terminal, f"task {task_id} ended {task.status}: {task.exit_report}"
            return None

        return wait_for(look, f"task {task_id} is {' or '.join(statuses)}", seconds=seconds)

    def wait_for_epoch(self, task_id: TaskId, epoch: int = 1) -> None:
        """Wait until a training has finished an epoch."""
        run = self.services.layout.run(task_id)
        wait_for(
            lambda: self.services.logs.live(run).progress.get("Epochs", (0, 0))[0] >= epoch,
            f"task {task_id} has finished epoch {epoch}",
        )

    def messages(self, task_id: TaskId) -> list[str]:
        """Return the messages of a task's log."""
        rows = self.services.logs.rows(task_id, self.services.layout.run(task_id))
        return [str(row["message"]) for row in rows]

    def close(self) -> None:
        """Stop the supervisor and close the database; trainers go on."""
        self.supervisor.stop()
        self.services.database.close()


@contextmanager
def small_platform(
    home: Path, environment: Mapping[str, str], *, supervise: bool, hardware: Hardware = HARDWARE
) -> Iterator[SmallPlatform]:
    """Open a small platform with its project, and leave no trainer behind."""
    platform = SmallPlatform(home, environment, hardware)
    platform.open()
    try:
        platform.add_project(home / "incoming")
        if supervise:
            platform.supervisor.start()
        yield platform
    finally:
        platform.close()


def tiny_project(scratch: Path, name: str) -> ProjectSource:
    """Return a project of :data:`TRAIN_IMAGES` + :data:`VAL_IMAGES` images; its files are written to ``scratch``."""
    meta = ProjectMeta(
        classes=(
            ObjectClass(name="box", shape="rectangle", color="#FF0000"),
            ObjectClass(name="blob", shape="polygon", color="#00FF00"),
        ),
        tags=(
            TagMeta(name="train", value_type="none"),
            TagMeta(name="val", value_type="none"),
            TagMeta(name="spare", value_type="none"),
        ),
    )
    scratch.mkdir(parents=True, exist_ok=True)
    train = tuple(_image(scratch, f"a{number}.png", number) for number in range(TRAIN_IMAGES))
    val = tuple(_image(scratch, f"b{number}.png", 100 + number) for number in range(VAL_IMAGES))
    return ProjectSource(
        name=name,
        meta=meta,
        datasets=(
            SourceDataset(name="train", parent=None, images=train),
            SourceDataset(name="val", parent=None, images=val),
            SourceDataset(name="empty", parent=None, images=()),
        ),
        collections=(
            SourceCollection(name="first", images=(("train", "a0.png"), ("train", "a1.png"))),
            SourceCollection(name="second", images=(("val", "b0.png"), ("train", "a1.png"))),
            SourceCollection(name="nothing", images=()),
        ),
    )


def _image(folder: Path, name: str, number: int) -> SourceImage:
    path = folder / name
    Image.new("RGB", (SIDE, SIDE), (number, 2 * number % 256, 90)).save(path)
    tag = {"a": "train", "b": "val"}[name[0]]
    tags = () if number == 0 else (Tag(name=tag),)
    if number == 1:
        tags = (*tags, Tag(name="val"))
    labels = (
        Label(class_name="box", geometry=Rectangle(left=2, top=2, right=12, bottom=12)),
        Label(class_name="blob", geometry=Polygon(exterior=((15, 15), (28, 15), (20, 28)))),
    )
    annotation = Annotation(width=SIDE, height=SIDE, labels=labels, tags=tags)
    return SourceImage(name=name, path=path, annotation=annotation)
