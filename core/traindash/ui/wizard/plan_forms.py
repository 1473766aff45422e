"""The plan in other forms: a script of the official SDK, a plan file, a command; each to copy and to save."""

from dataclasses import replace

import streamlit as st

from traindash.domain.plan import RandomSplit, TrainingPlan
from traindash.errors import AppError
from traindash.plans.draft import DraftId, split_draft
from traindash.plans.plan_code import launch_command, python_script
from traindash.plans.plan_file import write_plan
from traindash.plans.splits import settled
from traindash.plans.steps import complete
from traindash.ui import connection, lookups
from traindash.ui.state import change_draft, flash
from traindash.ui.wizard.frame import WizardView

_PLAN_FILE = "plan.yaml"


def draw_plan_forms(view: WizardView) -> None:
    """Draw the forms of a complete plan; nothing while the plan has holes, which the list of problems names."""
    plan = complete(view.draft, view.facts)
    if not isinstance(plan, TrainingPlan):
        return
    with st.expander("This plan as code", icon=":material/code:"):
        st.caption("Point at a text to copy it with one click, or save it as a file.")
        script, file, command = st.tabs(["Python", "Plan file", "Command line"])
        with script:
            st.caption("Starts the same training with the official SDK, on this or any other Supervisely server.")
            _offer_to_freeze(view, plan)
            _form(python_script(plan), "python", "train.py", "text/x-python")
        with file:
            st.caption("Can be read in again under “Start from a plan”, kept beside your code, and started by command.")
            _form(write_plan(plan), "yaml", _PLAN_FILE, "application/yaml")
        with command:
            st.caption(
                f"Starts the plan file, saved as {_PLAN_FILE}. The token comes from the variable API_TOKEN, "
                "which `traindash env` prints for this machine."
            )
            line = launch_command(_PLAN_FILE, server=connection.address())
            _form(line + "\n", "bash", "train.sh", "text/x-shellscript")


def _offer_to_freeze(view: WizardView, plan: TrainingPlan) -> None:
    """Offer to fix a split that is frozen only at the start: the SDK can name it by its collections alone."""
    if not isinstance(plan.train_val_split, RandomSplit) or plan.train_val_split.seed is None:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="script-freeze"):
        with st.container(width="stretch"):
            st.caption(
                "The SDK has no split with a seed: this script draws its own each time. "
                "Frozen now, the split has two collections that the script can name."
            )
        st.button("Freeze now", icon=":material/lock:", key="freeze-now", on_click=_freeze, args=(view.draft.id, plan))


def _freeze(draft_id: DraftId, plan: TrainingPlan) -> None:
    try:
        frozen = settled(connection.client(), plan).train_val_split
    except AppError as error:
        flash(str(error), "error")
        return
    lookups.project.forget(plan.project_id)
    change_draft(draft_id, lambda draft: replace(draft, split=split_draft(frozen)))
    flash("The split is frozen as two collections.")


def _form(text: str, language: str, name: str, mime: str) -> None:
    st.code(text, language=language, height=320 if text.count("\n") > 14 else "content")  # noqa: PLR2004 - lines
    st.download_button(
        f"Download {name}",
        text,
        file_name=name,
        mime=mime,
        icon=":material/download:",
        key=f"download-{name}",
        on_click="ignore",
    )
