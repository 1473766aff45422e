"""Names for the ids in a plan, from what the server knows."""

from core.domain.ids import AgentId, ProjectId
from core.ui import connection, lookups
from core.wizard.in_words import Names


def names_for(project_id: ProjectId | None, default_hyperparameters: str = "") -> Names:
    """Return the names that plans on a project are described with.

    Args:
        project_id: Its datasets and collections get names, too.
        default_hyperparameters: Defaults of the framework, as YAML.
    """
    project = None if project_id is None else lookups.project(project_id)
    projects = {item.id: item.name for item in lookups.projects(connection.workspace_id())}
    agents: dict[AgentId, str] = {item.id: item.name for item in lookups.agents(connection.team_id())}
    places: dict[int, str] = {}
    if project is not None:
        projects[project.project.id] = project.project.name
        places = {**{int(i): n for i, n in project.dataset_names.items()}}
        places.update({int(i): n for i, n in project.collection_names.items()})
    return Names(projects=projects, agents=agents, places=places, default_hyperparameters=default_hyperparameters)
