"""The report of an import: what was taken, what was not and why."""

import pandas as pd
import streamlit as st

from core.compare.formatting import count, plural
from core.domain.imports import DataImport, ImportSummary
from core.ui.streamlit_internals import table_height
from core.ui.text import plain

_MAX_ROWS = 10


def draw_report(finished: DataImport, report: ImportSummary) -> None:
    """Draw the numbers, the problems with their first examples, and the classes."""
    st.header(f"“{plain(finished.name)}” is a project now", anchor=False)
    with st.grid(3, min_column_width=110, gap="small"):
        st.metric("Images", count(report.images))
        st.metric("Objects", count(report.objects))
        st.metric("Classes", count(len(report.classes)))
    _problems(report)
    empty = sum(objects == 0 for objects in report.classes.values())
    st.subheader("Classes", anchor=False)
    if empty:
        st.caption(f"{plural(empty, 'class', 'classes')} without objects.")
    frame = pd.DataFrame({"Class": list(report.classes), "Objects": list(report.classes.values())})
    st.dataframe(
        frame,
        hide_index=True,
        height=table_height(len(frame), _MAX_ROWS),
        column_config={"Objects": st.column_config.NumberColumn(format="localized")},
        alt="Classes with the number of objects taken",
    )


def _problems(report: ImportSummary) -> None:
    if not report.problems:
        st.success("Everything was taken as it is.", icon=":material/check_circle:")
        return
    st.subheader("What was skipped or changed", anchor=False)
    rows = [
        {
            "What": item.kind.capitalize(),
            "What was done": item.effect.capitalize(),
            "How often": item.count,
            "First example": f"{item.examples[0][0]}: {item.examples[0][1]}" if item.examples else "",
        }
        for item in report.problems
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height=table_height(len(rows)),
        column_config={
            "What": st.column_config.TextColumn(width="medium"),
            "How often": st.column_config.NumberColumn(format="localized", width="small"),
            "First example": st.column_config.TextColumn(width="large"),
        },
        alt="What was skipped or changed, and how often",
    )
    with st.expander("More examples"):
        for item in report.problems:
            st.markdown(f"**{plain(item.kind.capitalize())}**, {plain(item.effect)}, {count(item.count)} times")
            lines = "\n".join(f"- {plain(place)}: {plain(message)}" for place, message in item.examples)
            st.markdown(lines)
