"""Teams and workspaces that clients archive, bring back and remove for good (docs/supervisely-api.md 3.5)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.contract.platform.test_project_writes import _call, _names, _refused
from tests.fakes.live_platform import LivePlatform
from traindash.domain.ids import TaskId, TeamId
from traindash.platform.store.archive import KEPT_DAYS
from traindash.platform.store.database import moment_text


def _filled(server: LivePlatform, team: int = 1) -> tuple[int, int]:
    """Make a workspace with a clone of the project; return both."""
    workspace = _call(server, "workspaces.add", teamId=team, name="Second")["id"]
    task = _call(server, "projects.clone", id=1, workspaceId=workspace, name="Clone")["taskId"]
    project: int = _call(server, "tasks.info", id=task)["meta"]["output"]["project"]["id"]
    return workspace, project


def _workspaces(server: LivePlatform, team: int = 1) -> list[str]:
    return [item["name"] for item in _call(server, "workspaces.list", teamId=team)["entities"]]


def _open_task(server: LivePlatform, workspace: int) -> int:
    with server.platform.services.database.write() as connection:
        cursor = connection.execute(
            "INSERT INTO tasks (team_id, workspace_id, user_id, module_id, kind, session_token, created_at, updated_at)"
            " VALUES (1, ?, 1, 1, 'train', ?, '', '')",
            (workspace, f"token of {workspace}"),
        )
    return int(cursor.lastrowid or 0)


def test_a_workspace_goes_with_its_projects_and_comes_back(own_server: LivePlatform) -> None:
    workspace, project = _filled(own_server)
    gone_before = _call(own_server, "projects.add", workspaceId=workspace, name="Gone before")["id"]
    _call(own_server, "projects.archive", id=gone_before)
    for _ in range(2):  # a repeat is no error
        _call(own_server, "workspaces.archive", id=workspace)
    assert "Second" not in _workspaces(own_server)
    _refused(own_server, "workspaces.info", 404, id=workspace)
    _refused(own_server, "projects.info", 404, id=project)
    _refused(own_server, "projects.add", 404, workspaceId=workspace, name="New")
    _refused(own_server, "tasks.list", 404, workspaceId=workspace)
    assert _call(own_server, "traindash.projects.archived.list") == []
    assert "traindash.workspaces.restore" in _refused(own_server, "traindash.projects.restore", 404, id=project)
    (kept,) = _call(own_server, "traindash.workspaces.archived.list")
    assert (kept["id"], kept["name"], kept["teamId"]) == (workspace, "Second", 1)
    _call(own_server, "workspaces.add", teamId=1, name="Second")  # the name is free
    assert _call(own_server, "traindash.workspaces.restore", id=workspace)["name"] == "Second (2)"
    assert _call(own_server, "projects.info", id=project)["itemsCount"] == 9
    assert _names(own_server, projectId=project, recursive=True)
    assert [item["id"] for item in _call(own_server, "traindash.projects.archived.list")] == [gone_before]


def test_a_team_goes_with_all_that_is_in_it(own_server: LivePlatform, tmp_path: Path) -> None:
    team = _call(own_server, "teams.add", name="Other")["id"]
    workspace, project = _filled(own_server, team)
    services = own_server.platform.services
    source = tmp_path / "a.txt"
    source.write_bytes(b"a")
    services.files.put(TeamId(team), "/folder/a.txt", source)
    _call(own_server, "teams.archive", id=team)
    assert [item["name"] for item in _call(own_server, "teams.list")["entities"]] == ["Local"]
    _refused(own_server, "workspaces.info", 404, id=workspace)
    assert "traindash.teams.restore" in _refused(own_server, "traindash.workspaces.restore", 404, id=workspace)
    assert _call(own_server, "traindash.teams.restore", id=team)["name"] == "Other"
    assert _workspaces(own_server, team) == ["First Workspace", "Second"]
    assert _call(own_server, "projects.info", id=project)["name"] == "Clone"
    assert "is not archived" in _refused(own_server, "teams.remove.permanently", 409, teamsIds=[team])
    _call(own_server, "teams.archive", id=team)
    _call(own_server, "teams.remove.permanently", teamsIds=[team])
    _refused(own_server, "traindash.teams.restore", 404, id=team)
    assert not services.files.list(TeamId(team), "/")
    assert not services.layout.team_files.joinpath(str(team)).exists()
    assert _rows(own_server, team) == {"teams": 1, "workspaces": 1, "projects": 1, "images": 9, "team_files": 0}


def _rows(server: LivePlatform, team: int) -> dict[str, Any]:
    with server.platform.services.database.read() as connection:
        counts = {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - constant names
            for table in ("teams", "workspaces", "projects", "images")
        }
        query = "SELECT count(*) FROM team_files WHERE team_id = ?"
        return counts | {"team_files": connection.execute(query, (team,)).fetchone()[0]}


def test_a_workspace_is_removed_with_its_tasks_once_it_is_archived(own_server: LivePlatform) -> None:
    workspace, _ = _filled(own_server)
    task = _open_task(own_server, workspace)
    assert f"Task {task}" in _refused(own_server, "workspaces.archive", 409, id=workspace)
    services = own_server.platform.services
    with services.database.write() as connection:
        connection.execute("UPDATE tasks SET status = 'finished', finished_at = '' WHERE id = ?", (task,))
    run = services.layout.run(TaskId(task)).root
    run.mkdir()
    _call(own_server, "workspaces.archive", id=workspace)
    _refused(own_server, "workspaces.remove.permanently", 409, workspacesIds=[workspace, 1])
    assert run.exists()
    _call(own_server, "workspaces.remove.permanently", workspacesIds=[workspace])
    assert not run.exists()
    _refused(own_server, "tasks.info", 404, id=task)
    _refused(own_server, "traindash.workspaces.restore", 404, id=workspace)


@pytest.mark.parametrize("method", ["teams.archive", "workspaces.archive"])
def test_what_the_server_needs_is_not_archived(own_server: LivePlatform, method: str) -> None:
    assert "is where this server puts" in _refused(own_server, method, 409, id=1)
    _refused(own_server, method, 404, id=99)
    assert _workspaces(own_server) == ["My projects"]


def test_what_was_archived_long_ago_is_removed(own_server: LivePlatform) -> None:
    workspace, project = _filled(own_server)
    _call(own_server, "workspaces.archive", id=workspace)
    long_ago = moment_text(datetime.now(UTC) - timedelta(days=KEPT_DAYS, minutes=1))
    services = own_server.platform.services
    services.account_archive.expire()
    assert len(_call(own_server, "traindash.workspaces.archived.list")) == 1
    with services.database.write() as connection:
        connection.execute("UPDATE workspaces SET archived_at = ? WHERE id = ?", (long_ago, workspace))
    services.account_archive.expire()
    assert _call(own_server, "traindash.workspaces.archived.list") == []
    with services.database.read() as connection:
        assert connection.execute("SELECT 1 FROM projects WHERE id = ?", (project,)).fetchone() is None
