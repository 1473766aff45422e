"""ONNX files of checkpoints, made when somebody needs one: a child process each, which ends with this server."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from traindash.domain.ids import ExportId
from traindash.domain.jobs import JobStatus, ModelExport
from traindash.domain.prediction import ModelFile
from traindash.domain.task import ExitCause
from traindash.errors import InputError, StateError
from traindash.platform.jobs import JobKind, Jobs, Running
from traindash.platform.services import Services
from traindash.platform.tasks.ending import observe
from traindash.platform.tasks.exits import classify
from traindash.platform.tasks.process import (
    Ended,
    PatientStop,
    ProcessIdentity,
    poll,
    remove_leftovers,
    start_process,
    sweep_group,
    trainer_environment,
)
from traindash.platform.trained_models import predictor_spec
from traindash.training.runs.predicting import PredictorSpec
from traindash.training.runs.spec import ExportResult, ExportSpec, RunLayout, read_result, write_spec

_FOLDER = "export-"
_LOOK_SECONDS = 0.2
_GRACE_SECONDS = 5.0
_KIND = JobKind(name="export", type=ModelExport, doing="exporting the model", again="Export the model again.")


class ModelExports:
    """The exports of a platform."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._jobs = Jobs(services.database, _KIND)

    def open(self) -> None:
        """Begin to work; processes and folders that a killed server left are removed."""
        remove_leftovers(self._services.layout.incoming, _FOLDER)
        self._jobs.open()

    def close(self) -> None:
        """End what runs. Closing twice does nothing."""
        self._jobs.close()

    def start(self, model: ModelFile) -> ModelExport:
        """Begin to export a checkpoint; one of it that goes on is returned instead.

        Raises:
            NotFoundError: There is no such file.
            InputError: Nothing here can run it; says why.
            StateError: No agent is connected, or the platform is closed.
        """
        spec = predictor_spec(self._services, model)
        if PurePosixPath(model.path).suffix == ".onnx":
            raise InputError("This is an ONNX file already.", "Choose a checkpoint.")
        for known in self._jobs.all():
            if known.checkpoint == model.path and not known.status.is_over:
                return known
        before = next((job.seconds for job in self._jobs.all() if job.seconds is not None), None)

        def make(number: int) -> ModelExport:
            return ModelExport(
                id=ExportId(number), status=JobStatus.WAITING, checkpoint=model.path, expected_seconds=before
            )

        return self._jobs.begin(make, lambda running: self._run(running, model, spec))

    def get(self, export_id: int) -> ModelExport:
        """Return an export.

        Raises:
            NotFoundError: There is none with this id.
        """
        return self._jobs.get(export_id)

    def all(self) -> Iterator[ModelExport]:
        """Yield all exports, the newest first."""
        return self._jobs.all()

    def cancel(self, export_id: int) -> ModelExport:
        """End an export; one that is over stays as it is.

        Raises:
            NotFoundError: There is none with this id.
        """
        return self._jobs.cancel(export_id)

    def _run(self, running: Running[ModelExport], model: ModelFile, spec: PredictorSpec) -> ModelExport:
        run = RunLayout(self._services.layout.incoming / f"{_FOLDER}{running.job.id}")
        self._jobs.change(running, replace(running.job, status=JobStatus.RUNNING))
        try:
            return self._export(running, model, spec, run)
        finally:
            self._services.logs.forget(run)
            shutil.rmtree(run.root, ignore_errors=True)

    def _export(
        self, running: Running[ModelExport], model: ModelFile, spec: PredictorSpec, run: RunLayout
    ) -> ModelExport:
        asked = ExportSpec(engine=spec.trainer, file=spec.file, task_type=spec.task_type, threads=spec.threads)
        run.work.mkdir(parents=True)
        write_spec(run.spec, asked)
        environment = trainer_environment(self._services.environment, threads=spec.threads)
        identity = start_process(run, asked.trainer, environment)
        ended = self._follow(running, identity)
        sweep_group(identity)
        report = classify(observe(run, ended, identity, stop_requested=False))
        running.tell(running.job)  # cancelled: that is how it ended
        if report.cause is not ExitCause.FINISHED:
            return replace(
                running.job, status=JobStatus.ERROR, cause=report.cause, message=report.message, hint=report.hint
            )
        result = read_result(run.result)
        if not isinstance(result, ExportResult):
            raise StateError("The export did not answer with a file.", "Export the model again.")
        folder = PurePosixPath(model.path).parent.parent / "export"
        stored = self._services.files.put(model.team_id, str(folder / result.file), run.artifacts / result.file)
        return replace(
            running.job,
            status=JobStatus.FINISHED,
            path=stored.path,
            seconds=round(result.seconds, 1),
            difference=result.difference,
        )

    def _follow(self, running: Running[ModelExport], identity: ProcessIdentity) -> Ended:
        """Wait for the end of the process, which is asked for when somebody cancels."""
        stop = PatientStop(_GRACE_SECONDS)
        while (ended := poll(identity)) is None:
            if running.canceled.wait(_LOOK_SECONDS):
                stop.press(identity)
        return ended
