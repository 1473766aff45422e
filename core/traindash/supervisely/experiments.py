"""The experiments of a team: where they are, and their records."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from traindash.domain.experiment import ExperimentFolder, ExperimentInfo
from traindash.domain.ids import CollectionId, FileId, ProjectId, TaskId, TeamId, WorkspaceId
from traindash.errors import issue_of
from traindash.supervisely.errors import ContractError, MissingError
from traindash.supervisely.files import Files
from traindash.supervisely.resources import Resource, Shape, Unvalidated, free_object, read, read_page
from traindash.supervisely.tasks import TaskShape

# Experiment records: ``experiment_info.json`` and ``meta.output.experiment.data`` (contract section 5.3).


class ExperimentShape(Shape, rename=None):
    """The record. Its keys are snake_case; the twelve without a default are those that the official SDK needs."""

    experiment_name: str
    framework_name: str
    model_name: str
    task_type: str
    project_id: int
    task_id: int
    model_files: Mapping[str, Any]
    model_meta: str
    checkpoints: tuple[str, ...]
    best_checkpoint: str
    hyperparameters: str
    artifacts_dir: str
    base_checkpoint: str | None = None
    base_checkpoint_link: str | None = None
    project_version: Unvalidated = None
    export: Unvalidated = None
    app_state: str | None = None
    datetime: str | None = None
    evaluation_report_id: int | None = None
    evaluation_report_link: str | None = None
    evaluation_metrics: Unvalidated = None
    primary_metric: str | None = None
    logs: Unvalidated = None
    device: str | None = None
    training_duration: float | None = None
    train_collection_id: int | None = None
    val_collection_id: int | None = None
    train_val_split: str | None = None
    train_size: int | None = None
    val_size: int | None = None
    random_initialization: bool | None = None

    def experiment(self) -> ExperimentInfo:
        """Return the domain value."""
        return ExperimentInfo(
            experiment_name=self.experiment_name,
            framework_name=self.framework_name,
            model_name=self.model_name,
            task_type=self.task_type,
            project_id=ProjectId(self.project_id),
            task_id=TaskId(self.task_id),
            model_files=_texts(self.model_files),
            model_meta=self.model_meta,
            checkpoints=self.checkpoints,
            best_checkpoint=self.best_checkpoint,
            hyperparameters=self.hyperparameters,
            artifacts_dir=self.artifacts_dir,
            base_checkpoint=self.base_checkpoint,
            base_checkpoint_link=self.base_checkpoint_link,
            project_version=free_object(self.project_version),
            export=_texts(self.export),
            app_state=self.app_state,
            datetime=self.datetime,
            evaluation_report_id=None if self.evaluation_report_id is None else FileId(self.evaluation_report_id),
            evaluation_report_link=self.evaluation_report_link,
            evaluation_metrics=_numbers(self.evaluation_metrics),
            primary_metric=self.primary_metric,
            logs=_texts(self.logs) or None,
            device=self.device,
            training_duration=self.training_duration,
            train_collection_id=None if self.train_collection_id is None else CollectionId(self.train_collection_id),
            val_collection_id=None if self.val_collection_id is None else CollectionId(self.val_collection_id),
            train_val_split=self.train_val_split,
            train_size=self.train_size,
            val_size=self.val_size,
            random_initialization=self.random_initialization,
        )


def _texts(values: Unvalidated) -> Mapping[str, str]:
    return {key: value for key, value in (free_object(values) or {}).items() if isinstance(value, str)}


def _numbers(values: Unvalidated) -> Mapping[str, float]:
    # A metric that was not measured is null.
    return {
        key: float(value)
        for key, value in (free_object(values) or {}).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


ROOT = "/experiments"
_RECORD_NAME = "experiment_info.json"
_AT_ONCE = 8
TASKS_AT_ONCE = 200


class Experiments(Resource):
    """Records of finished trainings.

    A record is a file, and the output of its task has the same content. Ten thousand files are ten thousand requests,
    ten thousand tasks are fifty: so whoever needs many asks :meth:`of_tasks` first and reads the rest with
    :meth:`of_folder`. Nothing is kept here.
    """

    def folders(self, team_id: TeamId) -> tuple[ExperimentFolder, ...]:
        """Return where the experiments of a team are, newest task first.

        One request, and one for each project: the levels ``/experiments/<project>/<task>_<framework>``.
        """
        files = Files(self.transport)
        projects = files.folders(team_id, ROOT)
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="traindash-folders") as pool:
            levels = pool.map(lambda project: files.folders(team_id, project), projects)
            found = [ExperimentFolder(path=path) for level in levels for path in level]
        return tuple(sorted(found, key=lambda folder: (folder.task_id or 0, folder.path), reverse=True))

    def of_tasks(self, workspace_id: WorkspaceId, tasks: Sequence[TaskId]) -> tuple[ExperimentInfo, ...]:
        """Return the experiments that tasks name in their output; one request.

        Tasks of other workspaces are passed over, and so are records that cannot be read: their files may be better.

        Args:
            workspace_id: Where the tasks are.
            tasks: At most :data:`TASKS_AT_ONCE`.
        """
        body = {"workspaceId": workspace_id, "filter": [{"field": "id", "operator": "in", "value": list(tasks)}]}
        page = read_page(self.transport, "tasks.list", body, page=1, per_page=TASKS_AT_ONCE)
        return tuple(info for row in page.entities if (info := _experiment_of_row(row)) is not None)

    def of_task(self, task_id: TaskId) -> ExperimentInfo | None:
        """Return the experiment that a task left, ``None`` if it left none (yet).

        Raises:
            MissingError: There is no such task.
            ContractError: The task's record lacks a field that every record has.
        """
        task = read("tasks.info", TaskShape, self.transport.read("tasks.info", {"id": task_id})).task()
        return experiment_of_output(task.output)

    def of_folder(self, team_id: TeamId, artifacts_dir: str) -> ExperimentInfo:
        """Return the experiment whose artifacts lie in a folder.

        Raises:
            MissingError: The folder has no record.
            ContractError: The record cannot be read.
        """
        content = Files(self.transport).read(team_id, f"{artifacts_dir.rstrip('/')}/{_RECORD_NAME}")
        return _record_of(content)

    def list(self, team_id: TeamId) -> tuple[ExperimentInfo, ...]:
        """Return a team's experiments, newest task first, without those that cannot be read; a request for each."""
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="traindash-records") as pool:
            records = pool.map(lambda folder: self._readable(team_id, folder), self.folders(team_id))
            return tuple(record for record in records if record is not None)

    def _readable(self, team_id: TeamId, folder: ExperimentFolder) -> ExperimentInfo | None:
        try:
            return self.of_folder(team_id, folder.path)
        except (MissingError, ContractError):
            return None


def experiment_of_output(output: Mapping[str, object] | None) -> ExperimentInfo | None:
    """Return the experiment in a task's output (``meta.output.experiment.data``), ``None`` if there is none."""
    data = _data_of(output)
    return None if data is None else read("tasks.info", ExperimentShape, data).experiment()


def _data_of(output: object) -> Any:  # noqa: ANN401 - JSON
    experiment = output.get("experiment") if isinstance(output, dict) else None
    return experiment.get("data") if isinstance(experiment, dict) else None


def _experiment_of_row(row: Mapping[str, Any]) -> ExperimentInfo | None:
    meta = row.get("meta")
    data = _data_of(meta.get("output") if isinstance(meta, dict) else None)
    if data is None:
        return None
    try:
        return read("tasks.list", ExperimentShape, data).experiment()
    except ContractError:
        return None


def _record_of(content: bytes) -> ExperimentInfo:
    # The standard library reads NaN, which training apps write for a metric that could not be computed.
    try:
        return msgspec.convert(json.loads(content), ExperimentShape, strict=False).experiment()
    except msgspec.ValidationError as error:
        issue = issue_of(error)
        msg = f"{_RECORD_NAME} cannot be read: {issue}."
        raise ContractError(msg, method="file-storage.download", field=issue.field) from error
    except (ValueError, RecursionError) as error:
        msg = f"{_RECORD_NAME} cannot be read: it is not JSON."
        raise ContractError(msg, method="file-storage.download", field="body") from error
