"""What changed in a project since it was last trained on.

A start notes what the data was like; the newest experiment of the project is compared with that note. An experiment
that was started elsewhere has no note: of it, only the data's version and the number of images it used are known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.domain.experiment import ExperimentInfo
from core.domain.ids import TaskId
from core.files import JsonFile
from core.launch.rules.problems import listed, quoted
from core.launch.rules.project_facts import ProjectFacts

_KEPT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DataNote:
    """What the data of a project was like when a training was started.

    Attributes:
        images: Number of images.
        objects: Class → number of objects; the project's classes in their order.
        version: Version number of the data, where the server keeps one.
    """

    images: int
    objects: Mapping[str, int]
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SinceLast:
    """What changed since an experiment.

    Attributes:
        task_id: Task of the experiment.
        title: Name of the experiment.
        changes: One phrase each; empty when the data is the same as far as it can be known.
        is_exact: The data was noted at the start; otherwise only the experiment's record is known.
        used: Images that the experiment used; ``None`` where its record does not say.
        images: Images that the project has now.
    """

    task_id: TaskId
    title: str
    changes: tuple[str, ...]
    is_exact: bool
    used: int | None
    images: int


_NOTES = msgspec.json.Decoder(dict[str, DataNote])


class DataNotes:
    """Notes of all starts from this machine, by server and task. Safe for use from several threads.

    Args:
        path: JSON file; one that is missing or damaged means that nothing was noted.
    """

    def __init__(self, path: Path) -> None:
        self._file: JsonFile[Mapping[str, DataNote]] = JsonFile(
            path=path, decode=_NOTES.decode, empty={}, noun="What the data was like"
        )

    def of(self, server: str, task_id: TaskId) -> DataNote | None:
        """Return what was noted when a task was started."""
        return self._file.read().get(_key(server, task_id))

    def keep(self, server: str, task_id: TaskId, note: DataNote) -> None:
        """Note what the data was like; of many notes the latest are kept.

        Raises:
            StorageError: The file cannot be written.
        """

        def with_note(notes: Mapping[str, DataNote]) -> Mapping[str, DataNote]:
            return dict(list({**notes, _key(server, task_id): note}.items())[-_KEPT:])

        self._file.change(with_note)


def note_of(project: ProjectFacts) -> DataNote:
    """Return what the data of a project is like now."""
    objects = {item.name: item.objects for item in project.statistics.classes}
    return DataNote(
        images=project.project.items_count,
        objects={name: objects.get(name, 0) for name in project.class_names},
        version=project.project.version,
    )


def since_last(
    project: ProjectFacts, experiments: Sequence[ExperimentInfo], notes: DataNotes, server: str
) -> SinceLast | None:
    """Return what changed since the newest experiment of a project, ``None`` where there is none.

    Args:
        project: The project as it is now.
        experiments: Those of the team, in any order.
        notes: What was noted at the starts from this machine.
        server: Address of the server.
    """
    own = [info for info in experiments if info.project_id == project.project.id]
    if not own:
        return None
    last = max(own, key=lambda info: info.task_id)
    now, then = note_of(project), notes.of(server, last.task_id)
    known = last.train_size is not None and last.val_size is not None
    return SinceLast(
        task_id=last.task_id,
        title=last.experiment_name,
        changes=tuple(_by_record(now, last) if then is None else _by_note(now, then)),
        is_exact=then is not None,
        used=(last.train_size or 0) + (last.val_size or 0) if known else None,
        images=now.images,
    )


def _by_note(now: DataNote, then: DataNote) -> list[str]:
    found = _version(now.version, then.version)
    if now.images != then.images:
        found.append(f"images {then.images:,} → {now.images:,} ({now.images - then.images:+,})")
    before, after = sum(then.objects.values()), sum(now.objects.values())
    if before != after:
        found.append(f"objects {before:,} → {after:,} ({after - before:+,})")
    new = [name for name in now.objects if name not in then.objects]
    gone = [name for name in then.objects if name not in now.objects]
    other = [
        f"{name} {then.objects[name]:,} → {count:,}"
        for name, count in now.objects.items()
        if name in then.objects and then.objects[name] != count
    ]
    if new:
        found.append(f"new classes {quoted(new)}")
    if gone:
        found.append(f"classes that are gone {quoted(gone)}")
    if other:
        found.append(f"objects per class: {listed(other)}")
    return found


def _by_record(now: DataNote, last: ExperimentInfo) -> list[str]:
    version = (last.project_version or {}).get("version")
    return _version(now.version, version if isinstance(version, int) else None)


def _version(now: int | None, then: int | None) -> list[str]:
    return [f"version {then} → {now}"] if now is not None and then is not None and now != then else []


def _key(server: str, task_id: TaskId) -> str:
    return f"{server} {task_id}"
