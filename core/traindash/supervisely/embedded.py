"""Dry runs of trainings. Only the embedded platform has these methods; other servers answer that they do not exist."""

from collections.abc import Mapping
from datetime import datetime
from typing import BinaryIO

import msgspec

from traindash.domain.dry_run import DryRun
from traindash.domain.ids import DryRunId, ImportId, ProjectId, TaskId
from traindash.domain.imports import DataImport
from traindash.domain.plan import ImagesSplit, RandomSplit, SplitContent, TrainValSplit
from traindash.domain.webhook import Delivery, DeliveryState, EndedTask, Webhook
from traindash.supervisely.errors import MissingError, RejectedError
from traindash.supervisely.resources import Resource, Shape, Unvalidated, moment, read
from traindash.supervisely.tasks import StartRequest

_METHOD = "traindash.dryruns."


class DryRuns(Resource):
    """The first batches of trainings, done to learn what the whole will need."""

    def are_possible(self) -> bool:
        """Return whether the server makes dry runs."""
        try:
            self.transport.read(f"{_METHOD}list", {"key": "-"})
        except (MissingError, RejectedError):
            return False
        return True

    def start(self, request: StartRequest, key: str) -> DryRun:
        """Begin the dry run of a training.

        Args:
            request: What would start the whole training.
            key: Name to find it by later, at most 200 characters.

        Raises:
            RejectedError: The server would not take the training either; says why.
        """
        return self._write("start", {"key": key, "task": request.body()})

    def latest(self, key: str) -> DryRun | None:
        """Return the newest dry run with a key, ``None`` if there is none."""
        answer = self.transport.read(f"{_METHOD}list", {"key": key})
        return next(iter(read(f"{_METHOD}list", list[DryRun], answer)), None)

    def info(self, dry_run_id: DryRunId) -> DryRun:
        """Return how far a dry run is, and what it measured at the end.

        Raises:
            MissingError: There is none with this id.
        """
        answer = self.transport.read(f"{_METHOD}info", {"id": dry_run_id})
        return read(f"{_METHOD}info", DryRun, answer)

    def cancel(self, dry_run_id: DryRunId) -> DryRun:
        """End a dry run; one that is over stays as it is."""
        return self._write("cancel", {"id": dry_run_id})

    def _write(self, name: str, body: Mapping[str, object]) -> DryRun:
        return read(_METHOD + name, DryRun, self.transport.write(_METHOD + name, body))


# Bringing data in. Only the embedded platform has these methods; other servers answer that they do not exist.


_IMPORTS_METHOD = "traindash.imports."


class Imports(Resource):
    """Imports of data from this machine."""

    def are_possible(self) -> bool:
        """Return whether the server takes data in this way; Supervisely imports with apps of its own."""
        try:
            self.transport.read(f"{_IMPORTS_METHOD}list")
        except (MissingError, RejectedError):
            return False
        return True

    def list(self) -> tuple[DataImport, ...]:
        """Return the latest imports, newest first."""
        return read(f"{_IMPORTS_METHOD}list", tuple[DataImport, ...], self.transport.read(f"{_IMPORTS_METHOD}list"))

    def inspect(self, path: str) -> DataImport:
        """Begin an import of a folder or archive on the server's machine; its layout is recognised.

        Raises:
            RejectedError: There is nothing at the path.
        """
        return self._write("inspect", {"path": path})

    def upload(self, name: str, file: BinaryIO, size: int) -> DataImport:
        """Begin an import of an archive, sent block by block; its layout is recognised.

        Args:
            name: File name of the archive.
            file: Its content.
            size: Its length in bytes.
        """
        answer = self.transport.upload(f"{_IMPORTS_METHOD}upload", {"name": name}, file, size)
        return read(f"{_IMPORTS_METHOD}upload", DataImport, answer)

    def start(self, import_id: ImportId, *, layout: str | None = None, name: str | None = None) -> DataImport:
        """Take in what was recognised.

        Args:
            import_id: The import.
            layout: One of the recognised layouts; ``None`` if there is one only.
            name: Name of the project; ``None`` takes the proposed one.
        """
        return self._write("start", {"id": import_id, "layout": layout, "name": name})

    def info(self, import_id: ImportId) -> DataImport:
        """Return how far an import is, and its report at the end.

        Raises:
            MissingError: There is no such import.
        """
        answer = self.transport.read(f"{_IMPORTS_METHOD}info", {"id": import_id})
        return read(f"{_IMPORTS_METHOD}info", DataImport, answer)

    def cancel(self, import_id: ImportId) -> DataImport:
        """End an import; nothing of it stays."""
        return self._write("cancel", {"id": import_id})

    def _write(self, name: str, body: Mapping[str, object]) -> DataImport:
        return read(_IMPORTS_METHOD + name, DataImport, self.transport.write(_IMPORTS_METHOD + name, body))


# What a split gives to each side; only the embedded platform knows that without listing every image.


_SPLITS_METHOD = "traindash.splits.statistics"


class Splits(Resource):
    """Splits of projects."""

    def content(self, project_id: ProjectId, split: TrainValSplit | ImagesSplit) -> SplitContent | None:
        """Return what a split gives.

        Returns:
            ``None`` for a random split, which is drawn when the training starts, and from servers that do not count.

        Raises:
            RejectedError: Something named does not exist in the project, or a side stays empty.
        """
        if isinstance(split, RandomSplit):
            return None
        body = {"project_id": project_id, "split": msgspec.to_builtins(split)}
        try:
            answer = self.transport.read(_SPLITS_METHOD, body)
        except MissingError:
            return None
        return read(_SPLITS_METHOD, SplitContent, answer, camel=False)


# The webhook of the embedded platform.


class DeliveryShape(Shape):
    """A message, and the answer of ``traindash.webhook.test``."""

    state: DeliveryState
    task_id: int | None = None
    server: str = ""
    detail: str = ""
    attempts: int = 0
    at: Unvalidated = None

    def delivery(self) -> Delivery:
        """Return the domain value."""
        return Delivery(
            task_id=None if self.task_id is None else TaskId(self.task_id),
            server=self.server,
            state=self.state,
            detail=self.detail,
            attempts=self.attempts,
            at=moment(self.at),
        )


class ToldShape(Shape):
    """The answer of ``traindash.webhook.tell``."""

    is_kept: bool


def ended_json(end: EndedTask) -> dict[str, object]:
    """Return the body of ``traindash.webhook.tell``."""
    seconds = (
        (end.finished_at - end.started_at).total_seconds()
        if end.started_at is not None and end.finished_at is not None
        else None
    )
    return {
        "server": end.server,
        "task": {
            "id": int(end.task_id),
            "name": end.name,
            "status": end.status.value,
            "cause": end.cause.value if end.cause else None,
            "message": end.message,
            "hint": end.hint,
            "agent": end.agent or None,
            "projectId": end.project_id,
            "startedAt": _text(end.started_at),
            "finishedAt": _text(end.finished_at),
            "durationSeconds": seconds,
            "metrics": dict(end.metrics),
            "url": end.url,
        },
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


class WebhookShape(Shape):
    """The answer of ``traindash.webhook.info``, ``.set`` and ``.remove``."""

    url: str
    has_secret: bool
    is_damaged: bool = False
    deliveries: tuple[DeliveryShape, ...] = ()

    def webhook(self) -> Webhook:
        """Return the domain value."""
        return Webhook(
            url=self.url,
            has_secret=self.has_secret,
            is_damaged=self.is_damaged,
            deliveries=tuple(row.delivery() for row in self.deliveries),
        )


# The webhook. Only the embedded platform has these methods; other servers answer that they do not exist.


_WEBHOOK_METHOD = "traindash.webhook."


class Webhooks(Resource):
    """The address that is told when a task is over."""

    def info(self) -> Webhook | None:
        """Return what is set; ``None`` where the server tells nobody."""
        try:
            answer = self.transport.read(f"{_WEBHOOK_METHOD}info")
        except (MissingError, RejectedError):
            return None
        return read(f"{_WEBHOOK_METHOD}info", WebhookShape, answer).webhook()

    def set(self, url: str, secret: str) -> Webhook:
        """Set address and secret; an empty secret keeps the one that is set.

        Raises:
            RejectedError: One of them cannot be used; says why.
        """
        return self._write("set", {"url": url, "secret": secret})

    def remove(self) -> Webhook:
        """Tell nobody any more."""
        return self._write("remove", {})

    def test(self) -> Delivery:
        """Send a test message and say what became of it."""
        method = f"{_WEBHOOK_METHOD}test"
        return read(method, DeliveryShape, self.transport.write(method, {})).delivery()

    def tell(self, end: EndedTask) -> bool:
        """Tell the end of a task of another server; once, however often this is called.

        Returns:
            Whether a webhook is set.
        """
        method = f"{_WEBHOOK_METHOD}tell"
        return read(method, ToldShape, self.transport.write(method, ended_json(end))).is_kept

    def _write(self, name: str, body: Mapping[str, object]) -> Webhook:
        return read(_WEBHOOK_METHOD + name, WebhookShape, self.transport.write(_WEBHOOK_METHOD + name, body)).webhook()
