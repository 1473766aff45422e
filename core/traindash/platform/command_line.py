"""What a script for the official SDK needs to talk to the server of a data directory.

Loads nothing that reads images or archives: ``traindash env`` is typed into shells and has to answer at once.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from traindash.domain.ids import ProjectId, WorkspaceId
from traindash.domain.project import Dataset, Project
from traindash.errors import InputError, NotFoundError
from traindash.platform.agents import Agents, Hardware
from traindash.platform.home import HomeLayout, read_token
from traindash.platform.store.accounts import Accounts
from traindash.platform.store.database import Database
from traindash.platform.store.listing import Condition, Listing
from traindash.platform.store.projects import Projects

_SLOTS = 2  # the Complete Example of the Training API document pairs two models with two agents


def script_environment(home: Path, *, address: str, project: str | None = None) -> dict[str, str]:
    """Return what a script for the official SDK reads from its environment.

    Only the data directory ``home`` is read, so this works whether the server runs or not; ``address`` is the one that
    it has or will have. ``project`` is the id or name of the project to train on; ``None`` for the first one.

    Returns:
        ``SERVER_ADDRESS``, ``API_TOKEN``, ``TEAM_ID``, ``WORKSPACE_ID``, ``PROJECT_ID``, ``AGENT_IDS`` (a JSON list
        of at least two; an agent named twice takes its tasks one after the other), ``TRAIN_DATASET_ID`` and
        ``VAL_DATASET_ID`` (the two datasets with most images; the same one twice if there is only one).

    Raises:
        NotFoundError: There is no such directory, project or agent.
        InputError: The project has no images.
    """
    layout = HomeLayout(home.absolute())
    token = read_token(layout.token)
    if not layout.database.is_file():
        raise NotFoundError(f"{layout.root} has no database yet.", "Start the dashboard once.")
    database = Database(layout.database)
    database.open()
    try:
        where = Accounts(database).home()
        projects = Projects(database)
        chosen = _project(projects, where.workspace_id, project)
        train, val = _two_datasets(chosen, projects.datasets(chosen.id))
        agents = [int(agent.id) for agent in Agents(database, Hardware()).running(where.team_id)]
    finally:
        database.close()
    if not agents:
        raise NotFoundError("This data directory has no agents yet.", "Start the dashboard once.")
    return {
        "SERVER_ADDRESS": address.rstrip("/"),
        "API_TOKEN": token,
        "TEAM_ID": str(where.team_id),
        "WORKSPACE_ID": str(where.workspace_id),
        "PROJECT_ID": str(chosen.id),
        # An agent that is named twice takes its tasks one after the other.
        "AGENT_IDS": json.dumps((agents * _SLOTS)[: max(len(agents), _SLOTS)]),
        "TRAIN_DATASET_ID": str(train.id),
        "VAL_DATASET_ID": str(val.id),
    }


def _project(projects: Projects, workspace_id: WorkspaceId, wanted: str | None) -> Project:
    if wanted is not None and wanted.isdecimal():
        return projects.get(ProjectId(int(wanted)))
    named = None if wanted is None else (Condition(field="name", value=wanted),)
    page, _ = projects.page(Listing(filter=named, per_page=1), workspace_id=workspace_id)
    if page.ids:
        return projects.get(ProjectId(page.ids[0]))
    if wanted is None:
        msg = "There is no project yet."
        raise NotFoundError(msg, "Start the dashboard once for the sample project, or import a project.")
    msg = f"There is no project named {wanted!r}."
    raise NotFoundError(msg, "Give the name or the id of a project that the dashboard shows.")


def _two_datasets(project: Project, datasets: Sequence[Dataset]) -> tuple[Dataset, Dataset]:
    # Most images first: the training side is the larger one in nearly every project.
    filled = sorted((item for item in datasets if item.items_count), key=lambda item: -item.items_count)
    if not filled:
        raise InputError(f"The project {project.name!r} has no images.", "Name another project.")
    return filled[0], filled[min(1, len(filled) - 1)]
