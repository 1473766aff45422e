"""Hyperparameters of many experiments, read in the background for those that somebody looks at, each once."""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from core.api.client import SuperviselyClient
from core.api.errors import ContractError, MissingError
from core.compare.differences import flatten
from core.compare.experiment import Missing
from core.compare.reading import parse_hyperparameters
from core.domain.experiment import ExperimentInfo
from core.domain.ids import TeamId
from core.errors import AppError
from core.experiments.record_cache import RecordCache

_AT_ONCE = 8
_PER_STEP = 32

Settings = Mapping[str, object]
"""Dotted name → value."""

_NONE: Mapping[str, Settings] = {}


class SettingsReader:
    """Reads ``hyperparameters.yaml``. Safe to share between threads.

    Args:
        client: The server.
        team: Where the files are.
        cache: Keeps what was read on this machine; equal contents once.
    """

    def __init__(self, client: SuperviselyClient, team: TeamId, cache: RecordCache) -> None:
        self._client, self._team, self._cache = client, team, cache
        self._changed = threading.Condition()
        self._queue: list[ExperimentInfo] = []
        self._known: dict[str, Settings] | None = None
        self._parsed: dict[str, Settings] = {}
        self._running = False
        self._error: AppError | None = None

    @property
    def error(self) -> AppError | None:
        """Why the last reading broke off."""
        return self._error

    def known(self) -> Mapping[str, Settings]:
        """Return folder → settings that were read, empty ones where a training left none.

        Never changed in place: when more were read, it is another mapping.
        """
        return _NONE if self._known is None else self._known

    def names(self) -> tuple[str, ...]:
        """Return all names that were met so far, alphabetical."""
        distinct = {id(settings): settings for settings in self.known().values()}
        return tuple(sorted({name for settings in distinct.values() for name in settings}))

    def waiting(self) -> int:
        """Return how many are still to be read."""
        with self._changed:
            return len(self._queue) + self._running

    def want(self, infos: Sequence[ExperimentInfo]) -> None:
        """Read the settings of these, in this order; what was wanted before and is not among them is given up."""
        if self._known is None:
            kept = self._cache.settings(self._client.address, self._team)
            self._known = {folder: dict(settings) for folder, settings in kept.items()}
        with self._changed:
            self._queue = [info for info in infos if folder_of(info) not in self._known]
            if self._queue and not self._running:
                self._running, self._error = True, None
                threading.Thread(target=self._work, name="traindash-settings", daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Return when all that is wanted was read, or time is up."""
        with self._changed:
            self._changed.wait_for(lambda: not self._queue and not self._running, seconds)

    def _work(self) -> None:
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="traindash-settings") as pool:
            while step := self._next():
                try:
                    found = dict(zip(map(folder_of, step), pool.map(self._read, step), strict=True))
                except AppError as error:
                    self._give_up(error)
                    return
                self._cache.keep_settings(self._client.address, self._team, found)
                with self._changed:
                    self._known = {**(self._known or {}), **found}
                    self._changed.notify_all()

    def _next(self) -> list[ExperimentInfo]:
        with self._changed:
            step, self._queue = self._queue[:_PER_STEP], self._queue[_PER_STEP:]
            self._running = bool(step)
            self._changed.notify_all()
            return step

    def _give_up(self, error: AppError) -> None:
        with self._changed:
            self._queue, self._running, self._error = [], False, error
            self._changed.notify_all()

    def _read(self, info: ExperimentInfo) -> Settings:
        try:
            content = self._client.files.read(self._team, f"{folder_of(info)}/{info.hyperparameters}")
        except (MissingError, ContractError):
            return {}
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self._parsed:
            self._parsed[digest] = _flat(content)
        return self._parsed[digest]


def _flat(content: bytes) -> Settings:
    values = parse_hyperparameters(content.decode("utf-8", errors="replace"))
    return {} if isinstance(values, Missing) else {".".join(path): value for path, value in flatten(values)}


def folder_of(info: ExperimentInfo) -> str:
    """Return the path of an experiment's folder, by which its settings are found."""
    return info.artifacts_dir.rstrip("/")
