"""Team Files and the experiments kept in them."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from core.api.downloads import Downloader, Expected, Watcher
from core.api.errors import ContractError, MissingError
from core.api.transport import Transport
from core.api.wire.experiments import ExperimentShape
from core.api.wire.files import FileShape
from core.api.wire.reading import read
from core.api.wire.tasks import TaskShape
from core.domain.experiment import ExperimentInfo
from core.domain.files import TeamFile
from core.domain.ids import FileId, TaskId, TeamId

_RECORD_NAME = "experiment_info.json"
_DOWNLOADS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Files:
    """Files of a team."""

    transport: Transport

    def list(self, team_id: TeamId, path: str, *, recursive: bool = True) -> tuple[TeamFile, ...]:
        """Return the files at or below a path; empty where nothing is.

        Args:
            team_id: The team.
            path: A folder, or a file (then the answer is that file alone).
            recursive: Files in subfolders too.
        """
        # By contract section 3.3: a listing of one level always names its folder with a slash at the end.
        asked = path if recursive else path.rstrip("/") + "/"
        body = {"teamId": team_id, "path": asked, "recursive": recursive}
        rows = read("file-storage.list", tuple[FileShape, ...], self.transport.read("file-storage.list", body))
        return tuple(row.file() for row in rows if not row.is_dir)

    def find(self, team_id: TeamId, path: str) -> TeamFile | None:
        """Return the file at a path, ``None`` if there is none."""
        return next((file for file in self.list(team_id, path) if file.path == path), None)

    def info(self, file_id: FileId) -> TeamFile:
        """Return the file with an id.

        Raises:
            MissingError: There is none with this id.
        """
        answer = self.transport.read("file-storage.info", {"id": file_id})
        return read("file-storage.info", FileShape, answer).file()

    def read(self, team_id: TeamId, path: str) -> bytes:
        """Return a file's content.

        Raises:
            MissingError: There is no such file.
        """
        return self.transport.read_bytes("file-storage.download", {"teamId": team_id, "path": path})

    def download(self, team_id: TeamId, file: TeamFile, target: Path, watcher: Watcher | None = None) -> None:
        """Write a file's content to disk, checked by its size and hash; for files that are too big for memory.

        Raises:
            DownloadCancelledError: The watcher cancelled; nothing is left.
            MissingError: There is no such file any more.
            ContractError: Something else arrived.
            StorageError: It cannot be written.
        """
        body = {"teamId": team_id, "path": file.path}
        expected = Expected(name=PurePosixPath(file.path).name, size=file.size_bytes or None, hash=file.hash)
        Downloader(self.transport).fetch("file-storage.download", body, target, expected, watcher or Watcher())


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentScan:
    """What lies below ``/experiments``.

    Attributes:
        experiments: Newest task first.
        unreadable: Path of a record that cannot be read → why.
    """

    experiments: tuple[ExperimentInfo, ...]
    unreadable: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Experiments:
    """Records of finished trainings.

    A record that was read once is kept in memory as long as its file's id and hash stay the same.
    """

    transport: Transport
    _known: dict[tuple[TeamId, FileId, str], ExperimentInfo] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def list(self, team_id: TeamId) -> tuple[ExperimentInfo, ...]:
        """Return a team's experiments, newest task first, without those that cannot be read."""
        return self.scan(team_id).experiments

    def scan(self, team_id: TeamId) -> ExperimentScan:
        """Return a team's experiments and the records that cannot be read."""
        listed = Files(self.transport).list(team_id, "/experiments")
        records = [file for file in listed if PurePosixPath(file.path).name == _RECORD_NAME]
        experiments: list[ExperimentInfo] = []
        unreadable: dict[str, str] = {}
        with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE, thread_name_prefix="traindash-records") as pool:
            for file, found in zip(records, pool.map(lambda file: self._record(team_id, file), records), strict=True):
                if isinstance(found, ExperimentInfo):
                    experiments.append(found)
                elif found:
                    unreadable[file.path] = found
        experiments.sort(key=lambda experiment: experiment.task_id, reverse=True)
        return ExperimentScan(experiments=tuple(experiments), unreadable=unreadable)

    def of_task(self, task_id: TaskId) -> ExperimentInfo | None:
        """Return the experiment that a task left, ``None`` if it left none (yet).

        Raises:
            MissingError: There is no such task.
            ContractError: The task's record lacks a field that every record has.
        """
        task = read("tasks.info", TaskShape, self.transport.read("tasks.info", {"id": task_id})).task()
        return experiment_of_output(task.output)

    def of_folder(self, team_id: TeamId, artifacts_dir: str) -> ExperimentInfo:
        """Return the experiment whose artifacts lie in a folder.

        Raises:
            MissingError: The folder has no record.
            ContractError: The record cannot be read.
        """
        content = Files(self.transport).read(team_id, f"{artifacts_dir.rstrip('/')}/{_RECORD_NAME}")
        return _record_of(content)

    def _record(self, team_id: TeamId, file: TeamFile) -> ExperimentInfo | str:
        """Return a record, or the reason why it cannot be read (empty: it vanished since it was listed)."""
        key = (team_id, file.id, file.hash)
        with self._lock:
            known = self._known.get(key)
        if known is not None:
            return known
        try:
            record = _record_of(Files(self.transport).read(team_id, file.path))
        except MissingError:
            return ""
        except ContractError as error:
            return error.message
        if file.hash:
            with self._lock:
                self._known[key] = record
        return record


def experiment_of_output(output: Mapping[str, object] | None) -> ExperimentInfo | None:
    """Return the experiment in a task's output (``meta.output.experiment.data``), ``None`` if there is none."""
    experiment = (output or {}).get("experiment")
    data: Any = experiment.get("data") if isinstance(experiment, dict) else None
    return None if data is None else read("tasks.info", ExperimentShape, data).experiment()


def _record_of(content: bytes) -> ExperimentInfo:
    try:
        return ExperimentShape.model_validate_json(content).experiment()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "body"
        msg = f"{_RECORD_NAME} cannot be read: {name}: {first['msg'].lower()}."
        raise ContractError(msg, method="file-storage.download", field=name) from error
