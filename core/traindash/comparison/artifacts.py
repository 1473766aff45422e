"""Artifacts directories on this machine (docs/supervisely-api.md 7.1) → what a comparison shows of an experiment."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import msgspec

from traindash.comparison.curves import curve_files, read_curves
from traindash.comparison.experiment import (
    NO_CURVES,
    ComparedExperiment,
    Maybe,
    Missing,
    parse_app_state,
    parse_hyperparameters,
    parse_train_images,
)
from traindash.domain.curves import TrainingCurves
from traindash.domain.experiment import ExperimentInfo
from traindash.errors import InputError
from traindash.language import N_

RECORD = "experiment_info.json"
_T = TypeVar("_T")


def with_artifacts(
    experiment: ComparedExperiment, folder: Path, train_images: frozenset[int] | None = None
) -> ComparedExperiment:
    """Add record, training curves, settings, training images and the size of the checkpoint.

    What a file does not say stays as it was; ``train_images`` are those that the server knows, for a split that the
    directory does not list.
    """
    info = read_record(folder)
    if info is None:
        return experiment
    listed = _content(folder, info.train_val_split)
    checkpoint = folder / "checkpoints" / info.best_checkpoint
    return replace(
        experiment,
        info=info,
        training=_curves(folder),
        hyperparameters=_parsed(folder / info.hyperparameters, parse_hyperparameters, N_("left no hyperparameters")),
        app_state=_parsed(folder / info.app_state if info.app_state else None, parse_app_state, N_("left no settings")),
        train_image_ids=(parse_train_images(listed) if listed else None) or train_images,
        checkpoint_bytes=checkpoint.stat().st_size if checkpoint.is_file() else None,
    )


def read_record(folder: Path) -> ExperimentInfo | None:
    """Return the record of an experiment; ``None`` where there is none that can be read."""
    content = _content(folder, RECORD)
    try:
        return None if content is None else msgspec.convert(json.loads(content), ExperimentInfo)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return None


def _content(folder: Path, name: str | None) -> bytes | None:
    if not name:
        return None
    try:
        return (folder / name).read_bytes()
    except OSError:
        return None


def _curves(folder: Path) -> Maybe[TrainingCurves]:
    try:
        sizes = {
            path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()
        }
        chosen = curve_files(sizes)
        if not chosen:
            return NO_CURVES
        return read_curves([(path, (folder / path).read_bytes()) for path in chosen])
    except InputError as error:
        return Missing(reason=N_("has curves that cannot be read: {about}"), about=error.message.rstrip("."))
    except OSError:
        return NO_CURVES


def _parsed(file: Path | None, parse: Callable[[bytes], Maybe[_T]], absent: str) -> Maybe[_T]:
    if file is None or not file.is_file():
        return Missing(reason=absent)
    try:
        return parse(file.read_bytes())
    except InputError as error:
        return Missing(reason=N_("has a file that cannot be read: {about}"), about=error.message.rstrip("."))
    except OSError:
        return Missing(reason=absent)
