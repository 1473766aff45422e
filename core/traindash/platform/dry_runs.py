"""Dry runs: a trainer on a sample of the images, in a child process that ends with this server."""

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec

from traindash.domain.ids import DryRunId, ImageId, ProjectId, TaskId
from traindash.domain.jobs import DryRun, JobStatus
from traindash.domain.plan import Side
from traindash.domain.task import ExitCause
from traindash.errors import InputError, StateError
from traindash.platform.agents import LocalAgent
from traindash.platform.jobs import CanceledError, JobKind, Jobs, Running
from traindash.platform.services import Services
from traindash.platform.store.database import Database
from traindash.platform.store.task_records import NewTask
from traindash.platform.tasks.admission import Admission
from traindash.platform.tasks.ending import observe
from traindash.platform.tasks.exits import classify
from traindash.platform.tasks.frozen import frozen_training
from traindash.platform.tasks.preparation import train_spec
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
from traindash.platform.tasks.splits import Sides
from traindash.platform.tasks.training import resolve_training
from traindash.training.runs.spec import DryRunResult, DryRunSpec, RunLayout, read_result, write_images, write_spec

# The images that a dry run may use: a sample of both sides, taken evenly, with objects on the first ones.

_MOST: tuple[tuple[Side, int], ...] = (("train", 512), ("val", 256))
_WITH_OBJECTS = 4  # without an object on either side there is nothing to learn and nothing to measure


def sample_images(database: Database, project_id: ProjectId, classes: Sequence[str], sides: Sides) -> Sides:
    """Return some of the images of a training, those with objects of the trained classes first.

    ``sides`` holds all images of the training.
    """
    filled = _with_objects(database, project_id, classes)
    first: list[ImageId] = []
    others: list[ImageId] = []
    for side, most in _MOST:
        own = [image for image, on in sides.items() if side in on]
        # Where objects are rare, taking images evenly could leave out all that have some.
        first += [image for image in own if image in filled][:_WITH_OBJECTS]
        step = max(1, -(-len(own) // most))
        others += own[::step]
    return {image: sides[image] for image in dict.fromkeys([*first, *others])}


def _with_objects(database: Database, project_id: ProjectId, classes: Sequence[str]) -> frozenset[int]:
    query = (
        "SELECT DISTINCT image_id FROM image_classes"
        " WHERE dataset_id IN (SELECT id FROM datasets WHERE project_id = ? AND archived_at IS NULL)"
        " AND class_name IN (SELECT value FROM json_each(?))"
    )
    with database.read() as connection:
        return frozenset(row[0] for row in connection.execute(query, (project_id, json.dumps(list(classes)))))


_FOLDER = "dry-run-"
_LOOK_SECONDS = 0.2
_GRACE_SECONDS = 5.0
# A dry run is a few batches: what takes longer than this hangs.
_MOST_SECONDS = 900.0
_NO_TASK = TaskId(0)
_KIND = JobKind(name="dry run", type=DryRun, doing="making the dry run", again="Run the flight check again.")


class DryRuns:
    """The dry runs of a platform; ``admission`` checks what is asked for as it does for a task."""

    def __init__(self, services: Services, admission: Admission) -> None:
        self._services = services
        self._admission = admission
        self._jobs = Jobs(services.database, _KIND)

    def open(self) -> None:
        """Begin to work; processes and folders that a killed server left are removed."""
        remove_leftovers(self._services.layout.incoming, _FOLDER)
        folder = self._services.layout.dry_runs
        self._jobs.open(_earlier_dry_runs(folder))
        shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """End what runs. Closing twice does nothing."""
        self._jobs.close()

    def start(self, body: object, key: str) -> DryRun:
        """Begin a dry run; ``body`` is what ``tasks.run.app`` would be sent for the whole training.

        ``key`` is what the client calls it.

        Raises:
            InputError: Something in the request cannot be used.
            NotFoundError: Something it names does not exist.
            StateError: No agent is connected, or the platform is closed.
        """
        task = self._admission.check(body)
        if task.kind != "train" or "resumes" in task.settings:
            raise InputError("Only a new training can be tried with a dry run.", "Send the body of a new training.")
        agent = self._agent(task)
        # They share processor and memory, so the forecast has to say that it was measured beside them.
        others = sum(item.agent_id is not None and not item.waits for item in self._services.tasks.open_tasks())

        def make(number: int) -> DryRun:
            return DryRun(id=DryRunId(number), key=key, status=JobStatus.WAITING, agent=agent.name, other_tasks=others)

        return self._jobs.begin(make, lambda running: self._run(running, task, agent))

    def get(self, dry_run_id: int) -> DryRun:
        """Return a dry run.

        Raises:
            NotFoundError: There is none with this id.
        """
        return self._jobs.get(dry_run_id)

    def of_key(self, key: str) -> Iterator[DryRun]:
        """Yield the dry runs with a key, the newest first; all for an empty one."""
        return (job for job in self._jobs.all() if key in {"", job.key})

    def cancel(self, dry_run_id: int) -> DryRun:
        """End a dry run; one that is over stays as it is.

        Raises:
            NotFoundError: There is none with this id.
        """
        return self._jobs.cancel(dry_run_id)

    def _agent(self, task: NewTask) -> LocalAgent:
        running = self._services.agents.running(task.team_id)
        wanted = [agent for agent in running if task.agent_id in {None, agent.id}]
        if not wanted:
            raise StateError("No agent is connected that could do the dry run.", "Start an agent, then try again.")
        # As a task without an agent would be placed (docs/supervisely-api.md 9.1).
        return max(wanted, key=lambda agent: agent.free_bytes)

    def _run(self, running: Running[DryRun], task: NewTask, agent: LocalAgent) -> DryRun:
        run = RunLayout(self._services.layout.incoming / f"{_FOLDER}{running.job.id}")
        try:
            return self._measure(running, task, agent, run)
        finally:
            self._services.logs.forget(run)
            shutil.rmtree(run.root, ignore_errors=True)

    def _measure(self, running: Running[DryRun], task: NewTask, agent: LocalAgent, run: RunLayout) -> DryRun:
        trainer = self._prepare(running, task, agent, run)
        identity = start_process(run, trainer, trainer_environment(self._services.environment, threads=agent.threads))
        ended = self._follow(running, run, identity)
        sweep_group(identity)
        running.tell(replace(running.job, step=""))
        report = classify(observe(run, ended, identity, stop_requested=False))
        if report.cause is not ExitCause.FINISHED:
            return replace(
                running.job,
                status=JobStatus.ERROR,
                cause=report.cause,
                message=report.message,
                hint=report.hint,
            )
        result = read_result(run.result)
        if not isinstance(result, DryRunResult):
            raise StateError("The dry run did not answer with what it measured.", "Run the flight check again.")
        return replace(running.job, status=JobStatus.FINISHED, figures=result.figures, problems=result.problems)

    def _follow(self, running: Running[DryRun], run: RunLayout, identity: ProcessIdentity) -> Ended:
        """Wait for the end of the process, which is asked for when somebody cancels or it takes too long."""
        stop, patience = PatientStop(_GRACE_SECONDS), time.monotonic() + _MOST_SECONDS
        while (ended := poll(identity)) is None:
            if running.canceled.is_set() or time.monotonic() > patience:
                stop.press(identity)
                time.sleep(_LOOK_SECONDS)
            else:
                with suppress(CanceledError):  # the next look ends the process first
                    running.tell(replace(running.job, step=self._services.logs.live(run).phase or ""))
                running.canceled.wait(_LOOK_SECONDS)
        return ended

    def _prepare(self, running: Running[DryRun], task: NewTask, agent: LocalAgent, run: RunLayout) -> str:
        """Write the run folder, and what is known before anything runs into the record; return the trainer."""
        services = self._services
        if task.project_id is None:
            raise InputError("The training names no project.", "Choose a project.")
        training = resolve_training(services, task.team_id, task.project_id, frozen_training(task.settings))
        memory = services.agents.get(agent.id).memory
        known = replace(
            running.job,
            status=JobStatus.RUNNING,
            train_images=sum("train" in sides for sides in training.sides.values()),
            val_images=sum("val" in sides for sides in training.sides.values()),
            memory_total=memory.total,
            memory_free=memory.available,
            disk_free=shutil.disk_usage(services.layout.root).free,
        )
        self._jobs.change(running, known)
        sample = sample_images(services.database, training.project.id, training.classes, training.sides)
        spec = train_spec(services, _NO_TASK, agent, training)
        run.root.mkdir(parents=True)
        write_images(run.images, services.images.of_run(sample))
        write_spec(run.spec, DryRunSpec(training=spec))
        return spec.trainer


def _earlier_dry_runs(folder: Path) -> Iterator[DryRun]:
    """Yield the dry runs that versions before the table of jobs kept, a JSON file each; without damaged ones."""
    decoder = msgspec.json.Decoder(DryRun)
    for path in folder.glob("*.json"):
        with suppress(OSError, msgspec.MsgspecError):
            yield decoder.decode(path.read_bytes())
