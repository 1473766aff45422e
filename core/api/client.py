"""The client of a Supervisely server: one attribute per resource."""

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from core.api.resources.dry_runs import DryRuns
from core.api.resources.ecosystem import Ecosystem
from core.api.resources.experiments import Experiments
from core.api.resources.files import Files
from core.api.resources.images import Annotations, Images
from core.api.resources.imports import Imports
from core.api.resources.projects import Collections, Datasets, Projects, Teams, Workspaces
from core.api.resources.splits import Splits
from core.api.resources.tasks import Agents, Tasks
from core.api.resources.webhook import Webhooks
from core.api.transport import AsgiApp, Transport, open_transport
from core.api.wire.reading import FreeObject, Shape, read


class _VersionShape(Shape):
    version: str | None = None


class _UserShape(Shape):
    login: str | None = None
    name: str | None = None
    settings: FreeObject = None


@dataclass(frozen=True, slots=True, repr=False)
class SuperviselyClient:
    """Typed access to a server. Synchronous; safe to share between threads. Close it when done."""

    transport: Transport
    teams: Teams
    workspaces: Workspaces
    projects: Projects
    datasets: Datasets
    collections: Collections
    images: Images
    annotations: Annotations
    agents: Agents
    tasks: Tasks
    files: Files
    ecosystem: Ecosystem
    experiments: Experiments
    imports: Imports
    splits: Splits
    dry_runs: DryRuns
    webhooks: Webhooks

    def __repr__(self) -> str:
        """Return a text without the token."""
        return f"SuperviselyClient({self.address!r})"

    @property
    def address(self) -> str:
        """Address of the server, without a slash at the end."""
        return self.transport.address

    def version(self) -> str | None:
        """Return the server's version, ``None`` if it does not say."""
        return read("instance.version", _VersionShape, self.transport.read("instance.version")).version

    def user(self) -> str:
        """Return the login of the token's owner.

        Raises:
            UnauthorizedError: The token is missing or wrong.
        """
        user = read("users.me", _UserShape, self.transport.read("users.me"))
        return user.login or user.name or ""

    def close(self) -> None:
        """Close all connections."""
        self.transport.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


def connect(address: str, token: str, *, app: AsgiApp | None = None) -> SuperviselyClient:
    """Open a client. Nothing is sent before the first call.

    Args:
        address: Server address, e.g. ``https://app.supervisely.com`` or ``127.0.0.1:8501``.
        token: API token of that server.
        app: ASGI application in this process that answers instead of the network.
    """
    return client_of(open_transport(address, token, app))


def client_of(transport: Transport) -> SuperviselyClient:
    """Return a client that sends through a given transport."""
    return SuperviselyClient(
        transport=transport,
        teams=Teams(transport),
        workspaces=Workspaces(transport),
        projects=Projects(transport),
        datasets=Datasets(transport),
        collections=Collections(transport),
        images=Images(transport),
        annotations=Annotations(transport),
        agents=Agents(transport),
        tasks=Tasks(transport),
        files=Files(transport),
        ecosystem=Ecosystem(transport),
        experiments=Experiments(transport),
        imports=Imports(transport),
        splits=Splits(transport),
        dry_runs=DryRuns(transport),
        webhooks=Webhooks(transport),
    )
