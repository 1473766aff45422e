"""The look that Streamlit's theme settings cannot give: one style sheet, and the words, colours and icons of states."""

import re
import unicodedata
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import streamlit as st

from traindash.comparison.report.rendering import table_style
from traindash.domain.ecosystem import AgentStatus
from traindash.domain.task import TaskStatus
from traindash.language import N_
from traindash.language import gettext as _
from traindash.ui.streamlit_internals import DeltaGenerator

# favicon. A local file: a material icon would be fetched from the internet as a favicon
ICON = str(Path(__file__).with_name("icon.png"))
_PIXELS = b64encode(Path(ICON).read_bytes()).decode()
LOGO = f'<img width="28" height="28" alt="" src="data:image/png;base64,{_PIXELS}">'
_GROUND = ":root{--cx-ground:light-dark(#FFFFFF,#0E1117)}"
_SHEETS = (Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("style.css", "workspace.css"))
# Of all pages. Joined, not added: markup escapes what is added to it, and `>` is a part of selectors.
STYLE = "".join([_GROUND, table_style(), *_SHEETS])
_FROM_THE_RIGHT = frozenset({"R", "AL", "RLO", "RLE", "LRO", "LRE"})
_SHORTCODE = re.compile(r":(?=[\w+/-]*[A-Za-z][\w+/-]*:)")
_SPECIAL = frozenset("\\`*_{}[]()#+-.!|<>~:$&")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusLook:
    """How a state is shown, always with icon and word."""

    word: str  # a message
    icon: str
    color: Literal["blue", "green", "gray", "orange", "red"]  # name of a Streamlit badge colour


TASK_STATUS: Mapping[TaskStatus, StatusLook] = {
    TaskStatus.QUEUED: StatusLook(word=N_("Queued"), icon=":material/schedule:", color="gray"),
    TaskStatus.CONSUMED: StatusLook(word=N_("Starting"), icon=":material/hourglass_top:", color="gray"),
    TaskStatus.STARTED: StatusLook(word=N_("Running"), icon=":material/play_circle:", color="blue"),
    TaskStatus.DEPLOYED: StatusLook(word=N_("Running"), icon=":material/play_circle:", color="blue"),
    TaskStatus.TERMINATING: StatusLook(word=N_("Stopping"), icon=":material/stop_circle:", color="orange"),
    TaskStatus.FINISHED: StatusLook(word=N_("Finished"), icon=":material/check_circle:", color="green"),
    TaskStatus.STOPPED: StatusLook(word=N_("Stopped"), icon=":material/stop_circle:", color="orange"),
    TaskStatus.ERROR: StatusLook(word=N_("Error"), icon=":material/error:", color="red"),
    TaskStatus.UNKNOWN: StatusLook(word=N_("Unknown state"), icon=":material/help:", color="gray"),
}

AGENT_STATUS: Mapping[AgentStatus, StatusLook] = {
    AgentStatus.RUNNING: StatusLook(word=N_("Connected"), icon=":material/check_circle:", color="green"),
    AgentStatus.WAITING: StatusLook(word=N_("Offline"), icon=":material/cloud_off:", color="gray"),
    AgentStatus.UNKNOWN: StatusLook(word=N_("Unknown state"), icon=":material/help:", color="gray"),
}


def theme_name() -> Literal["light", "dark"]:
    """Return which of the two themes the person sees; light before the browser has said."""
    # The browser tells it with its first message; before that it is None (1.67).
    return "dark" if st.context.theme.type == "dark" else "light"


def status_badge(look: StatusLook) -> None:
    """Draw a state as a badge with icon and word."""
    st.badge(_(look.word), icon=look.icon, color=look.color)


def number_card(
    label: str, value: str, note: str | None = None, place: DeltaGenerator | None = None, about: str | None = None
) -> None:
    """Draw a number with a note below it, in a card as high as the others of its row; in a column, if one is given.

    ``about`` explains it to whoever points at its name.
    """
    (place or st).metric(
        label, value, note, delta_color="off", delta_arrow="off", border=True, height="stretch", help=about
    )


# Names and messages as data: what comes from a server or a person is never read as Markdown.


def plain(text: str) -> str:
    """Return Markdown that shows exactly this text."""
    # Streamlit looks for icons and emoji where the escapes are gone already (1.67); nobody sees a word joiner.
    text = _SHORTCODE.sub(":\u2060", text)
    # Letters that run from right to left take what stands beside them along, unless they are on an island.
    if not text.isascii() and any(unicodedata.bidirectional(letter) in _FROM_THE_RIGHT for letter in text):
        text = f"\u2068{text}\u2069"
    return "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in text)
