"""The client of a Supervisely server: one attribute per resource.

A resource's module is imported when the resource is first used: a launch from a terminal, which needs a third of them,
starts sooner.
"""

from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from traindash.supervisely.resources import Shape, read
from traindash.supervisely.transport import Transport

if TYPE_CHECKING:
    from traindash.supervisely.ecosystem import Ecosystem
    from traindash.supervisely.embedded import DryRuns, Imports, Labelling, Links, ModelExports, Splits, Webhooks
    from traindash.supervisely.experiments import Experiments
    from traindash.supervisely.figures import Figures
    from traindash.supervisely.files import Files
    from traindash.supervisely.image_edits import ImageEdits
    from traindash.supervisely.images import Annotations, Images
    from traindash.supervisely.predictions import Predictions
    from traindash.supervisely.project_edits import ProjectEdits
    from traindash.supervisely.project_writing import ProjectWriting
    from traindash.supervisely.projects import Collections, Datasets, Projects, Teams, Workspaces
    from traindash.supervisely.serving import Serving
    from traindash.supervisely.tasks import Agents, Tasks

# The imports within the properties are what makes a launch start soon; a contract test watches over them
# (tests/contract/client/test_commands.py).


class _VersionShape(Shape):
    version: str | None = None


class _UserShape(Shape):
    login: str | None = None
    name: str | None = None


class SuperviselyClient:
    """Typed access to a server. Synchronous; safe to share between threads. Close it when done."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def __repr__(self) -> str:
        """Return a text without the token."""
        return f"SuperviselyClient({self.address!r})"

    @property
    def address(self) -> str:
        """Address of the server, without a slash at the end."""
        return self.transport.address

    @cached_property
    def teams(self) -> "Teams":
        """Teams that the token's owner is in."""
        from traindash.supervisely.projects import Teams

        return Teams(self.transport)

    @cached_property
    def workspaces(self) -> "Workspaces":
        """Workspaces of a team."""
        from traindash.supervisely.projects import Workspaces

        return Workspaces(self.transport)

    @cached_property
    def projects(self) -> "Projects":
        """Projects of a workspace."""
        from traindash.supervisely.projects import Projects

        return Projects(self.transport)

    @cached_property
    def writing(self) -> "ProjectWriting":
        """Projects as they are made."""
        from traindash.supervisely.project_writing import ProjectWriting

        return ProjectWriting(self.transport)

    @cached_property
    def datasets(self) -> "Datasets":
        """Datasets of a project."""
        from traindash.supervisely.projects import Datasets

        return Datasets(self.transport)

    @cached_property
    def collections(self) -> "Collections":
        """Collections of a project."""
        from traindash.supervisely.projects import Collections

        return Collections(self.transport)

    @cached_property
    def images(self) -> "Images":
        """Images of a project."""
        from traindash.supervisely.images import Images

        return Images(self.transport)

    @cached_property
    def project_edits(self) -> "ProjectEdits":
        """Changes of projects, datasets, classes and tags."""
        from traindash.supervisely.project_edits import ProjectEdits

        return ProjectEdits(self.transport)

    @cached_property
    def figures(self) -> "Figures":
        """Single objects on images."""
        from traindash.supervisely.figures import Figures

        return Figures(self.transport)

    @cached_property
    def image_edits(self) -> "ImageEdits":
        """Changes of images."""
        from traindash.supervisely.image_edits import ImageEdits

        return ImageEdits(self.transport)

    @cached_property
    def annotations(self) -> "Annotations":
        """Annotations of images."""
        from traindash.supervisely.images import Annotations

        return Annotations(self.transport)

    @cached_property
    def serving(self) -> "Serving":
        """Serving apps and what they serve."""
        from traindash.supervisely.serving import Serving

        return Serving(self.transport)

    @cached_property
    def agents(self) -> "Agents":
        """Agents of a team."""
        from traindash.supervisely.tasks import Agents

        return Agents(self.transport)

    @cached_property
    def tasks(self) -> "Tasks":
        """Tasks of a workspace."""
        from traindash.supervisely.tasks import Tasks

        return Tasks(self.transport)

    @cached_property
    def files(self) -> "Files":
        """Team Files."""
        from traindash.supervisely.files import Files

        return Files(self.transport)

    @cached_property
    def ecosystem(self) -> "Ecosystem":
        """Apps that the server can run, and their models."""
        from traindash.supervisely.ecosystem import Ecosystem

        return Ecosystem(self.transport)

    @cached_property
    def experiments(self) -> "Experiments":
        """Records of finished trainings."""
        from traindash.supervisely.experiments import Experiments

        return Experiments(self.transport)

    @cached_property
    def imports(self) -> "Imports":
        """Imports of data, of the embedded platform only."""
        from traindash.supervisely.embedded import Imports

        return Imports(self.transport)

    @cached_property
    def splits(self) -> "Splits":
        """What splits give, from the embedded platform only."""
        from traindash.supervisely.embedded import Splits

        return Splits(self.transport)

    @cached_property
    def dry_runs(self) -> "DryRuns":
        """Dry runs of trainings, of the embedded platform only."""
        from traindash.supervisely.embedded import DryRuns

        return DryRuns(self.transport)

    @cached_property
    def exports(self) -> "ModelExports":
        """ONNX files of checkpoints, from the embedded platform only."""
        from traindash.supervisely.embedded import ModelExports

        return ModelExports(self.transport)

    @cached_property
    def labelling(self) -> "Labelling":
        """Tasks in which models label images, on the embedded platform only."""
        from traindash.supervisely.embedded import Labelling

        return Labelling(self.transport)

    @cached_property
    def webhooks(self) -> "Webhooks":
        """Who is told when a task is over, of the embedded platform only."""
        from traindash.supervisely.embedded import Webhooks

        return Webhooks(self.transport)

    @cached_property
    def links(self) -> "Links":
        """The hosts that images may be fetched from, of the embedded platform only."""
        from traindash.supervisely.embedded import Links

        return Links(self.transport)

    @cached_property
    def predictions(self) -> "Predictions":
        """What models find on images, on the embedded platform only."""
        from traindash.supervisely.predictions import Predictions

        return Predictions(self.transport)

    def version(self) -> str | None:
        """Return the server's version, ``None`` if it does not say."""
        return read("instance.version", _VersionShape, self.transport.read("instance.version")).version

    def user(self) -> str:
        """Return the login of the token's owner.

        Raises:
            UnauthorizedError: The token is missing or wrong.
        """
        # users.me needs the token; instance.version answers anybody, so it cannot tell whether a token is good.
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


def connect(address: str, token: str) -> SuperviselyClient:
    """Open a client for an address like ``https://app.supervisely.com`` or ``127.0.0.1:8501`` and an API token of it.

    Nothing is sent before the first call.
    """
    return SuperviselyClient(Transport(address, token))
