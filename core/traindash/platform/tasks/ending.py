"""The end of a task: what was observed and what it means; what a good one leaves in Team Files."""

import contextlib
import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from traindash.datasets.annotation_json import meta_to_json
from traindash.datasets.shape_fit import converted_meta
from traindash.domain.ids import ImageId, TeamId
from traindash.domain.plan import ImagesSplit
from traindash.domain.task import ExitCause, ExitReport, TaskStatus
from traindash.errors import AppError, NotFoundError, StateError, StorageError, without_folders
from traindash.platform.services import Services
from traindash.platform.store.files import StoredFile
from traindash.platform.store.task_records import TaskRecord
from traindash.platform.tasks.evaluated import name_checkpoint, name_projects
from traindash.platform.tasks.exits import ProcessEnd, classify, report_platform_error
from traindash.platform.tasks.labelling import draw_labels
from traindash.platform.tasks.log import read_failure, tail_lines, tail_messages
from traindash.platform.tasks.preparation import TEMPLATE
from traindash.platform.tasks.process import Ended, ProcessIdentity, memory_kills
from traindash.platform.tasks.splits import SplitRecord, ensure_split_collections
from traindash.training.runs.events import EventWriter, Phase
from traindash.training.runs.spec import (
    CompareResult,
    CompareSpec,
    LabelResult,
    LabelSpec,
    RunLayout,
    TrainResult,
    TrainSpec,
    read_images,
    read_result,
    read_spec,
)

_APP_LINK = "open_app.lnk"
_REPORT_LINK = "Model Evaluation Report.lnk"
_RECORD = "experiment_info.json"
_REPORT = f"visualizations/{TEMPLATE}"
_COLOR = "#33c94c"
_BACKGROUND = "#d9f7e4"
_log = logging.getLogger("traindash.tasks")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEnd:
    """How a task shall end."""

    status: TaskStatus  # the final status
    report: ExitReport
    output: Mapping[str, object] | None = None  # kinds of output to add, `None` for none


def conclude(services: Services, task: TaskRecord, identity: ProcessIdentity, ended: Ended) -> TaskEnd:
    """Say how a task ends whose process is over; a good result is published first.

    Raises:
        StorageError: The database does not work; asking again later may.
    """
    run = services.layout.run(task.id)
    end = observe(run, ended, identity, stop_requested=task.stop_requested_at is not None)
    report = classify(end)
    events = services.events(task.id)
    match report.cause:
        case ExitCause.FINISHED:
            # A result is the last thing a trainer writes: who stopped it later took nothing away.
            if end.stop_requested:
                events.log("The stop came when everything was done; the results are kept.")
            return _published(services, task, report)
        case ExitCause.STOPPED_BY_USER:
            with contextlib.suppress(OSError):
                events.log(report.message)
            return TaskEnd(status=TaskStatus.STOPPED, report=report)
        case _:
            return failed(services, task, report, said=end.failure is not None)


def observe(run: RunLayout, ended: Ended, identity: ProcessIdentity, *, stop_requested: bool) -> ProcessEnd:
    """Collect what a finished process left behind."""
    return ProcessEnd(
        exit_code=ended.exit_code,
        has_result=run.result.is_file(),
        stop_requested=stop_requested,
        failure=read_failure(run),
        # A trainer that ends by itself may print nothing; then its own messages tell most.
        output_tail=tuple(without_folders(line, run.root.parent.parent) for line in tail_lines(run.output))
        or tail_messages(run),
        memory_kill=_memory_kill(identity),
    )


def failed(services: Services, task: TaskRecord, report: ExitReport, *, said: bool = False) -> TaskEnd:
    """Return the outcome of a task that went wrong; its log gets the reason unless the trainer has said it."""
    data = services.layout.root
    message, hint = without_folders(report.message, data), without_folders(report.hint, data)
    report = replace(report, message=message, hint=hint)
    if not said:
        with contextlib.suppress(OSError):
            events = services.events(task.id)
            events.failure(report.cause, report.message, report.hint)
    # The page of a comparison shows this card; a training's page shows its log (docs/supervisely-api.md 5.1).
    output = failure_output(report.message) if task.kind == "compare" else None
    return TaskEnd(status=TaskStatus.ERROR, report=report, output=output)


def tidy(run: RunLayout) -> None:
    """Remove from the run folder what is in Team Files now."""
    for folder in (run.work, run.artifacts, run.evaluation):
        shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        run.evaluated.unlink(missing_ok=True)
        run.found.unlink(missing_ok=True)


def _published(services: Services, task: TaskRecord, report: ExitReport) -> TaskEnd:
    try:
        published = publish(services, task)
    # Everything is there, only the database is not: tried again instead of losing a training.
    except StorageError:
        raise
    except (AppError, OSError, ValueError) as error:
        _log.warning("The results of task %s could not be published", task.id, exc_info=True)
        return failed(services, task, report_platform_error(error, "saving the results"))
    with contextlib.suppress(OSError):
        services.events(task.id).log("Finished.")
    message = " ".join((report.message, *published.problems))
    return TaskEnd(status=TaskStatus.FINISHED, report=replace(report, message=message), output=published.output)


def _memory_kill(identity: ProcessIdentity) -> bool | None:
    now, before = memory_kills(), identity.memory_kills
    if now is None or before is None or now < before:  # fewer than before: the machine was restarted
        return None
    return now > before


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a task left."""

    output: Mapping[str, object]  # the task's output, all kinds
    problems: tuple[str, ...]  # sentences about optional steps that did not work


def publish(services: Services, task: TaskRecord) -> Published:
    """Bring everything a finished run made into Team Files.

    Files are copied, not moved, and every step gives the same when it is done again. So a server that dies in the
    middle just starts over; the status ``finished`` comes after all of it.

    Raises:
        AppError: The run folder is not complete.
        OSError: A file cannot be read or written.
    """
    run = services.layout.run(task.id)
    events = services.events(task.id)
    match read_spec(run.spec), read_result(run.result):
        case TrainSpec() as spec, TrainResult() as result:
            events.phase(Phase.UPLOADING)
            return _Experiment(services, task, run, spec, result).publish(events)
        case LabelSpec() as spec, LabelResult() as result:
            events.phase(Phase.UPLOADING, "Uploading the labels...")
            return Published(output=draw_labels(services, task, spec, result.classes), problems=result.problems)
        case CompareSpec() as spec, CompareResult() as result:
            events.phase(Phase.UPLOADING, "Uploading the report...")
            return _publish_comparison(services, task, spec, result)
        case _:
            raise StateError(f"The result of task {task.id} does not fit what it was asked to do.", "Start it again.")


@dataclass(frozen=True, slots=True)
class _Experiment:
    services: Services
    task: TaskRecord
    run: RunLayout
    spec: TrainSpec
    result: TrainResult

    def publish(self, events: EventWriter) -> Published:
        images = _used_images(self.run)
        self._check_checkpoints()
        _complete_artifacts(self.run, self.spec, images)
        problems = self._name_projects()
        stored = _upload(self.services, self.task.team_id, self.run.artifacts, self._folder, events)
        report = self._publish_evaluation(stored)
        info = self._info(images, report)
        record = self.run.artifacts / _RECORD
        record.write_text(json.dumps(info, ensure_ascii=False, indent=4), encoding="utf-8")
        self.services.files.put(self.task.team_id, f"{self._folder}/{_RECORD}", record)
        hyperparameters = stored["hyperparameters.yaml"]
        extra = {
            "project_preview": self._preview(),
            "hyperparameters_id": int(hyperparameters.id),
            # Four keys that the task's output has and the file has not (docs/supervisely-api.md 5.3).
            "has_report": False,
            "experiment_report_id": None,
        }
        # A training's title leads to its files and is no report (docs/supervisely-api.md 5.3).
        link = stored[_APP_LINK]
        output = {
            "experiment": {"data": {**info, **extra}},
            "general": _general("zmdi zmdi-folder", f"{self._folder}/", link.address, "Directory"),
        }
        return Published(output=output, problems=(*self.result.problems, *problems))

    def _name_projects(self) -> tuple[str, ...]:
        if not self.result.has_evaluation:
            return ()
        try:
            name_projects(self.services, self.task, self.run, self.spec)
        except StorageError:
            raise
        except (AppError, OSError, ValueError) as error:
            # What they are for is another program's comparison: the training counts, and so does its evaluation
            _log.warning("The evaluation of task %s has no projects", self.task.id, exc_info=True)
            return (f"Supervisely's own comparison cannot read this evaluation: {error}",)
        return ()

    @property
    def _folder(self) -> str:
        return self.spec.artifacts_dir.rstrip("/")

    def _check_checkpoints(self) -> None:
        named = self.result.experiment.get("checkpoints")
        paths = named if isinstance(named, list) else []
        best = self.result.experiment.get("best_checkpoint")
        missing = [str(path) for path in paths if not (self.run.artifacts / str(path)).is_file()]
        # The record names the best one bare and all of them with their folder (docs/supervisely-api.md 5.3).
        if missing or f"checkpoints/{best}" not in paths:
            msg = f"The training named checkpoints that are not there: {', '.join(missing) or best}."
            raise StateError(msg, "Start it again; if it happens again, report it.")

    def _publish_evaluation(self, stored: Mapping[str, StoredFile]) -> StoredFile | None:
        if not self.result.has_evaluation:
            return None
        name_checkpoint(self.run, stored[f"checkpoints/{self.result.experiment['best_checkpoint']}"])
        team_id, folder = self.task.team_id, self.spec.evaluation_dir.rstrip("/")
        source = self.run.evaluation / _REPORT
        if not source.is_file():
            msg = "The training says it was evaluated, but its report is not there."
            raise StateError(msg, "Start it again; if it happens again, report it.")
        report = self.services.files.put(team_id, f"{folder}/{_REPORT}", source)
        link = _report_link(report.id)
        for path in (self.run.artifacts / _REPORT_LINK, source.with_name(_REPORT_LINK)):
            path.write_text(link, encoding="utf-8")
        self.services.files.put(team_id, f"{self._folder}/{_REPORT_LINK}", self.run.artifacts / _REPORT_LINK)
        _upload(self.services, team_id, self.run.evaluation, folder)
        return report

    def _info(self, images: ImagesSplit, report: StoredFile | None) -> dict[str, object]:
        spec = self.spec
        link = None if report is None else f"{spec.server_address}{_report_link(report.id)}"
        moment = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
        defaults: dict[str, object] = {
            "base_checkpoint": spec.base_checkpoint,
            "model_files": {},
            "export": {},
            "evaluation_metrics": {},
            "primary_metric": None,
            "datetime": moment,
        }
        facts: dict[str, object] = {
            "experiment_name": spec.experiment_name,
            "framework_name": spec.framework,
            "model_name": spec.model_name,
            "task_type": spec.task_type,
            "project_id": int(spec.project_id),
            "project_version": None if spec.project_version is None else dict(spec.project_version),
            "task_id": int(self.task.id),
            "app_state": "app_state.json",
            "model_meta": "model_meta.json",
            "hyperparameters": "hyperparameters.yaml",
            "artifacts_dir": f"{self._folder}/",
            "evaluation_report_id": None if report is None else int(report.id),
            "evaluation_report_link": link,
            "train_val_split": "train_val_split.json",
            "train_size": len(images.train),
            "val_size": len(images.val),
            **self._collections(images),
        }
        if (self.run.artifacts / "logs").is_dir():
            facts["logs"] = {"type": "tensorboard", "link": f"{self._folder}/logs/"}
        # The trainer fills in what it measured; what the platform knows better it cannot change.
        return {**defaults, **self.result.experiment, **facts}

    def _collections(self, images: ImagesSplit) -> dict[str, int | None]:
        record = SplitRecord(
            project_id=self.spec.project_id,
            task_id=self.task.id,
            experiment_name=self.spec.experiment_name,
            framework=self.spec.framework,
            train=images.train,
            val=images.val,
        )
        try:
            pair = ensure_split_collections(self.services.database, record)
        except NotFoundError:  # the project was deleted meanwhile; the experiment is still worth keeping
            return {"train_collection_id": None, "val_collection_id": None}
        return {"train_collection_id": int(pair.train), "val_collection_id": int(pair.val)}

    def _preview(self) -> str:
        try:
            row = self.services.projects.row(self.spec.project_id)
        except NotFoundError:
            return ""
        if row["reference_hash"] is None or row["reference_mime"] is None:
            return ""
        return self.spec.server_address + self.services.blobs.url_path(row["reference_hash"], row["reference_mime"])


def _publish_comparison(services: Services, task: TaskRecord, spec: CompareSpec, result: CompareResult) -> Published:
    run = services.layout.run(task.id)
    source = run.evaluation / TEMPLATE
    if not source.is_file():
        msg = "The comparison says it is done, but its report is not there."
        raise StateError(msg, "Start it again; if it happens again, report it.")
    folder = spec.output_dir.rstrip("/")
    report = services.files.put(task.team_id, f"{folder}/{TEMPLATE}", source)
    (run.evaluation / "Model Comparison Report.lnk").write_text(_report_link(report.id), encoding="utf-8")
    _upload(services, task.team_id, run.evaluation, folder)
    title = result.title or "Model comparison"
    output = {"general": _general("zmdi zmdi-chart", title, _report_link(report.id), "Model Comparison Report")}
    return Published(output=output, problems=result.problems)


def failure_output(message: str) -> Mapping[str, object]:
    """Return the output of a comparison that was refused or failed, as its app shows it."""
    general = _general("zmdi zmdi-alert-circle", message, "", "Error")
    return {"general": {**general, "isError": True, "showLogs": True}}


def _general(icon: str, title: str, url: str, description: str) -> dict[str, object]:
    look = {"className": icon, "color": _COLOR, "backgroundColor": _BACKGROUND}
    return {"icon": look, "title": title, "titleUrl": url, "download": False, "description": description}


def _upload(
    services: Services, team_id: TeamId, source: Path, folder: str, events: EventWriter | None = None
) -> dict[str, StoredFile]:
    # A link could lead out of the run folder, and its content into everybody's Team Files.
    files = sorted(path for path in source.rglob("*") if path.is_file() and not path.is_symlink())
    stored: dict[str, StoredFile] = {}
    for number, path in enumerate(files, start=1):
        name = path.relative_to(source).as_posix()
        if name != _RECORD:  # written last, when everything it names is there
            stored[name] = services.files.put(team_id, f"{folder}/{name}", path)
        if events is not None:
            events.progress("Uploading train artifacts to Team Files", number, len(files))
    return stored


def _used_images(run: RunLayout) -> ImagesSplit:
    """Return which images a run was given."""
    train: list[ImageId] = []
    val: list[ImageId] = []
    for image in read_images(run.images):
        if "train" in image.sides:
            train.append(image.id)
        if "val" in image.sides:
            val.append(image.id)
    return ImagesSplit(train=tuple(train), val=tuple(val))


def _complete_artifacts(run: RunLayout, spec: TrainSpec, images: ImagesSplit) -> None:
    """Add to ``artifacts/`` what every experiment has and its trainer did not write (docs/supervisely-api.md 7.1)."""
    folder = run.artifacts
    _add(folder / "app_state.json", _json(spec.app_state))
    _add(folder / "hyperparameters.yaml", spec.hyperparameters)
    # What the model predicts: the trained classes with the shape of the task.
    _add(folder / "model_meta.json", _json(meta_to_json(converted_meta(spec.meta, spec.classes, spec.task_type))))
    _add(folder / "train_val_split.json", _json(_split_lists(spec, images)))
    _add(folder / _APP_LINK, f"/apps/sessions/{spec.task_id}")
    if (folder / "export").is_dir():
        _add(folder / "export" / "classes.json", _json({str(i): name for i, name in enumerate(spec.classes)}))


def _report_link(report_id: int) -> str:
    """Return the text of a link file to a report."""
    return f"/model-benchmark?id={report_id}"


def _split_lists(spec: TrainSpec, images: ImagesSplit) -> dict[str, list[int] | None]:
    if spec.split_method == "datasets":  # both null, as the real app writes it: the datasets say it all
        return {"train": None, "val": None}
    return {"train": [int(image) for image in images.train], "val": [int(image) for image in images.val]}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=4)


def _add(path: Path, text: str) -> None:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
