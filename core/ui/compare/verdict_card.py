"""The verdict on top of a comparison, with the badge that says whether figures may stand side by side."""

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from core.compare.certainty import Significance
from core.compare.common_set import CommonSet
from core.compare.experiment import Comparison
from core.compare.standing import Standing, standing_of
from core.compare.verdict import Verdict, judge
from core.evaluation import ComparabilityKind
from core.ui.compare.footing import AS_MEASURED, FIGURES
from core.ui.text import plain

_ICONS = {
    "winner": ":material/trophy:",
    "tie": ":material/balance:",
    "open": ":material/hourglass_top:",
    "unlike": ":material/warning:",
    "nothing": ":material/info:",
}
_BADGES: dict[str, tuple[str, Literal["green", "blue", "orange", "gray"]]] = {
    "alike": (":material/check_circle:", "green"),
    "reserved": (":material/help:", "orange"),
    "rescored": (":material/join_inner:", "blue"),
    "unlike": (":material/warning:", "orange"),
    "unknown": (":material/help:", "gray"),
}
_CHOICES = {"Common images": None, "As each was measured": AS_MEASURED}
_KEY = "compare-figures"


def draw_verdict(comparison: Comparison, significance: Significance) -> None:
    """Draw headline, badge, reasons, and the choice between common images and the figures as measured."""
    verdict = _judged(comparison.fingerprint, significance.pending, comparison, significance)
    standing = standing_of(comparison, significance)
    with st.container(border=True, key=f"verdict-{verdict.kind}"):
        with st.container(horizontal=True, wrap=False, vertical_alignment="top", key="head-of-verdict"):
            st.markdown(f"### {_ICONS[verdict.kind]} {plain(verdict.headline)}", anchors=False, width="stretch")
            if len(comparison.experiments) > 1:
                _draw_badge(standing)
        if verdict.sentences:
            st.markdown(_paragraphs(verdict.sentences))
        if verdict.warnings:
            st.caption(_paragraphs(verdict.warnings))
        if comparison.common is not None or _can_be_rescored(significance):
            _draw_choice(comparison)
        if comparison.common is not None:
            _draw_left_out(comparison.common)


@st.cache_resource(ttl=3600, max_entries=100, show_spinner=False)
def _judged(fingerprint: str, pending: bool, _comparison: Comparison, _significance: Significance) -> Verdict:  # noqa: FBT001 - an argument of the cache's key
    del fingerprint, pending
    return judge(_comparison, _significance)


def _can_be_rescored(significance: Significance) -> bool:
    return significance.judgement is not None and significance.judgement.kind is ComparabilityKind.RESCORE


def _draw_badge(standing: Standing) -> None:
    icon, color = _BADGES[standing.kind]
    with st.popover(standing.words, icon=icon, key=f"standing-{color}", help="Why"):
        st.markdown(_paragraphs(standing.reasons))


def _paragraphs(sentences: Sequence[str]) -> str:
    return "\n\n".join(map(plain, sentences))


def _draw_choice(comparison: Comparison) -> None:
    st.session_state[_KEY] = next(iter(_CHOICES)) if comparison.common is not None else list(_CHOICES)[1]
    with st.container(horizontal=True, vertical_alignment="center", key="figures-choice"):
        st.segmented_control(
            "Figures on this page",
            list(_CHOICES),
            key=_KEY,
            required=True,
            label_visibility="collapsed",
            on_change=_set,
        )
        if comparison.common is None:
            st.caption("These figures were not measured alike: they are not ranked and have no differences.")


def _set() -> None:
    value = _CHOICES[st.session_state[_KEY]]
    if value is None:
        st.query_params.pop(FIGURES, None)
    else:
        st.query_params[FIGURES] = value


def _draw_left_out(common: CommonSet) -> None:
    """List what is not on the page, for each experiment."""
    with st.expander("What was left out", icon=":material/filter_alt:"):
        for one in common.left_out:
            st.markdown(plain(one.words))
        rows = [(one.label, image) for one in common.left_out for image in one.images]
        if rows:
            st.dataframe(
                {
                    "Experiment": [label for label, _ in rows],
                    "Dataset": [image.dataset for _, image in rows],
                    "Image": [image.name for _, image in rows],
                    "Why": [image.reason for _, image in rows],
                },
                hide_index=True,
                height=min(320, 38 + 36 * len(rows)),
                alt="Images that were left out",
            )
