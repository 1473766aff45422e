"""What the embedded server is made of, handed to routes and tasks as one value."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from traindash.platform.agents import Agents, Hardware
from traindash.platform.home import HomeLayout
from traindash.platform.modules import Modules
from traindash.platform.store.accounts import Accounts
from traindash.platform.store.app_data import AppData
from traindash.platform.store.blobs import ImageBlobs
from traindash.platform.store.database import Database
from traindash.platform.store.files import TeamFiles
from traindash.platform.store.images import Images
from traindash.platform.store.project_import import ProjectImport
from traindash.platform.store.projects import Collections, Projects
from traindash.platform.store.task_queue import TaskQueue
from traindash.platform.store.tasks import TaskStore
from traindash.platform.tasks.log import TaskLogs
from traindash.settings import is_offline


@dataclass(slots=True, kw_only=True)
class Services:
    """The parts of a platform.

    Attributes:
        address: Address of this server without a slash at the end, e.g. ``http://127.0.0.1:8501``; may be set until
            the server starts, when the port is known.
        environment: Process environment that child processes start from.
        trainer: Trainer package that runs every training, whatever the framework says; ``None`` outside tests.
    """

    layout: HomeLayout
    database: Database
    accounts: Accounts
    agents: Agents
    modules: Modules
    projects: Projects
    images: Images
    collections: Collections
    imports: ProjectImport
    files: TeamFiles
    tasks: TaskStore
    queue: TaskQueue
    logs: TaskLogs
    app_data: AppData
    address: str
    environment: Mapping[str, str]
    trainer: str | None = None

    @property
    def blobs(self) -> ImageBlobs:
        """The image files."""
        return self.images.blobs

    @property
    def offline(self) -> bool:
        """Nothing may try the network."""
        return is_offline(self.environment)


def build_services(
    home: Path,
    *,
    address: str,
    environment: Mapping[str, str],
    trainer: str | None = None,
    hardware: Hardware | None = None,
) -> Services:
    """Put the parts together; nothing is read or written yet."""
    layout = HomeLayout(home.absolute())
    database = Database(layout.database)
    blobs = ImageBlobs(layout.images)
    return Services(
        layout=layout,
        database=database,
        accounts=Accounts(database),
        agents=Agents(database, hardware or Hardware()),
        modules=Modules(database),
        projects=Projects(database),
        images=Images(database, blobs),
        collections=Collections(database),
        imports=ProjectImport(database, blobs, layout.incoming),
        files=TeamFiles(database, layout.team_files),
        tasks=TaskStore(database),
        queue=TaskQueue(database),
        logs=TaskLogs(),
        app_data=AppData(database),
        address=address.rstrip("/"),
        environment=environment,
        trainer=trainer,
    )
