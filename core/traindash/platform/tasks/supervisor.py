"""The supervisor: a thread that gives tasks to agents, watches their processes and ends what is over.

A second thread publishes results, one task after the other, so that nobody waits for that.

It owns no state that matters: statuses are in the database, processes and results on disk. So it may die at any
moment, and the next one goes on. It never waits for a process: it looks,
and sleeps until it is woken or a moment has passed.
"""

import contextlib
import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from traindash.domain.ecosystem import AgentStatus
from traindash.domain.ids import AgentId, TaskId
from traindash.domain.task import ExitCause, ExitReport, TaskStatus
from traindash.errors import StorageError
from traindash.periodic_worker import PeriodicWorker
from traindash.platform.agents import LocalAgent
from traindash.platform.services import Services
from traindash.platform.store.task_records import OpenTask, TaskRecord
from traindash.platform.tasks.ending import TaskEnd, conclude, failed, tidy
from traindash.platform.tasks.exits import report_lost, report_platform_error
from traindash.platform.tasks.preparation import prepare
from traindash.platform.tasks.process import (
    Ended,
    PatientStop,
    ProcessIdentity,
    ResourceMeter,
    end_group,
    find_process,
    poll,
    read_identity,
    start_process,
    sweep_group,
    trainer_environment,
    write_identity,
)
from traindash.platform.tasks.resuming import carry_over, source_of

_STOPPED_BEFORE_START = ExitReport(cause=ExitCause.STOPPED_BY_USER, message="Stopped by you before it began.")
_log = logging.getLogger("traindash.tasks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often and how patiently the supervisor looks. All in seconds."""

    running: float = 0.25  # between two looks while processes run
    idle: float = 30.0  # between two looks while none does
    grace: float = 15.0  # a process that was asked to stop may take this long before it is ended
    retry: float = 5.0  # before something that failed because of the database is tried again


@dataclass(slots=True)
class _Watched:
    """A task with a process."""

    agent_id: AgentId | None  # the agent that is busy with it
    identity: ProcessIdentity | None
    stop: PatientStop  # ends the process when a person wants that
    seen_alive: bool = False  # this supervisor started the process or saw it run
    ended: Ended | None = None  # the process is over
    ending: Future[TaskEnd] | None = None  # its results are being published
    outcome: TaskEnd | None = None  # how the task shall end; kept until the database has taken it
    not_before: float = 0.0  # leave it alone until then (monotonic clock)
    meter: ResourceMeter = field(default_factory=ResourceMeter)  # looks at what the process uses


class Supervisor:
    """Runs the tasks of a platform, whose database is open."""

    def __init__(self, services: Services, pace: Pace | None = None) -> None:
        self._services = services
        self._pace = pace or Pace()
        self._watched: dict[TaskId, _Watched] = {}
        self._worker = PeriodicWorker("supervisor", self._round, retry=self._pace.retry)
        self._endings: ThreadPoolExecutor | None = None

    def start(self) -> None:
        """Take up what an earlier server left and begin to work."""
        self._recover()
        self._endings = ThreadPoolExecutor(1, thread_name_prefix="ends of tasks")
        self._worker.start()

    def stop(self) -> None:
        """End the threads; running trainings go on without them. Stopping twice does nothing."""
        self._worker.close()
        endings, self._endings = self._endings, None
        if endings is not None:
            endings.shutdown(wait=True, cancel_futures=True)
        for watched in self._watched.values():
            watched.ending = None

    def wake(self) -> None:
        """Look for work now."""
        self._worker.wake()

    def request_stop(self, task_id: TaskId) -> TaskStatus:
        """Stop a task: at once if it only waits, otherwise by asking its process to end.

        Returns:
            The status after it, ``terminating`` while the process ends; a task that is over keeps its status.

        Raises:
            NotFoundError: There is no such task.
        """
        status = self._services.tasks.request_stop(task_id, _STOPPED_BEFORE_START)
        if status in {TaskStatus.TERMINATING, TaskStatus.STOPPED}:
            self._say(task_id, "Stop requested.")
        self.wake()
        return status

    def _recover(self) -> None:
        """Take up every task that an agent had taken; those that never began wait for an agent again.

        Trainers outlive the server, so nothing may be concluded from the server's own death. What counts is on disk:
        the identity of the process, and the result.
        """
        tasks = self._services.tasks
        for task in tasks.open_tasks():
            if task.status is TaskStatus.QUEUED or task.waits or not task.autostart:
                continue  # no agent had taken it, so there is no process
            watched = self._watch(task.agent_id, self._identify(task))
            if watched.identity is not None:
                self._watched[task.id] = watched
                if poll(watched.identity) is None:
                    self._say(task.id, "The dashboard was restarted; the task went on meanwhile.")
            elif task.status is TaskStatus.STARTED and not self._services.layout.run(task.id).root.is_dir():
                watched.outcome = TaskEnd(status=TaskStatus.ERROR, report=report_lost())
                self._watched[task.id] = watched
            elif tasks.give_back(task.id):
                text = "The dashboard was restarted before the task began; it waits for an agent again."
                self._say(task.id, text)

    def _watch(self, agent_id: AgentId | None, identity: ProcessIdentity | None) -> _Watched:
        return _Watched(agent_id=agent_id, identity=identity, stop=PatientStop(self._pace.grace))

    def _identify(self, task: OpenTask) -> ProcessIdentity | None:
        run = self._services.layout.run(task.id)
        if (known := read_identity(run)) is not None:
            return known
        # The server may have died between starting the process and writing down which one it is.
        if not run.root.is_dir() or (found := find_process(run)) is None:
            return None
        with contextlib.suppress(OSError):
            write_identity(run, found)
        return found

    def _round(self) -> float:
        """Look at everything once; return how long to sleep."""
        tasks = {task.id: task for task in self._services.tasks.open_tasks()}
        for task_id, watched in list(self._watched.items()):
            self._look_alone(task_id, watched, tasks.get(task_id))
        for task in tasks.values():
            self._settle(task)
        self._assign(tasks)
        return self._pace.running if self._watched else self._pace.idle

    def _look_alone(self, task_id: TaskId, watched: _Watched, task: OpenTask | None) -> None:
        """Look at one task so that its trouble stays its own."""
        if time.monotonic() < watched.not_before:
            return
        try:
            self._look(task_id, watched, task)
        except StorageError:
            _log.warning("The database does not take the state of task %s; trying again", task_id, exc_info=True)
            watched.not_before = time.monotonic() + self._pace.retry
        except Exception as error:  # noqa: BLE001 - the edge of one task: its trouble must not stop the others
            _log.exception("Task %s ended by an error of the supervisor", task_id)
            record = self._services.tasks.get(task_id)
            watched.outcome = failed(self._services, record, report_platform_error(error, "ending the task"))

    def _look(self, task_id: TaskId, watched: _Watched, task: OpenTask | None) -> None:
        if task is None:  # somebody else gave it a final status
            self._drop(task_id, watched)
            return
        if watched.identity is not None and watched.ended is None:
            if task.status is TaskStatus.CONSUMED:  # the process runs, but the database did not take the move
                self._services.tasks.move(task_id, TaskStatus.STARTED)
            watched.ended = poll(watched.identity)
            if watched.ended is None:
                watched.seen_alive = True
                agents = self._services.agents
                events = self._services.events(task_id)
                watched.meter.look(events, watched.identity, lambda: agents.gpu_use(watched.agent_id))
                if task.status is TaskStatus.TERMINATING:
                    watched.stop.press(watched.identity)
                return
            if watched.seen_alive:  # otherwise the pid may be somebody else's group by now
                sweep_group(watched.identity)
        if watched.outcome is None and watched.identity is not None and watched.ended is not None:
            watched.outcome = self._concluded(task_id, watched, watched.identity, watched.ended)
        if watched.outcome is not None:
            self._end(task_id, watched.outcome)
            self._watched.pop(task_id)

    def _concluded(self, task_id: TaskId, watched: _Watched, identity: ProcessIdentity, ended: Ended) -> TaskEnd | None:
        """Return how a task ends; ``None`` while its results are being published, which takes seconds."""
        if watched.ending is None and self._endings is not None:
            record = self._services.tasks.get(task_id)
            watched.ending = self._endings.submit(conclude, self._services, record, identity, ended)
            watched.ending.add_done_callback(lambda _: self.wake())
        if watched.ending is None or not watched.ending.done():
            return None
        ending, watched.ending = watched.ending, None  # what it raises is tried again
        return ending.result()

    def _drop(self, task_id: TaskId, watched: _Watched) -> None:
        self._watched.pop(task_id)
        if watched.identity is not None and watched.ended is None:
            end_group(watched.identity, force=True)

    def _end(self, task_id: TaskId, outcome: TaskEnd) -> None:
        ended = self._services.tasks.end(task_id, outcome.status, outcome.report, outcome.output)
        if ended and outcome.status is TaskStatus.FINISHED:
            tidy(self._services.layout.run(task_id))

    def _settle(self, task: OpenTask) -> None:
        """Move tasks that have no process and need none."""
        if task.id in self._watched:
            return
        if task.status is TaskStatus.TERMINATING:
            self._end(task.id, TaskEnd(status=TaskStatus.STOPPED, report=_STOPPED_BEFORE_START))
        elif task.status is TaskStatus.QUEUED and not task.autostart:
            self._services.tasks.move(task.id, TaskStatus.CONSUMED)
            self._services.tasks.move(task.id, TaskStatus.STARTED)
        elif task.status is TaskStatus.CONSUMED and not task.autostart:
            self._services.tasks.move(task.id, TaskStatus.STARTED)

    def _assign(self, tasks: dict[TaskId, OpenTask]) -> None:
        """Give every free agent its next task."""
        if not any(task.waits for task in tasks.values()):
            return
        busy = {watched.agent_id for watched in self._watched.values()}
        for agent in self._services.agents.all():
            if agent.status is not AgentStatus.RUNNING or agent.paused or agent.id in busy:
                continue
            record = self._services.tasks.take_next(agent.id, agent.team_id)
            if record is not None:
                self._begin(record, agent)

    def _begin(self, task: TaskRecord, agent: LocalAgent) -> None:
        services, run = self._services, self._services.layout.run(task.id)
        watched = self._watch(agent.id, None)
        self._watched[task.id] = watched
        try:
            if (source := source_of(task)) is not None:
                carry_over(services, source, task.id)  # unless that was done when it was taken in
            self._say(task.id, f"Agent {agent.name} takes the task.")
            services.logs.forget(run)
            trainer = prepare(services, task, agent)
            environment = trainer_environment(services.environment, threads=agent.threads)
            watched.identity = start_process(run, trainer, environment)
            watched.seen_alive = True
        except StorageError:
            self._watched.pop(task.id)
            services.tasks.give_back(task.id)
            raise
        except Exception as error:  # noqa: BLE001 - the edge of one task: its trouble must not stop the others
            _log.warning("Task %s could not be started", task.id, exc_info=True)
            watched.outcome = failed(services, task, report_platform_error(error, "preparing the task"))
            self.wake()
            return
        if task.status is TaskStatus.CONSUMED:
            services.tasks.move(task.id, TaskStatus.STARTED, sources={TaskStatus.CONSUMED})

    def _say(self, task_id: TaskId, text: str) -> None:
        with contextlib.suppress(OSError):
            self._services.events(task_id).log(text)
