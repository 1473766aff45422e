"""Experiments with everything the comparison needs, read through the client and kept on this machine by content."""

import hashlib
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TypeVar

import streamlit as st

from traindash.comparison.curves import curve_files, read_curves
from traindash.comparison.experiment import (
    IS_SEMANTIC,
    NO_CURVES,
    NOT_LOADED,
    ComparedExperiment,
    Comparison,
    Maybe,
    Missing,
    parse_app_state,
    parse_hyperparameters,
    parse_train_images,
)
from traindash.comparison.palette import styles_together
from traindash.comparison.short_names import short_labels
from traindash.comparison.speed import parse_speed_test
from traindash.domain.curves import TrainingCurves
from traindash.domain.experiment import ExperimentInfo, TeamFile
from traindash.domain.ids import TaskId, TeamId
from traindash.errors import InputError, NotFoundError
from traindash.evaluation.evaluation import Evaluation, evaluate_files, size_slices
from traindash.evaluation.operating_points import best_threshold
from traindash.evaluation.semantic import ARCHIVE, SemanticEvaluation, read_semantic
from traindash.formatting import listing, quoted
from traindash.language import N_, ngettext
from traindash.language import gettext as _
from traindash.supervisely.client import SuperviselyClient
from traindash.ui import connection
from traindash.ui.experiments.index import find_experiments, given_labels
from traindash.ui.theme import plain

_MOST_KEPT = 40
_SECONDS = 600
_MOST_CONFIDENCES = 500
_LARGEST_ARCHIVE = 500_000_000
_MOST_LISTED = 20_000  # training images whose ids are asked for; more would take longer than the comparison
_READ_AT_ONCE = 4
_UNNOTICED_SECONDS = 0.25
_NAMED = 2
_T = TypeVar("_T")


def load_comparison(ids: Sequence[TaskId], baseline: TaskId | None) -> Comparison:
    """Return experiments in the order asked for; their task ids are all different.

    The others are measured against the baseline, the first one where it is not among them.

    Raises:
        NotFoundError: There is no experiment of one of the tasks.
        ApiError: The server cannot be asked.
    """
    team = connection.team_id()
    known = find_experiments(ids)
    loaded = _load_all(team, [known[task] for task in ids])
    labels = short_labels(loaded, given_labels())
    styles = styles_together(ids)
    experiments = tuple(
        replace(item, label=label, style=style) for item, label, style in zip(loaded, labels, styles, strict=True)
    )
    return Comparison(experiments=experiments, baseline=ids.index(baseline) if baseline in ids else 0)


def load_curves(info: ExperimentInfo) -> Maybe[TrainingCurves]:
    """Return the curves that an experiment left among its files."""
    reader = experiment_reader()
    with st.spinner(_("Reading the curves")):
        return _kept_curves(connection.cache_key(), info, reader)


@st.cache_resource(
    ttl=_SECONDS,
    max_entries=_MOST_KEPT,
    show_spinner=False,
    validate=lambda kept: not _may_return(kept),
)
def _kept_curves(key: connection.CacheKey, info: ExperimentInfo, _reader: "ExperimentReader") -> Maybe[TrainingCurves]:
    del key
    return _curves(_reader, _reader.folder(info.artifacts_dir))


def load_semantic(info: ExperimentInfo) -> Maybe[SemanticEvaluation]:
    """Return the figures of the classes of a semantic segmentation."""
    reader = experiment_reader()
    with st.spinner(_("Reading the classes")):
        return _kept_semantic(connection.cache_key(), info, reader)


@st.cache_resource(
    ttl=_SECONDS,
    max_entries=_MOST_KEPT,
    show_spinner=False,
    validate=lambda kept: not _may_return(kept),
)
def _kept_semantic(
    key: connection.CacheKey, info: ExperimentInfo, _reader: "ExperimentReader"
) -> Maybe[SemanticEvaluation]:
    del key
    return _semantic(_reader, info, _reader.evaluation_files(info))


def recommended_confidence(info: ExperimentInfo) -> float | None:
    """Return the confidence threshold that the verdict recommends for an experiment, for the best F1.

    ``None`` where it was not evaluated, or nothing that it found was right.
    """
    if info.is_semantic or info.evaluation_report_id is None:
        return None
    reader = experiment_reader()
    with st.spinner(_("Reading the evaluation")):
        found = _kept_confidence(connection.cache_key(), info, reader)
    return None if isinstance(found, Missing) else found


@st.cache_resource(
    ttl=_SECONDS,
    max_entries=_MOST_CONFIDENCES,
    show_spinner=False,
    validate=lambda kept: not _may_return(kept),
)
def _kept_confidence(
    key: connection.CacheKey, info: ExperimentInfo, _reader: "ExperimentReader"
) -> Maybe[float | None]:
    del key
    evaluation = _evaluation(_reader, _reader.evaluation_files(info))
    return best_threshold(evaluation) if isinstance(evaluation, Evaluation) else evaluation


def _may_return(part: object) -> bool:
    return isinstance(part, Missing) and part.may_return


def _load_all(team: TeamId, infos: Sequence[ExperimentInfo]) -> list[ComparedExperiment]:
    """Read experiments side by side and show what is being read when that takes its time."""
    # Which server a session works with is known to its own thread only, so the reader is made here.
    key = connection.cache_key()
    reader = experiment_reader()
    pool = ThreadPoolExecutor(_READ_AT_ONCE, thread_name_prefix="traindash-experiments")
    try:
        asked = [pool.submit(_load, key, team, info, reader) for info in infos]
        waiting = wait(asked, timeout=_UNNOTICED_SECONDS).not_done
        room = st.empty()
        while waiting:
            done = ngettext("{number} of {count} experiment read", "{number} of {count} experiments read", len(asked))
            done = done.format(number=sum(future.done() for future in asked), count=len(asked))
            running = [info for info, future in zip(infos, asked, strict=True) if future.running()]
            names = listing([quoted(info.experiment_name) for info in running], limit=_NAMED)
            text = plain(_("{progress}. Reading predictions and curves of {names}").format(progress=done, names=names))
            room.progress(1 - len(waiting) / len(asked), text=text)
            waiting = wait(waiting, return_when=FIRST_COMPLETED).not_done
        room.empty()
        return [future.result() for future in asked]
    finally:
        # Somebody who leaves the page does not wait; what is being read already is kept for the next visit.
        pool.shutdown(wait=False, cancel_futures=True)


def _is_whole(loaded: ComparedExperiment) -> bool:
    """Return whether nothing of it has been lost, so that it need not be read again."""
    parts = (
        loaded.evaluation,
        loaded.semantic,
        loaded.speed,
        loaded.training,
        loaded.hyperparameters,
        loaded.app_state,
    )
    return not any(map(_may_return, parts))


@st.cache_resource(ttl=_SECONDS, max_entries=_MOST_KEPT, show_spinner=False, validate=_is_whole)
def _load(
    key: connection.CacheKey, team: TeamId, info: ExperimentInfo, _reader: "ExperimentReader"
) -> ComparedExperiment:
    """Return one experiment; what it lacks is named, never an error. Server, team and record are the cache's key."""
    del key, team
    reader = _reader
    artifacts = reader.folder(info.artifacts_dir)
    results = reader.evaluation_files(info)
    evaluation = IS_SEMANTIC if info.is_semantic else _evaluation(reader, results)
    speed = None if isinstance(results, Missing) else results.get("speedtest/speedtest.json")
    loaded = ComparedExperiment(
        key=str(info.task_id),
        label=info.experiment_name,
        name=info.experiment_name,
        info=info,
        evaluation=evaluation,
        semantic=_semantic(reader, info, results),
        sizes=size_slices(evaluation) if isinstance(evaluation, Evaluation) else (),
        speed=_parsed(reader, speed, parse_speed_test, N_("was trained without the speed test")),
        training=_curves(reader, artifacts),
        hyperparameters=_parsed(
            reader,
            artifacts.get(info.hyperparameters),
            parse_hyperparameters,
            N_("left no hyperparameters"),
        ),
        app_state=_parsed(reader, artifacts.get(info.app_state or ""), parse_app_state, N_("left no settings")),
        train_image_ids=_train_images(reader, info, artifacts.get(info.train_val_split or "")),
        checkpoint_bytes=next(
            (file.size_bytes for path, file in artifacts.items() if PurePosixPath(path).name == info.best_checkpoint),
            None,
        ),
    )
    files = [*artifacts.values(), *(() if isinstance(results, Missing) else results.values())]
    return replace(loaded, version=_version(files, whole=_is_whole(loaded)))


def experiment_reader() -> "ExperimentReader":
    """Return what reads the files of experiments on the server in use; it may be handed to any thread."""
    return ExperimentReader(connection.client(), connection.team_id(), connection.home() / "cache")


def _version(files: Iterable[TeamFile], *, whole: bool) -> str:
    """Return what is another text for everything that may be drawn differently."""
    lines = sorted(f"{file.path}\n{file.id}\n{file.hash}\n{file.size_bytes}" for file in files)
    return hashlib.sha256("\n".join([*lines, f"{whole}"]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ExperimentReader:
    """Reads Team Files, each content once per machine where its hash is known."""

    client: SuperviselyClient
    team: TeamId
    cache: Path

    def folder(self, path: str) -> dict[str, TeamFile]:
        """Return the files below a folder by their relative path."""
        start = path.rstrip("/") + "/"
        return {file.path.removeprefix(start): file for file in self.client.files.list(self.team, start)}

    def evaluation_files(self, info: ExperimentInfo) -> dict[str, TeamFile] | Missing:
        """Return the files of the evaluation directory, whose report the experiment names."""
        if info.evaluation_report_id is None:
            return Missing(reason=N_("was trained without the benchmark, or it failed"))
        try:
            # docs/supervisely-api.md 7.2: the folder is named after the app's title, so it is found through its report.
            report = self.client.files.info(info.evaluation_report_id)
            return self.folder(str(PurePosixPath(report.path).parent.parent))
        except NotFoundError:
            return Missing(reason=N_("has an evaluation whose files are gone"), may_return=True)

    def local(self, file: TeamFile) -> Path:
        """Return a local copy of a file."""
        # docs/supervisely-api.md 3.3: hashes are base64 of SHA-256, and not every server has one.
        name = b64decode(file.hash).hex() if file.hash else f"{self.team}-{file.id}-{file.size_bytes}"
        path = self.cache / "files" / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            self.client.files.download(self.team, file, path)
        return path


def _evaluation(reader: ExperimentReader, files: dict[str, TeamFile] | Missing) -> Maybe[Evaluation]:
    if isinstance(files, Missing):
        return files
    truth, found = files.get("evaluation/cocoGt.json"), files.get("evaluation/cocoDt.json")
    if truth is None or found is None:
        return Missing(reason=N_("has an evaluation without its COCO files"))
    try:
        return evaluate_files(reader.local(truth), reader.local(found), cache=reader.cache / "evaluations")
    except InputError as error:
        return Missing(reason=N_("has an evaluation that cannot be read: {about}"), about=error.message.rstrip("."))
    except NotFoundError:
        return _gone(truth, found)


def _semantic(
    reader: ExperimentReader, info: ExperimentInfo, files: dict[str, TeamFile] | Missing
) -> Maybe[SemanticEvaluation]:
    if not info.is_semantic or isinstance(files, Missing):
        return files if isinstance(files, Missing) else NOT_LOADED
    archive = files.get(f"evaluation/{ARCHIVE}")
    if archive is None or archive.size_bytes > _LARGEST_ARCHIVE:
        return Missing(
            reason=N_("has too large an {about} with figures of its classes")
            if archive
            else N_("has no {about} with figures of its classes"),
            about=ARCHIVE,
        )
    try:
        return read_semantic(reader.local(archive))
    except InputError as error:
        return Missing(reason=N_("has an evaluation that cannot be read: {about}"), about=error.message.rstrip("."))
    except NotFoundError:
        return _gone(archive)


def _train_images(reader: ExperimentReader, info: ExperimentInfo, file: TeamFile | None) -> frozenset[int] | None:
    """Return the images it was trained on, ``None`` where nobody knows.

    The file is silent about a split by datasets (docs/supervisely-api.md 7.1); the collection of its training images
    is not.
    """
    try:
        named = None if file is None else parse_train_images(reader.client.files.read(reader.team, file.path))
        if named is not None or info.train_collection_id is None or (info.train_size or 0) > _MOST_LISTED:
            return named
        return frozenset(image.id for image in reader.client.images.list(collection_id=info.train_collection_id))
    except NotFoundError:
        return None


def _curves(reader: ExperimentReader, artifacts: Mapping[str, TeamFile]) -> Maybe[TrainingCurves]:
    try:
        chosen = curve_files({path: file.size_bytes for path, file in artifacts.items()})
        if not chosen:
            return NO_CURVES
        return read_curves([(path, reader.local(artifacts[path]).read_bytes()) for path in chosen])
    except InputError as error:
        return Missing(reason=N_("has curves that cannot be read: {about}"), about=error.message.rstrip("."))
    except NotFoundError:
        return _gone(*(artifacts[path] for path in chosen))


def _parsed(
    reader: ExperimentReader, file: TeamFile | None, parse: Callable[[bytes], _T | Missing], absent: str
) -> _T | Missing:
    if file is None:
        return Missing(reason=absent)
    try:
        return parse(reader.client.files.read(reader.team, file.path))
    except NotFoundError:
        return _gone(file)
    except InputError as error:
        return Missing(reason=N_("has a file that cannot be read: {about}"), about=error.message.rstrip("."))


def _gone(*files: TeamFile) -> Missing:
    names = listing([PurePosixPath(file.path).name for file in files], limit=_NAMED)
    return Missing(reason=N_("names what is gone from Team Files: {about}"), about=names, may_return=True)
