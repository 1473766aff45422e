"""What only the embedded platform can do: methods ``traindash.…``; a Supervisely server answers that it has none.

We own both ends, so what goes over the wire are the domain's own types, their fields spelled as in Python.
"""

from collections.abc import Mapping, Sequence
from typing import BinaryIO, TypeVar

import msgspec

from traindash.domain.app_state import StartRequest
from traindash.domain.ids import DryRunId, ExportId, ImportId, ProjectId, TaskId, TeamId
from traindash.domain.jobs import DataImport, DryRun, FirstLook, ModelExport
from traindash.domain.labelling import LabelOrder
from traindash.domain.plan import ImagesSplit, RandomSplit, SplitContent, TrainValSplit
from traindash.domain.task import Delivery, TaskCompletion, Webhook
from traindash.supervisely.errors import MissingError, RejectedError
from traindash.supervisely.resources import Resource, read

_T = TypeVar("_T")


class OwnMethods(Resource):
    """Methods of one family."""

    family: str

    def _ask(self, name: str, kind: type[_T], body: Mapping[str, object] | None = None) -> _T:
        """Ask for something; it changes nothing, so it is repeated after passing failures."""
        method = f"traindash.{self.family}.{name}"
        return read(method, kind, self.transport.read(method, body), camel=False)

    # Not the base's ways: those read keys in camelCase, and here they are the fields' names.
    def _write(self, name: str, kind: type[_T], body: Mapping[str, object]) -> _T:
        """Change something; sent once."""
        method = f"traindash.{self.family}.{name}"
        return read(method, kind, self.transport.write(method, body), camel=False)

    def _answers(self, name: str, body: Mapping[str, object]) -> bool:
        """Return whether the server has a method at all."""
        try:  # there is no method that lists methods, so the cheapest one is tried
            self._ask(name, object, body)
        except (MissingError, RejectedError):
            return False
        return True


class DryRuns(OwnMethods):
    """The first batches of trainings, done to learn what the whole will need."""

    family = "dryruns"

    def are_possible(self) -> bool:
        """Return whether the server makes dry runs."""
        return self._answers("list", {"key": "-"})  # a key that no dry run has: the answer is short

    def start(self, request: StartRequest, key: str) -> DryRun:
        """Begin the dry run of the training that ``request`` would start whole.

        ``key`` is a name to find it by later, at most 200 characters.

        Raises:
            RejectedError: The server would not take the training either; says why.
        """
        return self._write("start", DryRun, {"key": key, "task": msgspec.to_builtins(request)})

    def latest(self, key: str) -> DryRun | None:
        """Return the newest dry run with a key, ``None`` if there is none."""
        return next(iter(self._ask("list", tuple[DryRun, ...], {"key": key})), None)

    def info(self, dry_run_id: DryRunId) -> DryRun:
        """Return how far a dry run is, and what it measured at the end.

        Raises:
            MissingError: There is none with this id.
        """
        return self._ask("info", DryRun, {"id": dry_run_id})

    def cancel(self, dry_run_id: DryRunId) -> DryRun:
        """End a dry run; one that is over stays as it is."""
        return self._write("cancel", DryRun, {"id": dry_run_id})


class ModelExports(OwnMethods):
    """ONNX files of checkpoints, made when somebody needs one; Supervisely exports at the end of a training only."""

    family = "exports"

    def are_possible(self) -> bool:
        """Return whether the server makes them."""
        return self._answers("list", {})

    def list(self) -> tuple[ModelExport, ...]:
        """Return the latest exports, newest first."""
        return self._ask("list", tuple[ModelExport, ...])

    def start(self, team_id: TeamId, checkpoint: str) -> ModelExport:
        """Begin to export a checkpoint in Team Files; one of it that goes on is returned instead.

        Raises:
            RejectedError: Nothing on the server's machine can run it; says why.
            MissingError: There is no such file.
        """
        return self._write("start", ModelExport, {"team_id": team_id, "path": checkpoint})

    def info(self, export_id: ExportId) -> ModelExport:
        """Return how far an export is.

        Raises:
            MissingError: There is none with this id.
        """
        return self._ask("info", ModelExport, {"id": export_id})

    def cancel(self, export_id: ExportId) -> ModelExport:
        """End an export; one that is over stays as it is."""
        return self._write("cancel", ModelExport, {"id": export_id})


class _TaskRow(msgspec.Struct):
    id: TaskId


class Labelling(OwnMethods):
    """Tasks in which a model labels images of a project; Supervisely has apps for it."""

    family = "labelling"

    def start(self, order: LabelOrder) -> TaskId:
        """Start a task, and return it. What the model finds is added to the images.

        Raises:
            RejectedError: Nothing on the server's machine can run the model, or the project has no image for it.
            MissingError: There is no such project or file, or the server has no such method.
        """
        return self._write("start", _TaskRow, msgspec.to_builtins(order)).id


class Imports(OwnMethods):
    """Imports of data from this machine."""

    family = "imports"

    def are_possible(self) -> bool:
        """Return whether the server takes data in this way; Supervisely imports with apps of its own."""
        return self._answers("list", {})

    def list(self) -> tuple[DataImport, ...]:
        """Return the latest imports, newest first."""
        return self._ask("list", tuple[DataImport, ...])

    def inspect(self, path: str) -> DataImport:
        """Begin an import of a folder or archive on the server's machine; its layout is recognised.

        Raises:
            RejectedError: There is nothing at the path.
        """
        return self._write("inspect", DataImport, {"path": path})

    def upload(self, name: str, file: BinaryIO, size: int) -> DataImport:
        """Begin an import of an archive of ``size`` bytes, sent block by block; its layout is recognised.

        ``name`` is the file name of the archive.
        """
        # The one method whose body is a file; what is to be said about it goes into the address.
        method = f"traindash.{self.family}.upload"
        return read(method, DataImport, self.transport.upload(method, {"name": name}, file, size), camel=False)

    def look(self, import_id: ImportId, layout: str) -> FirstLook:
        """Return what the data of an import look like in a layout, before they are taken in.

        Raises:
            RejectedError: They cannot be read in it; says why.
        """
        return self._ask("look", FirstLook, {"id": import_id, "layout": layout})

    def start(self, import_id: ImportId, *, layout: str | None = None, name: str | None = None) -> DataImport:
        """Take in what was recognised.

        ``layout`` is one of the recognised ones, ``None`` if there is one only; a project without a name gets the
        proposed one.
        """
        return self._write("start", DataImport, {"id": import_id, "layout": layout, "name": name})

    def info(self, import_id: ImportId) -> DataImport:
        """Return how far an import is, and its report at the end.

        Raises:
            MissingError: There is no such import.
        """
        return self._ask("info", DataImport, {"id": import_id})

    def cancel(self, import_id: ImportId) -> DataImport:
        """End an import; nothing of it stays."""
        return self._write("cancel", DataImport, {"id": import_id})


class Webhooks(OwnMethods):
    """The address that is told when a task is over."""

    family = "webhook"

    def info(self) -> Webhook | None:
        """Return what is set; ``None`` where the server tells nobody."""
        try:
            return self._ask("info", Webhook)
        except (MissingError, RejectedError):
            return None

    def set(self, url: str, secret: str) -> Webhook:
        """Set address and secret; an empty secret keeps the one that is set.

        Raises:
            RejectedError: One of them cannot be used; says why.
        """
        return self._write("set", Webhook, {"url": url, "secret": secret})

    def remove(self) -> Webhook:
        """Tell nobody any more."""
        return self._write("remove", Webhook, {})

    def test(self) -> Delivery:
        """Send a test message and say what became of it."""
        return self._write("test", Delivery, {})

    def tell(self, completion: TaskCompletion) -> bool:
        """Tell the end of a task of another server; once, however often this is called.

        Returns:
            Whether a webhook is set.
        """
        return self._write("tell", bool, msgspec.to_builtins(completion))


class _Hosts(msgspec.Struct):
    hosts: tuple[str, ...] = ()


class Links(OwnMethods):
    """The hosts that images may be fetched from."""

    family = "links"

    def hosts(self) -> tuple[str, ...] | None:
        """Return them; ``None`` where the server has no such setting."""
        try:
            return self._ask("info", _Hosts).hosts
        except (MissingError, RejectedError):
            return None

    def allow(self, hosts: Sequence[str]) -> tuple[str, ...]:
        """Set them, and return them as they are kept.

        Raises:
            RejectedError: One is no name of a host; says which.
        """
        return self._write("set", _Hosts, {"hosts": list(hosts)}).hosts


class Splits(OwnMethods):
    """Splits of projects; nobody else knows what one gives without listing every image."""

    family = "splits"

    def content(self, project_id: ProjectId, split: TrainValSplit | ImagesSplit) -> SplitContent | None:
        """Return what a split gives.

        Returns:
            ``None`` for a random split, which is drawn when the training starts, and from servers that do not count.

        Raises:
            RejectedError: Something named does not exist in the project, or a side stays empty.
        """
        if isinstance(split, RandomSplit):  # the training app draws it when it starts
            return None
        try:
            # The tag that tells the kinds of splits apart is part of what to_builtins gives.
            return self._ask(
                "statistics", SplitContent, {"project_id": project_id, "split": msgspec.to_builtins(split)}
            )
        except MissingError:
            return None
