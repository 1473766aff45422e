"""Packages as they are made."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import streamlit as st

from traindash import formatting
from traindash.comparison.experiment import ComparedExperiment, Missing
from traindash.datasets.annotation_json import meta_from_json
from traindash.domain.experiment import ExperimentInfo, TeamFile
from traindash.domain.handover import ChosenModel
from traindash.domain.ids import ImageId
from traindash.domain.jobs import JobStatus
from traindash.errors import AppError, InputError, NotFoundError, StateError
from traindash.handover.package import Evaluated, Form, Packed, Parts, package_name, write_package
from traindash.language import N_, Language, speaking
from traindash.language import gettext as _
from traindash.ui import connection
from traindash.ui.background_work import BackgroundWork
from traindash.ui.experiments.data import ExperimentReader
from traindash.ui.theme import plain

_LOOK_SECONDS = 0.5
_Key = tuple[str, int, int, Form]  # server, task, version, form


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A package that is ready."""

    path: Path
    name: str
    packed: Packed
    export_seconds: float | None = None  # what making the ONNX file took; `None` where it was there


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a package is made of, and how."""

    choice: ChosenModel
    experiment: ComparedExperiment
    info: ExperimentInfo
    form: Form
    makes_onnx: bool  # where there is none
    language: Language  # in which its progress is told


# Its progress is a message, or a text that was made of one.
_WORK: BackgroundWork[_Key, str, Made] = BackgroundWork("package", threads=2)


def begin_package(reader: ExperimentReader, wanted: Wanted) -> None:
    """Begin to make a package, unless that goes on."""
    folder = connection.home() / "cache" / "packages"
    key = _key(wanted.choice, wanted.form)
    _WORK.begin(key, lambda tell: _make(reader, wanted, folder, tell), N_("Reading what the training left"))


def draw_package_work(choice: ChosenModel, form: Form) -> Made | None:
    """Draw how far a package is, or why there is none; return it when it is ready."""
    if is_making(choice, form):
        _draw_progress(_key(choice, form))
        return None
    try:
        made = _WORK.result(_key(choice, form))
    except AppError as error:
        st.error(f"**{plain(error.message)}**  \n{plain(error.hint)}", icon=":material/error:")
        return None
    return made if made is not None and made.path.is_file() else None  # somebody emptied the cache


def is_making(choice: ChosenModel, form: Form) -> bool:
    """Return whether a package is on its way."""
    return _WORK.is_busy(_key(choice, form))


@st.fragment(run_every=_LOOK_SECONDS * 2)
def _draw_progress(key: _Key) -> None:
    step = _WORK.progress(key)
    if step is None:
        st.rerun()
    st.status(plain(_(step)), state="running")


def _key(choice: ChosenModel, form: Form) -> _Key:
    return connection.server_name(), int(choice.task_id), choice.version, form


def onnx_of(info: ExperimentInfo, files: Mapping[str, TeamFile]) -> TeamFile | None:
    """Return the ONNX file of an experiment's best checkpoint among its files, by relative path."""
    stem = PurePosixPath(info.best_checkpoint).stem
    found = [file for path, file in files.items() if path.startswith("export/") and path.endswith(".onnx")]
    return min(found, key=lambda file: PurePosixPath(file.path).stem != stem, default=None)


def checkpoint_of(info: ExperimentInfo, files: Mapping[str, TeamFile]) -> TeamFile:
    """Return the best checkpoint among an experiment's files.

    Raises:
        NotFoundError: It was deleted.
    """
    found = next((file for file in files.values() if PurePosixPath(file.path).name == info.best_checkpoint), None)
    if found is None:
        msg = _("The checkpoint {name} is gone from Team Files.").format(name=info.best_checkpoint)
        raise NotFoundError(msg, _("Train the model again, or choose another one."))
    return found


def _make(reader: ExperimentReader, wanted: Wanted, folder: Path, tell: Callable[[str], None]) -> Made:
    info, form = wanted.info, wanted.form
    files = reader.folder(info.artifacts_dir)
    checkpoint = checkpoint_of(info, files)
    onnx, seconds = onnx_of(info, files), None
    if onnx is None and wanted.makes_onnx:
        onnx, seconds = _exported(reader, checkpoint, tell, wanted.language)
    name = package_name(wanted.choice, form)
    target = folder / f"{int(wanted.choice.task_id)}" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    tell(N_("Fetching the weights"))
    parts = Parts(
        choice=wanted.choice,
        experiment=wanted.experiment,
        info=info,
        classes=_classes(reader, info, files),
        checkpoint=_named(reader, checkpoint, target.parent),
        onnx=None if onnx is None else reader.local(onnx),
        evaluated=_evaluated(reader, info),
        keep=reader.cache / "resamples",
    )
    packed = write_package(target, parts, form, tell)
    return Made(path=target, name=name, packed=packed, export_seconds=seconds)


def _named(reader: ExperimentReader, file: TeamFile, folder: Path) -> Path:
    """Return a local copy under the file's own name."""
    link = folder / PurePosixPath(file.path).name
    link.unlink(missing_ok=True)
    link.symlink_to(reader.local(file).absolute())
    return link


def _exported(
    reader: ExperimentReader, checkpoint: TeamFile, tell: Callable[[str], None], language: Language
) -> tuple[TeamFile, float | None]:
    exports = reader.client.exports
    job, began = exports.start(reader.team, checkpoint.path), time.monotonic()
    while not job.status.is_over:
        with speaking(language):  # numbers are in it, so it is said here; the package itself is in English
            making = _("Making the ONNX file, {time}")
            if job.expected_seconds is not None:
                making = _("Making the ONNX file, {time}; the last one took {usual}")
            times = {"time": time.monotonic() - began, "usual": job.expected_seconds}
            tell(making.format(**{name: formatting.duration(seconds) for name, seconds in times.items()}))
        time.sleep(_LOOK_SECONDS)
        job = exports.info(job.id)
    if job.status is not JobStatus.FINISHED:
        raise StateError(job.message or _("The export was cancelled."), job.hint or _("Make the package again."))
    found = reader.client.files.find(reader.team, job.path)
    if found is None:
        raise StateError(_("The exported file {path} is gone.").format(path=job.path), _("Make the package again."))
    return found, job.seconds


def _classes(reader: ExperimentReader, info: ExperimentInfo, files: Mapping[str, TeamFile]) -> tuple[str, ...]:
    file = files.get(info.model_meta)
    if file is None:
        gone = _("The experiment does not say what its classes are ({file} is gone).")
        raise NotFoundError(gone.format(file=info.model_meta))
    try:
        meta = meta_from_json(json.loads(reader.client.files.read(reader.team, file.path)))
    except ValueError as error:
        unreadable = _("{file} of the experiment is not JSON.").format(file=info.model_meta)
        raise InputError(unreadable, _("Train the model again.")) from error
    return tuple(item.name for item in meta.classes)


def _evaluated(reader: ExperimentReader, info: ExperimentInfo) -> Evaluated | None:
    results = reader.evaluation_files(info)
    if isinstance(results, Missing):
        return None
    truth, found = results.get("evaluation/cocoGt.json"), results.get("evaluation/cocoDt.json")
    if truth is None or found is None or info.is_semantic:
        return None
    return Evaluated(
        truth=reader.local(truth),
        predictions=reader.local(found),
        download=lambda image: reader.client.images.download(ImageId(image)),
    )
