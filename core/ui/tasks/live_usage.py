"""What a task's processes use, as a small history."""

from collections.abc import Callable, Sequence

import streamlit as st

from core.compare import formatting
from core.launch.watching.progress import Resources, TaskProgress

_HEIGHT = 348


def draw_usage(progress: TaskProgress) -> None:
    """Draw processor, memory and GPU over the last minutes, or why there is nothing to draw."""
    with st.container(border=True, height=_HEIGHT, key="live-usage"):
        st.markdown("**What the training uses**")
        usage = progress.usage
        if not usage:
            st.caption(
                "Numbers appear a few seconds after the process has started."
                if progress.reports_phases or not progress.log
                else "This server does not say what a task uses."
            )
            return
        span = (usage[-1].at - usage[0].at).total_seconds()
        st.caption(f"The last {formatting.duration(span)}" if span else "Measured once so far")
        cells = [cell for _ in range(2) for cell in st.columns(2)]
        with cells[0]:
            _card(
                "Processor", "100 % is one core that is fully used.", _percent, _of(usage, lambda row: row.cpu_percent)
            )
        with cells[1]:
            _card(
                "Memory", "Main memory of all processes of the task.", _bytes, _of(usage, lambda row: row.memory_bytes)
            )
        with cells[2]:
            _card("GPU", "How busy the task's GPU is.", _percent, _of(usage, lambda row: row.gpu_percent))
        with cells[3]:
            _card("GPU memory", "What is taken of it.", _bytes, _of(usage, lambda row: row.gpu_memory_bytes))


def _card(title: str, note: str, write: Callable[[float], str], values: Sequence[float]) -> None:
    if not values:
        return
    highest = max(values)
    st.metric(
        title,
        write(values[-1]),
        f"at most {write(highest)}",
        delta_color="off",
        delta_arrow="off",
        chart_data=[round(value, 1) for value in values],
        chart_type="area",
        help=note,
    )


def _of(usage: Sequence[Resources], read: Callable[[Resources], float | None]) -> list[float]:
    return [value for row in usage if (value := read(row)) is not None]


def _percent(value: float) -> str:
    return f"{value:.0f} %"


def _bytes(value: float) -> str:
    return formatting.size(value)
