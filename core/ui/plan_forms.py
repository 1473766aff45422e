"""The plan in other forms: a script of the official SDK, a plan file, a command; each to copy and to save."""

import streamlit as st

from core.domain.plan import TrainingPlan
from core.launch.plan_code import launch_command, python_script
from core.launch.plan_file import write_plan
from core.ui import connection
from core.ui.wizard_frame import WizardView
from core.wizard.completion import complete

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
