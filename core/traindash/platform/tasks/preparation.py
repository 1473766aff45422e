"""Run folders: everything a trainer needs, written before its process starts.

``spec.json`` is written last and in one step, so a run folder with a spec is complete, and one without never runs.
"""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, assert_never

import msgspec
from msgspec import Struct

from traindash.comparison.artifacts import RECORD
from traindash.domain.app_state import write_gui_state, write_split
from traindash.domain.ids import CollectionId, DatasetId, ProjectId, TaskId, TeamId
from traindash.domain.plan import CustomCheckpoint, DatasetsSplit
from traindash.errors import InputError, StateError
from traindash.platform.agents import LocalAgent
from traindash.platform.services import Services
from traindash.platform.store.task_records import TaskRecord
from traindash.platform.tasks.admission import check_evaluations
from traindash.platform.tasks.frozen import frozen_training
from traindash.platform.tasks.labelling import prepare_labelling
from traindash.platform.tasks.resuming import resume_point, source_of
from traindash.platform.tasks.training import Training, resolve_training
from traindash.training.runs.spec import (
    MOST_FOUND,
    CompareSpec,
    EvaluationSource,
    RunLayout,
    TrainSpec,
    read_images,
    write_images,
    write_spec,
)

TEMPLATE, REPORT_FILE = "template.vue", "report.html"  # of a report: by the id of the first it is named
_COMPARISONS = "/model-comparison"
_BENCHMARKS = "/model-benchmark"
_EXPERIMENTS = "/experiments"
_NAME_BYTES = 200  # leaves room for suffixes below the 255 bytes a file name may have


class _InferenceInfo(Struct, frozen=True, kw_only=True):
    """What an evaluation's ``inference_info.json`` says of the model and the images."""

    model_name: str = ""
    # whose images they are by their ids in the COCO files; evaluations of other servers and of earlier versions say it
    # as that of the ground truth
    source_project_id: ProjectId | None = None
    source_dataset_ids: tuple[DatasetId, ...] | None = None  # `None`: all of the project
    gt_project_id: ProjectId | None = None
    gt_dataset_ids: tuple[DatasetId, ...] | None = None
    custom_checkpoint_path: str | None = None  # in Team Files, below the artifacts of the experiment


class _TrainedOn(Struct, frozen=True):
    """What an experiment's record says of the images that it was trained on."""

    project_id: ProjectId
    train_collection_id: CollectionId | None = None


def prepare(services: Services, task: TaskRecord, agent: LocalAgent) -> str:
    """Write the run folder of a task that an agent took; return the trainer package to start.

    What an interrupted earlier try left is removed first; the platform's own events are kept. Nothing may run on the
    folder of the task.

    Raises:
        AppError: The task cannot be done any more, e.g. because its project is gone.
        OSError: The folder cannot be written.
    """
    run = services.layout.run(task.id)
    # An earlier try may have been interrupted anywhere.
    _clear(run)
    run.root.mkdir(parents=True, exist_ok=True)
    match task.kind:
        case "train":
            spec = _prepare_training(services, task, agent, run)
            trainer = spec.trainer
        case "compare":
            comparison = _comparison_spec(services, task, agent)
            write_spec(run.spec, comparison)
            trainer = comparison.trainer
        case "label":
            trainer = prepare_labelling(services, task, agent, run).trainer
        case "clone" | "serve":
            raise StateError(f"Task {task.id} is no work for the queue of an agent.", "Start it again.")
        case _:
            assert_never(task.kind)
    return trainer


def _clear(run: RunLayout) -> None:
    """Remove what a run wrote or was given, so that it can be prepared again; the platform's events stay."""
    for folder in (run.images.parent, run.work, run.artifacts, run.evaluation):
        shutil.rmtree(folder, ignore_errors=True)
    for file in (
        run.spec,
        run.events,
        run.output,
        run.process,
        run.result,
        run.stop_after_epoch,
        run.evaluated,
        run.found,
    ):
        file.unlink(missing_ok=True)


def _prepare_training(services: Services, task: TaskRecord, agent: LocalAgent, run: RunLayout) -> TrainSpec:
    if task.project_id is None:
        raise StateError(f"Task {task.id} names no project.", "Start a new training.")
    if (source := source_of(task)) is not None:
        return _prepare_resumed(services, task, agent, source)
    training = resolve_training(services, task.team_id, task.project_id, frozen_training(task.settings))
    spec = train_spec(services, task.id, agent, training)
    log = services.events(task.id)
    if training.start.custom is not None and training.start.custom.note:
        log.log(training.start.custom.note, "warning")
    if training.left_out:
        names = ", ".join(f"“{name}”" for name in training.left_out)
        log.log(f"Left out, for key points have no outline to learn: {names}.", "warning")
    if spec.export_tensorrt and not agent.is_gpu:
        log.log("TensorRT needs an NVIDIA GPU, which this agent does not have: that export is skipped.", "warning")
    write_images(run.images, services.images.of_run(training.sides))
    spec = _with_found_ids(services, run, spec)
    # Last: a folder with a spec is complete.
    write_spec(run.spec, spec)
    return spec


def _with_found_ids(services: Services, run: RunLayout, spec: TrainSpec) -> TrainSpec:
    """Reserve ids for the most predictions that an evaluation can have; nothing depends on ids being dense."""
    if not spec.enable_benchmark:
        return spec
    images = sum("val" in image.sides for image in read_images(run.images))
    return replace(spec, first_found_id=services.inner_ids.several(max(1, images * MOST_FOUND)).start)


def _prepare_resumed(services: Services, task: TaskRecord, agent: LocalAgent, source: TaskId) -> TrainSpec:
    """Write the run folder of a training that goes on with an earlier one: its very images, classes and settings."""
    run = services.layout.run(task.id)
    start = resume_point(services, source, task.id)
    run.images.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(start.images, run.images)
    before = start.spec
    name = frozen_training(task.settings).gui_state.get("experiment_name")
    folder = file_name(f"{before.project_id}_{before.project_name}")
    spec = replace(
        before,
        task_id=task.id,
        experiment_name=str(name or "").strip() or f"{task.id} {before.project_name} {before.model_name}",
        artifacts_dir=_artifacts_dir(services, (task.team_id, task.id), folder, before.framework),
        evaluation_dir=_evaluation_dir(services, (task.team_id, task.id), folder, before.app_name),
        server_address=services.address,
        threads=max(1, agent.threads),
        device=agent.device,
        offline=services.offline,
        resume_from=str(start.checkpoint),
        resume_seconds=start.seconds,
    )
    spec = _with_found_ids(services, run, spec)
    write_spec(run.spec, spec)
    return spec


def train_spec(services: Services, task_id: TaskId, agent: LocalAgent, training: Training) -> TrainSpec:
    """Return the spec of a new training on an agent."""
    plan, start, project, asked = training.plan, training.start, training.project, training.framework
    split = plan.train_val_split
    folder, where = file_name(f"{project.id}_{project.name}"), (project.team_id, task_id)
    hyperparameters = plan.hyperparameters or asked.hyperparameters("gpu" if agent.is_gpu else "cpu")
    return TrainSpec(
        trainer=services.trainer or asked.own_trainer(),
        task_id=task_id,
        project_id=project.id,
        project_name=project.name,
        project_version=services.projects.use(project.id),
        framework=asked.name,
        app_name=asked.app_name,
        model_name=start.model_name,
        task_type=start.task_type,
        custom_weights=None if start.custom is None else str(start.custom.path),
        base_checkpoint=start.base_checkpoint,
        base_checkpoint_link=start.choice.path if isinstance(start.choice, CustomCheckpoint) else None,
        classes=training.classes,
        meta=training.meta,
        hyperparameters=hyperparameters,
        convert_class_shapes=plan.convert_class_shapes,
        enable_benchmark=plan.enable_benchmark,
        enable_speedtest=plan.enable_speedtest,
        export_onnx=plan.export_onnx,
        export_tensorrt=plan.export_tensorrt,
        experiment_name=plan.experiment_name or f"{task_id} {project.name} {start.model_name}",
        app_state=_app_state(training, hyperparameters),
        split_method=write_split(split)["method"],
        train_dataset_ids=split.train_datasets if isinstance(split, DatasetsSplit) else (),
        val_dataset_ids=split.val_datasets if isinstance(split, DatasetsSplit) else (),
        artifacts_dir=_artifacts_dir(services, where, folder, asked.name),
        evaluation_dir=_evaluation_dir(services, where, folder, asked.app_name),
        server_address=services.address,
        threads=max(1, agent.threads),
        device=agent.device,
        weights_dir=str(services.layout.weights),
        offline=services.offline,
    )


def _app_state(training: Training, hyperparameters: str) -> Mapping[str, object]:
    """Return the ``guiState`` as really used, with every default filled in (docs/supervisely-api.md 7.1)."""
    state = write_gui_state(replace(training.plan, hyperparameters=hyperparameters), training.start.stated)
    # The order of Supervisely's own files. Name and start flag are not in them: they belong to a task.
    keys = ("model", "hyperparameters", "options", "train_val_split", "classes")
    return {**{key: state[key] for key in keys}, "tags": []}


def _comparison_spec(services: Services, task: TaskRecord, agent: LocalAgent) -> CompareSpec:
    folders = check_evaluations(services, task.team_id, msgspec.convert(task.settings["evaluations"], tuple[str, ...]))
    names = [PurePosixPath(folder).parts for folder in folders]
    output = file_name(" vs ".join(name[-1] for name in names))
    return CompareSpec(
        task_id=task.id,
        sources=tuple(evaluation_source(services, task.team_id, folder) for folder in folders),
        output_dir=_comparison_dir(services, task.team_id, f"{_COMPARISONS}/{names[0][2]}/{output}"),
        server_address=services.address,
        image_files=evaluated_images(services, task.team_id, folders[0]),
        threads=max(1, agent.threads),
        device=agent.device,
    )


def evaluation_source(services: Services, team_id: TeamId, folder: str) -> EvaluationSource:
    """Return an evaluation of Team Files, and what this server has of the experiment that it belongs to.

    Raises:
        InputError: Its record cannot be read.
    """
    record = _inference_info(services, team_id, folder)
    return EvaluationSource(
        path=folder,
        folder=str(services.files.local_folder(team_id, folder)),
        label=record.model_name or PurePosixPath(folder).name,
        **_artifacts(services, team_id, record),
    )


def evaluated_images(services: Services, team_id: TeamId, folder: str) -> dict[int, str]:
    """Return the files of the images that a model was evaluated on, by id, as far as this server has them.

    Raises:
        InputError: The record of the evaluation cannot be read.
        NotFoundError: The project is gone.
    """
    record = _inference_info(services, team_id, folder)
    if record.source_project_id is not None:
        project, datasets = record.source_project_id, record.source_dataset_ids
    elif record.gt_project_id is not None:
        project, datasets = record.gt_project_id, record.gt_dataset_ids
    else:
        return {}
    return services.images.paths(services.images.ids(project, datasets=datasets))


def _artifacts(services: Services, team_id: TeamId, record: _InferenceInfo) -> dict[str, Any]:
    """Return where the artifacts of an evaluated experiment are, and which images it was trained on."""
    folder = PurePosixPath(record.custom_checkpoint_path or "").parent.parent
    try:
        file = services.files.find(team_id, f"{folder}/{RECORD}") if folder.is_absolute() else None
    except InputError:  # the SDK writes what it was given, which need be no place in Team Files
        file = None
    if file is None:
        return {}
    try:
        said = msgspec.json.decode(file.local_path.read_bytes(), type=_TrainedOn)
        collections = None if said.train_collection_id is None else (said.train_collection_id,)
        # Empty where the collection was removed: then nobody knows
        trained_on = (collections and services.images.ids(said.project_id, collections=collections)) or None
    except (OSError, msgspec.DecodeError):
        trained_on = None
    return {"artifacts": str(services.files.local_folder(team_id, str(folder))), "train_images": trained_on}


def _inference_info(services: Services, team_id: TeamId, folder: str) -> _InferenceInfo:
    file = services.files.find(team_id, f"{folder}/evaluation/inference_info.json")
    if file is None:
        return _InferenceInfo()
    try:
        return msgspec.json.decode(file.local_path.read_bytes(), type=_InferenceInfo)
    except msgspec.MsgspecError as error:
        raise InputError(f"{file.path} is not a record of an evaluation.", "Evaluate the model again.") from error


def _artifacts_dir(services: Services, where: tuple[TeamId, TaskId], project: str, framework: str) -> str:
    return _free_folder(services, where[0], f"{_EXPERIMENTS}/{project}/{where[1]}_{file_name(framework)}") + "/"


def _evaluation_dir(services: Services, where: tuple[TeamId, TaskId], project: str, app_name: str) -> str:
    return _free_folder(services, where[0], f"{_BENCHMARKS}/{project}/{where[1]}_{file_name(app_name)}")


def _comparison_dir(services: Services, team_id: TeamId, wanted: str) -> str:
    """Return where a comparison goes: in place of an earlier one of this server, beside one that the SDK has made."""
    of_sdk = services.files.find(team_id, f"{wanted}/{TEMPLATE}") and not services.files.find(
        team_id, f"{wanted}/{REPORT_FILE}"
    )
    return _free_folder(services, team_id, wanted) if of_sdk else wanted


def _free_folder(services: Services, team_id: TeamId, wanted: str) -> str:
    """Return a folder of Team Files that holds nothing yet: the wanted one, or with ``_001``, ``_002``, … behind it."""
    folder, number = wanted, 0
    # As Supervisely names a folder that is taken (docs/supervisely-api.md 7.1).
    while services.files.list(team_id, folder, recursive=True):
        number += 1
        folder = f"{wanted}_{number:03d}"
    return folder


def file_name(text: str) -> str:
    """Return a text as one part of a Team Files path: raw, but without slashes and not too long for a file system."""
    name = text.replace("/", "_").replace("\\", "_")
    if len(name.encode()) <= _NAME_BYTES:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return name.encode()[: _NAME_BYTES - len(digest) - 1].decode(errors="ignore") + "_" + digest
