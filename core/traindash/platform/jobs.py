"""Jobs of this server's own: kept in one table, worked on in turn, cancelled by any thread, closed after a crash.

Tasks are not among them. A task outlives this server, waits for an agent and is Supervisely's, so the supervisor
watches it (:mod:`traindash.platform.tasks.supervisor`); a job here ends with the server that runs it.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from sqlite3 import Connection
from typing import Generic, TypeVar

import msgspec

from traindash.domain.jobs import JOB_MOVES, Job, JobStatus
from traindash.domain.task import ExitCause
from traindash.errors import AppError, NotFoundError, StateError, without_folders
from traindash.platform.store.database import Database, now_text
from traindash.platform.tasks.exits import report_platform_error

_KEPT = 200
_SELECT = "SELECT document FROM jobs WHERE kind = ?"
_INSERT = """
INSERT INTO jobs (kind, id, status, document, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (kind, id) DO NOTHING
"""
_UPDATE = """
UPDATE jobs SET status = ?, document = ?, updated_at = ? WHERE kind = ? AND id = ?
AND status IN (SELECT value FROM json_each(?))
"""
# By number and not by time: numbers never go back, clocks do.
_PRUNE = "DELETE FROM jobs WHERE kind = ? AND id <= (SELECT max(id) FROM jobs WHERE kind = ?) - ?"

JobT = TypeVar("JobT", bound=Job)
_log = logging.getLogger("traindash.platform")


class CanceledError(Exception):
    """Somebody wants the job to end."""


@dataclass(slots=True)
class Running(Generic[JobT]):
    """A job that is not over, as whoever works on it sees it."""

    job: JobT  # how it stands; what :meth:`tell` changes of it is in memory only
    canceled: threading.Event = field(default_factory=threading.Event)  # set when it shall end

    def tell(self, job: JobT) -> None:
        """Say how far it is.

        Raises:
            CanceledError: It shall end.
        """
        if self.canceled.is_set():
            raise CanceledError
        self.job = job


# works on a job until it comes to rest; returns it with the status that it has then
Work = Callable[[Running[JobT]], JobT]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind(Generic[JobT]):
    """A kind of jobs."""

    name: str  # Key in the table, and what people call one
    type: type[JobT]  # what a job is
    doing: str  # what goes on in one, e.g. `making the dry run`
    again: str  # what to do when one was interrupted or is not there


class Jobs(Generic[JobT]):
    """The jobs of one kind, each with a row in the database.

    ``before_end`` is called with the id before the last status is stored, so that nothing is left when others see it.
    """

    def __init__(
        self, database: Database, kind: JobKind[JobT], before_end: Callable[[int], None] = lambda _: None
    ) -> None:
        self._database = database
        self._kind = kind
        self._before_end = before_end
        self._decode = msgspec.json.Decoder(kind.type).decode
        self._running: dict[int, Running[JobT]] = {}
        self._lock = threading.RLock()  # one change of a job at a time, and of which ones there are
        self._executor: ThreadPoolExecutor | None = None

    def open(self, earlier: Iterable[JobT] = ()) -> None:
        """Begin to work. What a server that died left unfinished is closed, and only the latest jobs are kept.

        ``earlier`` jobs, which were kept elsewhere, are taken into the table; known ones are left as they are.
        """
        with self._database.write() as connection:
            now = now_text()
            rows = [(self._kind.name, job.id, job.status, _text(job), now, now) for job in earlier]
            connection.executemany(_INSERT, rows)
            connection.execute(_PRUNE, (self._kind.name, self._kind.name, _KEPT))
        for job in self.all():
            if not job.status.is_over:
                message = f"The server was stopped during the {self._kind.name}."
                self._store(_ended(job, JobStatus.ERROR, ExitCause.LOST, message, self._kind.again))
        # One at a time: two imports or two dry runs at once would only slow each other down.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=self._kind.name)

    def close(self) -> None:
        """End what is not over. Closing twice does nothing."""
        with self._lock:
            executor, self._executor = self._executor, None
            for running in self._running.values():
                running.canceled.set()
        if executor is not None:
            executor.shutdown(wait=True)
            for running in tuple(self._running.values()):  # those that wait for a decision
                self._rest(running, _ended(running.job, JobStatus.CANCELED))

    def begin(self, make: Callable[[int], JobT], work: Work[JobT]) -> JobT:
        """Make a job for an id and work on it as soon as the one before it comes to rest.

        Raises:
            StateError: The server is being stopped.
        """
        with self._lock:
            executor = self._open_executor()
            with self._database.write() as connection:
                last = connection.execute("SELECT max(id) FROM jobs WHERE kind = ?", (self._kind.name,)).fetchone()[0]
                job, now = make((last or 0) + 1), now_text()
                connection.execute(_INSERT, (self._kind.name, job.id, job.status, _text(job), now, now))
            # Known before it is submitted: its thread may be quicker than this one.
            running = self._running[job.id] = Running(job)
            executor.submit(self._run, running, work)
            return job

    def go_on(self, job: JobT, work: Work[JobT]) -> JobT:
        """Work on a job again that was at rest; it comes with the status that it shall have now.

        Raises:
            StateError: It is over, somebody works on it, or the server is being stopped.
        """
        with self._lock:
            executor = self._open_executor()
            running = self._running.get(job.id)
            if running is None or not self._store(job):
                msg = f"The {self._kind.name} {job.id} cannot go on; it is {self.get(job.id).status}."
                raise StateError(msg, self._kind.again)
            running.job = job
            executor.submit(self._run, running, work)
            return job

    def get(self, job_id: int) -> JobT:
        """Return a job.

        Raises:
            NotFoundError: There is none with this id.
        """
        with self._lock:
            if (running := self._running.get(job_id)) is not None:
                return running.job
        with self._database.read() as connection:
            row = connection.execute(f"{_SELECT} AND id = ?", (self._kind.name, job_id)).fetchone()
        if row is None:
            raise NotFoundError(f"There is no {self._kind.name} {job_id}.", self._kind.again)
        return self._decode(row[0])

    def all(self) -> Iterator[JobT]:
        """Yield all jobs, the newest first."""
        with self._database.read() as connection:
            rows = connection.execute(f"{_SELECT} ORDER BY id DESC", (self._kind.name,)).fetchall()
        for row in rows:
            job = self._decode(row[0])
            running = self._running.get(job.id)
            yield job if running is None else running.job

    def change(self, running: Running[JobT], job: JobT) -> None:
        """Store a change of a job that goes on."""
        with self._lock:
            running.job = job
            self._store(job)

    def write_end(self, connection: Connection, job: JobT) -> None:
        """Store how a job ends together with what it leaves, in the transaction that brings it.

        Its work has to return just this end. Until then, others see the job as it was.

        Raises:
            CanceledError: It is over already, as a server sees that finds it unfinished.
        """
        if connection.execute(_UPDATE, self._row(job)).rowcount == 0:
            raise CanceledError

    def cancel(self, job_id: int) -> JobT:
        """Let a job end; one that is over stays as it is.

        Raises:
            NotFoundError: There is none with this id.
        """
        with self._lock:
            running = self._running.get(job_id)
            if running is None:
                return self.get(job_id)
            running.canceled.set()
            if running.job.status is JobStatus.READY:  # nobody works on it
                self._rest(running, _ended(running.job, JobStatus.CANCELED))
            return running.job

    def _open_executor(self) -> ThreadPoolExecutor:
        if self._executor is None:
            raise StateError("The server is being stopped.", f"Start it again, then the {self._kind.name}.")
        return self._executor

    def _run(self, running: Running[JobT], work: Work[JobT]) -> None:
        try:
            running.tell(running.job)
            after = work(running)
        except CanceledError:
            after = _ended(running.job, JobStatus.CANCELED)
        except AppError as error:
            after = self._failed(running.job, ExitCause.BAD_INPUT, error.message, error.hint)
        except Exception as error:  # noqa: BLE001 - the edge of this thread: a mistake of ours becomes a state and a log entry
            _log.exception("The %s %s failed.", self._kind.name, running.job.id)
            report = report_platform_error(error, self._kind.doing)
            after = self._failed(running.job, report.cause, report.message, report.hint)
        self._rest(running, after)

    def _failed(self, job: JobT, cause: ExitCause, message: str, hint: str) -> JobT:
        data = self._database.path.parent
        return _ended(job, JobStatus.ERROR, cause, without_folders(message, data), without_folders(hint, data))

    def _rest(self, running: Running[JobT], after: JobT) -> None:
        with self._lock:
            if not after.status.is_over and running.canceled.is_set():
                after = _ended(after, JobStatus.CANCELED)
            if after.status.is_over:
                self._before_end(after.id)
            running.job = after
            if not self._store(after):  # if the disk refuses it, memory says it until the next start does
                _log.error("The %s %s cannot become %s.", self._kind.name, after.id, after.status)
            if after.status.is_over:
                self._running.pop(after.id, None)

    def _store(self, job: JobT) -> bool:
        """Write a job down if it is where such a move may begin; return whether it was."""
        with self._database.write() as connection:
            return connection.execute(_UPDATE, self._row(job)).rowcount == 1

    def _row(self, job: JobT) -> tuple[object, ...]:
        sources = [status for status, targets in JOB_MOVES.items() if job.status in targets or status is job.status]
        return (job.status, _text(job), now_text(), self._kind.name, job.id, json.dumps(sources))


def _text(job: Job) -> str:
    return msgspec.json.encode(job).decode()


def _ended(job: JobT, status: JobStatus, cause: ExitCause | None = None, message: str = "", hint: str = "") -> JobT:
    return replace(job, status=status, step="", cause=cause, message=message, hint=hint)
