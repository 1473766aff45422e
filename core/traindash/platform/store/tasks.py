"""The table of tasks: taking in, looking up, moving along the allowed table, waiting for an agent.

A status changes only here, by one ``UPDATE … WHERE status IN (…)``: whoever comes second changes nothing and is told.
"""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from sqlite3 import Connection, Row
from uuid import uuid4

from traindash.domain.ids import AgentId, TaskId, TeamId, WorkspaceId
from traindash.domain.task import ALLOWED_MOVES, ExitReport, TaskStatus
from traindash.errors import NotFoundError, StateError
from traindash.platform.store.database import Database, moment_text, now_text
from traindash.platform.store.listing import Clause, IdPage, Listing, Table, numbers, texts
from traindash.platform.store.project_changes import use_version
from traindash.platform.store.task_records import NewTask, OpenTask, TaskRecord, json_text, record_from_row, report_json
from traindash.steady_clock import CLOCK, SteadyClock

_CLONE_MODULE = "traindash/clone-project"  # no app of the ecosystem: what tasks need a module for
_TASKS = Table(
    name="tasks",
    noun="task",
    columns=numbers("id", "agent_id", "module_id", "project_id")
    | texts("type", "status", "name", "description", "created_at", "updated_at", "started_at", "finished_at"),
)
_REPEATED = timedelta(seconds=310)  # as long as the official SDK repeats a call (docs/supervisely-api.md 1.3)
# Taken over by the server that answers now, so that nobody else gets the same task.
_UNANSWERED = (
    "UPDATE unanswered_starts SET server = ?1 WHERE task_id ="
    " (SELECT min(task_id) FROM unanswered_starts WHERE call = ?2 AND server <> ?1 AND created_at >= ?3)"
    " RETURNING task_id"
)
_ANSWERED = (
    "DELETE FROM unanswered_starts WHERE task_id ="
    " (SELECT min(task_id) FROM unanswered_starts WHERE call = ? AND server = ?)"
)
# Waiting for an agent: queue_order > 0 and queued or started. New ones go to the end.
_INSERT = (
    "INSERT INTO tasks (team_id, workspace_id, user_id, agent_id, module_id, project_id, kind, status, name,"
    " description, app_name, app_version, log_level, restart_policy, session_token, params, settings, autostart,"
    " created_at, updated_at, queue_order) VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?,"
    " ?, ?, ?, ?, CASE WHEN ? THEN (SELECT coalesce(max(queue_order), 0) + 1 FROM tasks WHERE queue_order > 0)"
    " ELSE 0 END) RETURNING *"
)
# One statement: between looking and taking nobody else can take the same task.
_TAKE_NEXT = (
    "UPDATE tasks SET agent_id = ?, queue_order = 0, updated_at = ?,"
    " status = CASE status WHEN 'queued' THEN 'consumed' ELSE status END"
    " WHERE status IN ('queued', 'started') AND id = (SELECT id FROM tasks WHERE queue_order > 0"
    " AND status IN ('queued', 'started') AND team_id = ? AND (agent_id = ? OR agent_id IS NULL)"
    " ORDER BY queue_order LIMIT 1) RETURNING *"
)
# It was the next one, so it goes back to the front.
_GIVE_BACK = (
    "UPDATE tasks SET updated_at = ?, attempt = attempt + 1, queue_order = 1,"
    " status = CASE status WHEN 'consumed' THEN 'queued' ELSE status END"
    " WHERE id = ? AND queue_order = 0 AND stop_requested_at IS NULL AND status IN ('consumed', 'started')"
)
_RELEASE = (
    "UPDATE tasks SET autostart = 1, settings = ?, updated_at = ?,"
    " queue_order = (SELECT coalesce(max(queue_order), 0) + 1 FROM tasks WHERE queue_order > 0) WHERE id = ?"
)
_AHEAD = (
    "SELECT count(*) FROM tasks WHERE queue_order > 0 AND queue_order < ? AND status IN ('queued', 'started')"
    " AND team_id = ? AND (? IS NULL OR agent_id IS NULL OR agent_id = ?)"
)
# The condition on the status is the lock: of two who move a task at once, the second changes no row.
_MOVE = (
    "UPDATE tasks SET status = ?, updated_at = ?,"
    " started_at = CASE WHEN ? = 'started' THEN coalesce(started_at, max(created_at, ?)) ELSE started_at END,"
    " finished_at = CASE WHEN ? IN ('finished', 'stopped', 'error') THEN max(coalesce(started_at, created_at), ?)"
    " ELSE finished_at END"
    " WHERE id = ? AND status IN (SELECT value FROM json_each(?))"
)
_OPEN = (
    "SELECT id, status, agent_id, autostart, queue_order FROM tasks"
    " WHERE status IN ('queued', 'consumed', 'started', 'deployed', 'terminating') AND (kind = 'serve') = ? ORDER BY id"
)


class TaskStore:
    """Tasks of all teams. Every method is one transaction."""

    def __init__(self, database: Database, clock: SteadyClock = CLOCK) -> None:
        self._database = database
        self._clock = clock
        self._server = uuid4().hex  # of this run of the server

    def create(self, task: NewTask, call: str = "") -> TaskRecord:
        """Take a task in as ``queued``; a task that starts by itself waits for its agent at once.

        ``call`` is what a start and its repeats have in common. If an earlier server took the task in and died before
        it :meth:`answered`, that task is returned. Repeats that this server sees never come here.
        """
        now, asked = now_text(self._clock), task.request
        values = (
            *(task.team_id, asked.workspace_id, task.user_id, asked.agent_id, task.module_id, task.project_id),
            *(task.kind, asked.name, asked.description, task.app_name, asked.app_version, asked.log_level),
            *(asked.restart_policy, secrets.token_urlsafe(16), json_text({"state": asked.state})),
            *(json_text(task.settings), task.autostart, now, now, task.autostart),
        )
        with self._database.write() as connection:
            asked_before = (self._server, call, _repeated_from())
            if call and (known := connection.execute(_UNANSWERED, asked_before).fetchone()) is not None:
                return _get(connection, TaskId(known[0]))
            if task.project_id is not None:  # what is changed from now on, the task may not see
                use_version(connection, task.project_id)
            record = record_from_row(connection.execute(_INSERT, values).fetchone())
            if call:
                connection.execute("DELETE FROM unanswered_starts WHERE created_at < ?", (_repeated_from(),))
                connection.execute(
                    "INSERT INTO unanswered_starts VALUES (?, ?, ?, ?)", (record.id, call, self._server, now)
                )
            return record

    def answered(self, call: str) -> None:
        """Note that the answer to a start was handed over: the same call once more is another start."""
        with self._database.write() as connection:
            connection.execute(_ANSWERED, (call, self._server))

    def newest(self) -> datetime | None:
        """Return when a task was last changed, ``None`` without any."""
        with self._database.read() as connection:
            moment = connection.execute("SELECT max(updated_at) FROM tasks").fetchone()[0]
        return None if moment is None else datetime.fromisoformat(moment)

    def get(self, task_id: TaskId) -> TaskRecord:
        """Return a task.

        Raises:
            NotFoundError: There is no such task.
        """
        with self._database.read() as connection:
            return _get(connection, task_id)

    def of_session(self, token: str) -> TaskRecord:
        """Return the task with a session token, which nobody can make up.

        Raises:
            NotFoundError: There is none.
        """
        with self._database.read() as connection:
            row = connection.execute("SELECT * FROM tasks WHERE session_token = ?", (token,)).fetchone()
        if row is None:
            raise NotFoundError("There is no session with this token.", "Ask tasks.info for the one of the task.")
        return record_from_row(row)

    def give_to(self, task_id: TaskId, agent_id: AgentId) -> None:
        """Say on which agent a task runs that waits for none."""
        with self._database.write() as connection:
            connection.execute("UPDATE tasks SET agent_id = ? WHERE id = ?", (agent_id, task_id))

    def change_settings(self, task_id: TaskId, settings: Mapping[str, object], description: str) -> None:
        """Keep other settings and another description with a task."""
        with self._database.write() as connection:
            update = "UPDATE tasks SET settings = ?, description = ?, updated_at = ? WHERE id = ?"
            connection.execute(update, (json_text(settings), description, now_text(self._clock), task_id))

    def list(self, workspace_id: WorkspaceId, listing: Listing) -> tuple[IdPage, tuple[TaskRecord, ...]]:
        """Return a page of the tasks of a workspace: of apps, unless the listing asks for another type.

        Raises:
            InputError: The listing asks for a field or value that is not possible.
        """
        with self._database.read() as connection:
            where = [Clause("workspace_id = ?", (workspace_id,))]
            if not any(condition.field == "type" for condition in listing.filter or ()):
                where.append(Clause("type = 'app'"))
            page, rows = _TASKS.page(connection, listing, where)
            return page, tuple(map(record_from_row, rows))

    def list_module(
        self, module_id: int, statuses: Sequence[TaskStatus], listing: Listing
    ) -> tuple[IdPage, tuple[TaskRecord, ...]]:
        """Return a page of the tasks of an app, all of them or only those with the statuses."""
        with self._database.read() as connection:
            where = [Clause("module_id = ?", (module_id,))]
            if statuses:
                where.append(Clause("status IN (SELECT value FROM json_each(?))", (_words(statuses),)))
            page, rows = _TASKS.page(connection, listing, where)
            return page, tuple(map(record_from_row, rows))

    def open_tasks(self) -> tuple[OpenTask, ...]:
        """Return the tasks that are not over, oldest first, without those that serve a model."""
        return self._open(serving=False)

    def open_serving(self) -> tuple[OpenTask, ...]:
        """Return the tasks that serve a model and are not over, oldest first."""
        return self._open(serving=True)

    def _open(self, *, serving: bool) -> tuple[OpenTask, ...]:
        with self._database.read() as connection:
            rows = connection.execute(_OPEN, (serving,)).fetchall()
        return tuple(
            OpenTask(
                id=TaskId(row["id"]),
                status=TaskStatus(row["status"]),
                agent_id=None if row["agent_id"] is None else AgentId(row["agent_id"]),
                autostart=bool(row["autostart"]),
                waits=row["queue_order"] > 0,
            )
            for row in rows
        )

    def move(self, task_id: TaskId, to: TaskStatus, *, sources: Iterable[TaskStatus] | None = None) -> bool:
        """Change the status if the task is where such a move may begin; return whether it changed.

        It may begin in ``sources``, by default in every status that the table of allowed moves names.
        """
        with self._database.write() as connection:
            return self._move(connection, task_id, to, sources)

    def end(
        self,
        task_id: TaskId,
        to: TaskStatus,
        report: ExitReport,
        output: Mapping[str, object] | None = None,
    ) -> bool:
        """Move to a final status and keep how it ended, together with a last output.

        Returns:
            Whether the status changed; if not, nothing else was changed either.
        """
        with self._database.write() as connection:
            return self._end(connection, task_id, to, report, output)

    def request_stop(self, task_id: TaskId, report: ExitReport) -> TaskStatus:
        """Note that a person wants the task to stop; return the status after it.

        A task that is only queued is stopped at once and ends with ``report``, any other one becomes ``terminating``;
        one that was over already keeps its status.

        Raises:
            NotFoundError: There is no such task.
        """
        now = now_text(self._clock)
        with self._database.write() as connection:
            before = _get(connection, task_id).status
            if before.is_terminal:
                return before
            connection.execute(
                # The first wish counts: how long a stop takes is measured from there.
                "UPDATE tasks SET stop_requested_at = coalesce(stop_requested_at, ?), queue_order = 0 WHERE id = ?",
                (now, task_id),
            )
            if before is TaskStatus.QUEUED:
                self._end(connection, task_id, TaskStatus.STOPPED, report, None)
                return TaskStatus.STOPPED
            self._move(connection, task_id, TaskStatus.TERMINATING, None)
            return TaskStatus.TERMINATING

    def merge_output(self, task_id: TaskId, output: Mapping[str, object]) -> None:
        """Add kinds of output; a kind that is there already is replaced, the others stay.

        Raises:
            NotFoundError: There is no such task.
        """
        with self._database.write() as connection:
            self._merge(connection, task_id, output)

    def take_next(self, agent_id: AgentId, team_id: TeamId) -> TaskRecord | None:
        """Give an agent the next task that waits for it, or for any agent; nobody else can get the same one.

        A queued task becomes ``consumed``. One that is ``started`` already, because it waited for its start button,
        stays so.
        """
        now = now_text(self._clock)
        with self._database.write() as connection:
            row = connection.execute(_TAKE_NEXT, (agent_id, now, team_id, agent_id)).fetchone()
            return None if row is None else record_from_row(row)

    def give_back(self, task_id: TaskId) -> bool:
        """Let a task that an agent took, but did not begin, wait again; it goes to the front.

        Returns:
            Whether it waits now.
        """
        with self._database.write() as connection:
            connection.execute("UPDATE tasks SET queue_order = queue_order + 1 WHERE queue_order > 0")
            changed = connection.execute(_GIVE_BACK, (now_text(self._clock), task_id))
            return changed.rowcount == 1

    def release(self, task_id: TaskId, settings: Mapping[str, object]) -> None:
        """Let a task that waited for its start button wait for its agent; ``settings`` are those that shall be used.

        Raises:
            NotFoundError: There is no such task.
            StateError: It does not wait for the start button.
        """
        with self._database.write() as connection:
            task = _get(connection, task_id)
            if task.autostart or task.status not in {TaskStatus.QUEUED, TaskStatus.STARTED}:
                msg = f"Task {task_id} does not wait for a start; it is {task.status.value}."
                raise StateError(msg, "Start a new training instead.")
            connection.execute(_RELEASE, (json_text(settings), now_text(self._clock), task_id))

    def queue_position(self, task: TaskRecord) -> int | None:
        """Return how soon a task's turn comes, 1 for next; ``None`` if it does not wait for an agent."""
        if task.queue_order <= 0:
            return None
        values = (task.queue_order, task.team_id, task.agent_id, task.agent_id)
        with self._database.read() as connection:
            ahead = connection.execute(_AHEAD, values).fetchone()[0]
        return int(ahead) + 1

    def _move(
        self, connection: Connection, task_id: TaskId, to: TaskStatus, sources: Iterable[TaskStatus] | None
    ) -> bool:
        possible = {source for source, targets in ALLOWED_MOVES.items() if to in targets}
        allowed = _words(possible if sources is None else possible & set(sources))
        now = now_text(self._clock)
        changed = connection.execute(_MOVE, (to.value, now, to.value, now, to.value, now, task_id, allowed))
        return changed.rowcount == 1

    def _end(
        self,
        connection: Connection,
        task_id: TaskId,
        to: TaskStatus,
        report: ExitReport,
        output: Mapping[str, object] | None,
    ) -> bool:
        if not self._move(connection, task_id, to, None):
            return False
        connection.execute(
            "UPDATE tasks SET exit_report = ?, queue_order = 0 WHERE id = ?", (report_json(report), task_id)
        )
        if output is not None:
            self._merge(connection, task_id, output)
        return True

    def _merge(self, connection: Connection, task_id: TaskId, output: Mapping[str, object]) -> None:
        # Apps add kinds one by one; replacing the whole would lose the others (docs/supervisely-api.md 11).
        merged = {**_get(connection, task_id).output, **output}
        connection.execute(
            "UPDATE tasks SET output = ?, updated_at = ? WHERE id = ?",
            (json_text(merged), now_text(self._clock), task_id),
        )


def _repeated_from() -> str:
    return moment_text(CLOCK.now() - _REPEATED)


def insert_clone_task(connection: Connection, project: Row, source_name: str) -> TaskId:
    """Write down inside a transaction that a project was cloned, as a task that is over; return its id.

    The SDK waits for a task after a clone. Nobody has to see it, so lists leave it out.
    """
    now = now_text()
    connection.execute("INSERT OR IGNORE INTO modules (slug, created_at) VALUES (?, ?)", (_CLONE_MODULE, now))
    output = {"project": {"id": project["id"], "name": project["name"]}}
    cursor = connection.execute(
        "INSERT INTO tasks (team_id, workspace_id, user_id, module_id, project_id, kind, type, status, name, app_name,"
        " session_token, params, output, created_at, updated_at, started_at, finished_at)"
        " SELECT ?, ?, ?, id, ?, 'clone', 'clone', 'finished', ?, 'Clone project', ?, '{\"state\": {}}', ?, ?, ?, ?, ?"
        " FROM modules"
        " WHERE slug = ?",
        (
            *(project["team_id"], project["workspace_id"], project["user_id"], project["id"]),
            *(f"Clone of {source_name}", secrets.token_urlsafe(16), json_text(output), now, now, now, now),
            _CLONE_MODULE,
        ),
    )
    return TaskId(int(cursor.lastrowid or 0))


def _get(connection: Connection, task_id: TaskId) -> TaskRecord:
    row: Row | None = connection.execute("SELECT * FROM tasks WHERE id = ?", (task_id,)).fetchone()
    if row is None:
        raise NotFoundError(f"There is no task {task_id}.")
    return record_from_row(row)


def _words(statuses: Iterable[TaskStatus]) -> str:
    return json.dumps([status.value for status in statuses])
