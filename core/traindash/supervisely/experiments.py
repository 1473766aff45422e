"""The experiments of a team: where they are, and their records (docs/supervisely-api.md 5.3 and 7.1)."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from traindash.domain.experiment import ExperimentFolder, ExperimentInfo, clean_record
from traindash.domain.ids import TaskId, TeamId, WorkspaceId
from traindash.language import gettext as _
from traindash.supervisely.errors import ContractError
from traindash.supervisely.files import Files
from traindash.supervisely.resources import JsonRow, Resource, free_object, read, read_page
from traindash.supervisely.tasks import Tasks

ROOT = "/experiments"
_RECORD_NAME = "experiment_info.json"
_AT_ONCE = 8
TASKS_AT_ONCE = 200  # rows with outputs are long: this is a megabyte of JSON


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
        # Two levels one by one: all files below would be thousands of rows for each experiment.
        files = Files(self.transport)
        projects = files.folders(team_id, ROOT)
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="traindash-folders") as pool:
            levels = pool.map(lambda project: files.folders(team_id, project), projects)
            found = [ExperimentFolder(path=path) for level in levels for path in level]
        return tuple(sorted(found, key=lambda folder: (folder.task_id or 0, folder.path), reverse=True))

    def of_tasks(self, workspace_id: WorkspaceId, tasks: Sequence[TaskId]) -> tuple[ExperimentInfo, ...]:
        """Return the experiments that at most :data:`TASKS_AT_ONCE` tasks name in their output; one request.

        Tasks of other workspaces are passed over, and so are records that cannot be read: their files may be better.
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
        return experiment_of_output(Tasks(self.transport).get(task_id).output)

    def of_folder(self, team_id: TeamId, artifacts_dir: str) -> ExperimentInfo:
        """Return the experiment whose artifacts lie in a folder.

        Raises:
            MissingError: The folder has no record.
            ContractError: The record cannot be read.
        """
        content = Files(self.transport).read(team_id, f"{artifacts_dir.rstrip('/')}/{_RECORD_NAME}")
        return _record_of(content)


def experiment_of(method: str, record: object, *, failure: str = "") -> ExperimentInfo:
    """Read a record. Its keys are in snake_case; the twelve without a default are those that the official SDK needs.

    Raises:
        ContractError: A field is missing or has the wrong type.
    """
    return read(method, ExperimentInfo, record, clean_record, camel=False, failure=failure)


def experiment_of_output(output: Mapping[str, object] | None) -> ExperimentInfo | None:
    """Return the experiment in a task's output (``meta.output.experiment.data``), ``None`` if there is none."""
    # Apps of other kinds leave other outputs, and some a null where the record would be.
    match output:
        case {"experiment": {"data": data}} if data is not None:
            return experiment_of("tasks.info", data)
        case _:
            return None


def _experiment_of_row(row: JsonRow) -> ExperimentInfo | None:
    meta = free_object(row.get("meta")) or {}
    try:
        return experiment_of_output(free_object(meta.get("output")))
    except ContractError:
        return None


def _record_of(content: bytes) -> ExperimentInfo:
    method, failure = "file-storage.download", _("{file} cannot be read").format(file=_RECORD_NAME)
    try:
        # The standard library reads NaN, which training apps write for a metric that could not be computed.
        record = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ContractError(
            _("{file} cannot be read: it is not JSON.").format(file=_RECORD_NAME), method=method, field="body"
        ) from error
    return experiment_of(method, record, failure=failure)
