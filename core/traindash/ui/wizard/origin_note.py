"""What a draft changes of the training that it began with."""

import streamlit as st

from traindash.domain.ids import ProjectId
from traindash.formatting import plural
from traindash.plans.draft import WizardDraft
from traindash.plans.facts import Facts
from traindash.plans.steps import Names, changes
from traindash.ui import connection, lookups, screens
from traindash.ui.state import DRAFT_PARAM, TASK_PARAM
from traindash.ui.text import plain
from traindash.ui.wizard.again import place_text

# Names for the ids in a plan, from what the server knows.


def names_for(project_id: ProjectId | None, default_hyperparameters: str = "") -> Names:
    """Return the names that plans on a project are described with.

    Args:
        project_id: Its datasets and collections get names, too.
        default_hyperparameters: Defaults of the framework, as YAML.
    """
    project = None if project_id is None else lookups.project(project_id)
    projects = {item.id: item.name for item in lookups.projects(connection.workspace_id())}
    if project is not None:
        projects[project.project.id] = project.project.name
    return Names(
        projects=projects,
        agents={item.id: item.name for item in lookups.agents(connection.team_id())},
        datasets={} if project is None else project.dataset_names,
        collections={} if project is None else project.collection_names,
        default_hyperparameters=default_hyperparameters,
    )


_SHOWN = 3


def draw_origin(draft: WizardDraft, facts: Facts, *, leads_on: bool = True) -> None:
    """Draw the training that a draft began with and every difference to it; nothing for other drafts.

    Args:
        draft: The draft.
        facts: What the server knows about it.
        leads_on: With the way to the last step, for a draft that takes a place.
    """
    if draft.origin is None:
        return
    defaults = facts.model.default_hyperparameters if facts.model else ""
    found = changes(draft.origin.plan, draft, names_for(draft.project_id, defaults))
    with st.container(border=True, horizontal=True, vertical_alignment="center", wrap=False, key="origin"):
        shown = "; ".join(
            f"**{plain(item.label)}** {plain(item.before)} → {plain(item.after)}" for item in found[:_SHOWN]
        )
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        what = f"{plural(len(found), 'difference')}: {shown}{more}" if found else "no difference yet"
        begin = place_text(draft.replaces) if draft.replaces else f"Based on **{plain(draft.origin.title)}**"
        st.markdown(f":material/difference: {begin}, {what}.", width="stretch")
        if len(found) > _SHOWN:
            with st.popover("All differences", width="content"):
                for item in found:
                    st.page_link(
                        screens.page(item.step),
                        label=f"{plain(item.label)}: {plain(item.before)} → {plain(item.after)}",
                        query_params={DRAFT_PARAM: draft.id},
                    )
        if draft.origin.task_id is not None:
            st.page_link(
                screens.page("task"),
                label=f"Task {draft.origin.task_id}",
                icon=":material/open_in_new:",
                query_params={TASK_PARAM: str(draft.origin.task_id)},
                width="content",
            )
        if leads_on and draft.replaces is not None and not draft.is_started:
            st.page_link(
                screens.page("launch"),
                label="Review and start",
                icon=":material/rocket_launch:",
                query_params={DRAFT_PARAM: draft.id},
                width="content",
            )
