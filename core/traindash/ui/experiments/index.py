"""The team's experiments for all pages: one index per server and team, what people noted, and hyperparameters."""

import threading
from collections.abc import Mapping, Sequence

import msgspec

from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import TaskId, TeamId
from traindash.errors import InputError, NotFoundError
from traindash.experiments.index import ExperimentIndex, Snapshot
from traindash.experiments.listing import Listing, Listings
from traindash.experiments.marks import Marks
from traindash.experiments.record_cache import RecordCache, SettingsReader
from traindash.files import JsonFile
from traindash.language import N_
from traindash.language import gettext as _
from traindash.ui import connection

_FRESH_SECONDS = 8.0
_FIRST_LOOK_SECONDS = 1.5
_SECOND_LOOK_SECONDS = 0.1
# For those who cannot go on without the whole list.
_PATIENCE_SECONDS = 120.0
_ENOUGH_ROWS = 100
_LOCK = threading.Lock()


def look() -> Snapshot:
    """Return what is known of the experiments, after a short wait for news; the rest is read in the background."""
    index = _index(connection.team_id())
    # In the background: reading thousands of records takes a minute, the page shows what there is.
    index.refresh(older_than=_FRESH_SECONDS)
    known = index.snapshot()
    if known.entries:
        return index.wait(_SECOND_LOOK_SECONDS)
    return index.wait(_FIRST_LOOK_SECONDS, until=lambda snapshot: snapshot.read >= _ENOUGH_ROWS)


def peek() -> Snapshot:
    """Return what is known now, without asking for anything."""
    return _index(connection.team_id()).snapshot()


def all_experiments() -> tuple[ExperimentInfo, ...]:
    """Return all experiments that can be read, newest first; waits until they are.

    Raises:
        ApiError: The server cannot be asked.
    """
    index = _index(connection.team_id())
    index.refresh(older_than=_FRESH_SECONDS)
    found = index.wait(_PATIENCE_SECONDS)
    if found.error is not None:
        raise found.error
    return tuple(entry.info for entry in found.entries if entry.info is not None)


def kept_experiments() -> tuple[ExperimentInfo, ...]:
    """Return all experiments that were not deleted, see :func:`all_experiments`."""
    removed = {task for task, mark in marks().all().items() if mark.removed}
    return tuple(info for info in all_experiments() if info.task_id not in removed)


def read_again() -> None:
    """Have the list of experiments read anew, after files were deleted."""
    _index(connection.team_id()).refresh()


def parse_ids(text: str | None) -> list[TaskId]:
    """Read ids from the URL: digits with commas between; one that comes twice counts once.

    Raises:
        InputError: Something else is among them.
    """
    words = [word.strip() for word in (text or "").split(",") if word.strip()]
    wrong = next((word for word in words if not (word.isascii() and word.isdigit())), None)
    if wrong is not None:
        raise InputError(
            _("“{text}” is no experiment id.").format(text=wrong), _("Choose experiments on the experiments page.")
        )
    return [TaskId(number) for number in dict.fromkeys(int(word) for word in words)]


def find_experiments(tasks: Sequence[TaskId]) -> dict[TaskId, ExperimentInfo]:
    """Return the experiments of tasks: those that are known at once, else from the tasks themselves.

    Raises:
        NotFoundError: There is no experiment of one of the tasks.
        ApiError: The server cannot be asked.
    """
    known = {entry.info.task_id: entry.info for entry in peek().entries if entry.info is not None}
    missing = [task for task in tasks if task not in known]
    if missing:
        known |= {info.task_id: info for info in all_experiments()}
    if not known.keys() >= set(tasks):  # one that has just ended is not in a list of some seconds ago
        read_again()
        known |= {info.task_id: info for info in all_experiments()}
    unknown = next((task for task in tasks if task not in known), None)
    if unknown is not None:
        msg = _("There is no experiment of task {number} on this server.").format(number=unknown)
        raise NotFoundError(msg, _("Choose experiments on the experiments page."))
    return {task: known[task] for task in tasks}


def listing(snapshot: Snapshot) -> Listing:
    """Return the experiments with what people noted and the hyperparameters that are known."""
    noted, settings = marks().all(), settings_reader().known()
    return _listings(connection.team_id()).of(snapshot.entries, noted, settings)


def marks() -> Marks:
    """Return what people noted about the experiments of this server."""
    return Marks(connection.home() / "experiments.db", connection.server_name())


def given_names() -> Mapping[TaskId, str]:
    """Return what people call experiments of this server, where that is not their own name."""
    return {task: mark.name for task, mark in marks().all().items() if mark.name}


def settings_reader() -> SettingsReader:
    """Return the reader of hyperparameters."""
    return _reader(connection.team_id())


@connection.lookup(seconds=None, most=20, shared=True)
def _index(team: TeamId) -> ExperimentIndex:
    return ExperimentIndex(connection.client(), team, _cache())


@connection.lookup(seconds=None, most=20, shared=True)
def _reader(team: TeamId) -> SettingsReader:
    return SettingsReader(connection.client(), team, _cache())


@connection.lookup(seconds=None, most=20, shared=True)
def _listings(team: TeamId) -> Listings:
    del team
    return Listings()


def _cache() -> RecordCache:
    return RecordCache(connection.home() / "cache" / "experiments.db")


# What people call experiments beside others, where the label that is made for them says it worse.


def given_labels() -> Mapping[str, str]:
    """Return the labels that people gave to experiments of this server, by task id as text."""
    return _labels_file().read().get(connection.server_name(), {})


def give_label(task: str, label: str) -> None:
    """Keep a label for an experiment on this machine; an empty one takes it away.

    Raises:
        StorageError: It cannot be kept.
    """
    clean, server = " ".join(label.split()), connection.server_name()
    with _LOCK:
        known = {key: text for key, text in given_labels().items() if key != task}
        mine = {**known, task: clean} if clean else known
        _labels_file().change(lambda kept: {**kept, server: mine})


def _labels_file() -> JsonFile[Mapping[str, Mapping[str, str]]]:
    return JsonFile(
        path=connection.home() / "experiment_labels.json",
        decode=msgspec.json.Decoder(dict[str, dict[str, str]]).decode,
        empty={},
        noun=N_("The labels of the experiments"),
    )
