"""The embedded platform as one object."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from traindash.datasets.archives import unpack
from traindash.datasets.supervisely_format import open_project
from traindash.errors import StateError
from traindash.periodic_worker import PeriodicWorker
from traindash.platform.agents import Hardware
from traindash.platform.dry_runs import DryRuns
from traindash.platform.exports import ModelExports
from traindash.platform.home import HomeLock, ensure_token, unusable
from traindash.platform.imports import Imports
from traindash.platform.ready_models import Predictors
from traindash.platform.routes import (
    accounts,
    activity,
    annotations,
    archive,
    ecosystem,
    embedded,
    figures,
    files,
    image_writes,
    images,
    labelling,
    predictions,
    project_edits,
    project_meta,
    projects,
    tags,
    tasks,
    versions,
)
from traindash.platform.routes.assets import Assets
from traindash.platform.routes.endpoint import API, AnyMethod, ApiContext, ApiEndpoint
from traindash.platform.routes.serving import SessionEndpoint
from traindash.platform.routes.workload import Workload
from traindash.platform.services import Services
from traindash.platform.serving.service import Serving, ServingControl
from traindash.platform.store.accounts import Home, store_setting
from traindash.platform.store.import_scratch import ImportScratch, clear_leftovers
from traindash.platform.tasks.admission import Admission
from traindash.platform.tasks.evaluated import remove_unneeded
from traindash.platform.tasks.supervisor import Pace, Supervisor
from traindash.platform.webhook import HookPace, WebhookWorker

# The sample project of a new data directory: an archive beside this module, imported at the first start.
#
# ``tools/sample_renderer`` made it; it is data here, so that a first start computes no pictures.

SAMPLE_ARCHIVE = Path(__file__).with_name("sample_project.zip")
SAMPLE_PROJECT_NAME = "Fruit and vegetables"
_DESCRIPTION = "Drawn by Traindash, to try training with. No photographs, no rights of others."
# A setting and not a look for the project: who deleted or renamed it does not want it again at the next start.
_DONE = "sample_project"


def _import_sample(services: Services, home: Home) -> None:
    """Give a data directory the sample project, unless it had it before. Takes half a second; then it is complete.

    Raises:
        StorageError: The data directory cannot be written.
    """
    if services.accounts.setting(_DONE) is not None:
        return
    with ImportScratch(services.layout.incoming) as scratch:
        folder = scratch.folder / "sample"
        unpack(SAMPLE_ARCHIVE, folder)
        source = replace(open_project(folder), name=SAMPLE_PROJECT_NAME, description=_DESCRIPTION)
        services.imports.run(
            source, home, link=True, also=lambda connection, _: store_setting(connection, _DONE, source.name)
        )


# A new method is a line in the table of its resource, and a new resource a line here.
METHODS: Sequence[AnyMethod] = (
    *accounts.METHODS,
    *activity.METHODS,
    *archive.METHODS,
    *ecosystem.METHODS,
    *embedded.METHODS,
    *files.METHODS,
    *annotations.METHODS,
    *figures.METHODS,
    *image_writes.METHODS,
    *images.METHODS,
    *predictions.METHODS,
    *labelling.METHODS,
    *project_edits.METHODS,
    *project_meta.METHODS,
    *projects.METHODS,
    *tags.METHODS,
    *tasks.METHODS,
    *versions.METHODS,
)

_REMOVAL_SECONDS = 6 * 3600.0  # between two looks for what was archived long ago


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What tests choose differently."""

    hardware: Hardware | None = None  # what agents compute with
    pace: Pace | None = None  # how often the supervisor looks
    hook_pace: HookPace | None = None  # how often the webhook looks
    with_sample: bool = True  # give a new data directory the sample project


_DEFAULTS = Options()


class LocalPlatform:
    """Supervisely's API on this machine, with its data directory ``home``, which is made when it does not exist.

    ``address`` is that of this server as clients see it, e.g. ``http://127.0.0.1:8501``, ``environment`` what child
    processes start from. For tests: ``trainer``, one that runs every training, and ``options``.
    """

    def __init__(
        self,
        home: Path,
        *,
        address: str,
        environment: Mapping[str, str],
        trainer: str | None = None,
        options: Options = _DEFAULTS,
    ) -> None:
        self.services = Services(
            home, address=address, environment=environment, trainer=trainer, hardware=options.hardware
        )
        self.supervisor = Supervisor(self.services, options.pace)
        self.imports = Imports(self.services)
        self.admission = Admission(self.services)
        self.dry_runs = DryRuns(self.services, self.admission)
        self.predictors = Predictors(self.services.layout.predictors, environment)
        self.serving = Serving(self.services)
        self.exports = ModelExports(self.services)
        self.webhook = WebhookWorker(self.services, options.hook_pace)
        self._removals = PeriodicWorker("removals", self._remove_old, retry=_REMOVAL_SECONDS)
        self._with_sample = options.with_sample
        self._lock = HomeLock(self.services.layout.lock)
        self._workload = Workload()
        self._token: str | None = None
        self.endpoint = ApiEndpoint(self.context, METHODS, lambda: self.token, self._workload)
        self.api = Starlette(routes=self.routes())

    @property
    def address(self) -> str:
        """Address of this server; set it before :meth:`open` once the port is known."""
        return self.services.address

    @address.setter
    def address(self, value: str) -> None:
        self.services.address = value.rstrip("/")

    @property
    def token(self) -> str:
        """The API token.

        Raises:
            StateError: The platform is not open.
        """
        if self._token is None:
            raise StateError("The platform is not open.")
        return self._token

    def open(self) -> None:
        """Prepare the data directory: folders, lock, tables, token, default team, agents, sample project.

        Raises:
            StateError: Another server uses the directory.
            StorageError: The directory or its database does not work.
        """
        services = self.services
        services.layout.make_folders()
        # Before anything is read: a second server on the same directory would start every task again.
        self._lock.acquire(services.address)
        try:
            self._token = ensure_token(services.layout.token)
            services.database.open()
            self.dry_runs.open()  # ends what a killed server left running, before its files are removed
            if (newest := services.tasks.newest()) is not None:
                services.clock.not_before(newest)
            services.files.recover()
            services.unanswered.recover()
            clear_leftovers(services.layout.incoming, services.database, services.blobs)
            services.uploads.recover()
            self.imports.open()
            self.exports.open()
            home = services.accounts.ensure_home()
            # Addresses of images must stay valid from start to start: browsers and reports keep them.
            services.blobs.unlock(services.accounts.secret("image_seal"))
            services.agents.ensure(home)
            services.modules.ensure()
            if self._with_sample:
                _import_sample(services, home)
        except OSError as error:
            self.close()
            raise unusable(services.layout.root, error) from error
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Take up what an earlier server left and begin to work on tasks."""
        self.supervisor.start()
        self.serving.start()
        self.predictors.open()
        self.webhook.start()
        self._removals.start()

    def close(self) -> None:
        """Stop working and release the data directory; running trainings go on. Closing twice does nothing."""
        # In the order of who uses whom: workers, then the threads of requests, then what both of them stand on.
        self.supervisor.stop()
        self.serving.close()
        self.predictors.close()  # before the threads of requests: some wait for a model
        self.webhook.close()
        self._removals.close()
        self.imports.close()
        self.dry_runs.close()
        self.exports.close()
        self.services.uploads.close()
        self._workload.close()
        self.services.unanswered.forget()
        self.services.database.close()
        self._lock.release()

    def _remove_old(self) -> float:
        self.services.account_archive.expire()
        self.services.archive.expire()
        self.services.removed_names.expire()
        remove_unneeded(self.services)
        self.services.loose_images.collect()
        return _REMOVAL_SECONDS

    @property
    def context(self) -> ApiContext:
        """What the methods of the API work with."""
        return ApiContext(
            services=self.services,
            admission=self.admission,
            control=ServingControl(self.supervisor, self.serving),
            imports=self.imports,
            dry_runs=self.dry_runs,
            predictors=self.predictors,
            serving=self.serving,
            exports=self.exports,
            webhook=self.webhook,
        )

    def routes(self) -> Sequence[BaseRoute]:
        """Return the routes of the API, of images and of reports, for this or another ASGI application."""
        session = SessionEndpoint(self.context, lambda: self.token, self._workload)
        return [
            Route(f"{API}{{method:path}}", endpoint=self.endpoint),
            Route("/net/{token}/{command:path}", endpoint=session),
            *Assets(self.services, self._workload).routes(),
        ]
