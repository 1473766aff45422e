"""Teams, workspaces, the user, the server itself."""

from collections.abc import Sequence
from sqlite3 import Row
from typing import Any

from traindash.domain.ecosystem import AgentSettings, AgentStatus
from traindash.domain.ids import AgentId
from traindash.platform.agents import AGENT_TYPE, LocalAgent
from traindash.platform.routes.endpoint import ApiContext, Method
from traindash.platform.store.listing import Listing, page_of
from traindash.platform.wire import Body, ById, Id, Name, Text, checked_name, row_json, spelled

# Version of the Supervisely instance whose API this server speaks. The SDK asks for it after its first failed call and
# looks for features by it (docs/supervisely-api.md 1).
API_VERSION = "6.18.3"
_NAMED = spelled("id", "name", "description", "created_at", "updated_at")
_USER = spelled("id", "login", "name", "created_at", "updated_at")


# The one person of this server may do everything.
_ROLE = {"role": "admin", "roleId": 1}


class _WorkspaceList(Listing, kw_only=True):
    team_id: Id


class _MemberList(Listing, kw_only=True):
    team_id: Id


class _AddTeam(Body):
    name: Name
    description: Text | None = None


class _EditNamed(ById, kw_only=True):
    name: Name | None = None
    description: Text | None = None


class _AddWorkspace(Body):
    team_id: Id
    name: Name
    description: Text | None = None


class _Visibility(ById):
    hidden: bool


def team_json(row: Row) -> dict[str, Any]:
    """Return a team."""
    return row_json(row, _NAMED) | {"role": "admin"}


def workspace_json(row: Row) -> dict[str, Any]:
    """Return a workspace."""
    return row_json(row, _NAMED) | {"teamId": row["team_id"], "hidden": bool(row["hidden"])}


def _user_json(row: Row) -> dict[str, Any]:
    return row_json(row, _USER) | {
        "email": None,
        **_ROLE,
        "disabled": False,
        "loginsCount": 1,
        "logins": 1,
        "lastLogin": row["updated_at"],
    }


def _users(api: ApiContext, body: Listing) -> object:
    page, rows = api.services.accounts.users(body)
    return page.answer([_user_json(row) for row in rows])


def _members(api: ApiContext, body: _MemberList) -> object:
    api.services.accounts.team(body.team_id)
    return _users(api, body)


def _user(api: ApiContext, body: ById) -> object:
    row = api.services.accounts.user_by_id(body.id)
    _, teams = api.services.accounts.teams(Listing())
    return _user_json(row) | {"teams": [team_json(team) | _ROLE for team in teams]}


def _roles(api: ApiContext, body: Listing) -> object:
    row = api.services.accounts.user()
    role = {
        "id": _ROLE["roleId"],
        "role": _ROLE["role"],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
    }
    return page_of([role], body)


def _teams(api: ApiContext, body: Listing) -> object:
    page, rows = api.services.accounts.teams(body)
    return page.answer([team_json(row) for row in rows])


def _add_team(api: ApiContext, body: _AddTeam) -> object:
    return team_json(api.services.accounts.add_team(checked_name(body.name), body.description or ""))


def _edit_team(api: ApiContext, body: _EditNamed) -> object:
    name = None if body.name is None else checked_name(body.name)
    return team_json(api.services.accounts.edit_team(body.id, name, body.description))


def _add_workspace(api: ApiContext, body: _AddWorkspace) -> object:
    name = checked_name(body.name)
    return workspace_json(api.services.accounts.add_workspace(body.team_id, name, body.description or ""))


def _edit_workspace(api: ApiContext, body: _EditNamed) -> object:
    name = None if body.name is None else checked_name(body.name)
    return workspace_json(api.services.accounts.edit_workspace(body.id, name, body.description))


def _workspaces(api: ApiContext, body: _WorkspaceList) -> object:
    page, rows = api.services.accounts.workspaces(body.team_id, body)
    return page.answer([workspace_json(row) for row in rows])


def _set_visibility(api: ApiContext, body: _Visibility) -> object:
    return workspace_json(api.services.accounts.hide_workspace(body.id, hidden=body.hidden))


class _AgentList(Listing, kw_only=True):
    team_id: Id


class _Available(Body):
    # ``needGPU`` is not looked at: the SDK always sends it, and CPU agents train here as well.
    team_id: Id
    any_status: bool = False


class _Pause(ById):
    paused: bool


class _Team(Body):
    team_id: Id


class _Configure(_Team):
    count: int
    threads: int


def _agent_json(agent: LocalAgent, *, with_gpu: bool = True) -> dict[str, Any]:
    """Return an agent."""
    answer = {
        "id": agent.id,
        "name": agent.name,
        "token": None,  # agents of this server are part of it and never log in
        "status": agent.status.value,
        "userId": agent.user_id,
        "teamId": agent.team_id,
        "capabilities": {"types": ["app", "app_gpu"]},
        "createdAt": agent.created_at,
        "updatedAt": agent.updated_at,
        "isPublic": False,
        "type": AGENT_TYPE,
        "disabled": agent.status is not AgentStatus.RUNNING,
        "version": API_VERSION,
        "threads": agent.threads,
        "queuePaused": agent.paused,
    }
    # In lists only where asked for, with ``extraFields`` (docs/supervisely-api.md 2).
    return answer | ({"gpuInfo": _gpu_json(agent)} if with_gpu else {})


def _gpu_json(agent: LocalAgent) -> dict[str, Any]:
    # The SDK picks the agent with most free device memory and fails where an agent has no number
    # (docs/supervisely-api.md 3.1): a CPU agent reports the machine's main memory.
    memory = agent.memory
    return {
        "is_available": agent.is_gpu,
        "device_count": 1,
        "device_names": [memory.name],
        "device_memory": [{"total": memory.total, "available": agent.free_bytes}],
    }


def _list_agents(api: ApiContext, body: _AgentList) -> object:
    page, agents = api.services.agents.page(body.team_id, body)
    return page.answer([_agent_json(agent, with_gpu=body.wants("gpuInfo")) for agent in agents])


def _available(api: ApiContext, body: _Available) -> object:
    api.services.accounts.team(body.team_id)
    # A plain array, not a page: the SDK takes nothing else (docs/supervisely-api.md 3.1).
    if body.any_status:
        return [_agent_json(agent) for agent in api.services.agents.all() if agent.team_id == body.team_id]
    return [_agent_json(agent) for agent in api.services.agents.running(body.team_id)]


def _pause(api: ApiContext, body: _Pause) -> object:
    agent = api.services.agents.pause(AgentId(body.id), paused=body.paused)
    api.control.wake()  # a queue that goes on again has a task to give
    return _agent_json(agent)


def _settings(api: ApiContext, body: _Team) -> AgentSettings:
    api.services.accounts.team(body.team_id)
    return api.services.agents.settings()


def _configure(api: ApiContext, body: _Configure) -> AgentSettings:
    api.services.accounts.team(body.team_id)
    settings = api.services.agents.configure(api.services.accounts.home(), count=body.count, threads=body.threads)
    api.control.wake()
    return settings


METHODS: Sequence[Method[Any]] = (
    Method("instance.version", Body, lambda _api, _body: {"version": API_VERSION}),
    Method("users.me", Body, lambda api, _body: _user_json(api.services.accounts.user())),
    Method("users.list", Listing, _users),
    Method("users.info", ById, _user),
    Method("members.list", _MemberList, _members),
    Method("roles.list", Listing, _roles),
    Method("teams.list", Listing, _teams),
    Method("teams.info", ById, lambda api, body: team_json(api.services.accounts.team(body.id))),
    Method("teams.add", _AddTeam, _add_team),
    Method("teams.editInfo", _EditNamed, _edit_team),
    Method("workspaces.list", _WorkspaceList, _workspaces),
    Method("workspaces.info", ById, lambda api, body: workspace_json(api.services.accounts.workspace(body.id))),
    Method("workspaces.add", _AddWorkspace, _add_workspace),
    Method("workspaces.editInfo", _EditNamed, _edit_workspace),
    Method("workspaces.visibility.set", _Visibility, _set_visibility),
    Method("agents.list", _AgentList, _list_agents),
    Method("agents.available", _Available, _available),
    Method("agents.info", ById, lambda api, body: _agent_json(api.services.agents.get(AgentId(body.id)))),
    # Extensions of this server: its agents are slices of one machine, cut as its owner likes.
    Method("agents.queue.pause", _Pause, _pause),
    Method("agents.settings.info", _Team, _settings),
    Method("agents.settings.set", _Configure, _configure),
)
