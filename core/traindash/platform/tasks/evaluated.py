"""The projects of an evaluation: its ground truth and its predictions, made when a training is over.

Supervisely's comparison reads evaluations through projects: ``inference_info.json`` names one with the ground truth and
one with the predictions (docs/supervisely-api.md 7.2). The ground truth is a copy of what was compared, so it stays as
it was when the project goes on changing, and evaluations on equal images and objects share one.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from traindash.datasets.shape_fit import DETECTION, converted_meta
from traindash.domain.ids import TeamId
from traindash.domain.prediction import CONFIDENCE_TAG
from traindash.domain.project import ProjectMeta, TagMeta
from traindash.errors import StateError
from traindash.platform.services import Services
from traindash.platform.store.database import moment_text
from traindash.platform.store.files import StoredFile
from traindash.platform.store.task_records import TaskRecord
from traindash.platform.store.working_copies import CopiedImage, CopyMark, WorkingCopy
from traindash.training.runs.spec import RunLayout, TrainSpec, read_evaluated

INFERENCE_INFO = "evaluation/inference_info.json"
_YOUNG = timedelta(hours=1)


def name_projects(services: Services, task: TaskRecord, run: RunLayout, spec: TrainSpec) -> None:
    """Make the projects of an evaluation and name them in its ``inference_info.json``, still in the run folder.

    Does the same when it is done again: what is there already is taken. Does nothing for a trainer that kept nothing to
    make them of.

    Raises:
        AppError: What it kept cannot be used.
        OSError: A file cannot be read or written.
    """
    info_file = run.evaluation / INFERENCE_INFO
    if not run.evaluated.is_file() or not info_file.is_file():
        return
    truth = _truth(services, task.team_id, run, spec)
    found = _found(services, task, run, spec, truth)
    info = json.loads(info_file.read_text(encoding="utf-8"))
    named = {
        "source_project_id": int(spec.project_id),
        "source_dataset_ids": info.get("source_dataset_ids", info.get("gt_dataset_ids", [])),
        "gt_project_id": int(truth.id),
        "gt_dataset_ids": [int(dataset) for dataset in truth.dataset_ids],
        "dt_project_id": int(found.id),
    }
    _add_info(info_file, named)


def name_checkpoint(run: RunLayout, checkpoint: StoredFile) -> None:
    """Say in ``inference_info.json``, where there is one, where the checkpoint is: reports of the SDK link to it.

    Raises:
        OSError: The file cannot be read or written.
    """
    if (info_file := run.evaluation / INFERENCE_INFO).is_file():
        _add_info(info_file, {"checkpoint_url": checkpoint.address})


def _add_info(file: Path, facts: Mapping[str, object]) -> None:
    info = {**json.loads(file.read_text(encoding="utf-8")), **facts}
    file.write_text(json.dumps(info, ensure_ascii=False, indent=2), encoding="utf-8")


def remove_unneeded(services: Services, *, age: timedelta = _YOUNG) -> None:
    """Remove predictions whose evaluation is not in Team Files any more, and ground truths that none of the rest needs.

    So they take as much space as the evaluations that people keep. Those that were used within an ``age`` stay: an
    evaluation that ends right now has made or found them, and is still to come into Team Files.
    """
    copies = services.working_copies.all()
    needed = {copy.id for copy in copies if copy.mark.evaluation is not None and _is_kept(services, copy)}
    truths = {copy.mark.truth_id for copy in copies if copy.id in needed}
    young = moment_text(datetime.now(UTC) - age)
    for copy in copies:
        if copy.id not in needed and copy.id not in truths and copy.used_at <= young:
            with contextlib.suppress(StateError):  # somebody trains on it
                services.archive.remove_projects([copy.id])


def _is_kept(services: Services, copy: WorkingCopy) -> bool:
    team = TeamId(services.projects.row(copy.id)["team_id"])
    return services.files.find(team, f"{copy.mark.evaluation}/{INFERENCE_INFO}") is not None


def _truth(services: Services, team_id: TeamId, run: RunLayout, spec: TrainSpec) -> WorkingCopy:
    meta = converted_meta(spec.meta, spec.classes, spec.task_type)
    key = _content(run.evaluated, spec)
    if (known := services.working_copies.find(key)) is not None:
        return known
    mark = CopyMark(kind="ground truth", key=key, project_id=int(spec.project_id))
    # What is compared as masks may be drawn as polygons
    shape = "rectangle" if spec.task_type == DETECTION else "any"
    drawn = ProjectMeta(classes=tuple(replace(item, shape=shape) for item in meta.classes))
    about = (f"{spec.project_name} (ground truth)", drawn, mark)
    return services.working_copies.make(team_id, about, _images(run.evaluated, "truth"))


def _found(services: Services, task: TaskRecord, run: RunLayout, spec: TrainSpec, truth: WorkingCopy) -> WorkingCopy:
    key = _key_of(task)
    if (known := services.working_copies.find(key)) is not None:
        return known
    mark = CopyMark(
        kind="predictions",
        key=key,
        project_id=int(spec.project_id),
        evaluation=spec.evaluation_dir.rstrip("/"),
        truth_id=int(truth.id),
    )
    meta = converted_meta(spec.meta, spec.classes, spec.task_type)
    confidence = TagMeta(name=CONFIDENCE_TAG, value_type="any_number", applicable_type="objectsOnly")
    drawn = ProjectMeta(classes=meta.classes, tags=(confidence,))
    about = (f"{spec.project_name} - {task.id} {spec.model_name}", drawn, mark)
    return services.working_copies.make(task.team_id, about, _images(run.evaluated, "found"), spec.first_found_id)


def _key_of(task: TaskRecord) -> str:
    return f"predictions of task {task.id}"


def _content(evaluated: Path, spec: TrainSpec) -> str:
    """Return what is equal for evaluations whose ground truths are."""
    digest = hashlib.sha256(repr((int(spec.project_id), spec.project_name, spec.classes, spec.task_type)).encode())
    # The order in which images come is that of their files, which is equal for equal splits
    for image in read_evaluated(evaluated):
        digest.update(repr((int(image.dataset_id), image.dataset_name, image.name, image.hash)).encode())
        digest.update(bytes(image.truth))
    return digest.hexdigest()


def _images(evaluated: Path, side: Literal["truth", "found"]) -> Iterator[CopiedImage]:
    for image in read_evaluated(evaluated):
        yield CopiedImage(
            dataset_id=image.dataset_id,
            dataset_name=image.dataset_name,
            name=image.name,
            hash=image.hash,
            annotation=image.truth if side == "truth" else image.found,
        )
