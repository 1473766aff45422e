"""Dry runs under way: one thread works on them in turn; any thread asks and cancels."""

import logging
import math
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter

from traindash.domain.dry_run import DryRun, DryRunStatus
from traindash.domain.ids import DryRunId, TaskId
from traindash.domain.task import ExitCause, ExitReport
from traindash.errors import AppError, InputError, StateError
from traindash.frameworks.registry import framework
from traindash.platform.agents import LocalAgent
from traindash.platform.dry_runs.record import DryRunRecords
from traindash.platform.dry_runs.sample import sample_images
from traindash.platform.parts import Services
from traindash.platform.store.tasks import NewTask
from traindash.platform.tasks.admission import Admission
from traindash.platform.tasks.ending import observe
from traindash.platform.tasks.exits import classify, report_platform_error
from traindash.platform.tasks.preparation import run_images, train_spec
from traindash.platform.tasks.process import (
    Ended,
    ProcessIdentity,
    end_group,
    poll,
    read_identity,
    start_process,
    sweep_group,
    trainer_environment,
)
from traindash.platform.tasks.training import resolve_training
from traindash.training.runs.spec import DryRunResult, DryRunSpec, RunLayout, read_result, write_images, write_spec

_FOLDER = "dry-run-"
_LOOK_SECONDS = 0.2
_GRACE_SECONDS = 5.0
_MOST_SECONDS = 900.0
_NO_TASK = TaskId(0)
_CANCELED = ExitReport(cause=ExitCause.STOPPED_BY_USER, message="Cancelled.")
_JSON: TypeAdapter[dict[str, object]] = TypeAdapter(dict[str, object])
_log = logging.getLogger("traindash.platform")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A dry run that is not over."""

    id: DryRunId
    task: NewTask
    agent: LocalAgent
    canceled: threading.Event = field(default_factory=threading.Event)


class DryRuns:
    """The dry runs of a platform.

    Args:
        parts: The platform.
        admission: Checks what is asked for as it does for a task.
    """

    def __init__(self, parts: Services, admission: Admission) -> None:
        self._parts = parts
        self._admission = admission
        self._records = DryRunRecords(parts.layout.dry_runs)
        self._jobs: dict[DryRunId, _Job] = {}
        self._lock = threading.RLock()
        self._executor: ThreadPoolExecutor | None = None

    def open(self) -> None:
        """Begin to work; processes and folders that a killed server left are removed."""
        for leftover in self._parts.layout.incoming.glob(f"{_FOLDER}*"):
            if (identity := read_identity(RunLayout(leftover))) is not None:
                end_group(identity, force=True)
            shutil.rmtree(leftover, ignore_errors=True)
        self._records.open()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="dry-run")

    def close(self) -> None:
        """End what runs. Closing twice does nothing."""
        with self._lock:
            executor, self._executor = self._executor, None
            for job in self._jobs.values():
                job.canceled.set()
        if executor is not None:
            executor.shutdown(wait=True)

    def start(self, body: object, key: str) -> DryRun:
        """Begin a dry run.

        Args:
            body: What ``tasks.run.app`` would be sent for the whole training.
            key: What the client calls it.

        Raises:
            InputError: Something in the request cannot be used.
            NotFoundError: Something it names does not exist.
            StateError: No agent is connected, or the platform is closed.
        """
        task = self._admission.check(body)
        if task.kind != "train" or "resumes" in task.settings:
            msg = "Only a new training can be tried with a dry run."
            raise InputError(msg, "Send the body of a new training.")
        agent = self._agent(task)
        others = sum(item.agent_id is not None and not item.waits for item in self._parts.tasks.open_tasks())
        with self._lock:
            if self._executor is None:
                msg = "The server is being stopped."
                raise StateError(msg, "Start it again, then the dry run.")
            dry_run = self._records.new(
                lambda number: DryRun(
                    id=number, key=key, status=DryRunStatus.WAITING, agent=agent.name, other_tasks=others
                )
            )
            job = _Job(id=dry_run.id, task=task, agent=agent)
            self._jobs[job.id] = job
            self._executor.submit(self._run, job)
        return dry_run

    def get(self, dry_run_id: int) -> DryRun:
        """Return a dry run.

        Raises:
            NotFoundError: There is none with this id.
        """
        with self._lock:
            return self._records.get(dry_run_id)

    def of_key(self, key: str) -> list[DryRun]:
        """Return the dry runs with a key, the newest first; all without one."""
        with self._lock:
            return self._records.with_key(key)

    def cancel(self, dry_run_id: int) -> DryRun:
        """End a dry run; one that is over stays as it is.

        Raises:
            NotFoundError: There is none with this id.
        """
        with self._lock:
            job = self._jobs.get(DryRunId(dry_run_id))
            if job is not None:
                job.canceled.set()
            return self._records.get(dry_run_id)

    def _agent(self, task: NewTask) -> LocalAgent:
        running = self._parts.agents.running(task.team_id)
        wanted = [agent for agent in running if task.agent_id in {None, agent.id}]
        if not wanted:
            msg = "No agent is connected that could do the dry run."
            raise StateError(msg, "Start an agent, then try again.")
        return max(wanted, key=lambda agent: agent.free_bytes)

    def _change(self, job: _Job, change: Callable[[DryRun], DryRun]) -> None:
        with self._lock:
            self._records.save(change(self._records.get(job.id)))

    def _tell(self, job: _Job, step: str) -> None:
        with self._lock:
            self._records.tell(replace(self._records.get(job.id), step=step))

    def _run(self, job: _Job) -> None:
        run = RunLayout(self._parts.layout.incoming / f"{_FOLDER}{job.id}")
        try:
            end = self._measure(job, run)
        except AppError as error:
            end = ExitReport(cause=ExitCause.BAD_INPUT, message=error.message, hint=error.hint)
        except Exception as error:  # noqa: BLE001 - the edge of this thread: a mistake of ours becomes a state and a log entry
            _log.exception("Dry run %s failed.", job.id)
            end = report_platform_error(error, "making the dry run")
        finally:
            self._parts.logs.forget(run)
            shutil.rmtree(run.root, ignore_errors=True)
        with self._lock:
            self._change(job, lambda known: _ended(known, end))
            self._jobs.pop(job.id, None)

    def _measure(self, job: _Job, run: RunLayout) -> DryRunResult | ExitReport:
        """Make the dry run; return its result, or why there is none."""
        if job.canceled.is_set():
            return _CANCELED
        trainer = self._prepare(job, run)
        environment = trainer_environment(self._parts.environment, threads=job.agent.threads)
        identity = start_process(run, trainer, environment)
        ended = self._follow(job, run, identity)
        sweep_group(identity)
        if job.canceled.is_set():
            return _CANCELED
        report = classify(observe(run, ended, identity, stop_requested=False))
        if report.cause is not ExitCause.FINISHED:
            return report
        result = read_result(run.result)
        if not isinstance(result, DryRunResult):
            msg = "The dry run did not answer with what it measured."
            raise StateError(msg, "Run the flight check again.")
        return result

    def _follow(self, job: _Job, run: RunLayout, identity: ProcessIdentity) -> Ended:
        """Wait for the end of the process, which is asked for when somebody cancels or it takes too long."""
        patience, kill_at = time.monotonic() + _MOST_SECONDS, math.inf
        while (ended := poll(identity)) is None:
            now = time.monotonic()
            if job.canceled.is_set() or now > patience:
                end_group(identity, force=now >= kill_at)
                kill_at = min(kill_at, now + _GRACE_SECONDS)
                threading.Event().wait(_LOOK_SECONDS)
            else:
                self._tell(job, self._parts.logs.live(run).phase or "")
                job.canceled.wait(_LOOK_SECONDS)
        return ended

    def _prepare(self, job: _Job, run: RunLayout) -> str:
        """Write the run folder, and what is known before anything runs into the record; return the trainer."""
        parts, task = self._parts, job.task
        if task.project_id is None:
            msg = "The training names no project."
            raise InputError(msg, "Choose a project.")
        asked = framework(str(task.settings["framework"]))
        gui_state = _JSON.validate_python(task.settings["guiState"])
        training = resolve_training(parts, task.team_id, task.project_id, asked, gui_state)
        memory = parts.agents.get(job.agent.id).memory
        self._change(
            job,
            lambda known: replace(
                known,
                status=DryRunStatus.RUNNING,
                train_images=sum("train" in sides for sides in training.sides.values()),
                val_images=sum("val" in sides for sides in training.sides.values()),
                memory_total=memory.total,
                memory_free=memory.available,
                disk_free=shutil.disk_usage(parts.layout.root).free,
            ),
        )
        sample = sample_images(parts.database, training.project.id, training.classes, training.sides)
        spec = train_spec(parts, _NO_TASK, job.agent, training)
        run.root.mkdir(parents=True)
        write_images(run.images, run_images(parts, sample))
        write_spec(run.spec, DryRunSpec(training=spec))
        return spec.trainer


def _ended(dry_run: DryRun, end: DryRunResult | ExitReport) -> DryRun:
    over = replace(dry_run, step="")
    match end:
        case DryRunResult(figures=figures, problems=problems):
            return replace(over, status=DryRunStatus.FINISHED, figures=figures, problems=problems)
        case ExitReport(cause=ExitCause.STOPPED_BY_USER):
            return replace(over, status=DryRunStatus.CANCELED)
        case ExitReport(cause=cause, message=message, hint=hint):
            return replace(over, status=DryRunStatus.ERROR, cause=cause, message=message, hint=hint)
