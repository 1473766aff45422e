"""All experiments of a team, read step by step in the background: what is known can be shown at any time.

The paths of the folders come first: they say which experiments there are and what their tasks are. Records follow,
newest first: those kept on this machine, then the outputs of tasks, two hundred in a request, then the files of what is
still missing, a request for each. The next time only what is new is read.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from traindash.comparison.setup_differences import project_name
from traindash.domain.experiment import ExperimentFolder, ExperimentInfo
from traindash.domain.ids import TaskId, TeamId, WorkspaceId
from traindash.errors import AppError
from traindash.experiments.record_cache import RecordCache
from traindash.language import N_
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import ContractError, MissingError
from traindash.supervisely.experiments import TASKS_AT_ONCE

_REQUESTS_AT_ONCE = 4
_FILES_AT_ONCE = 8
_FILES_PER_STEP = 64
_FEW = 8  # so few files are read sooner than a page of tasks with their outputs
_TRY_AGAIN_SECONDS = 60.0  # a record that cannot be read may just be being written


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An experiment of the list."""

    folder: ExperimentFolder  # where its artifacts are
    info: ExperimentInfo | None  # its record; `None` as long as it was not read, or where it cannot be read
    task_id: TaskId | None  # its task; `None` for a folder that is not named after one and whose record is not known
    project: str  # name of its project


def entry_of(folder: ExperimentFolder, info: ExperimentInfo | None) -> Entry:
    """Return an entry; what has to be told from paths is told once, for lists are drawn often."""
    if info is None:
        return Entry(folder=folder, info=None, task_id=folder.task_id, project=folder.project_name)
    return Entry(folder=folder, info=info, task_id=info.task_id, project=project_name(info))


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is known at a moment."""

    entries: tuple[Entry, ...] = ()  # newest task first
    version: int = 0  # another number for other entries
    reading: bool = False  # more may come
    error: AppError | None = None  # why the last reading broke off
    unreadable: tuple[tuple[str, str], ...] = ()  # path of a folder whose record cannot be read → why

    @property
    def read(self) -> int:
        """How many of the entries have their record."""
        return sum(entry.info is not None for entry in self.entries)


class ExperimentIndex:
    """The experiments of one team of one server. Safe to share between threads.

    The cache keeps records on this machine; the clock gives seconds and stands in for time in tests.
    """

    def __init__(
        self,
        client: SuperviselyClient,
        team: TeamId,
        cache: RecordCache,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._team, self._cache, self._clock = client, team, cache, clock
        self._changed = threading.Condition()
        self._entries: dict[str, Entry] = {}
        self._kept: dict[str, ExperimentInfo] | None = None
        self._failed: dict[str, _Failure] = {}
        self._snapshot = Snapshot()
        self._read_at: float | None = None

    def snapshot(self) -> Snapshot:
        """Return what is known now."""
        return self._snapshot

    def refresh(self, *, older_than: float = 0.0) -> None:
        """Read what is new in the background, unless that is going on, or happened within ``older_than`` seconds."""
        with self._changed:
            fresh = self._read_at is not None and self._clock() - self._read_at < older_than
            if self._snapshot.reading or fresh:
                return
            self._publish(reading=True)
        threading.Thread(target=self._read, name="traindash-experiments", daemon=True).start()

    def wait(self, seconds: float, until: Callable[[Snapshot], bool] | None = None) -> Snapshot:
        """Return what is known: when nothing is being read any more, when ``until`` says so, or when time is up."""
        with self._changed:
            self._changed.wait_for(
                lambda: not self._snapshot.reading or (until is not None and until(self._snapshot)), seconds
            )
            return self._snapshot

    def _read(self) -> None:
        error: AppError | None = None
        try:
            self._read_all()
        except AppError as found:
            error = found
        finally:
            with self._changed:
                self._read_at = self._clock()
                self._publish(reading=False, error=error)

    def _read_all(self) -> None:
        server = self._client.address
        # Once per process: nobody else writes what is kept, and a team has ten thousand records.
        if self._kept is None:
            self._kept = self._cache.records(server, self._team)
            self._show_kept(self._kept)
        folders = self._client.experiments.folders(self._team)
        paths = {folder.path for folder in folders}
        self._cache.forget(server, self._team, self._kept.keys() - paths)
        self._kept = {path: info for path, info in self._kept.items() if path in paths}
        self._failed = {path: failure for path, failure in self._failed.items() if path in paths}
        entries = {folder.path: entry_of(folder, self._kept.get(folder.path)) for folder in folders}
        with self._changed:
            # Dictionaries are equal in any order, lists of experiments are not.
            changed = entries != self._entries or list(entries) != list(self._entries)
            self._entries = entries
            self._publish(reading=True, changed=changed)
        missing = [entry.folder for entry in entries.values() if entry.info is None and self._is_due(entry.folder)]
        # A record is in the output of its task, too: two hundred in one request instead of a request for each.
        if len(missing) > _FEW:
            missing = self._from_tasks(missing)
        for start in range(0, len(missing), _FILES_PER_STEP):
            self._from_files(missing[start : start + _FILES_PER_STEP])

    def _show_kept(self, kept: Mapping[str, ExperimentInfo]) -> None:
        """Show what an earlier process has read, before the server has said what is still there."""
        newest_first = sorted(kept.items(), key=lambda item: (item[1].task_id, item[0]), reverse=True)
        with self._changed:
            self._entries = {path: entry_of(ExperimentFolder(path=path), info) for path, info in newest_first}
            self._publish(reading=True, changed=bool(kept))

    def _is_due(self, folder: ExperimentFolder) -> bool:
        failure = self._failed.get(folder.path)
        return failure is None or self._clock() - failure.at >= _TRY_AGAIN_SECONDS

    def _from_tasks(self, missing: list[ExperimentFolder]) -> list[ExperimentFolder]:
        """Read the outputs of tasks; return what they did not tell."""
        for workspace in self._client.workspaces.list(self._team):
            missing = self._from_workspace(workspace.id, missing)
        return missing

    def _from_workspace(self, workspace: WorkspaceId, missing: list[ExperimentFolder]) -> list[ExperimentFolder]:
        wanted = {folder.path: folder for folder in missing}
        tasks = [task for folder in missing if (task := folder.task_id) is not None]
        chunks = [tasks[start : start + TASKS_AT_ONCE] for start in range(0, len(tasks), TASKS_AT_ONCE)]

        def ask(chunk: Sequence[TaskId]) -> tuple[ExperimentInfo, ...]:
            return self._client.experiments.of_tasks(workspace, chunk)

        if not chunks or not self._take(ask(chunks[0]), wanted):
            return missing  # another workspace, or a server that leaves outputs out of lists
        with ThreadPoolExecutor(_REQUESTS_AT_ONCE, thread_name_prefix="traindash-tasks") as pool:
            for found in pool.map(ask, chunks[1:]):
                self._take(found, wanted)
        return list(wanted.values())

    def _take(self, found: Iterable[ExperimentInfo], wanted: dict[str, ExperimentFolder]) -> int:
        """Take over records of wanted folders; return how many there were."""
        by_folder = {info.artifacts_dir.rstrip("/"): info for info in found}
        taken = {path: info for path, info in by_folder.items() if wanted.pop(path, None) is not None}
        self._add(taken)
        return len(taken)

    def _from_files(self, folders: Sequence[ExperimentFolder]) -> None:
        with ThreadPoolExecutor(_FILES_AT_ONCE, thread_name_prefix="traindash-records") as pool:
            found = dict(zip((folder.path for folder in folders), pool.map(self._record, folders), strict=True))
        self._failed |= {path: result for path, result in found.items() if isinstance(result, _Failure)}
        self._add({path: result for path, result in found.items() if isinstance(result, ExperimentInfo)})

    def _record(self, folder: ExperimentFolder) -> "ExperimentInfo | _Failure":
        try:
            return self._client.experiments.of_folder(self._team, folder.path)
        except MissingError:
            return _Failure(at=self._clock(), reason=N_("has no experiment_info.json"))
        except ContractError as error:
            return _Failure(at=self._clock(), reason=error.message)

    def _add(self, records: Mapping[str, ExperimentInfo]) -> None:
        if self._kept is None or not records:
            return
        self._cache.keep_records(self._client.address, self._team, records)
        self._kept.update(records)
        with self._changed:
            for path, info in records.items():
                self._entries[path] = entry_of(self._entries[path].folder, info)
            self._publish(reading=True, changed=True)

    def _publish(self, *, reading: bool, changed: bool = False, error: AppError | None = None) -> None:
        """Make what is known visible; call with the lock held."""
        self._snapshot = Snapshot(
            entries=tuple(self._entries.values()) if changed else self._snapshot.entries,
            version=self._snapshot.version + changed,
            reading=reading,
            error=error,
            unreadable=tuple((path, failure.reason) for path, failure in sorted(self._failed.items())),
        )
        self._changed.notify_all()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """A record that could not be read."""

    at: float  # when, by the index's clock
    reason: str
