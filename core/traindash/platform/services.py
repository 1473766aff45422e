"""What the embedded server is made of, handed to routes and tasks as one value."""

from collections.abc import Mapping
from pathlib import Path

from traindash.domain.ids import TaskId
from traindash.platform.agents import Agents, Hardware
from traindash.platform.home import HomeLayout
from traindash.platform.links import Links
from traindash.platform.modules import Modules
from traindash.platform.store.account_archive import AccountArchive
from traindash.platform.store.accounts import Accounts
from traindash.platform.store.activity import Activity
from traindash.platform.store.annotation_writes import AnnotationWrites
from traindash.platform.store.app_data import AppData
from traindash.platform.store.archive import Archive
from traindash.platform.store.blobs import ImageBlobs
from traindash.platform.store.database import Database
from traindash.platform.store.figures import Figures
from traindash.platform.store.files import TeamFiles
from traindash.platform.store.image_writes import ImageWrites
from traindash.platform.store.images import Images
from traindash.platform.store.inner_ids import InnerIds
from traindash.platform.store.loose_images import LooseImages
from traindash.platform.store.project_clone import ProjectClones
from traindash.platform.store.project_edits import ProjectEdits
from traindash.platform.store.project_import import ProjectImport
from traindash.platform.store.project_meta import ProjectMetas
from traindash.platform.store.project_versions import ProjectVersions
from traindash.platform.store.projects import Collections, Projects
from traindash.platform.store.removed_names import RemovedNames
from traindash.platform.store.task_queue import TaskQueue
from traindash.platform.store.tasks import TaskStore
from traindash.platform.store.unanswered import UnansweredWrites
from traindash.platform.store.uploads import Uploads
from traindash.platform.store.working_copies import WorkingCopies
from traindash.platform.tasks.log import TaskLogs
from traindash.settings import is_offline
from traindash.steady_clock import CLOCK, SteadyClock
from traindash.training.runs.events import EventWriter


class Services:
    """What a platform is made of. Making it reads and writes nothing yet.

    ``address`` is that of this server, e.g. ``http://127.0.0.1:8501``; it may be set until the server starts, when the
    port is known, and is kept without a slash at its end. ``environment`` is what child processes start from.
    ``trainer`` is a package that runs every training, whatever the framework says; ``None`` outside tests. ``hardware``
    is what agents compute with, and ``clock`` where the moments of tasks come from; tests pass their own.
    """

    def __init__(
        self,
        home: Path,
        *,
        address: str,
        environment: Mapping[str, str],
        trainer: str | None = None,
        hardware: Hardware | None = None,
        clock: SteadyClock = CLOCK,
    ) -> None:
        self.clock = clock
        self.address = address.rstrip("/")
        self.environment = environment
        self.trainer = trainer
        self.layout = HomeLayout(home.absolute())
        self.database = database = Database(self.layout.database)
        self.blobs = ImageBlobs(self.layout.images)
        self.accounts = Accounts(database)
        self.unanswered = UnansweredWrites(database)
        self.agents = Agents(database, hardware or Hardware())
        self.modules = Modules(database, is_real=trainer is None)
        self.projects = Projects(database)
        self.activity = Activity(database)
        self.archive = Archive(database)
        self.project_edits = ProjectEdits(database)
        self.versions = ProjectVersions(database)
        self.collections = Collections(database)
        self.inner_ids = InnerIds(database)
        self.project_clones = ProjectClones(database, self.inner_ids, self.layout.incoming)
        self.project_metas = ProjectMetas(database, self.inner_ids)
        self.removed_names = RemovedNames(database)
        self.images = Images(database, self.blobs)
        self.figures = Figures(database)
        self.loose_images = LooseImages(database, self.blobs)
        self.uploads = Uploads(self.blobs, self.loose_images, self.layout.uploads)
        self.links = Links(database, self.uploads, self.layout.incoming, offline=is_offline(environment))
        self.image_writes = ImageWrites(database, self.loose_images, self.uploads)
        self.annotation_writes = AnnotationWrites(database, self.blobs, self.inner_ids)
        self.working_copies = WorkingCopies(database, self.inner_ids, self.layout.incoming)
        self.imports = ProjectImport(database, self.blobs, self.layout.incoming)
        self.files = TeamFiles(database, self.layout.team_files)
        self.account_archive = AccountArchive(
            database, self.archive, self.files, lambda task_id: self.layout.run(task_id).root
        )
        self.tasks = TaskStore(database, clock)
        self.queue = TaskQueue(database)
        self.app_data = AppData(database)
        self.logs = TaskLogs()

    def events(self, task_id: TaskId) -> EventWriter:
        """Return what writes down the platform's own events of a task."""
        return EventWriter(self.layout.run(task_id).platform_events, self.clock)

    @property
    def offline(self) -> bool:
        """Nothing may try the network."""
        return is_offline(self.environment)
