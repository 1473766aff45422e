"""Experiment records: ``experiment_info.json`` and ``meta.output.experiment.data`` (contract section 5.3)."""

from collections.abc import Mapping
from typing import Any

from core.api.wire.reading import Shape, Unvalidated, free_object
from core.domain.experiment import ExperimentInfo
from core.domain.ids import CollectionId, FileId, ProjectId, TaskId


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
